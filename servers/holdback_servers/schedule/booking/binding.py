"""The tools that bind: a held slot is committed, locked, given back or taken down."""

from typing import Annotated, Any

from holdback_base.vocabulary import expand_territories
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import moving, run_orders, store
from holdback_servers.schedule.answers import PublicationAnswer
from holdback_servers.schedule.arguments import actor_of
from holdback_servers.schedule.booking.authority import as_json, require_admitted, require_commit, require_holder
from holdback_servers.schedule.committing import admit, commit, require_free
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_committing(door: Door, outside: Outside) -> None:
    """Add it to the schedule\'s door."""

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

        The clearance and the approval must be genuine, in force and about the same sha256, the approval about this
        very slot; every territory must be
        cleared on the channel's platform for as long as the publication is up. Runs that its rights give only so many
        of are reserved with it. A refused commit changes nothing.
        """
        services, actor = call.services, actor_of(call)
        now = services.clock()
        held = await services.database.read(lambda c: store.find_hold(c, hold))
        require_holder(held, call.caller, "let the person who holds it commit.")
        admission = None
        if held.state == "held" and not held.lapsed(now):
            call.require_reach(1, held.title, *filter(None, [held.media]))
            admission = await admit(
                held,
                clearance,
                approval,
                ring=services.ring,
                now=now,
                status=outside.status,
                tier=services.media.tier,
            )
            papers = (admission.clearance.id, admission.approval.id)
            require_admitted(call, held, admission)
            require_free(services.enforcement.standing, held.media, held.hold, held.id, *papers)
            now = services.clock()

        def unit(c: Connection, reservation: run_orders.Reservation) -> dict[str, Any]:
            return call.once(c, lambda: as_json(store.commit(c, hold, admission, actor, now, reservation=reservation)))

        result = await commit(services.database, outside.runs, hold, admission, unit, now=now)
        return PublicationAnswer.model_validate(result)


def offer_locking(door: Door) -> None:
    """Add it to the schedule\'s door."""

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
                require_holder(found, call.caller, "let the person who holds it decide about its lock.")
            if not locked:
                require_commit(call, "schedule.lock_publication", "write")
            return as_json(store.lock(c, found.id, reason, actor, now, locked=locked))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return PublicationAnswer.model_validate(result)


def offer_cancelling(door: Door, outside: Outside) -> None:
    """Add it to the schedule\'s door."""

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
                require_holder(found, call.caller, "let the person who holds it give it back.")
            elif found.state not in store.ENDED:
                require_commit(call, "schedule.cancel_publication", "destroy")
            if territories is None or found.state in store.ENDED:
                return as_json(store.cancel(c, found.id, reason, actor, now))
            left = moving.without(found, expand_territories(territories, now.date()))
            return as_json(moving.cut_back(c, found.id, left, actor, now, why=reason))

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        answer = PublicationAnswer.model_validate(result)
        await run_orders.settle(call.services.database, outside.runs, [answer.id], now)
        return answer
