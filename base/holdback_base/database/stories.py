"""What of a room only some may know: things of closed stories, and the store as somebody sees it who may not know them.

A room says of each of its tables which rows belong to a thing that may be closed (`veil`). Whoever may not know of a
story reads the store through views that stand in the place of the tables and leave those rows out, so that no question
can forget to. Whose eyes a unit of work looks with is said around the call that it is part of (`seeing`): a unit that
nobody stands behind, such as a clock's, sees everything.
"""
# ruff: noqa: S608 - every fragment of SQL is the rooms' own; what callers give is bound

import sqlite3
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sqlalchemy import BigInteger, Column, Connection, Index, MetaData, String, Table, delete, insert, select

_HIDDEN, _SIGHT = "holdback.hidden", "holdback.sight"
_VEILS = "veils"
UNKNOWN = "x.story IN (SELECT name FROM hidden_stories)"
"""Of a row `x` of `closed`: whoever looks may not know its story."""


def _nothing(_asked: str | int) -> bool:
    return False


def _anything(_asked: int) -> bool:
    return True


@dataclass(frozen=True)
class Sight:
    """The eyes that a unit of work looks with.

    `knows` says whether they may know of a closed story; `stories` are some of which they surely may. `reaches` says
    whether they may have the bytes of material of a value tier, 1 to 3.
    """

    knows: Callable[[str], bool]
    stories: frozenset[str] = frozenset()
    reaches: Callable[[int], bool] = _anything


STRANGER = Sight(knows=_nothing, reaches=_nothing)
"""Who may know of no closed story: whoever reads what is open to all."""
_sight: ContextVar[Sight | None] = ContextVar("sight", default=None)


@contextmanager
def seeing(sight: Sight | None) -> Generator[None]:
    """Have all units of work that are begun inside look with these eyes; with None they see everything."""
    token = _sight.set(sight)
    try:
        yield
    finally:
        _sight.reset(token)


def current_sight() -> Sight | None:
    """The eyes of this moment."""
    return _sight.get()


def knowing(stories: frozenset[str]) -> Sight:
    """Eyes that may know of these closed stories and no others."""
    return Sight(knows=stories.__contains__, stories=stories)


@dataclass(frozen=True)
class StoryTables:
    """What a room keeps of closed stories: which thing belongs to which, the names of all that ever had one, and how
    much it has heard of what is told elsewhere."""

    closed: Table
    stories: Table
    heard: Table


class News(Protocol):
    """What is told outside a room of who may know of what; the room hears it before anybody's eyes look."""

    def told(self) -> int:
        """How much has been told so far: more with every telling."""
        ...

    def hear(self, connection: Connection) -> None:
        """Bring the room's books up to what has been told; a unit of work, or part of one."""
        ...


def story_tables(metadata: MetaData, veils: Mapping[str, str]) -> StoryTables:
    """Add the tables of closed stories to a room's.

    Args:
        veils: by table, the SQL condition on its row `r` under which a reader may not know of it; `{at}` stands before
            the name of a table that is meant as it is, and `closed_by` writes the usual condition.
    """
    metadata.info[_VEILS] = dict(veils)
    closed = Table(
        "closed",
        metadata,
        Column("id", String, primary_key=True),
        Column("story", String, primary_key=True),
        Index("closed_by_story", "story", "id"),
    )
    names = Table("stories", metadata, Column("name", String, primary_key=True))
    return StoryTables(closed, names, Table("heard", metadata, Column("told", BigInteger, nullable=False)))


def closed_by(column: str) -> str:
    """The condition that the thing whose id is in this column is closed to whoever looks."""
    return f"EXISTS (SELECT 1 FROM {{at}}closed x WHERE x.id = {column} AND {UNKNOWN})"


def veils_of(metadata: MetaData) -> dict[str, str]:
    """The room's veils by table; none where nothing of it can be closed."""
    return metadata.info.get(_VEILS, {})


def put_into_story(connection: Connection, tables: StoryTables, thing: str, story: str | None) -> None:
    """Close a thing to all who may not know of the story, move it to another one, or with None open it."""
    put_into_stories(connection, tables, thing, () if story is None else (story,))


