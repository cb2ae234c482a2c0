"""The papers of a new version: its element list as declared or proven, its segments, its first values. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from holdback_base.elements import Box, Element, ElementKind, ElementList, Notice, is_ref
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, Sha256, Span
from holdback_trust.identity import StoryName
from pydantic import Field

from holdback_servers.assets.model import (
    AssetKind,
    FieldValue,
    Lineage,
    LogEntry,
    Method,
    Segment,
    TechnicalFacts,
    Value,
    Version,
    log_span,
)

SAME_SHOT = 3
"""Frames that both ends of a log entry may lie from a detected shot's, to be taken as its description."""
_WHOLE: dict[AssetKind, tuple[ElementKind, str]] = {
    "music": ("music_master", "music"),
    "voice": ("talent", "talent"),
    "still": ("still", "still"),
    "logo": ("logo", "logo"),
}


class DeclaredElement(Noun):
    """Something in the media that somebody may own a right in, as its supplier declares it.

    `ref` is the name rights are recorded under; `spans` are frames of the media, half-open; none means all of it.
    """

    kind: ElementKind
    ref: str = Field(description="Name that rights are recorded under, such as music:meadow-waltz")
    name: str
    spans: tuple[Span, ...] = Field(default=(), description="Frames of the media, half-open; none means all of it")
    obscured: tuple[Span, ...] = ()
    box: Box | None = None
    id: str | None = None


