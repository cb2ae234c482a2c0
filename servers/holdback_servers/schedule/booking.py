"""The tools that promise: a slot is held, held longer, committed, locked, given back or taken down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Sha256, expand_territories
from holdback_trust.identity import Caller
from holdback_trust.policy import Action, decide
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, moving, run_orders, store
from holdback_servers.schedule.admission import asked_availability
from holdback_servers.schedule.answers import HeldSlot, PublicationAnswer
from holdback_servers.schedule.arguments import actor_of
from holdback_servers.schedule.committing import admit
from holdback_servers.schedule.model import Availability, Details, Publication, availability_bounds
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Call
from holdback_servers.serving import Door

_PLAIN = Details()


def offer_booking(door: Door, outside: Outside) -> None:
    """Add them to the schedule's door."""
    _offer_holding(door)
    _offer_committing(door, outside)
    _offer_locking(door)
    _offer_cancelling(door, outside)


def _offer_holding(door: Door) -> None:
    @door.tool(title="Hold slot", scope="schedule:plan", kind="write")
    async def hold_slot(
        call: Call,
        *,
        channel: Annotated[str, Field(description="Name of the channel.")],
        title: Annotated[str, Field(min_length=1, max_length=300)],
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
                details=_following(c, details, now),
            )
            return _json(store.hold(c, publication, "slot held", now))

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
            _require_holder(store.find_hold(c, hold), call.caller, "let the person who holds it extend it.")
            return _json(store.extend(c, hold, now + timedelta(minutes=minutes), actor, now))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return HeldSlot.model_validate(result)


def _offer_committing(door: Door, outside: Outside) -> None:
    @door.tool(title="Commit publication", scope="schedule:commit", kind="write")
    async def commit_publication(
        call: Call,
        hold: Annotated[str, Field(description="Id of the hold, hold_...")],
        clearance: Annotated[str, Field(description="The signed clearance, as the rights server issued it.")],
        approval: Annotated[
            str | None, Field(description="The signed approval by another person, as the gateway issued it.")
        ] = None,
    ) -> PublicationAnswer:
        """Turn a held slot into a scheduled publication; refuse unless it is cleared and approved.

        The clearance and the approval must be genuine, in force and about the same sha256; every territory must be
        cleared on the channel's platform for as long as the publication is up. Runs that its rights give only so many
        of are reserved with it. A refused commit changes nothing.
        """
        services, actor = call.services, actor_of(call)
        now = services.clock()
        held = await services.database.read(lambda c: store.find_hold(c, hold))
        _require_holder(held, call.caller, "let the person who holds it commit.")
        admission = None
        if held.state == "held" and not held.lapsed(now):
            admission = await admit(
                held, clearance, approval, ring=services.ring, now=now, status=outside.clearance_status
            )
            now = services.clock()

        def becoming(c: Connection) -> Sequence[Publication]:
            open_still = admission is not None and store.find_hold(c, hold).state == "held"
            return [store.committable(c, hold, admission, now)] if admission is not None and open_still else []

        async with run_orders.secured(services.database, outside.runs, becoming, now) as reservation:
            result = await services.database.write(
                lambda c: call.once(
                    c, lambda: _json(store.commit(c, hold, admission, actor, now, reservation=reservation))
                )
            )
        return PublicationAnswer.model_validate(result)


def _offer_locking(door: Door) -> None:
    @door.tool(title="Lock publication", scope="schedule:plan", kind="write", idempotent=True)
    async def lock_publication(
        call: Call,
        publication: Annotated[str, Field(description="Id of a publication (pub_...) or of a hold (hold_...).")],
        locked: Annotated[bool, Field(description="Whether it is to be locked; no lifts the lock.")],
        reason: Annotated[str, Field(description="Why; kept in the history.", min_length=1, max_length=500)],
    ) -> PublicationAnswer:
        """Lock a publication, so that nobody moves or cancels it and no plan does, or lift its lock.

        A lock is lifted only by somebody with schedule:commit. A held slot is locked by the person it is held for.
        """
        now, actor = call.services.clock(), actor_of(call)

        def effect(c: Connection) -> dict[str, Any]:
            found = store.find_publication(c, publication, now)
            if found.state == "held":
                _require_holder(found, call.caller, "let the person who holds it decide about its lock.")
            if not locked:
                _require_commit(call.caller, "schedule.lock_publication", "write")
            return _json(store.lock(c, found.id, reason, actor, now, locked=locked))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return PublicationAnswer.model_validate(result)


def _offer_cancelling(door: Door, outside: Outside) -> None:
    @door.tool(title="Cancel publication", scope="schedule:plan", kind="destroy", idempotent=True)
    async def cancel_publication(
        call: Call,
        publication: Annotated[str, Field(description="Id of a publication (pub_...) or of a hold (hold_...).")],
        reason: Annotated[str, Field(description="Why; kept in the history.", min_length=1, max_length=500)],
        territories: Annotated[
            list[str] | None,
            Field(description="Only there: ISO 3166 codes or groups; leave out for everywhere.", max_length=400),
        ] = None,
    ) -> PublicationAnswer:
        """Give a held slot back, or take a scheduled publication off the schedule; the latter needs schedule:commit.

        Only the person a slot is held for gives it back. A publication that is on show, or whose start has passed, is
        taken down. With territories it stays on show in the others. What is cancelled already stays as it is. Runs that
        were reserved and not used are given back.
        """
        now, actor = call.services.clock(), actor_of(call)

        def effect(c: Connection) -> dict[str, Any]:
            found = store.find_publication(c, publication, now)
            if found.state == "held":
                _require_holder(found, call.caller, "let the person who holds it give it back.")
            elif found.state not in store.ENDED:
                _require_commit(call.caller, "schedule.cancel_publication", "destroy")
            if territories is None or found.state in store.ENDED:
                return _json(store.cancel(c, found.id, reason, actor, now))
            left = moving.without(found, expand_territories(territories, now.date()))
            return _json(moving.cut_back(c, found.id, left, actor, now, why=reason))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        answer = PublicationAnswer.model_validate(result)
        await run_orders.settle(call.services.database, outside.runs, [answer.id], now)
        return answer


def _following(c: Connection, details: Details, now: datetime) -> Details:
    """What follows a held slot may name it by the hold's id. Raises Problem NOT_FOUND."""
    if details.follows is None:
        return details
    return details.model_copy(update={"follows": store.find_publication(c, details.follows, now).id})


def _require_commit(caller: Caller, name: str, kind: Literal["write", "destroy"]) -> None:
    """Raises Problem PERMISSION_DENIED or WRITE_NOT_ALLOWED."""
    decide(caller, Action(name=name, scope="schedule:commit", kind=kind)).require()


def _require_holder(held: Publication, caller: Caller, cure: str) -> None:
    if held.on_behalf_of != caller.person:
        raise Problem(
            "PERMISSION_DENIED",
            f"{held.hold} is kept for {held.on_behalf_of}, not for {caller.person}.",
            f"Hold a slot yourself, or {cure}",
        )


def _json(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)
