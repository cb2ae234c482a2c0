"""What a cut is made of, worked out from what its sources are made of. Pure.

Each element of a source comes into the cut with the frames on which it is seen or heard there: in the handles of
transitions, in layers, at other speeds and on held frames too. Music and the sound of a film are out when their track
is silent; things seen are out where the new shape of the picture cuts them away or an opaque layer covers them.
Whatever may be both seen and heard stays as long as either is there: what is not known to be gone is not gone.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from holdback_base.elements import Box, Element, ElementKind, ElementList, Notice, uncovered
from holdback_base.vocabulary import Rate, Span

from holdback_servers.editing.framing import View, around_all, covers, intersect
from holdback_servers.editing.model import Timeline, joined, moved
from holdback_servers.editing.parts import Blur, SoundClip, Track
from holdback_servers.editing.placing import (
    Picture,
    end_card_span,
    frames_showing,
    frames_sounding,
    pictures,
    transitions_placed,
    views,
)

HEARD_ONLY: frozenset[ElementKind] = frozenset({"music_master", "music_publishing", "music_performance"})
SEEN_ONLY: frozenset[ElementKind] = frozenset({"still", "logo", "location"})


class _Piece(NamedTuple):
    """Some frames of the cut in which an element is, where it stands there, and whether it is unrecognisable."""

    element: Element
    span: Span
    box: Box | None
    obscured: bool


def derive_elements(timeline: Timeline) -> ElementList:
    """The element list of the finished cut, at the timeline's rate. The timeline must have frames."""
    pieces = _settled(list(_seen(timeline)), list(_heard(timeline)))
    return ElementList(
        rate=timeline.rate,
        frames=timeline.frames,
        elements=_gathered(pieces),
        notices=(*_own_notices(timeline), *_carried_notices(timeline)),
    )


def sound_on(track: Track, timeline: Timeline) -> tuple[Span, ...]:
    """The frames of the cut on which a track may be heard at all."""
    if track.muted or not timeline.frames:
        return ()
    return uncovered((Span(in_frame=0, out_frame=timeline.frames),), track.silences)


def _seen(timeline: Timeline) -> Iterator[_Piece]:
    every = pictures(timeline)
    hiding = [(number, each.seen) for number, each in enumerate(every) if each.layer and each.layer.hides]
    for number, picture in enumerate(every):
        facts = timeline.facts(picture.clip.media)
        if facts is None or facts.width is None:
            continue
        shown = views(timeline, picture, facts)
        over = tuple(span for at, span in hiding if at > number)
        for element in facts.element_list.elements:
            if element.kind not in HEARD_ONLY:
                for piece in _seen_in(timeline, picture, shown, element):
                    for part in uncovered((piece.span,), over):
                        yield piece._replace(span=part)
    yield from _on_end_card(timeline)


def _seen_in(
    timeline: Timeline, picture: Picture, shown: list[tuple[Span, View]], element: Element
) -> Iterator[_Piece]:
    """Where an element is seen in one picture. Where the picture moves in the frame, the box holds all of its places
    without a break."""
    for span in element.spans:
        used = frames_showing(picture, span)
        if used is None:
            continue
        run: list[_Piece] = []
        for on, view in shown:
            part = on.overlap(used)
            if part is None:
                continue
            box = _in_cut(view, _corner(element.box)) if element.box else None
            if element.box is not None and box is None:
                yield from _one_place(run)
                run = []
                continue
            hidden = _hidden(timeline, picture, part, view, element)
            run += [_Piece(element, each, box, True) for each in hidden]
            run += [_Piece(element, each, box, False) for each in uncovered((part,), hidden)]
        yield from _one_place(run)


def _one_place(run: list[_Piece]) -> Iterator[_Piece]:
    boxes = {_corner(piece.box): piece.box for piece in run if piece.box}
    around = around_all([box for box in boxes.values() if box]) if boxes else None
    for obscured in (True, False):
        for span in joined([piece.span for piece in run if piece.obscured is obscured]):
            yield _Piece(run[0].element, span, around, obscured)


@functools.lru_cache(maxsize=4096)
def _in_cut(view: View, corner: tuple[int, ...]) -> Box | None:
    return view.in_cut(_boxed(corner))


