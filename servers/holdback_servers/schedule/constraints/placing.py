"""What takes up room on a channel, and the channel's books. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from holdback_base.vocabulary import Noun, TimeRange

from holdback_servers.schedule.broadcast_time import broadcast_day, day_range
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


class Placed(NamedTuple):
    """What takes up room on a channel: from `start` until `until`, which equals `start` where only the start counts.

    `follows` is the id of the publication at whose end it must start; None when its start is fixed.
    """

    start: datetime
    id: str
    until: datetime
    title: str
    state: State = "scheduled"
    sponsor: str = ""
    priority: int = 50
    locked: bool = False
    follows: str | None = None

    def gives_way(self, priority: int, now: datetime) -> bool:
        """Whether what has this priority may take its place: it has less, is not locked, and is still to come."""
        to_come = self.state in ("held", "approved", "scheduled") and self.start > now
        return to_come and not self.locked and self.priority < priority


class Obstacle(Noun):
    """Why a start is refused: the rule, in words, and the publications in the way."""

    rule: Rule
    text: str
    others: tuple[str, ...] = ()


class Books:
    """What one channel has on its books, in order of start."""

    def __init__(self, channel: Channel, placed: Iterable[Placed] = ()) -> None:
        self.channel = channel
        self.placed: list[Placed] = sorted(placed)
        self._starts = [each.start for each in self.placed]
        self._longest = max((each.until - each.start for each in self.placed), default=timedelta())

    @cached_property
    def days(self) -> dict[date, list[Placed]]:
        """What starts on each broadcast day on which something does."""
        days: dict[date, list[Placed]] = {}
        first = 0
        while first < len(self.placed):
            day = self.day_of(self._starts[first])
            end = self._range_of(day).end
            last = len(self.placed) if end is None else bisect_left(self._starts, end, first)
            days[day] = self.placed[first:last]
            first = last
        return days

    @cached_property
    def by_id(self) -> dict[str, Placed]:
        """The same by their ids."""
        return {each.id: each for each in self.placed}

    @cached_property
    def by_title(self) -> dict[str, list[Placed]]:
        """The same by their titles, casefolded."""
        return self._by(lambda each: each.title.casefold())

    @cached_property
    def by_sponsor(self) -> dict[str, list[Placed]]:
        """The same by their sponsors, casefolded; what has none is under the empty text."""
        return self._by(lambda each: each.sponsor.casefold())

    @cached_property
    def worked_out(self) -> dict[tuple[str, timedelta], tuple[list[datetime], list[datetime]]]:
        """What was worked out of all that is on the books, by rule and length, for whoever asks next."""
        return {}

    def _by(self, key: Callable[[Placed], str]) -> dict[str, list[Placed]]:
        found: dict[str, list[Placed]] = {}
        for each in self.placed:
            found.setdefault(key(each), []).append(each)
        return found

    def day_of(self, moment: datetime) -> date:
        """The channel's broadcast day of an instant."""
        return broadcast_day(moment, self.channel.zone, self.channel.day_begins)

    def on_day_of(self, moment: datetime) -> Sequence[Placed]:
        """What starts on the broadcast day of the instant."""
        return self.starting(self._range_of(self.day_of(moment)))

    def starting(self, window: TimeRange) -> Sequence[Placed]:
        """What starts in the window."""
        first = bisect_left(self._starts, window.start)
        return self.placed[first : None if window.end is None else bisect_left(self._starts, window.end)]

    def near(self, start: datetime, until: datetime, within: timedelta) -> list[Placed]:
        """What lies at most `within` away from `[start, until]`."""
        first = bisect_left(self._starts, start - within - self._longest)
        last = bisect_right(self._starts, until + within)
        return [each for each in self.placed[first:last] if each.until >= start - within]

    def _range_of(self, day: date) -> TimeRange:
        return day_range(day, self.channel.zone, self.channel.day_begins)


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
