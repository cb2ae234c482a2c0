"""A slot that a plan chose, as the publication that is held for it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from holdback_servers.schedule.admission import asked_availability, check_outlasts_lead
from holdback_servers.schedule.arguments import story_for
from holdback_servers.schedule.books import Actor, find_channel
from holdback_servers.schedule.model import Availability, Details, Publication, availability_bounds
from holdback_servers.services import Services


class Wanted(NamedTuple):
    """What is to be held."""

    channel: str
    title: str
    media: str
    asset: str | None
    availability: tuple[Availability, ...]
    reasons: tuple[str, ...]
    after_watershed: bool
    details: Details


def held_publication(c: Connection, services: Services, wanted: Wanted, actor: Actor, expires: datetime) -> Publication:
    """A new publication in the state `held`, not written yet.

    Raises Problem CHANNEL_UNKNOWN, or INVALID_ARGUMENT for what the channel can no longer do.
    """
    channel = find_channel(c, wanted.channel)
    availability = asked_availability(channel, wanted.availability)
    check_outlasts_lead(channel, availability)
    start, end = availability_bounds(availability)
    return Publication(
        id=services.new_id("pub"),
        channel=channel.name,
        platform=channel.platform,
        title=wanted.title,
        media=wanted.media,
        asset=wanted.asset,
        availability=availability,
        start=start,
        end=end,
        after_watershed=wanted.after_watershed,
        state="held",
        hold=services.new_id("hold"),
        expires=expires,
        by=actor.by,
        on_behalf_of=actor.on_behalf_of,
        reasons=wanted.reasons,
        details=wanted.details,
        story=story_for(c, services.media, wanted.media),
    )
