"""The rules that a channel keeps: what stands in the way of a start, and what is already in conflict. Pure.

Each rule has a name that people and programs see: IN_THE_PAST, BLACKOUT, WATERSHED, FOLLOW, SLOT_TAKEN, MIN_GAP,
TITLE_SEPARATION, SPONSOR_SEPARATION, DAILY_CAP. Separations of two publications hold both ways round.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal

from holdback_base.vocabulary import Instant, Noun

from holdback_servers.schedule.broadcast_time import broadcast_day, local_text
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication, State

Rule = Literal[
    "IN_THE_PAST",
    "BLACKOUT",
    "WATERSHED",
    "FOLLOW",
    "SLOT_TAKEN",
    "MIN_GAP",
    "TITLE_SEPARATION",
    "SPONSOR_SEPARATION",
    "DAILY_CAP",
    "OUTSIDE_CLEARED_WINDOW",
    "TERRITORY_NOT_CLEARED",
]


@dataclass(frozen=True, order=True)
class Placed:
    """What takes up room on a channel: from `start` until `until`, which equals `start` where only the start counts.

    `follows` is the id of the publication at whose end it must start; None when its start is fixed.
    """

    start: datetime
    id: str
    until: datetime = field(compare=False)
    title: str = field(compare=False)
    state: State = field(compare=False, default="scheduled")
    sponsor: str = field(compare=False, default="")
    priority: int = field(compare=False, default=50)
    locked: bool = field(compare=False, default=False)
    follows: str | None = field(compare=False, default=None)


class Obstacle(Noun):
    """Why a start is refused: the rule, in words, and the publications in the way."""

    rule: Rule
    text: str
    others: tuple[str, ...] = ()


class Conflict(Noun):
    """A rule that what is on the books breaks, with the publications that break it."""

    channel: str
    rule: Rule
    at: Instant
    text: str
    publications: tuple[str, ...]


class Books:
    """What one channel has on its books, in order of start."""

    def __init__(self, channel: Channel, placed: Iterable[Placed] = ()) -> None:
        self.channel = channel
        self.placed: list[Placed] = sorted(placed)
        self._starts = [each.start for each in self.placed]
        self._longest = max((each.until - each.start for each in self.placed), default=timedelta())

    @cached_property
    def days(self) -> dict[date, list[Placed]]:
        """What starts on each broadcast day."""
        days: dict[date, list[Placed]] = {}
        for each in self.placed:
            days.setdefault(self.day_of(each.start), []).append(each)
        return days

    @cached_property
    def by_id(self) -> dict[str, Placed]:
        """The same by their ids."""
        return {each.id: each for each in self.placed}

    def day_of(self, moment: datetime) -> date:
        """The channel's broadcast day of an instant."""
        return broadcast_day(moment, self.channel.zone, self.channel.day_begins)

    def on_day_of(self, moment: datetime) -> Sequence[Placed]:
        """What starts on the broadcast day of the instant."""
        return self.days.get(self.day_of(moment), ())

    def near(self, start: datetime, until: datetime, within: timedelta) -> list[Placed]:
        """What lies at most `within` away from `[start, until]`."""
        first = bisect_left(self._starts, start - within - self._longest)
        last = bisect_right(self._starts, until + within)
        return [each for each in self.placed[first:last] if each.until >= start - within]


def placed(channel: Channel, publication: Publication) -> Placed:
    """The room that a publication takes on its channel: its duration on linear, its start elsewhere."""
    linear = channel.kind == "linear" and publication.end is not None
    until = publication.end if linear and publication.end is not None else publication.start
    return Placed(
        publication.start,
        publication.id,
        until,
        publication.title,
        publication.state,
        publication.details.sponsor,
        publication.details.priority,
        publication.locked,
        publication.details.follows,
    )


def reach_of_rules(channel: Channel) -> timedelta:
    """How far from a start another publication can matter: a broadcast day, or the widest separation."""
    return max(widest_separation(channel), timedelta(hours=26))


