"""What the library knows: assets, their immutable versions, segments of them, and values with their provenance. Pure.

An asset is a work to people; a version is exactly one file, named by its sha256, with what it is made of; a segment is
a span of a version's frames that somebody or something has described.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Literal, Self, get_args

from holdback_base.elements import ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, Rate, Sha256, frames_to_timecode, timecode_to_frames
from pydantic import Field, StringConstraints, model_validator

AssetKind = Literal["master", "clip", "highlight", "music", "voice", "still", "logo", "document"]
Status = Literal["ready", "restricted", "archived", "taken_down", "removed"]
"""`removed` stays on record with its history, and is found by those who ask for it."""
SegmentKind = Literal[
    "shot",
    "log",
    "marker",
    "transcript",
    "logo",
    "face",
    "music",
    "restriction",
    "black",
    "freeze",
    "silence",
    "flashing",
]
"""`flashing` is what may harm people with photosensitive epilepsy (Recommendation ITU-R BT.1702)."""
Relation = Literal["revision", "variant", "derivation"]
"""A revision replaces, a variant is the same content in another form, a derivation is made out of its sources."""
Method = Literal["manual", "auto", "imported", "derived"]

KINDS: tuple[str, ...] = get_args(AssetKind)
STATUSES: tuple[str, ...] = get_args(Status)

Value = str | int | bool | tuple[str, ...]
"""What a metadata field may hold; tags are a list of texts."""


Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
"""What people call something."""
FieldOrder = Literal["progressive", "top_first", "bottom_first", "interlaced"]
"""Which field of a frame comes first in time; `interlaced` where that is not told."""


class VideoFacts(Noun):
    """The picture: sizes in pixels as coded, rational aspect ratios, colour by FFmpeg's names.

    `level` is the codec's own number (41 for 4.1 of H.264, 123 for 4.1 of H.265). `variable_rate` says that frames are
    not evenly spaced; frame numbers then count decoded frames. `rotation` is in degrees, counter-clockwise, that a
    player turns the picture by. `mastering` are the darkest and brightest cd/m2 of the display it was graded on, as
    `0.0050-1000`; `max_cll` and `max_fall` its brightest pixel and brightest mean picture in cd/m2 (CTA-861.3).
    `key_frames` are counted, and `longest_gop` is the largest number of frames from one to the next.
    """

    codec: str
    profile: str | None = None
    level: int | None = None
    field_order: FieldOrder = "progressive"
    pixel_format: str
    bit_depth: int
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    sample_aspect: str = "1:1"
    display_aspect: str
    rate: Rate
    variable_rate: bool = False
    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    range: str | None = None
    hdr: Literal["PQ", "HLG"] | None = None
    mastering: str | None = None
    max_cll: int | None = None
    max_fall: int | None = None
    rotation: int = 0
    key_frames: int | None = None
    longest_gop: int | None = None
    bit_rate: int | None = None


class AudioFacts(Noun):
    """One audio stream: sample rate in Hz, layout by FFmpeg's names (`stereo`, `5.1`)."""

    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str | None = None
    bit_depth: int | None = None
    bit_rate: int | None = None


class Loudness(Noun):
    """EBU R 128 of the first audio stream: LUFS, LU and dBTP, to a tenth; integrated is absent for silence."""

    integrated_lufs: float | None = None
    range_lu: float | None = None
    true_peak_dbtp: float | None = None


