"""Dates of an example, counted from the day it is loaded."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from holdback.relative_dates import resolve_day, resolve_instant, resolved
from holdback_base.problem import Problem
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 11, 22)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [("day", date(2026, 11, 22)), ("day+23", date(2026, 12, 15)), ("day-30", date(2026, 10, 23))],
)
def test_a_day_is_counted_from_the_day_of_loading(text: str, day: date) -> None:
    assert resolve_day(text, TODAY) == day


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("day+2T19:00Z", "2026-11-24T19:00"),
        ("day-1", "2026-11-21T00:00"),
        ("day+2T20:30 Europe/London", "2026-11-24T20:30"),
        ("day+2T20:30 Europe/Berlin", "2026-11-24T19:30"),
    ],
)
def test_an_instant_is_counted_from_the_day_of_loading(text: str, instant: str) -> None:
    assert resolve_instant(text, TODAY) == _at(instant)


def test_wall_time_keeps_its_clock_across_the_end_of_summer_time() -> None:
    before, after = (
        resolve_instant("day+1T20:30 Europe/London", date(2026, 10, 23)),
        resolve_instant("day+2T20:30 Europe/London", date(2026, 10, 23)),
    )
    assert (before, after) == (_at("2026-10-24T19:30"), _at("2026-10-25T20:30"))


def test_a_time_that_the_clocks_skip_is_moved_on() -> None:
    assert resolve_instant("dayT02:30 Europe/Berlin", date(2027, 3, 28)) == _at("2027-03-28T01:30")


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    assert resolve_instant("dayT02:30 Europe/Berlin", date(2026, 10, 25)) == _at("2026-10-25T00:30")


@pytest.mark.parametrize(
    "text", ["day+", "day+2T25:00Z", "day+2T19:00", "day +2", "days+2", "day+2T19:00 Mars/Crater", "day+99999999", "2"]
)
def test_any_other_form_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(Problem) as caught:
        resolve_instant(text, TODAY)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert caught.value.hint


def test_a_day_takes_no_time() -> None:
    with pytest.raises(Problem, match="not a date"):
        resolve_day("day+2T19:00Z", TODAY)


def test_a_day_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(Problem, match="not a date"):
        resolve_day("day+99999", date(9999, 1, 1))


def test_only_the_keys_of_dates_are_resolved_at_any_depth() -> None:
    table = {
        "text": "day+1",
        "start": "2026-01-01T00:00:00Z",
        "list": [{"first_day": "day", "window": {"start": "day+1", "end": "day+1T06:00Z"}}],
    }
    assert resolved(table, TODAY) == {
        "text": "day+1",
        "start": "2026-01-01T00:00:00Z",
        "list": [
            {"first_day": "2026-11-22", "window": {"start": "2026-11-23T00:00:00Z", "end": "2026-11-23T06:00:00Z"}}
        ],
    }


def test_a_wrong_date_names_its_key() -> None:
    with pytest.raises(Problem, match=r"contract\[1\]\.right\[0\]\.end: 'day\+x'"):
        resolved({"contract": [{}, {"right": [{"end": "day+x"}]}]}, TODAY)


@given(
    today=st.dates(date(2020, 1, 1), date(2090, 1, 1)),
    days=st.integers(-999, 999),
    hour=st.integers(4, 22),
    zone=st.sampled_from(["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_wall_time_is_what_the_clocks_there_show(today: date, days: int, hour: int, zone: str) -> None:
    local = resolve_instant(f"day{days:+}T{hour:02}:15 {zone}", today).astimezone(ZoneInfo(zone))
    assert (local.date(), local.hour, local.minute) == (today + timedelta(days=days), hour, 15)
