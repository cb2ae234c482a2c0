"""Answers to questions, put together from what the library keeps. Each is one unit that only reads."""

from collections.abc import Callable

from holdback_base.database import Unit
from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from sqlalchemy import Connection

from holdback_servers.assets import catalogue, store
from holdback_servers.assets.answers import (
    Around,
    AssetView,
    CountedValue,
    Curves,
    FieldDescription,
    LibraryDescription,
    Named,
    Relative,
    RenditionView,
    SegmentList,
    SegmentView,
    VersionView,
    rendition_view,
    segment_view,
    version_view,
)
from holdback_servers.assets.history import etag
from holdback_servers.assets.holdings import works
from holdback_servers.assets.holdings.collections import collections_of
from holdback_servers.assets.holdings.holds import count_open
from holdback_servers.assets.looking.curves import KeptMotion, KeptSound, energy_in, grid_of, motion_in, onsets_in
from holdback_servers.assets.model import Asset, FieldValue, Rendition, Segment, TechnicalFacts, Value, Version
from holdback_servers.assets.search import COLUMNS
from holdback_servers.media_store import MediaStore
from holdback_servers.wire import encode_cursor

_APART = frozenset({"description", "tags"})

SignCut = Callable[[CutFacts], str]


def describe(connection: Connection) -> LibraryDescription:
    """What there is to ask for."""
    kinds = _counted(connection, "kinds")
    return LibraryDescription(
        assets=sum(each.count for each in kinds),
        kinds=kinds,
        statuses=_counted(connection, "statuses"),
        segment_kinds=_counted(connection, "segment_kinds"),
        tags=_counted(connection, "tags"),
        rates=_counted(connection, "rates"),
        fields=tuple(
            FieldDescription(
                field=field,
                of={"ast": "asset", "ver": "version", "seg": "segment"}.get(kind, kind),
                count=count,
                values=tuple(CountedValue(value=each.value, count=each.count) for each in values),
            )
            for field, kind, count, values in catalogue.count_fields(connection)
        ),
        searched=COLUMNS,
    )


def _counted(connection: Connection, what: str) -> tuple[CountedValue, ...]:
    return tuple(CountedValue(value=each.value, count=each.count) for each in catalogue.count_by(connection, what))


def segment_views(connection: Connection, segments: list[Segment], facts: TechnicalFacts) -> list[SegmentView]:
    """Segments as callers see them, with their further values."""
    fields: dict[str, dict[str, Value]] = {}
    for value in store.values_of(connection, [each.id for each in segments]):
        if value.field not in _APART:
            fields.setdefault(value.target, {})[value.field] = value.value
    return [segment_view(each, facts, fields.get(each.id)) for each in segments]


def segment_page(version_id: str, kind: str | None, *, after: tuple[int, str] | None, limit: int) -> Unit[SegmentList]:
    """One page of a version's segments, in order of time."""

    def unit(connection: Connection) -> SegmentList:
        version = store.find_version(connection, version_id)
        found = store.segments_of(connection, version_id, kind, after=after, limit=limit + 1)
        shown, counts = found[:limit], store.segment_counts(connection, version_id)
        last = shown[-1] if len(found) > limit else None
        return SegmentList(
            asset_id=version.asset_id,
            version_id=version_id,
            rate=version.facts.rate.text(),
            frames=version.facts.frames,
            items=tuple(segment_views(connection, shown, version.facts)),
            next_cursor=None if last is None else encode_cursor({"at": last.in_frame, "id": last.id}),
            total=sum(counts.values()) if kind is None else counts.get(kind, 0),
        )

    return unit


