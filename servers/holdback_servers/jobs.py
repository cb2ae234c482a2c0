"""Long work: queued, with progress, cancelled on request, kept in the room's store and taken up again after a crash."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from holdback_base.database import Database, Sight, knowing, known_stories, seeing, store_instant
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem, beyond_reckoning
from holdback_base.vocabulary import Noun
from sqlalchemy import JSON, Column, Connection, Integer, MetaData, RowMapping, String, Table, insert, select, update

log = logging.getLogger(__name__)

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Report = Callable[[int, int, str, str], None]
"""Called with done, total, unit and text; from any thread of the loop's own."""
Handler = Callable[[dict[str, Any], Report], Awaitable[dict[str, Any]]]

_ENDED = ("succeeded", "failed", "cancelled")


class Job(Noun):
    """Long work and how far it is. `seq` grows with every change, so that a follower sees each once."""

    id: str
    kind: str
    state: JobState
    seq: int
    done: int = 0
    total: int = 0
    unit: str = ""
    note: str = ""
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in _ENDED


def jobs_table(metadata: MetaData) -> Table:
    """The table of jobs, in a room's own store."""
    return Table(
        "jobs",
        metadata,
        Column("id", String, primary_key=True),
        Column("kind", String, nullable=False),
        Column("owner", String, nullable=False),
        Column("state", String, nullable=False, index=True),
        Column("runner", String, nullable=False),
        Column("request", JSON, nullable=False),
        Column("result", JSON),
        Column("problem", JSON),
        Column("created", String, nullable=False),
        Column("seq", Integer, nullable=False, default=0),
        Column("stories", JSON(none_as_null=True)),
    )


