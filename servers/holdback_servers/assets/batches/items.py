"""How the files of a batch are kept: each with its own state, so that a crash or a retry knows what is left."""

from collections.abc import Sequence
from typing import Any, Literal

from holdback_base.vocabulary import Noun
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from holdback_servers.assets.batches.orders import FileOrder
from holdback_servers.assets.batches.planning import Planned
from holdback_servers.assets.papers import Registered
from holdback_servers.assets.tables import batch_files

FileState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
LEFT: tuple[FileState, ...] = ("queued", "running")


class BatchFile(Noun):
    """A file of a batch. `already` says that its bytes were known; `problem` is what was wrong."""

    number: int
    file: str
    state: FileState
    asset_id: str | None = None
    version_id: str | None = None
    already: bool | None = None
    problem: dict[str, Any] | None = None


def add_files(connection: Connection, job_id: str, planned: Sequence[Planned]) -> None:
    """Queue the files of a new batch, in their order."""
    rows = [
        {
            "job_id": job_id,
            "number": number,
            "path": each.name,
            "request": each.order.model_dump(mode="json", exclude_none=True),
            "state": "queued",
        }
        for number, each in enumerate(planned, 1)
    ]
    if rows:
        connection.execute(insert(batch_files), rows)


def left(connection: Connection, job_id: str) -> list[tuple[int, str, FileOrder]]:
    """The files that have not ended: number, name and order."""
    query = select(batch_files.c.number, batch_files.c.path, batch_files.c.request)
    query = query.where(batch_files.c.job_id == job_id, batch_files.c.state.in_(LEFT)).order_by(batch_files.c.number)
    return [(row.number, row.path, FileOrder.model_validate(row.request)) for row in connection.execute(query)]


def begin(connection: Connection, job_id: str, number: int) -> None:
    """A file is being taken in."""
    _set(connection, job_id, number, state="running")


def succeed(connection: Connection, job_id: str, number: int, came: Registered) -> None:
    """A file is in the library."""
    already = int(came.already)
    _set(
        connection,
        job_id,
        number,
        state="succeeded",
        asset_id=came.asset_id,
        version_id=came.version_id,
        already=already,
    )


def fail(connection: Connection, job_id: str, number: int, problem: dict[str, Any]) -> None:
    """A file could not be taken in."""
    _set(connection, job_id, number, state="failed", problem=problem)


def cancel_left(connection: Connection, job_id: str) -> None:
    """What has not ended is not taken in any more."""
    change = update(batch_files).where(batch_files.c.job_id == job_id, batch_files.c.state.in_(LEFT))
    connection.execute(change.values(state="cancelled"))


def counts(connection: Connection, job_id: str) -> dict[str, int]:
    """How many files of a batch are in each state, and under `already` how many were known."""
    query = select(batch_files.c.state, func.count(), func.sum(batch_files.c.already))
    rows = connection.execute(query.where(batch_files.c.job_id == job_id).group_by(batch_files.c.state)).all()
    found = {str(state): int(number) for state, number, _ in rows}
    return found | {"already": sum(int(known or 0) for _, _, known in rows)}


def list_files(
    connection: Connection, job_id: str, states: Sequence[str], *, after: int, limit: int
) -> list[BatchFile]:
    """The files of a batch in their order, after a number; all of them, or those in certain states."""
    query = select(batch_files).where(batch_files.c.job_id == job_id, batch_files.c.number > after)
    if states:
        query = query.where(batch_files.c.state.in_(states))
    return [_file(row) for row in connection.execute(query.order_by(batch_files.c.number).limit(limit)).mappings()]


def _set(connection: Connection, job_id: str, number: int, **facts: Any) -> None:
    one = (batch_files.c.job_id == job_id, batch_files.c.number == number)
    connection.execute(update(batch_files).where(*one).values(**facts))


def _file(row: RowMapping) -> BatchFile:
    return BatchFile(
        number=row["number"],
        file=row["path"],
        state=row["state"],
        asset_id=row["asset_id"],
        version_id=row["version_id"],
        already=None if row["already"] is None else bool(row["already"]),
        problem=row["problem"],
    )
