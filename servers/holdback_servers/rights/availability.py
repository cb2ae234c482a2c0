"""When one element may be shown in a place on a platform: grants, minus what stands against them. Pure.

An element is judged on the whole requested window, alone, so that what is said of it depends on nothing else. Only
rights of active contracts count. A grant covers what lies below its territories and media; a restriction also speaks
where it reaches only a part of what is asked (a blackout in US-CA stands against US). Every language asked for must be
covered, by one grant or by several together. Unknown is never clear.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce

from holdback_base.elements import ElementKind

from holdback_servers.rights.book import Book, Entry, Places, covers_medium, places_of, spread, touches_medium
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.tongues import grants_tongue, meets_tongue
from holdback_servers.rights.windows import OPEN, Window, Windows, clipped, joined, shared, without

_STANDS_AGAINST: dict[str, ReasonCode] = {
    "licence_out": "RIGHTS_OUT_OVERLAP",
    "holdback": "HOLDBACK",
    "blackout": "BLACKOUT",
    "embargo": "EMBARGO",
}
_SILENT: tuple[ReasonCode, ...] = ("LANGUAGE_NOT_LICENSED",)
_DAY = 24 * 3600 * 1_000_000


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
    runs: int = 1
    exclusive: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One reason of one element. `windows` is the part of the requested window that is in the way."""

    code: ReasonCode
    entry: Entry | None
    windows: Windows
    duty: Duty | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """One element in one place on one platform: clear as it stands, clear once `unmet` duties are met, and why not.

    Equal answers of one judgement are one object.
    """

    now: Windows
    once: Windows
    unknown: bool
    findings: tuple[Finding, ...]
    met: tuple[Duty, ...]
    unmet: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class _Given:
    """What grants that cover the use give, for each language: all of them, and those whose duties are met."""

    all: tuple[Windows, ...]
    free: tuple[Windows, ...]


