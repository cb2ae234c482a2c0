"""May these cuts be shown there, then, on those platforms? Decided over elements x territories x platforms. Pure.

A cell is a territory and a platform. Every element of every cut is judged on the whole requested window; a cell is
clear when all of them are. Severity, worst first: DENIED (nothing would be left, whatever conditions are met),
NEEDS_HUMAN (an element nobody has recorded rights for), CONDITIONAL (nothing now, something once conditions are met),
PARTIAL (some of the window), CLEARED (all of it). A cell that is clear for some of the window now and for more once
conditions are met is PARTIAL and says both windows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from holdback_base.elements import CutFacts, Element, ElementKind
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, expand_territories, parse_medium, time_range

from holdback_servers.rights.availability import Answer, Judgement, Use
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.conditions import Duty, duty, frames_of
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import Asked, Verdict
from holdback_servers.rights.tongues import parse_tongue
from holdback_servers.rights.windows import Windows, shared, window

_LIMIT = 400
"""Most elements, territories or platforms in one question; 250 countries is the world."""
_RECORDING: tuple[ElementKind, ...] = ("music_master", "music_publishing")
"""A recording embodies a work: where a cut lists only the master, the publishing is judged all the same."""


def ask(
    territories: Iterable[str],
    platforms: Iterable[str],
    *,
    start: datetime,
    end: datetime | None,
    purpose: Purpose,
    languages: Iterable[str] = (),
) -> Asked:
    """A question with its words checked. Groups of territories mean their members on the day the window begins.

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
    tongues = sorted({parse_tongue(each) for each in languages})
    return Asked(
        territories=tuple(places), platforms=tuple(media), window=within, purpose=purpose, languages=tuple(tongues)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One element on trial, of one of the decision's cuts or, in the catalogue, of none."""

    element: Element
    kind: ElementKind
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """One cell: each element's answer in the decision's order, and what all of them allow."""

    answers: tuple[Answer, ...]
    now: Windows
    once: Windows
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """All cells, with territories and platforms that the same rights reach taken together."""

    asked: Asked
    cuts: tuple[CutFacts, ...]
    judged: tuple[Judged, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[str, ...], ...]
    cells: tuple[tuple[CellAnswer, ...], ...]

    @property
    def clear(self) -> bool:
        """Whether every cell is CLEARED."""
        return all(cell.verdict == "CLEARED" for row in self.cells for cell in row)


def decide(asked: Asked, cuts: Sequence[CutFacts], books: Mapping[str, Book]) -> Decision:
    """Judge the cuts. `books` holds what is recorded for each reference; one that is missing is unknown.

    Raises Problem INVALID_ARGUMENT without a cut, TOO_LARGE for a cut of too many elements.
    """
    if not cuts:
        raise Problem("CUT_STATEMENT_REQUIRED", "There is no cut to judge.", "Pass the signed statement of the cut.")
    return judge(asked, tuple(cuts), tuple(each for cut in cuts for each in _on_trial(asked, cut, books)))


def judge(asked: Asked, cuts: tuple[CutFacts, ...], judged: tuple[Judged, ...]) -> Decision:
    """All cells of elements that stand before their books; `cuts` are only carried along."""
    rows = _alike(asked.territories, lambda place: tuple(each.judgement.place_mask(place) for each in judged))
    columns = _alike(asked.platforms, lambda node: tuple(each.judgement.medium_mask(node) for each in judged))
    whole = (window(asked.window.start, asked.window.end),)
    kept: dict[tuple[int, ...], CellAnswer] = {}
    cells = tuple(tuple(_cell(judged, places, media, whole, kept) for media in columns) for places in rows)
    return Decision(asked, cuts, judged, tuple(map(tuple, rows.values())), tuple(map(tuple, columns.values())), cells)


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
    alike: dict[tuple[str, ElementKind], list[Element]] = {}
    for element in elements:
        alike.setdefault((element.ref, element.kind), []).append(element)
    for element in sorted(elements, key=lambda each: (each.id, each.ref, each.kind)):
        book = books.get(element.ref) or Book(())
        seconds = cut.element_list.rate.seconds(frames_of(alike[element.ref, element.kind]))

        def duties(found: Entry, element: Element = element) -> list[Duty]:
            return [duty(found.id, each, element.ref, cut) for each in found.conditions]

        bare = element.kind == "music_master" and (element.ref, "music_publishing") not in alike
        for kind in _RECORDING if bare else (element.kind,):
            use = Use(kind, within, asked.purpose, asked.languages, seconds, derivative=True)
            yield Judged(element, kind, Judgement(book, use, duties))


def _unlisted(cut: CutFacts) -> Element:
    """A cut whose list is empty is one unknown element: no reference of this form can be recorded."""
    whole = (Span(in_frame=0, out_frame=cut.element_list.frames),)
    return Element(id="cut", kind="programme", ref="(unlisted)", name="Everything in the cut", spans=whole)


def _alike(names: Sequence[str], masks: Callable[[str], tuple[int, ...]]) -> dict[tuple[int, ...], list[str]]:
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        groups.setdefault(masks(name), []).append(name)
    return groups


def _cell(
    judged: Sequence[Judged],
    places: tuple[int, ...],
    media: tuple[int, ...],
    whole: Windows,
    kept: dict[tuple[int, ...], CellAnswer],
) -> CellAnswer:
    masks = tuple(place & medium for place, medium in zip(places, media, strict=True))
    cell = kept.get(masks)
    if cell is None:
        answers = tuple(each.judgement.answer(mask) for each, mask in zip(judged, masks, strict=True))
        now = once = known = whole
        for answer in answers:
            now, once = shared(now, answer.now), shared(once, answer.once)
            if not answer.unknown:
                known = shared(known, answer.once)
        unknown = any(answer.unknown for answer in answers)
        cell = kept[masks] = CellAnswer(answers, now, once, verdict_of(now, once, whole, unknown, not known))
    return cell
