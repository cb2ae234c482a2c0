"""The tools for works: what a film is before any file of it."""

from typing import Annotated

from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import history
from holdback_servers.assets.edits import Editor, NewValue, record_values
from holdback_servers.assets.history import IfEtag
from holdback_servers.assets.holdings import works
from holdback_servers.assets.identifiers import checked
from holdback_servers.assets.model import AssetKind, Identifier, Status, Title, Work, WorkKind
from holdback_servers.assets.organising.writing import write
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor

_SHOWN = 200
WorkId = Annotated[str, Field(max_length=60, description="The work's id, wrk_...")]


class WorkAsset(Noun):
    """An asset of a work."""

    asset_id: str
    title: str
    kind: AssetKind
    status: Status


class WorkView(Work):
    """A work with the assets that are of it, at most 200; `total` counts them all."""

    etag: str
    assets: tuple[WorkAsset, ...]
    total: int


class WorkList(Noun):
    """A page of works, in the order they were recorded."""

    items: tuple[Work, ...]
    next_cursor: str | None = None


def offer_works(door: Door) -> None:
    """Offer `record_work`, `get_work` and `list_works`."""
    _offer_recording(door)

    @door.tool(title="Get a work", scope="assets:read")
    async def get_work(call: Call, work_id: WorkId) -> WorkView:
        """A work with its identifiers and the assets that are of it: masters, clips, highlights, music."""
        return await call.services.database.read(lambda c: _view(c, work_id))

    @door.tool(title="List works", scope="assets:read")
    async def list_works(
        call: Call,
        *,
        words: Annotated[str, Field(max_length=200, description="In the title or an identifier; all of them")] = "",
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> WorkList:
        """Works by words of their titles or by parts of their identifiers."""
        after = cursor_part(decode_cursor(cursor), "id", "")

        def unit(c: Connection) -> WorkList:
            found = works.list_works(c, words, after, limit + 1)
            more = encode_cursor({"id": found[limit - 1].id}) if len(found) > limit else None
            return WorkList(items=tuple(found[:limit]), next_cursor=more)

        return await call.services.database.read(unit)


def _offer_recording(door: Door) -> None:
    @door.tool(title="Record a work", scope="assets:write", kind="write")
    async def record_work(
        call: Call,
        *,
        work_id: Annotated[str | None, Field(description="The work to change; else a new one")] = None,
        title: Title | None = None,
        kind: WorkKind | None = None,
        identifiers: Annotated[
            tuple[Identifier, ...] | None,
            Field(max_length=20, description="All of them: EIDR, ISAN, ISRC, ISWC are checked; other scopes are free"),
        ] = None,
        story: Annotated[str | None, Field(max_length=200, description="The A2A context it came about in")] = None,
        asset_ids: Annotated[tuple[str, ...], Field(max_length=200, description="Assets that are of this work")] = (),
        if_etag: IfEtag = None,
    ) -> WorkView:
        """Put a work on record or change it: a film, an episode, a recording, and the identifiers it is known by.

        What is left out stays as it is. The named assets are linked to it; to link one elsewhere set its field work
        with update_metadata.
        """

        def effect(c: Connection, editor: Editor) -> WorkView:
            before = None if work_id is None else works.find_work(c, work_id)
            history.check_etag(c, before.id if before else "", if_etag if before else None)
            named = None if identifiers is None else tuple(dict.fromkeys(checked(each) for each in identifiers))
            given = {"title": title, "kind": kind, "identifiers": named, "story": story}
            changes = {name: value for name, value in given.items() if value is not None}
            kept = before.model_dump() if before else {"id": editor.new_id("wrk"), "at": editor.now}
            work = Work.model_validate({**kept, **changes})
            works.save_work(c, work, by=editor.by, now=editor.now)
            for asset_id in asset_ids:
                record_values(c, asset_id, [NewValue(field="work", value=work.id)], editor)
            return _view(c, work.id)

        return await write(call, WorkView, effect)


def _view(connection: Connection, work_id: str) -> WorkView:
    work = works.find_work(connection, work_id)
    own = works.assets_of_work(connection, work_id, _SHOWN)
    listed = tuple(WorkAsset(asset_id=a.id, title=a.title, kind=a.kind, status=a.status) for a in own)
    total, etag = works.count_of_work(connection, work_id), history.etag(connection, work_id)
    return WorkView.model_validate({**work.model_dump(), "etag": etag, "assets": listed, "total": total})
