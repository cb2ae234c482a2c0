"""The job that takes in many files: each by itself, so that one that fails never stops the rest."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from holdback_base.vocabulary import Noun

from holdback_servers.assets.batches import items
from holdback_servers.assets.batches.items import BatchFile
from holdback_servers.assets.batches.orders import FileOrder, TakeIn, carry_out, failure
from holdback_servers.jobs import Report
from holdback_servers.services import Services

BATCH = "ingest_folder"
"""The kind of jobs that take in many files."""
_AT_ONCE = 2
_SHOWN = 50


class BatchReport(Noun):
    """What came of a batch: how many files were taken in, were known, failed; the first fifty that failed, each with
    what is wrong. list_ingested tells of all."""

    job_id: str
    files: int
    taken_in: int
    already: int
    failed: int
    failures: tuple[BatchFile, ...] = ()


@dataclass
class _Progress:
    done: int
    total: int
    report: Report

    def tell(self, note: str) -> None:
        self.report(self.done, self.total, "files", note)


class Batch:
    """The handler of such jobs. What is done stays done: after a crash or a cancel only what is left counts."""

    def __init__(self, services: Services, take_in: TakeIn) -> None:
        self._services, self._take_in = services, take_in

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Run one batch; the answer is a `BatchReport`."""
        database, job_id = self._services.database, str(request["job"])
        waiting = deque(await database.read(lambda c: items.left(c, job_id)))
        counted = await self._counts(job_id)
        ended = sum(counted.get(state, 0) for state in ("succeeded", "failed", "cancelled"))
        progress = _Progress(ended, ended + len(waiting), report)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(self._work_off(job_id, waiting, progress))
        except asyncio.CancelledError as reason:
            if reason.args == ("cancelled",):
                await database.write(lambda c: items.cancel_left(c, job_id))
            raise
        return (await self._told(job_id)).model_dump(mode="json", exclude_none=True)

    async def _work_off(self, job_id: str, waiting: deque[tuple[int, str, FileOrder]], progress: _Progress) -> None:
        database = self._services.database
        while waiting:
            number, name, order = waiting.popleft()
            await database.write(lambda c, n=number: items.begin(c, job_id, n))
            try:
                came = await carry_out(self._services, self._take_in, order, _noting(progress, name))
            except Exception as error:  # one that fails never stops the rest
                problem = failure(error, name)
                await database.write(lambda c, n=number, p=problem: items.fail(c, job_id, n, p))
            else:
                await database.write(lambda c, n=number, r=came: items.succeed(c, job_id, n, r))
            progress.done += 1
            progress.tell(name)

    async def _counts(self, job_id: str) -> dict[str, int]:
        return await self._services.database.read(lambda c: items.counts(c, job_id))

    async def _told(self, job_id: str) -> BatchReport:
        counted = await self._counts(job_id)
        failed = await self._services.database.read(
            lambda c: items.list_files(c, job_id, ("failed",), after=0, limit=_SHOWN)
        )
        return BatchReport(
            job_id=job_id,
            files=sum(number for state, number in counted.items() if state != "already"),
            taken_in=counted.get("succeeded", 0) - counted["already"],
            already=counted["already"],
            failed=counted.get("failed", 0),
            failures=tuple(failed),
        )


def _noting(progress: _Progress, name: str) -> Report:
    """How far one file is, told as a note beside how many files are done."""

    def report(done: int, total: int, unit: str, note: str) -> None:
        del unit
        share = f" {100 * done // total} %" if total else ""
        progress.tell(f"{name}: {note}{share}")

    return report