def widest_separation(channel: Channel) -> timedelta:
    """The longest time that the channel keeps between any two publications."""
    return max(
        timedelta(minutes=channel.min_gap_minutes),
        timedelta(minutes=channel.sponsor_separation_minutes),
        timedelta(hours=channel.title_separation_hours),
    )


def obstacle(books: Books, wanted: Placed, now: datetime, *, after_watershed: bool = False) -> Obstacle | None:
    """The first rule of the channel that refuses this start, or None when it is free."""
    return (
        _past(books.channel, wanted, now)
        or _blackout(books.channel, wanted)
        or (_watershed(books.channel, wanted) if after_watershed else None)
        or (_follow(books, wanted) if wanted.follows else None)
        or _too_near(books, wanted)
        or _over_cap(books, wanted)
    )


def all_obstacles(books: Books, wanted: Placed, now: datetime, *, after_watershed: bool = False) -> list[Obstacle]:
    """Everything that refuses this start, each rule with each publication in the way; `obstacle` stops at the first."""
    channel = books.channel
    alone = [
        _past(channel, wanted, now),
        _blackout(channel, wanted),
        _watershed(channel, wanted) if after_watershed else None,
        _follow(books, wanted) if wanted.follows else None,
    ]
    near = books.near(wanted.start, wanted.until, widest_separation(channel))
    pairs = [each for other in near for each in _all_between(channel, wanted, other)]
    return [each for each in (*alone, *pairs, _over_cap(books, wanted)) if each is not None]


def _past(channel: Channel, wanted: Placed, now: datetime) -> Obstacle | None:
    if wanted.start > now:
        return None
    return Obstacle(rule="IN_THE_PAST", text=f"{local_text(wanted.start, channel.zone)} is past")


def _blackout(channel: Channel, wanted: Placed) -> Obstacle | None:
    for each in channel.blackouts:
        begun = each.window.start <= wanted.start or each.window.start < wanted.until
        if begun and (each.window.end is None or wanted.start < each.window.end):
            return Obstacle(rule="BLACKOUT", text=f"blackout: {each.reason} ({each.window.text()})")
    return None


def _watershed(channel: Channel, wanted: Placed) -> Obstacle | None:
    if channel.watershed is None:
        return None
    last = max(wanted.start, wanted.until - timedelta(seconds=1))
    walls = [moment.astimezone(channel.zone).time() for moment in (wanted.start, last)]
    if all(channel.watershed.allows(wall) for wall in walls) and last - wanted.start < timedelta(hours=12):
        return None
    text = f"only after the watershed, {channel.watershed.start} to {channel.watershed.end} {channel.time_zone}"
    return Obstacle(rule="WATERSHED", text=text)


def _follow(books: Books, wanted: Placed) -> Obstacle | None:
    """What follows another publication starts at its end, on a channel that shows one thing at a time."""
    if books.channel.kind != "linear":
        return Obstacle(rule="FOLLOW", text=f"{books.channel.name} is not linear; only a fixed start is possible")
    before = books.by_id.get(wanted.follows or "")
    if before is None:
        return Obstacle(rule="FOLLOW", text=f"it follows {wanted.follows}, which is not on the books near this start")
    if wanted.start == before.until:
        return None
    text = f"it follows {before.title!r}, which ends {local_text(before.until, books.channel.zone)}"
    return Obstacle(rule="FOLLOW", text=text, others=(before.id,))


def _too_near(books: Books, wanted: Placed) -> Obstacle | None:
    near = books.near(wanted.start, wanted.until, widest_separation(books.channel))
    found = [each for other in near if (each := _between(books.channel, wanted, other)) is not None]
    return min(found, key=lambda each: each.rule != "SLOT_TAKEN", default=None)


