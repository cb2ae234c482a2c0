"""What the assets door answers with. Pure."""

from dataclasses import dataclass

from holdback_base.elements import ElementList
from holdback_base.vocabulary import Instant, Noun, Sha256
from pydantic import Field

from holdback_servers.assets.model import (
    AssetKind,
    FieldValue,
    Lineage,
    Method,
    Purpose,
    Relation,
    Rendition,
    Segment,
    SegmentKind,
    Status,
    TechnicalFacts,
    Value,
    Version,
)
from holdback_servers.assets.search import Why

_MIME = {"mov": "video/mp4", "matroska": "video/x-matroska", "mxf": "application/mxf", "mpegts": "video/mp2t"}
_MIME_OF_SOUND = {"mov": "audio/mp4", "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}
_MIME_OF_STILLS = {"png_pipe": "image/png", "jpeg_pipe": "image/jpeg", "webp_pipe": "image/webp"}


class SegmentView(Noun):
    """A span of a version, half-open, in frames and in timecode; `keyframe` is a resource to look at.

    `method` says how its boundaries came about; `fields` are further current values.
    """

    id: str
    kind: SegmentKind
    in_frame: int
    out_frame: int
    in_timecode: str | None = None
    out_timecode: str | None = None
    seconds: float
    method: Method
    text: str = ""
    tags: tuple[str, ...] = ()
    fields: dict[str, Value] | None = None
    keyframe: str | None = None


class SegmentHit(SegmentView):
    """A segment that holds words of the query, and where they stand in it."""

    why: tuple[Why, ...] = ()


class SearchHit(Noun):
    """An asset that matches, as its latest version is.

    `why` tells which of its own fields hold the words, `segments` are its best matching segments with theirs;
    `missing_words` are those of the query that neither holds.
    """

    asset_id: str
    title: str
    kind: AssetKind
    status: Status
    version_id: str
    media: Sha256
    frames: int
    rate: str
    seconds: float
    start_timecode: str | None = None
    why: tuple[Why, ...] = ()
    segments: tuple[SegmentHit, ...] = ()
    missing_words: tuple[str, ...] | None = None


class CountedValue(Noun):
    """A value and how often it occurs."""

    value: str
    count: int


class SearchResult(Noun):
    """A page of hits, best first. `facets` count what all hits have: kind, status, rate, year and tag.

    `note` says what a reader should know about how they were found.
    """

    items: tuple[SearchHit, ...]
    next_cursor: str | None = None
    total: int
    facets: dict[str, tuple[CountedValue, ...]] | None = None
    note: str | None = None


class SegmentList(Noun):
    """A page of a version's segments in order of time."""

    asset_id: str
    version_id: str
    rate: str
    frames: int
    items: tuple[SegmentView, ...]
    next_cursor: str | None = None
    total: int


class Curves(Noun):
    """What choosing by ear and eye goes by: frames `[in_frame, out_frame)` of a version of `frames`.

    A value stands for `step` frames, about a tenth of a second in spans of up to five minutes. `energy` is the loudest
    dBFS in them (-96: nothing), `motion` by how many levels of 255 the picture changes a second, cuts left out.
    `onsets` are frames in which something clearly begins to sound: beats, words, doors. What is left out was not
    measured: there is no sound, or no moving picture.
    """

    asset_id: str
    version_id: str
    rate: str
    frames: int
    in_frame: int
    out_frame: int
    step: int
    energy: tuple[int, ...] | None = None
    motion: tuple[int, ...] | None = None
    onsets: tuple[int, ...] | None = None


class Relative(Noun):
    """A version that was made from another: how, and whose it is."""

    relation: Relation
    version_id: str
    asset_id: str
    title: str


class RenditionView(Noun):
    """Another form of a version; `media_uri` is a resource with its bytes."""

    id: str
    purpose: Purpose
    media: Sha256
    media_uri: str
    facts: dict[str, str | int] | None = None


class Named(Noun):
    """Something by its id and title."""

    id: str
    title: str


class VersionView(Noun):
    """One file of an asset. `media_uri` is a resource with its bytes, `statement` the library's signed word on it.

    `lineage` tells what it was made from, `made_into` what was made from it, `renditions` its other forms.
    """

    id: str
    number: int
    media: Sha256
    media_uri: str
    mime_type: str
    by: str
    at: Instant
    lineage: Lineage | None = None
    facts: TechnicalFacts
    element_list: ElementList
    elements_sha256: Sha256
    elements_from: str
    made_into: tuple[Relative, ...] | None = None
    renditions: tuple[RenditionView, ...] | None = None
    segments: dict[str, int]
    fields: tuple[FieldValue, ...] = ()
    statement: str | None = None


class AssetView(Noun):
    """An asset with its values and its versions, newest first.

    `legal_holds` counts those that are open; while there is one it is neither removed nor archived. `etag` changes
    with everything that changes about it or its versions.
    """

    id: str
    kind: AssetKind
    title: str
    status: Status
    tier: int = Field(default=1, description="How valuable it is: 1 ordinary, to 3")
    story: str | None = Field(default=None, description="The closed story it belongs to")
    at: Instant
    etag: str
    work: Named | None = None
    collections: tuple[Named, ...] | None = None
    legal_holds: int | None = None
    fields: tuple[FieldValue, ...]
    versions: tuple[VersionView, ...]


class FieldDescription(Noun):
    """A metadata field: what has it (asset, version, segment), how many do, and its most frequent values."""

    field: str
    of: str
    count: int
    values: tuple[CountedValue, ...]


class LibraryDescription(Noun):
    """What there is to ask for. Segments are those of latest versions; tags and values are the most frequent ones."""

    assets: int
    kinds: tuple[CountedValue, ...]
    statuses: tuple[CountedValue, ...]
    segment_kinds: tuple[CountedValue, ...]
    tags: tuple[CountedValue, ...]
    rates: tuple[CountedValue, ...]
    fields: tuple[FieldDescription, ...]
    searched: tuple[str, ...]


class MetadataUpdate(Noun):
    """The values as recorded, each with what it supersedes, and the target's etag now."""

    target: str
    etag: str
    values: tuple[FieldValue, ...]


def segment_view(segment: Segment, facts: TechnicalFacts, fields: dict[str, Value] | None = None) -> SegmentView:
    """A segment as callers see it."""
    return SegmentView(
        id=segment.id,
        kind=segment.kind,
        in_frame=segment.in_frame,
        out_frame=segment.out_frame,
        in_timecode=facts.timecode(segment.in_frame),
        out_timecode=facts.timecode(segment.out_frame),
        seconds=round(float(facts.rate.seconds(segment.out_frame - segment.in_frame)), 3),
        method=segment.method,
        text=segment.text,
        tags=segment.tags,
        fields=fields or None,
        keyframe=None if segment.keyframe is None else f"keyframe://{segment.id}",
    )


def rendition_view(rendition: Rendition) -> RenditionView:
    """A rendition as callers see it."""
    return RenditionView(
        id=rendition.id,
        purpose=rendition.purpose,
        media=rendition.media,
        media_uri=media_uri(rendition.media),
        facts=rendition.facts or None,
    )


def media_uri(media: str) -> str:
    """The resource that holds some bytes."""
    return f"media://{media.removeprefix('sha256:')}"


@dataclass(frozen=True)
class Around:
    """What stands around a version."""

    made_into: tuple[Relative, ...] = ()
    renditions: tuple[RenditionView, ...] = ()


def version_view(
    version: Version, counts: dict[str, int], fields: tuple[FieldValue, ...], statement: str | None, around: Around
) -> VersionView:
    """A version as callers see it."""
    return VersionView(
        id=version.id,
        number=version.number,
        media=version.media,
        media_uri=media_uri(version.media),
        mime_type=mime_type(version.facts),
        by=version.by,
        at=version.at,
        lineage=version.lineage,
        facts=version.facts,
        element_list=version.element_list,
        elements_sha256=version.element_list.sha256(),
        elements_from=version.elements_from,
        made_into=around.made_into or None,
        renditions=around.renditions or None,
        segments=counts,
        fields=fields,
        statement=statement,
    )


def mime_type(facts: TechnicalFacts) -> str:
    """The media type of a version's bytes."""
    if facts.container in _MIME_OF_STILLS:
        return _MIME_OF_STILLS[facts.container]
    names = _MIME if facts.video is not None else _MIME_OF_SOUND
    return next((names[part] for part in facts.container.split(",") if part in names), "application/octet-stream")
