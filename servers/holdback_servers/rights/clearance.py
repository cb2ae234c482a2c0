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
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.conditions import Duty, duty, frames_of
from holdback_servers.rights.fitting import Use
from holdback_servers.rights.grid import CellAnswer, Table, alike, cells_of, reach_of
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import Asked, Undertaking
from holdback_servers.rights.tongues import parse_tongue
from holdback_servers.rights.windows import window

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
    rows = reach_of([each.judgement for each in judged], asked.territories)
    media = [each.judgement.voices.medium_masks(asked.platforms) for each in judged]
    columns = alike(asked.platforms, zip(*media, strict=True))
    whole = (window(asked.window.start, asked.window.end),)
    tables = [
        Table(each.judgement, places, media)
        for each, places, media in zip(judged, zip(*rows, strict=True), zip(*columns, strict=True), strict=True)
    ]
    cells = cells_of(tables, whole)
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
        tuple([each.told() for each in tables]),
        {ref: books.get(ref, _EMPTY) for ref in sorted(refs)},
    )


def book_for(ref: str, kind: ElementKind, books: Mapping[str, Book]) -> Book:
    """What is recorded about a reference, with the blanket licences where its performance is judged."""
    own, blanket = books.get(ref, _EMPTY), books.get(BLANKET)
    return own if kind != "music_performance" or blanket is None else own.beside(blanket, kind)


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