class Judgement:
    """One element before its book.

    `entries` are the rights that can matter: about its kind, meeting the window, and if restrictions, against this
    use. Where they reach is a mask with a bit for each; answers are kept by mask, so that cells alike cost nothing.
    """

    def __init__(self, book: Book, use: Use, duties: Callable[[Entry], Sequence[Duty]]) -> None:
        self.book, self.use, self._duties_of = book, use, duties
        about = [each for each in book.meeting(use.window) if each.about(use.kind)]
        self.entries = tuple([each for each in about if each.kind == "grant" or _stands_against(each, use)])
        self.unknown = not about and not book.knows(use.kind)
        self._tongues = len(use.languages) or 1
        self._faults: dict[int, tuple[ReasonCode, ...]] = {}
        self._covered: dict[int, int] = {}
        self._good = self._lacks = self._against = self._bound = 0
        for index, each in enumerate(self.entries):
            self._sort(index, each)
        self._answers: dict[int, Answer] = {}
        self._same: dict[object, Answer] = {}
        self._gifts: dict[int, _Given] = {}
        self._barring: dict[int, tuple[Windows, tuple[Finding, ...]]] = {}
        self._gaps: dict[object, tuple[Finding, ...]] = {}
        self._findings: dict[object, Finding] = {}
        self._duties: dict[int, tuple[Duty, ...]] = {}

    def _sort(self, index: int, each: Entry) -> None:
        bit = 1 << index
        if each.kind != "grant":
            self._against |= bit
            return
        faults, covered = _faults(each, self.use), _covered(each.languages, self.use.languages)
        self._faults[index], self._covered[index] = faults, covered
        if not faults and covered:
            self._good |= bit
            self._bound |= bit if each.conditions else 0
        if faults or covered + 1 != 1 << self._tongues:
            self._lacks |= bit

    def faults(self, index: int) -> tuple[ReasonCode, ...]:
        """On what points the grant at this place of `entries` does not cover the use; nothing for a restriction."""
        if index not in self._faults:
            return ()
        silent = self._covered[index] + 1 != 1 << self._tongues
        return (*self._faults[index], *_SILENT) if silent else self._faults[index]

    def gives(self, index: int) -> bool:
        """Whether the entry at this place of `entries` is a grant that gives something of the use."""
        return bool(self._good >> index & 1)

    def using(self, use: Use) -> "Judgement":
        """The same element, put to another use."""
        return Judgement(self.book, use, self._duties_of)

    def lasting(self, seconds: int) -> "Judgement":
        """The same element if it lasted no longer than so many seconds."""
        return self.using(replace(self.use, seconds=Fraction(seconds)))

    def place_masks(self, places: Places) -> list[int]:
        """For each of the places, in order, which entries reach it."""
        bits: dict[tuple[object, bool], int] = {}
        for index, each in enumerate(self.entries):
            key = (each.area, each.kind == "grant")
            bits[key] = bits.get(key, 0) | 1 << index
        base, flipped = 0, list[tuple[int, tuple[int, ...]]]()
        for (area, whole), own in bits.items():
            most, others = spread(area, places, whole)  # pyright: ignore[reportArgumentType]
            base |= own if most else 0
            flipped.append((own, others))
        masks = [base] * len(places.names)
        for own, others in flipped:
            for each in others:
                masks[each] ^= own
        return masks

    def place_mask(self, place: str) -> int:
        """Which entries reach the territory."""
        return self.place_masks(places_of((place,)))[0]

    def medium_mask(self, node: str) -> int:
        """Which entries reach the platform."""
        bits: dict[tuple[tuple[str, ...], bool], int] = {}
        for index, each in enumerate(self.entries):
            key = (each.media, each.kind == "grant")
            bits[key] = bits.get(key, 0) | 1 << index
        reach = (
            own for (media, whole), own in bits.items() if (covers_medium if whole else touches_medium)(media, node)
        )
        return reduce(int.__or__, reach, 0)

    def answer(self, mask: int) -> Answer:
        """The answer where exactly these entries speak."""
        kept = self._answers.get(mask)
        if kept is None:
            made = self._unheard() if self.unknown else self._judge(mask)
            key = (made.now, made.once, made.findings, made.met, made.unmet)
            kept = self._answers[mask] = self._same.setdefault(key, made)
        return kept

    def _unheard(self) -> Answer:
        return Answer((), (), True, (self._finding("ELEMENT_UNKNOWN", None, (self.use.window,)),), (), ())

    def _judge(self, mask: int) -> Answer:
        given = self._given(mask & self._good)
        barred, against = self._barred(mask & self._against)
        free, whole = _common(given.free), _common(given.all)
        now, once = without(free, barred), without(whole, barred)
        gaps = () if whole == (self.use.window,) else self._lacking(given.all, mask & self._lacks)
        if not mask & self._bound:
            return Answer(now, once, False, gaps + against, (), ())
        bound = list(_bits(mask & self._bound))
        held = [index for index in bound if not all(each.met for each in self._duties_on(index))]
        needed = self._needed(held, given.free, once) if now != once else []
        kept = [index for index in bound if index not in held and shared(self._part(index), once)]
        duties = [each for index in (*kept, *needed) for each in self._duties_on(index)]
        asks = [
            self._finding("CONDITION_UNMET", self.entries[index], without(self._part(index), free), each)
            for index in needed
            for each in self._duties_on(index)
            if not each.met
        ]
        met, unmet = (tuple(each for each in duties if each.met is wanted) for wanted in (True, False))
        return Answer(now, once, False, (*gaps, *against, *asks), met, unmet)

    def _part(self, index: int) -> Windows:
        return clipped(self.entries[index].window, self.use.window)

    def _duties_on(self, index: int) -> tuple[Duty, ...]:
        found = self._duties.get(index)
        if found is None:
            found = self._duties[index] = tuple(self._duties_of(self.entries[index]))
        return found

    def _given(self, mask: int) -> _Given:
        kept = self._gifts.get(mask)
        if kept is None:
            grants = list(_bits(mask))
            free = [each for each in grants if all(duty.met for duty in self._duties_on(each))]
            every = self._by_tongue(grants)
            kept = self._gifts[mask] = _Given(every, every if free == grants else self._by_tongue(free))
        return kept

    def _by_tongue(self, grants: Iterable[int], beside: Sequence[Windows] = ()) -> tuple[Windows, ...]:
        """For each language asked for, when at least one of these grants gives it."""
        parts = [list(each) for each in beside] or [list[Window]() for _ in range(self._tongues)]
        for index in grants:
            for number, part in enumerate(parts):
                if self._covered[index] >> number & 1:
                    part += self._part(index)
        return tuple(joined(each) for each in parts)

    def _barred(self, mask: int) -> tuple[Windows, tuple[Finding, ...]]:
        kept = self._barring.get(mask)
        if kept is None:
            found = [(self.entries[index], self._part(index)) for index in _bits(mask)]
            findings = tuple(self._finding(_against(each), each, part) for each, part in found)
            kept = self._barring[mask] = (joined(span for _, part in found for span in part), findings)
        return kept

    def _needed(self, held: Iterable[int], free: Sequence[Windows], once: Windows) -> list[int]:
        """A small set of grants with unmet duties that together give what only they give; few duties first."""
        covered, chosen = [shared(each, once) for each in free], list[int]()
        for index in sorted(held, key=lambda each: (sum(not duty.met for duty in self._duties_on(each)), each)):
            more = [shared(each, once) for each in self._by_tongue((index,), covered)]
            if more != covered:
                covered = more
                chosen.append(index)
        for index in tuple(reversed(chosen)):
            rest = self._by_tongue((other for other in chosen if other != index), free)
            if shared(_common(rest), once) == once:
                chosen.remove(index)
        return sorted(chosen)

    def _lacking(self, given: tuple[Windows, ...], mask: int) -> tuple[Finding, ...]:
        """What no grant gives: grants that fail on a point are named for it; the rest is simply not there."""
        key = (given, mask)
        kept = self._gaps.get(key)
        if kept is None:
            kept = self._gaps[key] = tuple(self._gap_findings(given, mask))
        return kept

    def _gap_findings(self, given: tuple[Windows, ...], mask: int) -> Iterator[Finding]:
        asked: Windows = (self.use.window,)
        grants = {index: self._part(index) for index in _bits(mask)}
        named: dict[tuple[int, ReasonCode], Windows] = {}
        nowhere: Windows = ()
        for number, part in enumerate(given):
            gap = without(asked, part)
            for index, own in grants.items():
                silent = not self._covered[index] >> number & 1
                if (silent or self._faults[index]) and (away := shared(own, gap)):
                    for code in (*self._faults[index], *(_SILENT if silent else ())):
                        named[index, code] = joined((*named.get((index, code), ()), *away))
            rest = without(gap, joined(each for own in grants.values() for each in own))
            nowhere = joined((*nowhere, *rest))
        for (index, code), windows in named.items():
            yield self._finding(code, self.entries[index], windows)
        if nowhere:
            code = "NO_RIGHTS_IN" if nowhere == asked else "PARTIAL_RIGHTS_IN"
            yield self._finding(code, self._nearest, nowhere)

    def _finding(self, code: ReasonCode, entry: Entry | None, windows: Windows, duty: Duty | None = None) -> Finding:
        return self._findings.setdefault((code, entry, windows, duty), Finding(code, entry, windows, duty))

    @cached_property
    def _nearest(self) -> Entry | None:
        """The grant to name where none covers: active before others, most of the window first, then by id."""
        about = [each for each in self.book.entries if each.kind == "grant" and each.about(self.use.kind)]
        outside = next((each for each in about if each.status == "active"), about[0] if about else None)
        here = [self.entries[index] for index in self._faults]

        def distance(each: Entry) -> tuple[bool, int, str]:
            inside = clipped(each.window, self.use.window)
            return (each.status != "active", -(inside[0][1] - inside[0][0]) if inside else 0, each.id)

        return min((*here, *((outside,) if outside else ())), key=distance, default=None)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _common(parts: Sequence[Windows]) -> Windows:
    return parts[0] if len(parts) == 1 else reduce(shared, parts)


