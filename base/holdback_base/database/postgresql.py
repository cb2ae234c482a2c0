"""A store in a schema of a PostgreSQL database, by its URL."""

import zlib
from importlib.util import find_spec
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, PendingRollbackError
from sqlalchemy.pool import NullPool

from holdback_base.database.ground import Reader, Unit, Writer
from holdback_base.problem import Problem

T = TypeVar("T")

_HOLDBACK = 0x484F4C44
"""The first half of the advisory locks that are ours."""


class Postgresql:
    """A schema of a database: made when it is missing, with a table that says the version of what is in it."""

    def __init__(self, address: str, schema: str) -> None:
        if find_spec("psycopg") is None:
            raise Problem(
                "UNAVAILABLE",
                "The driver for PostgreSQL is not installed.",
                "Install it with: pip install 'holdback[postgresql]'.",
            )
        self._url, self._schema = _read_address(address), schema
        self._reading = self._engine().execution_options(isolation_level="REPEATABLE READ")

    def writing(self) -> Engine:
        """The engine of the writer: its transactions wait for all other writers of the room, in whichever process."""
        engine = self._engine()
        key = zlib.crc32(self._schema.encode()) & 0x7FFFFFFF

        def one_at_a_time(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_HOLDBACK}, {key})")

        event.listen(engine, "begin", one_at_a_time)
        return engine

    def writer(self, connection: Connection) -> Writer:
        """The writer, over a connection of its engine that it has to itself."""
        return _PostgresqlWriter(connection)

    def reader(self) -> Reader:
        """A new reader."""
        return _PostgresqlReader(self._reading)

    def told(self, failure: BaseException) -> BaseException:
        """What the database cannot hold is the caller's to mend; that it does not answer is the house's."""
        if isinstance(failure, DataError) and "NUL" in str(failure.orig):
            return Problem("INVALID_ARGUMENT", "A text holds a NUL character.", "Leave the character out.")
        lost = isinstance(failure, PendingRollbackError)  # the connection went with the unit before this one
        if lost or (isinstance(failure, DBAPIError) and (failure.connection_invalidated or _unanswered(failure))):
            return Problem(
                "UNAVAILABLE",
                f"The database {self._url.render_as_string(hide_password=True)} does not answer.",
                "Start it, or correct its address, then try again.",
            )
        return failure

    def prepare(self, writing: Engine, metadata: MetaData, version: int) -> None:
        """Make the schema and its tables where there are none. Raises Problem CONFLICT for another version of them."""
        with writing.connect() as connection, connection.begin():
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
            found = connection.execute(text("SELECT version FROM schema_version")).scalar_one_or_none()
            if found is None:
                metadata.create_all(connection)
                connection.execute(text("INSERT INTO schema_version VALUES (:version)"), {"version": version})
            elif found != version:
                raise Problem(
                    "CONFLICT",
                    f"The schema {self._schema} was written with version {found}; this program knows {version}.",
                    "Use the matching version of Holdback, or another database.",
                )

    def _engine(self) -> Engine:
        arguments = {"options": f'-c search_path="{self._schema}" -c timezone=UTC', "connect_timeout": 10}
        return create_engine(self._url, poolclass=NullPool, connect_args=arguments)


class _PostgresqlWriter:
    def __init__(self, connection: Connection) -> None:
        self.whole, self.part = connection.begin, connection.begin_nested


class _PostgresqlReader:
    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()

    def run(self, unit: Unit[T]) -> T:
        """Run the unit on a snapshot that it cannot write to."""
        with self._connection.begin() as transaction:
            self._connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            answer = unit(self._connection)
            transaction.rollback()
            return answer

    def arrange(self, unit: Unit[None]) -> None:
        """Run a unit that changes the connection itself, such as its temporary views."""
        with self._connection.begin():
            unit(self._connection)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _read_address(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise _no_address() from error
    if url.drivername not in ("postgresql", "postgres"):
        raise _no_address()
    return url.set(drivername="postgresql+psycopg")


def _no_address() -> Problem:
    return Problem(
        "INVALID_ARGUMENT",
        "The address of the database is not one of PostgreSQL.",
        "Write it as postgresql://user:password@host:5432/database.",
    )


def _unanswered(failure: DBAPIError) -> bool:
    """Whether the connection itself failed: such errors carry no SQLSTATE, or one of its classes 08 and 57P."""
    state = getattr(failure.orig, "sqlstate", None)
    name = type(failure.orig).__name__
    return (state is None and name == "OperationalError") or str(state or "").startswith(("08", "57P"))
