"""The clock: looks at what is due, and asks whether what is live may stay.

It keeps nothing in memory that matters. Each look works out anew what should be on show, so a process that was killed,
was asleep, or is one of two, loses nothing and does nothing twice.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule import run_orders, showings
from holdback_servers.schedule.ports import Outside
from holdback_servers.schedule.ticking.looking import Looker
from holdback_servers.services import Services

log = logging.getLogger(__name__)

_BATCH = 200
"""Publications looked at together."""
_POLL = 1.0
"""Seconds after which the loop looks at the store again, since another process may have written to it."""
_SETTLING = timedelta(seconds=5)
_AT_ONCE = 0.01
_BACK = timedelta(seconds=1)
"""How far a clock may go back without being told of: less is a correction."""


class Playout:
    """Puts up, takes down and ends publications as their windows say, and takes down what lost its clearance.

    Several processes may each run one over the same store.
    """

    def __init__(self, services: Services, outside: Outside) -> None:
        self._services, self._outside = services, outside
        self._looker = Looker(services, outside)
        self._seen: datetime | None = None
        self._watched: datetime | None = None
        self._settled: datetime | None = None
        self._tasks: set[asyncio.Task[int]] = set()
        self._woken = asyncio.Event()

    async def tick(self, now: datetime) -> int:
        """Do all that is due by now, and wait until it is done.

        Returns:
            How many times a publisher was told something or a publication changed its state.
        """
        done = 0
        while tasks := await self._begin(now):
            done += sum(await asyncio.gather(*tasks))
        await self._settle(now)
        return done

    def wake(self) -> None:
        """Look at the store at once: something may be due that was not before."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Tick until this is left; what is being told then is broken off and taken up again at the next start."""
        loop = asyncio.create_task(self._run(), name="playout")
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            tasks = list(self._tasks)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            now = self._services.clock()
            try:
                begun = await self._begin(now)
                wait = _AT_ONCE if len(begun) >= _BATCH else await self._pause(now)
            except Exception:
                log.exception("the schedule's clock could not look; it looks again in a second")
                wait = _POLL
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def _pause(self, now: datetime) -> float:
        """Seconds until something more is due, or the store is to be looked at again anyway."""
        due = await self._services.database.read(lambda c: showings.next_due(c, now))
        left = _POLL if due is None else (due - self._services.clock()).total_seconds()
        return min(max(left, _AT_ONCE), _POLL)

    async def _begin(self, now: datetime) -> list["asyncio.Task[int]"]:
        """Start everything that is due and not in hand yet."""
        await self._notice(now)
        due = await self._services.database.read(lambda c: showings.due(c, now, _BATCH))
        begun = [self._start(self._looker.look(name, now)) for name in due if not self._looker.looks_at(name)]
        if self._watched is None or not self._watched <= now < self._watched + self._looker.standing_every:
            self._watched = now
            begun.append(self._start(self._looker.watch(now)))
        if self._settled is None or not self._settled <= now < self._settled + _SETTLING:
            self._settled = now
            begun.append(self._start(self._settle(now)))
        return begun

    def _start(self, work: Coroutine[Any, Any, int]) -> "asyncio.Task[int]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[int]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the schedule's clock could not end a look; it looks again", exc_info=error)
        self._woken.set()

    async def _notice(self, now: datetime) -> None:
        """When the clock has gone back, say so and look at everything again: no instant noted before can be trusted."""
        database = self._services.database
        before = self._seen or await database.read(showings.last_seen)
        self._seen = now
        if before is not None and now < before - _BACK:
            said = "The clock has gone back from %s to %s. What is on show stays, what came down stays down."
            log.warning(said, instant_text(before), instant_text(now))
            await database.write(lambda c: showings.look_again(c, now))

    async def _settle(self, now: datetime) -> int:
        await run_orders.settle_due(self._services.database, self._outside.runs, now)
        return 0
