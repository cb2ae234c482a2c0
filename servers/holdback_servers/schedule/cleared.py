"""What a clearance opens: cells of territories, platforms and windows. Pure.

The schedule decides nothing about rights. It reads the cells that rights gave, and what no cell opens stays shut.
"""

from collections.abc import Iterable

from holdback_base.vocabulary import Noun, TimeRange, intersection, medium_within, territory_within, union
from pydantic import ConfigDict

OPENING_VERDICTS = frozenset({"CLEARED", "PARTIAL"})
"""Verdicts whose windows may be used; the conditions of a CONDITIONAL cell are not met yet."""


class ClearedCell(Noun):
    """One group of cells of a clearance; other fields of it, such as reasons, are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    verdict: str = "CLEARED"
    windows: tuple[TimeRange, ...] = ()


def windows_for(cells: Iterable[ClearedCell], territory: str, platform: str) -> list[TimeRange]:
    """When this territory is open on this platform: disjoint windows in order; none when nothing opens it."""
    return union(
        window
        for cell in cells
        if cell.verdict in OPENING_VERDICTS
        and territory_within(territory, frozenset(cell.territories))
        and any(medium_within(platform, each) for each in cell.platforms)
        for window in cell.windows
    )


def windows_by_territory(
    cells: tuple[ClearedCell, ...], territories: Iterable[str], platform: str
) -> dict[str, list[TimeRange]]:
    """The same for many territories at once, in order of their codes."""
    known: dict[tuple[bool, ...], list[TimeRange]] = {}
    places = [frozenset(cell.territories) for cell in cells]
    found: dict[str, list[TimeRange]] = {}
    for territory in sorted(territories):
        held = tuple(territory_within(territory, each) for each in places)
        if held not in known:
            known[held] = windows_for((c for c, has in zip(cells, held, strict=True) if has), territory, platform)
        found[territory] = known[held]
    return found


def common_windows(windows: Iterable[list[TimeRange]]) -> list[TimeRange]:
    """When all of them are open at once."""
    shared: list[TimeRange] | None = None
    for each in windows:
        shared = each if shared is None else intersection(shared, each)
    return shared or []


def covering(windows: Iterable[TimeRange], wanted: TimeRange) -> bool:
    """Whether one of the disjoint windows covers the whole of what is wanted."""
    return any(window.covers(wanted) for window in windows)
