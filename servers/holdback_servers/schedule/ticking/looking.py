"""One look at a publication: turn after turn until nothing is due, with what must be learned elsewhere in between."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from sqlalchemy import Connection, and_, or_, select

from holdback_servers.schedule import run_orders, showings
from holdback_servers.schedule.committing import answer_of
from holdback_servers.schedule.ports import Outside
from holdback_servers.schedule.tables import publications
from holdback_servers.schedule.ticking import turns
from holdback_servers.schedule.ticking.telling import Teller
from holdback_servers.schedule.ticking.turns import Ask, Claim, Known, Settle
from holdback_servers.services import Services

log = logging.getLogger(__name__)

_TURNS = 50
"""Turns of one publication in one look; more would mean that it never comes to rest."""
_FAILED = timedelta(seconds=15)
"""How long a publication is left alone when looking at it failed inside."""
_AHEAD = timedelta(days=1)
"""How far ahead what the scheduled stands on is asked about, so that it is told in time."""


class Looker:
    """Looks at publications for one process."""

    def __init__(self, services: Services, outside: Outside) -> None:
        self._services, self._outside = services, outside
        self._tries = services.settings.delivery_tries
        self.standing_every = timedelta(seconds=services.settings.standing_seconds)
        """How long it may take until it is noticed that a clearance was lost or an approval taken back."""
        self._teller = Teller(services, outside, self._tries)
        self._looks: set[str] = set()
        self._said: set[str] = set()

    def looks_at(self, name: str) -> bool:
        """Whether a look at this publication is under way and is not just telling its publisher something."""
        return name in self._looks

    async def look(self, name: str, now: datetime) -> int:
        """Do for one publication all that is due; how many times something was told or changed.

        A look that failed inside is made again a little later; what it raised is raised.
        """
        self._looks.add(name)
        try:
            return await self._turns(name, now)
        except Exception:
            until = now + _FAILED
            await self._services.database.write(lambda c: showings.postpone(c, name, until))
            raise
        finally:
            self._looks.discard(name)

    async def _turns(self, name: str, now: datetime) -> int:
        done, known = 0, self._known()
        for _ in range(_TURNS):
            turn = partial(turns.look, publication_id=name, known=known, tries=self._tries, now=now)
            found = await self._services.database.write(turn)
            if found is None:
                return done
            if isinstance(found, Ask):
                known = replace(
                    known, standing={each: await answer_of(each, self._outside.status) for each in found.statements}
                )
            elif isinstance(found, Settle):
                await run_orders.settle(self._services.database, self._outside.runs, (name,), now)
                known = replace(known, settled=True)
            else:
                done, known = done + 1, self._known()
                if isinstance(found, Claim) and not await self._told(found):
                    return done
                now = self._services.clock()
        raise RuntimeError(f"{name} does not come to rest")

    def _known(self) -> Known:
        try:
            return Known(held_back=self._services.enforcement.standing.quarantine)
        except Problem as broken:
            log.warning("nothing goes up: %s", broken.line())
            return Known(held_back=None)

    async def _told(self, claim: Claim) -> bool:
        self._looks.discard(claim.publication.id)  # so that what must come down meanwhile is not kept waiting
        done = await self._teller.tell(claim)
        self._looks.add(claim.publication.id)
        return done

    async def watch(self, now: datetime) -> int:
        """Ask whether the clearances and approvals of what is live still stand, and take down what lost its own.

        What is scheduled stays; that it will not go live is told in the log, once.

        Returns:
            How many publications were taken down.
        """
        database = self._services.database
        found = await database.read(lambda c: _standing_on(c, now))
        taken_down = 0
        for statement, concerned in found.items():
            why = turns.lost(statement, await answer_of(statement, self._outside.status))
            if why is None:
                continue
            for name in concerned:
                taken_down += await database.write(
                    partial(turns.take_down_lost, publication_id=name, statement=statement, why=why, now=now)
                )
            if why not in self._said:
                self._said.add(why)
                names = ", ".join(concerned)
                log.warning("%s: %s. What is live is taken down, what is scheduled will not go live.", names, why)
        return taken_down


def _standing_on(c: Connection, now: datetime) -> dict[str, list[str]]:
    """What is live, or is to go live within a day, by each statement that it stands on."""
    p, soon = publications.c, store_instant(now + _AHEAD)
    wanted = or_(p.state == "live", and_(p.state == "scheduled", p.start_at <= soon))
    approval = p.body["approval"].as_string()
    query = select(p.clearance, approval, p.id).where(p.clearance.is_not(None), wanted).order_by(p.clearance, p.id)
    found: dict[str, list[str]] = {}
    for clearance, approved, name in c.execute(query):
        for statement in filter(None, (clearance, approved)):
            found.setdefault(statement, []).append(name)
    return found
