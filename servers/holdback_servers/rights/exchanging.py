"""The rights tools that take files in and hand them out: sheets, Avails, ODRL, EBUCorePlus."""

import asyncio
import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Annotated, Any, Final

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, parse_territory
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers import media_worker
from holdback_servers.job_tools import add_job_tools
from holdback_servers.jobs import Job, Report
from holdback_servers.media_worker import Limits
from holdback_servers.rights import exporting, watching
from holdback_servers.rights.exporting import ExportFormat
from holdback_servers.rights.importing import applying
from holdback_servers.rights.importing.outcome import ImportReport
from holdback_servers.rights.importing.preparing import Prepared, open_prepared
from holdback_servers.rights.interchange.batch import Exported, Format
from holdback_servers.rights.moments import zone_of
from holdback_servers.rights.store import Listing, Shelf
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_servers.workbooks.cells import MAX_FILE_BYTES

IMPORT: Final = "import"
"""The kind of import jobs."""
_WAITED: Final = 20.0
"""Seconds that the tool waits for its job."""
_AT_MOST: Final = 5_000
"""Rights in one answer of the tool."""
_READ: Final = "holdback_servers.rights.importing.preparing:read_file"
_WRITTEN_BYTES: Final = 2 << 30


class ImportRequest(Noun):
    """What a job imports: a file by its absolute path, or its bytes as base64. `by` is who asked."""

    name: str
    path: str | None = None
    content: str | None = None
    format: Format | None = None
    time_zone: str = "UTC"
    apply: bool = False
    by: str


class Imported(Noun):
    """An import, as far as it is: its report, or the job to follow with get_job, whose result is the report."""

    job: str
    state: str
    report: ImportReport | None = None

    def text(self) -> str:
        """The report in words, or how to hear of it."""
        if self.report is not None:
            return self.report.text()
        return f"The import goes on as {self.job}; get_job with wait_seconds gives the report once it has succeeded."


