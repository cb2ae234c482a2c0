"""The starts that are tried on a channel, best first, each judged. Pure.

All starts in one hour of the channel's clocks reach as many people, and of two such starts the later is never better.
So an hour is asked for its next start only when that would be the best of all, and what one rule refuses is passed over
as a whole.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from holdback_servers.schedule.broadcast_time import WEEKDAYS, broadcast_day, clock_hours, day_range
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Barred, Books, Rule
from holdback_servers.schedule.planning.asking import Asked
from holdback_servers.schedule.planning.displacing import firm

CROWDED: Final = 5
"""Points that a start nearer to something else than twice the gap costs."""
DISPLACING: Final = 25
"""Points that it costs to take the place of something else."""


class Candidate(NamedTuple):
    """A start and what it is worth; `rule` refuses it, or would if it did not take the place of something else."""

    score: int
    start: datetime
    reach: int
    rule: Rule | None = None
    crowded: bool = False
    displacing: bool = False

    @property
    def refused(self) -> bool:
        """Whether it is no slot."""
        return self.rule is not None and not self.displacing


class _Turn(NamedTuple):
    """The next start of an hour; `rank` is what it lacks of 100 points, with `cost` counted in."""

    rank: int
    start: datetime
    cost: int
    at: int
    last: int
    reach: int


class Ranking:
    """The starts of one question. Iterate over it once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._barred = asked.barred()
        window = asked.window
        tried = asked.openings() | set(starts(asked.channel, window.start, asked.request.latest))
        self._starts = sorted(tried)
        self._turns: list[_Turn] = []

    def __iter__(self) -> Iterator[Candidate]:
        """Best first; of equal ones the earlier. Of starts that one rule refuses in one hour only the first is told."""
        self._begin()
        while self._turns:
            turn = heappop(self._turns)
            if turn.cost == CROWDED:
                yield Candidate(100 - turn.rank, turn.start, turn.reach, crowded=True)
                continue
            bar = self._barred.at(turn.start)
            following = turn.at + 1
            if turn.cost == DISPLACING:
                stop = self._firm.at(turn.start) if self._firm else bar
                if stop is not None:
                    following = bisect_left(self._starts, stop.until, following, turn.last)
                elif bar is not None:
                    yield Candidate(100 - turn.rank, turn.start, turn.reach, bar.rule, displacing=True)
            elif bar is not None:
                following = bisect_left(self._starts, bar.until, following, turn.last)
                yield Candidate(100 - turn.rank, turn.start, turn.reach, bar.rule)
            elif is_crowded(self._asked.books, turn.start):
                heappush(self._turns, turn._replace(rank=turn.rank + CROWDED, cost=CROWDED))
            else:
                yield Candidate(100 - turn.rank, turn.start, turn.reach)
            if following < turn.last:
                heappush(self._turns, self._turn(following, turn.last, turn.reach, turn.cost))

    @cached_property
    def _firm(self) -> Barred | None:
        books = firm(self._asked)
        return None if books is None else self._asked.barred(books)

    def _begin(self) -> None:
        asked, window = self._asked, self._asked.window
        gives_way = any(each.gives_way(asked.request.details.priority, asked.now) for each in asked.books.placed)
        hours = list(clock_hours(window.start, asked.request.latest, asked.channel.zone))
        first, week = 0, asked.channel.reach.hours
        for number, (_, day, hour) in enumerate(hours, 1):
            last = len(self._starts)
            if number < len(hours):
                last = bisect_left(self._starts, hours[number][0], first)
            if first < last:
                reach = week[WEEKDAYS[day]][hour]
                self._turns.append(self._turn(first, last, reach, 0))
                if gives_way:
                    self._turns.append(self._turn(first, last, reach, DISPLACING))
            first = last
        heapify(self._turns)

    def _turn(self, at: int, last: int, reach: int, cost: int) -> _Turn:
        start = self._starts[at]
        return _Turn(100 - self._asked.points(start, reach) + cost, start, cost, at, last, reach)


def is_crowded(books: Books, start: datetime) -> bool:
    """Whether something else stands nearer than twice the channel's gap."""
    gap = timedelta(minutes=2 * books.channel.min_gap_minutes)
    return bool(gap and books.near(start, start, gap))


def starts(channel: Channel, earliest: datetime, latest: datetime) -> Iterator[datetime]:
    """The channel's grid in `[earliest, latest)`: steps from the beginning of each broadcast day."""
    day = broadcast_day(earliest, channel.zone, channel.day_begins)
    step = timedelta(minutes=channel.grid_minutes)
    while True:
        bounds = day_range(day, channel.zone, channel.day_begins)
        if bounds.start >= latest or bounds.end is None:
            return
        skipped = max(0, -((bounds.start - earliest) // step))
        moment, end = bounds.start + skipped * step, min(bounds.end, latest)
        while moment < end:
            yield moment
            moment += step
        day += timedelta(days=1)