class IngestRequest(Noun):
    """What `ingest_media` keeps with its job."""

    path: str
    title: str | None = None
    kind: AssetKind = "master"
    ref: str | None = None
    elements: tuple[DeclaredElement, ...] = ()
    segments: tuple[LogEntry, ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    story: StoryName | None = None
    tier: int = Field(default=1, ge=1, le=3)
    proxy: bool = True
    by: str


class RegisterRequest(Noun):
    """A new cut: on the word of a cut statement, or of the caller (media, elements, notices)."""

    asset_id: str | None = None
    title: str | None = None
    kind: AssetKind = "highlight"
    cut_statement: str | None = None
    media: Sha256 | None = None
    elements: tuple[DeclaredElement, ...] = ()
    notices: tuple[Notice, ...] = ()
    lineage: Lineage | None = None
    by: str


class Registered(Noun):
    """What came in; `already` says that the same bytes were known and nothing was changed."""

    asset_id: str
    version_id: str
    media: Sha256
    title: str
    kind: AssetKind
    number: int
    already: bool = False
    frames: int
    rate: str
    seconds: float
    start_timecode: str | None = None
    shots: int = 0
    segments: int = 0
    integrated_lufs: float | None = None
    elements_sha256: Sha256
    warnings: tuple[str, ...] = ()


def registered(version: Version, title: str, kind: AssetKind, counts: dict[str, int], *, already: bool) -> Registered:
    """The answer about a version, with its segments counted by kind."""
    loudness = version.facts.loudness
    return Registered(
        asset_id=version.asset_id,
        version_id=version.id,
        media=version.media,
        title=title,
        kind=kind,
        number=version.number,
        already=already,
        frames=version.facts.frames,
        rate=version.facts.rate.text(),
        seconds=round(float(version.facts.seconds), 3),
        start_timecode=version.facts.start_timecode,
        shots=counts.get("shot", 0),
        segments=sum(counts.values()),
        integrated_lufs=None if loudness is None else loudness.integrated_lufs,
        elements_sha256=version.element_list.sha256(),
        warnings=version.facts.warnings,
    )


def whole_ref(kind: AssetKind, title: str) -> str:
    """The ref of media that is one element, made from its title: `film:big-buck-bunny`, `music:meadow-waltz`."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-") or "untitled"
    return f"{_WHOLE.get(kind, ('programme', 'film'))[1]}:{slug}"


def declared_list(
    declared: Sequence[DeclaredElement],
    facts: TechnicalFacts,
    new_id: NewId,
    *,
    notices: tuple[Notice, ...] = (),
) -> ElementList:
    """The element list that a supplier declares, checked against the frames that exist.

    Raises:
        Problem: INVALID_ARGUMENT for a ref of another shape or an id used twice, SPAN_OUTSIDE_MEDIA.
    """
    elements = tuple(_element(each, facts, new_id) for each in declared)
    ids = [each.id for each in elements]
    if twice := next((each for each in ids if ids.count(each) > 1), None):
        raise Problem("INVALID_ARGUMENT", f"Two elements have the id {twice}.", "Leave ids out to have them made.")
    for notice in notices:
        check_span(notice.span, facts, f"the {notice.kind}")
    return ElementList(rate=facts.rate, frames=facts.frames, elements=elements, notices=notices)


def _element(declared: DeclaredElement, facts: TechnicalFacts, new_id: NewId) -> Element:
    if not is_ref(declared.ref):
        raise Problem(
            "INVALID_ARGUMENT", f"{declared.ref[:80]!r} is not a ref.", "Write kind:name, such as music:meadow-waltz."
        )
    for span in (*declared.spans, *declared.obscured):
        check_span(span, facts, declared.ref)
    return Element(
        id=declared.id or new_id("el"),
        kind=declared.kind,
        ref=declared.ref,
        name=declared.name,
        spans=declared.spans or (Span(in_frame=0, out_frame=facts.frames),),
        obscured=declared.obscured,
        box=declared.box,
    )


def check_span(span: Span, facts: TechnicalFacts, what: str) -> None:
    """Raises Problem SPAN_OUTSIDE_MEDIA for frames that do not exist."""
    if span.out_frame > facts.frames:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"{what} goes to frame {span.out_frame}; the media has {facts.frames}.",
            "Give frames of this media, half-open, or leave spans out for all of it.",
        )


def one_element(kind: AssetKind, title: str, ref: str | None) -> DeclaredElement:
    """The element of media whose supplier declared none: all of it is one thing."""
    return DeclaredElement(kind=_WHOLE.get(kind, ("programme", ""))[0], ref=ref or whole_ref(kind, title), name=title)


def describe_shots(
    shots: Sequence[Segment], log: Sequence[LogEntry], facts: TechnicalFacts, version_id: str, new_id: NewId
) -> list[tuple[Segment, LogEntry | None]]:
    """Detected shots with what a log says of them.

    A `log` or `shot` entry that begins and ends within three frames of a detected shot describes that shot; any other
    becomes a segment of its own, with the keyframe of the shot that covers most of it.

    Returns:
        Every segment, with the log entry that speaks of it, if any.

    Raises:
        Problem: as `log_span`.
    """
    entries: dict[str, LogEntry] = {}
    own: list[tuple[Segment, LogEntry | None]] = []
    for entry in log:
        start, end = log_span(entry, facts)
        same = next((s for s in shots if abs(s.in_frame - start) <= SAME_SHOT >= abs(s.out_frame - end)), None)
        if same is not None and same.id not in entries and entry.kind in ("log", "shot"):
            entries[same.id] = entry
            continue
        segment = Segment(
            id=new_id("seg"),
            version_id=version_id,
            kind=entry.kind,
            in_frame=start,
            out_frame=end,
            method="imported",
            text=entry.description,
            tags=entry.tags,
            keyframe=_most_covering(shots, start, end),
        )
        own.append((segment, entry))
    return [*((_described(shot, entries.get(shot.id)), entries.get(shot.id)) for shot in shots), *own]


def _described(shot: Segment, entry: LogEntry | None) -> Segment:
    return shot if entry is None else shot.model_copy(update={"text": entry.description, "tags": entry.tags})


def _most_covering(shots: Sequence[Segment], start: int, end: int) -> str | None:
    best = max(shots, key=lambda s: min(s.out_frame, end) - max(s.in_frame, start), default=None)
    return None if best is None else best.keyframe


def first_values(
    target: str,
    words: Mapping[str, Value | None],
    *,
    method: Literal["manual", "imported"],
    by: str,
    at: Instant,
    new_id: NewId,
) -> list[FieldValue]:
    """Values that came with the media, each with its provenance; empty ones are left out."""
    made: Method = method
    return [
        FieldValue(id=new_id("evt"), target=target, field=field, value=value, method=made, by=by, at=at)
        for field, value in words.items()
        if value not in (None, "", ())
    ]