def _between(channel: Channel, wanted: Placed, other: Placed) -> Obstacle | None:
    """The first rule that two publications break together, the first of them being the one that is judged."""
    return next(_all_between(channel, wanted, other), None)


def _all_between(channel: Channel, wanted: Placed, other: Placed) -> Iterator[Obstacle]:
    """Every rule that they break together; what takes the slot breaks that one only."""
    if wanted.start == other.start or (wanted.start < other.until and other.start < wanted.until):
        yield Obstacle(rule="SLOT_TAKEN", text=f"taken by {other.title!r} ({other.state})", others=(other.id,))
        return
    gap = max(wanted.start - other.until, other.start - wanted.until)
    side = "after" if wanted.start > other.start else "before"
    apart = abs(wanted.start - other.start)
    separation = channel.title_separation_hours
    if apart < timedelta(hours=separation) and wanted.title.casefold() == other.title.casefold():
        text = f"{minutes_text(apart)} {side} the same title; it needs {separation} h"
        yield Obstacle(rule="TITLE_SEPARATION", text=text, others=(other.id,))
    if _compete(wanted, other) and gap < timedelta(minutes=channel.sponsor_separation_minutes):
        text = f"{minutes_text(gap)} {side} {other.title!r}, also of a sponsor of {wanted.sponsor!r}"
        text = f"{text}; it needs {channel.sponsor_separation_minutes} min"
        yield Obstacle(rule="SPONSOR_SEPARATION", text=text, others=(other.id,))
    if gap < timedelta(minutes=channel.min_gap_minutes):
        text = f"{minutes_text(gap)} {side} {other.title!r}; the channel needs {channel.min_gap_minutes} min"
        yield Obstacle(rule="MIN_GAP", text=text, others=(other.id,))


def _compete(one: Placed, other: Placed) -> bool:
    return bool(one.sponsor) and one.sponsor.casefold() == other.sponsor.casefold()


def _over_cap(books: Books, wanted: Placed) -> Obstacle | None:
    cap = books.channel.daily_cap
    if cap is None:
        return None
    same_day = books.on_day_of(wanted.start)
    if len(same_day) < cap:
        return None
    text = f"the broadcast day {books.day_of(wanted.start)} already has {len(same_day)} of at most {cap}"
    return Obstacle(rule="DAILY_CAP", text=text, others=tuple(sorted(each.id for each in same_day)))


def conflicts(books: Books) -> list[Conflict]:
    """Every rule that the books break, in order of time; a pair is told once, a full day once."""
    return sorted(_conflicts(books), key=lambda each: (each.at, each.rule, each.publications))


def _conflicts(books: Books) -> Iterator[Conflict]:
    channel = books.channel
    widest = widest_separation(channel)
    for each in books.placed:
        if (found := _blackout(channel, each)) is not None:
            yield _conflict(channel, found, each)
        if each.follows and (found := _follow(books, each)) is not None:
            yield _conflict(channel, found, each)
        for other in books.near(each.start, each.until, widest):
            if (other.start, other.id) < (each.start, each.id) and (found := _between(channel, each, other)):
                yield _conflict(channel, found, each)
    for day, starts in books.days.items():
        if channel.daily_cap is not None and len(starts) > channel.daily_cap:
            text = f"the broadcast day {day} has {len(starts)} of at most {channel.daily_cap}"
            ids = tuple(each.id for each in sorted(starts))
            yield Conflict(channel=channel.name, rule="DAILY_CAP", at=starts[0].start, text=text, publications=ids)


def _conflict(channel: Channel, found: Obstacle, subject: Placed) -> Conflict:
    text = f"{subject.title!r} at {local_text(subject.start, channel.zone)}: {found.text}"
    ids = (subject.id, *found.others)
    return Conflict(channel=channel.name, rule=found.rule, at=subject.start, text=text, publications=ids)


def minutes_text(apart: timedelta) -> str:
    """`40 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = int(apart.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    hours = minutes // 60
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