@lru_cache(maxsize=8192)
def _covered(own: tuple[str, ...], asked: tuple[str, ...]) -> int:
    """A bit for each language asked for that a grant in these languages covers; one bit where none is asked for.

    A grant without languages covers any; one with languages covers nothing of a request that names none.
    """
    if not own:
        return (1 << (len(asked) or 1)) - 1
    return sum(1 << number for number, each in enumerate(asked) if any(grants_tongue(one, each) for one in own))


def _stands_against(each: Entry, use: Use) -> bool:
    """Whether a restriction is in force and against this use."""
    if each.status != "active" or (each.kind == "licence_out" and not each.exclusive and not use.exclusive):
        return False
    if each.purposes and use.purpose not in each.purposes:
        return False
    if not each.languages or not use.languages:
        return True
    return any(meets_tongue(own, asked) for asked in use.languages for own in each.languages)


def _against(each: Entry) -> ReasonCode:
    return "UNRESOLVED_EVENT" if each.unresolved else _STANDS_AGAINST[each.kind]


def _faults(each: Entry, use: Use) -> tuple[ReasonCode, ...]:
    """Points on which a grant that reaches the cell still does not cover the use, but for its languages."""
    found: list[ReasonCode] = []
    limits = each.limits
    if use.exclusive and not each.exclusive:
        found.append("NO_EXCLUSIVE_RIGHTS_IN")
    if each.status != "active":
        found.append("CONTRACT_NOT_ACTIVE")
    if each.unresolved:
        found.append("UNRESOLVED_EVENT")
    if use.purpose not in each.purposes and (each.purposes or use.purpose == "training"):
        found.append("PURPOSE_NOT_LICENSED")
    if use.derivative and not each.derivative_allowed:
        found.append("DERIVATIVE_NOT_ALLOWED")
    if limits.longest is not None and use.seconds is not None and use.seconds > limits.longest:
        found.append("DURATION_OVER_LIMIT")
    if limits.window_days is not None and longer_than(use.window, limits.window_days):
        found.append("WINDOW_LIMIT")
    if limits.max_runs is not None and limits.max_runs - each.taken < use.runs:
        found.append("RUNS_EXHAUSTED")
    return tuple(found)


def longer_than(within: Window, days: int) -> bool:
    """Whether a window is longer than so many days of 24 hours; one without an end is."""
    return within[1] == OPEN or within[1] - within[0] > days * _DAY
