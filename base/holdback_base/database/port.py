"""A room's store: one writer thread with group commit, and readers with snapshots; SQLAlchemy Core on top.

A unit of work is a plain function of a `Connection`. Units that are waiting together share one COMMIT, each inside its
own savepoint, so that one that fails takes nothing else with it (`docs/decisions/0003`). Below lies an SQLite file or a
PostgreSQL database (`docs/decisions/0008`); on both, one unit writes at a time.
"""

import asyncio
import queue
import sys
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import Any, TypeVar

from sqlalchemy import Connection, MetaData

from holdback_base.database import stories
from holdback_base.database.ground import Ground, Reader, Unit, Writer
from holdback_base.database.stories import News, Sight
from holdback_base.problem import Problem
from holdback_base.vocabulary import to_utc

T = TypeVar("T")

_BATCH = 128
_READERS = 2
_QUICK = sys.getswitchinterval()
"""Seconds a unit may take to be run in the event loop's own thread: a reader thread would keep the interpreter from the
loop as long as that."""
_FORGIVING = 0.8
"""How much of its longest time a unit still answers for at its next run."""


def store_instant(moment: datetime) -> str:
    """A fixed-width UTC text whose order is the order of time."""
    return to_utc(moment).isoformat(timespec="microseconds")[:26] + "Z"


def load_instant(stored: str) -> datetime:
    """The instant that `store_instant` wrote."""
    return datetime.fromisoformat(stored)


@dataclass(frozen=True)
class _Hidden:
    """A unit was not run, since these stories are not to be seen and the reader would show them."""

    stories: frozenset[str]


