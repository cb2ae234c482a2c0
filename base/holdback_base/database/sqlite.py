"""A store in an SQLite file in WAL, or in memory."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, StaticPool

from holdback_base.database.ground import Reader, Unit, Writer
from holdback_base.problem import Problem

T = TypeVar("T")


class Sqlite:
    """An SQLite file, made with its folder when it is missing; None is memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._reading = None if path is None else _engine(path, NullPool)

    def writing(self) -> Engine:
        """The engine of the writer."""
        return _engine(self._path, NullPool if self._path is not None else StaticPool)

    def writer(self, connection: Connection) -> Writer:
        """The writer, over a connection of its engine that it has to itself."""
        return _SqliteWriter(connection)

    def reader(self) -> Reader | None:
        """A new reader; memory has none."""
        return None if self._reading is None else _SqliteReader(self._reading)

    def told(self, failure: BaseException) -> BaseException:
        """The failure itself."""
        return failure

    def prepare(self, writing: Engine, metadata: MetaData, version: int) -> None:
        """Make the tables where there are none. Raises Problem CONFLICT for another version of the schema."""
        with writing.connect() as connection, _SqliteWriter(connection).whole():
            found = connection.execute(text("PRAGMA user_version")).scalar_one()
            if found == 0:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={version}")
            elif found != version:
                raise Problem(
                    "CONFLICT",
                    f"{self._path} was written with schema {found}; this program knows schema {version}.",
                    "Use the matching version of Holdback, or another home.",
                )


class _SqliteWriter:
    """Transactions that take the file's write lock as they begin.

    SQLAlchemy is in one of its own throughout, of which the driver hears nothing, and the driver is told to begin and
    end them: SQLAlchemy takes ten times as long for a transaction, and compiles each savepoint anew.
    """

    def __init__(self, connection: Connection) -> None:
        connection.begin()
        self._driver = cast(sqlite3.Connection, connection.connection.driver_connection)

    @contextmanager
    def whole(self) -> Generator[None]:
        driver = self._driver
        driver.execute("BEGIN IMMEDIATE")
        try:
            yield
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            raise

    @contextmanager
    def part(self) -> Generator[None]:
        driver = self._driver
        if not driver.in_transaction:  # a savepoint would begin one, and end it by itself
            raise sqlite3.OperationalError("the transaction was undone")
        driver.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if driver.in_transaction:
                driver.execute("ROLLBACK TO part")
                driver.execute("RELEASE part")
            raise
        driver.execute("RELEASE part")


class _SqliteReader:
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

    def arrange(self, unit: Unit[None]) -> None:
        unit(self._connection)

    def close(self) -> None:
        self._connection.close()


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
