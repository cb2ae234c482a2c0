"""When one element may be shown in a place on a platform: grants, minus what stands against them. Pure.

An element is judged on the whole requested window, alone, so that what is said of it depends on nothing else. Only
rights of active contracts count. A grant covers what lies below its territories and media; a restriction also speaks
where it reaches only a part of what is asked (a blackout in US-CA stands against US). Every language asked for must be
covered, by one grant or by several together. Unknown is never clear.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, reduce

from holdback_servers.rights.book import Book, Entry, places_of
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.fitting import Use, against_code, stands_against
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.voices import SILENT, Voice, Voices, bits_of
from holdback_servers.rights.windows import Window, Windows, clipped, joined, shared, without


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


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What grants that cover the use give, all of them and those whose duties are met: in every language at once, and
    language by language."""

    whole: Windows
    free: Windows
    by_tongue: tuple[Windows, ...]
    free_by_tongue: tuple[Windows, ...]


class Judgement:
    """One element before its book.

    `entries` are the rights that can matter: about its kind, meeting the window, and if restrictions, against this
    use. `voices` says where they reach, as masks; answers are kept by mask, so that cells alike cost nothing.
    """

    def __init__(self, book: Book, use: Use, duties: Callable[[Entry], Sequence[Duty]]) -> None:
        self.book, self.use, self._duties_of = book, use, duties
        about = [each for each in book.meeting(use.window) if each.about(use.kind)]
        self.entries = tuple([each for each in about if each.kind == "grant" or stands_against(each, use)])
        self.unknown = not about and not book.knows(use.kind)
        self.voices = Voices(self.entries, use)
        self._enough = 0
        self._answers: dict[int, Answer] = {}
        self._same: dict[object, Answer] = {}
        self._gifts: dict[int, _Given] = {}
        self._barring: dict[int, tuple[Windows, tuple[Finding, ...]]] = {}
        self._gaps: dict[object, tuple[Finding, ...]] = {}
        self._findings: dict[object, Finding] = {}
        self._duties: dict[int, tuple[Duty, ...]] = {}

    def faults(self, index: int) -> tuple[ReasonCode, ...]:
        """On what points the grant at this place of `entries` does not cover the use; nothing for a restriction."""
        each = self.entries[index]
        return self.voices.points(each) if each.kind == "grant" else ()

    def giving(self, mask: int, place: str) -> Iterator[Entry]:
        """The grants that give something in the territory, where exactly these entries speak."""
        for voice in self.voices.of(mask & self.voices.good):
            yield from (each for each in (voice.entry, *voice.more) if not voice.more or each.reaches_place(place))

    def using(self, use: Use) -> "Judgement":
        """The same element, put to another use."""
        return Judgement(self.book, use, self._duties_of)

    def lasting(self, seconds: int) -> "Judgement":
        """The same element if it lasted no longer than so many seconds."""
        return self.using(replace(self.use, seconds=Fraction(seconds)))

    def place_mask(self, place: str) -> int:
        """Which entries reach the territory."""
        return sum(mask for where, mask in self.voices.reach(places_of((place,))).items() if where)

    def medium_mask(self, node: str) -> int:
        """Which entries reach the platform."""
        return self.voices.medium_masks((node,))[0]

    def answer(self, mask: int) -> Answer:
        """The answer where exactly these entries speak."""
        kept = self._answers.get(mask)
        if kept is None:
            slim = self._slim(mask)
            kept = self._answers.get(slim)
            if kept is None:
                made = self._unheard() if self.unknown else self._judge(slim)
                key = (made.now, made.once, made.findings, made.met, made.unmet)
                kept = self._answers[slim] = self._same.setdefault(key, made)
            self._answers[mask] = kept
        return kept

    def _slim(self, mask: int) -> int:
        """A mask with the same answer. Where grants that ask for nothing give all, no other grant is needed; of grants
        that fail on the same points, or ask for the same, over the same time, only the first matters."""
        plain = mask & self.voices.good & ~self.voices.bound
        if self._given(plain).whole == (self.use.window,):
            self._enough = self._enough or plain
            return mask & self.voices.against | self._enough
        return self.voices.first_of_alike(mask)

    def _unheard(self) -> Answer:
        return Answer((), (), True, (self._finding("ELEMENT_UNKNOWN", None, (self.use.window,)),), (), ())

    def _judge(self, mask: int) -> Answer:
        given = self._given(mask & self.voices.good)
        barred, against = self._barred(mask & self.voices.against)
        now, once = without(given.free, barred), without(given.whole, barred)
        gaps = () if given.whole == (self.use.window,) else self._lacking(given, mask & self.voices.lacks)
        if not mask & self.voices.bound:
            return Answer(now, once, False, gaps + against, (), ())
        bound = list(bits_of(mask & self.voices.bound))
        held = [bit for bit in bound if not all(each.met for each in self._duties_on(bit))]
        needed = self._needed(held, given.free_by_tongue, once) if now != once else []
        kept = [bit for bit in bound if bit not in held and shared(self.voices.at(bit).part, once)]
        duties = [each for bit in (*kept, *needed) for each in self._duties_on(bit)]
        asks = [
            self._finding("CONDITION_UNMET", voice.entry, without(voice.part, given.free), each)
            for bit in needed
            for voice in (self.voices.at(bit),)
            for each in self._duties_on(bit)
            if not each.met
        ]
        met, unmet = (tuple(each for each in duties if each.met is wanted) for wanted in (True, False))
        return Answer(now, once, False, (*gaps, *against, *asks), met, unmet)

    def _duties_on(self, bit: int) -> tuple[Duty, ...]:
        found = self._duties.get(bit)
        if found is None:
            found = self._duties[bit] = tuple(self._duties_of(self.voices.at(bit).entry))
        return found

    def _given(self, mask: int) -> _Given:
        kept = self._gifts.get(mask)
        if kept is None:
            bound = mask & self.voices.bound
            for bit in bits_of(bound):
                if all(duty.met for duty in self._duties_on(bit)):
                    bound ^= 1 << bit
            every = self._by_tongue(self.voices.of(mask))
            free = self._by_tongue(self.voices.of(mask & ~bound)) if bound else every
            kept = self._gifts[mask] = _Given(_common(every), _common(free), every, free)
        return kept

    def _by_tongue(self, grants: Iterable[Voice], beside: Sequence[Windows] = ()) -> tuple[Windows, ...]:
        """For each language asked for, when at least one of these grants gives it."""
        parts = [list(each) for each in beside] or [list[Window]() for _ in range(self.voices.tongues)]
        for voice in grants:
            for number, part in enumerate(parts):
                if voice.tongues >> number & 1:
                    part += voice.part
        return tuple([joined(each) for each in parts])

    def _barred(self, mask: int) -> tuple[Windows, tuple[Finding, ...]]:
        kept = self._barring.get(mask)
        if kept is None:
            found = self.voices.of(mask)
            findings = tuple([self._finding(against_code(each.entry), each.entry, each.part) for each in found])
            kept = self._barring[mask] = (joined([span for each in found for span in each.part]), findings)
        return kept

    def _needed(self, held: Iterable[int], free: Sequence[Windows], once: Windows) -> list[int]:
        """A small set of grants with unmet duties that together give what only they give; few duties first."""
        covers, chosen = [shared(each, once) for each in free], list[int]()
        for bit in sorted(held, key=lambda each: (sum(not duty.met for duty in self._duties_on(each)), each)):
            more = [shared(each, once) for each in self._by_tongue((self.voices.at(bit),), covers)]
            if more != covers:
                covers = more
                chosen.append(bit)
        for bit in tuple(reversed(chosen)):
            rest = self._by_tongue((self.voices.at(other) for other in chosen if other != bit), free)
            if shared(_common(rest), once) == once:
                chosen.remove(bit)
        return sorted(chosen)

    def _lacking(self, given: _Given, mask: int) -> tuple[Finding, ...]:
        """What no grant gives: grants that fail on a point are named for it; the rest is simply not there."""
        key = (given.by_tongue, mask)
        kept = self._gaps.get(key)
        if kept is None:
            kept = self._gaps[key] = tuple(self._gap_findings(given.by_tongue, self.voices.of(mask)))
        return kept

    def _gap_findings(self, given: tuple[Windows, ...], grants: Sequence[Voice]) -> Iterator[Finding]:
        asked: Windows = (self.use.window,)
        named: dict[tuple[Entry, ReasonCode], Windows] = {}
        nowhere: Windows = ()
        parts = joined([span for voice in grants for span in voice.part])
        for number, part in enumerate(given):
            gap = without(asked, part)
            for voice in grants:
                silent = not voice.tongues >> number & 1
                if (silent or voice.faults) and (away := shared(voice.part, gap)):
                    for code in (*voice.faults, *SILENT) if silent else voice.faults:
                        known = named.get((voice.entry, code))
                        named[voice.entry, code] = joined((*known, *away)) if known else away
            rest = without(gap, parts)
            nowhere = joined((*nowhere, *rest)) if nowhere else rest
        for (entry, code), windows in named.items():
            yield self._finding(code, entry, windows)
        if nowhere:
            code = "NO_RIGHTS_IN" if nowhere == asked else "PARTIAL_RIGHTS_IN"
            yield self._finding(code, self._nearest, nowhere)

    def _finding(self, code: ReasonCode, entry: Entry | None, windows: Windows, duty: Duty | None = None) -> Finding:
        key = (code, entry, windows, duty)
        found = self._findings.get(key)
        if found is None:
            found = self._findings[key] = Finding(code, entry, windows, duty)
        return found

    @cached_property
    def _nearest(self) -> Entry | None:
        """The grant to name where none covers: active before others, most of the window first, then by id."""
        here = [each for each in self.entries if each.kind == "grant"]
        if not any(each.status == "active" for each in here):
            about = [each for each in self.book.entries if each.kind == "grant" and each.about(self.use.kind)]
            here += [each for each in about if each.status == "active"][:1] or about[:1]

        def distance(each: Entry) -> tuple[bool, int, str]:
            inside = clipped(each.window, self.use.window)
            return (each.status != "active", -(inside[0][1] - inside[0][0]) if inside else 0, each.id)

        return min(here, key=distance, default=None)


def _common(parts: Sequence[Windows]) -> Windows:
    return parts[0] if len(parts) == 1 else reduce(shared, parts)
