"""May these cuts be shown there, then, on those platforms? Decided over elements x territories x platforms. Pure.

A cell is a territory and a platform. Every element of every cut is judged on the whole requested window; a cell is
clear when all of them are. Severity, worst first: DENIED (nothing would be left, whatever conditions are met),
NEEDS_HUMAN (an element nobody has recorded rights for), CONDITIONAL (nothing now, something once conditions are met),
PARTIAL (some of the window), CLEARED (all of it). A cell that is clear for some of the window now and for more once
conditions are met is PARTIAL and says both windows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdback_base.elements import CutFacts, Element, ElementKind
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, expand_territories, parse_medium, time_range

from holdback_servers.rights.availability import Answer, Judgement
from holdback_servers.rights.book import Book, Entry, places_of, spots
from holdback_servers.rights.conditions import Duty, duty, frames_of
from holdback_servers.rights.fitting import Use
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import Asked, Undertaking, Verdict
from holdback_servers.rights.tongues import parse_tongue
from holdback_servers.rights.windows import Windows, shared, window

_LIMIT = 400
"""Most elements, territories or platforms in one question; 250 countries is the world."""
_MOST_RUNS = 1_000_000
BLANKET: Final = "music:any"
"""The reference of blanket licences: what is recorded there counts for the performance of every piece of music."""
MUSIC: Final[tuple[ElementKind, ...]] = ("music_master", "music_publishing", "music_performance")
"""A recording embodies a work, and showing it performs the work: whatever of it a cut lists, the rest is judged too."""
_EMPTY: Final = Book(())


def ask(
    territories: Iterable[str],
    platforms: Iterable[str],
    *,
    start: datetime,
    end: datetime | None,
    purpose: Purpose,
    languages: Iterable[str] = (),
    runs: int = 1,
    exclusive: bool = False,
    undertakings: Iterable[Undertaking] = (),
) -> Asked:
    """A question with its words checked. Groups of territories mean their members on the day the window begins.

    Args:
        languages: BCP 47 tags, with a use where only one track is meant (`subtitle:de`); all of them must be covered.
        runs: transmissions planned in the window, 1 to 1,000,000.
        exclusive: whether it must be possible to the exclusion of others.
        undertakings: conditions that will be kept where it is delivered.

    Raises:
        Problem: TERRITORY_UNKNOWN, MEDIUM_UNKNOWN, LANGUAGE_UNKNOWN, RANGE_INVALID, INVALID_ARGUMENT, TOO_LARGE.
    """
    within = time_range(start, end)
    places = sorted(expand_territories(territories, within.start.date()))
    media = sorted({parse_medium(each) for each in platforms})
    for what, found in (("territory", places), ("platform", media)):
        if not found:
            raise Problem("INVALID_ARGUMENT", f"The question names no {what}.", f"Name at least one {what}.")
        if len(found) > _LIMIT:
            raise Problem(
                "TOO_LARGE", f"The question has {len(found)} entries of {what}.", f"Ask for {_LIMIT} at most."
            )
    if not 1 <= runs <= _MOST_RUNS:
        raise Problem("INVALID_ARGUMENT", f"The question has {runs} runs.", f"Ask for 1 to {_MOST_RUNS}.")
    return Asked(
        territories=tuple(places),
        platforms=tuple(media),
        window=within,
        purpose=purpose,
        languages=tuple(sorted({parse_tongue(each) for each in languages})),
        runs=runs,
        exclusive=exclusive,
        undertakings=tuple(sorted(set(undertakings))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A reference on trial for one kind of right, in one of the decision's cuts or, in the catalogue, in none.

    `elements` are those it is judged for, in order of their ids.
    """

    elements: tuple[Element, ...]
    kind: ElementKind
    judgement: Judgement

    @property
    def element(self) -> Element:
        """The first of its elements: all are of one reference."""
        return self.elements[0]


@dataclass(frozen=True, slots=True, eq=False)
class CellAnswer:
    """One cell: each judgement's answer in the decision's order, and what all of them allow.

    Cells with the same answers are one object.
    """

    answers: tuple[Answer, ...]
    now: Windows
    once: Windows
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """All cells, with territories and platforms that the same rights reach taken together.

    `reach` says for each row, and `media` for each column, which entries of each judgement reach it. `answers` are
    those of each judgement: rows (a bit for each) and what it answers there, column by column. `books` is what it was
    decided on, by reference; for music the blanket licences are among them.
    """

    asked: Asked
    cuts: tuple[CutFacts, ...]
    judged: tuple[Judged, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[CellAnswer, ...], ...]
    reach: tuple[tuple[int, ...], ...]
    media: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[tuple[int, tuple[Answer, ...]], ...], ...]
    books: Mapping[str, Book]

    @property
    def clear(self) -> bool:
        """Whether every cell is CLEARED."""
        return all(cell.verdict == "CLEARED" for row in self.cells for cell in row)


