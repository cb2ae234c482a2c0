"""The tool that moves a publication by hand, and what follows it."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import moving, run_orders
from holdback_servers.schedule.answers import MovedPublications
from holdback_servers.schedule.arguments import actor_of
from holdback_servers.schedule.booking.authority import as_json, require_admitted, require_commit, require_holder
from holdback_servers.schedule.committing import readmit_all
from holdback_servers.schedule.model import Availability, Publication
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Call
from holdback_servers.serving import Door

Statements = Annotated[list[str] | None, Field(description="Newer signed ones, where they are needed.", max_length=50)]


def offer_moving(door: Door, outside: Outside) -> None:
    """Add it to the schedule's door."""

    @door.tool(title="Move publication", scope="schedule:plan", kind="write")
    async def move_publication(
        call: Call,
        *,
        publication: Annotated[str, Field(description="Id of a publication (pub_...) or of a hold (hold_...).")],
        availability: Annotated[
            list[Availability], Field(description="Territories with start and end that it is to have instead.")
        ],
        reason: Annotated[str, Field(description="Why; kept in the history.", min_length=1, max_length=500)],
        clearances: Statements = None,
        approvals: Statements = None,
    ) -> MovedPublications:
        """Move a held or scheduled publication, and all that follows it; the latter needs schedule:commit.

        Every rule of the channel is kept at the new time. What is scheduled must be cleared there by the clearance that
        it stands on, or by a newer one that is given, and its runs move with it. Longer, or in more territories, than a
        person approved it needs a new approval. What is locked, on air or past is not moved. All of it or nothing.
        """
        services, actor, moves = call.services, actor_of(call), {publication: availability}
        if (known := await services.database.read(call.kept)) is not None:
            return MovedPublications.model_validate(known)
        now = services.clock()
        made = await services.database.read(lambda c: moving.moved(c, moves, now))
        _require_all(call, made)
        admissions = await readmit_all(
            services.database,
            made,
            clearances=clearances or (),
            approvals=approvals or (),
            ring=services.ring,
            now=now,
            status=outside.status,
            tier=services.media.tier,
        )
        for each in made:
            if each.id in admissions:
                require_admitted(call, each, admissions[each.id])
        now = services.clock()

        def becoming(c: Connection) -> list[Publication]:
            return moving.becoming(c, moves, admissions, now)

        def effect(c: Connection, reservation: run_orders.Reservation) -> dict[str, Any]:
            _require_all(call, becoming(c))
            items = moving.move_all(c, moves, admissions, actor, now, why=reason, reservation=reservation)
            return as_json(MovedPublications(publications=tuple(items)))

        async with run_orders.secured(services.database, outside.runs, becoming, now) as reservation:
            result = await services.database.write(lambda c: call.once(c, lambda: effect(c, reservation)))
        return MovedPublications.model_validate(result)


def _require_all(call: Call, concerned: Collection[Publication]) -> None:
    """The caller may move each of them. Raises Problem PERMISSION_DENIED or WRITE_NOT_ALLOWED."""
    for each in concerned:
        if each.state == "held":
            require_holder(each, call.caller, "let the person who holds it move it.")
        else:
            require_commit(call, "schedule.move_publication", "write")
