"""Arguments that several of the schedule's tools share, and what they stand for."""

from datetime import datetime, timedelta
from typing import Annotated

from holdback_base.database import known_stories
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, TimeRange, medium_within, parse_medium, time_range
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.media_store import MediaStore
from holdback_servers.schedule import books, store
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Details, State
from holdback_servers.services import Call

DEFAULT_SPAN = timedelta(days=28)
_LONGEST_SPAN = timedelta(days=92)

Channels = Annotated[list[str] | None, Field(description="Names of channels; leave out for all.", max_length=100)]
Start = Annotated[Instant | None, Field(description="Only what starts at or after this instant.")]
End = Annotated[Instant | None, Field(description="Only what starts before this instant.")]
States = Annotated[list[State] | None, Field(description="Only these states; leave out for all.")]


def bounded(start: datetime, end: datetime | None, now: datetime | None = None) -> TimeRange:
    """A window that ends, 28 days after its start unless said otherwise, and not longer than 92 days."""
    if now is not None and end is not None and end <= now:
        raise Problem("RANGE_INVALID", "The latest start is in the past.", "Give one that is still to come.")
    window = time_range(start, end or start + DEFAULT_SPAN)
    if window.end is not None and window.end - window.start > _LONGEST_SPAN:
        raise Problem("RANGE_INVALID", "The window is longer than 92 days.", "Ask for a part of it at a time.")
    return window


def chosen(c: Connection, names: list[str] | None, platforms: list[str] | None) -> list[Channel]:
    """The channels named, or those on the platforms, or all. Raises Problem CHANNEL_UNKNOWN when there is none."""
    if names:
        return [books.find_channel(c, name) for name in dict.fromkeys(names)]
    known = books.all_channels(c)
    if platforms is None:
        return known
    nodes = [parse_medium(each) for each in platforms]
    found = [each for each in known if any(medium_within(each.platform, node) for node in nodes)]
    if not found:
        offered = ", ".join(sorted({each.platform for each in known})) or "none; record_channel adds a channel"
        raise Problem("CHANNEL_UNKNOWN", f"No channel is on {', '.join(nodes)}.", f"There are channels on: {offered}.")
    return found


def following(c: Connection, details: Details, now: datetime) -> Details:
    """What follows a held slot may name it by the hold's id. Raises Problem NOT_FOUND."""
    if details.follows is None:
        return details
    return details.model_copy(update={"follows": store.find_publication(c, details.follows, now).id})


def actor_of(call: Call) -> books.Actor:
    """Who is written into the history: the agent that acts, or the person, and for whom."""
    return books.Actor(by=call.caller.agent or call.caller.person, on_behalf_of=call.caller.person)


def story_for(c: Connection, media: MediaStore, name: str | None) -> str | None:
    """The closed story that bytes belong to, for a publication of them.

    Raises Problem NOT_FOUND for bytes that whoever asks may not know of.
    """
    story = None if name is None else media.story(name)
    known = known_stories(c)
    if story is not None and known is not None and story not in known:
        raise Problem("NOT_FOUND", f"There is no media {name}.", "Give the sha256 of a file that is there.")
    return story
