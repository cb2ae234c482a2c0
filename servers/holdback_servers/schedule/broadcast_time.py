"""The channel's clock: broadcast days, wall times and daylight saving. Pure.

A broadcast day begins at the channel's own hour (often 06:00) and lasts until the next one begins: 24 hours, 23 or 25
on the nights when the clocks change. Nothing here adds 24 hours to anything.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holdback_base.vocabulary import TimeRange

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


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """For people, in the zone's own time: `Tue 24 Nov 2026 20:00 GMT`; seconds only where there are any."""
    local = moment.astimezone(zone)
    clock = local.strftime("%H:%M:%S") if local.second or local.microsecond else local.strftime("%H:%M")
    return f"{weekday(local.date()).title()} {local.day} {local:%b %Y} {clock} {local.tzname()}"
