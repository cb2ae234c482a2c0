"""Collections: assets that somebody keeps together; an asset may be in many."""

from collections.abc import Sequence

from holdback_base.database import hidden_stories, load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from holdback_servers.assets import history, store
from holdback_servers.assets.model import Asset
from holdback_servers.assets.tables import assets, collection_members, collections


class Collection(Noun):
    """Assets kept together under a title; `removed_at` says that it was taken away, which its history remembers."""

    id: str
    title: str = Field(min_length=1, max_length=500)
    by: str
    at: Instant
    removed_at: Instant | None = None


def find_collection(connection: Connection, collection_id: str, *, removed: bool = False) -> Collection:
    """The collection; one that was removed only when that is wanted. Raises Problem NOT_FOUND."""
    row = connection.execute(select(collections).where(collections.c.id == collection_id)).mappings().first()
    if row is None or (row["removed_at"] is not None and not removed) or _hidden(connection, collection_id):
        raise store.unknown("collection", collection_id, "list_collections gives those there are.")
    return _collection(row)


def add_collection(connection: Connection, collection: Collection) -> None:
    """Write a new collection; nothing is in it yet."""
    row = collection.model_dump(exclude={"removed_at"}) | {"at": store_instant(collection.at)}
    row["folded"] = collection.title.casefold()
    connection.execute(insert(collections).values(**row))
    facts = {"title": collection.title}
    history.note(connection, collection.id, "created", facts, by=collection.by, now=collection.at)


def rename(connection: Connection, collection: Collection, title: str, *, by: str, now: Instant) -> None:
    """Give it another title."""
    if title == collection.title:
        return
    connection.execute(
        update(collections).where(collections.c.id == collection.id).values(title=title, folded=title.casefold())
    )
    history.note(connection, collection.id, "renamed", {"title": title, "was": collection.title}, by=by, now=now)


def join(connection: Connection, collection_id: str, asset_ids: Sequence[str], *, by: str, now: Instant) -> None:
    """Put assets in; those that are in it stay. Raises Problem NOT_FOUND for an unknown asset, CONFLICT for a removed
    one."""
    here = _members_among(connection, collection_id, asset_ids)
    for asset_id in dict.fromkeys(asset_ids):
        asset = store.find_asset(connection, asset_id)
        if asset.status == "removed":
            raise Problem("CONFLICT", f"{asset.title} ({asset_id}) was removed.", "Restore it first.")
        if asset_id not in here:
            row = {"collection_id": collection_id, "asset_id": asset_id, "by": by, "at": store_instant(now)}
            connection.execute(insert(collection_members).values(**row))
            _note_both(connection, collection_id, asset_id, ("asset_added", "collected"), by=by, now=now)


def leave(connection: Connection, collection_id: str, asset_ids: Sequence[str], *, by: str, now: Instant) -> None:
    """Take assets out; those that are not in it are no mistake."""
    for asset_id in _members_among(connection, collection_id, asset_ids):
        member = (collection_members.c.collection_id == collection_id, collection_members.c.asset_id == asset_id)
        connection.execute(delete(collection_members).where(*member))
        _note_both(connection, collection_id, asset_id, ("asset_taken_out", "taken_out"), by=by, now=now)


def take_away(connection: Connection, collection: Collection, reason: str, *, by: str, now: Instant) -> None:
    """Remove a collection. Its assets stay as they are, and its members on record."""
    gone = update(collections).where(collections.c.id == collection.id).values(removed_at=store_instant(now))
    connection.execute(gone)
    history.note(connection, collection.id, "removed", {"reason": reason}, by=by, now=now)


def members(connection: Connection, collection_id: str, after: str, limit: int) -> list[Asset]:
    """The assets in it, in order of their ids, after one."""
    query = (
        select(collection_members.c.asset_id)
        .where(collection_members.c.collection_id == collection_id, collection_members.c.asset_id > after)
        .order_by(collection_members.c.asset_id)
        .limit(limit)
    )
    return [store.find_asset(connection, each) for each in connection.execute(query).scalars()]


def count_members(connection: Connection, collection_id: str) -> int:
    """How many assets are in it."""
    within = collection_members.c.collection_id == collection_id
    if not hidden_stories(connection):
        return connection.execute(select(func.count()).where(within)).scalar_one()
    return len(
        store.seen(connection, connection.execute(select(collection_members.c.asset_id).where(within)).scalars())
    )


def list_collections(connection: Connection, words: str, after: str, limit: int) -> list[Collection]:
    """Collections whose title holds the words, in order of birth, after an id; without removed ones."""
    query = select(collections).where(collections.c.id > after, collections.c.removed_at.is_(None))
    for word in words.split():
        query = query.where(collections.c.folded.contains(word.casefold(), autoescape=True))
    found = connection.execute(query.order_by(collections.c.id).limit(limit)).mappings()
    return [_collection(row) for row in found]


def collections_of(connection: Connection, asset_id: str) -> list[Collection]:
    """The collections that an asset is in."""
    query = (
        select(collections)
        .join(collection_members, collection_members.c.collection_id == collections.c.id)
        .where(collection_members.c.asset_id == asset_id, collections.c.removed_at.is_(None))
        .order_by(collections.c.id)
    )
    return [_collection(row) for row in connection.execute(query).mappings()]


def _members_among(connection: Connection, collection_id: str, asset_ids: Sequence[str]) -> list[str]:
    query = (
        select(collection_members.c.asset_id)
        .join(assets, assets.c.id == collection_members.c.asset_id)
        .where(collection_members.c.collection_id == collection_id, collection_members.c.asset_id.in_(asset_ids))
    )
    return store.seen(connection, connection.execute(query).scalars())


def _hidden(connection: Connection, collection_id: str) -> bool:
    """Whether it has assets, all of which are closed to whoever stands behind this unit."""
    if not hidden_stories(connection):
        return False
    query = select(collection_members.c.asset_id).where(collection_members.c.collection_id == collection_id)
    there = list(connection.execute(query).scalars())
    return bool(there) and not store.seen(connection, there)


def _note_both(
    connection: Connection, collection_id: str, asset_id: str, what: tuple[str, str], *, by: str, now: Instant
) -> None:
    """The collection's history tells of the asset, and the asset's of the collection."""
    history.note(connection, collection_id, what[0], {"asset": asset_id}, by=by, now=now)
    history.note(connection, asset_id, what[1], {"collection": collection_id}, by=by, now=now)


def _collection(row: RowMapping) -> Collection:
    removed = None if row["removed_at"] is None else load_instant(row["removed_at"])
    kept = {name: row[name] for name in ("id", "title", "by")}
    return Collection.model_validate(kept | {"at": load_instant(row["at"]), "removed_at": removed})
