"""What an editor may ask for: the clips and sounds of a new timeline, and the operations on an old one. Pure.

Operations of one request do not depend on their order as long as they touch different things: clips are named by ids;
a blur's frames and box are of the cut as it was before the request; clips are changed first, then sound and overlays,
whose frames are of the cut that results.
"""

from typing import Annotated, Literal

from holdback_base.elements import Box
from holdback_base.vocabulary import Noun, Sha256, Span
from pydantic import Field

from holdback_servers.editing.parts import (
    BlurStyle,
    CaptionLine,
    Colour,
    Gain,
    KeyBox,
    KeyCentre,
    LayerName,
    Placement,
    Speed,
    TrackName,
    TransitionKind,
    Words,
    WordsKind,
)


class ClipWanted(Noun):
    """A piece of some media's picture, in frames of that media; `out_frame` is the first frame not shown."""

    media: Sha256
    in_frame: int
    out_frame: int
    reason: Words = ""
    confidence: int | None = Field(default=None, ge=0, le=100, description="of the pick, in percent")
    speed: Speed = Field(default=100, description="percent of the media's own speed")
    freeze: int | None = Field(default=None, gt=0, description="hold the in frame for so many frames of the cut")


class SoundWanted(Noun):
    """A piece of some media's sound, counted in the timeline's frames from the start of that media."""

    media: Sha256
    in_frame: int = 0
    out_frame: int | None = Field(default=None, description="the end of the media or of the cut when it is left out")
    at_frame: int = Field(default=0, ge=0, description="where it starts in the cut")
    gain: Gain = Field(default=0, description="centibels: -60 is 6 dB softer")
    fade_in: int = Field(default=0, ge=0, description="frames")
    fade_out: int = Field(default=0, ge=0, description="frames")


class CentreWanted(Noun):
    """Where a clip's subject stands, in thousandths of the picture's width."""

    clip: str
    centre_x: int = Field(ge=0, le=1000)
    path: tuple[KeyCentre, ...] = Field(
        default=(), max_length=500, description="where it moves, by frames of its media"
    )


class TrimClip(Noun):
    """Set a clip's new in or out, in frames of its media."""

    op: Literal["trim_clip"]
    clip: str
    in_frame: int | None = None
    out_frame: int | None = None


class ReplaceClip(Noun):
    """Put other material in the place of a clip."""

    op: Literal["replace_clip"]
    clip: str
    by: ClipWanted


class InsertClip(Noun):
    """Put a new clip before another one, or at the end."""

    op: Literal["insert_clip"]
    new: ClipWanted
    before: str | None = None


class RemoveClip(Noun):
    """Take a clip out; what follows moves up."""

    op: Literal["remove_clip"]
    clip: str


class MoveClip(Noun):
    """Put a clip before another one, or at the end."""

    op: Literal["move_clip"]
    clip: str
    before: str | None = None


class ReplaceMusic(Noun):
    """Put one piece of music on the music track in place of all that is there, from frame 0 to the end of the cut,
    repeated when it is shorter. `mute_programme` also silences the film's own sound, for music that is mixed into it.
    """

    op: Literal["replace_music"]
    media: Sha256
    in_frame: int = Field(default=0, ge=0, description="where in the media it starts, in the timeline's frames")
    gain: Gain = 0
    fade_out: int = Field(default=12, ge=0, description="frames")
    mute_programme: bool = False


class AddSound(Noun):
    """Lay a piece of sound on the voice or music track."""

    op: Literal["add_sound"]
    track: TrackName = Field(description="voice, music or effects, with a number for a further one: music2")
    sound: SoundWanted


class MuteTrack(Noun):
    """Silence a track, all of it or on some frames of the cut; `muted: false` lets it be heard again."""

    op: Literal["mute_track"]
    track: TrackName
    span: Span | None = None
    muted: bool = True


class SetGain(Noun):
    """Set the level of a track in centibels; `duck` is how much softer it is while the voice track speaks."""

    op: Literal["set_gain"]
    track: TrackName
    gain: Gain = 0
    duck: Gain = 0


class BlurRegion(Noun):
    """Make a region unrecognisable: either a `box` on a `span` of the cut, or all of an `element` of the sources by its
    id, wherever it is. The blur is tied to the pictures it covers and goes with them when clips are changed.
    """

    op: Literal["blur"]
    element: str | None = None
    span: Span | None = Field(default=None, description="frames of the cut; all of it when left out")
    box: Box | None = Field(default=None, description="thousandths of the cut's picture before this request")
    margin: int = Field(default=10, ge=0, le=200, description="thousandths added on each side of an element's box")
    style: BlurStyle = "blur"
    media: Sha256 | None = Field(default=None, description="with path: the media whose frames and picture it names")
    path: tuple[KeyBox, ...] = Field(default=(), max_length=500, description="A region that moves, by frames of media")


