"""Signed heads of the audit log at the end of tasks, behind the answer."""

import asyncio
import logging
from collections.abc import Sequence

from holdback_trust.audit import AuditLog

_log = logging.getLogger(__name__)
_LINGER = 0.02


class Heads:
    """Signs a head for each task that ends: a head waits for the disk, and tasks that end together share that wait."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._unsigned: list[str] = []
        self._signing: asyncio.Task[None] | None = None

    def sign(self, task_id: str) -> None:
        """Sign soon."""
        self._unsigned.append(task_id)
        if self._signing is None or self._signing.done():
            self._signing = asyncio.ensure_future(self._sign_all())

    async def aclose(self) -> None:
        """Sign what is left."""
        if self._signing is not None:
            await self._signing

    async def _sign_all(self) -> None:
        while self._unsigned:
            await asyncio.sleep(_LINGER)
            ended, self._unsigned = self._unsigned, []
            try:
                await asyncio.to_thread(self._sign_each, ended)
            except Exception:
                _log.exception("audit heads could not be signed: %s", ended)

    def _sign_each(self, task_ids: Sequence[str]) -> None:
        for task_id in task_ids:
            self._audit.sign_head(task_id)
