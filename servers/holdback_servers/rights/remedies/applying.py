"""Changes to a cut, to a request and to what is on record: applied, and decided again. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil

from holdback_base.elements import CutFacts, Element, Notice
from holdback_base.vocabulary import Span

from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.clearance import Decision, decide
from holdback_servers.rights.model import Contract, Right
from holdback_servers.rights.report import Asked, Remedy
from holdback_servers.rights.windows import Window, ranges, shared, window

Decide = Callable[[Asked, Sequence[CutFacts], Mapping[str, Book]], Decision]
"""How a question is decided: `clearance.decide`, or `catalogue.reference_decision` where there is no cut."""
_PARTS = 32
"""Most windows that a plan is decided again in where a right limits their length."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is left of a question once a plan is applied: one part of it, and the cuts as they would be."""

    asked: Asked
    cuts: tuple[CutFacts, ...]


def clears(
    decision: Decision, remedies: Sequence[Remedy], books: Mapping[str, Book], decide_again: Decide = decide
) -> bool:
    """Decide again with the changes applied: whether every cell that is left is clear for all of its window.

    A grant to be acquired counts as if it were on record. A person's answer is not known, so a plan that asks one never
    clears by itself. Without a cut what grants ask for is told, not judged, here too.
    """
    if any(each.kind == "ask_human" for each in remedies):
        return False
    known = with_acquired(books, remedies)
    cuts = [_edited(cut, remedies) for cut in decision.cuts]
    left = _windows_left(decision.asked, remedies)
    if not left:
        return False
    days = any(each.limits.window_days for book in known.values() for each in book.entries)
    if not days or len(set(left.values())) == 1:
        asked = _asked_left(decision.asked, remedies).model_copy(
            update={
                "territories": tuple(dict.fromkeys(place for place, _ in left)),
                "platforms": tuple(dict.fromkeys(node for _, node in left)),
                "window": ranges((_around(left.values()),))[0],
            }
        )
        return _clear(decide_again(asked, cuts, known), left)
    parts = applied(decision.asked, decision.cuts, remedies)
    return len(parts) <= _PARTS and all(_clear(decide_again(each.asked, each.cuts, known), left) for each in parts)


def _clear(again: Decision, left: Mapping[tuple[str, str], Window]) -> bool:
    """Whether every cell that was decided is clear for what is left of it."""
    return all(
        shared(cell.now if again.cuts else cell.once, (left[place, node],)) == (left[place, node],)
        for places, row in zip(again.rows, again.cells, strict=True)
        for media, cell in zip(again.columns, row, strict=True)
        for place in places
        for node in media
    )


def with_acquired(books: Mapping[str, Book], remedies: Iterable[Remedy]) -> Mapping[str, Book]:
    """The books as if the grants to be acquired were on record."""
    more = acquired(remedies)
    if not more:
        return books
    refs = {each.right.ref for each in more}
    added = {
        ref: Book((*(books[ref].entries if ref in books else ()), *(each for each in more if each.right.ref == ref)))
        for ref in refs
    }
    return {**books, **added}


def acquired(remedies: Iterable[Remedy]) -> tuple[Entry, ...]:
    """The grants that a plan would acquire, as if they were on record: of active contracts, without conditions."""
    wanted = [each.missing for each in remedies if each.missing is not None]
    contract = Contract(id="ctr_acquired", counterparty="whoever owns it", direction="in", status="active")
    return tuple(
        entry(
            Right(
                id=f"rgt_acquired_{number}",
                contract=contract.id,
                ref=each.ref,
                kind="grant",
                element_kinds=each.element_kinds,
                media=each.platforms,
                territories=each.territories,
                start=each.window.start,
                end=each.window.end,
                exclusive=each.exclusive,
                purposes=(each.purpose,),
                languages=each.languages,
            ),
            contract,
        )
        for number, each in enumerate(wanted, 1)
    )


def _around(windows: Collection[Window]) -> Window:
    return min(each[0] for each in windows), max(each[1] for each in windows)


def _asked_left(asked: Asked, remedies: Iterable[Remedy]) -> Asked:
    """The question with its languages, runs and undertakings changed; its cells and windows are as they were."""
    for each in remedies:
        if each.kind == "drop_language":
            left = tuple(tongue for tongue in asked.languages if tongue not in (each.languages or ()))
            asked = asked.model_copy(update={"languages": left})
        elif each.kind == "fewer_runs" and each.runs is not None:
            asked = asked.model_copy(update={"runs": each.runs})
        elif each.kind == "undertake":
            kept = {*asked.undertakings, *(each.undertakings or ())}
            asked = asked.model_copy(update={"undertakings": tuple(sorted(kept))})
    return asked


