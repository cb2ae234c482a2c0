"""How what the library keeps is written and read back. Every function is part of a unit of work."""

from collections.abc import Iterable, Sequence
from typing import Any

from holdback_base.database import hidden_stories, hides, load_instant, put_into_story, store_instant
from holdback_base.problem import Problem
from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from holdback_servers.assets import history
from holdback_servers.assets.model import Asset, FieldValue, Rendition, Segment, Version
from holdback_servers.assets.tables import (
    STORIES,
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
    row = asset.model_dump(mode="json", exclude={"story"}) | {"at": store_instant(asset.at)}
    connection.execute(insert(assets).values(**row))
    put_into_story(connection, STORIES, asset.id, asset.story)


def add_version(connection: Connection, version: Version) -> None:
    """Write a version, which becomes its asset's latest. Raises Problem CONFLICT when the bytes are known already, to
    whoever may not know as what without telling it."""
    query = select(versions).where(versions.c.media == version.media)
    row = connection.execute(query).mappings().first()
    if row is not None and hides(connection, STORIES, row["asset_id"]):
        raise Problem("CONFLICT", "These bytes cannot be taken in.", "Ask a librarian about them.")
    if row is not None:
        known = _version(connection, row)
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


def set_asset(connection: Connection, asset_id: str, **facts: str | int | None) -> None:
    """The current title, status, kind, work or tier of an asset; its history is in the field values."""
    connection.execute(update(assets).where(assets.c.id == asset_id).values(**facts))


def set_segment(connection: Connection, segment_id: str, **facts: Any) -> None:
    """The current text or tags of a segment; their history is in the field values."""
    connection.execute(update(segments).where(segments.c.id == segment_id).values(**facts))


def find_asset(connection: Connection, asset_id: str) -> Asset:
    """The asset. Raises Problem NOT_FOUND."""
    row = connection.execute(_ASSET, {"id": asset_id}).mappings().first()
    if row is None or (row["story"] is not None and row["story"] in hidden_stories(connection)):
        raise unknown("asset", asset_id, "Find it with search_assets; ids begin with ast_.")
    return _asset(row)


def find_version(connection: Connection, version_id: str) -> Version:
    """The version. Raises Problem NOT_FOUND."""
    row = connection.execute(select(versions).where(versions.c.id == version_id)).mappings().first()
    if row is None or hides(connection, STORIES, row["asset_id"]):
        raise unknown("version", version_id, "get_asset lists an asset's versions; ids begin with ver_.")
    return _version(connection, row)


def find_segment(connection: Connection, segment_id: str) -> Segment:
    """The segment. Raises Problem NOT_FOUND."""
    row = connection.execute(select(segments).where(segments.c.id == segment_id)).mappings().first()
    if row is None or _hides_version(connection, row["version_id"]):
        raise unknown("segment", segment_id, "list_segments lists a version's segments; ids begin with seg_.")
    return Segment.model_validate(dict(row))


def version_of_media(connection: Connection, media: str) -> Version | None:
    """The version that is these bytes."""
    row = connection.execute(select(versions).where(versions.c.media == media)).mappings().first()
    return None if row is None or hides(connection, STORIES, row["asset_id"]) else _version(connection, row)


def owner_of(connection: Connection, version_id: str) -> Asset:
    """The asset of a version, also where whoever stands behind this unit may not know of it: for rules, not answers."""
    query = select(assets, STORIES.closed.c.story).join(versions, versions.c.asset_id == assets.c.id)
    query = query.outerjoin(STORIES.closed, STORIES.closed.c.id == assets.c.id).where(versions.c.id == version_id)
    return _asset(connection.execute(query).mappings().one())


def owner_of_media(connection: Connection, media: str) -> Asset | None:
    """The asset that has these bytes as a version, as `owner_of` finds it; None for bytes that are none."""
    version = connection.execute(select(versions.c.id).where(versions.c.media == media)).scalar()
    return None if version is None else owner_of(connection, version)


def seen(connection: Connection, asset_ids: Iterable[str]) -> list[str]:
    """Those of these assets that whoever stands behind this unit may know of."""
    if not hidden_stories(connection):
        return list(asset_ids)
    return [each for each in asset_ids if not hides(connection, STORIES, each)]


def versions_of(connection: Connection, asset_id: str) -> list[Version]:
    """An asset's versions, newest first."""
    query = select(versions).where(versions.c.asset_id == asset_id).order_by(versions.c.number.desc())
    return [_version(connection, row) for row in connection.execute(query).mappings()]


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
    if row is None or hides_target(connection, row["target"]):
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


def hides_target(connection: Connection, target: str) -> bool:
    """Whether an asset, version or segment is one that whoever stands behind this unit may not know of."""
    if not hidden_stories(connection):
        return False
    if target.startswith("seg_"):
        query = select(segments.c.version_id).where(segments.c.id == target)
        target = connection.execute(query).scalar_one_or_none() or target
    return hides(connection, STORIES, target) or _hides_version(connection, target)


def _hides_version(connection: Connection, version_id: str) -> bool:
    if not hidden_stories(connection):
        return False
    owner = connection.execute(select(versions.c.asset_id).where(versions.c.id == version_id)).scalar_one_or_none()
    return owner is not None and hides(connection, STORIES, owner)


def unknown(noun: str, given: str, hint: str) -> Problem:
    """NOT_FOUND for an id."""
    return Problem("NOT_FOUND", f"There is no {noun} {given[:80]}.", hint)


_ASSET = (
    select(assets, STORIES.closed.c.story)
    .outerjoin(STORIES.closed, STORIES.closed.c.id == assets.c.id)
    .where(assets.c.id == bindparam("id"))
)


def _asset(row: RowMapping) -> Asset:
    kept = {name: row[name] for name in Asset.model_fields}
    return Asset.model_validate(kept | {"at": load_instant(row["at"])})


def _version(connection: Connection, row: RowMapping) -> Version:
    kept = {name: row[name] for name in Version.model_fields}
    if kept["lineage"] is not None and hidden_stories(connection):
        known = [each for each in kept["lineage"]["of_versions"] if not _hides_version(connection, each)]
        kept["lineage"] = {**kept["lineage"], "of_versions": known} if known else None
    return Version.model_validate(kept | {"at": load_instant(row["at"])})


def _rendition(row: RowMapping) -> Rendition:
    kept = {name: row[name] for name in Rendition.model_fields}
    return Rendition.model_validate(kept | {"at": load_instant(row["at"])})


def _value(row: RowMapping) -> FieldValue:
    kept = {name: row[name] for name in FieldValue.model_fields}
    return FieldValue.model_validate(kept | {"at": load_instant(row["at"])})
