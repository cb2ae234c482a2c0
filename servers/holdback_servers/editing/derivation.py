"""What a cut is made of, worked out from what its sources are made of. Pure.

Each element of a source comes into the cut with the frames that clips use of it, moved to where they stand. Music and
the sound of a film are out when their track is silent; things seen are out when the new shape of the picture cuts them
away. Whatever may be both seen and heard stays as long as either is there: what is not known to be gone is not gone.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList, Notice, uncovered
from holdback_base.vocabulary import Rate, Span

from holdback_servers.editing.framing import View, covers, intersect, view
from holdback_servers.editing.model import Timeline, joined, moved
from holdback_servers.editing.parts import Clip, SoundClip, Track

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


def view_of(timeline: Timeline, clip: Clip, facts: CutFacts) -> View:
    """How a clip's picture comes to the screen. The source must have a picture."""
    assert facts.width is not None
    assert facts.height is not None
    return view((facts.width, facts.height), (timeline.width, timeline.height), timeline.reframe, clip.id)


def sound_on(track: Track, timeline: Timeline) -> tuple[Span, ...]:
    """The frames of the cut on which a track may be heard at all."""
    if track.muted or not timeline.frames:
        return ()
    return uncovered((Span(in_frame=0, out_frame=timeline.frames),), track.silences)


def _seen(timeline: Timeline) -> Iterator[_Piece]:
    for clip, record in timeline.placed():
        facts = timeline.facts(clip.media)
        if facts is None or facts.width is None:
            continue
        shown = view_of(timeline, clip, facts)
        for element in facts.element_list.elements:
            if element.kind not in HEARD_ONLY:
                yield from _seen_in(timeline, clip, record, shown, element)


def _seen_in(timeline: Timeline, clip: Clip, record: Span, shown: View, element: Element) -> Iterator[_Piece]:
    box = shown.in_cut(element.box) if element.box else None
    if element.box is not None and box is None:
        return
    for used in _overlaps(element.spans, clip.source):
        hidden = joined([part for each in _hiding(timeline, clip, shown, element) if (part := each.overlap(used))])
        for obscured, parts in ((True, hidden), (False, uncovered((used,), hidden))):
            for part in parts:
                yield _Piece(element, moved(part, record.in_frame - clip.source.in_frame), box, obscured)


def _hiding(timeline: Timeline, clip: Clip, shown: View, element: Element) -> Iterator[Span]:
    """Frames of the source on which the element cannot be made out: already so, or under a blur that covers all of it
    that is shown."""
    yield from element.obscured
    whole = Box(x=0, y=0, width=1000, height=1000)
    part = shown.visible_part() or whole
    visible = intersect(element.box or whole, part)
    for blur in timeline.blurs:
        if blur.media == clip.media and visible is not None and covers(blur.box, visible):
            yield blur.span


def _heard(timeline: Timeline) -> Iterator[_Piece]:
    for track, clip, record in _sounds(timeline):
        facts = timeline.facts(clip.media)
        if facts is None:
            continue
        audible = sound_on(track, timeline)
        for element in facts.element_list.elements:
            if element.kind in SEEN_ONLY:
                continue
            for span in element.spans:
                used = at_rate(span, facts.element_list.rate, timeline.rate).overlap(clip.source)
                placed = moved(used, record.in_frame - clip.source.in_frame) if used else None
                for part in _overlaps(audible, placed) if placed else ():
                    yield _Piece(element, part, None, False)


def _sounds(timeline: Timeline) -> Iterator[tuple[Track, Clip | SoundClip, Span]]:
    for clip, record in timeline.placed():
        yield timeline.track("programme"), clip, record
    for track in timeline.sound_tracks:
        for sound in track.clips:
            yield track, sound, sound.record


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


def _carried_notices(timeline: Timeline) -> Iterator[Notice]:
    """Words that a source shows already, where its picture is shown whole and unblurred."""
    for clip, record in timeline.placed():
        facts = timeline.facts(clip.media)
        if facts is None or facts.width is None or not view_of(timeline, clip, facts).whole():
            continue
        blurred = tuple(blur.span for blur in timeline.blurs if blur.media == clip.media)
        for notice in facts.element_list.notices:
            for used in _overlaps([notice.span], clip.source):
                for part in uncovered((used,), blurred):
                    place = moved(part, record.in_frame - clip.source.in_frame)
                    yield Notice(kind=notice.kind, text=notice.text, span=place)
