"""The pieces of a timeline as they are answered, and each in a line of text. Pure."""

from holdback_base.elements import Box, Element
from holdback_base.vocabulary import Noun, Span

from holdback_servers.editing.parts import KeyBox


class ClipView(Noun):
    """A clip: frames of its media, and where it stands in the cut."""

    id: str
    media: str
    in_frame: int
    out_frame: int
    record_in: int
    record_out: int
    reason: str | None = None
    confidence: int | None = None
    speed: int | None = None
    freeze: bool | None = None


class TransitionView(Noun):
    """A transition on `record`, frames of the cut; the clip that comes in, or none at the end."""

    id: str
    kind: str
    clip: str | None = None
    before: int
    after: int
    record: Span


class LayerClipView(ClipView):
    """A picture above the first track: its place in the canvas, or all of it; opacity in thousandths."""

    layer: str
    box: Box | None = None
    opacity: int
    fade_in: int
    fade_out: int


class EndCardView(Noun):
    """The card behind the last clip, and its frames of the cut."""

    id: str
    lines: tuple[str, ...]
    colour: str
    media: str | None = None
    span: Span


class CaptionView(Noun):
    """Words to read, and the frames of the cut on which they stand."""

    span: Span
    text: str


class CaptionsView(Noun):
    """The captions of one language as they stand in the cut; `lines` counts those that were given."""

    language: str
    burnt: bool
    lines: int
    shown: tuple[CaptionView, ...]


class SoundView(Noun):
    """A sound on a track."""

    media: str
    in_frame: int
    out_frame: int
    at_frame: int
    gain: int | None = None
    fade_in: int | None = None
    fade_out: int | None = None


class TrackView(Noun):
    """A track of sound; silences are frames of the cut. The programme track is the film's own sound."""

    name: str
    muted: bool
    sounds: tuple[SoundView, ...] = ()
    silences: tuple[Span, ...] | None = None
    gain: int | None = None
    duck: int | None = None


class BlurView(Noun):
    """A region made unrecognisable: a box of its media's picture, the path along which it moves, and the frames of the
    cut on which it is seen."""

    id: str
    media: str
    box: Box
    record: tuple[Span, ...]
    element: str | None = None
    style: str
    path: tuple[KeyBox, ...] | None = None


class CreditView(Noun):
    """Words burnt in."""

    id: str
    kind: str
    text: str
    span: Span
    placement: str


def clip_line(clip: ClipView) -> str:
    """A clip in one line."""
    held = f" held at {clip.in_frame}" if clip.freeze else ""
    speed = f" at {clip.speed} percent of its speed" if clip.speed else ""
    return (
        f"{clip.id}: {clip.media} frames {clip.in_frame}-{clip.out_frame}{held}{speed} at "
        f"{clip.record_in}-{clip.record_out}"
        + (f" ({clip.reason})" if clip.reason else "")
        + (f" {clip.confidence} %" if clip.confidence is not None else "")
    )


def track_lines(track: TrackView) -> list[str]:
    """A track and its sounds, a line each."""
    extras = f" gain {track.gain}" * bool(track.gain) + f" duck {track.duck}" * bool(track.duck)
    silent = f" silent on {in_frames(track.silences)}" if track.silences else ""
    lines = [f"{track.name}: {'muted' if track.muted else 'heard'}{extras}{silent}"]
    for each in track.sounds:
        gain = f" gain {each.gain}" if each.gain else ""
        lines.append(f"  {each.media} frames {each.in_frame}-{each.out_frame} from {each.at_frame}{gain}")
    return lines


def in_frames(spans: "tuple[Span, ...] | list[Span]") -> str:
    """Spans as `0-12, 24-36`."""
    return ", ".join(f"{span.in_frame}-{span.out_frame}" for span in spans)


def element_line(element: Element) -> str:
    """An element in one line."""
    hidden = f", obscured on {in_frames(element.obscured)}" if element.obscured else ""
    box = element.box
    place = f", at x {box.x} y {box.y} {box.width} x {box.height}" if box else ""
    return f"  {element.id}: {element.kind} {element.ref} {element.name!r} on {in_frames(element.spans)}{hidden}{place}"
