"""The files of watched folders as they were last seen, and the job that takes one in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from sqlalchemy import Connection, Row, RowMapping, Table, and_, func, insert, or_, select, update

from holdback_servers.assets.batches.folders import FoundFile
from holdback_servers.assets.batches.orders import FileOrder, TakeIn, carry_out
from holdback_servers.assets.tables import watched_files
from holdback_servers.jobs import Report
from holdback_servers.services import Services

WATCHED = "ingest_watched"
"""The kind of jobs that take in a file of a watched folder."""
WatchedState = Literal["waiting", "queued", "taken", "failed"]


class WatchedFile(Noun):
    """A file of a watched folder. It waits until it has stood still since `still_since`, is queued, and then taken or
    failed; `problem` is what was wrong with it, and it stays failed until it or its sheet changes."""

    watch: str
    file: str
    size: int
    state: WatchedState
    still_since: Instant
    job_id: str | None = None
    asset_id: str | None = None
    version_id: str | None = None
    problem: dict[str, Any] | None = None


class Watched:
    """The handler of such jobs."""

    def __init__(self, services: Services, take_in: TakeIn) -> None:
        self._services, self._take_in = services, take_in

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Take the file in; the answer is a `Registered`. Raises Problem for what is wrong with it or its row."""
        came = await carry_out(self._services, self._take_in, FileOrder.model_validate(request), report)
        return came.model_dump(mode="json")

    @staticmethod
    def look_again(connection: Connection, job_id: str, now: datetime) -> bool:
        """Let a file whose job failed be taken again; whether there is such a file."""
        failed = (watched_files.c.job_id == job_id, watched_files.c.state == "failed")
        changed = connection.execute(update(watched_files).where(*failed).values(**_waiting(now)))
        return changed.rowcount > 0


@dataclass(frozen=True)
class News:
    """What a look at a folder tells: files not seen before, files that have changed, files that may be taken now."""

    fresh: tuple[FoundFile, ...]
    changed: tuple[FoundFile, ...]
    due: tuple[FoundFile, ...]


def news(
    connection: Connection, watch: str, files: Sequence[FoundFile], sheet: str, *, now: datetime, still: timedelta
) -> News:
    """Compare how the files of a folder look with what is kept of them. Only reads.

    Args:
        sheet: tells one state of the sheet from another; what failed is tried again when it changes.
        still: how long a file must have looked the same.
    """
    rows = connection.execute(select(watched_files).where(watched_files.c.watch == watch)).mappings()
    known = {row["path"]: row for row in rows}
    fresh: list[FoundFile] = []
    changed: list[FoundFile] = []
    due: list[FoundFile] = []
    for file in files:
        row = known.get(file.name)
        if row is None:
            fresh.append(file)
        elif row["state"] != "queued" and _changed(row, file, sheet, now):
            changed.append(file)
        elif row["state"] == "waiting" and now - load_instant(row["still_since"]) >= still:
            due.append(file)
    return News(tuple(fresh), tuple(changed), tuple(due))


def keep(
    connection: Connection, watch: str, files: Sequence[FoundFile], sheet: str, *, now: datetime, still: timedelta
) -> None:
    """Keep how the files of a folder look now; what is new or has changed waits from now on."""
    told = news(connection, watch, files, sheet, now=now, still=still)
    for file in told.fresh:
        fresh = {"watch": watch, "path": file.name, "size": file.size, "modified": file.modified, "sheet": sheet}
        connection.execute(insert(watched_files).values(**fresh, **_waiting(now)))
    for file in told.changed:
        looks = {"size": file.size, "modified": file.modified, "sheet": sheet}
        connection.execute(update(watched_files).where(*_one(watch, file.name)).values(**looks, **_waiting(now)))


def _changed(row: RowMapping, file: FoundFile, sheet: str, now: datetime) -> bool:
    """Whether a file is another than it was seen, or its failure may be mended by another sheet. A time to come, seen
    before the clock was put back, is no time to wait for."""
    if (row["size"], row["modified"]) != (file.size, file.modified):
        return True
    ahead = row["state"] == "waiting" and load_instant(row["still_since"]) > now
    return ahead or (row["state"] == "failed" and row["sheet"] != sheet)


def claim(connection: Connection, watch: str, file: FoundFile, job_id: str, now: datetime) -> bool:
    """Queue a file that waits; False where another process was first, or the file has changed since."""
    same = (watched_files.c.size == file.size, watched_files.c.modified == file.modified)
    waiting = (*_one(watch, file.name), watched_files.c.state == "waiting", *same)
    change = update(watched_files).where(*waiting)
    return connection.execute(change.values(state="queued", job_id=job_id, at=store_instant(now))).rowcount > 0


def ended(connection: Connection, jobs: Table) -> Sequence[Row[Any, Any, Any, Any, Any]]:
    """Queued files whose jobs have ended, with what came of them. Only reads."""
    query = (
        select(watched_files.c.watch, watched_files.c.path, jobs.c.state, jobs.c.result, jobs.c.problem)
        .join(jobs, jobs.c.id == watched_files.c.job_id)
        .where(watched_files.c.state == "queued", jobs.c.state.in_(("succeeded", "failed", "cancelled")))
    )
    return connection.execute(query).all()


def settle(connection: Connection, jobs: Table, now: datetime) -> None:
    """Carry what came of jobs that have ended to their files."""
    for row in ended(connection, jobs):
        facts: dict[str, Any] = {"state": "failed", "problem": row.problem}
        if row.state == "succeeded":
            facts = {"state": "taken", "problem": None}
            facts |= {name: row.result[name] for name in ("asset_id", "version_id")}
        change = update(watched_files).where(*_one(row.watch, row.path))
        connection.execute(change.values(**facts, at=store_instant(now)))


def list_watched(
    connection: Connection, states: Sequence[str], after: tuple[str, str], limit: int
) -> list[WatchedFile]:
    """Files of watched folders by the folder's name and their own, after a place."""
    watch, path = after
    later = or_(watched_files.c.watch > watch, and_(watched_files.c.watch == watch, watched_files.c.path > path))
    query = select(watched_files).where(later)
    if states:
        query = query.where(watched_files.c.state.in_(states))
    query = query.order_by(watched_files.c.watch, watched_files.c.path).limit(limit)
    return [_file(row) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """How many files of each watched folder are in each state."""
    query = select(watched_files.c.watch, watched_files.c.state, func.count())
    found: dict[str, dict[str, int]] = {}
    for watch, state, number in connection.execute(query.group_by(watched_files.c.watch, watched_files.c.state)):
        found.setdefault(watch, {})[state] = number
    return found


def _waiting(now: datetime) -> dict[str, Any]:
    since = store_instant(now)
    return {"state": "waiting", "still_since": since, "at": since, "job_id": None, "problem": None}


def _one(watch: str, path: str) -> tuple[Any, ...]:
    return (watched_files.c.watch == watch, watched_files.c.path == path)


def _file(row: RowMapping) -> WatchedFile:
    kept = {name: row[name] for name in ("watch", "size", "state", "job_id", "asset_id", "version_id", "problem")}
    return WatchedFile.model_validate(kept | {"file": row["path"], "still_since": load_instant(row["still_since"])})
