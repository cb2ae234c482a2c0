"""How what the library keeps is written and read back. Every function is part of a unit of work."""

from collections.abc import Iterable, Sequence
from typing import Any

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from holdback_servers.assets import history
from holdback_servers.assets.model import Asset, FieldValue, Rendition, Segment, Version
from holdback_servers.assets.tables import (
    assets,
    field_values,
    pictures_seen,
    renditions,
    segments,
    version_relations,
    versions,
)

_counts = func.coalesce(field_values.c.review, "") != "rejected"
"""A rejected value stays on record, and the one before it counts again."""


def add_asset(connection: Connection, asset: Asset) -> None:
    """Write a new asset; it has no version yet."""
    row = asset.model_dump(mode="json") | {"at": store_instant(asset.at)}
    connection.execute(insert(assets).values(**row))


def add_version(connection: Connection, version: Version) -> None:
    """Write a version, which becomes its asset's latest. Raises Problem CONFLICT when the bytes are known already."""
    known = version_of_media(connection, version.media)
    if known is not None:
        raise Problem(
            "CONFLICT",
            f"{version.media} is known already as {known.id} of {known.asset_id}.",
            "Use that version; the same bytes are registered once.",
            asset_id=known.asset_id,
            version_id=known.id,
        )
    row = version.model_dump(mode="json", exclude_none=True) | {
        "at": store_instant(version.at),
        "seconds": float(version.facts.seconds),
        "rate": version.facts.rate.text(),
    }
    connection.execute(insert(versions).values(**row))
    if version.lineage is not None:
        sources = [
            {"version_id": version.id, "of_version": each} for each in dict.fromkeys(version.lineage.of_versions)
        ]
        connection.execute(insert(version_relations).values(relation=version.lineage.relation), sources)
    told = {"version": version.id, "number": version.number, "media": version.media}
    history.note(connection, version.asset_id, "version_added", told, by=version.by, now=version.at)
    connection.execute(update(assets).where(assets.c.id == version.asset_id).values(latest_version=version.id))


def add_segments(connection: Connection, new: Sequence[Segment]) -> None:
    """Write segments of one version."""
    if new:
        connection.execute(insert(segments), [each.model_dump(mode="json") for each in new])


def add_value(connection: Connection, value: FieldValue) -> None:
    """Write a value beside those it supersedes; nothing is overwritten in the history."""
    connection.execute(insert(field_values).values(**value.model_dump(mode="json") | {"at": store_instant(value.at)}))


def set_asset(connection: Connection, asset_id: str, **facts: str | None) -> None:
    """The current title, status, kind or work of an asset; its history is in the field values."""
    connection.execute(update(assets).where(assets.c.id == asset_id).values(**facts))


def set_segment(connection: Connection, segment_id: str, **facts: Any) -> None:
    """The current text or tags of a segment; their history is in the field values."""
    connection.execute(update(segments).where(segments.c.id == segment_id).values(**facts))


def find_asset(connection: Connection, asset_id: str) -> Asset:
    """The asset. Raises Problem NOT_FOUND."""
    row = connection.execute(select(assets).where(assets.c.id == asset_id)).mappings().first()
    if row is None:
        raise unknown("asset", asset_id, "Find it with search_assets; ids begin with ast_.")
    return _asset(row)


def find_version(connection: Connection, version_id: str) -> Version:
    """The version. Raises Problem NOT_FOUND."""
    row = connection.execute(select(versions).where(versions.c.id == version_id)).mappings().first()
    if row is None:
        raise unknown("version", version_id, "get_asset lists an asset's versions; ids begin with ver_.")
    return _version(row)


def find_segment(connection: Connection, segment_id: str) -> Segment:
    """The segment. Raises Problem NOT_FOUND."""
    row = connection.execute(select(segments).where(segments.c.id == segment_id)).mappings().first()
    if row is None:
        raise unknown("segment", segment_id, "list_segments lists a version's segments; ids begin with seg_.")
    return Segment.model_validate(dict(row))


def version_of_media(connection: Connection, media: str) -> Version | None:
    """The version that is these bytes."""
    row = connection.execute(select(versions).where(versions.c.media == media)).mappings().first()
    return None if row is None else _version(row)


def versions_of(connection: Connection, asset_id: str) -> list[Version]:
    """An asset's versions, newest first."""
    query = select(versions).where(versions.c.asset_id == asset_id).order_by(versions.c.number.desc())
    return [_version(row) for row in connection.execute(query).mappings()]


def latest_version(connection: Connection, asset_id: str) -> Version:
    """An asset's newest version. Raises Problem NOT_FOUND."""
    find_asset(connection, asset_id)
    found = connection.execute(select(assets.c.latest_version).where(assets.c.id == asset_id)).scalar_one()
    return find_version(connection, found)


