"""When one element may be shown in a place on a platform: grants, minus what stands against them. Pure.

An element is judged on the whole requested window, alone, so that what is said of it depends on nothing else. Only
rights of active contracts count. A grant covers what lies below its territories and media; a restriction also speaks
where it reaches only a part of what is asked (a blackout in US-CA stands against US). Unknown is never clear.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import cast

from holdback_base.canonical import canonical_sha256
from holdback_base.elements import ElementKind
from holdback_base.vocabulary import medium_within

from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.model import Contract, Purpose, Right
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.windows import Window, Windows, clipped, joined, shared, window, without

_STANDS_AGAINST: dict[str, ReasonCode] = {
    "licence_out": "RIGHTS_OUT_OVERLAP",
    "holdback": "HOLDBACK",
    "blackout": "BLACKOUT",
    "embargo": "EMBARGO",
}


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


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked of one element, apart from where: when, what for, in which languages, for how long, edited or not.

    `seconds` is how long the element lasts in the cut, in all; None when there is no cut (a question to the catalogue).
    """

    kind: ElementKind
    window: Window
    purpose: Purpose
    languages: tuple[str, ...]
    seconds: Fraction | None
    derivative: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason of one element. `windows` is the part of the requested window that is in the way."""

    code: ReasonCode
    entry: Entry | None
    windows: Windows
    duty: Duty | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One element in one place on one platform: clear as it stands, clear once `unmet` duties are met, and why not."""

    now: Windows
    once: Windows
    unknown: bool
    findings: tuple[Finding, ...]
    met: tuple[Duty, ...]
    unmet: tuple[Duty, ...]


class Judgement:
    """One element before its book. Answers are kept by which entries reach the cell, so cells alike cost nothing."""

    def __init__(self, book: Book, use: Use, duties: Callable[[Entry], Sequence[Duty]]) -> None:
        self.book, self.use, self._duties_of = book, use, duties
        about = book.kind_mask(use.kind)
        self._about = about
        self._unknown = not about
        self._kept: dict[int, Answer] = {}
        self._same: dict[Answer, Answer] = {}
        self._faults: dict[int, tuple[ReasonCode, ...]] = {}
        self._duties: dict[int, tuple[Duty, ...]] = {}
        self._idle = 0
        for index, each in enumerate(book.entries):
            if not about >> index & 1:
                continue
            if each.grants:
                self._faults[index] = tuple(_faults(each, use))
                self._duties[index] = tuple(duties(each))
            if not clipped(each.window, use.window) or not _counts(each, use):
                self._idle |= 1 << index
        self._nearest = _nearest((each for i, each in enumerate(book.entries) if i in self._faults), use)

    def faults(self, index: int) -> tuple[ReasonCode, ...]:
        """On what points the grant at this place of the book does not cover the use; nothing for other entries."""
        return self._faults.get(index, ())

    def lasting(self, seconds: int) -> "Judgement":
        """The same element if it lasted no longer than so many seconds."""
        return Judgement(self.book, replace(self.use, seconds=Fraction(seconds)), self._duties_of)

    def place_mask(self, place: str) -> int:
        """Which entries that matter here reach the territory."""
        return self.book.place_mask(place) & self._about & ~self._idle

    def medium_mask(self, node: str) -> int:
        """Which entries that matter here reach the platform."""
        return self.book.medium_mask(node) & self._about & ~self._idle

    def answer(self, mask: int) -> Answer:
        """The answer where exactly these entries speak."""
        kept = self._kept.get(mask)
        if kept is None:
            made = self._judge(mask)
            kept = self._kept[mask] = self._same.setdefault(made, made)
        return kept

    def _judge(self, mask: int) -> Answer:
        asked = self.use.window
        if self._unknown:
            return Answer((), (), True, (Finding("ELEMENT_UNKNOWN", None, (asked,)),), (), ())
        grants: list[tuple[int, Windows]] = []
        faulty: list[tuple[int, Windows]] = []
        against: list[Finding] = []
        for index, each in enumerate(self.book.entries):
            if not mask >> index & 1 or not (part := clipped(each.window, asked)):
                continue
            if not each.grants:
                against.append(Finding(_STANDS_AGAINST[each.right.kind], each, part))
            elif self._faults[index]:
                faulty.append((index, part))
            else:
                grants.append((index, part))
        barred = joined(part for each in against for part in each.windows)
        whole = joined(part for _, parts in grants for part in parts)
        once = without(whole, barred)
        free = [(index, parts) for index, parts in grants if all(duty.met for duty in self._duties[index])]
        given = joined(part for _, parts in free for part in parts)
        now = without(given, barred)
        needed = self._needed([each for each in grants if each not in free], now, once)
        met = [duty for index, parts in free if shared(parts, now) for duty in self._duties[index]]
        unmet = [duty for index in needed for duty in self._duties[index] if not duty.met]
        met += [duty for index in needed for duty in self._duties[index] if duty.met]
        findings = self._lacking(without((asked,), whole), faulty) + against
        findings += [
            Finding("CONDITION_UNMET", self.book.entries[index], without(parts, given), duty)
            for index, parts in grants
            if index in needed
            for duty in self._duties[index]
            if not duty.met
        ]
        return Answer(now, once, False, tuple(findings), tuple(met), tuple(unmet))

    def _needed(self, held: list[tuple[int, Windows]], now: Windows, once: Windows) -> list[int]:
        """A small set of grants with unmet duties that together give what only they give; few duties first."""
        covered, chosen = now, list[tuple[int, Windows]]()
        held = sorted(held, key=lambda each: (sum(not duty.met for duty in self._duties[each[0]]), each[0]))
        for index, parts in held:
            more = joined((*covered, *shared(parts, once)))
            if more != covered:
                covered = more
                chosen.append((index, parts))
        for each in tuple(reversed(chosen)):
            rest = [parts for other, parts in chosen if other != each[0]]
            if joined((*now, *(part for parts in rest for part in shared(parts, once)))) == once:
                chosen.remove(each)
        return sorted(index for index, _ in chosen)

    def _lacking(self, uncovered: Windows, faulty: list[tuple[int, Windows]]) -> list[Finding]:
        """What no grant gives: grants that fail on one point are named for it; the rest is simply not there."""
        if not uncovered:
            return []
        findings: list[Finding] = []
        for index, parts in faulty:
            part = shared(parts, uncovered)
            if part:
                findings += [Finding(code, self.book.entries[index], part) for code in self._faults[index]]
        rest = without(uncovered, joined(part for _, parts in faulty for part in parts))
        if rest:
            nothing = rest == (self.use.window,)
            findings.append(Finding("NO_RIGHTS_IN" if nothing else "PARTIAL_RIGHTS_IN", self._nearest, rest))
        return findings


