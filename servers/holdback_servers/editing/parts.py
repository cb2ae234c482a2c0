"""What a timeline is put together from: clips, sounds, transitions, layers, words, regions. Pure.

All positions are whole frames; spans are half-open; boxes are thousandths of a picture, origin top left; gains are
centibels (tenths of a decibel); speeds are percent.
"""

from bisect import bisect_left
from typing import Annotated, Literal, Self

from holdback_base.elements import Box
from holdback_base.vocabulary import Noun, Sha256, Span
from pydantic import AfterValidator, Field, StringConstraints, model_validator

TrackName = Annotated[str, StringConstraints(pattern=r"^(programme|(voice|music|effects)[2-9]?)$")]
"""A track of sound: what it is for, and a number where there are several; `voice`, `voice2`, `music`, `effects3`."""
LayerName = Annotated[str, StringConstraints(pattern=r"^V[2-9]$")]
"""A track of picture above the first: a higher number hides a lower one."""
Placement = Literal["bottom", "centre", "top"]
TransitionKind = Literal["dissolve", "wipe_left", "wipe_right", "wipe_up", "wipe_down", "dip_to_black", "dip_to_white"]
BlurStyle = Literal["blur", "pixelate", "fill"]
WordsKind = Literal["credit", "disclaimer", "title", "lower_third"]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
"""sRGB, as `#0a1f44`."""


def plain_text(text: str) -> str:
    """The text without spaces around it. Raises ValueError for control characters; a line feed is allowed."""
    if any(not (character.isprintable() or character == "\n") for character in text):
        raise ValueError("the text has control characters or invisible ones")
    return text.strip()


Words = Annotated[str, Field(max_length=500), AfterValidator(plain_text)]
"""Text from outside: reasons, titles."""
Gain = Annotated[int, Field(ge=-600, le=200)]
"""Centibels: -60 = 6 dB softer."""
Speed = Annotated[int, Field(ge=10, le=1000)]
"""Percent of the media's own speed: 50 is half as fast, so twice as long."""


class Clip(Noun):
    """A piece of picture, with its own sound. `confidence` of the pick is in percent.

    `source` are frames of the media. At another `speed` the cut shows every so-manieth of them, or each several times;
    with `freeze` it holds the first of them for that many frames of the cut, without sound.
    """

    id: str
    media: Sha256
    source: Span
    reason: Words = ""
    confidence: int | None = Field(default=None, ge=0, le=100)
    speed: Speed = 100
    freeze: int | None = Field(default=None, gt=0)

    @property
    def frames(self) -> int:
        """How many frames of the cut it fills."""
        return self.freeze or max(1, self.source.frames * 100 // self.speed)

    def source_frame(self, offset: int) -> int:
        """The frame of the media that is shown so many frames after the clip begins; offsets before and behind it are
        its handles and may lie outside the media."""
        return self.source.in_frame + (0 if self.freeze else offset * self.speed // 100)

    def source_span(self, start: int, end: int) -> Span:
        """The frames of the media from the first to the last that is shown on offsets `[start, end)`."""
        return Span(in_frame=max(0, self.source_frame(start)), out_frame=max(0, self.source_frame(end - 1)) + 1)


class SoundClip(Noun):
    """A piece of sound on a track. `source` counts the timeline's frames from the start of the media."""

    media: Sha256
    source: Span
    at_frame: int = Field(ge=0)
    gain: Gain = 0
    fade_in: int = Field(default=0, ge=0)
    fade_out: int = Field(default=0, ge=0)

    @property
    def record(self) -> Span:
        """Where it sounds in the cut."""
        return Span(in_frame=self.at_frame, out_frame=self.at_frame + self.source.frames)


class Track(Noun):
    """A track of sound. The programme track has no clips: it is the picture's own sound, cut with the picture.

    `silences` are frames of the cut on which a track that is not muted is silent; `duck` is the gain while a voice
    speaks.
    """

    name: TrackName
    clips: tuple[SoundClip, ...] = ()
    muted: bool = False
    silences: tuple[Span, ...] = ()
    gain: Gain = 0
    duck: Gain = 0

    @model_validator(mode="after")
    def _programme_follows_the_picture(self) -> Self:
        if self.name == "programme" and self.clips:
            raise ValueError("the programme track is the picture's own sound and takes no clips")
        return self

    @property
    def role(self) -> str:
        """What it is for, without its number: `programme`, `voice`, `music` or `effects`."""
        return self.name.rstrip("23456789")


class Transition(Noun):
    """How one clip becomes the next around a cut; the cut stays where it is and the length of the whole the same.

    It lasts `before` frames before the cut and `after` frames behind it. A dissolve or wipe shows both clips at once,
    so the outgoing one needs `after` frames behind its out, the incoming one `before` frames before its in: handles. A
    dip needs none. `clip` is the clip that comes in, whose beginning is the cut; none means the end of the last clip.
    At the beginning of the first clip and at the end of the last only a dip is possible: a fade in, a fade out.
    """

    id: str
    kind: TransitionKind
    clip: str | None = None
    before: int = Field(ge=0)
    after: int = Field(ge=0)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.before + self.after == 0:
            raise ValueError("a transition lasts at least one frame")
        return self

    @property
    def mixes(self) -> bool:
        """Whether both clips are seen at once, so that handles are needed."""
        return not self.kind.startswith("dip")


class LayerClip(Noun):
    """A piece of picture above the first track, without its sound.

    In a `box` of the canvas it stands whole and in its own shape, and what is transparent in it stays so. Without a box
    it takes all of the canvas: bars beside it and what is transparent in it are black, so that it hides what is under
    it. `opacity` is in thousandths; fades are in frames.
    """

    clip: Clip
    at_frame: int = Field(ge=0)
    box: Box | None = None
    opacity: int = Field(default=1000, ge=1, le=1000)
    fade_in: int = Field(default=0, ge=0)
    fade_out: int = Field(default=0, ge=0)

    @property
    def record(self) -> Span:
        """Where it stands in the cut."""
        return Span(in_frame=self.at_frame, out_frame=self.at_frame + self.clip.frames)

    @property
    def hides(self) -> bool:
        """Whether nothing under it is seen on its frames."""
        return self.box is None and self.opacity == 1000 and not self.fade_in and not self.fade_out


class Layer(Noun):
    """A track of picture above the first; its clips stand in order and do not overlap."""

    name: LayerName
    clips: tuple[LayerClip, ...] = ()


class KeyBox(Noun):
    """Where a moving region is on one frame of its media."""

    frame: int = Field(ge=0)
    box: Box


class Blur(Noun):
    """A region made unrecognisable wherever the cut shows these frames of the media, so that it moves with the picture
    when clips are trimmed or moved. `span` and `box` are of the media's own frames and picture.

    With a `path` the region moves: between two of its frames each side goes evenly from one box to the next, before the
    first and behind the last it stands still; `box` then holds all of them.
    """

    id: str
    media: Sha256
    span: Span
    box: Box
    element: str | None = None
    style: BlurStyle = "blur"
    path: tuple[KeyBox, ...] = ()

    def box_at(self, frame: int) -> Box:
        """The region on a frame of the media, rounded outwards to thousandths."""
        if not self.path:
            return self.box
        later = bisect_left(self.path, frame, key=_frame_of)
        if later == 0:
            return self.path[0].box
        if later == len(self.path):
            return self.path[-1].box
        return _between(self.path[later - 1], self.path[later], frame)


def _frame_of(key: "KeyBox | KeyCentre") -> int:
    return key.frame


def _between(one: KeyBox, other: KeyBox, frame: int) -> Box:
    done, of = frame - one.frame, other.frame - one.frame

    def way(start: int, end: int) -> int:
        return start * of + (end - start) * done

    left, top = way(one.box.x, other.box.x) // of, way(one.box.y, other.box.y) // of
    right = -(-way(one.box.x + one.box.width, other.box.x + other.box.width) // of)
    bottom = -(-way(one.box.y + one.box.height, other.box.y + other.box.height) // of)
    return Box(x=left, y=top, width=min(1000, right) - left, height=min(1000, bottom) - top)


class Credit(Noun):
    """Words burnt into the finished picture on these frames of the cut."""

    id: str
    kind: WordsKind = "credit"
    text: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_text)]
    span: Span
    placement: Placement = "bottom"


class EndCard(Noun):
    """A card after the last clip: lines of words on a colour, and above them a still: the first frame of `media`,
    which no blur reaches."""

    id: str
    lines: tuple[Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_text)], ...] = Field(
        default=(), max_length=8
    )
    frames: int = Field(gt=0)
    colour: Colour = "#000000"
    media: Sha256 | None = None


