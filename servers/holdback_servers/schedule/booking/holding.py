"""The tools that keep a slot for somebody."""

from datetime import timedelta
from typing import Annotated, Any

from holdback_base.vocabulary import Sha256
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, store
from holdback_servers.schedule.admission import asked_availability, check_outlasts_lead
from holdback_servers.schedule.answers import HeldSlot
from holdback_servers.schedule.arguments import actor_of, following, story_for
from holdback_servers.schedule.booking.authority import as_json, require_holder
from holdback_servers.schedule.model import Availability, Details, Named, Publication, availability_bounds
from holdback_servers.services import Call
from holdback_servers.serving import Door

_PLAIN = Details()


def offer_holding(door: Door) -> None:
    """Add them to the schedule's door."""

    @door.tool(title="Hold slot", scope="schedule:plan", kind="write")
    async def hold_slot(
        call: Call,
        *,
        channel: Annotated[str, Field(description="Name of the channel.")],
        title: Annotated[Named, Field(min_length=1, max_length=300)],
        media: Annotated[Sha256, Field(description="The exact bytes, sha256:<hex>.")],
        availability: Annotated[
            list[Availability],
            Field(
                description="Territories with start and end, as propose_slots gives them; the first start is the slot."
            ),
        ],
        asset: Annotated[str | None, Field(description="The asset it is a version of.")] = None,
        minutes: Annotated[int | None, Field(description="How long to keep it.", ge=1, le=24 * 60)] = None,
        reasons: Annotated[
            list[str] | None, Field(description="Why this slot; kept with it and exported.", max_length=20)
        ] = None,
        after_watershed: Annotated[bool, Field(description="Only when children are in bed.")] = False,
        details: Annotated[
            Details, Field(description="Priority, sponsor, what it follows, length, captions and so on.")
        ] = _PLAIN,
    ) -> HeldSlot:
        """Keep a slot free for a publication until the hold lapses, 15 minutes unless the house says otherwise.

        Nobody else can hold or commit a slot that would clash with it. Nothing is published before commit_publication.
        What follows another publication on a linear channel names it in details, and begins when that one ends.
        """
        services, actor = call.services, actor_of(call)
        now = services.clock()
        expires = now + timedelta(minutes=minutes or services.settings.hold_minutes)

        def effect(c: Connection) -> dict[str, Any]:
            on = books.find_channel(c, channel)
            asked = asked_availability(on, availability)
            check_outlasts_lead(on, asked)
            start, end = availability_bounds(asked)
            publication = Publication(
                id=services.new_id("pub"),
                channel=on.name,
                platform=on.platform,
                title=title,
                media=media,
                asset=asset,
                availability=asked,
                start=start,
                end=end,
                after_watershed=after_watershed,
                state="held",
                hold=services.new_id("hold"),
                expires=expires,
                by=actor.by,
                on_behalf_of=actor.on_behalf_of,
                reasons=tuple(reasons or ()),
                details=following(c, details, now),
                story=story_for(c, services.media, media),
            )
            return as_json(store.hold(c, publication, "slot held", now))

        result = await services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return HeldSlot.model_validate(result)

    @door.tool(title="Extend hold", scope="schedule:plan", kind="write", idempotent=True)
    async def extend_hold(
        call: Call,
        hold: Annotated[str, Field(description="Id of the hold, hold_...")],
        minutes: Annotated[int, Field(description="How long to keep it from now on.", ge=1, le=24 * 60)],
    ) -> HeldSlot:
        """Keep a held slot longer, while an approval is awaited, say: 24 hours from now at most.

        Only the person it is held for may. A hold that lasts longer already is not made shorter.
        """
        now, actor = call.services.clock(), actor_of(call)

        def effect(c: Connection) -> dict[str, Any]:
            require_holder(store.find_hold(c, hold), call.caller, "let the person who holds it extend it.")
            return as_json(store.extend(c, hold, now + timedelta(minutes=minutes), actor, now))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return HeldSlot.model_validate(result)
