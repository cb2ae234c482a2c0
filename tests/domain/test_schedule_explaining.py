"""Why a start is possible or not: every rule in words, what stands in the way, the score's parts, the nearest start."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books, Placed, obstacle
from holdback_servers.schedule.model import Details
from holdback_servers.schedule.planning import explain, propose
from holdback_servers.schedule.proposal import SlotRequest
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
HOURS = (10,) * 7 + (30,) * 5 + (40,) * 5 + (60, 75, 95, 100, 90, 60, 30)
RULES = [
    "TERRITORY_NOT_CLEARED",
    "OUTSIDE_CLEARED_WINDOW",
    "IN_THE_PAST",
    "BLACKOUT",
    "WATERSHED",
    "FOLLOW",
    "SLOT_TAKEN",
    "TITLE_SEPARATION",
    "SPONSOR_SEPARATION",
    "MIN_GAP",
    "DAILY_CAP",
]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _channel(**fields: Any) -> Channel:
    given: dict[str, Any] = {
        "name": "tube",
        "title": "Tube",
        "kind": "social",
        "platform": "social.youtube",
        "territories": ("WORLD",),
        "time_zone": "Europe/London",
        "reach": {"source": "invented", "hours": {"all": HOURS}},
        "daily_cap": 3,
        "min_gap_minutes": 60,
        "title_separation_hours": 12,
        "sponsor_separation_minutes": 120,
        "watershed": {},
    }
    return Channel.model_validate(given | fields)


def _request(**fields: Any) -> SlotRequest:
    window = TimeRange(start=_at("2026-11-24T19:00"), end=_at("2026-12-24T00:00"))
    cell = ClearedCell(territories=("GB",), platforms=("social.youtube",), windows=(window,))
    given: dict[str, Any] = {
        "title": "Butterfly",
        "territories": frozenset({"GB", "US"}),
        "cleared": (cell,),
        "earliest": NOW,
        "latest": NOW + timedelta(days=28),
        "duration_seconds": 15,
        "details": Details(sponsor="cars"),
    }
    return SlotRequest.model_validate(given | fields)


def _placed(start: str, name: str, title: str = "Other", **fields: Any) -> Placed:
    return Placed(_at(start), name, _at(start), title, **fields)


def test_a_free_start_keeps_every_rule_and_each_is_told_in_words() -> None:
    told = explain(Books(_channel(), []), _request(), _at("2026-11-24T20:00"), NOW)
    assert (told.free, told.score, told.nearest) == (True, 99, None)
    assert [each.rule for each in told.rules] == RULES
    assert all(each.kept for each in told.rules)
    words = {each.rule: each.text for each in told.rules}
    assert words["OUTSIDE_CLEARED_WINDOW"] == "GB open from it until 2026-12-24T00:00:00Z"
    assert words["MIN_GAP"] == "nothing else is within a day; the channel needs 60 min"
    assert words["DAILY_CAP"] == "the broadcast day 2026-11-24 has 0 of at most 3"
    assert words["SPONSOR_SEPARATION"] == "no sponsor of 'cars' within 120 min"
    assert [each.points for each in told.parts] == [70, 29]
    assert told.left_out[0].territories == ("US",)


def test_every_rule_that_is_broken_is_told_with_what_stands_in_the_way_and_the_nearest_free_start() -> None:
    blackout = {"window": {"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T20:30:00Z"}, "reason": "election"}
    on_them = [
        _placed("2026-11-24T20:10", "pub_A", "butterfly", sponsor="cars", priority=10),
        _placed("2026-11-24T16:00", "pub_B"),
        _placed("2026-11-24T09:00", "pub_C", locked=True, priority=10),
    ]
    books = Books(_channel(blackouts=(blackout,)), on_them)
    told = explain(books, _request(after_watershed=True), _at("2026-11-24T20:00"), NOW)
    broken = {each.rule: each for each in told.rules if not each.kept}
    assert set(broken) == {
        "BLACKOUT",
        "WATERSHED",
        "TITLE_SEPARATION",
        "SPONSOR_SEPARATION",
        "MIN_GAP",
        "DAILY_CAP",
    }
    assert broken["MIN_GAP"].text == "10 min before 'butterfly'; the channel needs 60 min"
    assert broken["DAILY_CAP"].others == ("pub_A", "pub_B", "pub_C")
    assert [(each.publication, each.gives_way, each.locked) for each in told.in_the_way] == [
        ("pub_C", False, True),
        ("pub_B", False, False),
        ("pub_A", True, False),
    ]
    assert told.nearest is not None
    assert told.nearest.local_start == "Wed 25 Nov 2026 21:00 GMT"
    text = told.text()
    assert "'Butterfly' on tube, Tue 24 Nov 2026 20:00 GMT: is refused" in text
    assert "x  BLACKOUT: blackout: election (2026-11-24T20:00:00Z to 2026-11-24T20:30:00Z)" in text
    assert "nearest free start: Wed 25 Nov 2026 21:00 GMT" in text


def test_a_start_in_the_place_of_what_matters_less_says_so_in_its_score() -> None:
    books = Books(_channel(), [_placed("2026-11-24T20:00", "pub_A", priority=10)])
    told = explain(books, _request(), _at("2026-11-24T20:00"), NOW)
    assert told.parts[-1].points == -25
    assert told.parts[-1].text == "it would take the place of 'Other', which matters less"
    locked = Books(_channel(), [_placed("2026-11-24T20:00", "pub_A", priority=10, locked=True)])
    assert [each.points for each in explain(locked, _request(), _at("2026-11-24T20:00"), NOW).parts] == [70, 29]


def test_a_start_that_is_past_or_not_cleared_says_from_when_it_would_be() -> None:
    told = explain(Books(_channel(), []), _request(), _at("2026-11-22T12:00"), NOW)
    broken = [each for each in told.rules if not each.kept]
    assert [each.rule for each in broken] == ["OUTSIDE_CLEARED_WINDOW", "IN_THE_PAST"]
    assert broken[0].text == "GB opens only Tue 24 Nov 2026 19:00 GMT"
    assert told.nearest is not None
    assert told.nearest.start == _at("2026-11-24T19:00")


def test_when_nothing_is_free_nearby_that_is_said() -> None:
    told = explain(Books(_channel(), []), _request(cleared=()), _at("2026-11-24T20:00"), NOW)
    assert told.nearest is None
    assert "no start within two weeks of it is free" in told.text()


@pytest.mark.parametrize("title", ["Butterfly", "Other"])
@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 100), st.booleans()), max_size=12), st.integers(1, 3000))
def test_an_explanation_agrees_with_the_rules_and_with_what_is_proposed(
    title: str, on_them: list[tuple[int, int, bool]], minutes: int
) -> None:
    channel = _channel(geo_blocking=True)
    placed = [
        Placed(start := NOW + timedelta(minutes=m), f"pub_{n}", start, "Other", priority=priority, locked=locked)
        for n, (m, priority, locked) in enumerate(on_them)
    ]
    books, request, start = Books(channel, placed), _request(title=title), NOW + timedelta(minutes=minutes)
    told = explain(books, request, start, NOW)
    wanted = Placed(start, "", start, title, sponsor="cars")
    cleared = start >= _at("2026-11-24T19:00")
    assert told.free == (cleared and obstacle(books, wanted, NOW) is None)
    assert told.free == all(each.kept for each in told.rules)
    if told.nearest is not None:
        near = told.nearest.start
        assert obstacle(books, Placed(near, "", near, title, sponsor="cars"), NOW) is None
    for slot in propose(books, request, NOW).slots:
        again = explain(books, request, slot.start, NOW)
        assert (again.free, again.score) == (not slot.displaces, slot.score)
