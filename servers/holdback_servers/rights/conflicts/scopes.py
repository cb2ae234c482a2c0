"""Scopes of rights compared by the names in them, never cell by cell. Pure.

A place or a medium that is named stands for all below it that is not named itself: `US` less `US-CA`, `vod` less
`vod.svod`. So a few names divide what several rights speak of into parts that each of them has wholly or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import product

from holdback_base.vocabulary import countries, medium_within

from holdback_servers.rights.answers import RightsScope
from holdback_servers.rights.book import Area, Entry, covers_medium, places_around
from holdback_servers.rights.windows import Window, Windows, joined, ranges, without

Cells = dict[tuple[int, int], Windows]
"""Windows by row of places and column of media; a cell without any is absent."""


def scope(
    included: Set[str], excluded: Set[str], media: Set[str], windows: Windows, excluded_media: Set[str] = frozenset()
) -> RightsScope:
    """For the wire; most of the world is written as WORLD less the rest."""
    whole = countries() & included
    inside, outside = set(included), set(excluded)
    if 2 * len(whole) > len(countries()) and all(code.split("-")[0] in whole for code in inside - whole):
        inside, outside = {"WORLD"} | (inside - whole), outside | (countries() - whole)
    return RightsScope(
        territories=tuple(sorted(inside)),
        excluded_territories=tuple(sorted(outside)),
        media=tuple(sorted(media)),
        excluded_media=tuple(sorted(excluded_media)),
        windows=ranges(windows),
    )


@lru_cache(maxsize=8192)
def shared_area(one: Area, other: Area) -> Area:
    """What lies in both areas, in as few names as do."""
    both = {code for code in one.included | other.included if holds(one, code) and holds(other, code)}
    included = {code for code in both if both.isdisjoint(places_around(code))}
    excluded = {code for code in one.excluded | other.excluded if not included.isdisjoint(places_around(code))}
    return Area(frozenset(included), frozenset(excluded))


@lru_cache(maxsize=65_536)
def holds(area: Area, code: str) -> bool:
    """Whether the area holds the place, apart from what else is named in it."""
    around = (code, *places_around(code))
    return not area.included.isdisjoint(around) and area.excluded.isdisjoint(around)


def shared_media(one: tuple[str, ...], other: tuple[str, ...]) -> frozenset[str]:
    """Nodes of the media tree that lie in both, as few as do."""
    both = {node for node in (*one, *other) if covers_medium(one, node) and covers_medium(other, node)}
    return frozenset(node for node in both if not any(medium_within(node, each) for each in both - {node}))


class Ground:
    """What a right covers, in rows of places and columns of media that the same others reach."""

    def __init__(self, right: Entry, others: Sequence[Entry], within: Window) -> None:
        self._others, self._within = others, within
        areas = {each.area for each in (right, *others)}
        self._places = {code for area in areas for code in area.included | area.excluded}
        within_it = [code for code in self._places if holds(right.area, code)]
        self._media = {node for each in (right, *others) for node in each.media if covers_medium(right.media, node)}
        self._rows = _alike(within_it, lambda code: _over(others, {area: holds(area, code) for area in areas}))
        self._columns = _alike(self._media, lambda node: (covers_medium(each.media, node) for each in others))
        self._kept: dict[int, Windows] = {}

    def missing(self, giving: int) -> Cells:
        """Of each cell the part of the window that these others (a bit each) do not give."""
        cells: Cells = {}
        for (i, row), (j, column) in product(enumerate(self._rows), enumerate(self._columns)):
            mask = row & column & giving
            if mask not in self._kept:
                given = joined(each.window for n, each in enumerate(self._others) if mask >> n & 1)
                self._kept[mask] = without((self._within,), given)
            if self._kept[mask]:
                cells[i, j] = self._kept[mask]
        return cells

    def scopes(self, cells: Cells) -> tuple[RightsScope, ...]:
        """The cells for the wire: rows that have the same windows at the same media are told together."""
        rows: dict[tuple[tuple[Windows, tuple[str, ...]], ...], set[str]] = {}
        for i, found in enumerate(self._rows.values()):
            by_window: dict[Windows, list[str]] = {}
            for j, media in enumerate(self._columns.values()):
                if (i, j) in cells:
                    by_window.setdefault(cells[i, j], []).extend(media)
            shape = tuple((windows, tuple(sorted(media))) for windows, media in sorted(by_window.items()))
            rows.setdefault(shape, set()).update(found)
        made: list[RightsScope] = []
        for shape, found in sorted(rows.items(), key=lambda each: sorted(each[1])):
            inside, outside = _named(found, self._places, places_around)
            for windows, media in shape:
                nodes, left_out = _named(set(media), self._media, _nodes_around)
                made.append(scope(inside, outside, nodes, windows, left_out))
        return tuple(made)


def less(cells: Cells, other: Cells) -> Cells:
    """What is in the one and not in the other."""
    left = {cell: without(windows, other.get(cell, ())) for cell, windows in cells.items()}
    return {cell: windows for cell, windows in left.items() if windows}


def _over(entries: Iterable[Entry], held: dict[Area, bool]) -> Iterator[bool]:
    return (held[each.area] for each in entries)


def _alike(names: Iterable[str], reached: Callable[[str], Iterable[bool]]) -> dict[int, list[str]]:
    rows: dict[int, list[str]] = {}
    for name in sorted(names):
        rows.setdefault(sum(1 << n for n, found in enumerate(reached(name)) if found), []).append(name)
    return rows


def _named(names: Set[str], known: Set[str], around: Callable[[str], Iterable[str]]) -> tuple[set[str], set[str]]:
    """The fewest names that mean these, and names inside them that are not meant."""

    def nearest(name: str) -> str | None:
        return next((each for each in around(name) if each in known), None)

    return (
        {name for name in names if nearest(name) not in names},
        {name for name in known - names if nearest(name) in names},
    )


def _nodes_around(node: str) -> Iterator[str]:
    while "." in node:
        node = node.rpartition(".")[0]
        yield node
    if node != "all":
        yield "all"