class Importing:
    """The handler of import jobs: read in the media worker, compare, and record all of the file or nothing."""

    def __init__(self, door: Door, shelf: Shelf) -> None:
        self._door, self._services, self._shelf = door, door.services, shelf

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Run one import; the answer is an `ImportReport`. Raises Problem for a file that cannot be read."""
        given = ImportRequest.model_validate(request)
        with self._services.media.workspace() as work:
            path = given.path
            if path is None:
                source = work / "given"
                await asyncio.to_thread(source.write_bytes, base64.b64decode(given.content or ""))
                path = str(source)
            rows = work / "rows.jsonl"
            arguments = {"path": path, "out": str(rows), **given.model_dump(include={"name", "format", "time_zone"})}
            limits = _limits(self._services.settings)
            await media_worker.run(
                _READ, arguments, lambda done, total, text: report(done, total, "rows", text), limits
            )
            prepared = await asyncio.to_thread(open_prepared, rows)
            report(prepared.head.rights, prepared.head.rights, "rows", "recording" if given.apply else "comparing")
            answer = await self._take(prepared, given)
        return answer.model_dump(mode="json")

    async def _take(self, prepared: Prepared, given: ImportRequest) -> ImportReport:
        services, now, heard = self._services, self._services.clock(), list[str]()
        if not given.apply:
            return await services.database.read(lambda c: applying.preview(c, prepared))

        def unit(c: Connection) -> ImportReport:
            heard.clear()
            told, refs = applying.apply(c, prepared, new_id=services.new_id, now=now, by=given.by)
            stale = watching.look_again(c, refs, self._shelf, now) if refs else ()
            heard.extend(watching.news(c, self._door, stale, now))
            return told.model_copy(update={"stale": stale})

        try:
            answer = await services.database.write(unit)
        except applying.NotRecorded as refused:
            return refused.report
        await self._door.listeners.tell_changed(heard)
        return answer


def offer_exchanging(door: Door, shelf: Shelf) -> None:
    """Add the tools for files to the rights door, and those for its jobs."""
    door.services.jobs.register(IMPORT, Importing(door, shelf))
    _offer_import(door)
    _offer_export(door)
    add_job_tools(door)


def _offer_import(door: Door) -> None:
    services = door.services

    @door.tool(title="Import rights", scope="rights:write", kind="destroy", idempotent=True)
    async def import_rights(
        call: Call,
        *,
        path: Annotated[
            str | None, Field(description="A file under a library root; absolute, or from it.", max_length=4096)
        ] = None,
        text: Annotated[str | None, Field(description="Or the file itself as text: CSV, XML, JSON-LD, Turtle.")] = None,
        content: Annotated[str | None, Field(description="Or its bytes as base64, for XLSX.")] = None,
        name: Annotated[
            str | None, Field(description="What to call text or content in messages.", max_length=200)
        ] = None,
        format: Annotated[Format | None, Field(description="Its format; else it is found out.")] = None,
        time_zone: Annotated[str, Field(description="IANA zone of its days, where it names none.")] = "UTC",
        apply: Annotated[bool, Field(description="Record it. Without this, only what would change is told.")] = False,
    ) -> Imported:
        """Take rights in from a rights sheet, MovieLabs Avails or ODRL: first the preview, then with apply.

        The preview tells what would be new, changed or withdrawn, field by field, and every mistake at its cell or
        element with the cure; nothing is recorded. With apply all of the file is recorded or, with any mistake,
        nothing; the same file again changes nothing. Rights that an earlier issue of the same source held and this one
        does not are withdrawn. Large files go on as a job. export_rights with template gives a sheet to start from.
        """
        zone_of(time_zone)
        given = (path is not None) + (text is not None) + (content is not None)
        if given != 1:
            raise Problem("INVALID_ARGUMENT", f"{given} files are given.", "Give one of path, text and content.")
        place = None if path is None else await asyncio.to_thread(find_in_library, path, services.settings)
        data = content if text is None else base64.b64encode(text.encode()).decode()
        request = ImportRequest(
            name=name or (place.name if place else "the given text" if text is not None else "the given file"),
            path=None if place is None else str(place),
            content=None if data is None else _checked(data),
            format=format,
            time_zone=time_zone,
            apply=apply,
            by=call.caller.agent or call.caller.person,
        ).model_dump(mode="json")
        kept = await services.database.write(
            lambda c: call.once(
                c, lambda: services.jobs.submit(c, IMPORT, request, call.caller.person).model_dump(mode="json")
            )
        )
        await services.jobs.wake()
        return await _waited(call, str(kept["id"]))


def _offer_export(door: Door) -> None:
    services = door.services

    @door.tool(title="Export rights", scope="rights:read")
    async def export_rights(
        call: Call,
        *,
        format: Annotated[ExportFormat, Field(description="What to write.")] = "sheet_xlsx",
        template: Annotated[bool, Field(description="Instead: an empty rights sheet to fill, XLSX or CSV.")] = False,
        ref: Annotated[str | None, Field(description="Of this element, such as film:big-buck-bunny.")] = None,
        contract: Annotated[str | None, Field(description="Of this contract, by its ctr_ id.")] = None,
        territory: Annotated[str | None, Field(description="That speak for this ISO 3166 territory.")] = None,
        licensor: Annotated[str, Field(description="For Avails: who licenses what goes out.", max_length=200)] = "",
    ) -> Exported:
        """Write rights on record as a file: the rights sheet, MovieLabs Avails, ODRL or EBUCorePlus.

        `content` is text, or base64 for XLSX; `losses` say what the format cannot. A sheet can be changed and imported
        again. At most 5,000 rights; narrow it by ref, contract or territory.
        """
        if template:
            return await asyncio.to_thread(_template, format)
        place = None if territory is None else parse_territory(territory)
        listing = Listing(ref=ref, contract=contract, territory=place)
        rights = await services.database.read(lambda c: exporting.chosen(c, listing, _AT_MOST))
        answer = await asyncio.to_thread(exporting.write, format, rights, licensor)
        if len(answer.content) > services.settings.inline_limit:
            most = services.settings.inline_limit >> 20
            raise Problem(
                "TOO_LARGE",
                f"The file has {len(answer.content) >> 20} MB; an answer may have {most}.",
                "Narrow it by ref, contract or territory.",
            )
        return answer


def find_in_library(given: str, settings: Settings) -> Path:
    """The file that a path names, absolute or relative to a library root, with links resolved.

    Raises:
        Problem: PATH_OUTSIDE_LIBRARY (whether or not something is there), FILE_MISSING, INVALID_ARGUMENT for what is no
            file, TOO_LARGE.
    """
    cure = "Copy the file into a library root, give it as text or content, or add its folder to library_roots."
    places = settings.places(given, what="one file", cure=cure)
    return check_file(next((place for place in places if place.exists()), places[0]), given)


def check_file(place: Path, name: str) -> Path:
    """The path, if a file of a size that is read is there. Raises Problem FILE_MISSING, INVALID_ARGUMENT, TOO_LARGE."""
    try:
        about = os.stat(place)
    except OSError as error:
        raise Problem("FILE_MISSING", f"There is no file {name}.", "Check the spelling; case matters.") from error
    if not stat.S_ISREG(about.st_mode):
        raise Problem("INVALID_ARGUMENT", f"{name} is not a file.", "Give one file.")
    if about.st_size > MAX_FILE_BYTES:
        raise Problem("TOO_LARGE", f"{name} has {about.st_size >> 20} MB; {MAX_FILE_BYTES >> 20} MB are read.",
                      "Split it into several files; each is imported by itself.")  # fmt: skip
    return place


def _checked(content: str) -> str:
    try:
        base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("INVALID_ARGUMENT", "content is not base64.", "Encode the file's bytes as base64.") from error
    return content


def _template(format_: ExportFormat) -> Exported:
    from holdback_servers.rights.interchange import sheet_writing

    if format_ not in ("sheet_xlsx", "sheet_csv"):
        raise Problem("INVALID_ARGUMENT", f"There is no template in {format_}.", "Ask for sheet_xlsx or sheet_csv.")
    return sheet_writing.template("csv" if format_ == "sheet_csv" else "xlsx")


async def _waited(call: Call, identity: str) -> Imported:
    """The report, if the job ends soon; what it failed of is raised."""
    jobs, clock = call.services.jobs, asyncio.get_running_loop().time
    until = clock() + _WAITED
    job = await jobs.get(identity, call.caller.person)
    while not job.ended and (left := until - clock()) > 0:
        job = await jobs.get(identity, call.caller.person, after_seq=job.seq, wait_seconds=left)
    return _told(job)


def _told(job: Job) -> Imported:
    if job.problem is not None:
        raise Problem.from_dict(job.problem)
    report = None if job.result is None else ImportReport.model_validate(job.result)
    return Imported(job=job.id, state=job.state, report=report)


def _limits(settings: Settings) -> Limits:
    seconds = settings.worker_seconds
    return Limits(settings.worker_memory, seconds, seconds, min(_WRITTEN_BYTES, settings.media_limit))
