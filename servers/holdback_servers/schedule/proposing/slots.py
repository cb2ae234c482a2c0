"""The tools that record a channel and propose slots."""

from typing import Annotated, Any

from holdback_base.vocabulary import (
    Instant,
    Sha256,
    expand_territories,
    time_range,
)
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, showings
from holdback_servers.schedule.answers import (
    RecordedChannel,
)
from holdback_servers.schedule.arguments import DEFAULT_SPAN, Channels, actor_of, bounded, chosen, following
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.model import Details, Named
from holdback_servers.schedule.planning import propose
from holdback_servers.schedule.proposal import SlotProposal, SlotRequest
from holdback_servers.schedule.proposing.reaching import Curves
from holdback_servers.schedule.proposing.replacing import check_replacing
from holdback_servers.services import Call
from holdback_servers.serving import Door

_NO_DETAILS = Details()


def offer_slots(door: Door, curves: Curves) -> None:
    """Add them to the schedule's door."""
    shelf = books.Shelf()

    @door.tool(title="Record channel", scope="schedule:plan", kind="write", idempotent=True)
    async def record_channel(call: Call, channel: Channel) -> RecordedChannel:
        """Record a channel and its rules, in place of the one of the same name. Its reach curve names its source.

        What its publications were cleared for stays as long as they do: kind and platform, and the territories where it
        cannot be kept out of one. Publisher and account stay while something is on show.
        """
        now, actor = call.services.clock(), actor_of(call)

        def effect(c: Connection) -> dict[str, Any]:
            check_replacing(c, channel, now)
            replaced = books.save_channel(c, channel, actor, now)
            showings.look_again(c, now, channel.name)  # its lead before the end of rights may be another now
            return {"channel": channel.name, "replaced": replaced}

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return RecordedChannel.model_validate(result)

    @door.tool(title="Propose slots", scope="schedule:read")
    async def propose_slots(
        call: Call,
        *,
        title: Annotated[Named, Field(description="Of what is published; titles are kept apart.", min_length=1)],
        media: Annotated[Sha256, Field(description="The exact bytes, sha256:<hex>.")],
        territories: Annotated[
            list[str], Field(description="ISO 3166 codes or groups where it shall be seen.", min_length=1)
        ],
        cleared: Annotated[
            list[ClearedCell], Field(description="The cells of the clearance; nothing else is open.", max_length=2000)
        ],
        duration_seconds: Annotated[int, Field(description="Length of the media.", ge=1, le=24 * 3600)],
        channels: Channels = None,
        platforms: Annotated[
            list[str] | None, Field(description="Instead of channels: nodes such as social.youtube.")
        ] = None,
        earliest: Annotated[Instant | None, Field(description="First possible start; now when left out.")] = None,
        latest: Annotated[
            Instant | None, Field(description="Starts lie before this; 28 days on when left out, 92 at most.")
        ] = None,
        until: Annotated[
            Instant | None, Field(description="When it comes down at the latest; as long as cleared when left out.")
        ] = None,
        count: Annotated[int, Field(description="Slots wanted for each channel.", ge=1, le=10)] = 3,
        after_watershed: Annotated[bool, Field(description="Only when children are in bed.")] = False,
        details: Annotated[Details, Field(description="Priority, sponsor, what it follows.")] = _NO_DETAILS,
    ) -> SlotProposal:
        """Propose the best slots on each channel, with score, reasons, what is near, and the better one refused.

        Each slot says which territories see it from when to when: one that opens later (after a holdback, say) joins
        later. A slot that displaces something of a lower priority can be held once that has been moved. Nothing is kept
        free until hold_slot is called with a slot's availability.
        """
        now = call.services.clock()
        window = bounded(max(earliest or now, now), latest, now)
        request = SlotRequest(
            title=title,
            media=media,
            territories=expand_territories(territories, window.start.date()),
            cleared=tuple(cleared),
            earliest=window.start,
            latest=window.end or window.start + DEFAULT_SPAN,
            until=time_range(window.start, until).end,
            duration_seconds=duration_seconds,
            count=count,
            after_watershed=after_watershed,
            details=details,
        )

        def unit(c: Connection) -> SlotProposal:
            asked = request.model_copy(update={"details": following(c, details, now)})
            found = tuple(
                propose(shelf.books(c, curves.refine(c, channel), window, now), asked, now)
                for channel in chosen(c, channels, platforms)
            )
            return SlotProposal(title=title, media=media, channels=found)

        return await call.services.database.read(unit)