def segments_of(
    connection: Connection, version_id: str, kind: str | None, *, after: tuple[int, str] | None = None, limit: int
) -> list[Segment]:
    """A version's segments in order of their in, at most so many, after a place (in frame, id)."""
    query = select(segments).where(segments.c.version_id == version_id)
    if kind is not None:
        query = query.where(segments.c.kind == kind)
    if after is not None:
        at, last = after
        query = query.where((segments.c.in_frame > at) | ((segments.c.in_frame == at) & (segments.c.id > last)))
    query = query.order_by(segments.c.in_frame, segments.c.id).limit(limit)
    return [Segment.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def segment_counts(connection: Connection, version_id: str) -> dict[str, int]:
    """How many segments of each kind a version has."""
    query = (
        select(segments.c.kind, func.count())
        .where(segments.c.version_id == version_id)
        .group_by(segments.c.kind)
        .order_by(segments.c.kind)
    )
    return {str(kind): int(count) for kind, count in connection.execute(query)}


_OF_TARGETS = field_values.c.target.in_(bindparam("targets", expanding=True))
_ALL_VALUES = (
    select(field_values)
    .where(_OF_TARGETS)
    .order_by(field_values.c.target, field_values.c.field, field_values.c.seq.desc())
)
_CURRENT_VALUES = _ALL_VALUES.where(
    field_values.c.seq.in_(
        select(func.max(field_values.c.seq))
        .where(_OF_TARGETS, _counts)
        .group_by(field_values.c.target, field_values.c.field)
    )
)


def values_of(connection: Connection, targets: Iterable[str], *, all_of_them: bool = False) -> list[FieldValue]:
    """Values of these assets, versions or segments by field: the current ones, or all of them, newest first."""
    query = _ALL_VALUES if all_of_them else _CURRENT_VALUES
    return [_value(row) for row in connection.execute(query, {"targets": list(targets)}).mappings()]


def current_value(connection: Connection, target: str, field: str) -> FieldValue | None:
    """The value that counts: the newest that nobody rejected."""
    query = (
        select(field_values)
        .where(field_values.c.target == target, field_values.c.field == field, _counts)
        .order_by(field_values.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _value(row)


def find_value(connection: Connection, value_id: str) -> FieldValue:
    """A metadata value, whether it counts or not. Raises Problem NOT_FOUND."""
    row = connection.execute(select(field_values).where(field_values.c.id == value_id)).mappings().first()
    if row is None:
        raise unknown("metadata value", value_id, "get_asset gives each value's id; ids begin with evt_.")
    return _value(row)


def set_review(connection: Connection, value_id: str, review: str, by: str) -> None:
    """What somebody found of a value; who reviewed it before is in the history."""
    change = update(field_values).where(field_values.c.id == value_id)
    connection.execute(change.values(review=review, reviewed_by=by))


def made_from(connection: Connection, version_id: str) -> list[tuple[str, str]]:
    """Versions that name this one in their lineage: each with its relation, oldest first."""
    query = (
        select(version_relations.c.version_id, version_relations.c.relation)
        .where(version_relations.c.of_version == version_id)
        .order_by(version_relations.c.version_id)
    )
    return [(str(version), str(relation)) for version, relation in connection.execute(query)]


def add_rendition(connection: Connection, rendition: Rendition) -> None:
    """Write another form of a version; the same once more changes nothing."""
    query = select(renditions.c.id).where(
        renditions.c.version_id == rendition.version_id,
        renditions.c.purpose == rendition.purpose,
        renditions.c.media == rendition.media,
    )
    if connection.execute(query).first() is None:
        row = rendition.model_dump(mode="json") | {"at": store_instant(rendition.at)}
        connection.execute(insert(renditions).values(**row))


def renditions_of(connection: Connection, version_id: str) -> list[Rendition]:
    """A version's other forms, by purpose."""
    query = select(renditions).where(renditions.c.version_id == version_id)
    rows = connection.execute(query.order_by(renditions.c.purpose, renditions.c.id)).mappings()
    return [_rendition(row) for row in rows]


def rendition_of_media(connection: Connection, media: str) -> Rendition | None:
    """A rendition that is these bytes."""
    row = connection.execute(select(renditions).where(renditions.c.media == media).limit(1)).mappings().first()
    return None if row is None else _rendition(row)


def add_pictures(connection: Connection, version_id: str, hashes: Iterable[tuple[int, int]]) -> None:
    """Write the perceptual hashes of a version's pictures: frames, and 64 bits each as a signed integer."""
    rows = [{"version_id": version_id, "frame": frame, "hash": value} for frame, value in hashes]
    if rows:
        connection.execute(insert(pictures_seen), rows)


def refers_to(connection: Connection, media: str) -> bool:
    """Whether a version, a rendition or a keyframe is these bytes."""
    places = (versions.c.media, renditions.c.media, segments.c.keyframe)
    return any(connection.execute(select(place).where(place == media).limit(1)).first() for place in places)


def unknown(noun: str, given: str, hint: str) -> Problem:
    """NOT_FOUND for an id."""
    return Problem("NOT_FOUND", f"There is no {noun} {given[:80]}.", hint)


def _asset(row: RowMapping) -> Asset:
    return Asset.model_validate(
        {name: row[name] for name in ("id", "kind", "title", "status", "work_id")} | {"at": load_instant(row["at"])}
    )


def _version(row: RowMapping) -> Version:
    kept = {name: row[name] for name in Version.model_fields}
    return Version.model_validate(kept | {"at": load_instant(row["at"])})


def _rendition(row: RowMapping) -> Rendition:
    kept = {name: row[name] for name in Rendition.model_fields}
    return Rendition.model_validate(kept | {"at": load_instant(row["at"])})


def _value(row: RowMapping) -> FieldValue:
    kept = {name: row[name] for name in FieldValue.model_fields}
    return FieldValue.model_validate(kept | {"at": load_instant(row["at"])})
