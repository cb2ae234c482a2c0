"""Other agents, over A2A; nothing else in an agent speaks it to them.

A stream that breaks is taken up again: the task goes on without us, so we subscribe to it once more. What the snapshot
already told is recognised by its sequence number and dropped; what was missed is in the snapshot.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

import httpx
from a2a.client import Client, ClientCallContext, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientError
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    SendMessageConfiguration,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
)
from a2a.utils.errors import A2AError, InternalError, TaskNotCancelableError, UnsupportedOperationError
from holdback_base.problem import Problem

from holdback_agents.contracts import PROGRESS_EXTENSION, SKILL_EXTENSION, Progress
from holdback_agents.runtime.lines import problem_of_answer
from holdback_agents.runtime.parts import progress_of
from holdback_agents.runtime.task_store import SETTLED, WAITING

_TRIES = 6
_EXTENSIONS = f"{SKILL_EXTENSION},{PROGRESS_EXTENSION}"


@dataclass(frozen=True)
class Peer:
    """Another agent: its name, where it listens, and how to get a token for it that is good now."""

    name: str
    url: str
    token: Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class Listener:
    """What a conversation tells on its way: the task as soon as there is one, and each progress once."""

    task: Callable[[str], Awaitable[None]]
    progress: Callable[[Progress], Awaitable[None]]


class Peers:
    """Speaks to agents for one agent. `http` is closed by whoever made it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._factory = ClientFactory(ClientConfig(httpx_client=http, streaming=True))

    async def converse(self, peer: Peer, message: Message, listener: Listener) -> Task:
        """Send the message and follow its task until it has ended or waits for an answer.

        Raises:
            Problem: UNAVAILABLE when the agent cannot be reached after some tries; what it refused the message with.
        """
        talk = _Talk(self._client(peer), peer, message, listener)
        return await _heard_out(talk, lambda: talk.settled)

    async def follow(self, peer: Peer, task_id: str, listener: Listener) -> Task:
        """Follow a task that somebody else moves on, such as one that waits for an approval, until it has ended.

        Raises:
            Problem: NOT_FOUND and its kin; UNAVAILABLE when the agent cannot be reached after some tries.
        """
        talk = _Talk(self._client(peer), peer, Message(), listener, Task(id=task_id))
        return await _heard_out(talk, lambda: talk.settled and not talk.waits)

    async def cancel(self, peer: Peer, task_id: str, message: Message | None = None) -> None:
        """Cancel a task there. Its first message stands for one whose id was never heard; one that ended is left."""
        client, context = self._client(peer), await _context(peer)
        with suppress(A2AError):
            if not task_id and message is not None:
                now = SendMessageConfiguration(return_immediately=True)
                request = SendMessageRequest(message=message, configuration=now)
                async with aclosing(_closable(client.send_message(request, context=context))) as events:
                    async for event in events:
                        task_id = event.task.id
                        break
            with suppress(TaskNotCancelableError):
                await client.cancel_task(CancelTaskRequest(id=task_id), context=context)

    def _client(self, peer: Peer) -> Client:
        interface = AgentInterface(url=peer.url, protocol_binding="JSONRPC", protocol_version="1.0")
        return self._factory.create(
            AgentCard(
                name=peer.name,
                description=peer.name,
                version="1",
                supported_interfaces=[interface],
                capabilities=AgentCapabilities(streaming=True),
                default_input_modes=["application/json"],
                default_output_modes=["application/json"],
            )
        )


async def _heard_out(talk: "_Talk", over: Callable[[], bool]) -> Task:
    """Listen, with as many streams as it takes: each lasts no longer than its token.

    After some in a row that told nothing at all it is given up; those that told no news come ever more rarely.
    """
    failures = quiet = 0
    while True:
        told, problem = (
            0,
            Problem("UNAVAILABLE", f"{talk.peer.name} does not keep its stream open.", "Try again later."),
        )
        try:
            async with aclosing(await talk.events()) as events:
                async for event in events:
                    told += 1
                    await talk.hear(event)
            if over():
                return await talk.outcome()
        except UnsupportedOperationError:  # it ended while we were away
            return await talk.outcome(again=True)
        except A2AError as error:
            problem = _problem(talk.peer, error)
            if problem.code != "UNAVAILABLE":
                raise problem from error
        failures, quiet = 0 if told else failures + 1, 0 if told > 1 else quiet + 1
        if failures == _TRIES:
            raise problem
        await asyncio.sleep(min(2.0, 0.05 * 3 ** min(quiet, 4)))


