"""The embedded store: SQLite in WAL with one writer thread and group commit; SQLAlchemy Core on top.

A unit of work is a plain function of a `Connection`. Units that are waiting together share one COMMIT, each inside its
own savepoint, so that one that fails takes nothing else with it (`docs/decisions/0003`).
"""

import asyncio
import queue
import sqlite3
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, StaticPool

from holdback_base.problem import Problem
from holdback_base.vocabulary import to_utc

T = TypeVar("T")
Unit = Callable[[Connection], T]

_BATCH = 128
_READERS = 2
_QUICK = sys.getswitchinterval()
"""Seconds a unit may take to be run in the event loop's own thread: a reader thread would keep the interpreter from the
loop as long as that."""
_FORGIVING = 0.8
"""How much of its longest time a unit still answers for at its next run."""


def store_instant(moment: datetime) -> str:
    """A fixed-width UTC text whose order is the order of time."""
    return to_utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def load_instant(stored: str) -> datetime:
    """The instant that `store_instant` wrote."""
    return datetime.fromisoformat(stored)


class Database:
    """One room's store.

    Args:
        path: the SQLite file, made with its folder when it is missing; None keeps everything in memory.
        metadata: the room's tables, made when they are missing.
        version: of the room's schema, otherwise what the metadata's info says; a file of another is refused.

    Raises:
        Problem: CONFLICT when the file was written by another version of the schema.
    """

    def __init__(self, path: Path | None, metadata: MetaData, *, version: int | None = None) -> None:
        self._path = path
        self._work: queue.SimpleQueue[tuple[Unit[Any], Future[Any]] | None] = queue.SimpleQueue()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._writing = _engine(path, NullPool if path is not None else StaticPool)
        event.listen(self._writing, "begin", _begin)
        self._reading = None if path is None else _engine(path, NullPool)
        self._idle: deque[_Reader] = deque()
        self._took: dict[CodeType, float] = {}
        try:
            _prepare(self._writing, metadata, metadata.info.get("version", 1) if version is None else version, path)
        except BaseException:
            self._writing.dispose()
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
            raise _closed()
        done: Future[T] = Future()
        self._work.put((unit, done))
        return done

    async def read(self, unit: Unit[T]) -> T:
        """Run the unit on a snapshot; it must not write.

        A hop to another thread costs more than most look-ups. So a unit whose code has been quick of late runs in this
        thread, and any other in a thread for readers, where it does not hold up the event loop.
        """
        if self._readers is None:
            return await self.write(unit)
        if (code := _code(unit)) is not None and self._took.get(code, _QUICK) < _QUICK:
            return self._read(unit)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit)

    def read_now(self, unit: Unit[T]) -> T:
        """Run a short unit in this thread, whatever it took before: where there is no event loop to hold up."""
        if self._readers is None:
            return self.submit(unit).result()
        return self._read(unit)

    def _read(self, unit: Unit[T]) -> T:
        began = perf_counter()
        reader = self._reader()
        try:
            return reader.run(unit)
        finally:
            self._idle.append(reader)
            self._remember(unit, perf_counter() - began)

    def _remember(self, unit: Unit[Any], seconds: float) -> None:
        code = _code(unit)
        if code is not None:
            self._took[code] = max(seconds, self._took.get(code, 0.0) * _FORGIVING)

    def _reader(self) -> "_Reader":
        if not self._open or self._reading is None:
            raise _closed()
        try:
            return self._idle.pop()
        except IndexError:
            return _Reader(self._reading)

    def close(self) -> None:
        """Finish what was submitted, then let go of the file. May be called twice."""
        if not self._open:
            return
        self._open = False
        self._work.put(None)
        self._writer.join()
        if self._readers is not None:
            self._readers.shutdown()
        while self._idle:
            self._idle.pop().close()
        self._writing.dispose()

    def _write_all(self) -> None:
        with self._writing.connect() as connection:
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


class _Reader:
    """A connection that only reads, kept between units; each unit has a snapshot of its own.

    SQLAlchemy is told that there are no transactions, and the driver is told to begin and end them: that costs a tenth.
    """

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver = cast(sqlite3.Connection, self._connection.connection.driver_connection)

    def run(self, unit: Unit[T]) -> T:
        self._driver.execute("BEGIN")
        try:
            return unit(self._connection)
        finally:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def _code(unit: Unit[Any]) -> CodeType | None:
    return getattr(unit, "__code__", None)


def _closed() -> Problem:
    return Problem("UNAVAILABLE", "The store is closed.", "Start the server again.")


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


def _engine(path: Path | None, pool: type[NullPool | StaticPool]) -> Engine:
    url = "sqlite://" if path is None else f"sqlite:///{path}"
    engine = create_engine(url, poolclass=pool, connect_args={"check_same_thread": False, "timeout": 30.0})
    event.listen(engine, "connect", _tune)
    return engine


def _tune(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # pyright: ignore[reportAttributeAccessIssue] - sqlite3's own: we say BEGIN
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-4000",  # KiB: what leads to a row fits; 16 MB read a file of gigabytes no faster
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _prepare(engine: Engine, metadata: MetaData, version: int, path: Path | None) -> None:
    with engine.connect() as connection, connection.begin():
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
