"""The starts that are tried on a channel as arrays: their reach, their day, and what refuses them. Pure.

A column is one start: of the channel's grid, the instant at which a window opens, or the end of what an item follows.
Instants are whole microseconds since 1970, so that an embargo is kept to the microsecond.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from holdback_servers.schedule.broadcast_time import broadcast_day, day_start, wall_time
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, Placed
from holdback_servers.schedule.plans.openings import OPEN, Windows, instant, micros

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SECOND: Final = 1_000_000
_HOUR: Final = 3600 * SECOND
_DAY: Final = 24 * _HOUR
_MONDAY: Final = date(2026, 11, 23)
_EPOCH_WEEKDAY: Final = 3
"""1970 began on a Thursday."""


@dataclass(frozen=True)
class Taken:
    """What takes up room, from `start` until `until`; the text names it. `title` and `sponsor` are casefolded."""

    start: int
    until: int
    title: str
    sponsor: str
    name: str
    told: str
    priority: int = 50
    locked: bool = False


class Columns:
    """One channel's starts in `[start, end)`, and what of its rules can be said of each before anything is placed."""

    def __init__(self, books: Books, start: datetime, end: datetime, now: datetime, extra: Iterable[int]) -> None:
        self.books, self.channel, self.now = books, books.channel, micros(now)
        grid = _grid(self.channel, micros(start), micros(end))
        lifted = [micros(each.window.end) for each in self.channel.blackouts if each.window.end is not None]
        common = np.union1d(grid, np.array([each for each in lifted if micros(start) <= each < micros(end)], np.int64))
        own = np.array(sorted({each for each in extra if micros(start) <= each < micros(end)}), np.int64)
        self.times: Ints = np.union1d(common, own)
        self.common: Bools = np.isin(self.times, common)
        self.count = len(self.times)
        self.clock = Clock(self.channel.zone, micros(start), micros(end) + 2 * _DAY)
        self.reach: Ints = _reach(self.channel, self.clock, self.times)
        self.day_starts, self.days = _days(self.channel, self.times, micros(start), micros(end))
        self.gap = self.channel.min_gap_minutes * 60 * SECOND
        self.separation = self.channel.title_separation_hours * _HOUR
        self.sponsor_gap = self.channel.sponsor_separation_minutes * 60 * SECOND
        self.fixed = [_taken(each) for each in books.placed]
        self.fixed_by_day = self._count_days()
        self._refused: dict[tuple[int, bool], Bools] = {}

    def _count_days(self) -> Ints:
        starts = np.array([each.start for each in self.fixed], np.int64)
        day = np.searchsorted(self.day_starts, starts, "right") - 1
        inside = (day >= 0) & (day < len(self.day_starts) - 1)
        return np.bincount(day[inside], minlength=max(1, len(self.day_starts) - 1)).astype(np.int64)

    def column(self, moment: int) -> int:
        """The column of an instant that is one."""
        return int(np.searchsorted(self.times, moment))

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The columns `[low, high)` of the starts in `[first, last]`."""
        low, high = np.searchsorted(self.times, first, "left"), np.searchsorted(self.times, last, "right")
        return int(low), int(high)

    def zones(self, starts: Ints, untils: Ints, length: int, apart: int) -> tuple[Ints, Ints]:
        """For each that is placed the columns `[low, high)` that are nearer than `apart` or overlap it.

        For a start of this length; a start at the same instant always clashes.
        """
        low = np.searchsorted(self.times, starts - length - apart, "right")
        high = np.searchsorted(self.times, untils + apart, "left")
        low = np.minimum(low, np.searchsorted(self.times, starts, "left"))
        return low, np.maximum(high, np.searchsorted(self.times, starts, "right"))

    def near_title(self, starts: Ints) -> tuple[Ints, Ints]:
        """For each of the same title the columns `[low, high)` that are too near."""
        low = np.searchsorted(self.times, starts - self.separation, "right")
        return low, np.searchsorted(self.times, starts + self.separation, "left")

    def mark(self, low: Ints, high: Ints) -> Bools:
        """The columns that lie in any of the ranges."""
        edges = np.bincount(low, minlength=self.count + 1) - np.bincount(high, minlength=self.count + 1)
        return np.cumsum(edges[: self.count]) > 0

    def refused(self, length: int, after_watershed: bool) -> Bools:
        """The columns that the channel refuses to anything of this length, whatever its title and sponsor."""
        found = self._refused.get((length, after_watershed))
        if found is None:
            found = self.past() | self.blackout(length) | self.too_near(self.fixed, length, self.gap)
            if after_watershed:
                found |= self.watershed(length)
            if self.channel.daily_cap is not None:
                found |= (self.fixed_by_day >= self.channel.daily_cap)[self.days]
            self._refused[length, after_watershed] = found
        return found

    def past(self) -> Bools:
        """The columns that are not after now."""
        return self.times <= self.now

    def blackout(self, length: int) -> Bools:
        """The columns from which something of this length would meet a blackout."""
        found = np.zeros(self.count, np.bool_)
        for each in self.channel.blackouts:
            begins = micros(each.window.start)
            ends = OPEN if each.window.end is None else micros(each.window.end)
            begun = (self.times >= begins) | (self.times + length > begins)
            found |= begun & (self.times < ends)
        return found

    def watershed(self, length: int) -> Bools:
        """The columns from which something of this length is not all after the watershed."""
        watershed = self.channel.watershed
        if watershed is None:
            return np.zeros(self.count, np.bool_)
        last = np.maximum(self.times, self.times + length - SECOND)
        start, end = _of_day(wall_time(watershed.start)), _of_day(wall_time(watershed.end))
        allowed = last - self.times < 12 * _HOUR
        for moments in (self.times, last):
            wall = self.clock.local(moments) % _DAY
            allowed &= (wall >= start) & (wall < end) if start < end else (wall >= start) | (wall < end)
        return ~allowed

    def too_near(self, others: Collection[Taken], length: int, apart: int) -> Bools:
        """The columns that are nearer to one of the others than `apart`, or overlap it."""
        if not others:
            return np.zeros(self.count, np.bool_)
        starts, untils = _bounds(others)
        return self.mark(*self.zones(starts, untils, length, apart))

    def same_title(self, others: Collection[Taken]) -> Bools:
        """The columns too near to others of the same title."""
        if not others or not self.separation:
            return np.zeros(self.count, np.bool_)
        return self.mark(*self.near_title(_bounds(others)[0]))

    def inside(self, windows: Iterable[tuple[int, int]], length: int) -> Bools:
        """The columns from which media of this length lies in one of the windows."""
        found = np.zeros(self.count, np.bool_)
        for start, end in windows:
            low, high = self.between(start, end - length)
            found[low:high] = True
        return found

    def own(self, windows: Sequence[Windows]) -> Ints:
        """The columns at which one of the windows opens, on the grid or off it."""
        opens = np.array(sorted({start for each in windows for start, _ in each}), np.int64)
        at = np.searchsorted(self.times, opens)
        return at[(at < self.count) & (self.times[np.minimum(at, self.count - 1)] == opens)] if self.count else at[:0]


class Clock:
    """The wall clock of a zone over a stretch of time: where it is changed, and by how much it differs from UTC."""

    def __init__(self, zone: ZoneInfo, start: int, end: int) -> None:
        self._zone = zone
        changes, offsets = [start], [self._offset(start)]
        moment = start
        while moment < end:
            later = min(end, moment + _DAY // 4)
            if self._offset(later) != offsets[-1]:
                changes.append(self._change(moment, later))
                offsets.append(self._offset(later))
            moment = later
        self._changes, self._offsets = np.array(changes, np.int64), np.array(offsets, np.int64)

    def _offset(self, moment: int) -> int:
        return (instant(moment).astimezone(self._zone).utcoffset() or timedelta()) // timedelta(microseconds=1)

    def _change(self, before: int, after: int) -> int:
        """The first second at which the clock shows what it shows at `after`."""
        shown = self._offset(after)
        while after - before > SECOND:
            middle = (before + after) // 2
            before, after = (before, middle) if self._offset(middle) == shown else (middle, after)
        return after // SECOND * SECOND

    def local(self, moments: Ints) -> Ints:
        """What the clock shows, as microseconds since its own 1970."""
        which = np.maximum(0, np.searchsorted(self._changes, moments, "right") - 1)
        return moments + self._offsets[which]


def _grid(channel: Channel, start: int, end: int) -> Ints:
    """Steps from the beginning of each broadcast day in `[start, end)`."""
    step = channel.grid_minutes * 60 * SECOND
    day = broadcast_day(instant(start), channel.zone, channel.day_begins)
    found: list[Ints] = []
    begins = micros(day_start(day, channel.zone, channel.day_begins))
    while begins < end:
        day += timedelta(days=1)
        ends = micros(day_start(day, channel.zone, channel.day_begins))
        found.append(np.arange(begins, ends, step, dtype=np.int64))
        begins = ends
    tried = np.concatenate(found) if found else np.zeros(0, np.int64)
    return tried[(tried >= start) & (tried < end)]


def _days(channel: Channel, times: Ints, start: int, end: int) -> tuple[Ints, Ints]:
    """When each broadcast day begins, one more than there are, and of each column which day it is of."""
    day = broadcast_day(instant(start), channel.zone, channel.day_begins)
    begins = [micros(day_start(day, channel.zone, channel.day_begins))]
    while begins[-1] < end:
        day += timedelta(days=1)
        begins.append(micros(day_start(day, channel.zone, channel.day_begins)))
    starts = np.array(begins, np.int64)
    return starts, np.searchsorted(starts, times, "right") - 1


def _reach(channel: Channel, clock: Clock, times: Ints) -> Ints:
    week = [
        round(channel.reach.at(datetime.combine(_MONDAY + timedelta(days=day), time(hour), UTC)))
        for day in range(7)
        for hour in range(24)
    ]
    local = clock.local(times)
    weekday = (local // _DAY + _EPOCH_WEEKDAY) % 7
    return np.array(week, np.int64)[weekday * 24 + local % _DAY // _HOUR]


def _of_day(wall: time) -> int:
    return (wall.hour * 60 + wall.minute) * 60 * SECOND


def _bounds(others: Collection[Taken]) -> tuple[Ints, Ints]:
    starts = np.array([each.start for each in others], np.int64)
    return starts, np.array([each.until for each in others], np.int64)


def _taken(placed: Placed) -> Taken:
    return Taken(
        micros(placed.start),
        micros(placed.until),
        placed.title.casefold(),
        placed.sponsor.casefold(),
        placed.id,
        f"{placed.title!r} ({placed.state})",
        placed.priority,
        placed.locked,
    )
