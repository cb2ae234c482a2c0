"""All rights recorded for one reference, made ready for deciding: windows, places and media worked out. Pure.

A grant covers what lies below its territories and media; a restriction also speaks where it reaches only a part of
what is asked (a blackout in US-CA stands against US).

What decides is a field of `Entry`; the whole right and its contract are only read where an answer names them, since
most of the rights of a catalogue are looked at and few are told of.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Protocol, cast

from holdback_base.canonical import bytes_sha256, canonical_sha256
from holdback_base.elements import ElementKind
from holdback_base.vocabulary import countries, is_group, medium_within

from holdback_servers.rights.model import (
    Condition,
    Contract,
    ContractStatus,
    Reruns,
    Right,
    RightKind,
    groups_day,
    meant,
)
from holdback_servers.rights.windows import Window, window


class Area:
    """Territories a right names, less those it takes out, with dated groups replaced. Equal ones are one object."""

    def __init__(self, included: frozenset[str], excluded: frozenset[str]) -> None:
        self.included, self.excluded = included, excluded

    def covers(self, place: str) -> bool:
        """Whether all of the place is in the area: what a grant needs."""
        if "-" not in place:
            return place in self._covered
        around = (place, *places_around(place))
        inside = not self.included.isdisjoint(around) and self.excluded.isdisjoint(around)
        return inside and not any(place in places_around(each) for each in self.excluded if "-" in each)

    def touches(self, place: str) -> bool:
        """Whether any of the place is in the area: enough for a restriction."""
        if "-" not in place:
            return place in self._touched
        around = (place, *places_around(place))
        return self.excluded.isdisjoint(around) and (
            not self.included.isdisjoint(around)
            or any(
                place in places_around(each) and self.excluded.isdisjoint((each, *places_around(each)))
                for each in self.included
                if "-" in each
            )
        )

    def reached(self, places: "Places", *, whole: bool) -> frozenset[str]:
        """Which of the places it covers (`whole`) or touches."""
        own = self._covered if whole else self._touched
        return (places.countries & own) | {
            each for each in places.parts if (self.covers(each) if whole else self.touches(each))
        }

    @cached_property
    def everywhere(self) -> bool:
        """Whether it is the whole world."""
        return not self.excluded and self.included >= countries()

    @cached_property
    def _covered(self) -> frozenset[str]:
        """Countries that are in it whole."""
        broken = {each.partition("-")[0] for each in self.excluded if "-" in each}
        return self.included - self.excluded - broken

    @cached_property
    def _touched(self) -> frozenset[str]:
        """Countries of which something is in it."""
        parts = {
            each.partition("-")[0]
            for each in self.included
            if "-" in each and self.excluded.isdisjoint((each, *places_around(each)))
        }
        return (self.included | parts) - self.excluded


class Places:
    """The territories of a question, in its order. Equal ones are one object."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.index = {name: number for number, name in enumerate(names)}
        self.countries = frozenset(each for each in names if "-" not in each)
        self.parts = frozenset(names) - self.countries


@lru_cache(maxsize=256)
def places_of(names: tuple[str, ...]) -> Places:
    """These territories, made ready to be looked up."""
    return Places(names)


@lru_cache(maxsize=8192)
def spread(where: Area, places: Places, whole: bool) -> int:
    """A bit for each of the places that an area covers (`whole`) or touches."""
    return sum(1 << places.index[each] for each in where.reached(places, whole=whole))


@lru_cache(maxsize=2048)
def spots(bits: int) -> tuple[int, ...]:
    """The numbers of the bits that are set."""
    return tuple([number for number, each in enumerate(format(bits, "b")[::-1]) if each == "1"])


def area(territories: tuple[str, ...], excluded: tuple[str, ...], on: date | None) -> Area:
    """The area that these codes and groups mean on a day; without one they are a restriction's (see `model.meant`).

    Raises Problem TERRITORY_UNKNOWN for a code never checked.
    """
    dated = any(is_group(each) for each in territories) or any(is_group(each) for each in excluded)
    return _area(territories, excluded, on if dated else date.max)


@lru_cache(maxsize=8192)
def _area(territories: tuple[str, ...], excluded: tuple[str, ...], on: date | None) -> Area:
    return _one_area(meant(territories, on), meant(excluded, on, out=True))


@lru_cache(maxsize=8192)
def _one_area(included: frozenset[str], excluded: frozenset[str]) -> Area:
    return Area(included, excluded)


@lru_cache(maxsize=8192)
def places_around(code: str) -> tuple[str, ...]:
    """What a subdivision lies in: larger subdivisions, then its country. Nothing for a country."""
    if "-" not in code:
        return ()
    import pycountry

    found = cast(object, pycountry.subdivisions.get(code=code))  # pyright: ignore - pycountry is untyped
    parent: str | None = getattr(found, "parent_code", None)
    return (parent, *places_around(parent)) if parent else (code.split("-")[0],)


@lru_cache(maxsize=8192)
def nodes_reached(media: tuple[str, ...], nodes: tuple[str, ...], whole: bool) -> tuple[int, ...]:
    """The numbers of the nodes of which all (`whole`) or any lies in these media."""
    reaches = covers_medium if whole else touches_medium
    return tuple([number for number, node in enumerate(nodes) if reaches(media, node)])


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a grant beside its scope; absent is without limit. `longest` is in seconds."""

    longest: int | None = None
    max_runs: int | None = None
    reruns: Reruns | None = None
    window_days: int | None = None


NO_LIMITS = Limits()


class OnRecord(Protocol):
    """Rights and their contracts as they are on record, read when they are asked for."""

    def right(self, entry: "Entry") -> Right:
        """The right that an entry was made of."""
        ...

    def contract(self, entry: "Entry") -> Contract:
        """Its contract."""
        ...

    def mark(self, entry: "Entry") -> str:
        """A hash that changes when either does."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A right and its contract that are at hand."""

    of_right: Right
    of_contract: Contract

    def right(self, entry: "Entry") -> Right:
        """The right."""
        return self.of_right

    def contract(self, entry: "Entry") -> Contract:
        """Its contract."""
        return self.of_contract

    def mark(self, entry: "Entry") -> str:
        """The hashes of both."""
        return mark_of(record_hash(self.of_right), record_hash(self.of_contract))


