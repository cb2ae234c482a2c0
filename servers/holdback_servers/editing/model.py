"""The nouns of the cutting room: timelines, clips, sounds, overlays. Pure.

A timeline is immutable: every change makes a new one. All positions are whole frames at the timeline's rate; spans are
half-open; boxes are thousandths of a picture, origin top left; gains are centibels (tenths of a decibel).
"""

from fractions import Fraction
from typing import Annotated, Literal, Self

from holdback_base.elements import Box, CutFacts
from holdback_base.vocabulary import Instant, Noun, Rate, Sha256, Span
from pydantic import AfterValidator, Field, model_validator

LONGEST_SECONDS = 900
"""A timeline may last 15 minutes: this room cuts highlights, and mixes their sound in memory."""
SAMPLE_RATE = 48000
"""Of everything that leaves the room (EBU R 128 and every platform's delivery notes)."""

TrackName = Literal["programme", "voice", "music"]
Placement = Literal["bottom", "centre", "top"]


def plain_text(text: str) -> str:
    """The text without spaces around it. Raises ValueError for control characters; a line feed is allowed."""
    if any(not (character.isprintable() or character == "\n") for character in text):
        raise ValueError("the text has control characters or invisible ones")
    return text.strip()


Words = Annotated[str, Field(max_length=500), AfterValidator(plain_text)]
"""Text from outside: reasons, titles."""
Gain = Annotated[int, Field(ge=-600, le=200)]
"""Centibels: -60 = 6 dB softer."""


class Clip(Noun):
    """A piece of picture, with its own sound. `confidence` of the pick is in percent."""

    id: str
    media: Sha256
    source: Span
    reason: Words = ""
    confidence: int | None = Field(default=None, ge=0, le=100)


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


class Blur(Noun):
    """A region made unrecognisable wherever the cut shows these frames of the media, so that it moves with the picture
    when clips are trimmed or moved. `span` and `box` are of the media's own frames and picture."""

    id: str
    media: Sha256
    span: Span
    box: Box
    element: str | None = None


class Credit(Noun):
    """Words burnt into the finished picture on these frames of the cut."""

    id: str
    kind: Literal["credit", "disclaimer"] = "credit"
    text: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_text)]
    span: Span
    placement: Placement = "bottom"


class Centre(Noun):
    """Where the subject of a clip stands, in thousandths of the picture's width."""

    clip: str
    centre_x: int = Field(ge=0, le=1000)


class Reframe(Noun):
    """A cut-out of another shape, scaled to so many pixels; the middle of the cut-out is at `centre_x` thousandths."""

    aspect: str
    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)
    centre_x: int = Field(default=500, ge=0, le=1000)
    centres: tuple[Centre, ...] = ()

    def centre_of(self, clip: str) -> int:
        """The centre for a clip, in thousandths."""
        return next((each.centre_x for each in self.centres if each.clip == clip), self.centre_x)


class Loudness(Noun):
    """A target: `lufs_tenths` -140 is -14 LUFS integrated (ITU-R BS.1770), `peak_tenths` -10 is -1 dBTP at most."""

    lufs_tenths: int = Field(default=-140, ge=-400, le=-50)
    peak_tenths: int = Field(default=-10, ge=-90, le=0)


class Timeline(Noun):
    """One revision of a cut. `parent` is the revision it was made from; `changes` say how, in an editor's words.

    `width` and `height` are of the canvas, before a reframe. `next_number` numbers the next clip or overlay: an id is
    never used twice in a family of revisions.
    """

    id: str
    root: str
    revision: int = Field(ge=1)
    parent: str | None = None
    title: Words
    rate: Rate
    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)
    sources: tuple[CutFacts, ...]
    clips: tuple[Clip, ...]
    programme: Track = Track(name="programme")
    voice: Track = Track(name="voice")
    music: Track = Track(name="music")
    blurs: tuple[Blur, ...] = ()
    credits: tuple[Credit, ...] = ()
    reframe: Reframe | None = None
    loudness: Loudness | None = None
    next_number: int = Field(default=1, ge=1)
    changes: tuple[str, ...] = ()
    reason: Words = ""
    by: str
    made: Instant

    @property
    def frames(self) -> int:
        """How long the cut is: the sum of its clips."""
        return sum(clip.source.frames for clip in self.clips)

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of the finished picture in pixels."""
        return (self.reframe.width, self.reframe.height) if self.reframe else (self.width, self.height)

    def placed(self) -> list[tuple[Clip, Span]]:
        """Each clip with its frames in the cut: one after the other from frame 0."""
        placed: list[tuple[Clip, Span]] = []
        position = 0
        for clip in self.clips:
            placed.append((clip, Span(in_frame=position, out_frame=position + clip.source.frames)))
            position += clip.source.frames
        return placed

    def facts(self, media: str) -> CutFacts | None:
        """What is known of some media from its cut statement."""
        return next((each for each in self.sources if each.media == media), None)

    def media_used(self) -> tuple[str, ...]:
        """Every media the cut needs, without repeats, pictures first."""
        named = [clip.media for clip in self.clips]
        named += [clip.media for track in (self.voice, self.music) for clip in track.clips]
        return tuple(dict.fromkeys(named))


def media_frames(facts: CutFacts, rate: Rate) -> int:
    """How many whole frames of this rate the media lasts."""
    return int(facts.element_list.rate.seconds(facts.element_list.frames) * rate.fraction)


def samples_at(frame: int, rate: Rate) -> int:
    """The first sample, at 48 kHz, of a frame: rounded half up, so that spans that touch share no sample."""
    return int(Fraction(SAMPLE_RATE) * frame / rate.fraction + Fraction(1, 2))


def joined(spans: "list[Span] | tuple[Span, ...]") -> tuple[Span, ...]:
    """The same frames as disjoint spans in order; spans that touch become one."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda each: each.in_frame):
        if result and span.in_frame <= result[-1].out_frame:
            last = result.pop()
            span = Span(in_frame=last.in_frame, out_frame=max(last.out_frame, span.out_frame))
        result.append(span)
    return tuple(result)


def moved(span: Span, by: int) -> Span:
    """The span so many frames later."""
    return Span(in_frame=span.in_frame + by, out_frame=span.out_frame + by)
