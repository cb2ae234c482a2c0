"""Changes to a cut and to a request: made into words and fields, applied, and decided again. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from holdback_base.elements import CutFacts, Element, Notice
from holdback_base.vocabulary import Span, time_range

from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision, decide
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.report import Asked, Remedy, RemedyKind

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
    """Decide again with the changes applied: whether every cell that is left is CLEARED. A person's answer is not
    known, so a plan that asks one never clears by itself."""
    if any(each.kind == "ask_human" for each in remedies):
        return False
    parts = applied(decision.asked, decision.cuts, remedies)
    return bool(parts) and all(decide(each.asked, each.cuts, books).clear for each in parts)


def applied(asked: Asked, cuts: Sequence[CutFacts], remedies: Sequence[Remedy]) -> tuple[Fixed, ...]:
    """The question and the cuts with the changes made: one part for each window that some cells then have."""
    edited = tuple(_edited(cut, remedies) for cut in cuts)
    dropped_places = {place for each in remedies if each.kind == "drop_territory" for place in each.territories or ()}
    dropped_media = {node for each in remedies if each.kind == "drop_platform" for node in each.platforms or ()}
    moves = [each for each in remedies if each.kind in ("start_later", "end_earlier")]
    media_of: dict[tuple[object, ...], list[str]] = {}
    for place in (each for each in asked.territories if each not in dropped_places):
        windows: dict[tuple[object, ...], list[str]] = {}
        for node in (each for each in asked.platforms if each not in dropped_media):
            start, end = asked.window.start, asked.window.end
            for move in moves:
                if place in (move.territories or ()) and node in (move.platforms or ()):
                    start, end = move.start or start, move.end or end
            windows.setdefault((start, end), []).append(node)
        for within, media in windows.items():
            media_of.setdefault((*within, *media), []).append(place)
    return tuple(
        Fixed(
            asked.model_copy(
                update={"territories": tuple(where), "platforms": media, "window": time_range(start, end)}  # pyright: ignore
            ),
            edited,
        )
        for (start, end, *nodes), where in media_of.items()
        for media in (tuple(nodes),)
    )


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
