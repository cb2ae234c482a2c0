"""The embedded store: SQLite in WAL with one writer thread and group commit; SQLAlchemy Core on top.

A unit of work is a plain function of a `Connection`. Units that are waiting together share one COMMIT, each inside its
own savepoint, so that one that fails takes nothing else with it (`docs/decisions/0003`).
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, QueuePool, StaticPool

from holdback_base.problem import Problem
from holdback_base.vocabulary import to_utc

T = TypeVar("T")
Unit = Callable[[Connection], T]

_BATCH = 128
_READERS = 2


def store_instant(moment: datetime) -> str:
    """A fixed-width UTC text whose order is the order of time."""
    return to_utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def load_instant(stored: str) -> datetime:
    """The instant that `store_instant` wrote."""
    return datetime.fromisoformat(stored.replace("Z", "+00:00"))


class Database:
    """One room's store.

    Args:
        path: the SQLite file, made with its folder when it is missing; None keeps everything in memory.
        metadata: the room's tables, made when they are missing.
        version: of the room's schema; a file of another version is refused.

    Raises:
        Problem: CONFLICT when the file was written by another version of the schema.
    """

    def __init__(self, path: Path | None, metadata: MetaData, *, version: int = 1) -> None:
        self._path = path
        self._work: queue.SimpleQueue[tuple[Unit[Any], Future[Any]] | None] = queue.SimpleQueue()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._writing = _engine(path, NullPool if path is not None else StaticPool)
        self._reading = _engine(path, QueuePool) if path is not None else self._writing
        try:
            _prepare(self._writing, metadata, version, path)
        except BaseException:
            self._dispose()
            raise
        self._readers = ThreadPoolExecutor(_READERS, "reads") if path is not None else None
        self._writer = threading.Thread(target=self._write_all, name="writes", daemon=True)
        self._writer.start()
        self._open = True

    async def write(self, unit: Unit[T]) -> T:
        """Run the unit in a transaction and answer once it is on disk; what it raises undoes it and is raised here."""
        return await asyncio.wrap_future(self.submit(unit))

    def submit(self, unit: Unit[T]) -> "Future[T]":
        """The same without an event loop: the future is done once the unit is on disk."""
        if not self._open:
            raise Problem("UNAVAILABLE", "The store is closed.", "Start the server again.")
        done: Future[T] = Future()
        self._work.put((unit, done))
        return done

    async def read(self, unit: Unit[T]) -> T:
        """Run the unit on a snapshot; it must not write."""
        if self._readers is None:
            return await self.write(unit)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    def read_now(self, unit: Unit[T]) -> T:
        """Run a short unit in this thread: an indexed look-up is cheaper here than a hop to another thread."""
        if self._readers is None:
            return self.submit(unit).result()
        return self._read(unit)

    def _read(self, unit: Unit[T]) -> T:
        with self._reading.connect() as connection:
            return unit(connection)

    def close(self) -> None:
        """Finish what was submitted, then let go of the file. May be called twice."""
        if not self._open:
            return
        self._open = False
        self._work.put(None)
        self._writer.join()
        if self._readers is not None:
            self._readers.shutdown()
        self._dispose()

    def _dispose(self) -> None:
        self._writing.dispose()
        self._reading.dispose()

    def _write_all(self) -> None:
        with self._writing.connect().execution_options(writes=True) as connection:
            while (first := self._work.get()) is not None:
                batch = [first]
                ends = False
                while len(batch) < _BATCH and not self._work.empty():
                    following = self._work.get()
                    if following is None:
                        ends = True
                        break
                    batch.append(following)
                _commit_batch(connection, batch)
                if ends:
                    return


def _commit_batch(connection: Connection, batch: list[tuple[Unit[Any], "Future[Any]"]]) -> None:
    running = [(unit, done) for unit, done in batch if done.set_running_or_notify_cancel()]
    outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
    try:
        with connection.begin():
            for unit, done in running:
                try:
                    with connection.begin_nested():
                        outcomes.append((done, unit(connection), None))
                except BaseException as failure:
                    outcomes.append((done, None, failure))
    except BaseException as failure:  # BEGIN or COMMIT failed: nothing of the batch is on disk
        outcomes = [(done, None, failure) for _, done in running]
    for done, result, failure in outcomes:
        if failure is None:
            done.set_result(result)
        else:
            done.set_exception(failure)


def _engine(path: Path | None, pool: type[NullPool | QueuePool | StaticPool]) -> Engine:
    url = "sqlite://" if path is None else f"sqlite:///{path}"
    engine = create_engine(url, poolclass=pool, connect_args={"check_same_thread": False, "timeout": 30.0})
    event.listen(engine, "connect", _tune)
    event.listen(engine, "begin", _begin)
    return engine


def _tune(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # pyright: ignore[reportAttributeAccessIssue] - sqlite3's own: we say BEGIN
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _prepare(engine: Engine, metadata: MetaData, version: int, path: Path | None) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        found = connection.execute(text("PRAGMA user_version")).scalar_one()
        if found == 0:
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={version}")
        elif found != version:
            raise Problem(
                "CONFLICT",
                f"{path} was written with schema {found}; this program knows schema {version}.",
                "Use the matching version of Holdback, or another home.",
            )
