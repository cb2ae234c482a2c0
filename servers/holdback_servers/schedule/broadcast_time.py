"""The channel's clock: broadcast days, wall times and daylight saving. Pure.

A broadcast day begins at the channel's own hour (often 06:00) and lasts until the next one begins: 24 hours, 23 or 25
on the nights when the clocks change. Nothing here adds 24 hours to anything.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holdback_base.vocabulary import TimeRange

Interval = tuple[datetime, datetime]
"""`[start, end)` between two instants."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def wall_time(text: str) -> time:
    """`HH:MM` as a time of day."""
    return time(int(text[:2]), int(text[3:]))


def instant_of(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The instant at which the zone's clocks show this time on this day.

    A time that the clocks skip is moved on by what they skip; of a time that comes twice the first is meant (PEP 495).
    """
    return datetime.combine(day, wall, zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def day_start(day: date, zone: ZoneInfo, begins: time) -> datetime:
    """The instant at which the broadcast day of this date begins."""
    return instant_of(day, begins, zone)


def day_range(day: date, zone: ZoneInfo, begins: time) -> TimeRange:
    """The broadcast day of this date: 23, 24 or 25 hours, half-open."""
    return TimeRange(start=day_start(day, zone, begins), end=day_start(day + timedelta(days=1), zone, begins))


def broadcast_day(moment: datetime, zone: ZoneInfo, begins: time) -> date:
    """The date of the broadcast day that holds the instant; days that begin at 06:00 give 02:00 to the day before."""
    day = moment.astimezone(zone).date()
    if moment < day_start(day, zone, begins):
        return day - timedelta(days=1)
    if moment >= day_start(day + timedelta(days=1), zone, begins):
        return day + timedelta(days=1)
    return day


def weekday(day: date) -> str:
    """`mon` to `sun`."""
    return WEEKDAYS[day.weekday()]


def within_hours(wall: time, start: time, end: time) -> bool:
    """Whether a time of day lies in `[start, end)`; an end at or before the start is on the next day."""
    return start <= wall < end if start < end else wall >= start or wall < end


def offset_runs(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """`[start, end)` cut where the zone's offset from UTC changes: each part with its offset."""
    day = start.date()
    while (midnight := datetime(day.year, day.month, day.day, tzinfo=UTC)) < end:
        day += timedelta(days=1)
        runs = _offsets_of(midnight, zone)
        ends = [*(begin for begin, _ in runs[1:]), midnight + timedelta(days=1)]
        for (begin, offset), until in zip(runs, ends, strict=True):
            if start < until and begin < end:
                yield max(start, begin), min(end, until), offset


@lru_cache(maxsize=4096)
def _offsets_of(midnight: datetime, zone: ZoneInfo) -> tuple[tuple[datetime, timedelta], ...]:
    """The zone's offsets on the day after this midnight of UTC, each from when on; no zone changes twice in one day."""
    first = _offset(midnight, zone)
    last = _offset(midnight + timedelta(days=1) - timedelta.resolution, zone)
    if first == last:
        return ((midnight, first),)
    before, after = 0, 24 * 3600
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (
            (middle, after) if _offset(midnight + timedelta(seconds=middle), zone) == first else (before, middle)
        )
    return (midnight, first), (midnight + timedelta(seconds=after), last)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def outside_hours(start: datetime, end: datetime, zone: ZoneInfo, opens: time, closes: time) -> Iterator[Interval]:
    """When, in `[start, end)`, the zone's clocks are outside of `[opens, closes)`, which may run past midnight."""
    if opens == closes:
        return
    for begin, until, offset in offset_runs(start, end, zone):
        day = (begin + offset).date() - timedelta(days=1)
        while day <= (until + offset).date():
            shut = datetime.combine(day, closes, UTC) - offset
            day += timedelta(days=1)
            again = datetime.combine(day if opens < closes else day - timedelta(days=1), opens, UTC) - offset
            if max(begin, shut) < min(until, again):
                yield max(begin, shut), min(until, again)


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """For people, in the zone's own time: `Tue 24 Nov 2026 20:00 GMT`; seconds only where there are any."""
    local = moment.astimezone(zone)
    clock = local.strftime("%H:%M:%S") if local.second or local.microsecond else local.strftime("%H:%M")
    return f"{weekday(local.date()).title()} {local.day} {local:%b %Y} {clock} {local.tzname()}"
