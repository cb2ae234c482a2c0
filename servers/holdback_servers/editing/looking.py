"""The tools that look at timelines: one as it is, what changed, what is wrong with it."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.editing import store
from holdback_servers.editing.answers import (
    DifferenceView,
    TimelineList,
    TimelineView,
    ValidationView,
    listed_view,
    timeline_view,
)
from holdback_servers.editing.cutting import TimelineId
from holdback_servers.editing.differences import differences
from holdback_servers.editing.validation import validate
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor


def offer_looking(door: Door) -> None:
    """Offer the tools that read timelines."""
    services = door.services

    @door.tool(title="Get a timeline", scope="editing:read")
    async def get_timeline(
        call: Call,
        timeline_id: TimelineId,
        with_elements: Annotated[bool, Field(description="Also list what the cut is made of, unsigned")] = False,
    ) -> TimelineView:
        """A timeline as it is: clips, transitions, layers, sound, words, regions, shape and how it came about.

        On request also its elements.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        return timeline_view(timeline, with_elements=with_elements)

    @door.tool(title="List timelines", scope="editing:read")
    async def list_timelines(
        call: Call,
        *,
        family_of: Annotated[
            str | None, Field(max_length=60, description="A timeline, tl_...: every revision of its family instead")
        ] = None,
        title: Annotated[str | None, Field(max_length=100, description="Words that the title holds")] = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> TimelineList:
        """Timelines, newest first: of each family the newest revision, or the whole history of one family.

        Each says who made it when and why, what changed, and what was rendered from it.
        """
        before = cursor_part(decode_cursor(cursor), "place", 0)

        def found(c: Connection) -> TimelineList:
            root = store.find(c, family_of).root if family_of else None
            some = store.listed(c, root=root, title=title, before=before, limit=limit + 1)
            renders = store.renders_of(c, [each.id for _, each in some])
            more = encode_cursor({"place": some[limit - 1][0]}) if len(some) > limit else None
            items = tuple(listed_view(each, renders.get(each.id, ())) for _, each in some[:limit])
            return TimelineList(items=items, next_cursor=more)

        return await services.database.read(found)

    @door.tool(title="Compare two timelines", scope="editing:read")
    async def diff_timelines(call: Call, before: TimelineId, after: TimelineId) -> DifferenceView:
        """What has changed from one timeline to another, in an editor's words."""
        old, new = await services.database.read(lambda c: (store.find(c, before), store.find(c, after)))
        return DifferenceView(before=before, after=after, changes=tuple(differences(old, new)))

    @door.tool(title="Validate a timeline", scope="editing:read")
    async def validate_timeline(call: Call, timeline_id: TimelineId) -> ValidationView:
        """What stops a render (errors) and what an editor should look at (warnings), without rendering.

        Finds media offline, spans beyond media, mixed rates, missing handles, transitions and layers that overlap,
        overlays outside the cut, credits and captions too short or fast to read, flash frames, gaps and overlaps in
        sound, blurs that are never seen, impossible timecodes.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        findings = tuple(validate(timeline, services.media.has))
        valid = not any(each.severity == "error" for each in findings)
        return ValidationView(timeline=timeline.id, valid=valid, findings=findings)
