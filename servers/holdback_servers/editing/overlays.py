"""Operations on what lies over the picture, on its shape, and on the loudness wanted. Pure."""

import itertools
from collections.abc import Iterator

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.framing import around_all
from holdback_servers.editing.layering import in_picture, remove_layer_clip
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.orders import BlurRegion, CentreWanted, ReframeTo, RemoveOverlay, SetLoudness
from holdback_servers.editing.parts import Blur, Centre, KeyBox, Loudness, Reframe
from holdback_servers.editing.placing import Picture, pictures, views, within
from holdback_servers.editing.spans import known, span_in_cut, span_of

MOST_BLURS = 200
MOST_KEYS = 4000
"""Of the path of one blur; where a moving picture would take more, the blur is one box around all of it."""
ASPECTS = {"9:16": (9, 16), "1:1": (1, 1), "4:5": (4, 5)}


def blur(old: Timeline, timeline: Timeline, operation: BlurRegion) -> Timeline:
    """Make a box of the old cut's picture, an element of the sources, or a region that moves in some media
    unrecognisable, on the media's own frames."""
    if operation.path:
        places = [_moving_place(timeline, operation)]
    elif operation.element is not None:
        places = list(_element_places(timeline, operation))
    else:
        places = list(_box_places(old, operation))
    blurs = list(timeline.blurs)
    number = timeline.next_number
    for media, span, path in places:
        box = around_all([key.box for key in path])
        still = len(path) == 1
        blurs.append(
            Blur(
                id=f"b{number}",
                media=media,
                span=span,
                box=box,
                element=operation.element,
                style=operation.style,
                path=() if still else path,
            )
        )
        number += 1
    if len(blurs) > MOST_BLURS:
        raise Problem("TOO_LARGE", f"A timeline takes {MOST_BLURS} blurs.", "Blur larger regions or longer spans.")
    return timeline.model_copy(update={"blurs": tuple(blurs), "next_number": number})


_Place = tuple[str, Span, tuple[KeyBox, ...]]
"""Some media, its frames, and where the region is on them: one box that holds for all of them, or a path."""


def _moving_place(timeline: Timeline, operation: BlurRegion) -> _Place:
    if operation.media is None or operation.box is not None or operation.span is not None:
        raise Problem(
            "INVALID_ARGUMENT",
            "A blur with a path names the media whose frames and picture the path is of, and takes no box and no span.",
            "Give media with the path; its first and last frames are those of the blur.",
        )
    facts = known(timeline.sources, operation.media)
    frames = [key.frame for key in operation.path]
    if any(one >= other for one, other in itertools.pairwise(frames)):
        raise Problem("INVALID_ARGUMENT", "The frames of a blur's path go up.", "Give each frame once, in order.")
    span = span_of(frames[0], frames[-1] + 1, facts, facts.element_list.frames)
    for key in operation.path:
        in_picture(key.box, f"The blur on frame {key.frame}")
    if operation.element is not None and all(each.id != operation.element for each in facts.element_list.elements):
        raise _no_element(timeline, operation.element, [each.id for each in facts.element_list.elements])
    return operation.media, span, operation.path


def _element_places(timeline: Timeline, operation: BlurRegion) -> Iterator[_Place]:
    if operation.box is not None or operation.span is not None:
        raise Problem("INVALID_ARGUMENT", "A blur takes an element, or a box and a span.", "Leave one of them out.")
    wanted = str(operation.element)
    every = [(facts, each) for facts in timeline.sources for each in facts.element_list.elements]
    found = [pair for pair in every if pair[1].id == wanted] or [p for p in every if p[1].id == wanted.split("~")[0]]
    if not found:
        raise _no_element(timeline, wanted, [each.id for _, each in every])
    for facts, element in found:
        if element.box is None or facts.width is None:
            raise Problem(
                "INVALID_ARGUMENT",
                f"Where {element.name} ({element.id}) stands in the picture is not recorded.",
                "Give a box and a span instead, or a path.",
            )
        for span in element.spans:
            yield facts.media, span, (KeyBox(frame=span.in_frame, box=_grown(element.box, operation.margin)),)


def _no_element(timeline: Timeline, wanted: str, there: list[str]) -> Problem:
    return Problem(
        "NOT_FOUND",
        f"No source of {timeline.id} has an element {wanted[:60]!r}.",
        "Use an element's id from the element list, or give a box and a span.",
        elements=sorted(set(there))[:50],
    )


def _grown(box: Box, margin: int) -> Box:
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    right, bottom = min(1000, box.x + box.width + margin), min(1000, box.y + box.height + margin)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _box_places(old: Timeline, operation: BlurRegion) -> Iterator[_Place]:
    """Where the box stands on each picture that is seen, in layers and in handles too."""
    box = in_picture(operation.box, "The blur")
    if box is None:
        raise Problem("INVALID_ARGUMENT", "A blur needs a box, an element, or a path.", "Say what to blur.")
    span = span_in_cut(operation.span or Span(in_frame=0, out_frame=old.frames), old.frames, "blur")
    hit = False
    for picture in pictures(old):
        for media_span, path in _on_picture(old, picture, span, box):
            hit = True
            yield picture.clip.media, media_span, path
    if not hit:
        raise Problem(
            "INVALID_ARGUMENT",
            "The blur covers no picture, only the bars beside it or the end card.",
            "Give a box on the picture.",
        )