@functools.lru_cache(maxsize=4096)
def _visible(view: View, corner: tuple[int, ...]) -> Box | None:
    """What is shown of a box of the source's picture, or of all of it."""
    whole = _boxed((0, 0, 1000, 1000))
    return intersect(_boxed(corner) if corner else whole, view.visible_part() or whole)


def _boxed(corner: tuple[int, ...]) -> Box:
    x, y, width, height = corner
    return Box(x=x, y=y, width=width, height=height)


def _hidden(timeline: Timeline, picture: Picture, on: Span, view: View, element: Element) -> tuple[Span, ...]:
    """Of these frames of the cut those on which the element cannot be made out: it was already so in the source, or a
    blur covers all of it that is shown."""
    visible = _visible(view, _corner(element.box))
    hiding = list(element.obscured)
    for blur in timeline.blurs:
        if blur.media != picture.clip.media or visible is None or not covers(blur.box, visible):
            continue
        hiding += _covered_frames(blur, _media_frames(picture, on), visible) if blur.path else [blur.span]
    found = [part for span in hiding if (used := frames_showing(picture, span)) and (part := used.overlap(on))]
    return joined(found)


def _covered_frames(blur: Blur, shown: Span, visible: Box) -> list[Span]:
    """Of these frames of the media those on which a region that moves covers all that is shown of something."""
    part = blur.span.overlap(shown)
    frames = range(part.in_frame, part.out_frame) if part else ()
    return [Span(in_frame=at, out_frame=at + 1) for at in frames if covers(blur.box_at(at), visible)]


def _media_frames(picture: Picture, on: Span) -> Span:
    """The frames of the media from the first to the last that a picture shows on these frames of the cut."""
    start = picture.record.in_frame
    return picture.clip.source_span(on.in_frame - start, on.out_frame - start)


def _on_end_card(timeline: Timeline) -> Iterator[_Piece]:
    """What the still of the end card shows, which is the first frame of its media. Where it stands is not told, and no
    blur is counted on."""
    card, on = timeline.end_card, end_card_span(timeline)
    facts = timeline.facts(card.media) if card and card.media else None
    if facts is None or on is None:
        return
    first = Span(in_frame=0, out_frame=1)
    for element in facts.element_list.elements:
        if element.kind not in HEARD_ONLY and any(first.overlap(span) for span in element.spans):
            yield _Piece(element, on, None, any(first.overlap(span) for span in element.obscured))


def _heard(timeline: Timeline) -> Iterator[_Piece]:
    for track, media, place in _sounds(timeline):
        facts = timeline.facts(media)
        audible = sound_on(track, timeline) if facts is not None else ()
        if facts is None or not audible:
            continue
        for element in facts.element_list.elements:
            if element.kind in SEEN_ONLY:
                continue
            for span in element.spans:
                placed = place(at_rate(span, facts.element_list.rate, timeline.rate))
                for part in _overlaps(audible, placed) if placed else ():
                    yield _Piece(element, part, None, False)


def _sounds(timeline: Timeline) -> Iterator[tuple[Track, str, Callable[[Span], Span | None]]]:
    """Every sound: its track, its media, and where in the cut a span of its media is heard."""
    programme = timeline.track("programme")
    for picture in pictures(timeline):
        if picture.layer is None and not picture.clip.freeze:
            yield programme, picture.clip.media, functools.partial(frames_sounding, picture, rate=timeline.rate)
    for track in timeline.sound_tracks:
        for sound in track.clips:
            yield track, sound.media, functools.partial(_placed, sound)


def _placed(sound: SoundClip, span: Span) -> Span | None:
    used = span.overlap(sound.source)
    return moved(used, sound.at_frame - sound.source.in_frame) if used else None


def at_rate(span: Span, rate: Rate, to: Rate) -> Span:
    """The frames of another rate that the span touches."""
    ratio = to.fraction / rate.fraction
    end = -((-Fraction(span.out_frame) * ratio).__floor__())
    return Span(in_frame=(span.in_frame * ratio).__floor__(), out_frame=end)


def _overlaps(spans: Iterable[Span], within: Span) -> Iterator[Span]:
    for span in spans:
        if part := span.overlap(within):
            yield part


