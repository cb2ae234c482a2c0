"""Operations on what stands above and behind the first track: layers of picture, and the end card. Pure."""

from holdback_base.elements import Box
from holdback_base.problem import Problem

from holdback_servers.editing.model import Timeline
from holdback_servers.editing.orders import AddLayerClip, SetEndCard
from holdback_servers.editing.parts import EndCard, Layer, LayerClip
from holdback_servers.editing.picture_operations import clip_of, no_picture
from holdback_servers.editing.placing import clips_end
from holdback_servers.editing.spans import known
from holdback_servers.editing.words import drawable

MOST_LAYER_CLIPS = 200
LONGEST_END_CARD_SECONDS = 60


def add_layer_clip(timeline: Timeline, operation: AddLayerClip) -> Timeline:
    """A picture over the cut.

    Raises:
        Problem: as for a clip; SPAN_OUTSIDE_MEDIA when it goes beyond the last clip; CONFLICT when another clip of the
            layer is in its place; INVALID_ARGUMENT for a box outside the canvas or fades that overlap; TOO_LARGE.
    """
    clip = clip_of(timeline, operation.new, f"v{timeline.next_number}")
    made = LayerClip(
        clip=clip,
        at_frame=operation.at_frame,
        box=in_picture(operation.box, f"The clip on {operation.layer}"),
        opacity=operation.opacity,
        fade_in=operation.fade_in,
        fade_out=operation.fade_out,
    )
    _fits(timeline, made, operation.layer)
    layer = next((each for each in timeline.layers if each.name == operation.layer), Layer(name=operation.layer))
    for other in layer.clips:
        if other.record.overlap(made.record):
            raise Problem(
                "CONFLICT",
                f"{operation.layer} is taken on frames {other.record.in_frame} to {other.record.out_frame} by "
                f"{other.clip.id}.",
                "Give a higher layer, other frames, or remove that clip by its id.",
            )
    if sum(len(each.clips) for each in timeline.layers) >= MOST_LAYER_CLIPS:
        raise Problem("TOO_LARGE", f"A timeline takes {MOST_LAYER_CLIPS} clips in layers.", "Render some of it before.")
    clips = tuple(sorted((*layer.clips, made), key=lambda each: each.at_frame))
    others = [each for each in timeline.layers if each.name != layer.name]
    layers = sorted([*others, layer.model_copy(update={"clips": clips})], key=lambda each: each.name)
    return timeline.model_copy(update={"layers": tuple(layers), "next_number": timeline.next_number + 1})


def _fits(timeline: Timeline, made: LayerClip, layer: str) -> None:
    end, record = clips_end(timeline), made.record
    if record.out_frame > end:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"The clip on {layer}, frames {record.in_frame} to {record.out_frame}, goes beyond the last clip, which "
            f"ends at {end}.",
            f"Stay between 0 and {end}: nothing stands over an end card.",
            in_frame=record.in_frame,
            out_frame=record.out_frame,
            frames=end,
        )
    if made.fade_in + made.fade_out > record.frames:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The clip on {layer} has {record.frames} frames and fades of {made.fade_in} and {made.fade_out}.",
            "Give fades that fit into it.",
        )


def in_picture(box: Box | None, what: str) -> Box | None:
    """The same box. Raises Problem INVALID_ARGUMENT for one that goes outside the picture."""
    if box is not None and (box.x + box.width > 1000 or box.y + box.height > 1000):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{what} at x {box.x}, y {box.y}, {box.width} wide and {box.height} high goes outside the picture.",
            "Boxes are in thousandths of the picture: x + width and y + height are at most 1000.",
            box=box.model_dump(),
        )
    return box


def remove_layer_clip(timeline: Timeline, name: str) -> Timeline:
    """Without that clip of a layer; a layer without clips is gone."""
    layers = (
        layer.model_copy(update={"clips": tuple(each for each in layer.clips if each.clip.id != name)})
        for layer in timeline.layers
    )
    return timeline.model_copy(update={"layers": tuple(each for each in layers if each.clips)})


def set_end_card(timeline: Timeline, operation: SetEndCard) -> Timeline:
    """A card behind the last clip in place of the one there; zero frames take it away.

    Raises:
        Problem: INVALID_ARGUMENT for an empty card, or words that cannot be drawn; TOO_LARGE for one over a minute;
            CUT_STATEMENT_REQUIRED.
    """
    if operation.frames == 0:
        return timeline.model_copy(update={"end_card": None})
    longest = int(LONGEST_END_CARD_SECONDS * timeline.rate.fraction)
    if operation.frames > longest:
        raise Problem("TOO_LARGE", f"An end card lasts up to {longest} frames.", "Make it shorter.")
    if not operation.lines and operation.media is None:
        raise Problem("INVALID_ARGUMENT", "The end card shows nothing.", "Give it lines of words, or a still by media.")
    if operation.media is not None:
        facts = known(timeline.sources, operation.media)
        if facts.width is None:
            raise no_picture(facts)
    card = EndCard(
        id=f"e{timeline.next_number}",
        lines=tuple(drawable(each, "end card", 120) for each in operation.lines),
        frames=operation.frames,
        colour=operation.colour,
        media=operation.media,
    )
    return timeline.model_copy(update={"end_card": card, "next_number": timeline.next_number + 1})
