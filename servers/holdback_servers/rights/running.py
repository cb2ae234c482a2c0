"""The rights tools that count runs: reserve what a publication will take, then say that it went out or will not."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import (
    Instant,
    Noun,
    instant_text,
    medium_within,
    parse_medium,
    parse_territory,
    territory_within,
)
from pydantic import Field
from sqlalchemy import Connection, select

from holdback_servers.rights import clearances, runs, store
from holdback_servers.rights.clearance import decide, refs_of
from holdback_servers.rights.counting import RunsAnswer, relied_on
from holdback_servers.rights.report import CellGroup
from holdback_servers.rights.runs import Settling
from holdback_servers.rights.store import Shelf
from holdback_servers.rights.tables import runs as run_rows
from holdback_servers.services import Call
from holdback_servers.serving import Door


class RightRun(Noun):
    """One transmission against one right."""

    right: str = Field(description="The rgt_ id of a right with a run limit.", max_length=200)
    at: Instant = Field(description="When it goes out, UTC with a Z.")


class Transmission(Noun):
    """One transmission of what a clearance covers. It takes one run of a right, however many territories it reaches."""

    territories: tuple[str, ...] = Field(description="ISO 3166 codes that it reaches.", min_length=1, max_length=400)
    platform: str = Field(description="Node of the media tree, such as linear.", max_length=200)
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
        clearance: Annotated[str | None, Field(description="The clr_ id it goes out under.", max_length=200)] = None,
        transmissions: Annotated[
            list[Transmission] | None,
            Field(description="With a clearance: where and when it goes out.", max_length=200),
        ] = None,
        rights: Annotated[
            list[RightRun] | None,
            Field(description="Without a clearance: transmissions, right by right.", max_length=500),
        ] = None,
    ) -> RunsAnswer:
        """Reserve the runs that a publication will take of rights with a run limit, before it goes out.

        With a clearance and its transmissions the server finds the rights it relies on there and then; where one of
        several would do, one with runs left. Otherwise name the rights.
        A repeat that a right allows within the hours of a run is not counted. All of it is reserved or nothing: where a
        right has too few runs left the answer is RUNS_EXHAUSTED, with who holds them. Reserving the same again changes
        nothing. The answer lists for each right its limit, what is taken and what is left.
        """
        now, by = services.clock(), call.caller.agent or call.caller.person

        def reserved(c: Connection) -> dict[str, Any]:
            if clearance is not None and transmissions and not rights:
                answer = reserve_transmissions(c, shelf, publication, clearance, transmissions, now=now, by=by)
            elif clearance is None and rights and not transmissions:
                answer = runs.reserve(c, publication, [(each.right, each.at) for each in rights], now=now, by=by)
            else:
                raise Problem(
                    "INVALID_ARGUMENT",
                    "It is not clear what runs to reserve.",
                    "Give clearance and transmissions, or rights alone.",
                )
            return answer.model_dump(mode="json")

        result = await services.database.write(lambda c: call.once(c, lambda: reserved(c)))
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


def reserve_transmissions(
    c: Connection,
    shelf: Shelf,
    publication: str,
    clearance: str,
    transmissions: Sequence[Transmission],
    *,
    now: datetime,
    by: str,
) -> RunsAnswer:
    """Reserve what the transmissions of a publication take of the rights that its clearance relies on there and then.

    Raises:
        Problem: what `runs.reserve` refuses; NOT_FOUND for the clearance; TERRITORY_NOT_CLEARED or
            OUTSIDE_CLEARED_WINDOW for a transmission that it does not open.
    """
    runs.goes_out_under(c, publication, clearance)
    wanted = runs.choose(c, publication, _needs(c, shelf, clearance, transmissions, now))
    return runs.reserve(c, publication, wanted, now=now, by=by)


def keep_transmissions(
    c: Connection,
    shelf: Shelf,
    publication: str,
    clearance: str,
    transmissions: Sequence[Transmission],
    *,
    now: datetime,
    by: str,
) -> None:
    """Reserve what these transmissions take, as `reserve_transmissions` does, and give back what else is reserved.

    So a transmission that moves keeps its run, and nobody can take it in between.
    """
    runs.goes_out_under(c, publication, clearance)
    wanted = runs.choose(c, publication, _needs(c, shelf, clearance, transmissions, now))
    runs.release_others(c, publication, lambda run: (run.right, run.at) in wanted, now=now, by=by)
    runs.reserve(c, publication, wanted, now=now, by=by)


def keep_instants(c: Connection, publication: str, at: Collection[datetime], *, now: datetime, by: str) -> None:
    """Give back what is reserved for a publication but for these instants, and go back to what was reserved at them.

    That is what a change that was not made had given back last. Raises what `runs.reserve` refuses.
    """
    runs.release_others(c, publication, lambda run: run.at in at, now=now, by=by)
    listed = list(c.execute(select(run_rows).where(run_rows.c.publication == publication)))
    for moment in {store_instant(each) for each in at}:
        then = [each for each in listed if each.at == moment]
        if all(each.state == "released" for each in then):
            last = max((each.changed_at for each in then), default="")
            again = [(each.right, load_instant(each.at)) for each in then if each.changed_at == last]
            runs.reserve(c, publication, again, now=now, by=by)


def _needs(
    c: Connection, shelf: Shelf, clearance: str, transmissions: Sequence[Transmission], now: datetime
) -> list[tuple[datetime, tuple[str, ...]]]:
    """For each transmission the rights with a run limit that it relies on: decided again, on the clearance's question.

    Runs are not asked for again: `reserve` counts them.
    """
    asked, cuts, cells = clearances.opened(c, clearance, now)
    known = store.books(c, refs_of(cuts), shelf)
    needs: dict[tuple[datetime, tuple[str, ...]], None] = {}
    for each in transmissions:
        node = parse_medium(each.platform)
        for place in sorted({parse_territory(code) for code in each.territories}):
            _check_open(clearance, cells, place, node, each.at)
            cell = asked.model_copy(update={"territories": (place,), "platforms": (node,), "runs": 0})
            for cut in cuts:
                needs |= dict.fromkeys((each.at, need) for need in relied_on(decide(cell, [cut], known), each.at))
    return list(needs)


def _check_open(clearance: str, cells: Sequence[CellGroup], place: str, node: str, at: datetime) -> None:
    there = [
        each
        for each in cells
        if territory_within(place, frozenset(each.territories))
        and any(medium_within(node, own) for own in each.platforms)
    ]
    if not there:
        raise Problem(
            "TERRITORY_NOT_CLEARED",
            f"The clearance {clearance} does not open {place} on {node}.",
            "Leave it out, or have it cleared.",
        )
    windows = [window for each in there for window in each.windows]
    if not any(each.contains(at) for each in windows):
        raise Problem(
            "OUTSIDE_CLEARED_WINDOW",
            f"{instant_text(at)} is outside what {clearance} opens in {place} on {node}: "
            f"{'; '.join(each.text() for each in windows)}.",
            "Choose an instant in a cleared window.",
        )
