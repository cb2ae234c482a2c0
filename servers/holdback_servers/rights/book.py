"""All rights recorded for one reference, made ready for deciding: windows, places and media worked out. Pure.

A grant covers what lies below its territories and media; a restriction also speaks where it reaches only a part of
what is asked (a blackout in US-CA stands against US).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

from holdback_base.canonical import canonical_sha256
from holdback_base.elements import ElementKind
from holdback_base.vocabulary import medium_within

from holdback_servers.rights.model import Contract, Right
from holdback_servers.rights.windows import Window, window


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A right made ready for deciding: its window, and its territories with groups replaced."""

    right: Right
    contract: Contract
    window: Window
    included: frozenset[str]
    excluded: frozenset[str]

    @property
    def grants(self) -> bool:
        """Whether it gives rather than stands against."""
        return self.right.kind == "grant"

    def reaches_place(self, place: str) -> bool:
        """Whether it speaks for this territory: a grant for all of it, a restriction for any of it."""
        around = (place, *places_around(place))
        if self.grants:
            inside = not self.included.isdisjoint(around) and self.excluded.isdisjoint(around)
            return inside and not any(place in places_around(each) for each in self.excluded if "-" in each)
        if not self.excluded.isdisjoint(around):
            return False
        return not self.included.isdisjoint(around) or any(
            place in places_around(each) and self.excluded.isdisjoint((each, *places_around(each)))
            for each in self.included
            if "-" in each
        )

    def reaches_medium(self, node: str) -> bool:
        """Whether it speaks for this node of the media tree: a grant for all of it, a restriction for any of it."""
        media = self.right.media
        if any(medium_within(node, each) for each in media):
            return True
        return not self.grants and any(medium_within(each, node) for each in media)


@lru_cache(maxsize=8192)
def places_around(code: str) -> tuple[str, ...]:
    """What a subdivision lies in: larger subdivisions, then its country. Nothing for a country."""
    if "-" not in code:
        return ()
    import pycountry

    found = cast(object, pycountry.subdivisions.get(code=code))  # pyright: ignore - pycountry is untyped
    parent: str | None = getattr(found, "parent_code", None)
    return (parent, *places_around(parent)) if parent else (code.split("-")[0],)


def entry(right: Right, contract: Contract) -> Entry:
    """Make a right ready. Raises Problem TERRITORY_UNKNOWN for a code that was never checked."""
    included, excluded = right.places()
    return Entry(right, contract, window(right.start, right.end), included, excluded)


class Book:
    """All rights recorded for one reference, of whatever status. Reach is worked out once a place and once a node."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda each: each.right.id))
        self._places: dict[str, int] = {}
        self._media: dict[str, int] = {}
        self._kinds: dict[ElementKind, int] = {}

    @cached_property
    def snapshot(self) -> str:
        """`sha256:<hex>` of all that is recorded here: it changes with any change of a right or its contract."""
        return canonical_sha256(
            [[each.model_dump(mode="json") for each in (entry.right, entry.contract)] for entry in self.entries]
        )

    def place_mask(self, place: str) -> int:
        """A bit for each entry that reaches the territory."""
        mask = self._places.get(place)
        if mask is None:
            mask = self._places[place] = self._mask(lambda each: each.reaches_place(place))
        return mask

    def medium_mask(self, node: str) -> int:
        """A bit for each entry that reaches the platform."""
        mask = self._media.get(node)
        if mask is None:
            mask = self._media[node] = self._mask(lambda each: each.reaches_medium(node))
        return mask

    def kind_mask(self, kind: ElementKind) -> int:
        """A bit for each entry about this kind of element."""
        mask = self._kinds.get(kind)
        if mask is None:
            mask = self._kinds[kind] = self._mask(
                lambda each: not each.right.element_kinds or kind in each.right.element_kinds
            )
        return mask

    def _mask(self, reaches: Callable[[Entry], bool]) -> int:
        return sum(1 << index for index, each in enumerate(self.entries) if reaches(each))
