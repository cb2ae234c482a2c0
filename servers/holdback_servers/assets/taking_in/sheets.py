"""The tool that hands out the sidecar sheet to start from."""

import asyncio
import base64
from typing import Annotated

from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_servers.assets.batches.folders import find_folder, look_into
from holdback_servers.assets.sheets.template import Form, template
from holdback_servers.services import Call
from holdback_servers.serving import Door

_TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}


class SheetFile(Noun):
    """A file as text, or its bytes as base64 where `base64` says so."""

    file_name: str
    media_type: str
    base64: bool
    content: str
    files: int


def offer_sheets(door: Door) -> None:
    """Offer `get_sheet_template`."""

    @door.tool(title="Get a sheet to fill in", scope="assets:read")
    async def get_sheet_template(
        call: Call,
        *,
        form: Annotated[Form, Field(description="xlsx explains every column; csv is plain text")] = "xlsx",
        folder: Annotated[
            str | None, Field(max_length=4096, description="Begin with a line for each media file of this folder")
        ] = None,
    ) -> SheetFile:
        """The sidecar sheet that ingest_folder reads, to be filled in and saved in the folder as assets.xlsx or .csv.

        Its columns are file, title, kind, ref, tags, description, work, identifiers, language, and `field: name` for
        metadata of your own; the workbook has sheets for shot logs and for elements too.
        """
        names: tuple[str, ...] = ()
        if folder is not None:
            place = await asyncio.to_thread(find_folder, folder, call.services.settings)
            names = tuple(each.name for each in (await asyncio.to_thread(look_into, place)).files)
        made = await asyncio.to_thread(template, form, names)
        binary = form == "xlsx"
        return SheetFile(
            file_name=f"assets.{form}",
            media_type=_TYPES[form],
            base64=binary,
            content=base64.b64encode(made).decode() if binary else made.decode("utf-8-sig"),
            files=len(names),
        )
