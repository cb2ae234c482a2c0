"""Other starts for what must leave its own: which there are, nearest first, and what refuses the nearer ones. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from holdback_base.vocabulary import TimeRange, intersection

from holdback_servers.schedule.broadcast_time import day_range, local_text
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Barred, Books, Obstacle, Placed, barred, obstacle
from holdback_servers.schedule.impact.remaining import Windows, from_another_start, startable
from holdback_servers.schedule.model import Availability, Publication, availability_bounds

_RINGS = (timedelta(days=1), timedelta(days=4))
"""Starts are looked at in rings around the nearest possible one: most find a place in the first."""
_NEIGHBOURHOOD = timedelta(days=2)
"""How far around a start it is worked out first when nothing can start."""
_TOLD = 3
"""How many of the rules that refused nearer starts are told."""


class Around(Books):
    """A channel's books without some publications and with others added, for the rules to judge a start by."""

    def __init__(self, base: Books, without: Collection[str], added: Iterable[Placed] = ()) -> None:
        super().__init__(base.channel, added)
        self._base, self._without = base, without

    def near(self, start: datetime, until: datetime, within: timedelta) -> list[Placed]:
        """What lies at most `within` away from `[start, until]`."""
        return self._kept(self._base.near(start, until, within)) + super().near(start, until, within)

    def starting(self, window: TimeRange) -> Sequence[Placed]:
        """What starts in the window."""
        return [*self._kept(self._base.starting(window)), *super().starting(window)]

    def _kept(self, found: Iterable[Placed]) -> list[Placed]:
        return [each for each in found if each.id not in self._without]


class Beside(Around):
    """The same for what goes well with the books themselves: only what is added comes near, but days are as full."""

    def __init__(self, base: Books, added: Iterable[Placed]) -> None:
        super().__init__(base, (), added)

    def near(self, start: datetime, until: datetime, within: timedelta) -> list[Placed]:
        """What was added and lies at most `within` away from `[start, until]`."""
        return Books.near(self, start, until, within)


@dataclass(frozen=True)
class Member:
    """A publication that moves, and when each of its territories is cleared; absent when that is asked later."""

    publication: Publication
    windows: Windows | None


@dataclass(frozen=True)
class Unit:
    """What moves by the same amount: a publication that must leave its start, and those that follow it."""

    members: tuple[Member, ...]
    reason: str

    @property
    def leader(self) -> Publication:
        """The publication that must leave its start."""
        return self.members[0].publication


@dataclass(frozen=True)
class Place:
    """A start for a unit: each member's availability and room there, how far they move in all, and the reach."""

    start: datetime
    pieces: tuple[tuple[Availability, ...], ...]
    room: tuple[Placed, ...]
    moved: int
    reach: int


@dataclass
class Places:
    """The places of a unit that what does not move leaves free, nearest first, found as they are asked for."""

    unit: Unit
    books: Books
    now: datetime
    instants: Iterator[datetime]
    found: list[Place] = field(default_factory=list[Place])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    _bars: list[tuple[timedelta, Barred]] = field(default_factory=list[tuple[timedelta, Barred]])
    _known: timedelta = timedelta(-1)

    def get(self, index: int) -> Place | None:
        """The place of this rank, or None when there are not so many."""
        while len(self.found) <= index:
            start = next(self.instants, None)
            if start is None:
                return None
            if (place := self._judged(start)) is not None:
                self.found.append(place)
        return self.found[index]

    def _judged(self, start: datetime) -> Place | None:
        self._look_as_far_as(abs(start - self.unit.leader.start))
        bars = [bar for offset, barred in self._bars if (bar := barred.at(start + offset)) is not None]
        if bars and (bars[0].rule in self.refused or len(self.refused) >= _TOLD):
            return None
        place = place_at(self.books, self.unit, start)
        stop = None if place is None else stands_in_the_way(self.books, self.unit, place, self.now)
        if stop is None:
            return place
        zone = self.books.channel.zone
        self.refused.setdefault(
            bars[0].rule if bars else stop.rule, f"{local_text(start, zone)} is nearer, but {stop.rule}: {stop.text}"
        )
        return None

    def _look_as_far_as(self, distance: timedelta) -> None:
        """Work out when nothing can start, at least so far around the leader's start."""
        if distance <= self._known:
            return
        self._known = max(_NEIGHBOURHOOD, 4 * distance)
        self._bars = []
        for member in self.unit.members:
            one = member.publication
            window = TimeRange(start=one.start - self._known, end=one.start + self._known)
            room = _room(self.books, one, one.availability)
            times = barred(self.books, room, window, self.now, after_watershed=one.after_watershed)
            self._bars.append((one.start - self.unit.leader.start, Barred(times)))


