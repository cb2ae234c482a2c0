"""Where each picture of a cut stands: on which frames it is seen, and where in the finished picture. Pure.

The element list, the operations and the renderer use the same answers, so that what is claimed is what is shown.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from holdback_base.elements import CutFacts
from holdback_base.vocabulary import Rate, Span

from holdback_servers.editing.framing import Rectangle, View, cut_out, fitted, fitted_in
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip, LayerClip, Transition

SMEAR_SECONDS = 0.05
"""How far, at most, sound that is stretched at the same pitch strays from its place (windows of 43 ms at 48 kHz)."""


class Picture(NamedTuple):
    """A clip with the frames of the cut that it fills, and those on which it is seen, its handles too; `layer` where it
    stands above the first track."""

    clip: Clip
    record: Span
    seen: Span
    layer: LayerClip | None = None


def clips_end(timeline: Timeline) -> int:
    """The first frame behind the last clip, where the end card begins."""
    return sum(clip.frames for clip in timeline.clips)


def end_card_span(timeline: Timeline) -> Span | None:
    """The frames of the end card, if there is one."""
    end = clips_end(timeline)
    return Span(in_frame=end, out_frame=end + timeline.end_card.frames) if timeline.end_card else None


def transitions_placed(timeline: Timeline) -> list[tuple[Transition, Span]]:
    """Each transition with the frames of the cut on which it is seen, in the order given; one at a clip that is not
    there is left out."""
    cuts: dict[str | None, int] = {clip.id: record.in_frame for clip, record in timeline.placed()}
    cuts[None] = clips_end(timeline)
    return [
        (each, Span(in_frame=max(0, cuts[each.clip] - each.before), out_frame=cuts[each.clip] + each.after))
        for each in timeline.transitions
        if each.clip in cuts and cuts[each.clip] + each.after > 0
    ]


def pictures(timeline: Timeline) -> list[Picture]:
    """Every picture of the cut, from the lowest track to the highest.

    Layers are seen as far as the clips of the first track go: none stands over the end card.
    """
    end = clips_end(timeline)
    found = [Picture(clip, record, seen) for clip, record, seen in timeline.seen()]
    for layer in sorted(timeline.layers, key=lambda each: each.name):
        for each in layer.clips:
            if each.at_frame < end:
                seen = Span(in_frame=each.at_frame, out_frame=min(end, each.record.out_frame))
                found.append(Picture(each.clip, each.record, seen, each))
    return found


def size_of(facts: CutFacts) -> tuple[int, int]:
    """Width and height of a source that has a picture."""
    assert facts.width is not None
    assert facts.height is not None
    return facts.width, facts.height


def views(timeline: Timeline, picture: Picture, facts: CutFacts) -> list[tuple[Span, View]]:
    """How a picture comes to the screen: frames of the cut, in order, each with the one view that holds on them.

    A reframe follows the centre of the clip that is seen, in its handles too; for a layer it follows the clip of the
    first track whose record it stands over.
    """
    canvas, size = (timeline.width, timeline.height), size_of(facts)
    place = fitted(size, canvas) if picture.layer is None else fitted_in(size, canvas, picture.layer.box)
    found: list[tuple[Span, View]] = []
    for span, shown in _cut_outs(timeline, picture):
        now = View(size, place, shown)
        if found and found[-1][1] == now and found[-1][0].out_frame == span.in_frame:
            span = Span(in_frame=found.pop()[0].in_frame, out_frame=span.out_frame)
        found.append((span, now))
    return found


def _cut_outs(timeline: Timeline, picture: Picture) -> Iterator[tuple[Span, Rectangle]]:
    canvas = (timeline.width, timeline.height)
    if timeline.reframe is None:
        yield picture.seen, Rectangle(0, 0, *canvas)
    elif picture.layer is None:
        yield from _followed(timeline, picture.clip, picture.record, picture.seen)
    else:
        for clip, record in timeline.placed():
            if part := record.overlap(picture.seen):
                yield from _followed(timeline, clip, record, part)


def _followed(timeline: Timeline, clip: Clip, record: Span, seen: Span) -> Iterator[tuple[Span, Rectangle]]:
    canvas, reframe = (timeline.width, timeline.height), timeline.reframe
    assert reframe is not None
    if not any(each.clip == clip.id and each.path for each in reframe.centres):
        yield seen, cut_out(canvas, reframe, clip.id)
        return
    known: dict[int, Rectangle] = {}
    for at in range(seen.in_frame, seen.out_frame):
        frame = clip.source_frame(at - record.in_frame)
        centre = reframe.centre_of(clip.id, frame)
        if centre not in known:
            known[centre] = cut_out(canvas, reframe, clip.id, frame)
        yield Span(in_frame=at, out_frame=at + 1), known[centre]


def frames_showing(picture: Picture, media: Span) -> Span | None:
    """The frames of the cut on which a picture shows some frame of this span of its media, if any."""
    clip = picture.clip
    if clip.freeze:
        return picture.seen if media.in_frame <= clip.source.in_frame < media.out_frame else None
    start, end = (-((clip.source.in_frame - frame) * 100 // clip.speed) for frame in (media.in_frame, media.out_frame))
    return within(picture.seen, picture.record.in_frame + start, picture.record.in_frame + end)


def frames_sounding(picture: Picture, media: Span, rate: Rate) -> Span | None:
    """The frames of the cut on which a picture's own sound lets some of this span of its media be heard, if any.

    A held frame is silent. Stretched sound is counted as far as it may stray.
    """
    clip = picture.clip
    if clip.freeze or picture.layer is not None:
        return None
    if clip.speed == 100:
        return frames_showing(picture, media)
    stray = math.ceil(SMEAR_SECONDS * rate.fraction)
    start = (media.in_frame - clip.source.in_frame) * 100 // clip.speed - stray
    end = -((clip.source.in_frame - media.out_frame) * 100 // clip.speed) + stray
    return within(picture.seen, picture.record.in_frame + start, picture.record.in_frame + end)


def within(span: Span, start: int, end: int) -> Span | None:
    """What of the span lies in `[start, end)`, which may reach below 0."""
    first, last = max(span.in_frame, start), min(span.out_frame, end)
    return Span(in_frame=first, out_frame=last) if first < last else None
