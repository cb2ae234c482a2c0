"""Times in other systems' files: wall times, broadcast days, nights on which the clocks change, frames."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from holdback_base.vocabulary import Rate
from holdback_servers.schedule.interchange.wall import BadTimeError, Dates, WallClock, duration_code, duration_of

LONDON = ZoneInfo("Europe/London")
PAL, NTSC = Rate(num=25), Rate(num=30000, den=1001)


def _clock(dates: Dates = "calendar", rate: Rate = PAL) -> WallClock:
    return WallClock(LONDON, time(6), rate, dates)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24T19:00:00Z", "2026-11-24T19:00:00+00:00"),
        ("2026-07-01 20:00", "2026-07-01T19:00:00+00:00"),
        ("2026-07-01T20:00:05.5", "2026-07-01T19:00:05.500000+00:00"),
        ("2026-07-01 20:00:00:12", "2026-07-01T19:00:00.480000+00:00"),
        ("2026-07-01T20:00:00+02:00", "2026-07-01T18:00:00+00:00"),
        ("2028-02-29 12:00", "2028-02-29T12:00:00+00:00"),
    ],
)
def test_a_time_without_a_zone_is_on_the_channels_clocks(text: str, instant: str) -> None:
    assert _clock().instant(text) == _at(instant)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24 06:00", "2026-11-24T06:00:00+00:00"),
        ("2026-11-24 05:59", "2026-11-25T05:59:00+00:00"),
        ("2026-11-24 25:30", "2026-11-25T01:30:00+00:00"),
        ("2026-10-24 26:30", "2026-10-25T02:30:00+00:00"),
    ],
)
def test_dates_of_broadcast_days_hold_the_night_after_them(text: str, instant: str) -> None:
    assert _clock("broadcast").instant(text) == _at(instant)


def test_a_time_that_comes_twice_is_named_with_both_instants() -> None:
    with pytest.raises(BadTimeError, match=r"show 2026-10-25 01:30:00 twice") as caught:
        _clock().instant("2026-10-25 01:30")
    assert "2026-10-25T01:30:00+01:00 or 2026-10-25T01:30:00+00:00" in caught.value.hint
    assert _clock().instant("2026-10-25T01:30:00+01:00") == _at("2026-10-25T00:30:00+00:00")


def test_a_time_that_never_comes_is_named() -> None:
    with pytest.raises(BadTimeError, match=r"skip 2027-03-28 01:30:00"):
        _clock().instant("2027-03-28 01:30")
    assert _clock().instant("2027-03-28 02:00") == _at("2027-03-28T01:00:00+00:00")


@pytest.mark.parametrize(
    "text", ["", "tonight", "24/11/2026 19:00", "2026-02-29 19:00", "2026-11-24 24:30", "2026-11-24 19:61",
             "2026-11-24 19:00:00:25", "2026-11-24T19:00:00 BST", "2026-11-24", "0001-01-01 00:00", "9999-12-31 23:59",
             "9999-12-31T23:59:59-05:00", "1899-12-31T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(BadTimeError) as caught:
        _clock().instant(text)
    assert caught.value.hint


def test_the_clocks_timecode_is_read_back_to_the_same_frame_at_every_frame_of_a_minute() -> None:
    for rate in (PAL, NTSC):
        clock = _clock(rate=rate)
        for second in (0, 1, 59):
            for frame in range(rate.nominal):
                moment = datetime(2026, 7, 1, 9, 1, second, -(-frame * 1_000_000 // rate.nominal), tzinfo=UTC)
                day, code = clock.timecode(moment)
                read = clock.instant(f"{day} {code}")
                if rate is PAL or second or frame < rate.nominal - 2:
                    assert abs(read - moment) <= timedelta(microseconds=1), code
                else:
                    assert abs(read - moment) < timedelta(seconds=3 / rate.nominal), code


@pytest.mark.parametrize(
    ("text", "seconds"), [("1800", 1800), ("12.5", 12.5), ("00:30", 1800), ("01:00:00", 3600), ("00:00:10:05", 10.2)]
)
def test_lengths_are_seconds_clock_times_or_timecode(text: str, seconds: float) -> None:
    assert duration_of(text, PAL) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "00:00:00", "half an hour", "00:00:00:25", "-5", "1e9"])
def test_what_is_no_length_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(BadTimeError) as caught:
        duration_of(text, PAL)
    assert caught.value.hint


def test_a_length_in_drop_frame_timecode_is_exact() -> None:
    assert duration_code(timedelta(minutes=10), NTSC) == "00:10:00;00"
    assert duration_of("00:10:00;00", NTSC) == timedelta(microseconds=599_999_400)
