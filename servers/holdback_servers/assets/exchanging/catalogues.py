"""The tools that give the catalogue out and take one in."""

import asyncio
from typing import Annotated, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets.exchanging.gathering import gather
from holdback_servers.assets.exchanging.merging import Merged, merge
from holdback_servers.assets.interchange import ebucore, ebucore_reading, omc, omc_reading
from holdback_servers.assets.interchange.catalogue import Catalogue, Coverage, Incoming, incoming
from holdback_servers.assets.organising.writing import write
from holdback_servers.services import Call
from holdback_servers.serving import Door

Format = Literal["omc", "ebucoreplus"]


class ExportedCatalogue(Noun):
    """A file for others: JSON or Turtle, and how much of what the library knows is in it."""

    format: Format
    file_name: str
    media_type: str
    content: str
    coverage: Coverage


def offer_catalogues(door: Door) -> None:
    """Offer `export_catalogue` and `import_catalogue`."""

    @door.tool(title="Export the catalogue", scope="assets:read")
    async def export_catalogue(
        call: Call,
        *,
        format: Annotated[Format, Field(description="omc: OMC-JSON 2.8; ebucoreplus: EBUCorePlus 2.0 in Turtle")],
        asset_ids: Annotated[tuple[str, ...], Field(max_length=500)] = (),
        collection_id: Annotated[str | None, Field(description="All assets of a collection, col_...")] = None,
        work_id: Annotated[str | None, Field(description="All assets of a work, wrk_...")] = None,
    ) -> ExportedCatalogue:
        """Write assets, their works and AI configurations in a format of other houses, at most 500 assets at once.

        coverage tells for each field how many values have a property of the format's own, stand in its custom data, or
        are lost. Bytes do not go along; versions are named by their sha256.
        """
        unit = gather(asset_ids, collection_id, work_id)
        return await asyncio.to_thread(_exported, format, await call.services.database.read(unit))

    @door.tool(title="Import a catalogue", scope="assets:write", kind="write", idempotent=True)
    async def import_catalogue(
        call: Call,
        *,
        format: Format,
        content: Annotated[str, Field(max_length=32 << 20, description="The file, as text")],
        preview: Annotated[bool, Field(description="Only tell what would be done")] = False,
    ) -> Merged:
        """Take in works, AI configurations and what is said of bytes that are here, from OMC-JSON or EBUCorePlus.

        All of it or nothing; the same again changes nothing. Works are recognised by their identifiers, bytes by their
        sha256; what a person entered here stays. What is said of bytes that are not here is counted and left out;
        left_out counts what the library has no place for, by the format's own names.
        """
        given = await asyncio.to_thread(_read, format, content)

        def effect(connection: Connection) -> Merged:
            return merge(connection, given, call, preview=preview)

        if preview:
            return await call.services.database.write(effect)
        return await write(call, Merged, lambda connection, _: effect(connection))


def _exported(format: Format, catalogue: Catalogue) -> ExportedCatalogue:
    if not catalogue.shelves:
        raise Problem("INVALID_ARGUMENT", "No asset is named.", "Give asset_ids, a collection_id or a work_id.")
    if format == "omc":
        name, kind, content, found = "catalogue.json", "application/json", omc.write(catalogue), omc.coverage(catalogue)
    else:
        name, kind = "catalogue.ttl", "text/turtle"
        content, found = ebucore.write(catalogue), ebucore.coverage(catalogue)
    return ExportedCatalogue(format=format, file_name=name, media_type=kind, content=content, coverage=found)


def _read(format: Format, content: str) -> Incoming:
    if format == "ebucoreplus":
        return ebucore_reading.read(content)
    found = omc_reading.read(content)
    return incoming(found.catalogue, found.said, found.left)