class Database:
    """One room's store.

    Args:
        place: the SQLite file, made with its folder when it is missing; None keeps everything in memory; the address
            of a PostgreSQL database (`postgresql://...`), where the room has a schema of its own.
        metadata: the room's tables, made when they are missing.
        version: of the room's schema, otherwise what the metadata's info says; a store of another is refused.
        name: of the room's schema in PostgreSQL.

    Raises:
        Problem: CONFLICT when the store was written by another version of the schema; UNAVAILABLE when the database
            does not answer, or its driver is not installed.
    """

    def __init__(
        self, place: Path | str | None, metadata: MetaData, *, version: int | None = None, name: str = "holdback"
    ) -> None:
        self._ground = _ground(place, name)
        self._work: queue.SimpleQueue[tuple[Unit[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._writing = self._ground.writing()
        self._idle: deque[Reader] = deque()
        self._veiled: deque[Reader] = deque()
        self._veils = stories.veils_of(metadata)
        self._took: dict[CodeType, float] = {}
        self._news: News | None = None
        self._heard = 0
        known = metadata.info.get("version", 1) if version is None else version
        try:
            self._ground.prepare(self._writing, metadata, known)
            connection = self._writing.connect()
        except BaseException as failure:
            self._writing.dispose()
            told = self._ground.told(failure)
            if told is failure:
                raise
            raise told from failure
        self._readers = ThreadPoolExecutor(_READERS, "reads") if place is not None else None
        self._in_loop = not isinstance(place, str)
        self._writer = threading.Thread(target=self._write_all, args=(connection,), name="writes", daemon=True)
        self._writer.start()
        self._open, self._closing = True, threading.Lock()

    def listen(self, news: News) -> None:
        """Hear from now on what is told elsewhere of who may know of what, before a unit looks with somebody's eyes."""
        self._news = news

    async def write(self, unit: Unit[T]) -> T:
        """Run the unit in a transaction and answer once it is on disk; what it raises undoes it and is raised here."""
        return await asyncio.wrap_future(self.submit(unit))

    def submit(self, unit: Unit[T]) -> "Future[T]":
        """The same without an event loop: the future is done once the unit is on disk."""
        sight = self._sight()
        if sight is None:
            return self._submit(unit)

        news = self._news if self._behind(sight) else None

        def with_eyes(connection: Connection) -> T:
            if news is not None:
                news.hear(connection)
            with stories.writing_with(connection, sight):
                return unit(connection)

        return self._submit(with_eyes)

    def _behind(self, sight: Sight | None) -> int:
        """How much has been told by now that may matter to these eyes and is not known to have been heard, or 0."""
        told = 0 if self._news is None or sight is None else self._news.told()
        return told if told != self._heard else 0

    def _hear(self) -> "Future[None]":
        assert self._news is not None
        return self._submit(self._news.hear)

    def _submit(self, unit: Unit[T]) -> "Future[T]":
        done: Future[T] = Future()
        with self._closing:  # what came after the end would never be answered
            if not self._open:
                raise _closed()
            self._work.put((unit, done))
        return done

    def _sight(self) -> Sight | None:
        return stories.current_sight() if self._veils else None

    async def read(self, unit: Unit[T]) -> T:
        """Run the unit on a snapshot; it must not write.

        A hop to another thread costs more than most look-ups. So a unit whose code has been quick of late runs in this
        thread, and any other in a thread for readers, where it does not hold up the event loop. What has to ask another
        machine never runs in the loop.
        """
        sight = self._sight()
        if told := self._behind(sight):
            await asyncio.wrap_future(self._hear())
            self._heard = told
        if self._readers is None:
            return await asyncio.wrap_future(self._submit(self._in_memory(unit, sight)))
        code = _code(unit) if self._in_loop else None
        if code is not None and self._took.get(code, _QUICK) < _QUICK:
            return self._read(unit, sight)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, unit, sight)

    def read_now(self, unit: Unit[T]) -> T:
        """Run a short unit in this thread, whatever it took before: where there is no event loop to hold up."""
        sight = self._sight()
        if told := self._behind(sight):
            self._hear().result()
            self._heard = told
        if self._readers is None:
            return self._submit(self._in_memory(unit, sight)).result()
        return self._read(unit, sight)

    def _in_memory(self, unit: Unit[T], sight: Sight | None) -> Unit[T]:
        """The unit on the writer's connection, which has the veil only meanwhile."""
        if sight is None:
            return unit

        def veiled(connection: Connection) -> T:
            hidden = stories.hidden_from(connection, sight)
            if not hidden:
                return unit(connection)
            stories.lay_veil(connection, self._veils)
            try:
                stories.hide(connection, hidden)
                return unit(connection)
            finally:
                stories.lift_veil(connection, self._veils)

        return veiled

    def _read(self, unit: Unit[T], sight: Sight | None) -> T:
        began = perf_counter()
        answer = self._run(self._reader(), self._idle, unit) if sight is None else self._see(unit, sight)
        self._remember(unit, perf_counter() - began)
        return answer

    def _see(self, unit: Unit[T], sight: Sight) -> T:
        """The unit on a reader that leaves out what these eyes may not know, all on one snapshot."""

        def on_a_reader(connection: Connection) -> T | _Hidden:
            hidden = stories.hidden_from(connection, sight)
            return unit(connection) if hidden == stories.hidden_stories(connection) else _Hidden(hidden)

        answer = self._run(self._reader(), self._idle, on_a_reader)
        if isinstance(answer, _Hidden):
            answer = self._run(self._veiled_reader(), self._veiled, on_a_reader)
        while isinstance(answer, _Hidden):
            reader, hidden = self._veiled_reader(), answer.stories
            reader.arrange(lambda connection, hidden=hidden: stories.hide(connection, hidden))
            answer = self._run(reader, self._veiled, on_a_reader)
        return answer

    def _run(self, reader: Reader, idle: "deque[Reader]", unit: Unit[T]) -> T:
        try:
            answer = reader.run(unit)
        except BaseException as failure:
            told = self._ground.told(failure)
            if told is failure:
                idle.append(reader)
                raise
            reader.close()
            raise told from failure
        idle.append(reader)
        return answer

    def _remember(self, unit: Unit[Any], seconds: float) -> None:
        code = _code(unit)
        if code is not None:
            self._took[code] = max(seconds, self._took.get(code, 0.0) * _FORGIVING)

    def _reader(self) -> Reader:
        if not self._open:
            raise _closed()
        try:
            return self._idle.pop()
        except IndexError:
            reader = self._ground.reader()
        if reader is None:
            raise _closed()
        return reader

    def _veiled_reader(self) -> Reader:
        try:
            return self._veiled.pop()
        except IndexError:
            reader = self._ground.reader()
        if reader is None:
            raise _closed()
        reader.arrange(lambda connection: stories.lay_veil(connection, self._veils))
        return reader

    def close(self) -> None:
        """Finish what was submitted, then let go of the file. May be called twice."""
        with self._closing:
            if not self._open:
                return
            self._open = False
            self._work.put(None)
        self._writer.join()
        if self._readers is not None:
            self._readers.shutdown()
        for idle in (self._idle, self._veiled):
            while idle:
                idle.pop().close()
        self._writing.dispose()

    def _write_all(self, connection: Connection) -> None:
        with connection:
            writer = self._ground.writer(connection)
            while (first := self._work.get()) is not None:
                batch = [first]
                ends = False
                while len(batch) < _BATCH and not self._work.empty():
                    following = self._work.get()
                    if following is None:
                        ends = True
                        break
                    batch.append(following)
                _commit_batch(writer, connection, batch, self._ground)
                if ends:
                    return


def _code(unit: Unit[Any]) -> CodeType | None:
    return getattr(unit, "__code__", None)


def _closed() -> Problem:
    return Problem("UNAVAILABLE", "The store is closed.", "Start the server again.")


def _ground(place: Path | str | None, name: str) -> Ground:
    if isinstance(place, str):
        from holdback_base.database.postgresql import Postgresql

        return Postgresql(place, name)
    from holdback_base.database.sqlite import Sqlite

    return Sqlite(place)


def _commit_batch(
    writer: Writer, connection: Connection, batch: list[tuple[Unit[Any], "Future[Any]"]], ground: Ground
) -> None:
    running = [(unit, done) for unit, done in batch if done.set_running_or_notify_cancel()]
    outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
    alone = len(running) == 1  # then what it raises undoes the transaction: there is nobody else's work in it
    try:
        with writer.whole():
            for unit, done in running:
                if alone:
                    outcomes.append((done, unit(connection), None))
                    continue
                try:
                    with writer.part():
                        outcomes.append((done, unit(connection), None))
                except BaseException as failure:
                    outcomes.append((done, None, failure))
    except BaseException as failure:  # BEGIN or COMMIT failed: nothing of the batch is on disk
        own = {done: each for done, _, each in outcomes if each is not None}  # such as that the disk is full
        outcomes = [(done, None, own.get(done, failure)) for _, done in running]
    for done, result, failure in outcomes:
        if failure is None:
            done.set_result(result)
        else:
            done.set_exception(ground.told(failure))