def _settled(seen: list[_Piece], heard: list[_Piece]) -> list[_Piece]:
    """Seen and heard put together: where both are, the place is the seen one and nothing is obscured."""
    seen_on: dict[Element, list[_Piece]] = {}
    for piece in seen:
        seen_on.setdefault(piece.element, []).append(piece)
    heard_on: dict[Element, list[Span]] = {}
    for piece in heard:
        heard_on.setdefault(piece.element, []).append(piece.span)
    result: list[_Piece] = []
    for piece in seen:
        open_to_ears = [part for span in heard_on.get(piece.element, ()) if (part := span.overlap(piece.span))]
        result += [piece._replace(span=part, obscured=False) for part in joined(open_to_ears)]
        result += [piece._replace(span=part) for part in uncovered((piece.span,), tuple(open_to_ears))]
    for piece in heard:
        shown = seen_on.get(piece.element, [])
        places = {_corner(each.box): each.box for each in shown}
        box = next(iter(places.values())) if len(places) == 1 else None
        elsewhere = uncovered((piece.span,), tuple(each.span for each in shown))
        result += [piece._replace(span=part, box=box) for part in elsewhere]
    return result


def _gathered(pieces: list[_Piece]) -> tuple[Element, ...]:
    """One element for each id and place in the picture; a second place of the same id is called `id~2`."""
    families: dict[str, dict[tuple[object, ...], list[_Piece]]] = {}
    for piece in pieces:
        element = piece.element
        identity = (element.kind, element.ref, element.name, _corner(piece.box))
        families.setdefault(element.id, {}).setdefault(identity, []).append(piece)
    taken = set(families)
    result: list[Element] = []
    for name in sorted(families):
        ordered = sorted(families[name].items(), key=lambda item: (min(p.span.in_frame for p in item[1]), str(item[0])))
        for number, (_, members) in enumerate(ordered, start=1):
            result.append(_element(name if number == 1 else _fresh(name, number, taken), members))
    return tuple(result)


def _corner(box: Box | None) -> tuple[int, ...]:
    return (box.x, box.y, box.width, box.height) if box else ()


def _fresh(name: str, number: int, taken: set[str]) -> str:
    while f"{name}~{number}" in taken:
        number += 1
    taken.add(f"{name}~{number}")
    return f"{name}~{number}"


def _element(name: str, pieces: list[_Piece]) -> Element:
    plain = joined([piece.span for piece in pieces if not piece.obscured])
    hidden = uncovered(joined([piece.span for piece in pieces if piece.obscured]), plain)
    first = pieces[0].element
    box = next((piece.box for piece in pieces if piece.box), None)
    spans = joined([piece.span for piece in pieces])
    return Element(
        id=name, kind=first.kind, ref=first.ref, name=first.name, spans=spans, obscured=joined(hidden), box=box
    )


def _own_notices(timeline: Timeline) -> Iterator[Notice]:
    whole = Span(in_frame=0, out_frame=timeline.frames)
    for credit in timeline.credits:
        if credit.kind in ("credit", "disclaimer") and (stands := credit.span.overlap(whole)):
            yield Notice(kind=credit.kind, text=credit.text, span=stands)
    card, stands = timeline.end_card, end_card_span(timeline)
    if card and card.lines and stands:
        yield Notice(kind="credit", text="\n".join(card.lines), span=stands)


def _carried_notices(timeline: Timeline) -> Iterator[Notice]:
    """Words that a source shows already, where its picture is shown whole, alone and unblurred, under nothing."""
    every = pictures(timeline)
    over = tuple(each.seen for each in every if each.layer)
    mixed = tuple(record for _, record in transitions_placed(timeline))
    for picture in every:
        facts = timeline.facts(picture.clip.media)
        if picture.layer or facts is None or facts.width is None or not facts.element_list.notices:
            continue
        whole = [span for span, view in views(timeline, picture, facts) if view.whole()]
        blurs = [each.span for each in timeline.blurs if each.media == picture.clip.media]
        away = (*over, *mixed, *(part for span in blurs if (part := frames_showing(picture, span))))
        for notice in facts.element_list.notices:
            used = frames_showing(picture, notice.span)
            for part in _overlaps(whole, used) if used else ():
                for left in uncovered((part,), away):
                    yield Notice(kind=notice.kind, text=notice.text, span=left)
