"""Signed heads of the audit log at the end of tasks, behind the answer: kept here and sent to the gateway.

At the gateway a head ends its task, and what it anchors can no longer be cut off here unnoticed.
"""

import asyncio
import logging
from collections.abc import Sequence

from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog

from holdback_agents.runtime.lines import JSON, Line, Request, ask, json_bytes, patiently

_log = logging.getLogger(__name__)
_LINGER = 0.25
"""Seconds that tasks gather: they share a wait for the disk and a request to the gateway."""
LEAVING_SECONDS = 2.0
"""How long heads may take to be sent when the agent stops."""

MOST_AT_ONCE = 64


class Heads:
    """Signs a head for each task that ends: a head waits for the disk, and tasks that end together share that wait.

    Agents that write one log, as all of a house in one process do, share one of these.
    """

    def __init__(self, audit: AuditLog, line: Line) -> None:
        self._audit, self._line = audit, line
        self._unsigned: list[str] = []
        self._signing: asyncio.Task[None] | None = None

    def sign(self, task_id: str) -> None:
        """Sign soon."""
        self._unsigned.append(task_id)
        if self._signing is None or self._signing.done():
            self._signing = asyncio.ensure_future(self._sign_all())

    async def aclose(self) -> None:
        """Sign what is left; what the gateway does not take in time lies in this agent's own files."""
        if self._signing is not None:
            await asyncio.wait((self._signing,), timeout=LEAVING_SECONDS)
            self._signing.cancel()
            await asyncio.wait((self._signing,))
        ended, self._unsigned = self._unsigned, []  # those that waited for a gateway that did not answer
        if ended:
            try:
                await asyncio.to_thread(self._audit.sign_heads, ended)
            except Exception:
                _log.exception("audit heads could not be signed: %s", ended)

    async def _sign_all(self) -> None:
        while self._unsigned:
            await asyncio.sleep(_LINGER)
            ended, self._unsigned = self._unsigned[:MOST_AT_ONCE], self._unsigned[MOST_AT_ONCE:]
            try:
                await self._send(await asyncio.to_thread(self._audit.sign_heads, ended))
            except Problem as problem:
                _log.warning("audit heads of %s were not taken by the gateway: %s", ended, problem.line())
            except Exception:
                _log.exception("audit heads could not be signed: %s", ended)

    async def _send(self, heads: Sequence[str]) -> None:
        request = Request("POST", "/audit/heads", headers=JSON, body=json_bytes({"heads": list(heads)}))
        await patiently(lambda: ask(self._line, request))
