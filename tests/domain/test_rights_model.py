"""Contracts and rights as nouns: contract days, groups of territories with their dates, contradictions."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.rights.book import Book, entry
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
    terms_of,
)
from holdback_servers.rights.moments import Event, EventLag, check_lag, day_start
from holdback_servers.rights.tongues import grants_tongue, meets_tongue, parse_tongue
from holdback_servers.rights.windows import window
from pydantic import ValidationError


def contract(zone: str = "UTC", direction: str = "in") -> Contract:
    terms = {"counterparty": "A", "direction": direction, "status": "active", "time_zone": zone}
    return contract_on_record("ctr_a", ContractTerms.model_validate(terms))


def right(zone: str = "UTC", direction: str = "in", **terms: Any) -> Right:
    shape = {
        "ref": "film:a",
        "kind": "grant",
        "media": ["all"],
        "territories": ["WORLD"],
        "first_day": "2026-01-01",
        **terms,
    }
    return right_on_record("rgt_a", RightTerms.model_validate(shape), contract(zone, direction))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # pyright: ignore


def test_contract_days_are_days_of_the_contracts_own_zone_and_the_last_is_included() -> None:
    found = right("Europe/Berlin", first_day="2026-07-01", last_day="2026-12-14")

    assert found.start == utc(2026, 6, 30, 22)
    assert found.end == utc(2026, 12, 14, 23)


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    spring, autumn = (right("Europe/London", first_day=day, last_day=day) for day in ("2026-03-29", "2026-10-25"))

    assert [each.end - each.start for each in (spring, autumn) if each.start and each.end] == [
        utc(2026, 1, 1, 23) - utc(2026, 1, 1),
        utc(2026, 1, 2, 1) - utc(2026, 1, 1),
    ]


def test_where_clocks_jump_over_midnight_the_day_begins_with_the_jump() -> None:
    assert day_start(date(2018, 11, 4), "America/Sao_Paulo") == utc(2018, 11, 4, 3)


def test_a_day_that_never_was_is_no_time_at_all() -> None:
    assert day_start(date(2011, 12, 30), "Pacific/Apia") == day_start(date(2011, 12, 31), "Pacific/Apia")


def test_what_was_recorded_can_be_worked_out_again() -> None:
    found = right("Europe/Berlin", last_day="2026-12-14", territories=["EU", "gb"])

    assert right_on_record("rgt_a", terms_of(found), contract("Europe/Berlin")) == found


def test_codes_are_kept_in_their_usual_case_and_order_without_doubles() -> None:
    found = right(territories=["gb", " de", "GB", "eu"], media=["Social.YouTube"], languages=["DE", "es-419"])

    assert found.territories == ("DE", "EU", "GB")
    assert found.media == ("social.youtube",)
    assert found.languages == ("de", "es-419")


@pytest.mark.parametrize(("first_day", "inside"), [("2019-05-01", True), ("2026-01-01", False)])
def test_a_group_means_its_members_on_the_day_the_right_begins(first_day: str, inside: bool) -> None:
    found = entry(right(territories=["EU"], first_day=first_day), contract())

    assert found.reaches_place("GB") is inside
    assert found.reaches_place("DE")


def test_a_contract_may_name_the_day_its_groups_are_read_on() -> None:
    found = entry(right(territories=["EU"], first_day="2026-01-01", groups_on="2019-01-01"), contract())

    assert found.reaches_place("GB")


@pytest.mark.parametrize(
    ("included", "excluded", "grants", "restricts"),
    [
        (["US"], [], {"US", "US-CA", "US-NY"}, {"US", "US-CA", "US-NY"}),
        (["US-CA"], [], {"US-CA"}, {"US", "US-CA"}),
        (["US"], ["US-CA"], {"US-NY"}, {"US", "US-NY"}),
        (["WORLD"], ["US"], {"DE", "GB-EDH", "GB-SCT"}, {"DE", "GB-EDH", "GB-SCT"}),
        (["GB-SCT"], [], {"GB-SCT", "GB-EDH"}, {"GB-SCT", "GB-EDH"}),
    ],
)
def test_a_grant_speaks_for_the_whole_of_a_place_and_a_restriction_for_any_of_it(
    included: list[str], excluded: list[str], grants: set[str], restricts: set[str]
) -> None:
    places = ["DE", "US", "US-CA", "US-NY", "GB-SCT", "GB-EDH"]
    terms: dict[str, Any] = {"territories": included, "excluded_territories": excluded}
    giving = entry(right(**terms), contract())
    against = entry(right(kind="blackout", **terms), contract())

    assert {each for each in places if giving.reaches_place(each)} == grants
    assert {each for each in places if against.reaches_place(each)} == restricts


@pytest.mark.parametrize(
    ("media", "grants", "restricts"),
    [
        ("social", {"social", "social.youtube"}, {"all", "social", "social.youtube"}),
        ("social.youtube", {"social.youtube"}, {"all", "social", "social.youtube"}),
        ("all", {"all", "linear", "social", "social.youtube"}, {"all", "linear", "social", "social.youtube"}),
    ],
)
def test_a_grant_covers_what_lies_below_its_node_and_a_restriction_what_lies_above_too(
    media: str, grants: set[str], restricts: set[str]
) -> None:
    nodes = ["all", "linear", "social", "social.youtube"]
    giving, against = (entry(right(media=[media], kind=kind), contract()) for kind in ("grant", "holdback"))

    assert {each for each in nodes if giving.reaches_medium(each)} == grants
    assert {each for each in nodes if against.reaches_medium(each)} == restricts


@pytest.mark.parametrize(
    ("zone", "direction", "terms", "code"),
    [
        ("UTC", "out", {}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"kind": "licence_out"}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"first_day": None}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"start": "2026-01-01T00:00:00Z"}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"last_day": "2025-12-31"}, "RANGE_INVALID"),
        ("UTC", "in", {"territories": ["UK"]}, "TERRITORY_UNKNOWN"),
        ("UTC", "in", {"excluded_territories": ["Narnia"]}, "TERRITORY_UNKNOWN"),
        ("UTC", "in", {"media": ["radio"]}, "MEDIUM_UNKNOWN"),
        ("UTC", "in", {"conditions": [{"type": "blur", "ref": "A Logo"}]}, "INVALID_ARGUMENT"),
        ("Nowhere/City", "in", {}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"first_day": None, "start_event": {"event": "shown", "lag": "90 days"}}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"start_event": {"event": "shown"}}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"max_excerpt_percent": 10}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"kind": "holdback", "max_runs": 1}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"reruns": {"repeats": 1, "hours": 24}}, "INVALID_ARGUMENT"),
        ("UTC", "in", {"languages": ["song:de"]}, "LANGUAGE_UNKNOWN"),
    ],
)
def test_a_contradiction_is_refused_with_the_place_and_the_cure(
    zone: str, direction: str, terms: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        right(zone, direction, **terms)

    assert caught.value.code == code
    assert caught.value.hint


def dated(zone: str, lag: str, **event: Any) -> Right:
    """A grant from an event that is known to happen then."""
    terms = RightTerms.model_validate(
        {
            "ref": "film:a",
            "kind": "grant",
            "media": ["all"],
            "territories": ["WORLD"],
            "start_event": {"event": "shown", "lag": lag},
        }
    )
    known = {"shown": Event.model_validate({"ref": "film:a", "event": "shown", **event})}
    return right_on_record("rgt_a", terms, contract(zone), events=known)


@pytest.mark.parametrize(
    ("lag", "start"),
    [
        ("P0D", utc(2026, 1, 31, 12)),
        ("P90D", utc(2026, 5, 1, 11)),
        ("P1M", utc(2026, 2, 28, 12)),
        ("P1Y1M", utc(2027, 2, 28, 12)),
        ("P2W", utc(2026, 2, 14, 12)),
        ("-P7D", utc(2026, 1, 24, 12)),
        ("PT2160H", utc(2026, 5, 1, 12)),
        ("P1DT12H", utc(2026, 2, 2, 0)),
    ],
)
def test_days_and_months_from_an_event_go_by_the_clock_of_the_zone_and_hours_as_they_pass(
    lag: str, start: datetime
) -> None:
    assert dated("Europe/Berlin", lag, at="2026-01-31T12:00:00Z").start == start


def test_the_day_of_an_event_begins_at_midnight_of_each_contracts_zone() -> None:
    assert dated("America/New_York", "P1D", day="2026-03-07").start == utc(2026, 3, 8, 5)
    assert dated("America/New_York", "P2D", day="2026-03-07").start == utc(2026, 3, 9, 4)


def test_an_end_that_hangs_on_an_unknown_event_is_absent_and_named() -> None:
    found = right(end_event={"event": "broadcast", "lag": "-P1D"})

    assert (found.end, found.unresolved) == (None, ("broadcast",))


def test_a_right_is_worked_out_again_once_its_event_is_known() -> None:
    before = right(end_event={"event": "broadcast", "lag": "P1D"})
    known = {"broadcast": Event(ref="film:a", event="broadcast", day=date(2026, 6, 1))}
    after = right_on_record("rgt_a", terms_of(before), contract("Europe/Berlin"), events=known)

    assert (after.end, after.unresolved) == (utc(2026, 6, 1, 22), ())


@pytest.mark.parametrize("lag", ["", "P", "PT", "90", "P1.5D", "P-7D", "P1D2M", "P1DT", "p1d", "P1H"])
def test_a_lag_that_is_no_iso_8601_duration_is_refused(lag: str) -> None:
    with pytest.raises(Problem) as caught:
        check_lag(lag)

    assert (caught.value.code, bool(caught.value.hint)) == ("INVALID_ARGUMENT", True)


def test_a_window_that_an_event_makes_empty_is_no_mistake_and_speaks_at_no_time() -> None:
    terms = {"ref": "film:a", "kind": "holdback", "media": ["all"], "territories": ["GB"], "first_day": "2026-12-01"}
    given = RightTerms.model_validate({**terms, "end_event": {"event": "broadcast"}})
    known = {"broadcast": Event(ref="film:a", event="broadcast", day=date(2026, 11, 30))}
    found = right_on_record("rgt_a", given, contract(), events=known)

    assert terms_of(found) == RightTerms.model_validate({**given.model_dump(), "groups_on": date(2026, 12, 1)})
    assert Book((entry(found, contract()),)).meeting(window(utc(2026, 1, 1), None)) == ()


def test_a_lag_that_leads_out_of_the_calendar_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        dated("UTC", "P999Y9999M", at="9000-01-01T00:00:00Z")

    assert caught.value.code == "RANGE_INVALID"


@pytest.mark.parametrize("when", [{}, {"at": "2026-01-01T00:00:00Z", "day": "2026-01-01"}])
def test_an_event_is_an_instant_or_a_day_and_never_both(when: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Event.model_validate({"ref": "film:a", "event": "shown", **when})


def test_an_event_with_its_lag_reads_as_a_person_would_say_it() -> None:
    assert [EventLag(event="shown", lag=lag).text() for lag in ("P0D", "P90D")] == ["shown", "shown P90D"]


@pytest.mark.parametrize(
    ("own", "asked", "covers", "meets"),
    [
        ("de", "de", True, True),
        ("es", "es-419", True, True),
        ("es-419", "es", False, True),
        ("es", "est", False, False),
        ("de", "subtitle:de", True, True),
        ("subtitle:de", "de", False, True),
        ("subtitle:de", "dub:de", False, False),
        ("subtitle:es", "subtitle:es-419", True, True),
        ("zh-Hant", "zh-Hant-TW", True, True),
    ],
)
def test_a_language_covers_its_regions_and_uses_and_a_restriction_meets_what_it_shares(
    own: str, asked: str, covers: bool, meets: bool
) -> None:
    assert (grants_tongue(own, asked), meets_tongue(own, asked)) == (covers, meets)


@pytest.mark.parametrize(
    ("text", "kept"), [(" DE ", "de"), ("Subtitle: es-419", "subtitle:es-419"), ("dub:PT-br", "dub:pt-BR")]
)
def test_a_language_is_kept_in_its_usual_case_with_its_use(text: str, kept: str) -> None:
    assert parse_tongue(text) == kept


@pytest.mark.parametrize("lag", ["P0D", "PT0S"])
def test_an_event_in_the_hour_that_comes_twice_is_kept_to_the_instant(lag: str) -> None:
    at = utc(2026, 10, 25, 1, 30)  # 02:30 in Berlin for the second time

    assert dated("Europe/Berlin", lag, at=at).start == at


@pytest.mark.parametrize(
    "window",
    [
        {"first_day": "2020-02-01"},
        {"start": "2020-01-31T23:00:00Z"},
        {"start_event": {"event": "shown"}},
    ],
)
def test_a_group_is_read_on_the_day_of_the_contracts_zone_on_which_the_right_begins(window: dict[str, Any]) -> None:
    terms = RightTerms.model_validate(
        {"ref": "film:a", "kind": "grant", "media": ["all"], "territories": ["EU"], **window}
    )
    shown = {"shown": Event(ref="film:a", event="shown", day=date(2020, 2, 1))}
    found = right_on_record("rgt_a", terms, contract("Europe/Berlin"), events=shown)

    assert found.start == utc(2020, 1, 31, 23)
    assert not entry(found, contract("Europe/Berlin")).reaches_place("GB")
    earlier = {"shown": Event(ref="film:a", event="shown", day=date(2020, 1, 15))}
    again = right_on_record("rgt_a", terms_of(found), contract("Europe/Berlin"), events=earlier)
    assert entry(again, contract("Europe/Berlin")).reaches_place("GB") == ("start_event" in window)


@pytest.mark.parametrize(
    ("own", "asked", "meets"),
    [
        ("zh", "cmn", True),
        ("cmn", "zh-Hant", True),
        ("cmn", "yue", False),
        ("zh-Hant-TW", "zh-TW", True),
        ("zh-Hant", "zh-Hans", False),
        ("es-419", "es-MX", True),
        ("es-419", "es-ES", False),
        ("es-419", "es", True),
        ("en-GB", "en-US", False),
        ("de", "en", False),
        ("subtitle:zh", "audio:cmn", False),
    ],
)
def test_a_restriction_meets_a_language_unless_they_are_surely_apart(own: str, asked: str, meets: bool) -> None:
    assert meets_tongue(own, asked) == meets_tongue(asked, own) == meets


@pytest.mark.parametrize("kind", ["holdback", "blackout", "embargo"])
def test_a_restriction_without_a_day_to_read_its_group_on_bars_all_that_ever_were_members(kind: str) -> None:
    found = entry(right(kind=kind, territories=["EU"], first_day=None, end="2027-01-01T00:00:00Z"), contract())
    assert [each for each in ("GB", "DE", "HR", "CH") if found.reaches_place(each)] == ["GB", "DE", "HR"]


def test_a_restriction_without_a_day_spares_only_those_that_always_were_members_of_what_it_takes_out() -> None:
    spared: dict[str, Any] = {
        "kind": "embargo",
        "territories": ["WORLD"],
        "excluded_territories": ["EU"],
        "first_day": None,
    }
    found = entry(right(**spared), contract())
    assert [each for each in ("GB", "DE", "HR", "CH") if found.reaches_place(each)] == ["GB", "HR", "CH"]
    dated = entry(right(**spared, groups_on="2026-01-01"), contract())
    assert [each for each in ("GB", "DE", "HR", "CH") if dated.reaches_place(each)] == ["GB", "CH"]


def test_the_restriction_of_an_event_that_is_not_on_record_has_no_day_until_it_is() -> None:
    terms = {"ref": "film:a", "kind": "holdback", "media": ["all"], "territories": ["EU"]}
    given = RightTerms.model_validate({**terms, "start_event": {"event": "broadcast"}})
    assert entry(right_on_record("rgt_a", given, contract()), contract()).reaches_place("GB")
    known = {"broadcast": Event(ref="film:a", event="broadcast", day=date(2026, 1, 1))}
    assert not entry(right_on_record("rgt_a", given, contract(), events=known), contract()).reaches_place("GB")
