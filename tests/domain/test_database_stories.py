"""A store as somebody sees it who may not know of closed stories: what is closed is not there, whatever is asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from holdback_base.database import (
    STRANGER,
    Database,
    Sight,
    closed_by,
    hides,
    knowing,
    known_stories,
    put_into_stories,
    put_into_story,
    seeing,
    story_tables,
)
from sqlalchemy import Column, Connection, MetaData, String, Table, func, select, text

_METADATA = MetaData()
_BOOKS = Table("books", _METADATA, Column("id", String, primary_key=True), Column("title", String))
_PAGES = Table("pages", _METADATA, Column("id", String, primary_key=True), Column("book", String))
_STORIES = story_tables(_METADATA, {"books": closed_by("r.id"), "pages": closed_by("r.book")})


def _fill(connection: Connection) -> None:
    for book, story in (("open", None), ("court", "court-ruling"), ("merger", "merger")):
        connection.execute(_BOOKS.insert().values(id=book, title=f"The {book}"))
        connection.execute(_PAGES.insert(), [{"id": f"{book}-{page}", "book": book} for page in range(3)])
        put_into_story(connection, _STORIES, book, story)


@pytest.fixture(params=["on disk", "in memory", pytest.param("postgresql", marks=pytest.mark.processes)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "postgresql":
        place = request.getfixturevalue("postgresql")
    else:
        place = tmp_path / "room.sqlite" if request.param == "on disk" else None
    opened = Database(place, _METADATA, name=tmp_path.name)
    opened.submit(_fill).result()
    yield opened
    opened.close()


def _titles(connection: Connection) -> set[str]:
    return set(connection.execute(select(_BOOKS.c.id)).scalars())


def _pages(connection: Connection) -> int:
    joined = select(func.count()).select_from(_PAGES.join(_BOOKS, _BOOKS.c.id == _PAGES.c.book))
    alone = connection.execute(text("SELECT COUNT(*) FROM pages")).scalar_one()
    assert alone == connection.execute(joined).scalar_one()
    return alone


T = TypeVar("T")


def _as(database: Database, known: frozenset[str], unit: Callable[[Connection], T]) -> T:
    with seeing(knowing(known)):
        return database.read_now(unit)


def test_a_unit_that_nobody_stands_behind_sees_everything(database: Database) -> None:
    assert database.read_now(_titles) == {"open", "court", "merger"}


def test_a_stranger_sees_what_is_open_and_counts_nothing_else(database: Database) -> None:
    with seeing(STRANGER):
        assert database.read_now(_titles) == {"open"}
        assert database.read_now(_pages) == 3


def test_each_sees_the_stories_that_are_known_to_them_whoever_asked_before(database: Database) -> None:
    for known, seen in (
        ({"merger"}, {"open", "merger"}),
        (set[str](), {"open"}),
        ({"court-ruling"}, {"open", "court"}),
    ):
        assert _as(database, frozenset(known), _titles) == seen
    assert _as(database, frozenset({"merger", "court-ruling"}), _pages) == 9
    assert database.read_now(_pages) == 9


def test_a_thing_that_is_closed_or_opened_is_so_with_the_next_question(database: Database) -> None:
    assert _as(database, frozenset(), _titles) == {"open"}
    database.submit(lambda c: put_into_story(c, _STORIES, "open", "a-new-one")).result()
    assert _as(database, frozenset(), _titles) == set()
    database.submit(lambda c: put_into_story(c, _STORIES, "court", None)).result()
    assert _as(database, frozenset({"a-new-one"}), _titles) == {"open", "court"}


@pytest.mark.asyncio
async def test_who_waits_for_an_answer_in_a_thread_sees_no_more(database: Database) -> None:
    with seeing(STRANGER):
        assert await database.read(lambda c: _titles(c)) == {"open"}
        assert await database.read(lambda c: _pages(c)) == 3
    assert await database.read(_titles) == {"open", "court", "merger"}


def test_a_unit_that_writes_is_told_what_may_not_be_known(database: Database) -> None:
    def asked(connection: Connection) -> tuple[bool, bool, frozenset[str] | None]:
        court, merger = (hides(connection, _STORIES, each) for each in ("court", "merger"))
        return court, merger, known_stories(connection)

    with seeing(knowing(frozenset({"merger", "to-come"}))):
        assert database.submit(asked).result() == (True, False, frozenset({"merger", "to-come"}))
    assert database.submit(asked).result() == (False, False, None)


def test_a_question_that_cannot_be_answered_shows_nothing(database: Database) -> None:
    def cannot_say(_story: str) -> bool:
        raise RuntimeError("the policy does not answer")

    with seeing(Sight(knows=cannot_say)), pytest.raises(RuntimeError):
        database.read_now(_titles)


def test_a_thing_of_two_stories_is_seen_by_who_knows_of_both(database: Database) -> None:
    database.submit(lambda c: put_into_stories(c, _STORIES, "open", ("court-ruling", "merger"))).result()
    for known, seen in (
        ({"merger"}, {"merger"}),
        ({"court-ruling"}, {"court"}),
        ({"court-ruling", "merger"}, {"open", "court", "merger"}),
    ):
        assert _as(database, frozenset(known), _titles) == seen
    database.submit(lambda c: put_into_stories(c, _STORIES, "open", ())).result()
    assert _as(database, frozenset(), _titles) == {"open"}


@dataclass
class _Told:
    """News that one more book is closed with every telling."""

    books: list[str] = field(default_factory=list[str])
    broken: bool = False

    def told(self) -> int:
        return len(self.books)

    def hear(self, connection: Connection) -> None:
        if self.broken:
            raise RuntimeError("it cannot be heard")
        for book in self.books:
            put_into_story(connection, _STORIES, book, "court-ruling")


def test_what_is_told_elsewhere_is_heard_before_anybody_looks(database: Database) -> None:
    news = _Told()
    database.listen(news)
    assert _as(database, frozenset(), _titles) == {"open"}
    news.books.append("open")
    assert _as(database, frozenset(), _titles) == set()
    assert _as(database, frozenset({"court-ruling"}), _titles) == {"open", "court"}


def test_who_writes_has_heard_what_was_told_too(database: Database) -> None:
    database.listen(_Told(["open"]))
    with seeing(STRANGER):
        assert database.submit(lambda c: hides(c, _STORIES, "open")).result()


def test_nobody_looks_when_what_was_told_cannot_be_heard(database: Database) -> None:
    news = _Told(["open"], broken=True)
    database.listen(news)
    with seeing(STRANGER), pytest.raises(RuntimeError, match="cannot be heard"):
        database.read_now(_titles)
    with seeing(STRANGER), pytest.raises(RuntimeError, match="cannot be heard"):
        database.submit(_titles).result()
    assert database.read_now(_titles) == {"open", "court", "merger"}
    news.broken = False
    assert _as(database, frozenset(), _titles) == set()
