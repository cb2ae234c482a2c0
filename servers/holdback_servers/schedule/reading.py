"""The schedule's tools that only read: channels, publications, conflicts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, TypeVar

from holdback_base.problem import Problem
from holdback_base.vocabulary import medium_within, parse_medium, time_range
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, store
from holdback_servers.schedule.answers import ChannelList, ConflictList, SchedulePage
from holdback_servers.schedule.arguments import Channels, End, Start, States, bounded, chosen
from holdback_servers.schedule.committing import standing_of
from holdback_servers.schedule.constraints import conflicts
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import decode_cursor, encode_cursor

Limit = Annotated[int, Field(description="How many at most.", ge=1, le=200)]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before.")]
Item = TypeVar("Item")


def offer_reading(door: Door, outside: Outside) -> None:
    """Add the reading tools to the schedule's door."""

    @door.tool(title="List channels", scope="schedule:read")
    async def list_channels(
        call: Call,
        platforms: Annotated[
            list[str] | None, Field(description="Nodes of the media tree, such as social or social.youtube.")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ChannelList:
        """List the channels that something can be published on, with the rules each keeps.

        Says platform, territories, time zone, daily cap, minimum gap, title separation, blackouts and the reach curve.
        """
        wanted = [parse_medium(each) for each in platforms or ["all"]]
        found = await call.services.database.read(books.all_channels)
        items = [each for each in found if any(medium_within(each.platform, node) for node in wanted)]
        shown, more = _leaf(items, limit, cursor)
        return ChannelList(items=tuple(shown), next_cursor=more, total=len(items))

    @door.tool(title="Get schedule", scope="schedule:read")
    async def get_schedule(
        call: Call,
        *,
        channels: Channels = None,
        start: Start = None,
        end: End = None,
        states: States = None,
        publications: Annotated[
            list[str] | None,
            Field(
                description="Only these, by the ids of publications (pub_) or holds (hold_), whenever they start; the "
                "rest of the question is not looked at.",
                max_length=200,
            ),
        ] = None,
        history: Annotated[bool, Field(description="Also who did what to each, and why.")] = False,
        approvals: Annotated[
            bool, Field(description="Also whether the approval of each still stands; the gateway is asked.")
        ] = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> SchedulePage:
        """List publications in order of their start: held, scheduled, and what became of earlier ones.

        Without a start the list begins a day ago. A hold whose time is over is shown as cancelled.
        """
        now = call.services.clock()
        window = time_range(start or now - timedelta(days=1), end)
        place = decode_cursor(cursor)
        after = (str(place.get("start")), str(place.get("id"))) if place else None

        def unit(c: Connection) -> list[Publication]:
            if publications:
                return shown(c, [store.find_publication(c, each, now) for each in dict.fromkeys(publications)])
            names = [books.find_channel(c, name).name for name in channels or ()]
            found = store.page(c, window, now, channel_names=names, states=states or (), after=after, limit=limit + 1)
            return shown(c, found)

        def shown(c: Connection, found: list[Publication]) -> list[Publication]:
            return store.with_history(c, found) if history else [_plain(each) for each in found]

        found = await call.services.database.read(unit)
        items, more = tuple(found), None
        if not publications:
            more = encode_cursor(store.place_of(found[limit - 1])) if len(found) > limit else None
            items = items[:limit]
        stand = await standing_of([each.approval for each in items], outside.approval_status) if approvals else None
        return SchedulePage(items=items, next_cursor=more, approvals=stand)

    @door.tool(title="Find conflicts", scope="schedule:read")
    async def find_conflicts(
        call: Call,
        *,
        channels: Channels = None,
        start: Start = None,
        end: End = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ConflictList:
        """Find rules that what is on the books breaks: overlaps, gaps, separations, caps, blackouts, watershed.

        Looks at 28 days from the start, which is now when it is left out; 92 days at most.
        """
        now = call.services.clock()
        window = bounded(start or now, end)

        def unit(c: Connection) -> ConflictList:
            found = [
                each
                for channel in chosen(c, channels, None)
                for each in conflicts(books.read_books(c, channel, window, now), books.read_late(c, channel, window))
                if window.contains(each.at)
            ]
            shown, more = _leaf(found, limit, cursor)
            return ConflictList(items=tuple(shown), next_cursor=more, total=len(found))

        return await call.services.database.read(unit)


def _leaf(found: Sequence[Item], limit: int, cursor: str | None) -> tuple[Sequence[Item], str | None]:
    """The page of a list that is worked out anew at each call, and the cursor of the next."""
    place = decode_cursor(cursor)
    first = place.get("from", 0) if place else 0
    if not isinstance(first, int) or first < 0:
        raise Problem("INVALID_ARGUMENT", "The cursor is not one of this list.", "Leave it out to begin anew.")
    more = encode_cursor({"from": first + limit}) if len(found) > first + limit else None
    return found[first : first + limit], more


def _plain(publication: Publication) -> Publication:
    return publication.model_copy(update={"history": ()})
