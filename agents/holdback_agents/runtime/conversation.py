"""A task as those outside see it: what it tells, asks, is answered, and how it ends.

The workflow runs in a task of its own and may outlive several requests. A request is `settled` when the task has ended
or waits for an answer; the next message of the asker brings the answer, a fresh session and a fresh queue.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from a2a.server.events import EventQueue
from a2a.types.a2a_pb2 import (
    Artifact,
    Message,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.types.a2a_pb2 import Part as WirePart
from google.protobuf.struct_pb2 import Struct
from holdback_base.ids import Clock

from holdback_agents.contracts import Progress
from holdback_agents.runtime.house import Session
from holdback_agents.runtime.parts import QUESTION_EXTENSION, progress_metadata, struct


class Conversation:
    """One task's side that faces its asker.

    Args:
        task_id, context_id: of the task.
        session: for whom it runs now.
        queue: where its events go now.
        clock: dates its states.
        new_id: names its messages.
        seq: the last progress number already told, so that numbers go on after a restart.
    """

    def __init__(
        self,
        task_id: str,
        context_id: str,
        session: Session,
        queue: EventQueue,
        *,
        clock: Clock,
        new_id: Callable[[str], str],
        seq: int = 0,
    ) -> None:
        self.task_id, self.context_id, self.session = task_id, context_id, session
        self.cancelling = False
        self.settled = asyncio.Event()
        self._queue, self._clock, self._new_id, self._seq = queue, clock, new_id, seq
        self._answer: asyncio.Future[Message] | None = None
        self._early: Message | None = None
        self._early_to: Message | None = None
        self._one_question = asyncio.Lock()

    @property
    def waits(self) -> bool:
        """Whether it waits for an answer."""
        return self._answer is not None and not self._answer.done()

    def redirect(self, session: Session, queue: EventQueue) -> None:
        """Act with this session and tell this queue from now on."""
        self.session, self._queue = session, queue

    def resume(self, session: Session, queue: EventQueue, answer: Message | None, *, to: Message | None = None) -> None:
        """A further message of the asker. Before a question is open the answer is kept for the first one, or for the
        very question that it was given `to`: an earlier process may have heard it and gone on."""
        self.redirect(session, queue)
        if answer is None:
            return
        self.settled.clear()
        if self._answer is None:
            self._early, self._early_to = answer, to
        elif not self._answer.done():
            self._answer.set_result(answer)

    async def begin(self, asked: Message, metadata: dict[str, Any]) -> None:
        """Say that there is a task."""
        await self._queue.enqueue_event(
            Task(
                id=self.task_id,
                context_id=self.context_id,
                status=self._status(TaskState.TASK_STATE_WORKING),
                history=[asked],
                metadata=struct(metadata),
            )
        )

    async def progress(self, progress: Progress) -> None:
        """Tell how far it is; overwrites what was told before. Silent while a question is open."""
        if self._answer is not None:
            return
        self._seq += 1
        numbered = progress.model_copy(update={"seq": self._seq})
        await self._tell(TaskState.TASK_STATE_WORKING, metadata=progress_metadata(numbered))

    async def artifact(self, artifact: Artifact) -> None:
        """Give something that came out."""
        await self._queue.enqueue_event(
            TaskArtifactUpdateEvent(
                task_id=self.task_id, context_id=self.context_id, artifact=artifact, last_chunk=True
            )
        )

    async def ask(self, parts: Sequence[WirePart], path: Iterable[str]) -> Message:
        """Ask and wait for the answer, one question at a time. `path` leads from this agent to the one that asks."""
        async with self._one_question:
            early, to = self._early, self._early_to
            if early is not None and (to is None or list(to.parts) == list(parts)):
                self._early = self._early_to = None
                return early
            self._answer = asyncio.get_running_loop().create_future()
            try:
                asked = self._message(parts)
                asked.metadata.update({QUESTION_EXTENSION: {"path": list(path)}})
                await self._tell(TaskState.TASK_STATE_INPUT_REQUIRED, asked)
                self.settled.set()
                answer = await self._answer
            finally:
                self._answer = None
            await self._tell(TaskState.TASK_STATE_WORKING)
            return answer

    async def end(self, state: TaskState, parts: Sequence[WirePart] = ()) -> None:
        """Say how it ended; nothing is said after that."""
        await self._tell(state, self._message(parts) if parts else None)

    async def _tell(self, state: TaskState, message: Message | None = None, *, metadata: Struct | None = None) -> None:
        await self._queue.enqueue_event(
            TaskStatusUpdateEvent(
                task_id=self.task_id,
                context_id=self.context_id,
                status=self._status(state, message),
                metadata=metadata,
            )
        )

    def _status(self, state: TaskState, message: Message | None = None) -> TaskStatus:
        status = TaskStatus(state=state, message=message)
        status.timestamp.FromDatetime(self._clock())
        return status

    def _message(self, parts: Sequence[WirePart]) -> Message:
        return Message(
            role=Role.ROLE_AGENT,
            parts=parts,
            message_id=self._new_id("evt"),
            task_id=self.task_id,
            context_id=self.context_id,
        )
