"""How publications stand on clearances, what ends soon, and what is asked for when rights fall away: plain values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_agents.compliance.coverage import clearance_standing, standing_of, uncovered
from holdback_agents.compliance.endings import ending_publications
from holdback_agents.contracts import Availability
from holdback_agents.publishing_parts import ScheduleEvent, SlotQuestion, WeekRequest
from holdback_agents.scheduler.mending import fresh_request, question_of, without_rights
from holdback_agents.scheduler.reply import free_slots
from holdback_base.vocabulary import TimeRange
from holdback_trust.keys import KeyPair, sign_jws
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MEDIA, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
CLEARANCE = "clr_1"


def at(days: float) -> datetime:
    return NOW + timedelta(days=days)


def publication(*pieces: tuple[str, float, float | None], **fields: Any) -> dict[str, Any]:
    availability = [
        {"territories": places.split(), "start": at(start)} | ({} if end is None else {"end": at(end)})
        for places, start, end in pieces
    ]
    return {
        "id": "pub_1",
        "title": "The lantern",
        "channel": "north-one",
        "platform": "social.youtube",
        "state": "scheduled",
        "media": MEDIA,
        "asset": "ast_1",
        "clearance": CLEARANCE,
        "start": at(min(start for _, start, _ in pieces)),
        "availability": availability,
    } | fields


def record(*cells: tuple[str, float, float | None], **fields: Any) -> dict[str, Any]:
    return {
        "clearance": CLEARANCE,
        "status": "valid",
        "deliveries": [{"media": MEDIA, "elements": OTHER}],
        "expires": at(7),
        "statement": "signed",
        "rights_changed": False,
        "cells": [
            {
                "territories": places.split(),
                "platforms": ["social"],
                "verdict": "CLEARED",
                "windows": [{"start": at(start)} | ({} if end is None else {"end": at(end)})],
            }
            for places, start, end in cells
        ],
    } | fields


def codes(shown: dict[str, Any], paper: dict[str, Any] | None, approvals: dict[str, str] | None = None) -> list[str]:
    standing = standing_of(shown, paper, approvals)
    assert standing.stands is (not standing.findings)
    return [each.code for each in standing.findings]


@pytest.mark.parametrize(("answer", "said"), [("revoked", ["APPROVAL_REVOKED"]), ("valid", []), ("unknown", [])])
def test_a_publication_whose_approval_was_taken_back_does_not_stand(answer: str, said: list[str]) -> None:
    shown = publication(("GB", 1, 30), approval="apr_1")
    assert codes(shown, record(("GB", 0, 30)), {"apr_1": answer}) == said
    assert codes(shown, record(("GB", 0, 30)), {"apr_2": "revoked"}) == []


def test_what_its_clearance_covers_for_every_minute_and_territory_stands() -> None:
    paper = record(("GB", 0, 30), ("DE", 10, 30))
    assert codes(publication(("GB", 1, 30), ("DE", 10, 30)), paper) == []
    assert codes(publication(("GB DE", 1, 30)), paper) == ["OUTSIDE_CLEARED_WINDOW"]
    assert codes(publication(("FR", 1, 30)), paper) == ["TERRITORY_NOT_CLEARED"]
    assert codes(publication(("GB", 1, None)), paper) == ["OUTSIDE_CLEARED_WINDOW"]


def test_a_cell_of_another_platform_or_of_unmet_conditions_opens_nothing() -> None:
    paper = record(("GB", 0, 30))
    assert codes(publication(("GB", 1, 2), platform="linear"), paper) == ["TERRITORY_NOT_CLEARED"]
    paper["cells"][0]["verdict"] = "CONDITIONAL"
    assert codes(publication(("GB", 1, 2)), paper) == ["TERRITORY_NOT_CLEARED"]


def test_windows_of_two_cells_that_touch_cover_what_neither_covers_alone() -> None:
    assert codes(publication(("GB", 1, 20)), record(("GB", 0, 10), ("GB", 10, 30))) == []


def test_a_lost_clearance_is_found_and_only_what_the_publication_would_use_of_the_loss() -> None:
    lost = [
        {
            "territories": ["DE", "GB"],
            "platforms": ["social"],
            "windows": [{"start": at(20), "end": at(30)}],
            "reasons": ["The licence ends."],
        }
    ]
    stale = record(("GB DE", 0, 30), status="stale", stale=at(0), stale_reason="x", lost=lost)
    assert codes(publication(("GB", 1, 10)), stale) == ["CLEARANCE_STALE"]
    found = standing_of(publication(("GB", 1, 25)), stale).findings
    assert [each.code for each in found] == ["CLEARANCE_STALE", "OUTSIDE_CLEARED_WINDOW"]
    assert (found[1].territories, found[1].windows) == (("GB",), (TimeRange(start=at(20), end=at(25)),))
    assert codes(publication(("GB", 1, 25)), record(("GB", 0, 30), status="revoked", reason="x")) == [
        "CLEARANCE_REVOKED"
    ]


def test_what_is_committed_outlives_its_paper_until_rights_change_and_what_is_held_does_not() -> None:
    old = record(("GB", 0, 30), status="expired")
    assert codes(publication(("GB", 1, 25)), old) == []
    assert codes(publication(("GB", 1, 25), state="held"), old) == ["CLEARANCE_EXPIRED"]
    assert codes(publication(("GB", 1, 25)), old | {"rights_changed": True}) == ["CLEARANCE_EXPIRED"]


def test_other_bytes_and_no_clearance_at_all_do_not_stand() -> None:
    paper = record(("GB", 0, 30))
    assert codes(publication(("GB", 1, 2), media=OTHER), paper) == ["CLEARANCE_HASH_MISMATCH"]
    assert codes(publication(("GB", 1, 2)), None) == ["NOT_CLEARED"]
    assert [each.code for each in clearance_standing(paper, OTHER).findings] == ["CLEARANCE_HASH_MISMATCH"]
    assert clearance_standing(paper, MEDIA).stands


DAYS = st.integers(0, 12)


@given(st.lists(st.tuples(DAYS, DAYS), max_size=4), st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=3))
def test_exactly_the_days_that_no_window_opens_are_told_as_shut(
    opened: list[tuple[int, int]], shown: list[tuple[int, int]]
) -> None:
    cells = record(*(("GB", start, end) for start, end in opened if start < end))["cells"]
    pieces = [Availability(territories=("GB",), start=at(start), end=at(end)) for start, end in shown if start < end]
    found = uncovered(cells, pieces, "social.youtube")
    told = {
        day for finding in found for window in finding.windows for day in range(13) if window.contains(at(day + 0.5))
    }
    wanted = {day for start, end in shown for day in range(start, end)}
    open_days = {day for start, end in opened for day in range(start, end)}
    assert told == wanted - open_days


def ending(**fields: Any) -> dict[str, Any]:
    return {
        "right": "rgt_1",
        "ref": "film:lantern",
        "contract": "ctr_1",
        "ends": "2026-12-12T12:00:00Z",
        "clearances": [CLEARANCE],
        "lost": [{"territories": ["GB"], "media": ["social"], "windows": [{"start": at(20)}]}],
    } | fields


def test_what_ends_is_told_by_territory_with_the_grants_that_end_it() -> None:
    shown = publication(("GB", 1, 20), ("DE", 1, 5), ("FR", 1, None))
    found = ending_publications([shown], [ending()], NOW, 90)
    assert [(each.territories, each.days_left, each.within_days) for each in found] == [
        (("DE",), 5, 7),
        (("GB",), 20, 30),
    ]
    assert found[0].rights == ()
    assert found[1].rights == ("film:lantern: rgt_1 of ctr_1 ends 2026-12-12T12:00:00Z",)
    assert [each.territories for each in ending_publications([shown], [], NOW, 10)] == [("DE",)]
    assert ending_publications([shown], [], at(21), 90) == ()


@pytest.mark.parametrize(
    "other",
    [
        {"clearances": ["clr_2"]},
        {"lost": []},
        {"lost": [{"territories": ["FR"], "media": ["social"], "windows": [{"start": at(20)}]}]},
        {"lost": [{"territories": ["GB"], "media": ["linear"], "windows": [{"start": at(20)}]}]},
        {"lost": [{"territories": ["GB"], "media": ["social"], "windows": [{"start": at(40)}]}]},
        {
            "lost": [
                {
                    "territories": ["WORLD"],
                    "excluded_territories": ["GB"],
                    "media": ["social"],
                    "windows": [{"start": at(20)}],
                }
            ]
        },
    ],
)
def test_a_grant_that_ends_elsewhere_later_or_for_others_is_not_blamed(other: dict[str, Any]) -> None:
    assert ending_publications([publication(("GB", 1, 20))], [ending(**other)], NOW, 90)[0].rights == ()


def test_a_fresh_clearance_is_asked_for_the_same_cuts_places_and_terms_with_room_to_move() -> None:
    claims = {"purpose": "advertising", "languages": ["de"], "undertakings": []}
    paper = sign_jws(KeyPair.generate(), "clearance+jwt", claims)
    shown = [publication(("GB", 1, 5)), publication(("DE", 2, 9), media=OTHER, asset="ast_2", platform="linear")]
    asked = fresh_request(shown, paper, NOW)
    assert asked is not None
    assert (asked.assets, asked.media) == (("ast_1", "ast_2"), (MEDIA, OTHER))
    assert (asked.territories, asked.platforms) == (("DE", "GB"), ("linear", "social.youtube"))
    assert (asked.purpose, asked.languages) == ("advertising", ("de",))
    assert asked.window == TimeRange(start=NOW, end=at(9 + 28))
    endless = fresh_request([publication(("GB", 1, None))], "", NOW)
    assert endless is not None
    assert endless.window.end is None
    assert fresh_request([], paper, NOW) is None
    assert fresh_request([publication(("GB", 1, 5), asset=None)], paper, NOW) is None


def test_a_held_slot_that_names_no_entry_or_another_does_not_keep_its_cut_from_being_cleared_again() -> None:
    committed = publication(("GB", 1, 5))
    for entry in (None, "ast_9"):
        held = publication(("DE", 2, 9), id="pub_2", state="held", clearance=None, asset=entry)
        asked = fresh_request([held, committed], "", NOW)
        assert asked is not None
        assert (asked.assets, asked.media, asked.territories) == (("ast_1",), (MEDIA,), ("DE", "GB"))
    unknown = publication(("DE", 2, 9), id="pub_2", media=OTHER, asset=None)
    assert fresh_request([committed, unknown], "", NOW) is None


def test_a_person_is_asked_about_these_bytes_with_before_and_after() -> None:
    change = {
        "publication": "pub_1",
        "channel": "north-one",
        "title": "The lantern",
        "state": "scheduled",
        "action": "extend",
        "before": [{"territories": ["GB"], "start": at(6), "end": at(20)}],
        "after": [{"territories": ["GB"], "start": at(2), "end": at(20)}],
        "needs_person": True,
    }
    asked = question_of([change], MEDIA, record(("GB", 0, 30)), "An embargo is lifted.")
    assert (asked.media, asked.elements, asked.clearance) == (MEDIA, OTHER, CLEARANCE)
    assert asked.clearance_statement == "signed"
    (shown,) = asked.publications
    assert (shown.publication, shown.channel) == ("pub_1", "north-one")
    assert [piece.start for piece in shown.availability] == [at(2)]
    assert "extend pub_1 'The lantern' on north-one: GB 2026-11-28" in asked.text
    assert "-> GB 2026-11-24" in asked.text


def test_every_publication_concerned_is_found_by_asking_what_goes_when_nothing_is_open() -> None:
    lost = ScheduleEvent(kind="clearance_lost", clearance=CLEARANCE)
    assert without_rights(lost) == {"kind": "clearance_lost", "clearance": CLEARANCE, "cells": []}
    lifted = ScheduleEvent(kind="embargo_lifted", media=MEDIA)
    assert without_rights(lifted) == {"kind": "rights_changed", "media": MEDIA, "cells": []}


def test_a_slot_that_displaces_something_is_told_and_not_taken() -> None:
    better = {"local_start": "Tue 20:00", "score": 90, "displaces": [{"title": "The news"}]}
    free: dict[str, Any] = {"local_start": "Tue 21:00", "score": 80, "displaces": []}
    shown = free_slots({"slots": [better, free], "refused": [{"local_start": "Tue 19:00"}]})
    assert shown["slots"] == [free]
    assert shown["refused"][0]["reason"] == "it would take the place of 'The news'"
    assert free_slots({"slots": []})["slots"] == []


def test_an_event_a_plan_and_a_question_that_lack_what_they_need_are_refused() -> None:
    with pytest.raises(ValidationError, match="clearance_lost needs clearance"):
        ScheduleEvent(kind="clearance_lost")
    with pytest.raises(ValidationError, match="channel_down needs channel, window"):
        ScheduleEvent(kind="channel_down")
    with pytest.raises(ValidationError, match="a plan needs an end"):
        WeekRequest.model_validate(
            {"items": [{"title": "x", "clearance": CLEARANCE, "seconds": 1}], "window": {"start": NOW}}
        )
    with pytest.raises(ValidationError, match="without a publication it needs channel, start"):
        SlotQuestion(clearance=CLEARANCE, seconds=1)
