"""Tasks on disk, at a cost that stays linear: protobuf bytes, group commit, progress coalesced.

A task's first state and every state but WORKING are on disk before anybody hears of them. WORKING snapshots wait a few
milliseconds for one another: what a crash may lose is the last progress line, never a step (the journal has those).
The SDK changes its task object in place and saves it after each event, so a snapshot is serialized when it is written,
not when it is handed over: a thousand progress events cost a few dozen writes. Tasks that are saved while a write is on
its way share the next one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from a2a.server.context import ServerCallContext
from a2a.server.tasks import TaskStore as SdkTaskStore
from a2a.types.a2a_pb2 import ListTasksRequest, ListTasksResponse, Role, Task, TaskState
from a2a.utils.errors import TaskNotFoundError
from holdback_base.database import Database
from sqlalchemy import Connection, and_, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from holdback_agents.runtime.tables import messages, tasks
from holdback_agents.runtime.task_listing import page_of

RECEIPT = "holdback.receipt"
"""Where a call's context carries the receipt of its message until the task is saved with it."""
LINGER = 0.010
"""Seconds that a WORKING snapshot may wait for the next."""
_KEPT = 256
_REMEMBERED = 250_000
"""Messages that are known without asking the disk; about 15 MB. With more than that the disk is asked each time."""

ENDED = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_REJECTED,
    }
)
WAITING = frozenset({TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED})
SETTLED = ENDED | WAITING
"""States in which a task does nothing until somebody asks again."""

_put_task = insert(tasks)
_put_task = _put_task.on_conflict_do_update(
    index_elements=["task_id"],
    set_={name: _put_task.excluded[name] for name in ("state", "updated", "body")},
    where=tasks.c.owner == _put_task.excluded.owner,
)
_put_message = insert(messages).on_conflict_do_nothing()
_get_task = select(tasks.c.body).where(tasks.c.task_id == bindparam("task_id"), tasks.c.owner == bindparam("owner"))
_unsettled = (
    select(tasks.c.task_id, tasks.c.owner, tasks.c.state, tasks.c.body)
    .where(tasks.c.state.not_in(sorted(ENDED)))
    .order_by(tasks.c.updated)
)
_all_messages = select(messages.c.owner, messages.c.message_id).limit(_REMEMBERED)
_get_message = select(messages.c.task_id, messages.c.sha256).where(
    messages.c.owner == bindparam("owner"), messages.c.message_id == bindparam("message_id")
)


@dataclass(eq=False)
class Receipt:
    """That a message was taken: `task_id` is known once the task is; `saved` is done once both are on disk."""

    owner: str
    message_id: str
    sha256: bytes
    saved: "asyncio.Future[str]"


@dataclass(eq=False)
class _Kept:
    owner: str
    task: Task
    state: int
    receipts: list[Receipt] = field(default_factory=list[Receipt])


class _Round:
    """Tasks that are written together, and who waits for them."""

    def __init__(self) -> None:
        self.kept: dict[str, _Kept] = {}
        self.waiting: list[asyncio.Future[None]] = []


def is_settled(task: Task) -> bool:
    """Whether a task does nothing until somebody asks again. One that waits with no question open has been answered: it
    goes on, though that may not be on the disk yet."""
    return task.status.state in SETTLED and not is_answered(task)


def is_answered(task: Task) -> bool:
    """Whether the last that was said to a task that waits is the answer."""
    waits = task.status.state in WAITING and not task.status.HasField("message")
    return waits and len(task.history) > 1 and task.history[-1].role == Role.ROLE_USER


def owner_of(context: ServerCallContext) -> str:
    """Whose tasks a call sees: the person's."""
    return context.user.user_name


