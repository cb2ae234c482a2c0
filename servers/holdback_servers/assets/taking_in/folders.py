"""The tools that take in a folder: look first, then a job for all its files, and again for those that failed."""

from typing import Annotated, Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.grants import DECLARE
from holdback_trust.identity import StoryName
from pydantic import Field
from sqlalchemy import Connection, select

from holdback_servers.assets.batches import items
from holdback_servers.assets.batches.folders import MOST_FILES
from holdback_servers.assets.batches.items import BatchFile, FileState
from holdback_servers.assets.batches.orders import Ways
from holdback_servers.assets.batches.planning import FolderRequest, Plan, Planned, plan
from holdback_servers.assets.batches.running import BATCH
from holdback_servers.assets.intake import INGEST
from holdback_servers.assets.model import AssetKind
from holdback_servers.assets.organising.writing import require_closing
from holdback_servers.assets.watching import WATCHED, Watched
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor
from holdback_servers.workbooks.remarks import Remark

_SHOWN = 100
JobId = Annotated[str, Field(max_length=60, description="The job's id, job_...")]


class FolderFile(Noun):
    """A file as it would be taken in; `problem` is why it would not."""

    file: str
    title: str | None = None
    kind: AssetKind
    ref: str | None = None
    work: str | None = None
    problem: str | None = None


class PassedOver(Noun):
    """What lies in the folder and is not taken in."""

    file: str
    why: str


class FolderIngest(Noun):
    """What a folder holds, at most 100 of each list, and the job that takes it in unless this is a preview."""

    folder: str
    sheet: str | None = None
    preview: bool
    job: Job | None = None
    total: int
    faulty: int
    files: tuple[FolderFile, ...]
    passed_over: tuple[PassedOver, ...] = ()
    mistakes: tuple[Remark, ...] = ()
    remarks: tuple[Remark, ...] = ()


class IngestedList(Noun):
    """A page of the files of one ingest, in the order of the folder."""

    job_id: str
    items: tuple[BatchFile, ...]
    next_cursor: str | None = None
    counts: dict[str, int]


def offer_folders(door: Door) -> None:
    """Offer `ingest_folder`, `retry_ingest` and `list_ingested`."""
    _offer_ingest(door)
    _offer_retry(door)
    _offer_list(door)


def _offer_ingest(door: Door) -> None:
    @door.tool(title="Ingest a folder", scope=DECLARE, kind="write", idempotent=True)
    async def ingest_folder(
        call: Call,
        *,
        folder: Annotated[str, Field(max_length=4096, description="Under a library root; absolute, or from it")],
        sheet: Annotated[
            str | None, Field(max_length=4096, description="XLSX or CSV; else assets.xlsx or assets.csv in the folder")
        ] = None,
        kind: Annotated[AssetKind, Field(description="Of files that the sheet tells no kind of")] = "master",
        tags: Annotated[tuple[str, ...], Field(max_length=50, description="For every file")] = (),
        story: Annotated[
            StoryName | None, Field(description="All of it closed to all but who knows of this story")
        ] = None,
        tier: Annotated[int, Field(ge=1, le=3, description="How valuable: 1 ordinary, to 3")] = 1,
        below: Annotated[bool, Field(description="Also the folders below it")] = True,
        only_listed: Annotated[bool, Field(description="Only files that the sheet names")] = False,
        preview: Annotated[bool, Field(description="Only tell what would be done and what is wrong")] = False,
    ) -> FolderIngest:
        """Take all media files of a folder into the library, with what a sheet beside them says of each.

        Answers with what it found and a job to follow with get_job; list_ingested tells how each file stands. A file
        that fails, or whose row has a mistake, never stops the rest; retry_ingest takes those again. Files whose bytes
        are known stay as they are. With preview every mistake is told at its cell and nothing is taken in.
        """
        if story is not None:
            require_closing(call, story)
        ways = Ways(kind=kind, tags=tags, story=story, tier=tier, by=call.caller.text())
        request = FolderRequest(folder=folder, sheet=sheet, below=below, only_listed=only_listed, ways=ways)
        planned = await plan(request, call.services.settings)
        if preview:
            return _told(planned, None)
        job = await _start(call, request, planned, planned.files)
        return _told(planned, job)


