"""The tools that take an asset out of sight and bring it back, and those that forbid it: legal holds."""

from typing import Annotated

from holdback_base.vocabulary import Noun
from holdback_trust.grants import HOLD
from pydantic import Field, StringConstraints
from sqlalchemy import Connection

from holdback_servers.assets import history, store
from holdback_servers.assets.edits import Editor
from holdback_servers.assets.edits import remove_asset as remove_from_sight
from holdback_servers.assets.edits import restore_asset as bring_back
from holdback_servers.assets.history import IfEtag
from holdback_servers.assets.holdings import holds
from holdback_servers.assets.holdings.holds import LegalHold
from holdback_servers.assets.model import Status
from holdback_servers.assets.organising.writing import require_person, write
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor

AssetId = Annotated[str, Field(max_length=60, description="The asset's id, ast_...")]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=2000),
    Field(description="Why; it stays on record"),
]


class AssetState(Noun):
    """An asset and how it stands now."""

    asset_id: str
    title: str
    status: Status
    etag: str


class HoldList(Noun):
    """A page of the register of legal holds, oldest first."""

    items: tuple[LegalHold, ...]
    next_cursor: str | None = None


def offer_removing(door: Door) -> None:
    """Offer `remove_asset`, `restore_asset`, `place_hold`, `release_hold` and `list_holds`."""
    _offer_removing(door)
    _offer_holds(door)


def _offer_removing(door: Door) -> None:
    @door.tool(title="Remove an asset", scope="assets:write", kind="destroy", idempotent=True)
    async def remove_asset(call: Call, asset_id: AssetId, reason: Reason, if_etag: IfEtag = None) -> AssetState:
        """Take an asset out of search and out of reach. Its record, its history and its bytes stay.

        Cuts that use its media go on working. restore_asset brings it back. An asset under a legal hold is not removed.
        """

        def effect(c: Connection, editor: Editor) -> AssetState:
            remove_from_sight(c, asset_id, reason, editor, if_etag)
            return _state(c, asset_id)

        return await write(call, AssetState, effect)

    @door.tool(title="Restore an asset", scope="assets:write", kind="write")
    async def restore_asset(call: Call, asset_id: AssetId, reason: Reason, if_etag: IfEtag = None) -> AssetState:
        """Bring a removed asset back with the status that it had."""

        def effect(c: Connection, editor: Editor) -> AssetState:
            bring_back(c, asset_id, reason, editor, if_etag)
            return _state(c, asset_id)

        return await write(call, AssetState, effect)


def _offer_holds(door: Door) -> None:
    @door.tool(title="Place a legal hold", scope=HOLD, kind="write")
    async def place_hold(call: Call, asset_id: AssetId, reason: Reason) -> LegalHold:
        """Put an asset under a legal hold: until it is released nobody can remove or archive the asset.

        An asset may be under several holds; each is released by itself.
        """

        def effect(c: Connection, editor: Editor) -> LegalHold:
            hold = LegalHold(id=editor.new_id("hold"), asset_id=asset_id, reason=reason, by=editor.by, at=editor.now)
            holds.place_hold(c, hold)
            return hold

        return await write(call, LegalHold, effect)

    @door.tool(title="Release a legal hold", scope=HOLD, kind="destroy", idempotent=True)
    async def release_hold(
        call: Call, hold_id: Annotated[str, Field(max_length=60, description="The hold's id, hold_...")], reason: Reason
    ) -> LegalHold:
        """End a legal hold, as a person. It stays in the register, with who released it and why."""
        require_person(call, "to release a legal hold")
        return await write(
            call, LegalHold, lambda c, editor: holds.release_hold(c, hold_id, reason, by=editor.by, now=editor.now)
        )

    @door.tool(title="List legal holds", scope="assets:read")
    async def list_holds(
        call: Call,
        *,
        asset_id: Annotated[str | None, Field(description="Only of this asset")] = None,
        include_released: bool = False,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> HoldList:
        """The register of legal holds, oldest first: what is held, why, by whom, and what was released."""
        after = cursor_part(decode_cursor(cursor), "id", "")

        def unit(c: Connection) -> HoldList:
            if asset_id is not None:
                store.find_asset(c, asset_id)
            found = holds.list_holds(c, asset_id, released=include_released, after=after, limit=limit + 1)
            more = encode_cursor({"id": found[limit - 1].id}) if len(found) > limit else None
            return HoldList(items=tuple(found[:limit]), next_cursor=more)

        return await call.services.database.read(unit)


def _state(connection: Connection, asset_id: str) -> AssetState:
    asset = store.find_asset(connection, asset_id)
    etag = history.etag(connection, asset_id)
    return AssetState(asset_id=asset_id, title=asset.title, status=asset.status, etag=etag)
