"""What is seen on each frame of a cut. Runs in the media worker.

A recipe holds everything that makes the pixels of one frame and nothing of where it stands in the cut; a picture is
made from its recipe alone. So equal recipes are equal pictures, whatever cut they come from.
"""

from collections.abc import Iterator
from typing import NamedTuple

from holdback_base.vocabulary import Span

from holdback_servers.editing.framing import Rectangle, View, pixels
from holdback_servers.editing.lettering import Kind, fade_of, strength_on
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import BlurStyle, EndCard, LayerClip, Placement
from holdback_servers.editing.placing import Picture, clips_end, pictures, views
from holdback_servers.editing.words import captions_in_cut

WHOLE = 1000
"""Full strength."""


class Veil(NamedTuple):
    """A region of the source's picture to make unrecognisable, in pixels of its even part."""

    style: BlurStyle
    box: Rectangle


class Shown(NamedTuple):
    """A frame of some media and how it comes to the screen."""

    media: str
    frame: int
    view: View
    veils: tuple[Veil, ...]


class Over(NamedTuple):
    """A picture above the first track, in thousandths of strength; in `place` of the finished picture, or all over it
    with its bars."""

    shown: Shown
    place: Rectangle | None
    strength: int


class Words(NamedTuple):
    """Words in the finished picture, in thousandths of strength."""

    kind: Kind
    text: str
    placement: Placement
    strength: int


class Mix(NamedTuple):
    """A transition, `done` parts `of` so many: of the way, or for a dip how much of its colour is seen."""

    kind: str
    done: int
    of: int


class Card(NamedTuple):
    """An end card: its colour, its lines, and the media of its still."""

    colour: str
    lines: tuple[str, ...]
    media: str | None


class Recipe(NamedTuple):
    """All that makes one finished picture: the first track (two pictures where they mix) or the end card, layers from
    low to high, words."""

    under: tuple[Shown, ...] = ()
    mix: Mix | None = None
    card: Card | None = None
    over: tuple[Over, ...] = ()
    words: tuple[Words, ...] = ()


def recipes(timeline: Timeline, finished: tuple[int, int]) -> list[Recipe]:
    """The recipe of each frame of the cut, for a finished picture of this size."""
    total = timeline.frames
    under: list[list[Shown]] = [[] for _ in range(total)]
    over: list[list[Over]] = [[] for _ in range(total)]
    for picture in pictures(timeline):
        for at, shown in _shown(timeline, picture):
            if picture.layer is None:
                under[at].append(shown)
            else:
                over[at].append(_over(picture.layer, shown, finished, at))
    words, mixes = _words(timeline), _mixes(timeline)
    card = _card(timeline.end_card)
    return [
        Recipe(tuple(under[at]), mixes.get(at), None if under[at] else card, tuple(over[at]), tuple(words[at]))
        for at in range(total)
    ]


def _shown(timeline: Timeline, picture: Picture) -> Iterator[tuple[int, Shown]]:
    clip = picture.clip
    facts = timeline.facts(clip.media)
    assert facts is not None
    blurs = [each for each in timeline.blurs if each.media == clip.media]
    for span, view in views(timeline, picture, facts):
        even = (view.source[0] // 2 * 2, view.source[1] // 2 * 2)
        for at in range(span.in_frame, span.out_frame):
            frame = clip.source_frame(at - picture.record.in_frame)
            veils = tuple(
                Veil(each.style, pixels(each.box_at(frame), even))
                for each in blurs
                if each.span.in_frame <= frame < each.span.out_frame
            )
            yield at, Shown(clip.media, frame, view, veils)


def _over(layer: LayerClip, shown: Shown, finished: tuple[int, int], at: int) -> Over:
    record = layer.record
    into, left = at - record.in_frame + 1, record.out_frame - at
    strength = layer.opacity
    strength = min(strength, layer.opacity * into // (layer.fade_in + 1)) if layer.fade_in else strength
    strength = min(strength, layer.opacity * left // (layer.fade_out + 1)) if layer.fade_out else strength
    return Over(shown, None if layer.box is None else _on_screen(shown.view, finished), strength)


def _on_screen(view: View, finished: tuple[int, int]) -> Rectangle:
    """Where a picture that stands in the canvas comes to stand in the finished picture; parts of it may be outside."""
    place, out = view.place, view.shown

    def across(column: int) -> int:
        return (column - out.left) * finished[0] // out.width // 2 * 2

    def down(row: int) -> int:
        return (row - out.top) * finished[1] // out.height // 2 * 2

    left, top = across(place.left), down(place.top)
    return Rectangle(left, top, max(left + 2, across(place.right)), max(top + 2, down(place.bottom)))


def _mixes(timeline: Timeline) -> dict[int, Mix]:
    found: dict[int, Mix] = {}
    begins = {clip.id: record.in_frame for clip, record in timeline.placed()}
    for each in timeline.transitions:
        cut = clips_end(timeline) if each.clip is None else begins[each.clip]
        for at in range(cut - each.before, cut + each.after):
            if each.mixes:
                found[at] = Mix(each.kind, at - (cut - each.before) + 1, each.before + each.after + 1)
            elif at < cut:
                found[at] = Mix(each.kind, at - (cut - each.before) + 1, each.before)
            else:
                found[at] = Mix(each.kind, cut + each.after - at, each.after)
    return {at: mix for at, mix in found.items() if 0 <= at < timeline.frames}


def _card(card: EndCard | None) -> Card | None:
    return Card(card.colour, card.lines, card.media) if card else None


def _words(timeline: Timeline) -> list[list[Words]]:
    """The words on each frame. Captions stand at the bottom, or at the top where other words stand at the bottom."""
    found: list[list[Words]] = [[] for _ in range(timeline.frames)]
    speed = float(timeline.rate.fraction)
    for credit in timeline.credits:
        fade = fade_of(credit.span, speed)
        for at in _within(credit.span, timeline.frames):
            strength = round(WHOLE * strength_on(credit.span, fade, at))
            found[at].append(Words(credit.kind, credit.text, credit.placement, strength))
    low = [each.span for each in timeline.credits if each.placement == "bottom"]
    for captions in timeline.captions:
        for span, text in captions_in_cut(timeline, captions.language) if captions.burnt else ():
            placement: Placement = "top" if any(each.overlap(span) for each in low) else "bottom"
            for at in _within(span, timeline.frames):
                found[at].append(Words("caption", text, placement, WHOLE))
    return found


def _within(span: Span, frames: int) -> range:
    return range(span.in_frame, min(frames, span.out_frame))
