"""When no start is possible, worked out for a whole stretch at once: what `obstacle` says of one start. Pure.

A proposal tries thousands of starts. Judging each against what stands near it costs as much as the books are full, so
every rule says once, of all that is on the books, between which instants it refuses; a start is then looked up.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from holdback_base.vocabulary import TimeRange

from holdback_servers.schedule.broadcast_time import Interval, day_range, outside_hours, wall_time
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints.placing import Books, Placed, Rule

_NEXT = timedelta.resolution
"""Instants are counted in microseconds: what reaches up to and with an instant ends one later."""
_LENGTHS: Final = 64
"""Rules and lengths that are remembered of one channel's books."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Bar(NamedTuple):
    """The rule that refuses a start, and from when on another answer is possible."""

    rule: Rule
    until: datetime


class Merged(NamedTuple):
    """Intervals that are disjoint and in order."""

    begins: list[datetime]
    ends: list[datetime]


class _Layer(NamedTuple):
    """One rule's times, disjoint and in order."""

    rule: Rule
    begins: list[datetime]
    ends: list[datetime]


class Barred:
    """The times of each rule, in the order of the rules; those given first come first."""

    def __init__(self, times: Iterable[tuple[Rule, Iterable[Interval] | Merged]]) -> None:
        layers = (_Layer(rule, *(each if isinstance(each, Merged) else _merged(each))) for rule, each in times)
        self._layers = [each for each in layers if each.begins]

    def at(self, start: datetime) -> Bar | None:
        """The first rule that refuses this start, or None."""
        nearest = _LAST
        for rule, begins, ends in self._layers:
            after = bisect_right(begins, start)
            if after and start < ends[after - 1]:
                return Bar(rule, min(ends[after - 1], nearest))
            if after < len(begins) and begins[after] < nearest:
                nearest = begins[after]
        return None


def barred(
    books: Books, wanted: Placed, window: TimeRange, now: datetime, *, after_watershed: bool = False
) -> list[tuple[Rule, Iterable[Interval] | Merged]]:
    """When what is wanted cannot start in the window, which ends: for each rule, in the order of the rules.

    `wanted` says how long it lasts and what it is; its own start does not matter.
    """
    channel, length = books.channel, wanted.until - wanted.start
    first, last = window.start, window.end or _LAST
    separation = timedelta(hours=channel.title_separation_hours)
    same = books.by_title.get(wanted.title.casefold(), ()) if separation else ()
    return [
        ("IN_THE_PAST", [(_FIRST, now + _NEXT)]),
        ("BLACKOUT", _blackouts(channel, length)),
        ("WATERSHED", _watershed(channel, first, last, length) if after_watershed else ()),
        ("FOLLOW", _follow(books, wanted) if wanted.follows else ()),
        ("SLOT_TAKEN", _of_all(books, "SLOT_TAKEN", length)),
        ("TITLE_SEPARATION", [(each.start - separation + _NEXT, each.start + separation) for each in same]),
        ("SPONSOR_SEPARATION", _sponsors(books, wanted, length)),
        ("MIN_GAP", _of_all(books, "MIN_GAP", length)),
        ("DAILY_CAP", _full_days(books, first, last)),
    ]


def _blackouts(channel: Channel, length: timedelta) -> Iterator[Interval]:
    for each in channel.blackouts:
        begin = each.window.start - length + _NEXT if length else each.window.start
        yield begin, each.window.end or _LAST


def _watershed(channel: Channel, first: datetime, last: datetime, length: timedelta) -> Iterator[Interval]:
    if channel.watershed is None:
        return
    opens, closes = wall_time(channel.watershed.start), wall_time(channel.watershed.end)
    for begin, end in outside_hours(first, last + length, channel.zone, opens, closes):
        yield begin - length + _NEXT if length else begin, end


def _follow(books: Books, wanted: Placed) -> Iterator[Interval]:
    before = books.by_id.get(wanted.follows or "") if books.channel.kind == "linear" else None
    if before is None:
        yield _FIRST, _LAST
        return
    yield _FIRST, before.until
    yield before.until + _NEXT, _LAST


def _of_all(books: Books, rule: Literal["SLOT_TAKEN", "MIN_GAP"], length: timedelta) -> Merged:
    """What all that is on the books takes or keeps free around it, the same for everything of this length."""
    known = books.worked_out.get((rule, length))
    if known is None:
        gap = timedelta(minutes=books.channel.min_gap_minutes)
        taken = rule == "SLOT_TAKEN"
        known = _merged(_taken(books.placed, length) if taken else _apart(books.placed, length, gap))
        if len(books.worked_out) < _LENGTHS:
            books.worked_out[rule, length] = known
    return Merged(*known)


def _taken(others: Sequence[Placed], length: timedelta) -> list[Interval]:
    before = length - _NEXT if length else length
    return [(each.start - before, max(each.until, each.start + _NEXT)) for each in others]


def _apart(others: Iterable[Placed], length: timedelta, gap: timedelta) -> list[Interval]:
    """What comes too near before them or after."""
    before = length + gap - _NEXT
    return [(each.start - before, each.until + gap) for each in others] if gap else []


def _sponsors(books: Books, wanted: Placed, length: timedelta) -> list[Interval]:
    gap = timedelta(minutes=books.channel.sponsor_separation_minutes)
    return _apart(books.by_sponsor.get(wanted.sponsor.casefold(), ()), length, gap) if gap and wanted.sponsor else []


def _full_days(books: Books, first: datetime, last: datetime) -> Iterator[Interval]:
    channel = books.channel
    if channel.daily_cap is None:
        return
    day, end = books.day_of(first), first
    while end < last:
        bounds = day_range(day, channel.zone, channel.day_begins)
        end = bounds.end or _LAST
        if len(books.starting(bounds)) >= channel.daily_cap:
            yield bounds.start, end
        day += timedelta(days=1)


def _merged(intervals: Iterable[Interval]) -> Merged:
    begins: list[datetime] = []
    ends: list[datetime] = []
    for begin, end in sorted(intervals):
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        elif begin < end:
            begins.append(begin)
            ends.append(end)
    return Merged(begins, ends)