class AddCredit(Noun):
    """Burn words into the finished picture: a credit, a disclaimer, a title, or a lower third."""

    op: Literal["add_credit"]
    text: str
    span: Span
    placement: Placement = "bottom"
    kind: WordsKind = "credit"


class ReframeTo(Noun):
    """Give the picture another shape by cutting it out around the subject: `9:16`, `1:1`, `4:5`, or `original`."""

    op: Literal["reframe"]
    aspect: Literal["9:16", "1:1", "4:5", "original"]
    width: int | None = Field(default=None, description="pixels; 720 when left out")
    height: int | None = Field(default=None, description="pixels; follows from width and aspect when left out")
    centre_x: int = Field(default=500, ge=0, le=1000, description="thousandths of the picture's width")
    centres: tuple[CentreWanted, ...] = Field(default=(), description="for single clips")


class SetLoudness(Noun):
    """Set the loudness of the finished sound, in tenths: -140 is -14 LUFS, a peak of -10 is -1 dBTP."""

    op: Literal["set_loudness"]
    lufs_tenths: int = Field(default=-140, ge=-400, le=-50)
    peak_tenths: int = Field(default=-10, ge=-90, le=0)


class SetSpeed(Noun):
    """Show a clip faster or slower: at 50 percent it fills twice the frames, its sound stretched at the same pitch."""

    op: Literal["set_speed"]
    clip: str
    speed: Speed


class FreezeFrame(Noun):
    """Hold one frame of a clip's media for so many frames of the cut, without its sound, in place of what the clip
    showed; `frame` is its in frame when it is left out. Zero frames let it run again."""

    op: Literal["freeze"]
    clip: str
    frame: int | None = Field(default=None, ge=0)
    frames: int = Field(ge=0)


class SplitClip(Noun):
    """Cut a clip in two at a frame of its media, which begins the second part; nothing else changes."""

    op: Literal["split_clip"]
    clip: str
    at_frame: int = Field(ge=0)


class AddTransition(Noun):
    """A transition around the cut at which `clip` begins, in place of the one there; without a clip at the end.

    A dissolve or wipe needs handles: `before` frames of the incoming media before its in, `after` frames of the
    outgoing media behind its out. A dip at the first clip is a fade in, at the end a fade out.
    """

    op: Literal["add_transition"]
    clip: str | None = None
    kind: TransitionKind = "dissolve"
    before: int | None = Field(default=None, ge=0, description="frames before the cut; half a second in all by default")
    after: int | None = Field(default=None, ge=0, description="frames behind the cut")


class AddLayerClip(Noun):
    """Put a picture over the cut: a still, a logo, another shot; it has no sound. A still is held with `freeze`. Give
    a box for what is transparent: without one it hides all that is under it."""

    op: Literal["add_layer_clip"]
    layer: LayerName = "V2"
    new: ClipWanted
    at_frame: int = Field(ge=0)
    box: Box | None = Field(
        default=None, description="where in the canvas, in thousandths; all of it, opaque and with bars, when left out"
    )
    opacity: int = Field(default=1000, ge=1, le=1000)
    fade_in: int = Field(default=0, ge=0, description="frames")
    fade_out: int = Field(default=0, ge=0, description="frames")


class SetEndCard(Noun):
    """Put a card behind the last clip: words on a colour, and a still by its media. Zero frames take it away."""

    op: Literal["set_end_card"]
    lines: tuple[str, ...] = Field(default=(), max_length=8)
    frames: int = Field(ge=0)
    colour: Colour = "#000000"
    media: Sha256 | None = None


class SetCaptions(Noun):
    """Put captions of a language in place of those there are; no lines take them away. Lines of a media's frames, as a
    transcript gives them, are shown wherever the cut shows that media."""

    op: Literal["set_captions"]
    language: str = Field(max_length=35, description="BCP 47")
    lines: tuple[CaptionLine, ...] = Field(default=(), max_length=2000)
    burnt: bool = False


class RemoveOverlay(Noun):
    """Take away a blur, words, a transition, or a clip of a layer, by its id."""

    op: Literal["remove_overlay"]
    overlay: str


Operation = Annotated[
    TrimClip
    | ReplaceClip
    | InsertClip
    | RemoveClip
    | MoveClip
    | ReplaceMusic
    | AddSound
    | MuteTrack
    | SetGain
    | BlurRegion
    | AddCredit
    | ReframeTo
    | SetLoudness
    | SetSpeed
    | FreezeFrame
    | SplitClip
    | AddTransition
    | AddLayerClip
    | SetEndCard
    | SetCaptions
    | RemoveOverlay,
    Field(discriminator="op"),
]