def span_of(version: Version, in_frame: int, out_frame: int | None, longest: int) -> Span:
    """Frames of a version: up to its end, or as many as may be asked for at once.

    Raises:
        Problem: SPAN_OUTSIDE_MEDIA, RANGE_INVALID for an empty span, TOO_LARGE for too long a one.
    """
    end = min(version.facts.frames, in_frame + longest) if out_frame is None else out_frame
    if in_frame >= version.facts.frames or end > version.facts.frames:
        raise Problem(
            "SPAN_OUTSIDE_MEDIA",
            f"{version.id} has {version.facts.frames} frames; {in_frame} to {end} goes beyond.",
            "Frames count from 0; the out is the first frame after.",
        )
    if end <= in_frame:
        raise Problem("RANGE_INVALID", f"The span {in_frame} to {end} is empty.", "Give an out after its in.")
    if end - in_frame > longest:
        raise Problem("TOO_LARGE", f"The span has {end - in_frame} frames.", f"Ask for at most {longest} at a time.")
    return Span(in_frame=in_frame, out_frame=end)


def curves_of(version: Version, span: Span, renditions: list[Rendition], media: MediaStore) -> Curves:
    """What was measured of these frames; reads the files that the measuring left."""
    kept = {each.purpose: each.media for each in renditions if each.facts.get("format") == "json"}
    rate = version.facts.rate.fraction
    step = grid_of(span, rate)
    found = Curves(
        asset_id=version.asset_id,
        version_id=version.id,
        rate=version.facts.rate.text(),
        frames=version.facts.frames,
        in_frame=span.in_frame,
        out_frame=span.out_frame,
        step=step,
    )
    if name := kept.get("waveform"):
        sound = KeptSound.model_validate_json(media.path(name).read_bytes())
        heard = {"energy": energy_in(sound, span, step, rate), "onsets": onsets_in(sound, span, rate)}
        found = found.model_copy(update=heard)
    if name := kept.get("motion"):
        moved = KeptMotion.model_validate_json(media.path(name).read_bytes())
        found = found.model_copy(update={"motion": motion_in(moved, span, step)})
    return found


def asset_view(asset_id: str, *, history: bool, sign: SignCut | None) -> Unit[AssetView]:
    """An asset with all its versions; with `sign`, each has a cut statement."""

    def unit(connection: Connection) -> AssetView:
        asset = store.find_asset(connection, asset_id)
        versions = store.versions_of(connection, asset_id)
        work = None if asset.work_id is None else works.find_work(connection, asset.work_id)
        kept_in = tuple(Named(id=each.id, title=each.title) for each in collections_of(connection, asset_id))
        values = store.values_of(connection, [asset_id, *(each.id for each in versions)], all_of_them=history)
        return AssetView(
            id=asset.id,
            kind=asset.kind,
            title=asset.title,
            status=asset.status,
            tier=asset.tier,
            story=asset.story,
            at=asset.at,
            etag=etag(connection, asset_id),
            work=None if work is None else Named(id=work.id, title=work.title),
            collections=kept_in or None,
            legal_holds=count_open(connection, asset_id) or None,
            fields=tuple(each for each in values if each.target == asset_id),
            versions=tuple(_version_view(connection, asset, each, values, sign) for each in versions),
        )

    return unit


def _version_view(
    connection: Connection, asset: Asset, version: Version, values: list[FieldValue], sign: SignCut | None
) -> VersionView:
    own = tuple(each for each in values if each.target == version.id)
    statement = None if sign is None else sign(cut_facts(asset, version))
    around = Around(_made_into(connection, version.id), _renditions(connection, version.id))
    return version_view(version, store.segment_counts(connection, version.id), own, statement, around)


def _made_into(connection: Connection, version_id: str) -> tuple[Relative, ...]:
    found: list[Relative] = []
    for made, relation in store.made_from(connection, version_id):
        asset = store.find_asset(connection, store.find_version(connection, made).asset_id)
        found.append(
            Relative.model_validate(
                {"relation": relation, "version_id": made, "asset_id": asset.id, "title": asset.title}
            )
        )
    return tuple(found)


def _renditions(connection: Connection, version_id: str) -> tuple[RenditionView, ...]:
    return tuple(rendition_view(each) for each in store.renditions_of(connection, version_id))


def cut_facts(asset: Asset, version: Version) -> CutFacts:
    """What the library signs about a version."""
    video = version.facts.video
    return CutFacts(
        media=version.media,
        element_list=version.element_list,
        width=None if video is None else video.width,
        height=None if video is None else video.height,
        title=asset.title,
        version=version.id,
        tier=asset.tier,
        story=asset.story,
    )
