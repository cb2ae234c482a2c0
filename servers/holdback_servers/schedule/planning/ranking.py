"""The starts that are tried on a channel, best first, each judged. Pure.

Of two starts that reach as many people the later is never better. So the starts of each reach stand in a row, a row is
asked for its next start only when that would be the best of all, and what one rule refuses is passed over as a whole.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from holdback_servers.schedule.broadcast_time import WEEKDAYS, broadcast_day, day_range
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
    """The next start of those that reach as many; `rank` is what it lacks of 100 points, with `cost` counted in."""

    rank: int
    start: datetime
    cost: int
    reach: int
    at: int


class Ranking:
    """The starts of one question. Iterate over it once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._barred = asked.barred()
        self._rows: dict[int, list[datetime]] = {}
        self._turns: list[_Turn] = []
        self._to_displace: list[_Turn] = []

    def __iter__(self) -> Iterator[Candidate]:
        """Best first; of equal ones the earlier. Of starts in a row that one rule refuses only the first is told."""
        self._begin()
        while self._turns or self._to_displace:
            if self._to_displace and (not self._turns or self._turns[0].rank >= DISPLACING):
                self._displace()
            turn = heappop(self._turns)
            if turn.cost == CROWDED:
                yield Candidate(100 - turn.rank, turn.start, turn.reach, crowded=True)
                continue
            found, until = self._displacing(turn) if turn.cost else self._judged(turn)
            row, following = self._rows[turn.reach], turn.at + 1
            if until is not None:
                following = bisect_left(row, until, following)
            if following < len(row):
                heappush(self._turns, self._turn(turn.reach, following, turn.cost))
            if found is not None:
                yield found

    def _judged(self, turn: _Turn) -> tuple[Candidate | None, datetime | None]:
        """The start, or that it is refused and until when; nothing when it is crowded and has to wait its turn."""
        bar = self._barred.at(turn.start)
        if bar is not None:
            return Candidate(100 - turn.rank, turn.start, turn.reach, bar.rule), bar.until
        if is_crowded(self._asked.books, turn.start):
            heappush(self._turns, turn._replace(rank=turn.rank + CROWDED, cost=CROWDED))
            return None, None
        return Candidate(100 - turn.rank, turn.start, turn.reach), None

    def _displacing(self, turn: _Turn) -> tuple[Candidate | None, datetime | None]:
        """The start in the place of something else, or until when that is impossible too; nothing when it is free."""
        bar = self._barred.at(turn.start)
        stop = self._firm.at(turn.start)
        if bar is None or stop is not None:
            return None, stop and stop.until
        return Candidate(100 - turn.rank, turn.start, turn.reach, bar.rule, displacing=True), None

    @cached_property
    def _firm(self) -> Barred:
        return self._asked.barred(firm(self._asked))

    def _begin(self) -> None:
        asked, channel = self._asked, self._asked.channel
        week = channel.reach.hours
        for day, hour, moments in _grid(channel, asked.window.start, asked.request.latest):
            self._rows.setdefault(week[WEEKDAYS[day]][hour], []).extend(moments)
        for opening in asked.openings():
            row = self._rows.setdefault(channel.reach.at(opening.astimezone(channel.zone)), [])
            if not _has(row, opening):
                insort(row, opening)
        self._turns = [self._turn(reach, 0, 0) for reach, row in self._rows.items() if row]
        heapify(self._turns)
        priority, now = asked.request.details.priority, asked.now
        if any(each.gives_way(priority, now) for each in asked.books.placed):
            self._to_displace = list(self._turns)

    def _displace(self) -> None:
        """From here on starts may come up that take the place of something else: each row begins once more."""
        for turn in self._to_displace:
            heappush(self._turns, turn._replace(rank=turn.rank + DISPLACING, cost=DISPLACING))
        self._to_displace = []

    def _turn(self, reach: int, at: int, cost: int) -> _Turn:
        start = self._rows[reach][at]
        return _Turn(100 - self._asked.points(start, reach) + cost, start, cost, reach, at)


def _has(moments: Sequence[datetime], moment: datetime) -> bool:
    at = bisect_left(moments, moment)
    return at < len(moments) and moments[at] == moment


def is_crowded(books: Books, start: datetime) -> bool:
    """Whether something else stands nearer than twice the channel's gap."""
    gap = timedelta(minutes=2 * books.channel.min_gap_minutes)
    return bool(gap and books.near(start, start, gap))


def _grid(channel: Channel, earliest: datetime, latest: datetime) -> Iterator[tuple[int, int, Sequence[datetime]]]:
    """The channel's grid, together by the hour that its clocks show: day of the week (0 is Monday), hour, starts."""
    day = broadcast_day(earliest, channel.zone, channel.day_begins)
    while True:
        bounds = day_range(day, channel.zone, channel.day_begins)
        if bounds.start >= latest or bounds.end is None:
            return
        whole = earliest <= bounds.start and bounds.end <= latest
        for weekday, hour, moments in _day_grid(day, channel.zone, channel.day_begins, channel.grid_minutes):
            yield weekday, hour, moments if whole else [each for each in moments if earliest <= each < latest]
        day += timedelta(days=1)


@lru_cache(maxsize=2048)
def _day_grid(
    day: date, zone: ZoneInfo, begins: time, grid_minutes: int
) -> tuple[tuple[int, int, tuple[datetime, ...]], ...]:
    bounds, step = day_range(day, zone, begins), timedelta(minutes=grid_minutes)
    assert bounds.end is not None
    hours: list[tuple[int, int, list[datetime]]] = []
    moment = bounds.start
    while moment < bounds.end:
        local = moment.astimezone(zone)
        if not hours or hours[-1][:2] != (local.weekday(), local.hour):
            hours.append((local.weekday(), local.hour, []))
        hours[-1][2].append(moment)
        moment += step
    return tuple((weekday, hour, tuple(moments)) for weekday, hour, moments in hours)


def starts(channel: Channel, earliest: datetime, latest: datetime) -> Iterator[datetime]:
    """The channel's grid in `[earliest, latest)`: steps from the beginning of each broadcast day."""
    for _, _, moments in _grid(channel, earliest, latest):
        yield from moments
