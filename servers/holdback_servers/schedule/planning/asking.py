"""One question to one channel: what is open where, for how long, and what a start in it is worth. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from holdback_base.vocabulary import TimeRange, intersection

from holdback_servers.schedule.broadcast_time import Interval, local_text
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import common_windows, windows_by_territory
from holdback_servers.schedule.constraints import Barred, Books, Obstacle, Placed, all_obstacles, barred, obstacle
from holdback_servers.schedule.model import Availability, arranged
from holdback_servers.schedule.proposal import LeftOut, SlotRequest

REACH: Final = 70
"""Points of a score that the reach of the hour gives."""
TIME_AHEAD: Final = 30
"""Points that the time still ahead gives."""
_OPEN_END = timedelta(days=30)
"""How far beyond the last start an open window is counted."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Group:
    """Territories that are open in the same windows."""

    territories: tuple[str, ...]
    windows: tuple[TimeRange, ...]


@dataclass(frozen=True)
class Asked:
    """A request, as it stands for one channel and its books at an instant."""

    books: Books
    request: SlotRequest
    now: datetime
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def channel(self) -> Channel:
        """The channel that is asked."""
        return self.books.channel

    @cached_property
    def window(self) -> TimeRange:
        """Where starts are looked for."""
        return TimeRange(start=max(self.request.earliest, self.now), end=self.request.latest)

    @cached_property
    def length(self) -> timedelta:
        """How long it takes up room on the channel: nothing but its start counts where more than one thing is up."""
        return timedelta(seconds=self.request.duration_seconds) if self.channel.kind == "linear" else timedelta()

    def wanted(self, start: datetime) -> Placed:
        """The room that it would take."""
        details = self.request.details
        until, title = start + self.length, self.request.title
        return Placed(start, "", until, title, "proposed", details.sponsor, details.priority, follows=details.follows)

    def obstacle(self, start: datetime) -> Obstacle | None:
        """The first rule that refuses the start, rights before the channel's own."""
        return self._not_open(start) or obstacle(
            self.books, self.wanted(start), self.now, after_watershed=self.request.after_watershed
        )

    def all_obstacles(self, start: datetime) -> list[Obstacle]:
        """Everything that refuses it."""
        shut = self._not_open(start)
        wanted, late = self.wanted(start), self.request.after_watershed
        return [*([shut] if shut else []), *all_obstacles(self.books, wanted, self.now, after_watershed=late)]

    def barred(self, books: Books | None = None) -> Barred:
        """When it cannot start, by rule; of the channel's books, or of others in their place."""
        wanted = self.wanted(self.window.start)
        late = self.request.after_watershed
        of_channel = barred(books or self.books, wanted, self.window, self.now, after_watershed=late)
        rule = "OUTSIDE_CLEARED_WINDOW" if self.groups else "TERRITORY_NOT_CLEARED"
        return Barred([(rule, self._shut()), *of_channel])

    def availability(self, start: datetime) -> tuple[Availability, ...]:
        """Each territory from when it is open, but not before the start, for as long as it is cleared."""
        end = start + timedelta(seconds=self.request.duration_seconds) if self.channel.kind == "linear" else None
        ahead = [TimeRange(start=start, end=end)]
        return arranged(
            tuple(
                Availability(territories=group.territories, start=window.start, end=window.end)
                for group in self.groups
                for window in intersection(group.windows, ahead)
            )
        )

    def openings(self) -> set[datetime]:
        """The instants, off the grid, that are worth trying: a territory opens, or what it follows ends."""
        found = {window.start for group in self.groups for window in group.windows}
        if (before := self.books.by_id.get(self.request.details.follows or "")) is not None:
            found.add(before.until)
        return {each for each in found if self.window.contains(each)}

    def points(self, start: datetime, reach: int) -> int:
        """The score of a start, from 0 to 100, before anything is taken off."""
        return (REACH * reach + TIME_AHEAD * self.ahead(start)) // 100

    def ahead(self, start: datetime) -> int:
        """How much of the possible time in all cleared territories lies after it, in per cent.

        Always 100 on a linear channel, where a later transmission lasts as long.
        """
        possible = self._possible
        return 100 * self._left(start) // possible if possible and self.channel.kind != "linear" else 100

    @cached_property
    def _possible(self) -> timedelta:
        return self._left(self.request.earliest)

    def _left(self, start: datetime) -> timedelta:
        left = timedelta()
        for places, begin, end in self._pieces:
            if (opens := max(start, begin)) < end:
                left += places * (end - opens)
        return left

    @cached_property
    def _pieces(self) -> list[tuple[int, datetime, datetime]]:
        horizon = self.request.until or self.request.latest + _OPEN_END
        return [
            (len(group.territories), window.start, min(window.end or horizon, horizon))
            for group in self.groups
            for window in group.windows
        ]

    def _not_open(self, start: datetime) -> Obstacle | None:
        """Why the start is not cleared: nothing is open at it for at least the length of the media."""
        if not self.groups:
            text = f"no territory that {self.channel.name} reaches is cleared on {self.channel.platform}"
            return Obstacle(rule="TERRITORY_NOT_CLEARED", text=text)
        length = TimeRange(start=start, end=start + timedelta(seconds=self.request.duration_seconds))
        windows = [(window, group) for group in self.groups for window in group.windows]
        if any(window.covers(length) for window, _ in windows):
            return None
        later = [(window.start, group) for window, group in windows if window.start > start]
        if not later:
            return Obstacle(rule="OUTSIDE_CLEARED_WINDOW", text="no cleared window is long enough from here on")
        opening, group = min(later, key=lambda each: (each[0], each[1].territories))
        text = f"{places_text(group.territories)} opens only {local_text(opening, self.channel.zone)}"
        return Obstacle(rule="OUTSIDE_CLEARED_WINDOW", text=text)

    def _shut(self) -> Iterator[Interval]:
        """When nothing is open for the length of the media: what lies between such starts."""
        length, shut_since = timedelta(seconds=self.request.duration_seconds), _FIRST
        windows = [window for group in self.groups for window in group.windows]
        for window in sorted(windows, key=lambda each: each.start):
            last = None if window.end is None else window.end - length
            if last is not None and last < window.start:
                continue
            if shut_since < window.start:
                yield shut_since, window.start
            if last is None:
                return
            shut_since = max(shut_since, last + timedelta.resolution)
        yield shut_since, _LAST