class _Talk:
    """One message and what comes of it, over as many streams as it takes."""

    def __init__(
        self, client: Client, peer: Peer, message: Message, listener: Listener, known: Task | None = None
    ) -> None:
        self._client, self.peer, self._message, self._listener = client, peer, message, listener
        self._task = known
        self._seq = -1
        self._streams = 0

    @property
    def settled(self) -> bool:
        return self._task is not None and self._task.status.state in SETTLED

    @property
    def waits(self) -> bool:
        return self._task is not None and self._task.status.state in WAITING

    async def events(self) -> "_Events":
        self._streams += 1
        context = await _context(self.peer)
        if self._task is None:
            return _closable(self._client.send_message(SendMessageRequest(message=self._message), context=context))
        return _closable(self._client.subscribe(SubscribeToTaskRequest(id=self._task.id), context=context))

    async def hear(self, event: StreamResponse) -> None:
        kind = event.WhichOneof("payload")
        if kind == "task":
            known, self._task = self._task, event.task
            if known is None:
                await self._listener.task(event.task.id)
            await self._progress(progress_of(event.task.metadata))
        elif kind == "status_update" and self._task is not None:
            self._task.status.CopyFrom(event.status_update.status)
            await self._progress(progress_of(event.status_update.metadata))
        elif kind == "artifact_update" and self._task is not None:
            update = event.artifact_update
            same = next((a for a in self._task.artifacts if a.artifact_id == update.artifact.artifact_id), None)
            if same is None:
                self._task.artifacts.append(update.artifact)
            elif update.append:
                same.parts.extend(update.artifact.parts)
            else:
                same.CopyFrom(update.artifact)
        elif kind == "message":
            raise Problem("UNAVAILABLE", f"{self.peer.name} answered without a task.")

    async def outcome(self, *, again: bool = False) -> Task:
        """The task as it ended; asked for once more when it was not heard in one piece."""
        if self._task is None:
            raise Problem("UNAVAILABLE", f"{self.peer.name} gave no task.")
        if again or self._streams > 1:
            context = await _context(self.peer)
            self._task = await self._client.get_task(GetTaskRequest(id=self._task.id), context=context)
            await self._progress(progress_of(self._task.metadata))
        return self._task

    async def _progress(self, progress: Progress | None) -> None:
        if progress is not None and progress.seq > self._seq:
            self._seq = progress.seq
            await self._listener.progress(progress)


class _Events(AsyncIterator[StreamResponse]):
    """A client's stream that can be closed early; the SDK promises an iterator and gives a generator."""

    def __init__(self, stream: AsyncIterator[StreamResponse]) -> None:
        self._stream = stream

    async def __anext__(self) -> StreamResponse:
        return await anext(self._stream)

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


def _closable(stream: AsyncIterator[StreamResponse]) -> _Events:
    return _Events(stream)


async def _context(peer: Peer) -> ClientCallContext:
    headers = {"Authorization": f"Bearer {await peer.token()}", "A2A-Extensions": _EXTENSIONS}
    return ClientCallContext(service_parameters=headers)


def _problem(peer: Peer, error: A2AError) -> Problem:
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPStatusError):
        answer = cause.response
        return problem_of_answer(answer.request.url.path, answer.status_code, answer.content)
    if isinstance(error, A2AClientError):
        return Problem("UNAVAILABLE", f"{peer.name} does not answer.", "Start it, or try again.")
    if isinstance(error, InternalError):
        return Problem("INTERNAL", f"{peer.name} failed.")
    return Problem("INVALID_ARGUMENT", f"{peer.name} refused: {error.message}")
