"""How tasks end at the gateway: with the signed head of the agent's audit log, kept where the agent cannot reach it."""

import asyncio
from typing import Any, cast

import jwt
from holdback_base.problem import Problem
from holdback_trust.audit_check import HEAD_TYPE
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import SignatureRefused, open_jws

from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import TaskBook

_MOST_HEADS = 4096


class TaskEnds:
    """Takes heads, and ends the tasks that they were signed at the end of."""

    def __init__(self, services: GatewayServices, tasks: TaskBook) -> None:
        self._services, self._tasks = services, tasks
        self._heads: dict[str, None] = {}

    async def take_head(self, value: object) -> None:
        """A signed head of a party's audit log; its signature is what lets it in.

        It ends the task that it names when the agent of that task signed it. Then it is kept beside the gateway's own
        log, and elsewhere where the house says so.

        Raises:
            Problem: INVALID_ARGUMENT, STATEMENT_INVALID; UNAVAILABLE when it cannot be kept.
        """
        head = cast(dict[str, Any], value).get("head") if isinstance(value, dict) else None
        if not isinstance(head, str):
            raise Problem("INVALID_ARGUMENT", "There is no head.", 'Send {"head": "<compact JWS>"}.')
        try:
            claims = open_jws(head, HEAD_TYPE, self._services.ring, None)
        except SignatureRefused as refusal:
            raise Problem(
                "STATEMENT_INVALID", f"The head is refused: {refusal}.", "Send it as it was signed."
            ) from None
        if head in self._heads:
            return
        held = self._tasks.find(str(claims.get("task") or ""))
        if held is not None and self._is_its_own(head, held):
            await self.end(held.id, by=held.agent, why="")
        await asyncio.to_thread(self._keep, head)
        while len(self._heads) >= _MOST_HEADS:
            del self._heads[next(iter(self._heads))]
        self._heads[head] = None

    async def end(self, identity: str, *, by: str, why: str) -> list[HeldTask]:
        """End a task and all that it gave to others: no more tokens, and those that are out are worthless.

        Args:
            by: a person, an agent or `guardian`.
            why: empty for an end that the agent itself told of.
        """
        ended = self._tasks.end(identity, why or "it was done")
        standing = self._services.enforcement.standing

        def end_all() -> None:
            for each in ended:
                standing.end_task(each.id, by=by, why=why)

        await asyncio.to_thread(end_all)
        return ended

    def _is_its_own(self, head: str, held: HeldTask) -> bool:
        """Whether the agent signed it, or the gateway's process, in which the agent may stand."""
        kid = str(jwt.get_unverified_header(head).get("kid"))  # it was verified with that key
        return any(self._services.ring.find(party, kid) is not None for party in (held.agent, GATEWAY))

    def _keep(self, head: str) -> None:
        try:
            self._services.audit.anchor(head)
        except OSError as error:
            raise Problem(
                "UNAVAILABLE",
                f"The head cannot be kept: {error.strerror}.",
                "Make room where heads are kept, or restore its permissions; the head is sent again.",
            ) from error