class Jobs:
    """The jobs of one room in one process: at most `at_once` run, the rest wait in order of birth.

    Progress lives in memory (it is worth nothing after a crash); states and results live in the store. Each job belongs
    to the process that took it on, its runner. When that process is gone, the next one to start adopts the job and runs
    it again from its beginning: handlers leave nothing half-done behind. A job knows of the closed stories that whoever
    asked for it knew.
    """

    def __init__(self, database: Database, table: Table, clock: Clock, new_id: NewId, *, at_once: int = 2) -> None:
        self._database, self._table, self._clock, self._new_id = database, table, clock, new_id
        self._handlers: dict[str, Handler] = {}
        self._live: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._changed: dict[str, asyncio.Event] = {}
        self._slots = asyncio.Semaphore(at_once)
        self._runner = f"{os.getpid()}/{new_id('evt')}"

    def register(self, kind: str, handler: Handler) -> None:
        """What to do for jobs of this kind."""
        self._handlers[kind] = handler

    def submit(
        self, connection: Connection, kind: str, request: dict[str, Any], owner: str, *, job_id: str | None = None
    ) -> Job:
        """Queue a job inside a write unit; call `wake` after it to have it begin.

        Args:
            job_id: a fresh id, where the room keeps something under it; else one is made.
        """
        job = Job(id=job_id or self._new_id("job"), kind=kind, state="queued", seq=0)
        known = known_stories(connection)
        connection.execute(
            insert(self._table).values(
                id=job.id,
                kind=kind,
                owner=owner,
                state="queued",
                runner=self._runner,
                request=request,
                created=store_instant(self._clock()),
                seq=0,
                stories=None if known is None else sorted(known),
            )
        )
        return job

    async def start(self) -> None:
        """Adopt what processes that are gone left queued or running."""
        table = self._table
        unfinished = table.c.state.in_(("queued", "running"))

        def adopt(connection: Connection) -> None:
            runners = connection.execute(select(table.c.runner).where(unfinished).distinct()).scalars().all()
            gone = [runner for runner in runners if not _alive(runner)]
            adopted = update(table).where(unfinished, table.c.runner.in_(gone))
            connection.execute(adopted.values(runner=self._runner, state="queued"))

        await self._database.write(adopt)
        await self.wake()

    async def wake(self) -> None:
        """Begin this process's queued jobs of every kind that has a handler here."""
        table = self._table
        mine = (table.c.state == "queued", table.c.runner == self._runner)
        query = select(table.c.id, table.c.kind, table.c.request, table.c.stories).where(*mine).order_by(table.c.id)
        with seeing(None):  # whoever wakes it may not know of the others' jobs
            queued = await self._database.read(lambda c: c.execute(query).mappings().all())
            for row in queued:
                if row["id"] not in self._running and row["kind"] in self._handlers:
                    job = Job(id=row["id"], kind=row["kind"], state="queued", seq=0)
                    self._live[job.id] = job
                    running = self._run(job, dict(row["request"]), _eyes(row["stories"]))
                    self._running[job.id] = asyncio.create_task(running, name=job.id)

    async def stop(self) -> None:
        """Stop what runs; it stays queued in the store and begins again with the next process."""
        running = list(self._running.values())
        for task in running:
            task.cancel("stopping")
        await asyncio.gather(*running, return_exceptions=True)

    async def get(self, job_id: str, owner: str, *, after_seq: int | None = None, wait_seconds: float = 0) -> Job:
        """The job as it is, or as soon as its seq is over `after_seq`, at the latest after the wait.

        Raises:
            Problem: NOT_FOUND for an unknown job or another person's.
        """
        job = await self._find(job_id, owner)
        if after_seq is None or job.seq > after_seq or job.ended or wait_seconds <= 0:
            return job
        changed = self._changed.setdefault(job_id, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait_seconds)
        return await self._find(job_id, owner)

    async def cancel(self, job_id: str, owner: str) -> Job:
        """Cancel the job; one that has ended stays as it is."""
        job = await self._find(job_id, owner)
        if job.ended:
            return job
        task = self._running.get(job_id)
        if task is not None:
            task.cancel("cancelled")
            await asyncio.gather(task, return_exceptions=True)
        else:
            await self._end(job, "cancelled", problem=_cancelled())
        return await self._find(job_id, owner)

    async def _find(self, job_id: str, owner: str) -> Job:
        table = self._table
        query = select(table).where(table.c.id == job_id, table.c.owner == owner)
        row = await self._database.read(lambda c: c.execute(query).mappings().first())
        if row is None:
            raise Problem("NOT_FOUND", f"There is no job {job_id}.", "Use the id that the tool answered with.")
        live = self._live.get(job_id)
        return live if live is not None and row["state"] not in _ENDED else _job(row)

    async def _run(self, job: Job, request: dict[str, Any], eyes: Sight | None) -> None:
        try:
            async with self._slots:
                await self._move(job.id, "running")
                with seeing(eyes):
                    result = await self._handlers[job.kind](request, self._reporter(job.id))
            await self._end(job, "succeeded", result=result)
        except asyncio.CancelledError as reason:
            if reason.args == ("cancelled",):
                await self._end(job, "cancelled", problem=_cancelled())
        except Problem as problem:
            await self._end(job, "failed", problem=problem.as_dict())
        except OverflowError as error:
            await self._end(job, "failed", problem=beyond_reckoning(f"The {job.kind} job", error).as_dict())
        except Exception:
            log.exception("job %s of kind %s failed", job.id, job.kind)
            failure = Problem("INTERNAL", f"The {job.kind} job failed inside the server.", "See the server's log.")
            await self._end(job, "failed", problem=failure.as_dict())
        finally:
            self._running.pop(job.id, None)
            self._live.pop(job.id, None)
            if (changed := self._changed.pop(job.id, None)) is not None:
                changed.set()

    async def _move(self, job_id: str, state: JobState) -> None:
        change = update(self._table).where(self._table.c.id == job_id).values(state=state)
        await self._database.write(lambda c: c.execute(change))
        self._change(job_id, state=state)

    async def _end(self, job: Job, state: JobState, **outcome: Any) -> None:
        seq = self._live.get(job.id, job).seq + 1
        table = self._table
        open_job = (table.c.id == job.id, table.c.state.not_in(_ENDED))
        change = update(table).where(*open_job).values(state=state, seq=seq, **outcome)
        await self._database.write(lambda c: c.execute(change))

    def _reporter(self, job_id: str) -> Report:
        def report(done: int, total: int, unit: str, note: str) -> None:
            self._change(job_id, done=done, total=total, unit=unit, note=note)

        return report

    def _change(self, job_id: str, **facts: Any) -> None:
        live = self._live[job_id]
        self._live[job_id] = live.model_copy(update={**facts, "seq": live.seq + 1})
        if (changed := self._changed.pop(job_id, None)) is not None:
            changed.set()


def _alive(runner: str) -> bool:
    """Whether the process that took a job on may still be there; this one's earlier lives are not."""
    process = int(runner.partition("/")[0])
    if process == os.getpid() or os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _eyes(stories: list[str] | None) -> Sight | None:
    return None if stories is None else knowing(frozenset(stories))


def _job(row: RowMapping) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        seq=row["seq"],
        result=row["result"],
        problem=row["problem"],
    )


def _cancelled() -> dict[str, Any]:
    return Problem("CANCELLED", "The job was cancelled.", "Start it again if it is still wanted.").as_dict()
