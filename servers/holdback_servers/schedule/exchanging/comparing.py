"""A file's lines against the record: what is new, what is there already, what overlaps. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from holdback_base.ids import NewId
from holdback_base.vocabulary import TimeRange, instant_text

from holdback_servers.schedule.asrun_nouns import FileContents, FileKind, ListedItem, Remark
from holdback_servers.schedule.books import Actor

_FRAME: Final = timedelta(milliseconds=100)
"""Logs of neighbours may overlap by a few frames."""
_AT_ONCE: Final = 2500
"""New lines of one file: a week of items of five minutes, and more."""


@dataclass(frozen=True)
class Taking:
    """A file that was read, and how it is to be taken in.

    `start` and `end` are the hours that it covers, where they are more than from its first line to its last.
    """

    kind: FileKind
    channel: str
    name: str
    contents: FileContents
    replace: bool
    tolerance: timedelta
    now: datetime
    actor: Actor
    new_id: NewId
    start: datetime | None = None
    end: datetime | None = None

    @property
    def window(self) -> TimeRange | None:
        """The hours that it covers; None where it holds no line and says no hours."""
        starts = [each.start for each in self.contents.items] + [each for each in (self.start,) if each]
        ends = [each.end for each in self.contents.items] + [each for each in (self.end,) if each]
        if not starts or not ends:
            return None
        return TimeRange(start=min(starts), end=max(ends))

    @property
    def covered(self) -> TimeRange | None:
        """Those of the hours that are past: of what is to come no file tells what aired."""
        window = self.window
        if window is None or window.end is None or window.start >= self.now:
            return None
        return TimeRange(start=window.start, end=min(window.end, self.now))


@dataclass(frozen=True)
class Compared:
    """Lines against the record: what is new, how many are there just so, what would be taken off, what stands in the
    way."""

    new: tuple[ListedItem, ...]
    unchanged: int
    replaced: tuple[str, ...]
    mistakes: tuple[Remark, ...]


Standing = tuple[datetime, datetime, str]
"""What is on record: from when, until when, and how a person is told of it."""


def too_many(new: Sequence[ListedItem], taking: Taking) -> list[Remark]:
    """A mistake when there are more new lines than are recorded at once: nobody else writes meanwhile."""
    if len(new) <= _AT_ONCE:
        return []
    message = f"It has {len(new):,} new lines; {_AT_ONCE:,} are recorded at once."
    return [Remark(place=taking.name, message=message, hint="Split the file, by days.")]


def clashes_within(items: Sequence[ListedItem], *, linear: bool) -> list[Remark]:
    """Lines of the file that overlap the one before them."""
    found: list[Remark] = []
    before: ListedItem | None = None
    for item in sorted(items, key=lambda each: (each.start, each.end)):
        if before is not None and _overlap(item, before.start, before.end, linear=linear):
            found.append(_clash(item, f"{before.title!r} of {before.place}"))
        if before is None or item.end > before.end:
            before = item
    return found


def clashes(items: Iterable[ListedItem], standing: Sequence[Standing], *, linear: bool) -> list[Remark]:
    """New lines that overlap what is on record, each with the first that it overlaps."""
    ordered = sorted(standing)
    found: list[Remark] = []
    first = 0
    for item in sorted(items, key=lambda each: each.start):
        while first < len(ordered) and max(ordered[first][:2]) + _FRAME < item.start:
            first += 1
        for start, end, what in ordered[first:]:
            if start > item.end:
                break
            if _overlap(item, start, end, linear=linear):
                found.append(_clash(item, what))
                break
    return found


def _overlap(item: ListedItem, start: datetime, end: datetime, *, linear: bool) -> bool:
    if not linear:
        return item.start == start
    return item.start == start or (item.start < end - _FRAME and start < item.end - _FRAME)


def _clash(item: ListedItem, other: str) -> Remark:
    message = f"{item.title!r}, {instant_text(item.start)} to {instant_text(item.end)}, overlaps {other}."
    hint = "Correct the times, take the line out, or, for what an earlier file put there, import with replace."
    return Remark(place=item.place, message=message, hint=hint)


def folded(title: str) -> str:
    return " ".join(title.casefold().split())
