"""The tools that look at timelines: one as it is, what changed, what is wrong with it."""

from typing import Annotated

from pydantic import Field

from holdback_servers.editing import store
from holdback_servers.editing.answers import DifferenceView, TimelineView, ValidationView, timeline_view
from holdback_servers.editing.cutting import TimelineId
from holdback_servers.editing.differences import differences
from holdback_servers.editing.validation import validate
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_looking(door: Door) -> None:
    """Offer the tools that read timelines."""
    services = door.services

    @door.tool(title="Get a timeline", scope="editing:read")
    async def get_timeline(
        call: Call,
        timeline_id: TimelineId,
        with_elements: Annotated[bool, Field(description="Also list what the cut is made of, unsigned")] = False,
    ) -> TimelineView:
        """A timeline as it is: clips, sound, overlays, shape, how it came about, and on request its elements."""
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        return timeline_view(timeline, with_elements=with_elements)

    @door.tool(title="Compare two timelines", scope="editing:read")
    async def diff_timelines(call: Call, before: TimelineId, after: TimelineId) -> DifferenceView:
        """What has changed from one timeline to another, in an editor's words."""
        old, new = await services.database.read(lambda c: (store.find(c, before), store.find(c, after)))
        return DifferenceView(before=before, after=after, changes=tuple(differences(old, new)))

    @door.tool(title="Validate a timeline", scope="editing:read")
    async def validate_timeline(call: Call, timeline_id: TimelineId) -> ValidationView:
        """What stops a render (errors) and what an editor should look at (warnings), without rendering.

        Finds media offline, spans beyond media, mixed rates, overlays outside the cut, credits too short to read,
        flash frames, gaps and overlaps in sound, blurs that are never seen.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        findings = tuple(validate(timeline, services.media.has))
        valid = not any(each.severity == "error" for each in findings)
        return ValidationView(timeline=timeline.id, valid=valid, findings=findings)