def refs_of(cuts: Iterable[CutFacts]) -> list[str]:
    """The references whose books these cuts are decided by; for music the blanket licences are among them."""
    elements = [each for cut in cuts for each in cut.element_list.elements]
    return sorted({each.ref for each in elements} | {BLANKET for each in elements if each.kind in MUSIC})


def decide(asked: Asked, cuts: Sequence[CutFacts], books: Mapping[str, Book]) -> Decision:
    """Judge the cuts. `books` holds what is recorded for each reference; one that is missing is unknown.

    Raises Problem INVALID_ARGUMENT without a cut, TOO_LARGE for a cut of too many elements.
    """
    if not cuts:
        raise Problem("CUT_STATEMENT_REQUIRED", "There is no cut to judge.", "Pass the signed statement of the cut.")
    return judge(asked, tuple(cuts), tuple(each for cut in cuts for each in _on_trial(asked, cut, books)), books)


def judge(asked: Asked, cuts: tuple[CutFacts, ...], judged: tuple[Judged, ...], books: Mapping[str, Book]) -> Decision:
    """All cells of references that stand before their books; `cuts` are only carried along."""
    rows = _alike(asked.territories, _reach(judged, asked.territories))
    media = ([each.judgement.voices.medium_mask(node) for each in judged] for node in asked.platforms)
    columns = _alike(asked.platforms, map(tuple, media))
    whole = (window(asked.window.start, asked.window.end),)
    tables = [
        _Table(each.judgement, places, media)
        for each, places, media in zip(judged, zip(*rows, strict=True), zip(*columns, strict=True), strict=True)
    ]
    cells = _cells(tables, whole)
    refs = {each.element.ref for each in judged} | {BLANKET for each in judged if each.kind == "music_performance"}
    return Decision(
        asked,
        cuts,
        judged,
        tuple(map(tuple, rows.values())),
        tuple(map(tuple, columns.values())),
        cells,
        tuple(rows),
        tuple(columns),
        tuple([_told(each) for each in tables]),
        {ref: books.get(ref, _EMPTY) for ref in sorted(refs)},
    )


def book_for(ref: str, kind: ElementKind, books: Mapping[str, Book]) -> Book:
    """What is recorded about a reference, with the blanket licences where its performance is judged."""
    own, blanket = books.get(ref, _EMPTY), books.get(BLANKET)
    return own if kind != "music_performance" or blanket is None else own.beside(blanket, kind)