def put_into_stories(connection: Connection, tables: StoryTables, thing: str, stories: Collection[str]) -> None:
    """Close a thing to all who may not know of each of these stories, and of no others; with none open it."""
    connection.execute(delete(tables.closed).where(tables.closed.c.id == thing))
    for story in stories:
        connection.execute(insert(tables.closed).values(id=thing, story=story))
        if connection.execute(select(tables.stories).where(tables.stories.c.name == story)).first() is None:
            connection.execute(insert(tables.stories).values(name=story))


def stories_of(connection: Connection, tables: StoryTables, thing: str) -> frozenset[str]:
    """The closed stories that a thing belongs to."""
    return frozenset(connection.execute(select(tables.closed.c.story).where(tables.closed.c.id == thing)).scalars())


def hides(connection: Connection, tables: StoryTables, thing: str) -> bool:
    """Whether whoever stands behind this unit may not know of a thing. What writes asks this, since it sees the tables
    themselves."""
    hidden = hidden_stories(connection)
    return bool(hidden) and not hidden.isdisjoint(stories_of(connection, tables, thing))


def hidden_stories(connection: Connection) -> frozenset[str]:
    """The closed stories of the room that whoever stands behind this unit may not know of."""
    return connection.info.get(_HIDDEN, frozenset())


def known_stories(connection: Connection) -> frozenset[str] | None:
    """The closed stories that whoever stands behind this unit of writing may know of; None: nobody does."""
    sight: Sight | None = connection.info.get(_SIGHT)
    if sight is None:
        return None
    return frozenset(each for each in {*_names(connection), *sight.stories} if sight.knows(each))


def hidden_from(connection: Connection, sight: Sight) -> frozenset[str]:
    """The closed stories of the room that these eyes may not know of, as this snapshot has it."""
    return frozenset(name for name in _names(connection) if not sight.knows(name))


def _names(connection: Connection) -> list[str]:
    asked = "SELECT name FROM stories"
    if connection.dialect.name == "sqlite":  # asked in every unit: the driver alone is five times as fast
        driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        return [name for (name,) in driver.execute(asked)]
    return [str(name) for (name,) in connection.exec_driver_sql(asked)]


def lay_veil(connection: Connection, veils: Mapping[str, str]) -> None:
    """Put views in the place of the room's tables, for this connection alone; `hide` says what they leave out."""
    at = "main." if connection.dialect.name == "sqlite" else f'"{_schema(connection)}".'
    own = "r.rowid AS rowid, r.*" if connection.dialect.name == "sqlite" else "r.*"
    connection.exec_driver_sql("CREATE TEMP TABLE hidden_stories (name TEXT PRIMARY KEY)")
    for table, condition in veils.items():
        view = f"CREATE TEMP VIEW {table} AS SELECT {own} FROM {at}{table} r WHERE NOT ({condition.format(at=at)})"
        connection.exec_driver_sql(view)
    connection.info[_HIDDEN] = frozenset[str]()


def lift_veil(connection: Connection, veils: Mapping[str, str]) -> None:
    """Take the views away again."""
    for table in veils:
        connection.exec_driver_sql(f"DROP VIEW temp.{table}")
    connection.exec_driver_sql("DROP TABLE temp.hidden_stories")
    connection.info.pop(_HIDDEN, None)


def hide(connection: Connection, stories: frozenset[str]) -> None:
    """Have the views leave out what belongs to these stories, and nothing else."""
    connection.exec_driver_sql("DELETE FROM hidden_stories")
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    for name in sorted(stories):
        connection.exec_driver_sql(f"INSERT INTO hidden_stories VALUES ({mark})", (name,))
    connection.info[_HIDDEN] = stories


@contextmanager
def writing_with(connection: Connection, sight: Sight) -> Generator[None]:
    """Let a unit that writes know with whose eyes it looks."""
    connection.info[_HIDDEN], connection.info[_SIGHT] = hidden_from(connection, sight), sight
    try:
        yield
    finally:
        connection.info.pop(_HIDDEN, None)
        connection.info.pop(_SIGHT, None)


def _schema(connection: Connection) -> Any:
    return connection.exec_driver_sql("SELECT current_schema()").scalar_one()