def _counts(each: Entry, use: Use) -> bool:
    """Whether the entry can change anything: a restriction only in force and for this use; a grant always explains."""
    if each.grants:
        return True
    right = each.right
    if each.contract.status != "active" or (right.kind == "licence_out" and not right.exclusive):
        return False
    if right.purposes and use.purpose not in right.purposes:
        return False
    if not right.languages or not use.languages:
        return True
    return any(_speaks(asked, own) or _speaks(own, asked) for asked in use.languages for own in right.languages)


def _faults(each: Entry, use: Use) -> Iterable[ReasonCode]:
    """Points on which a grant that reaches the cell still does not cover the use."""
    right = each.right
    if each.contract.status != "active":
        yield "CONTRACT_NOT_ACTIVE"
    if use.purpose not in right.purposes and (right.purposes or use.purpose == "training"):
        yield "PURPOSE_NOT_LICENSED"
    if right.languages and not (
        use.languages and all(any(_speaks(asked, own) for own in right.languages) for asked in use.languages)
    ):
        yield "LANGUAGE_NOT_LICENSED"
    if use.derivative and not right.derivative_allowed:
        yield "DERIVATIVE_NOT_ALLOWED"
    if right.max_duration_seconds is not None and use.seconds is not None and use.seconds > right.max_duration_seconds:
        yield "DURATION_OVER_LIMIT"


def _speaks(asked: str, own: str) -> bool:
    """Whether a language range covers a tag (RFC 4647 basic filtering): es covers es-419, never the other way."""
    return asked.lower() == own.lower() or asked.lower().startswith(own.lower() + "-")


def _nearest(entries: Iterable[Entry], use: Use) -> Entry | None:
    """The grant to name where none covers: active before others, most of the window first, then by id."""

    def distance(each: Entry) -> tuple[bool, int, str]:
        inside = clipped(each.window, use.window)
        return (each.contract.status != "active", -(inside[0][1] - inside[0][0]) if inside else 0, each.right.id)

    return min(entries, key=distance, default=None)
