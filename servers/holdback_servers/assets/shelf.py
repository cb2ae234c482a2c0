"""Putting a new version on the shelf: everything about it in one unit of work."""

from dataclasses import dataclass

from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.model import Asset, FieldValue, Rendition, Segment, Version
from holdback_servers.assets.papers import Registered, registered


@dataclass(frozen=True)
class NewVersion:
    """Everything about a new version, put together before anything is written.

    `pictures` are frames and the perceptual hashes of their pictures.
    """

    asset: Asset
    version: Version
    segments: tuple[Segment, ...] = ()
    values: tuple[FieldValue, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    pictures: tuple[tuple[int, int], ...] = ()


def put_on_shelf(connection: Connection, papers: NewVersion) -> Registered:
    """Write the version, and with number 1 its asset; index it. Raises Problem CONFLICT when the bytes are known."""
    version = papers.version
    if version.number == 1:
        store.add_asset(connection, papers.asset)
    store.add_version(connection, version)
    store.add_segments(connection, papers.segments)
    for value in papers.values:
        store.add_value(connection, value)
    for rendition in papers.renditions:
        store.add_rendition(connection, rendition)
    store.add_pictures(connection, version.id, papers.pictures)
    index_asset(connection, papers.asset.id)
    return answer_about(connection, version)


def answer_about(connection: Connection, version: Version, *, already: bool = False) -> Registered:
    """The answer about a version that is on the shelf; it warns of an asset that was removed."""
    asset = store.find_asset(connection, version.asset_id)
    counts = store.segment_counts(connection, version.id)
    answer = registered(version, asset.title, asset.kind, counts, already=already)
    if asset.status != "removed":
        return answer
    told = f"{asset.title} was removed; restore_asset brings it back."
    return answer.model_copy(update={"warnings": (*answer.warnings, told)})
