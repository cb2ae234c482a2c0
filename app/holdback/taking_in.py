"""`holdback ingest`: a folder into the library of a home, in this process, through the door of the assets server."""

import asyncio
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings

from holdback.foundation import lay_foundation, trying_out

if TYPE_CHECKING:
    from mcp.client import Client


@dataclass(frozen=True)
class Folder:
    """What to take in: all media files of a folder, as a sheet says, or as `kind` where it says nothing."""

    path: Path
    sheet: Path | None = None
    kind: str = "master"
    preview: bool = False


def run_ingest(folder: Folder, home: Path | None) -> None:
    """Take a folder in and tell of each file that failed; exits with 1 where one did, or would.

    Raises Problem FILE_MISSING, or whatever the assets server refused.
    """
    settings = load_settings(home=home)
    place = folder.path.absolute()
    if not place.is_dir():  # before a home is made for it
        raise Problem("FILE_MISSING", f"There is no folder {folder.path}.", "Check the spelling; case matters.")
    beside = () if folder.sheet is None else (folder.sheet.absolute().parent,)
    roots = (*settings.library_roots, place, *beside)
    with trying_out(settings) if folder.preview else nullcontext(settings) as ground:
        faulty = asyncio.run(_run(ground.model_copy(update={"library_roots": roots}), folder))
    if faulty:
        sys.exit(1)


async def _run(settings: Settings, folder: Folder) -> int:
    from holdback_trust.policy import local_caller
    from mcp.client import Client

    from holdback.rooms import open_room

    foundation = lay_foundation(settings, "mcp:assets")
    try:
        door = open_room("assets", foundation, ticking=False)
        door.local = local_caller(settings.person, True, door.audience, settings.stories_of(settings.person))
        try:
            async with door.serving(), Client(door.mcp) as client:
                faulty, wrong = await _taken_in(client, folder)
        finally:
            door.services.database.close()
            foundation.audit.sign_head("close")
    finally:
        foundation.audit.close()
    if wrong is not None:
        raise wrong
    return faulty


async def _taken_in(client: "Client", folder: Folder) -> tuple[int, Problem | None]:
    """How many files failed, or why none was taken in: raised here, the client would wrap it into a group."""
    try:
        return await _take_in(client, folder), None
    except Problem as problem:
        return 0, problem


async def _take_in(client: "Client", folder: Folder) -> int:
    """How many files failed, or would."""
    given = {"folder": str(folder.path.absolute()), "kind": folder.kind, "preview": folder.preview}
    if folder.sheet is not None:
        given["sheet"] = str(folder.sheet.absolute())
    found = await _call(client, "ingest_folder", given)
    sys.stdout.writelines(f"passed over: {each['file']}: {each['why']}\n" for each in found.get("passed_over", ()))
    if folder.preview:
        for each in found["files"]:
            sys.stdout.write(f"{each['file']}: {each.get('problem') or each.get('title') or 'ready'}\n")
        mistakes = found.get("mistakes", ())
        sys.stdout.writelines(f"{each['place']}: {each['message']} {each['hint']}\n" for each in mistakes)
        sys.stdout.write(f"{found['total']} files, {found['faulty']} with mistakes; nothing was taken in.\n")
        return int(found["faulty"]) + len(mistakes)
    report = await _follow(client, found["job"])
    for each in report.get("failures", ()):
        problem = each["problem"]
        sys.stdout.write(f"{each['file']}: {problem['message']} {problem['hint']}\n")
    told = f"{report['taken_in']} taken in, {report['already']} known already, {report['failed']} failed"
    sys.stdout.write(f"{told} ({report['job_id']}).\n")
    return int(report["failed"])


async def _follow(client: "Client", job: dict[str, Any]) -> dict[str, Any]:
    while job["state"] in ("queued", "running"):
        asked = {"job_id": job["id"], "wait_seconds": 20, "after_seq": job["seq"]}
        job = await _call(client, "get_job", asked)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{job['done']} of {job['total']} {job['note']}"[:120])
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if job["state"] != "succeeded":
        raise Problem.from_dict(job["problem"])
    return dict(job["result"])


async def _call(client: "Client", tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    answer: dict[str, Any] = result.structured_content or {}
    if result.is_error:
        raise Problem.from_dict(answer)
    return answer
