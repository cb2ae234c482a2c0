"""The tools that hand timelines to other programs."""

import hashlib
from typing import Annotated

from pydantic import Field

from holdback_servers.editing import store
from holdback_servers.editing.answers import ExportView
from holdback_servers.editing.cutting import TimelineId
from holdback_servers.editing.interchange import Format, export
from holdback_servers.editing.rendering import start_timecodes
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_exchanging(door: Door) -> None:
    """Offer the tools that exchange timelines with other programs."""
    services = door.services

    @door.tool(title="Export a timeline", scope="editing:read")
    async def export_timeline(
        call: Call,
        timeline_id: TimelineId,
        format: Annotated[Format, Field(description="otio: OpenTimelineIO; edl: CMX 3600")],
        record_start: Annotated[str, Field(description="Timecode of frame 0; ; for drop-frame")] = "10:00:00:00",
    ) -> ExportView:
        """The timeline as a text that other editing programs read; media is named by sha256, no path leaves.

        Source timecodes are the media's own where its bytes are here.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        made = export(timeline, format, record_start, await start_timecodes(services, timeline))
        digest = "sha256:" + hashlib.sha256(made.text.encode()).hexdigest()
        return ExportView(filename=made.filename, media_type=made.media_type, sha256=digest, content=made.text)
