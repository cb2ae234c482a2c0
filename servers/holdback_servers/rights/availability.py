"""When one element may be shown in a place on a platform: grants, minus what stands against them. Pure.

An element is judged on the whole requested window, alone, so that what is said of it depends on nothing else. Only
rights of active contracts count. A grant covers what lies below its territories and media; a restriction also speaks
where it reaches only a part of what is asked (a blackout in US-CA stands against US). Every language asked for must be
covered, by one grant or by several together. Unknown is never clear.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, reduce

from holdback_servers.rights.book import Book, Entry, Places, covers_medium, places_of, spread, touches_medium
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.fitting import Use, against_code, covered, faults_of, stands_against
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.windows import Window, Windows, clipped, joined, shared, without

_EVERY_MEDIUM = ("all",)
_SILENT: tuple[ReasonCode, ...] = ("LANGUAGE_NOT_LICENSED",)


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
class _Voice:
    """One bit of a mask: a right, and `more` that give the same; its part of the window; as a grant, its faults and the
    languages asked for that it covers."""

    entry: Entry
    part: Windows
    faults: tuple[ReasonCode, ...]
    tongues: int
    more: list[Entry] = field(default_factory=list[Entry])


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
    use. Where they reach is a mask; grants that give the same on the same media share a bit of it, everything else has
    its own. Answers are kept by mask, so that cells alike cost nothing.
    """

    def __init__(self, book: Book, use: Use, duties: Callable[[Entry], Sequence[Duty]]) -> None:
        self.book, self.use, self._duties_of = book, use, duties
        about = [each for each in book.meeting(use.window) if each.about(use.kind)]
        self.entries = tuple([each for each in about if each.kind == "grant" or stands_against(each, use)])
        self.unknown = not about and not book.knows(use.kind)
        self._tongues = len(use.languages) or 1
        self._every_tongue = (1 << self._tongues) - 1
        self._voices: list[_Voice] = []
        self._good = self._lacks = self._against = self._bound = 0
        self._alike: list[int] = []
        self._enough = 0
        self._sort()
        self._answers: dict[int, Answer] = {}
        self._same: dict[object, Answer] = {}
        self._gifts: dict[int, _Given] = {}
        self._barring: dict[int, tuple[Windows, tuple[Finding, ...]]] = {}
        self._gaps: dict[object, tuple[Finding, ...]] = {}
        self._findings: dict[object, Finding] = {}
        self._duties: dict[int, tuple[Duty, ...]] = {}

    def _sort(self) -> None:
        shared_bits: dict[object, _Voice] = {}
        alike: dict[object, int] = {}
        start, end = self.use.window
        owned = next((each for each in self.entries if self._gives_everything(each)), None)
        for each in self.entries:
            if owned is not None and each.kind == "grant" and each is not owned:
                continue
            part = ((max(each.window[0], start), min(each.window[1], end)),)
            if each.kind != "grant":
                self._against |= 1 << len(self._voices)
                self._voices.append(_Voice(each, part, (), 0))
                continue
            faults, tongues = faults_of(each, self.use), covered(each.languages, self.use.languages)
            if not faults and tongues and not each.conditions:
                voice = shared_bits.get((part, tongues, each.media))
                if voice is not None:
                    voice.more.append(each)
                    continue
            voice, bit = _Voice(each, part, faults, tongues), 1 << len(self._voices)
            self._voices.append(voice)
            if not faults and tongues:
                self._good |= bit
                if each.conditions:
                    self._bound |= bit
                else:
                    shared_bits[part, tongues, each.media] = voice
            if faults or tongues != self._every_tongue:
                self._lacks |= bit
            if bit & (self._lacks | self._bound):
                key = (faults, tongues, part, () if faults else each.conditions)
                alike[key] = alike.get(key, 0) | bit
        self._alike = [each for each in alike.values() if each & (each - 1)]

    def _gives_everything(self, each: Entry) -> bool:
        """Whether a grant gives the whole window everywhere and asks for nothing: no other grant is needed then."""
        return (
            each.kind == "grant"
            and each.media == _EVERY_MEDIUM
            and not each.conditions
            and shared((each.window,), (self.use.window,)) == (self.use.window,)
            and each.area.everywhere
            and not self._points(each)
        )

    def _points(self, each: Entry) -> tuple[ReasonCode, ...]:
        """On what points a grant does not cover the use."""
        silent = covered(each.languages, self.use.languages) != self._every_tongue
        return (*faults_of(each, self.use), *_SILENT) if silent else faults_of(each, self.use)

    def faults(self, index: int) -> tuple[ReasonCode, ...]:
        """On what points the grant at this place of `entries` does not cover the use; nothing for a restriction."""
        each = self.entries[index]
        return self._points(each) if each.kind == "grant" else ()

    def giving(self, mask: int, place: str) -> Iterator[Entry]:
        """The grants that give something in the territory, where exactly these entries speak."""
        for voice in self._of(mask & self._good):
            yield from (each for each in (voice.entry, *voice.more) if not voice.more or each.reaches_place(place))

    def using(self, use: Use) -> "Judgement":
        """The same element, put to another use."""
        return Judgement(self.book, use, self._duties_of)

    def lasting(self, seconds: int) -> "Judgement":
        """The same element if it lasted no longer than so many seconds."""
        return self.using(replace(self.use, seconds=Fraction(seconds)))

    def reach(self, places: Places) -> dict[int, int]:
        """Which entries (a mask) reach each set of the places (a bit for each place)."""
        found: dict[int, int] = {}
        bit = 1
        for voice in self._voices:
            spots = spread(voice.entry.area, places, voice.entry.kind == "grant")
            for each in voice.more:
                spots |= spread(each.area, places, True)
            found[spots] = found.get(spots, 0) | bit
            bit <<= 1
        return found

    @property
    def width(self) -> int:
        """How many bits a mask has."""
        return len(self._voices)

    def place_mask(self, place: str) -> int:
        """Which entries reach the territory."""
        return sum(mask for spots, mask in self.reach(places_of((place,))).items() if spots)

    def medium_mask(self, node: str) -> int:
        """Which entries reach the platform."""
        mask, bit = 0, 1
        for voice in self._voices:
            if (covers_medium if voice.entry.kind == "grant" else touches_medium)(voice.entry.media, node):
                mask |= bit
            bit <<= 1
        return mask

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
        plain = mask & self._good & ~self._bound
        if self._given(plain).whole == (self.use.window,):
            self._enough = self._enough or plain
            return mask & self._against | self._enough
        for alike in self._alike:
            own = mask & alike
            mask ^= own & (own - 1)
        return mask

    def _unheard(self) -> Answer:
        return Answer((), (), True, (self._finding("ELEMENT_UNKNOWN", None, (self.use.window,)),), (), ())

    def _judge(self, mask: int) -> Answer:
        given = self._given(mask & self._good)
        barred, against = self._barred(mask & self._against)
        now, once = without(given.free, barred), without(given.whole, barred)
        gaps = () if given.whole == (self.use.window,) else self._lacking(given, mask & self._lacks)
        if not mask & self._bound:
            return Answer(now, once, False, gaps + against, (), ())
        bound = list(_bits(mask & self._bound))
        held = [bit for bit in bound if not all(each.met for each in self._duties_on(bit))]
        needed = self._needed(held, given.free_by_tongue, once) if now != once else []
        kept = [bit for bit in bound if bit not in held and shared(self._voices[bit].part, once)]
        duties = [each for bit in (*kept, *needed) for each in self._duties_on(bit)]
        asks = [
            self._finding("CONDITION_UNMET", voice.entry, without(voice.part, given.free), each)
            for bit in needed
            for voice in (self._voices[bit],)
            for each in self._duties_on(bit)
            if not each.met
        ]
        met, unmet = (tuple(each for each in duties if each.met is wanted) for wanted in (True, False))
        return Answer(now, once, False, (*gaps, *against, *asks), met, unmet)

    def _of(self, mask: int) -> list[_Voice]:
        return [self._voices[bit] for bit in _bits(mask)]

    def _duties_on(self, bit: int) -> tuple[Duty, ...]:
        found = self._duties.get(bit)
        if found is None:
            found = self._duties[bit] = tuple(self._duties_of(self._voices[bit].entry))
        return found

    def _given(self, mask: int) -> _Given:
        kept = self._gifts.get(mask)
        if kept is None:
            bound = mask & self._bound
            for bit in _bits(bound):
                if all(duty.met for duty in self._duties_on(bit)):
                    bound ^= 1 << bit
            every = self._by_tongue(self._of(mask))
            free = self._by_tongue(self._of(mask & ~bound)) if bound else every
            kept = self._gifts[mask] = _Given(_common(every), _common(free), every, free)
        return kept

    def _by_tongue(self, grants: Iterable[_Voice], beside: Sequence[Windows] = ()) -> tuple[Windows, ...]:
        """For each language asked for, when at least one of these grants gives it."""
        parts = [list(each) for each in beside] or [list[Window]() for _ in range(self._tongues)]
        for voice in grants:
            for number, part in enumerate(parts):
                if voice.tongues >> number & 1:
                    part += voice.part
        return tuple([joined(each) for each in parts])

    def _barred(self, mask: int) -> tuple[Windows, tuple[Finding, ...]]:
        kept = self._barring.get(mask)
        if kept is None:
            found = self._of(mask)
            findings = tuple([self._finding(against_code(each.entry), each.entry, each.part) for each in found])
            kept = self._barring[mask] = (joined([span for each in found for span in each.part]), findings)
        return kept

    def _needed(self, held: Iterable[int], free: Sequence[Windows], once: Windows) -> list[int]:
        """A small set of grants with unmet duties that together give what only they give; few duties first."""
        covers, chosen = [shared(each, once) for each in free], list[int]()
        for bit in sorted(held, key=lambda each: (sum(not duty.met for duty in self._duties_on(each)), each)):
            more = [shared(each, once) for each in self._by_tongue((self._voices[bit],), covers)]
            if more != covers:
                covers = more
                chosen.append(bit)
        for bit in tuple(reversed(chosen)):
            rest = self._by_tongue((self._voices[other] for other in chosen if other != bit), free)
            if shared(_common(rest), once) == once:
                chosen.remove(bit)
        return sorted(chosen)

    def _lacking(self, given: _Given, mask: int) -> tuple[Finding, ...]:
        """What no grant gives: grants that fail on a point are named for it; the rest is simply not there."""
        key = (given.by_tongue, mask)
        kept = self._gaps.get(key)
        if kept is None:
            kept = self._gaps[key] = tuple(self._gap_findings(given.by_tongue, self._of(mask)))
        return kept

    def _gap_findings(self, given: tuple[Windows, ...], grants: Sequence[_Voice]) -> Iterator[Finding]:
        asked: Windows = (self.use.window,)
        named: dict[tuple[Entry, ReasonCode], Windows] = {}
        nowhere: Windows = ()
        for number, part in enumerate(given):
            gap = without(asked, part)
            for voice in grants:
                silent = not voice.tongues >> number & 1
                if (silent or voice.faults) and (away := shared(voice.part, gap)):
                    for code in (*voice.faults, *(_SILENT if silent else ())):
                        named[voice.entry, code] = joined((*named.get((voice.entry, code), ()), *away))
            rest = without(gap, joined(span for voice in grants for span in voice.part))
            nowhere = joined((*nowhere, *rest))
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


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _common(parts: Sequence[Windows]) -> Windows:
    return parts[0] if len(parts) == 1 else reduce(shared, parts)
