"""Decisions on their way to the tasks that wait for them: from the store, again and again until they have arrived.

The message id is the approval's id, so that a decision that arrives twice is one message to the agent.
"""

import asyncio
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

ANSWER_SECONDS = 30.0
"""How long an agent may take to say that it has a decision."""
MOST_ATTEMPTS = 200
LONGEST_PAUSE = 60.0
_FINAL = frozenset({-32001, -32004, -32600, -32601, -32602})
"""JSON-RPC errors that no repetition cures: the task is gone or has ended, or the message is refused as such."""

_log = logging.getLogger(__name__)


class _Lane(Beside):
    """The way to one agent: tries until nothing is left, with longer and longer pauses, then rests until it is woken.

    Args:
        deliver: tries everything that is pending once; answers how much is left.
        retry_seconds: the first pause after a try that left something.
    """

    def __init__(self, deliver: Callable[[], Awaitable[int]], retry_seconds: float) -> None:
        super().__init__()
        self._deliver, self._retry = deliver, retry_seconds
        self.told: tuple[int, str] | None = None

    async def run(self) -> None:
        """Deliver what there is."""
        failures, pause = 0, 0.0
        while await self.pause(pause):
            try:
                left = await self._deliver()
            except Exception:
                _log.exception("decisions cannot be delivered now; they stay in the store")
                left = 1
            failures = failures + 1 if left else 0
            pause = min(self._retry * 2 ** min(failures - 1, 10), LONGEST_PAUSE) if left else None


class Delivery(Beside):
    """Delivers what is pending: at the start, after each decision, and again after a pause when it failed.

    Each agent has a lane of its own, in which one decision goes out after another; whoever is slow or away holds up
    nobody else. A decision goes to its task with the token that the task came with, made anew: the same person, the
    same agents before it, the same task above it, and no scope that the person has lost since.
    """

    def __init__(
        self, services: GatewayServices, registry: Registry, ledger: Ledger, tasks: TaskBook, call: Call
    ) -> None:
        super().__init__()
        self._services, self._registry, self._ledger = services, registry, ledger
        self._tasks, self._call = tasks, call
        self._lanes: dict[str, _Lane] = {}

    async def run(self) -> None:
        """Begin with what an earlier process left, and go on with what comes."""
        pause: float | None = 0.0
        while await self.pause(pause):
            pause = None
            try:
                for agent, told in (await self._services.database.read(store.waiting)).items():
                    self._hurry(agent, told)
            except Exception:
                _log.exception("which decisions are to be delivered cannot be read now; they stay in the store")
                pause = LONGEST_PAUSE

    async def stop(self) -> None:
        """End after the attempts that are under way; what is left waits for the next start."""
        await super().stop()
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(each.stop() for each in lanes.values()))

    def _hurry(self, agent: str, told: tuple[int, str]) -> None:
        """Wake an agent's lane when there is something new for it; what is old is tried again in its own time."""
        lane = self._lanes.get(agent)
        if lane is None:
            lane = self._lanes[agent] = _Lane(lambda: self.deliver(agent), self._services.retry_seconds)
            lane.start()
        elif lane.told != told:
            lane.wake()
        lane.told = told

    async def deliver(self, agent: str) -> int:
        """Try everything that is pending for an agent once; answers how much is left.

        What a task waits for reaches it in the order in which it was decided.
        """
        left, behind = 0, set[str]()
        for approval, attempts in await self._services.database.read(lambda c: store.pending(c, agent)):
            if self.closing:
                break
            if approval.task in behind:
                left += 1
                continue
            state, error = await self._attempt(approval)
            if state == "pending" and attempts + 1 >= MOST_ATTEMPTS:
                state = "given-up"
            if state == "pending":
                left += 1
                behind.add(approval.task)
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
            async with asyncio.timeout(ANSWER_SECONDS):
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
