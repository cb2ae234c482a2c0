"""The channel's clock over the nights when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from holdback_servers.schedule.broadcast_time import (
    broadcast_day,
    day_range,
    instant_of,
    local_text,
    offset_runs,
    outside_hours,
    wall_time,
    within_hours,
)
from hypothesis import given
from hypothesis import strategies as st

LONDON, BERLIN, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SIX = time(6)


def _hours(day: date, zone: ZoneInfo) -> float:
    bounds = day_range(day, zone, SIX)
    assert bounds.end is not None
    return (bounds.end - bounds.start) / timedelta(hours=1)


def test_a_broadcast_day_has_23_hours_when_clocks_go_forward_and_25_when_they_go_back() -> None:
    assert _hours(date(2027, 3, 27), LONDON) == 23  # the night to 28 March
    assert _hours(date(2027, 10, 30), LONDON) == 25  # the night to 31 October
    assert _hours(date(2027, 3, 28), LONDON) == 24
    assert _hours(date(2027, 3, 13), NEW_YORK) == 23  # two weeks before Europe
    assert _hours(date(2028, 2, 29), BERLIN) == 24


def test_the_small_hours_belong_to_the_day_before() -> None:
    assert broadcast_day(datetime(2026, 11, 24, 2, 0, tzinfo=UTC), LONDON, SIX) == date(2026, 11, 23)
    assert broadcast_day(datetime(2026, 11, 24, 5, 59, 59, tzinfo=UTC), LONDON, SIX) == date(2026, 11, 23)
    assert broadcast_day(datetime(2026, 11, 24, 6, 0, tzinfo=UTC), LONDON, SIX) == date(2026, 11, 24)
    assert broadcast_day(datetime(2026, 11, 24, 5, 0, tzinfo=UTC), BERLIN, SIX) == date(2026, 11, 24)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("begins", [time(0), time(2, 30), SIX])
def test_broadcast_days_follow_one_another_without_gap_or_overlap(zone: str, begins: time) -> None:
    where = ZoneInfo(zone)
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    while moment < datetime(2028, 1, 1, tzinfo=UTC):
        day = broadcast_day(moment, where, begins)
        assert day_range(day, where, begins).contains(moment)
        moment += timedelta(hours=5, minutes=17)


def test_a_wall_time_that_the_clocks_skip_is_moved_on() -> None:
    assert instant_of(date(2027, 3, 28), time(1, 30), LONDON) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert local_text(datetime(2027, 3, 28, 1, 30, tzinfo=UTC), LONDON) == "Sun 28 Mar 2027 02:30 BST"


def test_of_a_wall_time_that_comes_twice_the_first_is_meant() -> None:
    assert instant_of(date(2027, 10, 31), time(1, 30), LONDON) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_hours_may_run_past_midnight() -> None:
    late, early = wall_time("21:00"), wall_time("05:30")
    assert [within_hours(wall_time(each), late, early) for each in ("20:59", "21:00", "00:00", "05:29", "05:30")] == [
        False,
        True,
        True,
        True,
        False,
    ]


def test_people_read_local_time_with_seconds_only_where_there_are_any() -> None:
    assert local_text(datetime(2026, 11, 24, 19, 0, tzinfo=UTC), BERLIN) == "Tue 24 Nov 2026 20:00 CET"
    assert local_text(datetime(2026, 7, 1, 19, 0, 5, tzinfo=UTC), LONDON) == "Wed 1 Jul 2026 20:00:05 BST"


ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Africa/Casablanca",
    "Asia/Kathmandu",
]


@given(st.sampled_from(ZONES), st.integers(0, 3 * 365 * 86400), st.integers(1, 3 * 86400))
def test_runs_of_one_offset_cover_a_stretch_whole_and_the_clocks_agree_at_every_edge(
    zone: str, first: int, seconds: int
) -> None:
    where, start = ZoneInfo(zone), datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=first)
    end, reached = start + timedelta(seconds=seconds), start
    for begin, until, offset in offset_runs(start, end, where):
        assert begin == reached < until
        for moment in (begin, begin + (until - begin) / 2, until - timedelta.resolution):
            assert moment.astimezone(where).utcoffset() == offset
        reached = until
    assert reached == end


@given(
    st.sampled_from(ZONES),
    st.sampled_from(
        [("21:00", "05:30"), ("01:15", "02:40"), ("09:00", "17:00"), ("12:00", "12:00"), ("00:00", "24:00")]
    ),
    st.integers(0, 3 * 365 * 86400),
    st.integers(1, 3 * 86400),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=20),
)
def test_outside_of_hours_is_just_when_the_clocks_show_another_time(
    zone: str, hours: tuple[str, str], first: int, seconds: int, parts: list[int]
) -> None:
    where, start = ZoneInfo(zone), datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=first)
    end = start + timedelta(seconds=seconds)
    opens, closes = wall_time(hours[0]), time() if hours[1] == "24:00" else wall_time(hours[1])
    shut = list(outside_hours(start, end, where, opens, closes))
    assert all(start <= begin < until <= end for begin, until in shut)
    edges = [edge + by for pair in shut for edge in pair for by in (timedelta(), -timedelta.resolution)]
    for moment in edges + [start + (end - start) * part / 10**6 for part in parts]:
        if start <= moment < end:
            allowed = within_hours(moment.astimezone(where).time(), opens, closes)
            assert allowed is not any(begin <= moment < until for begin, until in shut)