def verdict_of(now: Windows, once: Windows, whole: Windows, unknown: bool, hopeless: bool) -> Verdict:
    """The verdict of a cell: `hopeless` when the known elements leave nothing even with every condition met."""
    if hopeless:
        return "DENIED"
    if unknown:
        return "NEEDS_HUMAN"
    if not once:
        return "DENIED"
    if not now:
        return "CONDITIONAL"
    return "CLEARED" if now == whole else "PARTIAL"


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict over many cells: CLEARED only when all are; otherwise the best that something is."""
    found = set(verdicts)
    if found == {"CLEARED"}:
        return "CLEARED"
    if found & {"CLEARED", "PARTIAL"}:
        return "PARTIAL"
    if "CONDITIONAL" in found:
        return "CONDITIONAL"
    return "NEEDS_HUMAN" if "NEEDS_HUMAN" in found else "DENIED"


def _on_trial(asked: Asked, cut: CutFacts, books: Mapping[str, Book]) -> Iterable[Judged]:
    elements = cut.element_list.elements or (_unlisted(cut),)
    if len(elements) > _LIMIT:
        raise Problem("TOO_LARGE", f"The cut has {len(elements)} elements.", f"A cut may have {_LIMIT} at most.")
    within = window(asked.window.start, asked.window.end)
    for (ref, kind), found in sorted(_needing(elements).items()):

        def duties(entry: Entry, ref: str = ref) -> list[Duty]:
            return [duty(entry.id, each, ref, cut, asked.undertakings) for each in entry.conditions]

        seconds = cut.element_list.rate.seconds(frames_of(found))
        use = Use(kind, within, asked.purpose, asked.languages, seconds, True, asked.runs, asked.exclusive)
        yield Judged(tuple(found), kind, Judgement(book_for(ref, kind, books), use, duties))


def _needing(elements: Iterable[Element]) -> dict[tuple[str, ElementKind], list[Element]]:
    """The elements that each reference is judged for, by the kind of right it needs."""
    found: dict[tuple[str, ElementKind], list[Element]] = {}
    for each in sorted(elements, key=lambda each: each.id):
        found.setdefault((each.ref, each.kind), []).append(each)
    for ref in {ref for ref, kind in found if kind in ("music_master", "music_publishing")}:
        sound = [each for kind in MUSIC[:2] for each in found.get((ref, kind), ())]
        found.setdefault((ref, "music_publishing"), sound)
        found.setdefault((ref, "music_performance"), sorted(sound, key=lambda each: each.id))
    return found


def _unlisted(cut: CutFacts) -> Element:
    """A cut whose list is empty is one unknown element: no reference of this form can be recorded."""
    whole = (Span(in_frame=0, out_frame=cut.element_list.frames),)
    return Element(id="cut", kind="programme", ref="(unlisted)", name="Everything in the cut", spans=whole)


def _reach(judged: Sequence[Judged], names: tuple[str, ...]) -> Iterable[tuple[int, ...]]:
    """For each territory, which entries of each judgement reach it.

    All judgements are taken together: sets of territories repeat, and each is gone through once.
    """
    places, offsets, offset = places_of(names), list[tuple[int, int]](), 0
    together: dict[int, int] = {}
    for each in judged:
        for where, mask in each.judgement.voices.reach(places).items():
            together[where] = together.get(where, 0) | mask << offset
        offsets.append((offset, (1 << each.judgement.voices.width) - 1))
        offset += each.judgement.voices.width
    everywhere, base = (1 << len(names)) - 1, 0
    masks = [0] * len(names)
    for where, mask in together.items():
        most = where.bit_count() * 2 > len(names)
        base |= mask if most else 0
        for number in spots(where ^ everywhere if most else where):
            masks[number] ^= mask
    split: dict[int, tuple[int, ...]] = {}
    for mask in masks:
        found = split.get(mask)
        if found is None:
            found = split[mask] = tuple([(mask ^ base) >> offset & own for offset, own in offsets])
        yield found


def _alike(names: Sequence[str], masks: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], list[str]]:
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, mask in zip(names, masks, strict=True):
        groups.setdefault(mask, []).append(name)
    return groups


class _Table:
    """One judgement over all cells: what it answers in every column, for each row."""

    def __init__(self, judgement: Judgement, rows: Sequence[int], columns: Sequence[int]) -> None:
        numbers: dict[tuple[Answer, ...], int] = {}
        known: dict[int, int] = {}
        self.rows: list[int] = []
        """For each row the number of its answers: rows with the same ones have the same number."""
        for mask in rows:
            number = known.get(mask)
            if number is None:
                answers = tuple([judgement.answer(mask & media) for media in columns])
                number = known[mask] = numbers.setdefault(answers, len(numbers))
            self.rows.append(number)
        self.answers: tuple[tuple[Answer, ...], ...] = tuple(numbers)


def _cells(tables: Sequence[_Table], whole: Windows) -> tuple[tuple[CellAnswer, ...], ...]:
    rows: dict[tuple[int, ...], tuple[CellAnswer, ...]] = {}
    kept: dict[tuple[Answer, ...], CellAnswer] = {}
    found: list[tuple[CellAnswer, ...]] = []
    for numbers in zip(*[each.rows for each in tables], strict=True):
        row = rows.get(numbers)
        if row is None:
            by_table: list[tuple[Answer, ...]] = [
                table.answers[number] for table, number in zip(tables, numbers, strict=True)
            ]
            row = rows[numbers] = tuple(
                [
                    kept.get(answers) or kept.setdefault(answers, _cell(answers, whole))
                    for answers in zip(*by_table, strict=True)
                ]
            )
        found.append(row)
    return tuple(found)


def _told(table: _Table) -> tuple[tuple[int, tuple[Answer, ...]], ...]:
    rows = [0] * len(table.answers)
    for row, number in enumerate(table.rows):
        rows[number] |= 1 << row
    return tuple(zip(rows, table.answers, strict=True))


def _cell(answers: tuple[Answer, ...], whole: Windows) -> CellAnswer:
    once = _common([each.once for each in answers], whole)
    now = _common([each.now for each in answers], whole) if once else ()
    unknown = any(each.unknown for each in answers)
    known = _common([each.once for each in answers if not each.unknown], whole) if unknown else once
    return CellAnswer(answers, now, once, verdict_of(now, once, whole, unknown, not known))


def _common(parts: Sequence[Windows], whole: Windows) -> Windows:
    """What all of them hold."""
    left = whole
    for part in parts:
        if part != left:
            left = shared(left, part)
            if not left:
                break
    return left
