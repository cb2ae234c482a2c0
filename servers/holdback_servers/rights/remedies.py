"""Changes to a cut and to a request: made into words and fields, applied, and decided again. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil

from holdback_base.elements import CutFacts, Element, Notice
from holdback_base.vocabulary import Span

from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision, decide
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.report import Asked, Remedy, RemedyKind
from holdback_servers.rights.windows import Window, ranges, shared, window

_EDITS: dict[str, RemedyKind] = {
    "credit": "add_credit",
    "disclaimer": "add_disclaimer",
    "blur": "obscure_element",
    "mute": "mute_element",
    "replace_music": "replace_element",
}


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is left of a question once a plan is applied: one part of it, and the cuts as they would be."""

    asked: Asked
    cuts: tuple[CutFacts, ...]


def clears(decision: Decision, remedies: Sequence[Remedy], books: Mapping[str, Book]) -> bool:
    """Decide again with the changes applied: whether every cell that is left is clear for all of its window.

    A person's answer is not known, so a plan that asks one never clears by itself.
    """
    if any(each.kind == "ask_human" for each in remedies):
        return False
    asked = decision.asked
    left = _windows_left(asked, remedies)
    kept = {
        "territories": tuple(each for each in asked.territories if any(place == each for place, _ in left)),
        "platforms": tuple(each for each in asked.platforms if any(node == each for _, node in left)),
    }
    if not left:
        return False
    again = decide(asked.model_copy(update=kept), [_edited(cut, remedies) for cut in decision.cuts], books)
    return all(
        shared(cell.now, (left[place, node],)) == (left[place, node],)
        for places, row in zip(again.rows, again.cells, strict=True)
        for media, cell in zip(again.columns, row, strict=True)
        for place in places
        for node in media
    )


def applied(asked: Asked, cuts: Sequence[CutFacts], remedies: Sequence[Remedy]) -> tuple[Fixed, ...]:
    """The question and the cuts with the changes made: one part for each window that some cells then have."""
    edited = tuple(_edited(cut, remedies) for cut in cuts)
    media_of: dict[tuple[Window, str], list[str]] = {}
    for (place, node), within in _windows_left(asked, remedies).items():
        media_of.setdefault((within, place), []).append(node)
    places_of: dict[tuple[Window, tuple[str, ...]], list[str]] = {}
    for (within, place), media in media_of.items():
        places_of.setdefault((within, tuple(media)), []).append(place)
    return tuple(
        Fixed(
            asked.model_copy(update={"territories": tuple(places), "platforms": media, "window": ranges((within,))[0]}),
            edited,
        )
        for (within, media), places in places_of.items()
    )


def _windows_left(asked: Asked, remedies: Sequence[Remedy]) -> dict[tuple[str, str], Window]:
    """What remains of the question: each cell that is kept, with its window. Empty when a window would be."""
    places = [*asked.territories]
    media = [*asked.platforms]
    for each in remedies:
        if each.kind == "drop_territory":
            places = [place for place in places if place not in (each.territories or ())]
        if each.kind == "drop_platform":
            media = [node for node in media if node not in (each.platforms or ())]
    whole = window(asked.window.start, asked.window.end)
    left = {(place, node): whole for place in places for node in media}
    for each in remedies:
        if each.kind in ("start_later", "end_earlier"):
            start, end = window(each.start, each.end)
            for cell in product(each.territories or (), each.platforms or ()):
                if cell in left:
                    left[cell] = (max(left[cell][0], start), min(left[cell][1], end))
    return left if all(start < end for start, end in left.values()) else {}


def duty_remedies(duties: Iterable[Duty], cuts: Sequence[CutFacts]) -> tuple[Remedy, ...]:
    """The edits that meet these duties, one for each thing to do; what no edit can meet becomes a question."""
    merged: dict[tuple[object, ...], list[Duty]] = {}
    for duty in duties:
        kind = _EDITS.get(duty.condition.type, "ask_human")
        words = duty.condition.text if kind in ("add_credit", "add_disclaimer", "ask_human") else duty.ref
        per_cut = duty.media if kind in ("obscure_element", "mute_element") else ""
        merged.setdefault((kind, words, per_cut), []).append(duty)
    return tuple(_edit(key[0], found, cuts) for key, found in sorted(merged.items(), key=str))  # pyright: ignore


def _edit(kind: RemedyKind, duties: Sequence[Duty], cuts: Sequence[CutFacts]) -> Remedy:
    first = duties[0]
    rights = tuple(sorted({each.right for each in duties}))
    media = tuple(sorted({each.media for each in duties}))
    seconds = max((each.condition.min_seconds or 0 for each in duties), default=0) or None
    words = first.condition.text
    if kind in ("add_credit", "add_disclaimer"):
        what = kind.removeprefix("add_")
        long = f" for at least {seconds} s" if seconds else ""
        text = f'Show the {what} "{words}"{long}.'
        return Remedy(kind=kind, text=text, credit=words, min_seconds=seconds, media=media, rights=rights)
    if kind == "ask_human":
        text = (
            f"Ask a person about the {first.condition.type.replace('_', ' ')} that {first.ref} needs. {words}".strip()
        )
        return Remedy(kind=kind, text=text, ref=first.ref, media=media, rights=rights)
    if kind == "replace_element":
        return replace_remedy(first.ref, cuts, rights)
    frames = sum(span.frames for span in first.spans)
    verb = "Make unrecognisable" if kind == "obscure_element" else "Mute"
    text = f"{verb} {first.ref} in the {frames} frames where it is not yet."
    return Remedy(
        kind=kind, text=text, elements=first.elements, ref=first.ref, spans=first.spans, media=media, rights=rights
    )


def replace_remedy(ref: str, cuts: Sequence[CutFacts], rights: tuple[str, ...] = ()) -> Remedy:
    """Take all elements of a reference out of every cut, or put something cleared in their place."""
    found = [(cut, each) for cut in cuts for each in cut.element_list.elements if each.ref == ref]
    name = found[0][1].name if found else ref
    return Remedy(
        kind="replace_element",
        text=f"Take out {name} ({ref}), or replace it by something whose rights cover the request.",
        elements=tuple(sorted({each.id for _, each in found})),
        ref=ref,
        media=tuple(sorted({cut.media for cut, _ in found})),
        rights=rights,
    )


def shorten_remedy(ref: str, seconds: int, cuts: Sequence[CutFacts], rights: tuple[str, ...]) -> Remedy:
    """Let a reference last no longer, in all, than a licence allows."""
    plain = replace_remedy(ref, cuts, rights)
    text = f"Shorten {ref} to {seconds} s in all."
    return plain.model_copy(update={"kind": "shorten_element", "text": text, "max_seconds": seconds})


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
