"""The tools that take files of other systems in, and tell what aired against what was planned."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, time_range
from holdback_trust.policy import Action
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books
from holdback_servers.schedule.arguments import actor_of
from holdback_servers.schedule.asrun_nouns import FileContents, FileKind, ImportReport, Reconciliation
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.exchanging.airing import reconciled
from holdback_servers.schedule.exchanging.comparing import Taking
from holdback_servers.schedule.exchanging.taking import take
from holdback_servers.schedule.interchange import bxf_reading, ffplayout, table_reading, xmltv_reading
from holdback_servers.schedule.interchange.wall import Dates
from holdback_servers.schedule.interchange.written import one_line
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import decode_cursor, encode_cursor

Readable = Literal["csv", "bxf", "xmltv", "ffplayout"]
Tolerance = Annotated[int, Field(description="Seconds that do not count as late, early, short or long.", ge=0, le=3600)]


def offer_importing(door: Door) -> None:
    """Add them to the schedule's door."""

    @door.tool(title="Import schedule", scope="schedule:plan", kind="destroy", idempotent=True)
    async def import_schedule(
        call: Call,
        *,
        content: Annotated[str, Field(description="The file as text, 4 MB at most.", min_length=1)],
        format: Annotated[Readable, Field(description="csv and bxf for both kinds; the others for a grid.")],
        kind: Annotated[FileKind, Field(description="grid: what is planned; as_run: what really aired.")],
        channel: Annotated[str, Field(description="Name of the channel that the file is about.")],
        name: Annotated[str, Field(description="What to call the file, in messages and history.", max_length=200)] = "",
        dates: Annotated[
            Dates,
            Field(
                description="Whether a date in csv and bxf is the calendar's, or the broadcast day's, whose nights "
                "belong to the day before."
            ),
        ] = "calendar",
        start: Annotated[
            Instant | None, Field(description="From when the file covers its channel, where its first line is later.")
        ] = None,
        end: Annotated[
            Instant | None, Field(description="Until when it covers it, where its last line ends earlier.")
        ] = None,
        tolerance_seconds: Tolerance = 60,
        replace: Annotated[
            bool,
            Field(description="Take off what earlier files put into the same hours and this one does not hold."),
        ] = False,
        preview: Annotated[bool, Field(description="Only tell what would happen; false records it.")] = True,
    ) -> ImportReport:
        """Take in another system's grid, or what really aired: a preview first, then with preview=false.

        The preview names every mistake by row and cell with the cure, and what overlaps. All of a file is recorded or,
        with any mistake, nothing; the same file again changes nothing. A grid's items come in scheduled and locked,
        without a clearance, and are never delivered. As-run is matched with the plan: what aired uses its runs, what
        did not air on a linear channel fails and gives them back, and differences are kept in the history. Recording
        needs schedule:commit. Times without a zone are the channel's own.
        """
        if not preview:
            call.require(Action(name="schedule.import_schedule", scope="schedule:commit", kind="destroy"))
        if start is not None:
            time_range(start, end)
        services, title = call.services, one_line(name) or f"the {format} file"
        on = await services.database.read(lambda c: books.find_channel(c, channel))
        read = await asyncio.to_thread(_read, format, kind, content, title, on, dates)
        taking = Taking(
            kind=kind, channel=on.name, name=title, contents=read, replace=replace,
            tolerance=timedelta(seconds=tolerance_seconds), now=services.clock(), actor=actor_of(call),
            new_id=services.new_id, start=start, end=end,
        )  # fmt: skip
        if preview or read.mistakes:
            return await services.database.read(lambda c: take(c, taking, apply=False))

        def unit(c: Connection) -> dict[str, Any]:
            return call.once(c, lambda: take(c, taking, apply=True).model_dump(mode="json"))

        return ImportReport.model_validate(await services.database.write(unit))

    @door.tool(title="Reconcile schedule", scope="schedule:read")
    async def reconcile_schedule(
        call: Call,
        *,
        channel: Annotated[str, Field(description="Name of the channel.")],
        start: Annotated[Instant, Field(description="From here on.")],
        end: Annotated[Instant, Field(description="Up to here; 31 days at most.")],
        tolerance_seconds: Tolerance = 60,
        limit: Annotated[int, Field(description="How many at most.", ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
    ) -> Reconciliation:
        """Compare what was planned with what really aired, as far as as-run files were imported.

        Each item is as planned, shifted, cut short, overran, missing, or unplanned; counts are of all of them.
        """
        window = time_range(start, end)
        if end - start > timedelta(days=31):
            raise Problem("RANGE_INVALID", "The window is longer than 31 days.", "Ask for a part of it at a time.")
        place = decode_cursor(cursor)
        first = place.get("from", 0) if place else 0
        if not isinstance(first, int) or first < 0:
            raise Problem("INVALID_ARGUMENT", "The cursor is not one of this list.", "Leave it out to begin anew.")
        tolerance, now = timedelta(seconds=tolerance_seconds), call.services.clock()

        def unit(c: Connection) -> Reconciliation:
            return reconciled(c, books.find_channel(c, channel), window, tolerance, now)

        found = await call.services.database.read(unit)
        more = encode_cursor({"from": first + limit}) if len(found.items) > first + limit else None
        return found.model_copy(update={"items": found.items[first : first + limit], "next_cursor": more})


def _read(  # noqa: PLR0917 - what a reader needs
    format: Readable, kind: FileKind, content: str, name: str, channel: Channel, dates: Dates
) -> FileContents:
    match format:
        case "csv":
            return table_reading.read(content, name, channel, dates)
        case "bxf":
            return bxf_reading.read(content, name, channel, kind, dates)
        case _ if kind == "as_run":
            raise Problem("INVALID_ARGUMENT", f"{format} cannot tell what aired.", "Give as-run as csv or bxf.")
        case "xmltv":
            return xmltv_reading.read(content, name, channel)
        case "ffplayout":
            return ffplayout.read(content, name, channel)
