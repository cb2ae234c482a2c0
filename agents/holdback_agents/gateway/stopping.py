"""What follows when an agent is suspended or all are stopped: its tasks end, and what they had running is cancelled.

Who suspends writes the standing book, from then on nothing of the agent counts. This clears up after it: it looks at
the book again and again, so that it does not matter which process of the house, or which person, did it.
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from holdback_base.problem import Problem
from holdback_trust.guardian import Guardian
from holdback_trust.standing import Entry

from holdback_agents.gateway.beside import Beside
from holdback_agents.gateway.delivery import Call
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.task_ends import TaskEnds
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import TaskBook

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 30.0
"""How long whoever is told to cancel something may take to answer."""
LONGEST_REST = 64
"""Looks that are left out, at most, before a job that could not be cancelled is tried again."""
_UNHEARD = frozenset({"UNAVAILABLE", "INTERNAL", "TOO_MANY_REQUESTS"})
"""Codes of a tool that did not come to decide; what else it says is its answer."""
_log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A job that is held back: `rest` looks are left out before it is tried again, twice as many each time."""

    settled: bool = False
    failures: int = 0
    rest: int = 0


class _Unheard(Exception):  # noqa: N818 - not a fault of this house
    """Nobody answered, or not to what was asked."""


class Stopping(Beside):
    """Looks every second, and at once when it is woken.

    Args:
        call_agent: sends a JSON-RPC body to an agent; `call_server` to a server.
    """

    def __init__(
        self,
        services: GatewayServices,
        registry: Registry,
        tasks: tuple[TaskBook, TaskEnds],
        call_agent: Call,
        call_server: Call,
    ) -> None:
        super().__init__()
        self._services, self._registry = services, registry
        self._tasks, self._ends = tasks
        self._call_agent, self._call_server = call_agent, call_server
        self._standing = services.enforcement.standing
        self._dealt: dict[str, Entry] = {}
        self._jobs: dict[str, _Job] = {}
        self._people: dict[str, None] = {}

    async def look(self) -> None:
        """Deal with whoever was suspended since the last time, and with jobs that are held back."""
        guard = self._services.enforcement.guard
        if isinstance(guard, Guardian):
            guard.follow()
        for agent in (each.audience for each in self._registry.agents.values()):
            stopped, before = self._standing.suspended(agent), self._dealt.pop(agent, None)
            if stopped is not None:
                if stopped != before:
                    await self._end_tasks(agent, stopped)
                self._dealt[agent] = stopped
        held = sorted(each for each in self._standing.quarantine if each.startswith("job_"))
        self._jobs = {each: self._jobs.get(each, _Job()) for each in held}
        silent = set[str]()
        for job, known in self._jobs.items():
            await self._deal_with(job, known, silent)

    async def run(self) -> None:
        """Look again and again."""
        await asyncio.to_thread(self._tidy)
        while await self.pause(LOOK_SECONDS):
            try:
                await self.look()
            except Problem as problem:  # a book that cannot be believed stops every agent by itself
                _log.warning("nobody could be stopped: %s", problem.line())
            except Exception:
                _log.exception("what suspended agents left running could not be cancelled")

    def _tidy(self) -> None:
        try:
            self._standing.tidy()
        except Problem as problem:  # told to everybody who asks the book
            _log.warning("the standing book was not begun again: %s", problem.line())
        except OSError:
            _log.exception("the standing book was not begun again")

    async def _end_tasks(self, agent: str, stopped: Entry) -> None:
        ended: dict[str, HeldTask] = {}
        for held in self._tasks.open_of(agent):
            why = stopped.why or f"{agent} was stopped"
            ended |= {each.id: each for each in await self._ends.end(held.id, by=stopped.by, why=why)}
        self._people |= dict.fromkeys(each.session.person for each in ended.values())
        await asyncio.gather(*(self._cancel_task(held) for held in ended.values()))

    async def _cancel_task(self, held: HeldTask) -> None:
        """As the person whose task it is, with a token that is good for this only: what the agent itself still holds is
        worthless. One from outside that was stopped is told nothing."""
        name = held.agent.removeprefix("agent:")
        token = self._token(held.session.person, held.agent, held.claim.skill)
        if name not in self._registry.agents or token is None:
            return
        try:
            self._services.check_outside(self._registry.agents[name])
        except Problem:
            self._record(held.session.person, "task.cancel", f"{held.agent} {held.id}", "left", held.id)
            return
        body = {"jsonrpc": "2.0", "id": held.id, "method": "CancelTask", "params": {"id": held.id}}
        try:
            state = "cancelled" if await self._sent(self._call_agent, name, token, body) else "left"
        except _Unheard:
            state = "left"
        self._record(held.session.person, "task.cancel", f"{held.agent} {held.id}", state, held.id)

    async def _deal_with(self, job: str, known: _Job, silent: set[str]) -> None:
        if known.settled:
            return
        if known.rest:
            known.rest -= 1
            return
        try:
            await self._cancel_job(job, silent)
            known.settled = True
        except _Unheard:
            known.rest = min(2**known.failures, LONGEST_REST)
            known.failures += 1

    async def _cancel_job(self, job: str, silent: set[str]) -> None:
        """At whichever server has it, as one of those for whom the stopped tasks worked; whoever is `silent` in this
        look is asked once.

        Raises _Unheard when one that may have it did not answer.
        """
        params = {"name": "cancel_job", "arguments": {"job_id": job}}
        body = {"jsonrpc": "2.0", "id": job, "method": "tools/call", "params": params}
        # an earlier process may have ended the tasks, and only it knew for whom they were
        people = (*self._people, *self._registry.people, *self._registry.guests)
        asked = dict.fromkeys((person, server) for person in people for server in self._registry.servers)
        for person, server in asked:
            token = self._token(person, f"mcp:{server}")
            if token is None or server in silent:
                continue
            try:
                done = await self._sent(self._call_server, server, token, body)
            except _Unheard:
                silent.add(server)
                continue
            if done:
                self._record(person, "job.cancel", f"mcp:{server} {job}", "cancelled", "")
                return
        if silent:
            raise _Unheard

    async def _sent(self, call: Call, name: str, token: str, body: dict[str, Any]) -> bool:
        """Whether it was done. Raises _Unheard."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, answer = await call(name, token, json.dumps(body).encode())
            return _done(status, json.loads(answer))
        except Exception as failure:
            _log.warning("%s at %s failed: %s", body["method"], name, str(failure) or type(failure).__name__)
            raise _Unheard from failure

    def _token(self, person: str, audience: str, skill: str = "") -> str | None:
        """With all that the person may do and know there, or with one skill alone."""
        known = self._registry.person(person)
        scopes = self._registry.person_scopes(known.roles, audience) if known else frozenset[str]()
        if skill:
            scopes &= {f"{audience}:{skill}"}
        if known is None or not scopes:
            return None
        stories = self._services.stories_of(person)
        return self._services.authority.issue(
            person=person, roles=known.roles, audience=audience, scopes=scopes, stories=stories
        )

    def _record(self, person: str, action: str, resource: str, decision: str, task: str) -> None:
        self._services.audit.append(
            actor="guardian",
            on_behalf_of=person,
            action=action,
            resource=resource,
            decision=decision,
            policy="guardian:suspend",
            task=task,
        )


def _done(status: int, said: dict[str, Any]) -> bool:
    """What an answer to JSON-RPC comes to. Raises _Unheard for one that says nothing about what was asked."""
    result: dict[str, Any] = said.get("result") or {}
    failed = bool(result.get("isError"))
    code = result.get("structuredContent", {}).get("code", "") if failed else said.get("code", "")
    if status in (408, 429) or status >= 500 or code in _UNHEARD:
        raise _Unheard(f"it answered {status} {code}")
    return status == 200 and "error" not in said and not failed