@dataclass(slots=True, eq=False)
class Entry:  # not frozen: that would more than double the time it takes to make one, and a question makes hundreds
    """A right made ready for deciding.

    `window` is in microseconds since 1970 (see `windows`); an end that hangs on an unknown event counts as open, and
    `unresolved` names the event. `purposes` and `languages` are empty for any. `taken` are runs used or reserved. The
    clause (empty where there is none) and the territories as they were recorded only tell of it.
    Nothing changes an entry once it is made.
    """

    id: str
    contract_id: str
    kind: RightKind
    status: ContractStatus
    element_kinds: tuple[ElementKind, ...]
    media: tuple[str, ...]
    area: Area
    window: Window
    exclusive: bool
    purposes: tuple[str, ...]
    languages: tuple[str, ...]
    derivative_allowed: bool
    limits: Limits
    conditions: tuple[Condition, ...]
    unresolved: tuple[str, ...]
    taken: int
    clause: str
    territories: tuple[str, ...]
    excluded_territories: tuple[str, ...]
    record: OnRecord = field(repr=False)

    @property
    def grants(self) -> bool:
        """Whether it gives rather than stands against."""
        return self.kind == "grant"

    @property
    def right(self) -> Right:
        """The right as it is on record."""
        return self.record.right(self)

    @property
    def contract(self) -> Contract:
        """Its contract as it is on record."""
        return self.record.contract(self)

    def about(self, kind: ElementKind) -> bool:
        """Whether it speaks of this kind of element."""
        return not self.element_kinds or kind in self.element_kinds

    def reaches_place(self, place: str) -> bool:
        """Whether it speaks for this territory: a grant for all of it, a restriction for any of it."""
        return self.area.covers(place) if self.grants else self.area.touches(place)

    def reaches_medium(self, node: str) -> bool:
        """Whether it speaks for this node of the media tree: a grant for all of it, a restriction for any of it."""
        return covers_medium(self.media, node) if self.grants else touches_medium(self.media, node)


@lru_cache(maxsize=8192)
def covers_medium(media: tuple[str, ...], node: str) -> bool:
    """Whether all of the node lies in these nodes."""
    return any(medium_within(node, each) for each in media)


@lru_cache(maxsize=8192)
def touches_medium(media: tuple[str, ...], node: str) -> bool:
    """Whether any of the node lies in these nodes."""
    return covers_medium(media, node) or any(medium_within(each, node) for each in media)


def entry(right: Right, contract: Contract, taken: int = 0) -> Entry:
    """Make a right ready; `taken` are its runs used or reserved.

    Raises Problem TERRITORY_UNKNOWN for a code that was never checked.
    """
    limits = Limits(right.longest_seconds(), right.max_runs, right.reruns, right.window_max_days)
    return Entry(
        id=right.id,
        contract_id=right.contract,
        kind=right.kind,
        status=contract.status,
        element_kinds=right.element_kinds,
        media=right.media,
        area=area(right.territories, right.excluded_territories, groups_day(right)),
        window=window(right.start, right.end),
        exclusive=right.exclusive,
        purposes=right.purposes,
        languages=right.languages,
        derivative_allowed=right.derivative_allowed,
        limits=NO_LIMITS if limits == NO_LIMITS else limits,
        conditions=right.conditions,
        unresolved=right.unresolved,
        taken=taken,
        clause=right.clause,
        territories=right.territories,
        excluded_territories=right.excluded_territories,
        record=Given(right, contract),
    )


def record_hash(record: Right | Contract) -> str:
    """`sha256:<hex>` of a right or a contract as it is on record."""
    return canonical_sha256(record.model_dump(mode="json"))


def mark_of(right_hash: str, contract_hash: str) -> str:
    """What changes when a right or its contract does, from the hashes of both."""
    return f"{right_hash} {contract_hash}"


class Book:
    """All rights recorded for one reference, of whatever status, in order of their ids; a store that reads only those
    that decide a question gives the snapshot of all."""

    def __init__(self, entries: Iterable[Entry], snapshot: str | None = None) -> None:
        self.entries = tuple(sorted(entries, key=attrgetter("id")))
        if snapshot is not None:
            self.snapshot = snapshot

    @cached_property
    def snapshot(self) -> str:
        """Another after any change of a right or its contract: a hash of all that is recorded here, if not given."""
        return bytes_sha256("\n".join([each.record.mark(each) for each in self.entries]).encode())

    def meeting(self, within: Window) -> tuple[Entry, ...]:
        """The entries whose window has an instant of this one, in order of their ids."""
        start, end = within
        return tuple([each for each in self.entries if each.window[0] < end and each.window[1] > start])

    def knows(self, kind: ElementKind) -> bool:
        """Whether anything is recorded about this kind of element."""
        return any(each.about(kind) for each in self.entries)

    def beside(self, blanket: "Book", kind: ElementKind) -> "Book":
        """What is recorded here and in another book about one kind of element."""
        return Book(each for book in (self, blanket) for each in book.entries if each.about(kind))
