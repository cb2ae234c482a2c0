"""What a store lies on, and who reads and writes there: an SQLite file, memory, or a schema of PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine, MetaData

T = TypeVar("T")
Unit = Callable[[Connection], T]


class Reader(Protocol):
    """A connection that only reads, kept between units; each unit has a snapshot of its own."""

    def run(self, unit: Unit[T]) -> T:
        """Run the unit on a snapshot."""
        ...

    def arrange(self, unit: Unit[None]) -> None:
        """Run a unit that changes the connection itself, such as its temporary views."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Writer(Protocol):
    """The connection that writes. Its transactions keep all other writers of the room waiting."""

    def whole(self) -> AbstractContextManager[object]:
        """A transaction: what was done inside is on disk when it is left, and undone when that raises."""
        ...

    def part(self) -> AbstractContextManager[object]:
        """Something inside of a transaction that is undone by itself when it raises."""
        ...


class Ground(Protocol):
    """What a store lies on: an SQLite file, memory, or a schema of a PostgreSQL database."""

    def writing(self) -> Engine:
        """The engine of the writer."""
        ...

    def writer(self, connection: Connection) -> Writer:
        """The writer, over a connection of its engine that it has to itself."""
        ...

    def prepare(self, writing: Engine, metadata: MetaData, version: int) -> None:
        """Make the tables where there are none. Raises Problem CONFLICT for another version of the schema."""
        ...

    def reader(self) -> Reader | None:
        """A new reader; None where only the writer's connection sees what is written."""
        ...

    def told(self, failure: BaseException) -> BaseException:
        """A failure as callers are told it."""
        ...
