"""The tools for collections: assets that somebody keeps together."""

from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import history
from holdback_servers.assets.edits import Editor
from holdback_servers.assets.history import IfEtag
from holdback_servers.assets.holdings import collections
from holdback_servers.assets.holdings.collections import Collection
from holdback_servers.assets.model import AssetKind, Status, Title
from holdback_servers.assets.organising.writing import write
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor

CollectionId = Annotated[str, Field(max_length=60, description="The collection's id, col_...")]
_MEMBERS = 500


class Member(Noun):
    """An asset in a collection."""

    asset_id: str
    title: str
    kind: AssetKind
    status: Status


class CollectionView(Collection):
    """A collection with a page of its assets, in order of their ids; `total` counts them all."""

    etag: str
    items: tuple[Member, ...]
    next_cursor: str | None = None
    total: int


class CollectionState(Collection):
    """A collection as it stands; `total` counts its assets."""

    etag: str
    total: int


class CollectionList(Noun):
    """A page of collections, in the order they were made."""

    items: tuple[Collection, ...]
    next_cursor: str | None = None


def offer_collections(door: Door) -> None:
    """Offer `record_collection`, `remove_collection`, `get_collection` and `list_collections`."""
    _offer_changing(door)

    @door.tool(title="Get a collection", scope="assets:read")
    async def get_collection(
        call: Call,
        collection_id: CollectionId,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> CollectionView:
        """A collection and the assets in it, a page at a time, with its etag."""
        after = cursor_part(decode_cursor(cursor), "id", "")
        return await call.services.database.read(lambda c: _view(c, collection_id, after, limit))

    @door.tool(title="List collections", scope="assets:read")
    async def list_collections(
        call: Call,
        *,
        words: Annotated[str, Field(max_length=200, description="In the title; all of them")] = "",
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> CollectionList:
        """Collections by words of their titles; get_asset tells which ones an asset is in."""
        after = cursor_part(decode_cursor(cursor), "id", "")

        def unit(c: Connection) -> CollectionList:
            found = collections.list_collections(c, words, after, limit + 1)
            more = encode_cursor({"id": found[limit - 1].id}) if len(found) > limit else None
            return CollectionList(items=tuple(found[:limit]), next_cursor=more)

        return await call.services.database.read(unit)


def _offer_changing(door: Door) -> None:
    @door.tool(title="Record a collection", scope="assets:write", kind="write")
    async def record_collection(
        call: Call,
        *,
        collection_id: Annotated[str | None, Field(description="The collection to change; else a new one")] = None,
        title: Title | None = None,
        add: Annotated[tuple[str, ...], Field(max_length=_MEMBERS, description="Assets to put in")] = (),
        take_out: Annotated[tuple[str, ...], Field(max_length=_MEMBERS, description="Assets to take out")] = (),
        if_etag: IfEtag = None,
    ) -> CollectionState:
        """Make a collection, rename it, put assets in or take them out. The assets themselves do not change."""

        def effect(c: Connection, editor: Editor) -> CollectionState:
            collection = _named(c, collection_id, title, editor, if_etag)
            collections.leave(c, collection.id, take_out, by=editor.by, now=editor.now)
            collections.join(c, collection.id, add, by=editor.by, now=editor.now)
            etag, total = history.etag(c, collection.id), collections.count_members(c, collection.id)
            return CollectionState.model_validate({**collection.model_dump(), "etag": etag, "total": total})

        return await write(call, CollectionState, effect)

    @door.tool(title="Remove a collection", scope="assets:write", kind="destroy", idempotent=True)
    async def remove_collection(
        call: Call,
        collection_id: CollectionId,
        reason: Annotated[str, Field(max_length=1000, description="Why; it stays on record")] = "",
        if_etag: IfEtag = None,
    ) -> Collection:
        """Remove a collection. The assets in it stay as they are; its history stays on record."""

        def effect(c: Connection, editor: Editor) -> Collection:
            collection = collections.find_collection(c, collection_id, removed=True)
            history.check_etag(c, collection_id, if_etag)
            if collection.removed_at is None:
                collections.take_away(c, collection, reason, by=editor.by, now=editor.now)
            return collections.find_collection(c, collection_id, removed=True)

        return await write(call, Collection, effect)


def _named(
    connection: Connection, collection_id: str | None, title: str | None, editor: Editor, if_etag: str | None
) -> Collection:
    """The collection under its title: a new one, or a known one that may get another."""
    if collection_id is not None:
        collection = collections.find_collection(connection, collection_id)
        history.check_etag(connection, collection_id, if_etag)
        collections.rename(connection, collection, title or collection.title, by=editor.by, now=editor.now)
        return collections.find_collection(connection, collection_id)
    if title is None:
        raise Problem(
            "INVALID_ARGUMENT", "A new collection needs a title.", "Give title, or collection_id for a known one."
        )
    made = Collection(id=editor.new_id("col"), title=title, by=editor.by, at=editor.now)
    collections.add_collection(connection, made)
    return made


def _view(connection: Connection, collection_id: str, after: str, limit: int) -> CollectionView:
    collection = collections.find_collection(connection, collection_id)
    found = collections.members(connection, collection_id, after, limit + 1)
    shown = tuple(Member(asset_id=a.id, title=a.title, kind=a.kind, status=a.status) for a in found[:limit])
    facts = {
        "etag": history.etag(connection, collection_id),
        "items": shown,
        "next_cursor": encode_cursor({"id": found[limit - 1].id}) if len(found) > limit else None,
        "total": collections.count_members(connection, collection_id),
    }
    return CollectionView.model_validate({**collection.model_dump(), **facts})