class CaptionLine(Noun):
    """Words to be read while they are spoken. With `media` the span is of that media's frames and goes with the
    picture; without, it is of the cut."""

    text: Annotated[str, Field(min_length=1, max_length=400), AfterValidator(plain_text)]
    span: Span
    media: Sha256 | None = None


class Captions(Noun):
    """The captions of one language (BCP 47), burnt into the picture or delivered beside it."""

    language: str
    lines: tuple[CaptionLine, ...]
    burnt: bool = False


class Marker(Noun):
    """A note on frames of the cut, for editors; it is not rendered."""

    span: Span
    name: Words = ""
    note: Words = ""


class KeyCentre(Noun):
    """Where the subject stands on one frame of a clip's media, in thousandths of the picture's width."""

    frame: int = Field(ge=0)
    centre_x: int = Field(ge=0, le=1000)


class Centre(Noun):
    """Where the subject of a clip stands, in thousandths of the picture's width; with a `path` it moves, evenly between
    two of its frames."""

    clip: str
    centre_x: int = Field(ge=0, le=1000)
    path: tuple[KeyCentre, ...] = ()


class Reframe(Noun):
    """A cut-out of another shape, scaled to so many pixels; the middle of the cut-out is at `centre_x` thousandths."""

    aspect: str
    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)
    centre_x: int = Field(default=500, ge=0, le=1000)
    centres: tuple[Centre, ...] = ()

    def centre_of(self, clip: str, frame: int | None = None) -> int:
        """The centre for a clip, in thousandths; on a frame of its media where it moves."""
        centre = next((each for each in self.centres if each.clip == clip), None)
        if centre is None:
            return self.centre_x
        if frame is None or not centre.path:
            return centre.centre_x
        return _centre_at(centre.path, frame)


def _centre_at(path: tuple[KeyCentre, ...], frame: int) -> int:
    later = bisect_left(path, frame, key=_frame_of)
    if later in (0, len(path)):
        return path[min(later, len(path) - 1)].centre_x
    one, other = path[later - 1], path[later]
    return one.centre_x + (other.centre_x - one.centre_x) * (frame - one.frame) // (other.frame - one.frame)


class Loudness(Noun):
    """A target: `lufs_tenths` -140 is -14 LUFS integrated (ITU-R BS.1770), `peak_tenths` -10 is -1 dBTP at most."""

    lufs_tenths: int = Field(default=-140, ge=-400, le=-50)
    peak_tenths: int = Field(default=-10, ge=-90, le=0)
