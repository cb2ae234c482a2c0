"""In which windows an item is open on a channel, and from which starts the whole of its media fits. Pure.

Instants are whole microseconds since 1970 here; an open end is `OPEN`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from holdback_base.vocabulary import medium_within

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import OPENING_VERDICTS, ClearedCell

OPEN: Final = 1 << 60
"""Later than any instant: the end of what has none."""
Windows = tuple[tuple[int, int], ...]
"""Disjoint half-open windows in order."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """The instant as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def instant(micro: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micro)


@dataclass(frozen=True)
class Group:
    """Territories that are open in the same windows."""

    territories: frozenset[str]
    windows: Windows


@dataclass(frozen=True)
class Opened:
    """What is open on a channel, before it is cut to when the item may be up, and what nothing opens."""

    groups: tuple[Group, ...]
    unreached: frozenset[str] = frozenset()
    shut: frozenset[str] = frozenset()


class Openings:
    """What clearances open, each read once for all channels of one platform and reach."""

    def __init__(self) -> None:
        self._cells: dict[int, tuple[frozenset[str], Windows]] = {}
        self._known: dict[tuple[int, frozenset[str], str, frozenset[str], bool], Opened] = {}

    def of(
        self, cells: tuple[ClearedCell, ...], places: frozenset[str], channel: Channel, reached: frozenset[str]
    ) -> Opened:
        """What these cells open of the places on the channel, which reaches `reached`."""
        key = (id(cells), places, channel.platform, reached, channel.geo_blocking)
        found = self._known.get(key)
        if found is None:
            self._known[key] = found = self._read(cells, places, channel, reached)
        return found

    def _read(
        self, cells: tuple[ClearedCell, ...], places: frozenset[str], channel: Channel, reached: frozenset[str]
    ) -> Opened:
        wanted = places & reached if channel.geo_blocking else reached
        subdivisions = [place for place in wanted if "-" in place]
        parts: list[tuple[frozenset[str], list[Windows]]] = [(wanted, [])] if wanted else []
        for cell in cells:
            if cell.verdict not in OPENING_VERDICTS or not any(
                medium_within(channel.platform, each) for each in cell.platforms
            ):
                continue
            named, windows = self._of_cell(cell)
            inside = named & wanted
            if subdivisions:
                inside |= {place for place in subdivisions if place.split("-")[0] in named}
            split: list[tuple[frozenset[str], list[Windows]]] = []
            for part, given in parts:
                if shared := part & inside:
                    split.append((shared, [*given, windows]))
                if rest := part - inside:
                    split.append((rest, given))
            parts = split
        return _opened(channel, parts, places - reached)

    def _of_cell(self, cell: ClearedCell) -> tuple[frozenset[str], Windows]:
        found = self._cells.get(id(cell))
        if found is None:
            windows = tuple((micros(w.start), OPEN if w.end is None else micros(w.end)) for w in cell.windows)
            self._cells[id(cell)] = found = (frozenset(cell.territories), windows)
        return found


def _opened(channel: Channel, parts: list[tuple[frozenset[str], list[Windows]]], unreached: frozenset[str]) -> Opened:
    joined = [(part, joined_windows(window for each in given for window in each)) for part, given in parts]
    shut = frozenset[str]().union(*(part for part, windows in joined if not windows))
    if not channel.geo_blocking:
        everywhere = frozenset[str]().union(*(part for part, _ in joined))
        shared = shared_windows([windows for _, windows in joined])
        return Opened((Group(everywhere, shared),) if shared else (), unreached, shut)
    together: dict[Windows, frozenset[str]] = {}
    for part, windows in joined:
        if windows:
            together[windows] = together.get(windows, frozenset()) | part
    return Opened(tuple(Group(part, windows) for windows, part in together.items()), unreached, shut)


def joined_windows(windows: Iterable[tuple[int, int]]) -> Windows:
    """The same instants as disjoint windows in order; touching ones are joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def shared_windows(several: Sequence[Windows]) -> Windows:
    """When all of them are open at once; never when there is none."""
    if not several:
        return ()
    shared = several[0]
    for each in several[1:]:
        shared = tuple((max(a, c), min(b, d)) for a, b in shared for c, d in each if max(a, c) < min(b, d))
    return joined_windows(shared)


def cut(windows: Windows, start: int, end: int) -> Windows:
    """What of the windows lies in `[start, end)`."""
    return tuple((max(a, start), min(b, end)) for a, b in windows if max(a, start) < min(b, end))