def ask(books: Books, request: SlotRequest, now: datetime) -> Asked:
    """The request as it stands for this channel: its territories by their windows, and which are left out, and why."""
    channel = books.channel
    reached = channel.reaches(max(now, request.earliest))
    left_out: list[LeftOut] = []
    if unreached := sorted(request.territories - reached):
        reason = f"{channel.name} does not reach it"
        left_out.append(LeftOut(territories=tuple(unreached), rule="TERRITORY_NOT_REACHED", reason=reason))
    places = request.territories & reached if channel.geo_blocking else reached
    windows = windows_by_territory(request.cleared, places, channel.platform)
    if shut := tuple(place for place, open_ in windows.items() if not open_):
        reason = f"nothing clears it on {channel.platform}"
        left_out.append(LeftOut(territories=shut, rule="TERRITORY_NOT_CLEARED", reason=reason))
    up = [TimeRange(start=request.earliest, end=request.until)]
    if not channel.geo_blocking:
        shared = tuple(intersection(common_windows(windows.values()), up))
        groups = (Group(tuple(windows), shared),) if shared else ()
        return Asked(books, request, now, groups, tuple(left_out))
    together: dict[tuple[TimeRange, ...], list[str]] = {}
    for place, open_ in windows.items():
        if open_:
            together.setdefault(tuple(intersection(open_, up)), []).append(place)
    if late := together.pop((), None):
        reason = "it is cleared only when the publication is not up"
        left_out.append(LeftOut(territories=tuple(late), rule="OUTSIDE_CLEARED_WINDOW", reason=reason))
    groups = tuple(Group(tuple(places), windows) for windows, places in together.items())
    return Asked(books, request, now, groups, tuple(left_out))


def places_text(territories: Iterable[str]) -> str:
    """`DE, GB`, or the first few and how many more."""
    places = tuple(territories)
    if len(places) <= 8:
        return ", ".join(places)
    return f"{', '.join(places[:6])} and {len(places) - 6} more"