def place_at(books: Books, unit: Unit, start: datetime) -> Place | None:
    """The unit's place at this start of its leader, or None where a member is not cleared; no rule is judged."""
    channel, shift = books.channel, start - unit.leader.start
    pieces: list[tuple[Availability, ...]] = []
    for member in unit.members:
        given = from_another_start(channel, member.publication, member.windows, member.publication.start + shift)
        if given is None:
            return None
        pieces.append(given)
    room = tuple(_room(books, member.publication, given) for member, given in zip(unit.members, pieces, strict=True))
    moved = len(unit.members) * int(abs(shift).total_seconds())
    return Place(start, tuple(pieces), room, moved, channel.reach.at(start.astimezone(channel.zone)))


def _room(books: Books, publication: Publication, pieces: tuple[Availability, ...]) -> Placed:
    start, end = availability_bounds(pieces)
    until = end if books.channel.kind == "linear" and end is not None else start
    details = publication.details
    return Placed(start, publication.id, until, publication.title, publication.state, details.sponsor, details.priority)


def stands_in_the_way(books: Books, unit: Unit, place: Place, now: datetime) -> Obstacle | None:
    """The first rule that refuses a member of the unit at this place, its other members being there too."""
    for member, room in zip(unit.members, place.room, strict=True):
        others = [each for each in place.room if each.id != room.id]
        around = Around(books, (), others) if others else books
        stop = obstacle(around, room, now, after_watershed=member.publication.after_watershed)
        if stop is not None:
            return stop
    return None


class Grid:
    """The starts of a channel that are tried, each broadcast day worked out once."""

    def __init__(self, books: Books, edges: Collection[datetime] = ()) -> None:
        self._books, self._edges = books, edges
        self._days: dict[date, list[datetime]] = {}

    def nearest_first(self, unit: Unit, earliest: datetime, within: timedelta) -> Iterator[datetime]:
        """The starts at which the unit's leader may be cleared, not its own, nearest first, then by reach.

        They lie no farther than `within` beyond the nearest possible one, and not before `earliest`.
        """
        leader, channel = unit.members[0], self._books.channel
        possible = startable(channel, leader.publication, leader.windows)
        ahead = [TimeRange(start=earliest)]
        spans = ahead if possible is None else intersection(possible, ahead)
        at = leader.publication.start
        if not spans:
            return
        nearest = min(self._distance(each, at) for each in spans)
        openings = {each for each in (*(span.start for span in possible or ()), *self._edges) if each >= earliest}
        inner = timedelta(microseconds=-1)
        for ring in (*(each for each in _RINGS if each < within), within):
            outer = nearest + ring
            found = {each for span in spans for each in self._between(_cut(span, at - outer, at + outer))}
            found |= {each for each in openings if any(span.contains(each) for span in spans)}
            fresh = [each for each in found if inner < abs(each - at) <= outer and each != at]
            yield from sorted(fresh, key=lambda each: (abs(each - at), -self._reach(each), each))
            inner = outer

    def _distance(self, span: TimeRange, at: datetime) -> timedelta:
        """How far the nearest start that is tried in the span is from this one."""
        last = _last(span)
        if span.start >= at or last is None or last >= at:
            return max(span.start - at, timedelta())
        day = self._books.day_of(last)
        tried = [
            each for one in (day - timedelta(days=1), day) for each in self._day(one) if span.start <= each <= last
        ]
        return at - max(tried, default=span.start)

    def _reach(self, moment: datetime) -> int:
        return self._books.channel.reach.at(moment.astimezone(self._books.channel.zone))

    def _between(self, span: tuple[datetime, datetime]) -> Iterator[datetime]:
        start, end = span
        day = self._books.day_of(start)
        while start <= end and (found := self._day(day)) and found[0] <= end:
            yield from (each for each in found if start <= each <= end)
            day += timedelta(days=1)

    def _day(self, day: date) -> list[datetime]:
        if day not in self._days:
            self._days[day] = grid_of(self._books.channel, day)
        return self._days[day]


def grid_of(channel: Channel, day: date) -> list[datetime]:
    """The starts that are tried on a broadcast day: steps of the channel's grid from its beginning."""
    bounds = day_range(day, channel.zone, channel.day_begins)
    step = timedelta(minutes=channel.grid_minutes)
    count = -((bounds.start - (bounds.end or bounds.start)) // step)
    return [bounds.start + k * step for k in range(count)]


def _last(span: TimeRange) -> datetime | None:
    return None if span.end is None else span.end - timedelta.resolution


def _cut(span: TimeRange, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    return max(span.start, start), min(_last(span) or end, end)
