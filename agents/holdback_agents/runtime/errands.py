"""Work that goes on elsewhere for a task: a job at a server, a task at another agent. Followed, relayed, cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from a2a.types.a2a_pb2 import Message, Task, TaskState
from google.protobuf.json_format import MessageToDict
from holdback_base.ids import is_id
from holdback_base.problem import Problem

from holdback_agents.contracts import Part, Progress
from holdback_agents.runtime.conversation import Conversation
from holdback_agents.runtime.house import House, Place
from holdback_agents.runtime.parts import QUESTION_EXTENSION, data_part, message, problem_of, result_of
from holdback_agents.runtime.peers import Listener, Peer, Peers
from holdback_agents.runtime.steps import Steps
from holdback_agents.runtime.task_store import WAITING
from holdback_agents.runtime.toolbox import Toolbox, ToolCall

JOB_WAIT_SECONDS = 10
"""How long a server may hold one question about a job."""
_QUICK = 0.05
_PAUSE = 0.2

Report = Callable[[Progress], Awaitable[None]]


@dataclass(frozen=True)
class Ways:
    """How an agent reaches the rest of the house."""

    house: House
    toolbox: Toolbox
    peers: Peers


async def call_tool(
    ways: Ways, talk: Conversation, capability: str, arguments: dict[str, Any], key: str = "", *, scope: str = ""
) -> dict[str, Any]:
    """Ask the registry who offers the capability, get a token for it, and call it.

    `scope` is one that it takes beside its own, for what the tool does only with that one.
    """
    place = await ways.house.capability(talk.session, capability)
    token = await ways.house.token(talk.session, place.audience, f"{place.scope} {scope}".strip())
    tool = capability.partition(".")[2]
    return await ways.toolbox.call(ToolCall(place.url, tool, arguments, talk.session.caller.person, token, key))


async def cancel_job(ways: Ways, talk: Conversation, server: str, job_id: str) -> None:
    """Stop a job; one that has ended is left. Some jobs take a further scope to cancel, which the refusal names."""
    capability, key = f"{server}.cancel_job", f"{talk.task_id}/cancel/{job_id}"
    try:
        await call_tool(ways, talk, capability, {"job_id": job_id}, key)
    except Problem as problem:
        scope = problem.details.get("scope")
        if problem.code != "PERMISSION_DENIED" or not isinstance(scope, str):
            raise
        await call_tool(ways, talk, capability, {"job_id": job_id}, key, scope=scope)


async def follow_job(ways: Ways, talk: Conversation, server: str, job_id: str, report: Report) -> dict[str, Any]:
    """The result of a job once it has one. Raises Problem with what it failed of; CANCELLED when it was stopped."""
    clock = asyncio.get_running_loop().time
    arguments: dict[str, Any] = {"job_id": job_id, "wait_seconds": 0}
    while True:
        began = clock()
        job = await call_tool(ways, talk, f"{server}.get_job", arguments)
        state = job.get("state")
        if state == "succeeded":
            return job.get("result") or {}
        if state == "failed":
            raise Problem.from_dict(job.get("problem") or {"message": f"The job {job_id} failed."})
        if state == "cancelled":
            raise Problem("CANCELLED", f"The job {job_id} was cancelled.")
        seq = int(job.get("seq") or 0)
        if arguments.get("after_seq") != seq:
            told = {name: job[name] for name in ("done", "total", "unit") if job.get(name) is not None}
            await report(Progress.model_validate({**told, "text": str(job.get("note") or job.get("kind") or "")}))
        elif clock() - began < _QUICK:  # a server that answers at once instead of waiting for news
            await asyncio.sleep(_PAUSE)
        arguments = {"job_id": job_id, "wait_seconds": JOB_WAIT_SECONDS, "after_seq": seq}


def started_job(result: dict[str, Any]) -> str:
    """The id of the job that a tool's answer speaks of, or nothing."""
    inner = result.get("job")
    named = result.get("job_id") or (cast(dict[str, Any], inner).get("id") if isinstance(inner, dict) else inner)
    job_id = named or result.get("id")
    return job_id if isinstance(job_id, str) and is_id(job_id, "job") else ""


@dataclass(frozen=True)
class Errand:
    """A task that this one gives to another agent: one step of it.

    Questions of that agent go up as questions of this task, their path one longer; the answers go down again.
    """

    ways: Ways
    talk: Conversation
    steps: Steps
    number: int
    agent: str
    skill: str

    async def run(self, request: Part, result: type[Part]) -> dict[str, Any]:
        """The result part of the other agent's task.

        Raises:
            Problem: what it failed of or was rejected for; CANCELLED when somebody else cancelled it; UNAVAILABLE.
        """
        place = await self.ways.house.skill(self.talk.session, self.skill)
        key = self.steps.key(self.number)
        first = message([data_part(request)], message_id=key, context_id=self.talk.context_id, skill=self.skill)
        peer = self.peer(place)
        known: list[str] = []

        async def stop() -> None:
            await self.ways.peers.cancel(peer, known[0] if known else "", first)

        async def begun(task_id: str) -> None:
            if not known:
                known.append(task_id)
                note = {"agent": place.name, "skill": self.skill, "task": task_id}
                await self.steps.opened(self.number, note, stop)

        async def report(progress: Progress) -> None:
            await self.talk.progress(progress.model_copy(update={"path": (self.agent, *progress.path)}))

        self.steps.stoppable(self.number, stop)
        task = await self.ways.peers.converse(peer, first, Listener(begun, report))
        while task.status.state in WAITING:
            answer = await self._relay(task, place.name)
            down = message(answer.parts, message_id=f"{key}/{answer.message_id}", task_id=task.id)
            task = await self.ways.peers.converse(peer, down, Listener(begun, report))
        return _outcome(task, place, result)

    async def cancel(self, task_id: str) -> None:
        """Cancel the other agent's task."""
        place = await self.ways.house.skill(self.talk.session, self.skill)
        await self.ways.peers.cancel(self.peer(place), task_id)

    def peer(self, place: Place) -> Peer:
        """The other agent, with a token that follows the session of this task."""
        return Peer(place.name, place.url, lambda: self.ways.house.token(self.talk.session, place.audience))

    async def _relay(self, task: Task, name: str) -> Message:
        asked = task.status.message
        below = MessageToDict(asked.metadata).get(QUESTION_EXTENSION, {}).get("path") or [name]
        return await self.talk.ask(asked.parts, (self.agent, *below))


def _outcome(task: Task, place: Place, result: type[Part]) -> dict[str, Any]:
    state = task.status.state
    if state == TaskState.TASK_STATE_COMPLETED:
        found = result_of(task, result, result.schema_uri())
        if found is None:
            raise Problem("INTERNAL", f"{place.name} gave no {result.schema_name}.", task=task.id)
        return found.model_dump(mode="json", exclude_none=True)
    if state == TaskState.TASK_STATE_CANCELED:
        raise Problem("CANCELLED", f"The task at {place.name} was cancelled.", task=task.id)
    raise problem_of(task, Problem("INTERNAL", f"{place.name} failed and did not say why.", task=task.id))
