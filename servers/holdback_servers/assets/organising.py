"""The tools that say what material is and how it belongs together."""

from typing import Annotated, Any

from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_servers.assets.answers import MetadataUpdate
from holdback_servers.assets.edits import Editor, NewValue, record_values
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_organising(door: Door) -> None:
    """Offer `update_metadata`."""
    services = door.services

    @door.tool(title="Update metadata", scope="assets:write", kind="write")
    async def update_metadata(
        call: Call,
        target: Annotated[str, Field(description="An asset (ast_), version (ver_) or segment (seg_)")],
        values: Annotated[list[NewValue], Field(min_length=1, max_length=50)],
    ) -> MetadataUpdate:
        """Record metadata values with their provenance: method, confidence and AI configuration.

        An asset's title, kind, status (ready, restricted, archived, taken_down), description and tags are fields too,
        as are a segment's description and tags. Nothing is overwritten: each value names the one it supersedes. A
        machine's value does not replace a person's.
        """
        editor = Editor(_by(call), services.clock(), services.new_id)
        kept = await services.database.write(
            lambda c: call.once(
                c, lambda: _json(MetadataUpdate(target=target, values=tuple(record_values(c, target, values, editor))))
            )
        )
        return MetadataUpdate.model_validate(kept)


def _by(call: Call) -> str:
    return call.caller.text()


def _json(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)