def _offer_retry(door: Door) -> None:
    @door.tool(title="Retry an ingest", scope=DECLARE, kind="write", idempotent=True)
    async def retry_ingest(call: Call, job_id: JobId) -> Job:
        """Take in again what failed or was cancelled: files of an ingest_folder, an ingest_media, or a watched file.

        The sheet is read anew, so that what was corrected in it counts. Answers with a new job to follow with get_job.
        """
        services = call.services
        again = await services.database.write(lambda c: Watched.look_again(c, job_id, services.clock()))
        if again:
            return Job(id=job_id, kind=WATCHED, state="queued", seq=0, note="The watched folder takes it again.")
        job = await services.jobs.get(job_id, call.caller.person)
        request = await services.database.read(lambda c: _request_of(call, c, job_id))
        if not job.ended or job.kind not in (INGEST, BATCH):
            raise Problem(
                "CONFLICT", f"{job_id} has not ended as an ingest.", "Wait for it with get_job, or cancel it."
            )
        if job.kind == INGEST:
            if job.state == "succeeded":
                raise Problem("CONFLICT", f"{job_id} has succeeded.", "There is nothing to take in again.")
            return await _submit(call, INGEST, request)
        folder = FolderRequest.model_validate(request["folder"])
        planned = await plan(folder, services.settings)
        wanted = await services.database.read(lambda c: _not_taken(c, job_id))
        chosen = tuple(each for each in planned.files if each.name in wanted)
        if not chosen:
            raise Problem("CONFLICT", f"Nothing of {job_id} failed that is still there.", "See list_ingested.")
        return await _start(call, folder, planned, chosen)


def _offer_list(door: Door) -> None:
    @door.tool(title="List ingested files", scope="assets:read")
    async def list_ingested(
        call: Call,
        job_id: JobId,
        states: Annotated[tuple[FileState, ...], Field(description="Only these; else all")] = (),
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> IngestedList:
        """Each file of an ingest_folder with its state, the asset it became, or what is wrong with it and the cure."""
        await call.services.jobs.get(job_id, call.caller.person)
        after = min(cursor_part(decode_cursor(cursor), "n", 0), MOST_FILES)

        def unit(c: Connection) -> IngestedList:
            found = items.list_files(c, job_id, states, after=after, limit=limit + 1)
            more = encode_cursor({"n": found[limit - 1].number}) if len(found) > limit else None
            counts = items.counts(c, job_id)
            return IngestedList(job_id=job_id, items=tuple(found[:limit]), next_cursor=more, counts=counts)

        return await call.services.database.read(unit)


def _told(planned: Plan, job: Job | None) -> FolderIngest:
    return FolderIngest(
        folder=planned.folder.name,
        sheet=planned.sheet,
        preview=job is None,
        job=job,
        total=len(planned.files),
        faulty=sum(each.order.problem is not None for each in planned.files),
        files=tuple(_file(each) for each in _faulty_first(planned.files)[:_SHOWN]),
        passed_over=tuple(PassedOver(file=file, why=why) for file, why in planned.passed_over[:_SHOWN]),
        mistakes=planned.mistakes[:_SHOWN],
        remarks=planned.remarks[:_SHOWN],
    )


def _faulty_first(files: tuple[Planned, ...]) -> list[Planned]:
    return sorted(files, key=lambda each: each.order.problem is None)


def _file(planned: Planned) -> FolderFile:
    order, problem = planned.order, planned.order.problem
    return FolderFile(
        file=planned.name,
        title=order.ingest.title,
        kind=order.ingest.kind,
        ref=order.ingest.ref,
        work=order.work,
        problem=None if problem is None else f"{problem['message']} {problem['hint']}".strip(),
    )


async def _start(call: Call, folder: FolderRequest, planned: Plan, files: tuple[Planned, ...]) -> Job:
    """Queue the job and its files in one unit. Raises Problem INVALID_ARGUMENT for a sheet that cannot be trusted."""
    if planned.mistakes:
        first = planned.mistakes[0]
        raise Problem(
            "INVALID_ARGUMENT",
            f"{first.place}: {first.message}",
            first.hint or "Correct the sheet.",
            mistakes=[each.model_dump(exclude_defaults=True) for each in planned.mistakes[:_SHOWN]],
        )
    if not files:
        raise Problem(
            "NOT_FOUND", f"{planned.folder.name} holds no media file.", "See what was passed over with preview."
        )
    services = call.services
    job_id = services.new_id("job")
    request = {"job": job_id, "folder": folder.model_dump(mode="json")}

    def effect(c: Connection) -> dict[str, Any]:
        items.add_files(c, job_id, files)
        job = services.jobs.submit(c, BATCH, request, call.caller.person, job_id=job_id)
        return job.model_dump(mode="json", exclude_none=True)

    kept = await services.database.write(lambda c: call.once(c, lambda: effect(c)))
    await services.jobs.wake()
    return Job.model_validate(kept)


async def _submit(call: Call, kind: str, request: dict[str, Any]) -> Job:
    services, person = call.services, call.caller.person
    kept = await services.database.write(
        lambda c: call.once(
            c, lambda: services.jobs.submit(c, kind, request, person).model_dump(mode="json", exclude_none=True)
        )
    )
    await services.jobs.wake()
    return Job.model_validate(kept)


def _request_of(call: Call, connection: Connection, job_id: str) -> dict[str, Any]:
    jobs = call.services.tables.jobs
    mine = (jobs.c.id == job_id, jobs.c.owner == call.caller.person)
    return dict(connection.execute(select(jobs.c.request).where(*mine)).scalar_one())


def _not_taken(connection: Connection, job_id: str) -> set[str]:
    found = items.list_files(connection, job_id, ("failed", "cancelled"), after=0, limit=1_000_000)
    return {each.file for each in found}
