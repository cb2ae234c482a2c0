"""Tells a publisher what a turn was claimed for, keeps the turn meanwhile, and writes down what came of it."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from holdback_base.problem import Problem

from holdback_servers.schedule.playout import LEASE
from holdback_servers.schedule.ports import Outside
from holdback_servers.schedule.publishers.packing import pack, unknown_publisher
from holdback_servers.schedule.ticking import turns
from holdback_servers.schedule.ticking.turns import Claim, Failure
from holdback_servers.services import Services

log = logging.getLogger(__name__)

_AT_ONCE = 4
"""How many deliveries with files go on at a time; take-downs wait for none of them."""
_RENEWED = LEASE.total_seconds() / 3


class Teller:
    """Delivers for one process.

    Args:
        tries: how often a first publication is tried before it is given up.
    """

    def __init__(self, services: Services, outside: Outside, tries: int) -> None:
        self._services, self._outside, self._tries = services, outside, tries
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._telling: dict[str, asyncio.Task[str]] = {}

    async def tell(self, claim: Claim) -> bool:
        """Tell the publisher; whether it answered that it is done. What it is being told already is broken off."""
        name, database = claim.publication.id, self._services.database
        if (older := self._telling.get(name)) is not None:
            older.cancel()
            await asyncio.wait((older,))
        task = asyncio.create_task(self._deliver(claim), name=f"deliver {name}")
        self._telling[name] = task
        try:
            async with self._kept(claim, task):
                receipt = await task
        except Exception as error:
            failure = _failure(error)
            log.warning("%s", _told(claim, failure))
            now = self._services.clock()
            await database.write(lambda c: turns.fail(c, claim, failure, self._tries, now))
            return False
        except asyncio.CancelledError:
            if task.cancelled() and not _stopping():
                return False  # overtaken: whoever did so goes on
            task.cancel()
            now = self._services.clock()
            database.submit(lambda c: turns.let_go(c, claim, now))
            raise
        finally:
            if self._telling.get(name) is task:
                del self._telling[name]
        now = self._services.clock()
        await database.write(lambda c: turns.confirm(c, claim, receipt, now))
        return True

    async def _deliver(self, claim: Claim) -> str:
        publisher = self._outside.publishers.get(claim.channel.publisher)
        if publisher is None:
            raise unknown_publisher(claim.channel, sorted(self._outside.publishers))
        package = await asyncio.to_thread(pack, claim.publication, claim.channel, claim.telling, self._services.media)
        if not package.territories:
            return await publisher.deliver(package)
        async with self._room:
            return await publisher.deliver(package)

    @asynccontextmanager
    async def _kept(self, claim: Claim, task: asyncio.Task[str]) -> AsyncGenerator[None]:
        """Renew the turn while the task runs; the task is broken off when somebody has overtaken it."""
        renewing = asyncio.create_task(self._renew(claim, task))
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self, claim: Claim, task: asyncio.Task[str]) -> None:
        while True:
            await asyncio.sleep(_RENEWED)
            now = self._services.clock()
            if not await self._services.database.write(partial(turns.renew, claim=claim, now=now)):
                task.cancel()
                return


def _stopping() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


def _failure(error: Exception) -> Failure:
    if isinstance(error, Problem):
        seconds = error.details.get("retry_after")
        wait = timedelta(seconds=seconds) if isinstance(seconds, int | float) else timedelta(0)
        return Failure(error.line(), hopeless=error.code == "CONFLICT", retry_after=wait)
    log.exception("a publisher failed in a way that it does not tell", exc_info=error)
    return Failure(f"the publisher failed: {type(error).__name__}")


def _told(claim: Claim, failure: Failure) -> str:
    what = "was not put up" if claim.telling.on else "WAS NOT TAKEN DOWN"
    place = f"{claim.publication.id} on {claim.channel.name}, revision {claim.telling.revision}"
    return f"{place}, {what}; it is tried again unless it is given up: {failure.text}"