class TechnicalFacts(Noun):
    """What a file is, as measured.

    `frames` are counted at `rate`; for media without a picture a frame is one sample. `start_frame` is the frame that
    `start_timecode` names, counted from 00:00:00:00; `drop_frame` says how timecode counts. `warnings` are oddities
    that did not stop the ingest.
    """

    container: str
    size_bytes: int = Field(ge=0)
    frames: int = Field(gt=0)
    rate: Rate
    start_timecode: str | None = None
    start_frame: int = 0
    drop_frame: bool = False
    video: VideoFacts | None = None
    audio: tuple[AudioFacts, ...] = ()
    loudness: Loudness | None = None
    warnings: tuple[str, ...] = ()

    @property
    def seconds(self) -> Fraction:
        """How long it lasts."""
        return self.rate.seconds(self.frames)

    def timecode(self, frame: int) -> str | None:
        """The timecode of a frame of this media; None where there is no picture."""
        if self.video is None:
            return None
        return frames_to_timecode(self.start_frame + frame, self.rate, drop=self.drop_frame)

    def frame_at(self, timecode: str) -> int:
        """The frame that a timecode names in this media; negative before its start.

        Raises:
            Problem: TIMECODE_INVALID, also for one that counts otherwise than the media's own, with drop-frame or
                without: it would name another frame.
        """
        named = timecode_to_frames(timecode, self.rate)
        if self.start_timecode is not None and self.drop_frame != (";" in timecode):
            written = timecode.replace(";", ":")
            raise Problem(
                "TIMECODE_INVALID",
                f"{timecode} is written {'without' if self.drop_frame else 'with'} drop-frame; the media starts at"
                f" {self.start_timecode}.",
                f"Write {';'.join(written.rsplit(':', 1)) if self.drop_frame else written} if that is what is meant.",
            )
        return named - self.start_frame


class Lineage(Noun):
    """Where a version comes from, and why it was made."""

    relation: Relation
    of_versions: tuple[str, ...] = Field(min_length=1)
    reason: str = ""


class Version(Noun):
    """One immutable file of an asset, with what it is made of.

    `elements_from` says on whose word the element list stands: the supplier's or that of a signed cut statement.
    """

    id: str
    asset_id: str
    number: int = Field(gt=0)
    media: Sha256
    facts: TechnicalFacts
    element_list: ElementList
    elements_from: str = Field(pattern=r"^(supplier|mcp:editing|mcp:assets)$")
    lineage: Lineage | None = None
    by: str
    at: Instant


WorkKind = Literal[
    "film", "series", "season", "episode", "programme", "news_item", "advertisement", "recording", "work"
]
Purpose = Literal["proxy", "waveform", "motion", "poster", "thumbnails", "captions", "delivery"]


class Identifier(Noun):
    """A name that somebody else gave: `scope` says who (`EIDR`, `ISAN`, `ISRC`, `house`)."""

    scope: str = Field(min_length=1, max_length=60)
    value: str = Field(min_length=1, max_length=200)


class Work(Noun):
    """What a film is before any file of it; assets are its masters, clips, highlights. `story` is the A2A context in
    which it came about."""

    id: str
    kind: WorkKind = "work"
    title: str = Field(min_length=1, max_length=500)
    identifiers: tuple[Identifier, ...] = ()
    story: str | None = None
    at: Instant


class Rendition(Noun):
    """Another form of a version, made from it for a purpose; `facts` are what matters of it, such as width and rate."""

    id: str
    version_id: str
    purpose: Purpose
    media: Sha256
    facts: dict[str, str | int] = Field(default={})
    at: Instant


class Asset(Noun):
    """What people call one thing; its versions hold the bytes, its work says what it is of.

    `tier` is how valuable it is, from 1 (ordinary) to 3; `story` is the closed story that it belongs to: for whoever
    may not know of that, there is no such asset.
    """

    id: str
    kind: AssetKind
    title: str = Field(min_length=1, max_length=500)
    status: Status = "ready"
    work_id: str | None = None
    tier: int = Field(default=1, ge=1, le=3)
    story: str | None = None
    at: Instant


class Segment(Noun):
    """Frames `[in_frame, out_frame)` of a version; `method` says how its boundaries came about.

    What a machine found names the configuration that found it (`ai_config`), and in thousandths how sure that was.
    """

    id: str
    version_id: str
    kind: SegmentKind
    in_frame: int = Field(ge=0)
    out_frame: int = Field(gt=0)
    method: Method
    text: str = ""
    tags: tuple[str, ...] = ()
    keyframe: Sha256 | None = None
    ai_config: str | None = None
    confidence: int | None = Field(default=None, ge=0, le=1000)

    @model_validator(mode="after")
    def _holds_a_frame(self) -> Self:
        if self.out_frame <= self.in_frame:
            raise ValueError(f"out {self.out_frame} is not after in {self.in_frame}; out is exclusive")
        return self


FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""The name of a metadata field."""


class FieldValue(Noun):
    """One metadata value of an asset, version or segment, with its provenance (SMPTE ER 1011, 14.3).

    `confidence` is in thousandths; `ai_config` names the configuration of the system that made an automatic value;
    `supersedes` is the value it replaced, which stays on record. `review` is what `reviewed_by` found of it.
    """

    id: str
    target: str
    field: FieldName
    value: Value
    method: Method
    by: str
    at: Instant
    confidence: int | None = Field(default=None, ge=0, le=1000)
    ai_config: str | None = None
    supersedes: str | None = None
    reviewed_by: str | None = None
    review: Literal["accepted", "corrected", "rejected"] | None = None
    intended_use: str | None = None


class LogEntry(Noun):
    """A line of a supplier's shot log: where, and what is seen there. Give frames or timecodes; out is exclusive.

    `fields` are further values, such as `focus_x` (where the subject stands, in thousandths of the width).
    """

    in_frame: int | None = Field(default=None, ge=0)
    out_frame: int | None = Field(default=None, gt=0)
    in_timecode: str | None = None
    out_timecode: str | None = None
    description: str = Field(default="", max_length=4000)
    tags: tuple[str, ...] = ()
    kind: SegmentKind = "log"
    fields: dict[FieldName, Value] = Field(default={}, max_length=32)


def log_span(entry: LogEntry, facts: TechnicalFacts) -> tuple[int, int]:
    """The frames of a log entry, half-open.

    Raises:
        Problem: INVALID_ARGUMENT when an end is missing, TIMECODE_INVALID, RANGE_INVALID, SPAN_OUTSIDE_MEDIA.
    """
    start = _frame(entry.in_frame, entry.in_timecode, facts, "in")
    end = _frame(entry.out_frame, entry.out_timecode, facts, "out")
    if end <= start:
        raise Problem(
            "RANGE_INVALID", f"A segment ends at frame {end}, not after its start {start}.", "The out is exclusive."
        )
    if start < 0 or end > facts.frames:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"The segment [{start}, {end}) is not within the media's frames [0, {facts.frames}).",
            f"The media starts at {facts.start_timecode or 'frame 0'}; check the times of the shot log.",
        )
    return start, end


def _frame(frame: int | None, timecode: str | None, facts: TechnicalFacts, end: str) -> int:
    if (frame is None) == (timecode is None):
        raise Problem(
            "INVALID_ARGUMENT", f"A segment needs either {end}_frame or {end}_timecode.", "Give exactly one of them."
        )
    return frame if frame is not None else facts.frame_at(timecode or "")


def check_provenance(method: Method, confidence: int | None, ai_config: str | None) -> None:
    """An automatic value says which configuration made it, and how sure that was. Raises INVALID_ARGUMENT."""
    if method == "auto" and (ai_config is None or confidence is None):
        raise Problem(
            "INVALID_ARGUMENT",
            "An automatic value needs ai_config and confidence.",
            "Name the configuration that made it, such as urn:holdback:detector:shots:1, and 0 to 1000 thousandths.",
        )


def check_succession(current: FieldValue | None, method: Method) -> None:
    """What a person entered is not replaced by a machine. Raises CONFLICT."""
    if current is not None and current.method == "manual" and method in ("auto", "derived"):
        raise Problem(
            "CONFLICT",
            f"{current.field} was entered by {current.by}; an automatic value does not replace it.",
            "Let a person review it and enter it with method manual.",
            current=current.id,
        )


def missing_refs(declared: Iterable[str], sources: Iterable[ElementList]) -> list[str]:
    """Refs that the sources hold and a declared list does not: only a signed cut statement can make them disappear."""
    return sorted({element.ref for source in sources for element in source.elements} - set(declared))
