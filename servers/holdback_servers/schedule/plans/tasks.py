"""What is to be placed, and where it may go: for each item and channel the columns that nothing fixed refuses. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from holdback_base.problem import Problem
from holdback_base.vocabulary import expand_territories, medium_within, parse_medium
from numpy.typing import NDArray

from holdback_servers.schedule.constraints import Books
from holdback_servers.schedule.plan_nouns import PlanItem, PlanRequest
from holdback_servers.schedule.plans.columns import SECOND, Bools, Columns, Taken
from holdback_servers.schedule.plans.openings import OPEN, Opened, Openings, Windows, cut, micros

Key = tuple[object, ...]
SCALE: Final = 1 << 15
"""What a point of value counts for beside one for each that is placed: more are placed, but never for less value."""


@dataclass(frozen=True)
class Wish:
    """An item on one channel: when it may start, `[first, last)`, and the windows of each group of territories.

    `media` is how long it lasts, `length` how much room that takes on the channel, none but on linear; both in
    microseconds. `title` and `sponsor` are casefolded.
    """

    item: PlanItem
    lane: int
    opened: Opened
    windows: tuple[Windows, ...]
    first: int
    last: int
    media: int
    length: int
    title: str
    sponsor: str


@dataclass(frozen=True, eq=False)
class Option:
    """A wish with its open columns, all in `[low, high)`.

    `worth` is what a start there brings: the weight times the reach times SCALE, and one for being placed at all; -1
    where something fixed refuses it.
    """

    wish: Wish
    low: int
    high: int
    worth: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Task:
    """Something that is placed at most once, on one of its options."""

    number: int
    item: PlanItem
    options: tuple[Option, ...]

    @property
    def longest(self) -> int:
        """The most room that it takes on any of its channels, in microseconds; 1 where it takes none."""
        return max(1, *(option.wish.length for option in self.options))


class Lanes:
    """The columns of every channel of a plan, and the tasks made of its items.

    Raises:
        Problem: CHANNEL_UNKNOWN for an item that names a channel that is not in the plan, MEDIUM_UNKNOWN,
            TERRITORY_UNKNOWN.
    """

    def __init__(self, books: Mapping[str, Books], request: PlanRequest, now: datetime) -> None:
        self.names = sorted(books)
        self._books = [books[name] for name in self.names]
        self._request, self._now = request, now
        self._openings = Openings()
        self._expanded: dict[frozenset[str], frozenset[str]] = {}
        self._masks: dict[Key, tuple[int, int, Bools]] = {}
        self._worths: dict[tuple[Key, int], NDArray[np.int32]] = {}
        on = max(now, request.start)
        self._reached = [each.channel.reaches(on) for each in self._books]
        wishes = [[self._wish(item, lane) for lane in self._lanes_of(item)] for item in request.items]
        self.columns = self._columns(wishes)
        self._titles = [_by_name(columns.fixed, "title") for columns in self.columns]
        self._sponsors = [_by_name(columns.fixed, "sponsor") for columns in self.columns]
        self.tasks: list[Task] = []
        for item, each in zip(request.items, wishes, strict=True):
            options = [self._option(wish) for wish in each]
            for one in [tuple(options)] if item.copies == "one" else [(option,) for option in options]:
                self.tasks.append(Task(len(self.tasks), item, one))

    def _lanes_of(self, item: PlanItem) -> list[int]:
        if strange := [name for name in item.channels if name not in self.names]:
            known = ", ".join(self.names)
            message = f"{item.key} names the channel {strange[0]!r}, which is not in this plan."
            raise Problem("CHANNEL_UNKNOWN", message, f"The channels of the plan are {known}.", item=item.key)
        nodes = [parse_medium(each) for each in item.platforms]
        found = [
            lane
            for lane, books in enumerate(self._books)
            if (not item.channels or books.channel.name in item.channels)
            and (not nodes or any(medium_within(books.channel.platform, node) for node in nodes))
        ]
        if not found:
            message = f"{item.key} asks for {', '.join(nodes)}, and no channel of this plan is on it."
            offered = ", ".join(sorted({each.channel.platform for each in self._books}))
            raise Problem("CHANNEL_UNKNOWN", message, f"The plan has channels on {offered}.", item=item.key)
        following = [lane for lane in found if item.details.follows in self._books[lane].by_id]
        return following or found

    def _wish(self, item: PlanItem, lane: int) -> Wish:
        channel = self._books[lane].channel
        first, last = (
            max(micros(self._request.start), micros(item.earliest or self._request.start)),
            min(micros(self._request.end), micros(item.latest or self._request.end)),
        )
        until = OPEN if item.until is None else micros(item.until)
        media = item.duration_seconds * SECOND
        opened = self._openings.of(item.cleared, self._places(item), channel, self._reached[lane])
        return Wish(
            item=item,
            lane=lane,
            opened=opened,
            windows=tuple(cut(group.windows, first, until) for group in opened.groups),
            first=first,
            last=last,
            media=media,
            length=media if channel.kind == "linear" else 0,
            title=item.title.casefold(),
            sponsor=item.details.sponsor.casefold(),
        )

    def _places(self, item: PlanItem) -> frozenset[str]:
        found = self._expanded.get(item.territories)
        if found is None:
            found = expand_territories(item.territories, max(self._now, self._request.start).date())
            self._expanded[item.territories] = found
        return found

    def _columns(self, wishes: list[list[Wish]]) -> list[Columns]:
        extra: list[set[int]] = [set() for _ in self._books]
        for wish in (each for some in wishes for each in some):
            opens = (start for windows in wish.windows for start, _ in windows)
            extra[wish.lane].update(start for start in opens if wish.first <= start < wish.last)
            before = self._books[wish.lane].by_id.get(wish.item.details.follows or "")
            if before is not None:
                extra[wish.lane].add(micros(before.until))
        return [
            Columns(books, self._request.start, self._request.end, self._now, some)
            for books, some in zip(self._books, extra, strict=True)
        ]

    def _option(self, wish: Wish) -> Option:
        columns = self.columns[wish.lane]
        titles, sponsors = self._titles[wish.lane], self._sponsors[wish.lane]
        details, late = wish.item.details, wish.item.after_watershed
        key = (
            *(wish.lane, wish.media, late, wish.first, wish.last, wish.windows, details.follows),
            wish.title if wish.title in titles else "",
            wish.sponsor if wish.sponsor in sponsors else "",
        )
        found = self._masks.get(key)
        if found is None:
            open_ = cleared(columns, wish) & candidates(columns, wish) & ~columns.refused(wish.length, late)
            open_ &= ~columns.same_title(titles.get(wish.title, ()))
            open_ &= ~columns.too_near(sponsors.get(wish.sponsor, ()), wish.length, columns.sponsor_gap)
            if details.follows:
                open_ &= follows(columns, wish)
            at = np.flatnonzero(open_)
            low, high = (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)
            self._masks[key] = found = (low, high, ~open_[low:high])
        low, high, closed = found
        worth = self._worths.get((key, wish.item.weight))
        if worth is None:
            worth = (columns.reach[low:high] * (wish.item.weight * SCALE) + 1).astype(np.int32)
            worth[closed] = -1
            self._worths[key, wish.item.weight] = worth
        return Option(wish, low, high, worth)


def candidates(columns: Columns, wish: Wish) -> Bools:
    """The columns that are tried: the grid in `[first, last)`, where its windows open, the end of what it follows."""
    tried = columns.common.copy()
    tried[columns.own(wish.windows)] = True
    before = columns.books.by_id.get(wish.item.details.follows or "")
    if before is not None:
        tried |= columns.times == micros(before.until)
    return tried & (columns.times >= wish.first) & (columns.times < wish.last)


def cleared(columns: Columns, wish: Wish) -> Bools:
    """The columns from which some territory is open for the whole of the media."""
    return columns.inside((window for windows in wish.windows for window in windows), wish.media)


def follows(columns: Columns, wish: Wish) -> Bools:
    """The columns at which what it follows ends; none where that is not on the books, or not on a linear channel."""
    before = columns.books.by_id.get(wish.item.details.follows or "")
    if before is None or columns.channel.kind != "linear":
        return np.zeros(columns.count, np.bool_)
    return columns.times == micros(before.until)


def _by_name(fixed: list[Taken], name: str) -> dict[str, list[Taken]]:
    found: dict[str, list[Taken]] = {}
    for each in fixed:
        if word := str(getattr(each, name)):
            found.setdefault(word, []).append(each)
    return found
