"""What a channel can be asked for, and what a clearance lets through."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.admission import asked_availability, check_outlasts_lead, check_windows, clearance_facts
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell, common_windows, windows_for
from holdback_servers.schedule.model import Availability, Publication


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _range(start: str, end: str | None = None) -> TimeRange:
    return TimeRange(start=_at(start), end=None if end is None else _at(end))


def _channel(**fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": "one",
        "title": "One",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ["GB", "DE", "US"],
        "reach": {"source": "none", "hours": {"all": [50] * 24}},
    }
    return Channel.model_validate(given | fields)


LINEAR = _channel(kind="linear", platform="linear.ftv", geo_blocking=False, territories=["UKI"])


def _piece(territories: str, start: str, end: str | None = None) -> Availability:
    return Availability(territories=tuple(territories.split()), start=_at(start), end=None if end is None else _at(end))


def _publication(*pieces: Availability) -> Publication:
    return Publication(
        id="pub_ONE",
        channel="one",
        platform="social.youtube",
        title="Butterfly",
        media="sha256:" + "a" * 64,
        availability=pieces,
        start=pieces[0].start,
        state="held",
        by="person:sam",
        on_behalf_of="person:sam",
    )


def _cell(territories: str, *windows: TimeRange, platforms: str = "social", verdict: str = "CLEARED") -> ClearedCell:
    return ClearedCell(
        territories=tuple(territories.split()), platforms=tuple(platforms.split()), verdict=verdict, windows=windows
    )


def test_groups_are_replaced_by_their_members_of_the_day() -> None:
    asked = asked_availability(LINEAR, [_piece("UKI", "2026-11-25T20:00", "2026-11-25T21:00")])
    assert asked[0].territories == ("GB", "IE")
    with pytest.raises(Problem, match="does not reach AT") as caught:
        asked_availability(_channel(), [_piece("DACH", "2026-11-25T20:00")])
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([_piece("GB", "2026-11-25T20:00", "2026-11-25T21:00")], "cannot be kept out"),
        ([_piece("GB IE", "2026-11-25T20:00")], "must have an end"),
        (
            [
                _piece("GB", "2026-11-25T20:00", "2026-11-25T21:00"),
                _piece("IE", "2026-11-25T20:00", "2026-11-25T20:30"),
            ],
            "cannot be kept out",
        ),
    ],
)
def test_a_linear_channel_cannot_be_kept_out_of_a_territory(pieces: list[Availability], said: str) -> None:
    with pytest.raises(Problem, match=said):
        asked_availability(LINEAR, pieces)


def test_touching_windows_of_two_cells_cover_what_neither_covers_alone() -> None:
    cells = [
        _cell("GB", _range("2026-11-24T00:00", "2026-11-26T00:00")),
        _cell("GB", _range("2026-11-26T00:00", "2026-11-28T00:00"), platforms="social.youtube", verdict="PARTIAL"),
    ]
    check_windows(_publication(_piece("GB", "2026-11-25T20:00", "2026-11-27T00:00")), _channel(), cells)


def test_a_cell_of_a_country_covers_its_parts_but_not_the_other_way_round() -> None:
    open_ended = _range("2026-11-24T00:00")
    assert windows_for([_cell("US", open_ended)], "US-CA", "social.youtube") == [open_ended]
    assert windows_for([_cell("US-CA", open_ended)], "US", "social.youtube") == []
    assert windows_for([_cell("US", open_ended, platforms="social.instagram")], "US", "social.youtube") == []


def test_a_gap_in_what_is_cleared_refuses_and_says_when_it_is_open() -> None:
    cells = [_cell("GB", _range("2026-11-24T00:00", "2026-11-26T00:00"), _range("2026-11-26T00:01"))]
    with pytest.raises(Problem) as caught:
        check_windows(_publication(_piece("GB", "2026-11-25T20:00")), _channel(), cells)
    assert caught.value.code == "OUTSIDE_CLEARED_WINDOW"
    assert caught.value.details["cleared"] == [
        "2026-11-24T00:00:00Z to 2026-11-26T00:00:00Z",
        "2026-11-26T00:01:00Z onwards",
    ]


def test_what_is_open_everywhere_at_once_is_the_common_part() -> None:
    left = [_range("2026-11-24T00:00", "2026-11-26T00:00"), _range("2026-11-28T00:00")]
    assert common_windows([left, [_range("2026-11-25T00:00", "2026-11-29T00:00")]]) == [
        _range("2026-11-25T00:00", "2026-11-26T00:00"),
        _range("2026-11-28T00:00", "2026-11-29T00:00"),
    ]
    assert common_windows([left, []]) == []
    assert common_windows([]) == []


def test_what_would_have_to_come_down_before_it_could_go_up_is_refused() -> None:
    channel = _channel(takedown_lead_minutes=60)
    with pytest.raises(Problem, match="would never go up") as caught:
        check_outlasts_lead(channel, (_piece("DE GB", "2026-11-25T20:00", "2026-11-25T21:00"),))
    assert "DE, GB" in caught.value.message
    check_outlasts_lead(
        channel, (_piece("GB", "2026-11-25T20:00", "2026-11-25T21:01"), _piece("DE", "2026-11-25T20:00"))
    )


def test_a_clearance_that_says_no_value_tier_counts_as_of_the_highest_and_none_beyond_is_taken() -> None:
    media = "sha256:" + "a" * 64
    claims = {"jti": "clr_1", "sub": media, "elements": media, "iat": 1_800_000_000, "cells": []}
    assert clearance_facts(claims).tier == 3
    assert clearance_facts(claims | {"tier": 1}).tier == 1
    for wrong in (0, 4, None):
        with pytest.raises(Problem, match="lacks what the schedule needs"):
            clearance_facts(claims | {"tier": wrong})
