"""What goes on when a grant ends: which other grants give the same from then on, and what nobody gives. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from holdback_base.elements import ElementKind

from holdback_servers.rights.answers import RightsScope
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.conflicts.finding import Facet, given_for, gives
from holdback_servers.rights.conflicts.scopes import Cells, Ground
from holdback_servers.rights.windows import OPEN


@dataclass(frozen=True, slots=True)
class Continued:
    """What follows the end of a grant.

    `lost` is what no other grant gives from that instant on, until one does; it is empty where `by` give all of it.
    `exclusive` says whether what was exclusive stays so.
    """

    by: tuple[Entry, ...]
    lost: tuple[RightsScope, ...]
    exclusive: bool


def continued(grant: Entry, book: Book, kinds: Sequence[ElementKind]) -> Continued:
    """What follows the end of a grant that has one. `kinds` is what a grant that names no kind is about.

    Only grants of active contracts count, with runs left, that let it be cut if this one does; their conditions and
    limits may be others.
    """
    ends = grant.window[1]
    others = [each for each in book.entries if each is not grant and _follows(each, grant) and each.window[1] > ends]
    ground = Ground(grant, others, (ends, OPEN))
    facets: list[Facet] = list(
        product(grant.element_kinds or kinds, sorted(given_for(grant)), grant.languages or ("",))
    )
    masks = {sum(1 << n for n, each in enumerate(others) if gives(each, facet)) for facet in facets}

    def lost(of: int) -> Cells:
        """What is missing on any point from the end on, out of these grants."""
        cells: Cells = {}
        for mask in masks:
            for cell, windows in ground.missing(mask & of).items():
                if windows[0][0] == ends and cells.get(cell, windows)[0][1] <= windows[0][1]:
                    cells[cell] = windows[:1]
        return cells

    needed = (1 << len(others)) - 1
    missing = lost(needed)
    for n in reversed(range(len(others))):
        if lost(needed & ~(1 << n)) == missing:
            needed &= ~(1 << n)
    by = tuple(each for n, each in enumerate(others) if needed >> n & 1 and each.window[0] <= ends)
    return Continued(by, ground.scopes(missing), all(each.exclusive for each in by))


def _follows(other: Entry, grant: Entry) -> bool:
    runs = other.limits.max_runs
    return (
        other.grants
        and other.status == "active"
        and not other.unresolved
        and (other.derivative_allowed or not grant.derivative_allowed)
        and (runs is None or other.taken < runs)
    )