def _on_picture(old: Timeline, picture: Picture, span: Span, box: Box) -> Iterator[tuple[Span, tuple[KeyBox, ...]]]:
    """Frames of the media, with the region that the box is on them: a path where the picture is followed by a reframe
    that moves, apart where it is not under the box."""
    frames = known(old.sources, picture.clip.media).element_list.frames
    run: list[tuple[Span, Box]] = []
    for seen, view in views(old, picture, known(old.sources, picture.clip.media)):
        part = seen.overlap(span)
        place = view.in_source(box) if part else None
        media = _media_frames(picture, part, frames) if part else None
        if place is not None and media is not None:
            run.append((media, place))
        elif run:
            yield _path(run)
            run = []
    if run:
        yield _path(run)


def _media_frames(picture: Picture, part: Span, frames: int) -> Span | None:
    """The frames of the media shown on these frames of the cut; a handle may lie outside the media."""
    clip, start = picture.clip, picture.record.in_frame
    first, last = (clip.source_frame(frame - start) for frame in (part.in_frame, part.out_frame - 1))
    return within(Span(in_frame=0, out_frame=frames), first, last + 1)


def _path(run: list[tuple[Span, Box]]) -> tuple[Span, tuple[KeyBox, ...]]:
    span = Span(in_frame=run[0][0].in_frame, out_frame=max(each.out_frame for each, _ in run))
    keys: dict[int, Box] = {}
    for media, box in run:
        for frame in (media.in_frame, media.out_frame - 1):
            keys[frame] = around_all([keys[frame], box]) if frame in keys else box
    if len({(each.x, each.y, each.width, each.height) for each in keys.values()}) == 1 or len(keys) > MOST_KEYS:
        return span, (KeyBox(frame=span.in_frame, box=around_all(list(keys.values()))),)
    return span, tuple(KeyBox(frame=frame, box=keys[frame]) for frame in sorted(keys))


def reframe(timeline: Timeline, operation: ReframeTo) -> Timeline:
    """Another shape of the picture; `original` takes a reframe away."""
    if operation.aspect == "original":
        return timeline.model_copy(update={"reframe": None})
    across, down = ASPECTS[operation.aspect]
    width = operation.width if operation.width is not None else 720
    height = operation.height if operation.height is not None else _even(width * down / across)
    fits = abs(width * down - height * across) <= 2 * max(across, down)
    if not fits or width % 2 or height % 2 or not 16 <= min(width, height) <= max(width, height) <= 4096:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{width} x {height} is not a picture of {operation.aspect}.",
            "Give even numbers of that shape from 16 to 4096, such as 720 x 1280 for 9:16, or leave them out.",
        )
    centres = tuple(_centre(timeline, each) for each in operation.centres)
    shape = Reframe(aspect=operation.aspect, width=width, height=height, centre_x=operation.centre_x, centres=centres)
    return timeline.model_copy(update={"reframe": shape})


def _centre(timeline: Timeline, wanted: CentreWanted) -> Centre:
    if all(clip.id != wanted.clip for clip in timeline.clips):
        raise Problem("NOT_FOUND", f"There is no clip {wanted.clip[:40]!r} to centre.", "Use a clip's id.")
    if any(one.frame >= other.frame for one, other in itertools.pairwise(wanted.path)):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The frames of the path that {wanted.clip} is followed on go up.",
            "Give each frame of its media once, in order.",
        )
    return Centre(clip=wanted.clip, centre_x=wanted.centre_x, path=wanted.path)


def _even(number: float) -> int:
    return round(number / 2) * 2


def set_loudness(timeline: Timeline, operation: SetLoudness) -> Timeline:
    """The loudness that a render is brought to."""
    target = Loudness(lufs_tenths=operation.lufs_tenths, peak_tenths=operation.peak_tenths)
    return timeline.model_copy(update={"loudness": target})


def remove_overlay(timeline: Timeline, operation: RemoveOverlay) -> Timeline:
    """Without that blur, credit, transition or clip of a layer. Raises Problem NOT_FOUND."""
    name = operation.overlay
    over = [each.clip.id for layer in timeline.layers for each in layer.clips]
    there = [*(each.id for each in (*timeline.blurs, *timeline.credits, *timeline.transitions)), *over]
    if name not in there:
        raise Problem(
            "NOT_FOUND",
            f"There is no overlay {name[:40]!r} in {timeline.id}.",
            f"Its overlays are {', '.join(there[:20])}." if there else "It has none.",
        )
    if name in over:
        return remove_layer_clip(timeline, name)
    return timeline.model_copy(
        update={
            "blurs": tuple(each for each in timeline.blurs if each.id != name),
            "credits": tuple(each for each in timeline.credits if each.id != name),
            "transitions": tuple(each for each in timeline.transitions if each.id != name),
        }
    )
