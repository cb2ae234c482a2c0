"""The tool that writes the schedule as files."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, time_range
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import store
from holdback_servers.schedule.arguments import Channels, End, Start, States, chosen
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange import bxf, ffplayout, ical, table, xmltv
from holdback_servers.schedule.interchange.written import FIRM, Format, ScheduleExport, Written
from holdback_servers.schedule.model import Publication, State
from holdback_servers.services import Call
from holdback_servers.serving import Door

EXPORT_LIMIT = 5000
"""Publications in one export."""
USUAL: tuple[State, ...] = ("held", "approved", "scheduled", "live", "expired")
"""States that an export holds when none are named."""


def offer_exporting(door: Door) -> None:
    """Add it to the schedule's door."""

    @door.tool(title="Export schedule", scope="schedule:read")
    async def export_schedule(
        call: Call,
        *,
        format: Annotated[
            Format,
            Field(description="ical for calendars, xmltv for guides, bxf for automation, ffplayout for playout, csv."),
        ] = "ical",
        channels: Channels = None,
        start: Start = None,
        end: End = None,
        states: States = None,
    ) -> ScheduleExport:
        """Write the schedule as files for another system, and say what its format cannot say.

        Calendars and tables hold all that is asked for; held is tentative. XMLTV, BXF and ffplayout hold what linear
        channels are sure to show: scheduled, live and expired. ffplayout has a file for each broadcast day. BXF is
        shaped after SMPTE ST 2021 and not certified. Without a start it begins a day ago.
        """
        now = call.services.clock()
        window = time_range(start or now - timedelta(days=1), end)

        def unit(c: Connection) -> tuple[list[Publication], dict[str, Channel]]:
            return _asked(c, window, now, channels, states or (USUAL if format in ("ical", "csv") else sorted(FIRM)))

        found, shown = await call.services.database.read(unit)
        written = await asyncio.to_thread(_write, format, found[:EXPORT_LIMIT], shown, now)
        _check_size(written, call.services.settings.inline_limit)
        complete = len(found) <= EXPORT_LIMIT
        return ScheduleExport(
            files=written.files,
            publications=written.publications,
            losses=written.losses,
            format=format,
            complete=complete,
        )


def _check_size(written: Written, most: int) -> None:
    size = sum(len(each.content) for each in written.files)
    if size > most:
        raise Problem(
            "TOO_LARGE",
            f"The files have {size >> 20} MB; an answer may have {most >> 20}.",
            "Ask for fewer channels, or for a shorter time.",
        )


def _asked(
    c: Connection, window: TimeRange, now: datetime, channels: list[str] | None, states: Iterable[State]
) -> tuple[list[Publication], dict[str, Channel]]:
    shown = {each.name: each for each in chosen(c, channels, None)}
    wanted = list(states)
    found = store.page(c, window, now, channel_names=list(shown), states=wanted, limit=EXPORT_LIMIT + 1)
    return store.with_history(c, found), shown


def _write(format: Format, found: list[Publication], channels: Mapping[str, Channel], now: datetime) -> Written:
    match format:
        case "ical":
            return ical.write(found, channels)
        case "xmltv":
            return xmltv.write(found, channels)
        case "bxf":
            return bxf.write(found, channels, now)
        case "ffplayout":
            return ffplayout.write(found, channels)
        case "csv":
            return table.write(found, channels)
