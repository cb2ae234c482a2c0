"""What the keeper of runs is told, and the reservation that a change needs before it is made."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from holdback_base.database import Database
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.ports import RunKeeper, Transmission
from holdback_servers.schedule.run_orders.orders import due, forget, heard, intend, take
from holdback_servers.schedule.run_orders.transmissions import Order, Reservation, Run, runs_of

log = logging.getLogger(__name__)

_PATIENCE = 10.0
"""Seconds that the keeper has to answer."""


@asynccontextmanager
async def secured(
    database: Database, keeper: RunKeeper, becoming: Callable[[Connection], Sequence[Publication]], now: datetime
) -> AsyncGenerator[Reservation]:
    """Reserve the runs of publications as they are to become, in place of what each has; all of them or none.

    The change itself is made inside, with `confirm`. Where that is refused, what was reserved is given back.

    Args:
        becoming: judges the change and answers with the publications as it makes them; what stands on no clearance
            takes no run.

    Raises:
        Problem: what `becoming` or the keeper refuses, such as RUNS_EXHAUSTED; UNAVAILABLE when it does not answer.
    """
    changed, reservation = await database.write(lambda c: _intended(c, becoming(c), now))
    try:
        for each in changed:
            asked = _transmissions(runs_of(each))
            await _answered(keeper.reserve(each.id, each.clearance or "", asked), each.id)
        yield reservation
    except Exception:
        await withdraw(database, keeper, reservation, now)
        raise


def _intended(
    c: Connection, changed: Sequence[Publication], now: datetime
) -> tuple[Sequence[Publication], dict[str, int]]:
    taking = [each for each in changed if each.clearance is not None]
    return taking, {each.id: intend(c, each, now) for each in taking}


async def withdraw(database: Database, keeper: RunKeeper, reservation: Reservation, now: datetime) -> None:
    """Give back what was reserved for a change that was refused. What it cannot give back now is given back later."""
    await database.write(lambda c: forget(c, reservation, now))
    await settle(database, keeper, tuple(reservation), now)


async def settle_due(database: Database, keeper: RunKeeper, now: datetime) -> tuple[str, ...]:
    """Tell the keeper all that it has not heard yet. May be called at any time, and by several at once.

    Returns:
        The publications that it still has not heard of: it is down, or refuses.
    """
    waiting = await database.read(lambda c: due(c, now))
    return await settle(database, keeper, waiting, now) if waiting else ()


async def settle(database: Database, keeper: RunKeeper, concerned: Collection[str], now: datetime) -> tuple[str, ...]:
    """The same for these publications, whether or not it is time to try again."""
    taken = await database.write(lambda c: [found for each in concerned if (found := take(c, each, now))])
    missed: list[str] = []
    for each in taken:
        try:
            await _tell(keeper, each)
        except Exception as failure:
            log.warning("the runs of %s are not settled: %s", each.publication, failure)
            missed.append(each.publication)
        else:
            await database.write(lambda c, each=each: heard(c, each, now))
    return tuple(missed)


async def _tell(keeper: RunKeeper, wanted: Order) -> None:
    identity, kept = wanted.publication, [each.at for each in wanted.reserved]
    if used := [each.at for each in wanted.wanted if each.used]:
        await _answered(keeper.use(identity, used), identity)
    if not kept or wanted.exact:
        await _answered(keeper.keep(identity, kept), identity)
        return
    try:
        asked = _transmissions(wanted.reserved)
        await _answered(keeper.reserve(identity, wanted.clearance or "", asked), identity)
    except Problem as problem:
        if problem.code == "UNAVAILABLE" or not wanted.held:
            raise
        await _answered(keeper.keep(identity, kept), identity)


async def _answered(question: Awaitable[None], publication: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except Problem:
        raise
    except Exception as failure:
        log.warning("the keeper of runs does not answer for %s: %r", publication, failure)
        raise Problem(
            "UNAVAILABLE",
            f"It cannot be learned whether the runs of {publication} are there.",
            "Try again when the rights server answers; nothing was changed.",
        ) from failure


def _transmissions(runs: Iterable[Run]) -> list[Transmission]:
    return [Transmission(each.territories, each.platform, each.at) for each in runs]
