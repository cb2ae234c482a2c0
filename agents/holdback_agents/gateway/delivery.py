"""Decisions on their way to the tasks that wait for them: from the store, again and again until they have arrived.

The message id is the approval's id, so that a decision that arrives twice is one message to the agent.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

from holdback_base.problem import Problem

from holdback_agents.contracts import ApprovalAnswer
from holdback_agents.gateway import store
from holdback_agents.gateway.beside import Beside
from holdback_agents.gateway.registry import AgentEntry, PersonEntry, Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.store import Approval
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import TaskBook

Call = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a JSON-RPC body to the agent of that name with a token: `call(agent, token, body) -> (status, body)`."""

MOST_ATTEMPTS = 200
LONGEST_PAUSE = 60.0
_FINAL = frozenset({-32001, -32004, -32600, -32601, -32602})
"""JSON-RPC errors that no repetition cures: the task is gone or has ended, or the message is refused as such."""

_log = logging.getLogger(__name__)


class Delivery(Beside):
    """Delivers what is pending: at the start, after each decision, and again after a pause when it failed.

    A decision goes to its task with the token that the task came with, made anew: the same person, the same agents
    before it, the same task above it, and no scope that the person has lost since.
    """

    def __init__(
        self, services: GatewayServices, registry: Registry, ledger: Ledger, tasks: TaskBook, call: Call
    ) -> None:
        super().__init__()
        self._services, self._registry, self._ledger = services, registry, ledger
        self._tasks, self._call = tasks, call

    async def run(self) -> None:
        """Begin with what an earlier process left, and go on with what comes."""
        failures, pause = 0, 0.0
        while await self.pause(pause):
            try:
                left = await self.deliver_pending()
            except Exception:
                _log.exception("decisions cannot be delivered now; they stay in the store")
                left = 1
            failures = failures + 1 if left else 0
            pause = min(self._services.retry_seconds * 2 ** min(failures - 1, 10), LONGEST_PAUSE) if left else None

    async def deliver_pending(self) -> int:
        """Try everything that is pending once; answers how much is left."""
        left = 0
        for approval, attempts in await self._services.database.read(store.pending):
            if self.closing:
                break
            state, error = await self._attempt(approval)
            if state == "pending" and attempts + 1 >= MOST_ATTEMPTS:
                state = "given-up"
            left += state == "pending"
            await self._services.database.write(
                lambda c, each=approval, now=state, why=error: store.note_delivery(c, each.id, now, why)
            )
            self._ledger.delivery(approval.id, state, asker=approval.asker, task=approval.task)
        return left

    async def _attempt(self, approval: Approval) -> tuple[str, str]:
        agent = self._registry.agents.get(approval.agent)
        person = self._registry.person(approval.asker)
        if agent is None or person is None:
            return "given-up", "the agent or the person is not of this house any more"
        held = self._tasks.find(approval.task)
        if held is not None and (held.agent != agent.audience or not held.lives(self._services.clock())):
            return "given-up", "the task has ended"
        try:
            self._services.check_outside(agent)
        except Problem as problem:
            return "given-up", problem.message
        token = self._token(approval, agent, person, held)
        try:
            status, body = await self._call(agent.name, token, json.dumps(_follow_up(approval)).encode())
        except Exception as failure:
            _log.warning("delivery of %s failed", approval.id, exc_info=failure)
            return "pending", type(failure).__name__
        return _outcome(status, body)

    def _token(self, approval: Approval, agent: AgentEntry, person: PersonEntry, held: HeldTask | None) -> str:
        authority = self._services.authority
        scopes = self._registry.person_scopes(person.roles, agent.audience) & frozenset(approval.scopes)
        if held is None:
            return authority.issue(person=person.id, roles=person.roles, audience=agent.audience, scopes=scopes)
        stories = held.session.stories & self._services.stories_of(person.id)
        changes = {"scopes": scopes, "roles": person.roles, "stories": stories}
        return authority.again(held.session.model_copy(update=changes), held.claim.expires).text


def _outcome(status: int, body: bytes) -> tuple[str, str]:
    if status in (401, 403):
        return "given-up", f"refused with {status}"
    if status != 200:
        return "pending", f"answered {status}"
    try:
        answer = cast(dict[str, Any], json.loads(body))
        error = answer.get("error")
        if error is None:
            return "delivered", ""
        return ("given-up" if error["code"] in _FINAL else "pending"), f"{error['code']}: {error.get('message', '')}"
    except (ValueError, AttributeError, KeyError, TypeError):
        return "pending", "answered no JSON-RPC"


def _follow_up(approval: Approval) -> dict[str, Any]:
    answer = ApprovalAnswer(
        approval=approval.id,
        decision=approval.decision or "rejected",
        statement=approval.statement or "",
        by=approval.decided_by or "",
        comment=approval.comment,
    )
    message: dict[str, Any] = {
        "messageId": approval.id,
        "taskId": approval.task,
        "role": "ROLE_USER",
        "parts": [
            {
                "data": answer.model_dump(mode="json"),
                "mediaType": "application/json",
                "metadata": {"schema": ApprovalAnswer.schema_uri()},
            }
        ],
    }
    if approval.context:
        message["contextId"] = approval.context
    return {
        "jsonrpc": "2.0",
        "id": approval.id,
        "method": "SendMessage",
        "params": {"message": message, "configuration": {"returnImmediately": True}},
    }
