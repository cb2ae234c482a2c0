"""Books that were read before, brought up to date by what has changed since.

Every change of a publication writes a row of its history in the same transaction, so the last number there says whether
anything changed, and the rows after a number say what. Whoever promises a slot reads the store itself; a shelf is for
questions, which come far more often than changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from holdback_base.database import hidden_stories
from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection, func, select

from holdback_servers.schedule.books.reading import around, read_books, read_placed
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, Placed
from holdback_servers.schedule.tables import history, publications

_CHANNELS: Final = 64
"""Channels whose books are kept; the one asked for longest ago goes."""
_SLACK: Final = timedelta(days=7)
"""How much more than asked is read, so that a window which moves on with the clock is still there."""
_LONGEST: Final = timedelta(days=185)
"""The longest window that is kept of one channel."""


@dataclass
class _Kept:
    """A channel's books as of a number of the history; `lapses` says when holds end."""

    version: int
    window: TimeRange
    placed: Mapping[str, Placed]
    lapses: Mapping[str, datetime]
    books: Books | None = None
    lapsed: frozenset[str] = field(default=frozenset())

    def books_at(self, channel: Channel, now: datetime) -> Books:
        """The books without holds that have lapsed: the same object as long as nothing about it changes."""
        lapsed = frozenset(key for key, expires in self.lapses.items() if expires <= now)
        known = self.books
        if known is None or known.channel != channel or lapsed != self.lapsed:
            known = Books(channel, (each for key, each in self.placed.items() if key not in lapsed))
            self.books, self.lapsed = known, lapsed
        return known


class Shelf:
    """The books of the channels that were asked for, kept for whoever asks next; for threads."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def books(self, c: Connection, channel: Channel, window: TimeRange, now: datetime) -> Books:
        """As `read_books` of a window that ends, with more around it."""
        if hidden_stories(c):  # what is kept here is for those who may know everything on it
            return read_books(c, channel, window, now)
        version = c.execute(select(func.max(history.c.seq))).scalar() or 0
        wanted = around(channel, window)
        with self._lock:
            kept = self._kept.get(channel.name)
            if kept is not None and version < kept.version:
                return read_books(c, channel, window, now)  # this unit sees the store as it was before
            if kept is None or not kept.window.covers(wanted):
                kept = _read(c, channel, _wider(wanted, kept), version)
            elif version > kept.version:
                kept = _brought_up(c, channel, kept, version)
            self._kept.pop(channel.name, None)
            self._kept[channel.name] = kept
            while len(self._kept) > _CHANNELS:
                del self._kept[next(iter(self._kept))]
            return kept.books_at(channel, now)


def _wider(wanted: TimeRange, kept: _Kept | None) -> TimeRange:
    """What is asked and a week more, together with what is kept unless that would be long."""
    end = None if wanted.end is None else wanted.end + _SLACK
    if kept is None or kept.window.end is None or end is None:
        return TimeRange(start=wanted.start, end=end)
    start, last = min(wanted.start, kept.window.start), max(end, kept.window.end)
    return TimeRange(start=start, end=last) if last - start <= _LONGEST else TimeRange(start=wanted.start, end=end)


def _read(c: Connection, channel: Channel, window: TimeRange, version: int) -> _Kept:
    found = list(read_placed(c, channel, window))
    lapses = {each.id: expires for each, expires in found if expires is not None}
    return _Kept(version, window, {each.id: each for each, _ in found}, lapses)


def _brought_up(c: Connection, channel: Channel, kept: _Kept, version: int) -> _Kept:
    since = select(history.c.publication).where(history.c.seq > kept.version)
    changed = set(c.execute(since).scalars())
    found = list(read_placed(c, channel, kept.window, publications.c.id.in_(since)))
    if not found and changed.isdisjoint(kept.placed):
        kept.version = version
        return kept
    placed = {key: each for key, each in kept.placed.items() if key not in changed}
    lapses = {key: expires for key, expires in kept.lapses.items() if key not in changed}
    placed |= {each.id: each for each, _ in found}
    lapses |= {each.id: expires for each, expires in found if expires is not None}
    return _Kept(version, kept.window, placed, lapses)
