"""Contracts and rights as nouns: contract days, groups of territories with their dates, contradictions."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.rights.book import entry
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    day_start,
    right_on_record,
    terms_of,
)


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
    terms = {"territories": included, "excluded_territories": excluded}
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
    ],
)
def test_a_contradiction_is_refused_with_the_place_and_the_cure(
    zone: str, direction: str, terms: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        right(zone, direction, **terms)

    assert caught.value.code == code
    assert caught.value.hint
