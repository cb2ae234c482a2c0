"""When one element may be shown in a place on a platform: grants, minus what stands against them. Pure.

An element is judged on the whole requested window, alone, so that what is said of it depends on nothing else. Only
rights of active contracts count. A grant covers what lies below its territories and media; a restriction also speaks
where it reaches only a part of what is asked (a blackout in US-CA stands against US). Unknown is never clear.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from holdback_base.elements import ElementKind

from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.tongues import grants_tongue, meets_tongue
from holdback_servers.rights.windows import Window, Windows, clipped, joined, shared, without

_STANDS_AGAINST: dict[str, ReasonCode] = {
    "licence_out": "RIGHTS_OUT_OVERLAP",
    "holdback": "HOLDBACK",
    "blackout": "BLACKOUT",
    "embargo": "EMBARGO",
}


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
        grants, faulty, against = self._speaking(mask)
        barred = joined(part for each in against for part in each.windows)
        free = {index: parts for index, parts in grants.items() if all(duty.met for duty in self._duties[index])}
        whole, given = (joined(part for parts in each.values() for part in parts) for each in (grants, free))
        now, once = without(given, barred), without(whole, barred)
        needed = self._needed({index: parts for index, parts in grants.items() if index not in free}, now, once)
        duties = [duty for index in needed for duty in self._duties[index]]
        met = [duty for index, parts in free.items() if shared(parts, now) for duty in self._duties[index]]
        findings = self._lacking(without((asked,), whole), faulty) + against
        findings += [
            Finding("CONDITION_UNMET", self.book.entries[index], without(grants[index], given), duty)
            for index in needed
            for duty in self._duties[index]
            if not duty.met
        ]
        unmet = tuple(duty for duty in duties if not duty.met)
        return Answer(now, once, False, tuple(findings), (*met, *(duty for duty in duties if duty.met)), unmet)

    def _speaking(self, mask: int) -> tuple[dict[int, Windows], dict[int, Windows], list[Finding]]:
        """Of the entries that reach the cell: grants that cover the use, grants that do not, and what stands against,
        each with its part of the window."""
        grants: dict[int, Windows] = {}
        faulty: dict[int, Windows] = {}
        against: list[Finding] = []
        for index, each in enumerate(self.book.entries):
            if not mask >> index & 1 or not (part := clipped(each.window, self.use.window)):
                continue
            if not each.grants:
                against.append(Finding(_STANDS_AGAINST[each.kind], each, part))
            elif self._faults[index]:
                faulty[index] = part
            else:
                grants[index] = part
        return grants, faulty, against

    def _needed(self, held: Mapping[int, Windows], now: Windows, once: Windows) -> list[int]:
        """A small set of grants with unmet duties that together give what only they give; few duties first."""
        covered, chosen = now, list[int]()
        for index in sorted(held, key=lambda each: (sum(not duty.met for duty in self._duties[each]), each)):
            more = joined((*covered, *shared(held[index], once)))
            if more != covered:
                covered = more
                chosen.append(index)
        for index in tuple(reversed(chosen)):
            rest = [part for other in chosen if other != index for part in shared(held[other], once)]
            if joined((*now, *rest)) == once:
                chosen.remove(index)
        return sorted(chosen)

    def _lacking(self, uncovered: Windows, faulty: Mapping[int, Windows]) -> list[Finding]:
        """What no grant gives: grants that fail on one point are named for it; the rest is simply not there."""
        if not uncovered:
            return []
        findings: list[Finding] = []
        for index, parts in faulty.items():
            if part := shared(parts, uncovered):
                findings += [Finding(code, self.book.entries[index], part) for code in self._faults[index]]
        rest = without(uncovered, joined(part for parts in faulty.values() for part in parts))
        if rest:
            nothing = rest == (self.use.window,)
            findings.append(Finding("NO_RIGHTS_IN" if nothing else "PARTIAL_RIGHTS_IN", self._nearest, rest))
        return findings


def _counts(each: Entry, use: Use) -> bool:
    """Whether the entry can change anything: a restriction only in force and for this use; a grant always explains."""
    if each.grants:
        return True
    if each.status != "active" or (each.kind == "licence_out" and not each.exclusive):
        return False
    if each.purposes and use.purpose not in each.purposes:
        return False
    if not each.languages or not use.languages:
        return True
    return any(meets_tongue(own, asked) for asked in use.languages for own in each.languages)


def _faults(each: Entry, use: Use) -> Iterable[ReasonCode]:
    """Points on which a grant that reaches the cell still does not cover the use."""
    if each.status != "active":
        yield "CONTRACT_NOT_ACTIVE"
    if use.purpose not in each.purposes and (each.purposes or use.purpose == "training"):
        yield "PURPOSE_NOT_LICENSED"
    if each.languages and not (
        use.languages and all(any(grants_tongue(own, asked) for own in each.languages) for asked in use.languages)
    ):
        yield "LANGUAGE_NOT_LICENSED"
    if use.derivative and not each.derivative_allowed:
        yield "DERIVATIVE_NOT_ALLOWED"
    if each.limits.longest is not None and use.seconds is not None and use.seconds > each.limits.longest:
        yield "DURATION_OVER_LIMIT"


def _nearest(entries: Iterable[Entry], use: Use) -> Entry | None:
    """The grant to name where none covers: active before others, most of the window first, then by id."""

    def distance(each: Entry) -> tuple[bool, int, str]:
        inside = clipped(each.window, use.window)
        return (each.status != "active", -(inside[0][1] - inside[0][0]) if inside else 0, each.id)

    return min(entries, key=distance, default=None)
