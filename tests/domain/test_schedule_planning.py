"""Slots: which are proposed, why, and which better ones are refused by what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books, Placed, all_obstacles, conflicts, obstacle
from holdback_servers.schedule.model import Availability, Details, Publication, arranged
from holdback_servers.schedule.planning import propose, starts
from holdback_servers.schedule.proposal import ChannelProposal, SlotRequest
from pydantic import ValidationError

MEDIA = "sha256:" + "a" * 64
HOURS = (10,) * 7 + (30,) * 5 + (40,) * 5 + (60, 75, 95, 100, 90, 60, 30)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOW = _at("2026-11-22T13:00")


def _channel(**fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": "tube",
        "title": "Tube",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ("WORLD",),
        "time_zone": "Europe/London",
        "reach": {"source": "invented", "hours": {"all": HOURS}},
        "dayparts": ({"name": "evening", "start": "18:00", "end": "23:00"},),
        "daily_cap": 4,
        "min_gap_minutes": 60,
        "title_separation_hours": 12,
    }
    return Channel.model_validate(given | fields)


def _cell(territories: str, start: str, end: str | None, platform: str = "social.youtube", **more: Any) -> ClearedCell:
    window = TimeRange(start=_at(start), end=None if end is None else _at(end))
    return ClearedCell(territories=tuple(territories.split()), platforms=(platform,), windows=(window,), **more)


GB = _cell("GB", "2026-11-24T19:00", "2026-12-24T00:00")
DE = _cell("DE", "2026-12-15T00:00", "2026-12-24T00:00", verdict="PARTIAL")


def _request(*cells: ClearedCell, **fields: Any) -> SlotRequest:
    given: dict[str, Any] = {
        "title": "Butterfly",
        "media": MEDIA,
        "territories": frozenset({"GB", "DE", "US"}),
        "cleared": cells or (GB, DE),
        "earliest": NOW,
        "latest": NOW + timedelta(days=28),
        "duration_seconds": 15,
    }
    return SlotRequest.model_validate(given | fields)


def _post(start: str, title: str = "Other", name: str = "pub_X") -> Placed:
    return Placed(_at(start), name, _at(start), title)


def _propose(channel: Channel, request: SlotRequest, *placed: Placed) -> ChannelProposal:
    return propose(Books(channel, placed), request, NOW)


def test_the_best_slot_is_the_best_hour_that_is_cleared() -> None:
    best = _propose(_channel(), _request()).slots[0]
    assert best.start == _at("2026-11-24T20:00")
    assert (best.local_start, best.daypart) == ("Tue 24 Nov 2026 20:00 GMT", "evening")
    assert best.reasons[0] == "reach 100 of 100 on Tue from 20:00 (invented)"


def test_a_territory_that_opens_later_joins_later_and_one_that_is_not_cleared_is_said_to_be_left_out() -> None:
    proposal = _propose(_channel(), _request())
    assert [piece.text() for piece in proposal.slots[0].availability] == [
        "GB 2026-11-24T20:00:00Z to 2026-12-24T00:00:00Z",
        "DE 2026-12-15T00:00:00Z to 2026-12-24T00:00:00Z",
    ]
    assert [(each.territories, each.rule) for each in proposal.left_out] == [(("US",), "TERRITORY_NOT_CLEARED")]


def test_the_better_hour_before_the_embargo_lifts_is_refused_and_said() -> None:
    refused = _propose(_channel(), _request()).refused
    assert [(each.local_start, each.rule) for each in refused] == [
        ("Sun 22 Nov 2026 20:00 GMT", "OUTSIDE_CLEARED_WINDOW")
    ]
    assert refused[0].reason == "GB opens only Tue 24 Nov 2026 19:00 GMT"


def test_the_better_slot_near_the_same_title_is_refused_with_the_distance() -> None:
    proposal = _propose(_channel(), _request(), _post("2026-11-24T20:40", "butterfly"))
    assert proposal.refused[1].reason == "40 min before the same title; it needs 12 h"
    assert proposal.slots[0].start == _at("2026-11-25T20:00")
    assert proposal.slots[0].near[0].minutes == -(23 * 60 + 20)


def test_the_text_is_a_table_that_tells_everything() -> None:
    text = _propose(_channel(), _request(count=1), _post("2026-11-24T20:40", "Butterfly")).text()
    assert "1. Wed 25 Nov 2026 20:00 GMT  score 99  evening  [2026-11-25T20:00:00Z]" in text
    assert "x  Tue 24 Nov 2026 20:00 GMT  score 99 outranked it, but TITLE_SEPARATION: 40 min before" in text
    assert "not in US: nothing clears it on social.youtube" in text


def test_proposed_slots_are_a_real_choice_three_hours_apart() -> None:
    slots = _propose(_channel(), _request(count=5)).slots
    assert len(slots) == 5
    assert all(abs(a.start - b.start) >= timedelta(hours=3) for a in slots for b in slots if a is not b)
    assert [slot.score for slot in slots] == sorted((slot.score for slot in slots), reverse=True)


def test_the_instant_at_which_an_embargo_lifts_is_tried_even_off_the_grid() -> None:
    cell = _cell("GB", "2026-11-24T20:07:13", "2026-11-24T20:14:00")
    slots = _propose(_channel(), _request(cell)).slots
    assert [slot.start for slot in slots] == [_at("2026-11-24T20:07:13")]


def test_a_crowded_place_costs_and_says_so() -> None:
    channel = _channel(grid_minutes=60, title_separation_hours=0)
    crowd = (_post("2026-11-24T18:30"), _post("2026-11-24T21:30", name="pub_Y"))
    best = _propose(channel, _request(latest=_at("2026-11-24T21:00")), *crowd).slots[0]
    assert (best.start, best.score) == (_at("2026-11-24T20:00"), 94)
    assert best.reasons[-1] == "crowded: costs 5 points"


def test_a_start_in_the_place_of_what_matters_less_costs_25_points_and_says_what_has_to_go() -> None:
    low = Placed(_at("2026-11-24T20:00"), "pub_L", _at("2026-11-24T20:00"), "Filler", priority=10)
    request = _request(latest=_at("2026-11-24T20:15"), earliest=_at("2026-11-24T20:00"))
    slot = _propose(_channel(), request, low).slots[0]
    assert (slot.start, slot.score) == (_at("2026-11-24T20:00"), 75)
    assert [(each.publication, each.priority) for each in slot.displaces] == [("pub_L", 10)]
    assert slot.reasons[-2] == "takes the place of 'Filler' (scheduled, priority 10): costs 25 points"
    assert "apply_changes" in slot.reasons[-1]
    assert slot.near == ()


@pytest.mark.parametrize(
    "staying", [{"priority": 50}, {"priority": 10, "locked": True}, {"priority": 10, "state": "live"}]
)
def test_what_matters_as_much_or_is_locked_or_on_show_is_never_displaced(staying: dict[str, Any]) -> None:
    other = Placed(_at("2026-11-24T20:00"), "pub_L", _at("2026-11-24T20:00"), "Filler", **staying)
    request = _request(latest=_at("2026-11-24T20:15"), earliest=_at("2026-11-24T20:00"))
    assert _propose(_channel(), request, other).slots == ()


def test_of_a_full_day_only_the_lowest_has_to_go() -> None:
    channel = _channel(daily_cap=3, min_gap_minutes=0)
    day = [
        Placed(_at(f"2026-11-24T{hour}:00"), f"pub_{hour}", _at(f"2026-11-24T{hour}:00"), hour, priority=priority)
        for hour, priority in (("08", 20), ("09", 5), ("10", 80))
    ]
    request = _request(latest=_at("2026-11-25T05:00"))
    slot = propose(Books(channel, day), request, _at("2026-11-24T07:00")).slots[0]
    assert [each.publication for each in slot.displaces] == ["pub_09"]


def test_what_follows_is_proposed_at_the_end_of_what_it_follows_off_the_grid() -> None:
    linear = _channel(
        kind="linear", platform="linear", geo_blocking=False, territories=("GB",), min_gap_minutes=0, daily_cap=None
    )
    news = Placed(_at("2026-11-24T20:00"), "pub_N", _at("2026-11-24T20:27:13"), "News")
    follow = Details(start_mode="follow", follows="pub_N")
    request = _request(_cell("GB", "2026-11-24T19:00", None, "linear"), territories=frozenset({"GB"}), details=follow)
    proposal = _propose(linear, request, news)
    assert [slot.start for slot in proposal.slots] == [_at("2026-11-24T20:27:13")]
    assert "FOLLOW" in {each.rule for each in proposal.refused}


def test_a_daily_cap_counts_local_broadcast_days() -> None:
    channel = _channel(daily_cap=1, min_gap_minutes=0, title_separation_hours=0)
    books = Books(channel, [_post("2026-11-24T02:00")])  # of the broadcast day of the 23rd
    wanted = Placed(_at("2026-11-24T20:00"), "", _at("2026-11-24T20:00"), "Butterfly")
    assert obstacle(books, wanted, NOW) is None
    early = Placed(_at("2026-11-24T05:45"), "", _at("2026-11-24T05:45"), "Butterfly")
    stop = obstacle(books, early, NOW)
    assert stop is not None
    assert (stop.rule, stop.text) == ("DAILY_CAP", "the broadcast day 2026-11-23 already has 1 of at most 1")


def test_a_25_hour_day_is_one_day_for_the_cap_and_gives_25_hours_of_starts() -> None:
    channel = _channel(grid_minutes=60)
    long_day = list(starts(channel, _at("2027-10-30T05:00"), _at("2027-10-31T06:00")))
    assert len(long_day) == 25
    assert long_day[0].astimezone(channel.zone).hour == 6
    short_day = list(starts(channel, _at("2027-03-27T06:00"), _at("2027-03-28T05:00")))
    assert len(short_day) == 23


def test_blackouts_and_watershed_refuse() -> None:
    blackout = {"window": {"start": "2026-11-24T18:00:00Z", "end": "2026-11-25T00:00:00Z"}, "reason": "election night"}
    proposal = _propose(_channel(blackouts=(blackout,)), _request())
    assert "BLACKOUT" in {each.rule for each in proposal.refused}
    late = _propose(_channel(watershed={}), _request(after_watershed=True))
    assert late.slots[0].local_start == "Tue 24 Nov 2026 21:00 GMT"
    assert "WATERSHED" in {each.rule for each in late.refused}


def test_a_linear_channel_reaches_all_its_territories_so_all_must_be_cleared() -> None:
    linear = _channel(
        kind="linear", platform="linear.ftv", geo_blocking=False, territories=("GB", "IE"), min_gap_minutes=0
    )
    gb = _cell("GB", "2026-11-24T19:00", None, "linear")
    both = _cell("GB IE", "2026-11-24T19:00", None, "linear")
    shut = _propose(linear, _request(gb, territories=frozenset({"GB"})))
    assert shut.slots == ()
    assert shut.refused[0].rule == "TERRITORY_NOT_CLEARED"
    slot = _propose(linear, _request(both, territories=frozenset({"GB"}), duration_seconds=1800)).slots[0]
    assert [piece.text() for piece in slot.availability] == ["GB, IE 2026-11-24T20:00:00Z to 2026-11-24T20:30:00Z"]


def test_a_transmission_never_overlaps_another_and_fits_between_two() -> None:
    linear = _channel(
        kind="linear", platform="linear", geo_blocking=False, territories=("GB",), min_gap_minutes=0, daily_cap=None
    )
    booked = (
        Placed(_at("2026-11-24T19:00"), "pub_A", _at("2026-11-24T20:00"), "A"),
        Placed(_at("2026-11-24T20:30"), "pub_B", _at("2026-11-24T22:00"), "B"),
    )
    cell = _cell("GB", "2026-11-24T19:00", "2026-11-24T22:00", "linear")
    request = _request(cell, territories=frozenset({"GB"}), duration_seconds=1800)
    assert [slot.start for slot in _propose(linear, request, *booked).slots] == [_at("2026-11-24T20:00")]
    longer = _request(cell, territories=frozenset({"GB"}), duration_seconds=1801)
    assert _propose(linear, longer, *booked).slots == ()


def test_it_comes_down_when_asked_and_a_territory_cleared_only_later_is_left_out() -> None:
    proposal = _propose(_channel(), _request(until=_at("2026-12-01T00:00")))
    assert proposal.slots[0].end == _at("2026-12-01T00:00")
    assert {each.rule for each in proposal.left_out} == {"TERRITORY_NOT_CLEARED", "OUTSIDE_CLEARED_WINDOW"}


def test_conditions_that_are_not_met_and_denied_cells_open_nothing() -> None:
    for verdict in ("CONDITIONAL", "NEEDS_HUMAN", "DENIED", "SOMETHING_NEW"):
        cell = _cell("GB", "2026-11-24T19:00", None, verdict=verdict)
        assert _propose(_channel(), _request(cell)).slots == ()


def test_conflicts_are_told_once_each_in_order_of_time() -> None:
    channel = _channel(daily_cap=2)
    books = Books(
        channel,
        [
            _post("2026-11-24T10:00", "A", "pub_A"),
            _post("2026-11-24T10:30", "B", "pub_B"),
            _post("2026-11-24T15:00", "a", "pub_C"),
        ],
    )
    assert [(each.rule, each.publications) for each in conflicts(books)] == [
        ("DAILY_CAP", ("pub_A", "pub_B", "pub_C")),
        ("MIN_GAP", ("pub_B", "pub_A")),
        ("TITLE_SEPARATION", ("pub_C", "pub_A")),
    ]


def test_competing_sponsors_are_kept_apart_from_end_to_start_whichever_is_first() -> None:
    channel = _channel(min_gap_minutes=0, title_separation_hours=0, sponsor_separation_minutes=90)
    booked = Placed(_at("2026-11-24T20:00"), "pub_A", _at("2026-11-24T20:00"), "A", sponsor="Cars")
    books = Books(channel, [booked])
    found: list[str | None] = []
    for start in ("18:30", "18:31", "21:29", "21:30"):
        at = _at(f"2026-11-24T{start}")
        stop = obstacle(books, Placed(at, "", at, "Butterfly", sponsor="cars"), NOW)
        found.append(stop and stop.rule)
        assert obstacle(books, Placed(at, "", at, "Butterfly"), NOW) is None
        assert obstacle(books, Placed(at, "", at, "Butterfly", sponsor="beer"), NOW) is None
    assert found == [None, "SPONSOR_SEPARATION", "SPONSOR_SEPARATION", None]


def test_what_follows_starts_at_the_end_of_what_it_follows_and_nowhere_else() -> None:
    linear = _channel(
        kind="linear", platform="linear", geo_blocking=False, territories=("GB",), min_gap_minutes=0, daily_cap=None
    )
    books = Books(linear, [Placed(_at("2026-11-24T19:00"), "pub_A", _at("2026-11-24T19:58"), "A")])

    def stop(start: str, follows: str) -> tuple[str, str] | None:
        at = _at(start)
        found = obstacle(books, Placed(at, "", at + timedelta(minutes=5), "B", follows=follows), NOW)
        return found and (found.rule, found.text)

    assert stop("2026-11-24T19:58", "pub_A") is None
    assert stop("2026-11-24T20:00", "pub_A") == ("FOLLOW", "it follows 'A', which ends Tue 24 Nov 2026 19:58 GMT")
    assert stop("2026-11-24T19:58", "pub_Z") == (
        "FOLLOW",
        "it follows pub_Z, which is not on the books near this start",
    )


def test_all_obstacles_name_every_rule_that_is_broken_and_the_first_is_the_one_that_refuses() -> None:
    channel = _channel(daily_cap=2, sponsor_separation_minutes=60)
    books = Books(
        channel,
        [
            Placed(_at("2026-11-24T20:00"), "pub_A", _at("2026-11-24T20:00"), "Butterfly", sponsor="cars"),
            Placed(_at("2026-11-24T21:00"), "pub_B", _at("2026-11-24T21:00"), "B"),
        ],
    )
    at = _at("2026-11-24T20:30")
    wanted = Placed(at, "", at, "butterfly", sponsor="cars")
    found = all_obstacles(books, wanted, NOW)
    assert [(each.rule, each.others) for each in found] == [
        ("TITLE_SEPARATION", ("pub_A",)),
        ("SPONSOR_SEPARATION", ("pub_A",)),
        ("MIN_GAP", ("pub_A",)),
        ("MIN_GAP", ("pub_B",)),
        ("DAILY_CAP", ("pub_A", "pub_B")),
    ]
    assert obstacle(books, wanted, NOW) == found[0]


def test_a_lapsed_hold_takes_up_no_room() -> None:
    held = Publication(
        id="pub_H",
        channel="tube",
        platform="social.youtube",
        title="A",
        media=MEDIA,
        availability=(Availability(territories=("GB",), start=_at("2026-11-24T20:00")),),
        start=_at("2026-11-24T20:00"),
        state="held",
        expires=NOW,
        by="agent:scheduler",
        on_behalf_of="person:sam",
    )
    assert held.lapsed(NOW)
    assert not held.lapsed(NOW - timedelta(microseconds=1))


def test_availability_has_one_form_whatever_the_order() -> None:
    pieces = (
        Availability(territories=("IE", "GB"), start=_at("2026-11-24T19:00"), end=_at("2026-11-25T00:00")),
        Availability(territories=("GB",), start=_at("2026-11-25T00:00"), end=_at("2026-11-26T00:00")),
    )
    assert arranged(pieces) == arranged(pieces[::-1])
    assert [piece.text() for piece in arranged(pieces)] == [
        "GB 2026-11-24T19:00:00Z to 2026-11-26T00:00:00Z",
        "IE 2026-11-24T19:00:00Z to 2026-11-25T00:00:00Z",
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"time_zone": "Europe/Londn"}, "not an IANA time zone"),
        ({"time_zone": "../etc/passwd"}, "not an IANA time zone"),
        ({"reach": {"source": "x", "hours": {"mon": HOURS}}}, "no hours for tue"),
        ({"reach": {"source": "x", "hours": {"all": HOURS[:23]}}}, "give 24"),
        ({"kind": "linear"}, "set geo_blocking to false"),
        ({"broadcast_day_start": "24:00"}, "broadcast_day_start"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        _channel(**fields)


def test_an_end_before_its_start_is_a_range_problem() -> None:
    with pytest.raises(Problem, match="is not after the start") as caught:
        Availability(territories=("GB",), start=_at("2026-11-24T19:00"), end=_at("2026-11-24T18:00"))
    assert caught.value.code == "RANGE_INVALID"


def test_reach_by_weekday_wins_over_shorthand_and_dayparts_run_past_midnight() -> None:
    reach = {"source": "x", "hours": {"all": (1,) * 24, "weekend": (2,) * 24, "sun": (3,) * 24}}
    channel = _channel(reach=reach, dayparts=({"name": "late", "start": "22:00", "end": "02:00", "days": ["sat"]},))
    saturday, sunday = datetime(2026, 11, 28, 23), datetime(2026, 11, 29, 1)
    assert [channel.reach.at(day) for day in (datetime(2026, 11, 27), saturday, sunday)] == [1, 2, 3]
    assert [channel.daypart_at(day) for day in (saturday, sunday, datetime(2026, 11, 28, 1))] == ["late", "late", ""]
