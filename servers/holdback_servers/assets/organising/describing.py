"""The tools for metadata: record values, review those of machines, read the history of anything."""

from collections.abc import Iterable
from typing import Annotated, Literal

from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import history, store
from holdback_servers.assets.answers import MetadataUpdate
from holdback_servers.assets.closing import FIELDS, mark_media, value_media
from holdback_servers.assets.edits import Editor, NewValue, Review, record_values
from holdback_servers.assets.edits import review_value as review_in_store
from holdback_servers.assets.history import Happening, IfEtag, Place
from holdback_servers.assets.model import FieldValue, Value
from holdback_servers.assets.organising.writing import require_closing, require_person, write
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor


class History(Noun):
    """A page of a history, newest first, and the target's etag now."""

    target: str
    etag: str
    items: tuple[Happening, ...]
    next_cursor: str | None = None


def offer_describing(door: Door) -> None:
    """Offer `update_metadata`, `review_value` and `get_history`."""

    @door.tool(title="Update metadata", scope="assets:write", kind="write")
    async def update_metadata(
        call: Call,
        target: Annotated[str, Field(description="An asset (ast_), version (ver_) or segment (seg_)")],
        values: Annotated[list[NewValue], Field(min_length=1, max_length=50)],
        if_etag: IfEtag = None,
    ) -> MetadataUpdate:
        """Record metadata values with their provenance: method, confidence and AI configuration.

        An asset's title, kind, status (ready, restricted, archived, taken_down), description, tags and work (wrk_) are
        fields too, as are a segment's description and tags. Nothing is overwritten: each value names the one it
        supersedes. A machine's value does not replace a person's, and its configuration must be on record.

        With assets:declare or assets:hold an asset's tier (1 to 3, how valuable it is) and story can be set too: an
        asset of a closed story is there only for who may know of it, with all that was made of it; an empty story opens
        it.
        """
        closing = [each for each in values if each.field in FIELDS]
        for each in closing:
            require_closing(call, each.value if each.field == "story" else None)

        media = call.services.media

        def effect(c: Connection, editor: Editor) -> MetadataUpdate:
            recorded = record_values(c, target, values, editor, if_etag=if_etag)
            moved = _set(recorded, "story")
            if moved and store.find_asset(c, target).story is not None:
                mark_media(c, media, moved)
            value_media(c, media, _set(recorded, "tier"))
            return _updated(c, target, [each for each in recorded if each.target == target])

        updated = await write(call, MetadataUpdate, effect, may_close=bool(closing))
        if _set(updated.values, "story"):
            await call.services.database.read(lambda c: mark_media(c, media, [target]))
        if _set(updated.values, "tier"):
            await call.services.database.read(lambda c: value_media(c, media, [target], may_sink=True))
        return updated

    @door.tool(title="Review a value", scope="assets:write", kind="write")
    async def review_value(
        call: Call,
        value_id: Annotated[str, Field(description="The value's id (evt_...), from get_asset or get_history")],
        verdict: Literal["accepted", "corrected", "rejected"],
        value: Annotated[Value | None, Field(description="What is right instead, with verdict corrected")] = None,
        comment: Annotated[str, Field(max_length=1000)] = "",
    ) -> MetadataUpdate:
        """Say, as a person, what you found of a metadata value that a machine made or a file brought.

        A corrected value is superseded by yours. A rejected one stays on record, and the value before it counts again.
        An agent may not review.
        """
        require_person(call, "to review a value")

        def effect(c: Connection, editor: Editor) -> MetadataUpdate:
            found = review_in_store(c, value_id, Review(verdict, value, comment), editor)
            return _updated(c, found[0].target, found)

        return await write(call, MetadataUpdate, effect)

    @door.tool(title="Get the history", scope="assets:read")
    async def get_history(
        call: Call,
        target: Annotated[
            str, Field(max_length=220, description="An id (ast_, ver_, seg_, wrk_, col_) or an AI configuration's URN")
        ],
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> History:
        """Everything that was done to something, newest first: values and what superseded them, versions that came,
        holds, collections, reviews, removals, each with who did it and when.

        The history of an asset holds that of its versions. Nothing is ever taken out of it.
        """
        given = decode_cursor(cursor)
        after = Place(
            values=cursor_part(given, "v", history.BEGINNING.values),
            happenings=cursor_part(given, "h", history.BEGINNING.happenings),
        )
        return await call.services.database.read(lambda c: _page(c, target, after, limit))


def _set(recorded: Iterable[FieldValue], field: str) -> list[str]:
    """The assets whose story or tier was set."""
    return [each.target for each in recorded if each.field == field]


def _updated(connection: Connection, target: str, values: list[FieldValue]) -> MetadataUpdate:
    return MetadataUpdate(target=target, etag=history.etag(connection, target), values=tuple(values))


def _page(connection: Connection, target: str, after: Place, limit: int) -> History:
    found, place = history.entries(connection, target, after, limit)
    return History(
        target=target,
        etag=history.etag(connection, target),
        items=tuple(found),
        next_cursor=None if place is None else encode_cursor({"v": place.values, "h": place.happenings}),
    )
