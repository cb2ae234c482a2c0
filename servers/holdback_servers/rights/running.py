"""The rights tools that count runs: reserve what a publication will take, then say that it went out or will not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field

from holdback_servers.rights import runs
from holdback_servers.rights.counting import RunsAnswer
from holdback_servers.rights.runs import Settling
from holdback_servers.rights.store import Shelf
from holdback_servers.services import Call
from holdback_servers.serving import Door


class RightRun(Noun):
    """One transmission against one right."""

    right: str = Field(description="The rgt_ id of a right with a run limit.", max_length=200)
    at: Instant = Field(description="When it goes out, UTC with a Z.")


Publication = Annotated[
    str, Field(description="What the runs are for: the pub_ id of the schedule.", min_length=1, max_length=200)
]


def offer_running(door: Door, shelf: Shelf) -> None:
    """Add the tools that count runs to the rights door."""
    services = door.services

    @door.tool(title="Reserve runs", scope="rights:clear", kind="write", idempotent=True)
    async def reserve_runs(
        call: Call,
        publication: Publication,
        rights: Annotated[list[RightRun], Field(description="Transmissions, right by right.", max_length=500)],
    ) -> RunsAnswer:
        """Reserve the runs that a publication will take of rights with a run limit, before it goes out.

        A repeat that a right allows within the hours of a run is not counted. All of it is reserved or nothing: where a
        right has too few runs left the answer is RUNS_EXHAUSTED, with who holds them. Reserving the same again changes
        nothing. The answer lists for each right its limit, what is taken and what is left.
        """
        now, by = services.clock(), call.caller.agent or call.caller.person
        wanted = _wanted(rights)
        result = await services.database.write(
            lambda c: call.once(c, lambda: runs.reserve(c, publication, wanted, now=now, by=by).model_dump(mode="json"))
        )
        return RunsAnswer.model_validate(result)

    @door.tool(title="Settle runs", scope="rights:clear", kind="write", idempotent=True)
    async def settle_runs(
        call: Call,
        publication: Publication,
        action: Annotated[Settling, Field(description="use: it went out; release: it will not.")],
        at: Annotated[
            list[Instant] | None,
            Field(description="Only its transmissions at these instants; leave out for all of them.", max_length=500),
        ] = None,
    ) -> RunsAnswer:
        """Say that the reserved runs of a publication were used, or give them back.

        A used run is used for good; a released one may be reserved again. Doing the same again changes nothing. A
        release may make a rerun count as the run it repeated; no right is ever over its limit by it.
        """
        now, by = services.clock(), call.caller.agent or call.caller.person
        result = await services.database.write(
            lambda c: call.once(
                c, lambda: runs.settle(c, publication, action, at, now=now, by=by).model_dump(mode="json")
            )
        )
        return RunsAnswer.model_validate(result)


def _wanted(rights: Sequence[RightRun]) -> list[tuple[str, datetime]]:
    if not rights:
        raise Problem("INVALID_ARGUMENT", "No transmission is named.", "Name at least one right and instant.")
    return [(each.right, each.at) for each in rights]