def applied(asked: Asked, cuts: Sequence[CutFacts], remedies: Sequence[Remedy]) -> tuple[Fixed, ...]:
    """The question and the cuts with the changes made: one part for each window that some cells then have.

    Grants to be acquired are not part of it: see `acquired`.
    """
    question = _asked_left(asked, remedies)
    edited = tuple(_edited(cut, remedies) for cut in cuts)
    media_of: dict[tuple[Window, str], list[str]] = {}
    for (place, node), within in _windows_left(asked, remedies).items():
        media_of.setdefault((within, place), []).append(node)
    places_of: dict[tuple[Window, tuple[str, ...]], list[str]] = {}
    for (within, place), media in media_of.items():
        places_of.setdefault((within, tuple(media)), []).append(place)
    return tuple(
        Fixed(
            question.model_copy(
                update={"territories": tuple(places), "platforms": media, "window": ranges((within,))[0]}
            ),
            edited,
        )
        for (within, media), places in places_of.items()
    )


def _windows_left(asked: Asked, remedies: Sequence[Remedy]) -> dict[tuple[str, str], Window]:
    """What remains of the question: each cell that is kept, with its window. Empty when a window would be."""
    left_places = [*asked.territories]
    media = [*asked.platforms]
    for each in remedies:
        if each.kind == "drop_territory":
            left_places = [place for place in left_places if place not in (each.territories or ())]
        if each.kind == "drop_platform":
            media = [node for node in media if node not in (each.platforms or ())]
    whole = window(asked.window.start, asked.window.end)
    left = {(place, node): whole for place in left_places for node in media}
    for each in remedies:
        if each.kind in ("start_later", "end_earlier"):
            start, end = window(each.start, each.end)
            for cell in product(each.territories or (), each.platforms or ()):
                if cell in left:
                    left[cell] = (max(left[cell][0], start), min(left[cell][1], end))
    return left if all(start < end for start, end in left.values()) else {}


def _edited(cut: CutFacts, remedies: Sequence[Remedy]) -> CutFacts:
    elements, notices = list(cut.element_list.elements), list(cut.element_list.notices)
    for remedy in remedies:
        if remedy.media is not None and cut.media not in remedy.media:
            continue
        if remedy.kind == "replace_element":
            elements = [each for each in elements if each.ref != remedy.ref]
        elif remedy.kind in ("obscure_element", "mute_element"):
            elements = [_obscured(each) if each.ref == remedy.ref else each for each in elements]
        elif remedy.kind == "shorten_element":
            elements = _shortened(elements, remedy, cut)
        elif remedy.kind in ("add_credit", "add_disclaimer"):
            frames = ceil((remedy.min_seconds or 1) * cut.element_list.rate.fraction)
            span = Span(in_frame=0, out_frame=min(frames, cut.element_list.frames))
            what = "credit" if remedy.kind == "add_credit" else "disclaimer"
            notices.append(Notice(kind=what, text=remedy.credit or "", span=span))
    changed = {"elements": tuple(elements), "notices": tuple(notices)}
    return cut.model_copy(update={"element_list": cut.element_list.model_copy(update=changed)})


def _obscured(element: Element) -> Element:
    return element.model_copy(update={"obscured": element.spans})


def _shortened(elements: Sequence[Element], remedy: Remedy, cut: CutFacts) -> list[Element]:
    """The first frames of the reference that the limit allows; the rest of it is gone."""
    frames = int((remedy.max_seconds or 0) * cut.element_list.rate.fraction)
    starts = [span.in_frame for each in elements if each.ref == remedy.ref for span in each.spans]
    last = min(starts, default=0) + frames
    kept: list[Element] = []
    for element in elements:
        if element.ref != remedy.ref:
            kept.append(element)
        elif spans := _before(element.spans, last):
            kept.append(element.model_copy(update={"spans": spans, "obscured": _before(element.obscured, last)}))
    return kept


def _before(spans: Iterable[Span], last: int) -> tuple[Span, ...]:
    return tuple(
        Span(in_frame=span.in_frame, out_frame=min(span.out_frame, last)) for span in spans if span.in_frame < last
    )