class TaskStore(SdkTaskStore):
    """The tasks of one agent, each seen by its owner only."""

    def __init__(self, database: Database, linger: float = LINGER) -> None:
        self._database = database
        self._linger = linger
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fresh: set[str] = set()
        self._dirty: dict[str, _Kept] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: set[asyncio.Task[None]] = set()
        self._next = _Round()
        self._writing: asyncio.Task[None] | None = None
        self._seen: set[int] | None = None

    def expect(self, task_id: str) -> None:
        """An id that was just made: nothing is stored under it, so nobody need look."""
        self._fresh.add(task_id)

    def forget(self, task_id: str) -> None:
        """An id that was made and never used."""
        self._fresh.discard(task_id)

    async def save(self, task: Task, context: ServerCallContext) -> None:
        """Keep the task; for WORKING within `linger` seconds, for any other state before this returns."""
        owner = owner_of(context)
        state = task.status.state
        kept = self._kept.get(task.id)
        first = kept is None
        if kept is None:
            kept = self._keep(_Kept(owner, task, state))
        elif kept.owner != owner:
            raise TaskNotFoundError
        kept.task, kept.state = task, state
        receipt: Receipt | None = context.state.pop(RECEIPT, None)
        if receipt is not None:
            kept.receipts.append(receipt)
        if first or state != TaskState.TASK_STATE_WORKING:
            self._dirty.pop(task.id, None)
            await self._write([kept])
        else:
            self._dirty[task.id] = kept
            self._arm()

    async def get(self, task_id: str, context: ServerCallContext) -> Task | None:
        """A copy of the owner's task, as new as what was saved."""
        if task_id in self._fresh:
            return None
        owner = owner_of(context)
        kept = self._kept.get(task_id)
        if kept is None:
            stored = self._database.read_now(
                lambda c: c.execute(_get_task, {"task_id": task_id, "owner": owner}).scalar_one_or_none()
            )
            if stored is None:
                return None
            task = Task.FromString(stored)
            kept = self._keep(_Kept(owner, task, task.status.state))
        if kept.owner != owner:
            return None
        self._kept.move_to_end(task_id)
        copy = Task()
        copy.CopyFrom(kept.task)
        return copy

    async def delete(self, task_id: str, context: ServerCallContext) -> None:
        """Forget the owner's task."""
        owner = owner_of(context)
        kept = self._kept.get(task_id)
        if kept is not None and kept.owner == owner:
            del self._kept[task_id]
            self._dirty.pop(task_id, None)
        where = and_(tasks.c.task_id == task_id, tasks.c.owner == owner)
        await self._database.write(lambda c: c.execute(delete(tasks).where(where)))

    def unsettled(self) -> list[tuple[str, str]]:
        """The tasks that are not settled, with their owners, as they lie on the disk."""
        rows = self._database.read_now(lambda c: c.execute(_unsettled).all())
        return [
            (row.task_id, row.owner)
            for row in rows
            if row.state not in WAITING or is_answered(Task.FromString(row.body))
        ]

    async def list(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """A page of the owner's tasks, the newest first."""
        await self.flush()
        owner = owner_of(context)
        return await self._database.read(page_of(params, owner))

    def taken(self, owner: str, message_id: str) -> tuple[str, bytes] | None:
        """The task that a message of this owner went into, and the digest of the message.

        A message that is new, as nearly all are, is known to be so without asking the disk.
        """
        if self._seen is None:
            rows = self._database.read_now(lambda c: c.execute(_all_messages).all())
            self._seen = {hash((row[0], row[1])) for row in rows}
        mark = hash((owner, message_id))
        if mark not in self._seen and len(self._seen) < _REMEMBERED:
            self._seen.add(mark)
            return None
        row = self._database.read_now(
            lambda c: c.execute(_get_message, {"owner": owner, "message_id": message_id}).one_or_none()
        )
        return None if row is None else (row[0], row[1])

    async def flush(self) -> None:
        """Put on disk what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._dirty = list(self._dirty.values()), {}
        if waiting:
            await self._write(waiting)

    async def aclose(self) -> None:
        """Put on disk what waits and what is on its way."""
        await self.flush()
        await asyncio.gather(*self._flushing)
        if self._writing is not None:
            await self._writing

    def _keep(self, kept: _Kept) -> _Kept:
        self._fresh.discard(kept.task.id)
        self._kept[kept.task.id] = kept
        for task_id in list(self._kept)[: max(0, len(self._kept) - _KEPT)]:
            if task_id not in self._dirty:
                del self._kept[task_id]
        return kept

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._linger, self._flush_soon)

    def _flush_soon(self) -> None:
        self._timer = None
        flushing = asyncio.ensure_future(self.flush())
        self._flushing.add(flushing)
        flushing.add_done_callback(self._flushing.discard)

    async def _write(self, batch: Sequence[_Kept]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next.waiting.append(done)
        for each in batch:
            self._next.kept[each.task.id] = each
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write_rounds())
        await done

    async def _write_rounds(self) -> None:
        while self._next.kept:
            now, self._next = self._next, _Round()
            failure: Exception | None = None
            try:
                await self._put(list(now.kept.values()))
            except Exception as error:
                failure = error
            for done in now.waiting:
                if done.done():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)

    async def _put(self, batch: Sequence[_Kept]) -> None:
        rows = [_row(each) for each in batch]
        receipts = [(each.task.id, receipt) for each in batch for receipt in each.receipts]
        for each in batch:
            each.receipts = []
        taken = [
            {"owner": each.owner, "message_id": each.message_id, "task_id": task_id, "sha256": each.sha256}
            for task_id, each in receipts
        ]

        def put(c: Connection) -> None:
            c.execute(_put_task, rows)
            if taken:
                c.execute(_put_message, taken)

        await self._database.write(put)
        for task_id, receipt in receipts:
            if not receipt.saved.done():
                receipt.saved.set_result(task_id)


def _row(kept: _Kept) -> dict[str, Any]:
    task = kept.task
    return {
        "task_id": task.id,
        "owner": kept.owner,
        "context_id": task.context_id,
        "state": task.status.state,
        "updated": task.status.timestamp.ToNanoseconds(),
        "body": task.SerializeToString(),
    }
