"""How tasks end at the gateway: with the signed head of the agent's audit log, kept where the agent cannot reach it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from holdback_base.problem import Problem
from holdback_trust.audit_check import HEAD_TYPE
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import Opened, SignatureRefused, opened

from holdback_agents.gateway.memory import remember
from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import TaskBook

_MOST_HEADS = 4096


class TaskEnds:
    """Takes heads, and ends the tasks that they were signed at the end of."""

    def __init__(self, services: GatewayServices, tasks: TaskBook) -> None:
        self._services, self._tasks = services, tasks
        self._heads: dict[str, None] = {}

    async def take_heads(self, value: object) -> None:
        """Signed heads of a party's audit log, one or several; their signatures are what lets them in.

        Each ends the task that it names when the agent of that task signed it. Then it is kept beside the gateway's own
        log, and elsewhere where the house says so.

        Raises:
            Problem: INVALID_ARGUMENT, STATEMENT_INVALID; UNAVAILABLE when it cannot be kept.
        """
        new = {head: found for head, found in map(self._opened, _heads_in(value)) if head not in self._heads}
        heads, tasks = list(new), list[str]()
        for found in new.values():
            held = self._tasks.find(str(found.claims.get("task") or ""))
            if held is not None and self._is_its_own(found, held):
                tasks.append(held.id)
        await self._end(tasks, "", "", heads)
        for head in heads:
            remember(self._heads, head, None, _MOST_HEADS)

    def _opened(self, head: str) -> tuple[str, Opened]:
        try:
            return head, opened(head, HEAD_TYPE, self._services.ring, None)
        except SignatureRefused as refusal:
            raise Problem(
                "STATEMENT_INVALID", f"The head is refused: {refusal}.", "Send it as it was signed."
            ) from None

    async def end(self, identity: str, *, by: str, why: str) -> list[HeldTask]:
        """End a task and all that it gave to others: no more tokens, and those that are out are worthless.

        The head of the gateway's own log is signed then: who ends a task so may keep no log that the house knows.

        Args:
            by: a person, an agent or `guardian`.
            why: empty for an end that the agent itself told of.
        """
        ended = await self._end([identity], by, why)
        if ended:
            await asyncio.to_thread(self._services.audit.sign_head, identity)
        return ended

    async def _end(self, tasks: Sequence[str], by: str, why: str, heads: Sequence[str] = ()) -> list[HeldTask]:
        """The standing book comes first: whatever fails between the two, nothing of the task is alive, and it can be
        ended again. A task that was begun below it meanwhile is found in the next round."""
        over: set[str] = set()
        while True:
            ending = {each.id: each for task in tasks for each in self._tasks.ending(task)}
            found = {name: each for name, each in ending.items() if name not in over}
            if not found and not heads:
                return self._tasks.close(ending.values(), why or "it was done")
            ends = [(each.id, by or each.agent) for each in found.values() if not _is_below(each, found)]
            await asyncio.to_thread(self._write, ends, why, heads)
            over, heads = over | found.keys(), ()

    def _write(self, ends: Sequence[tuple[str, str]], why: str, heads: Sequence[str]) -> None:
        self._services.enforcement.standing.end_tasks(ends, why=why)
        if heads:
            self._keep(heads)

    def _is_its_own(self, head: Opened, held: HeldTask) -> bool:
        """Whether the agent signed it, or the gateway's process, in which the agent may stand."""
        return any(self._services.ring.find(party, head.kid) is not None for party in (held.agent, GATEWAY))

    def _keep(self, heads: Sequence[str]) -> None:
        try:
            self._services.audit.anchor(*heads)
        except OSError as error:
            raise Problem(
                "UNAVAILABLE",
                f"The head cannot be kept: {error.strerror}.",
                "Make room where heads are kept, or restore its permissions; the head is sent again.",
            ) from error


def _is_below(held: HeldTask, ending: Mapping[str, HeldTask]) -> bool:
    """Whether its root ends with it: the root's end is that of all tokens below it."""
    return held.claim.root != held.id and held.claim.root in ending


def _heads_in(value: object) -> list[str]:
    shape = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    heads = shape.get("heads", [shape.get("head")])
    found = [each for each in cast(list[object], heads) if isinstance(each, str)] if isinstance(heads, list) else []
    if not found or len(found) != len(cast(list[object], heads)):
        raise Problem("INVALID_ARGUMENT", "There is no head.", 'Send {"heads": ["<compact JWS>", ...]}.')
    return found
