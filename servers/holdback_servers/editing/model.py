"""The timeline: one revision of a cut. Pure.

A timeline is immutable: every change makes a new one. All positions are whole frames at the timeline's rate.
"""

from fractions import Fraction
from typing import Self

from holdback_base.elements import CutFacts
from holdback_base.vocabulary import Instant, Noun, Rate, Span
from pydantic import Field, model_validator

from holdback_servers.editing.parts import (
    Blur,
    Captions,
    Clip,
    Credit,
    EndCard,
    Layer,
    Loudness,
    Marker,
    Reframe,
    Track,
    Transition,
    Words,
)

LONGEST_SECONDS = 900
"""A timeline may last 15 minutes: this room cuts highlights, and mixes their sound in memory."""
SAMPLE_RATE = 48000
"""Of everything that leaves the room (EBU R 128 and every platform's delivery notes)."""
_ORDER = ("programme", "voice", "music", "effects")


class Timeline(Noun):
    """One revision of a cut. `parent` is the revision it was made from; `changes` say how, in an editor's words.

    `width` and `height` are of the canvas, before a reframe. `clips` are the first track of picture, one after the
    other; `layers` stand above it, the higher number on top. `tracks` hold sound. `next_number` numbers the next clip
    or overlay: an id is never used twice in a family of revisions. `ai_configs` are the configurations of the systems
    that took part in making it. `start` is the timecode of its first frame, where somebody has said one.
    """

    id: str
    root: str
    revision: int = Field(ge=1)
    parent: str | None = None
    title: Words
    rate: Rate
    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)
    start: str | None = None
    sources: tuple[CutFacts, ...]
    clips: tuple[Clip, ...]
    transitions: tuple[Transition, ...] = ()
    layers: tuple[Layer, ...] = ()
    end_card: EndCard | None = None
    tracks: tuple[Track, ...] = ()
    blurs: tuple[Blur, ...] = ()
    credits: tuple[Credit, ...] = ()
    captions: tuple[Captions, ...] = ()
    markers: tuple[Marker, ...] = ()
    reframe: Reframe | None = None
    loudness: Loudness | None = None
    next_number: int = Field(default=1, ge=1)
    changes: tuple[str, ...] = ()
    reason: Words = ""
    ai_configs: tuple[str, ...] = ()
    by: str
    made: Instant

    @model_validator(mode="after")
    def _names_are_used_once(self) -> Self:
        for names in ([each.name for each in self.tracks], [each.name for each in self.layers]):
            if len(set(names)) != len(names):
                raise ValueError(f"a name is used twice: {', '.join(sorted(names))}")
        return self

    @property
    def tier(self) -> int:
        """How valuable it is, 1 to 3: as the most valuable of its sources."""
        return max((each.tier for each in self.sources), default=1)

    @property
    def frames(self) -> int:
        """How long the cut is: its clips, and the end card."""
        return sum(clip.frames for clip in self.clips) + (self.end_card.frames if self.end_card else 0)

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of the finished picture in pixels."""
        return (self.reframe.width, self.reframe.height) if self.reframe else (self.width, self.height)

    def placed(self) -> list[tuple[Clip, Span]]:
        """Each clip of the first track with its frames in the cut, without handles: one after the other from 0."""
        placed: list[tuple[Clip, Span]] = []
        position = 0
        for clip in self.clips:
            placed.append((clip, Span(in_frame=position, out_frame=position + clip.frames)))
            position += clip.frames
        return placed

    def seen(self) -> list[tuple[Clip, Span, Span]]:
        """As `placed`, with a third: all frames on which the clip is seen, the handles in its transitions too."""
        at_cut = {each.clip: each for each in self.transitions if each.mixes}
        placed = self.placed()
        following = [clip.id for clip, _ in placed[1:]] + [None]
        seen: list[tuple[Clip, Span, Span]] = []
        for (clip, record), after in zip(placed, following, strict=True):
            head = at_cut[clip.id].before if clip.id in at_cut else 0
            tail = at_cut[after].after if after in at_cut else 0
            seen.append(
                (clip, record, Span(in_frame=max(0, record.in_frame - head), out_frame=record.out_frame + tail))
            )
        return seen

    def track(self, name: str) -> Track:
        """The track of that name; one without clips where the timeline has none."""
        return next((each for each in self.tracks if each.name == name), Track(name=name))

    def with_track(self, track: Track) -> Self:
        """The timeline with this track in place of the one of its name."""
        others = [each for each in self.tracks if each.name != track.name]
        ordered = sorted([*others, track], key=lambda each: (_ORDER.index(each.role), each.name))
        return self.model_copy(update={"tracks": tuple(ordered)})

    @property
    def sound_tracks(self) -> tuple[Track, ...]:
        """The tracks that hold sounds of their own, without the programme track."""
        return tuple(each for each in self.tracks if each.name != "programme")

    def facts(self, media: str) -> CutFacts | None:
        """What is known of some media from its cut statement."""
        return next((each for each in self.sources if each.media == media), None)

    def media_used(self) -> tuple[str, ...]:
        """Every media the cut needs, without repeats, pictures first."""
        named = [clip.media for clip in self.clips]
        named += [each.clip.media for layer in self.layers for each in layer.clips]
        named += [self.end_card.media] if self.end_card and self.end_card.media else []
        named += [clip.media for track in self.sound_tracks for clip in track.clips]
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
