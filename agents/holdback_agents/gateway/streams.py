"""Streams that are open through the gateway. A stream is a call that lasts, so whether it may is asked again and again.

It ends when the token that it was opened with has had its time or counts no more, and when the agent from outside that
it leads to was stopped. Whoever still may goes on with a new token and a new stream.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from holdback_base.problem import Problem
from holdback_trust.identity import Caller

from holdback_agents.gateway.beside import Beside
from holdback_agents.gateway.registry import Entry
from holdback_agents.gateway.services import GatewayServices, Ledger

LOOK_SECONDS = 1.0
EXPIRED = "expired"
_log = logging.getLogger(__name__)


class Stream:
    """The answer to one request, which is watched once it turns out to be a stream of events."""

    def __init__(self, streams: "Streams", caller: Caller, entry: Entry) -> None:
        self.caller, self.entry, self._streams = caller, entry, streams

    def opened(self, end: Callable[[], None]) -> None:
        """It is one; `end` ends it."""
        self._streams.watch(self, end)

    def closed(self) -> None:
        """It is over, or was none."""
        self._streams.forget(self)


class Streams(Beside):
    """Looks every second while any is open, and at once when it is woken."""

    def __init__(self, services: GatewayServices, ledger: Ledger) -> None:
        super().__init__()
        self._services, self._ledger = services, ledger
        self._open: dict[Stream, Callable[[], None]] = {}

    def of(self, caller: Caller, entry: Entry) -> Stream:
        """The answer that a caller is about to get from an agent or a server."""
        return Stream(self, caller, entry)

    def watch(self, stream: Stream, end: Callable[[], None]) -> None:
        """It is open; `end` ends it."""
        if not self._open:
            self.wake()
        self._open[stream] = end

    def forget(self, stream: Stream) -> None:
        """It is not open, or not any more."""
        self._open.pop(stream, None)

    async def run(self) -> None:
        """Look again and again."""
        while await self.pause(LOOK_SECONDS if self._open else None):
            try:
                self.look()
            except Exception:
                _log.exception("whether streams may stay open cannot be told now; it is looked at again")

    def look(self) -> None:
        """End those that may not go on."""
        now = self._services.clock()
        for stream, end in tuple(self._open.items()):
            why = self._over(stream, now)
            if not why:
                continue
            self.forget(stream)
            end()
            if why != EXPIRED:
                self._ledger.record(stream.caller, "gateway.stream", stream.entry.audience, False, policy=why)

    def _over(self, stream: Stream, now: datetime) -> str:
        """Why a stream may not go on: the code of a refusal, or that its time is over; empty when it may."""
        if now >= stream.caller.expires:
            return EXPIRED
        refusal = self._services.enforcement.standing.refusal(stream.caller)
        if refusal is not None:
            return refusal.code
        try:
            self._services.check_outside(stream.entry)
        except Problem as problem:
            return problem.code
        return ""
