"""The embedded store: units of work, group commit, refusal of strange files."""

import asyncio
import contextlib
import sys
import threading
from concurrent.futures import Future, wait
from pathlib import Path
from typing import cast

import pytest
from holdback_base.database import Database, load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant
from pydantic import TypeAdapter
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, select

_METADATA = MetaData()
_ROWS = Table("rows", _METADATA, Column("id", Integer, primary_key=True), Column("word", String, unique=True))


def _add(word: str):
    def unit(connection: Connection) -> int:
        return cast("tuple[int]", connection.execute(_ROWS.insert().values(word=word)).inserted_primary_key)[0]

    return unit


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(_ROWS)).scalar_one()


@pytest.mark.asyncio
@pytest.mark.parametrize("on_disk", [True, False])
async def test_what_was_written_is_read(tmp_path: Path, on_disk: bool) -> None:
    database = Database(tmp_path / "db" / "room.sqlite" if on_disk else None, _METADATA)
    await database.write(_add("one"))
    assert await database.read(_count) == 1
    assert database.read_now(_count) == 1
    database.close()


@pytest.mark.asyncio
async def test_a_unit_that_fails_undoes_itself_and_nobody_else(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)

    def fails_after_writing(connection: Connection) -> None:
        _add("lost")(connection)
        raise Problem("CONFLICT", "no")

    outcomes = await asyncio.gather(
        database.write(_add("a")),
        database.write(fails_after_writing),
        database.write(_add("b")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], Problem)
    assert await database.read(_count) == 2
    database.close()


def test_many_callers_lose_nothing_and_what_is_done_survives_reopening(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)
    wait([database.submit(_add(str(number))) for number in range(1000)])
    database.close()
    again = Database(tmp_path / "room.sqlite", _METADATA)
    assert again.read_now(_count) == 1000
    again.close()


def test_a_transaction_that_the_database_undid_takes_all_its_units_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)
    together = threading.Event()

    def undone(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise Problem("CONFLICT", "no")

    database.submit(lambda _: together.wait())
    batch = [database.submit(each) for each in (_add("a"), undone, _add("b"))]
    together.set()
    assert all(isinstance(each.exception(), Exception) for each in batch)
    assert str(batch[1].exception()) == "no"  # whoever brought it about is told of that, and not of what came of it
    assert database.read_now(_count) == 0
    database.submit(_add("a")).result()
    database.close()


def test_two_stores_on_one_file_take_turns(tmp_path: Path) -> None:
    stores = [Database(tmp_path / "room.sqlite", _METADATA) for _ in range(2)]

    def next_number(connection: Connection) -> None:
        _add(str(_count(connection)))(connection)  # a number that another took meanwhile would not be unique

    for done in [store.submit(next_number) for _ in range(40) for store in stores]:
        done.result()
    assert stores[0].read_now(_count) == 80
    for store in stores:
        store.close()


def test_a_closed_store_refuses_work_and_closes_twice(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)
    database.close()
    database.close()
    with pytest.raises(Problem, match="closed"):
        database.submit(_count)


def test_what_is_submitted_while_a_store_closes_is_done_or_refused_and_never_left_waiting() -> None:
    submitted: list[Future[int]] = []

    def submit_until_it_is_closed(database: Database) -> None:
        with contextlib.suppress(Problem):
            while True:
                submitted.append(database.submit(_count))

    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(4):
            database = Database(None, _METADATA)
            callers = [threading.Thread(target=submit_until_it_is_closed, args=(database,)) for _ in range(2)]
            for each in callers:
                each.start()
            database.close()
            for each in callers:
                each.join()
    finally:
        sys.setswitchinterval(switching)
    assert {each.result(0) for each in submitted} <= {0}


def test_a_store_of_another_schema_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "room.sqlite", _METADATA, version=2).close()
    with pytest.raises(Problem, match="schema 2"):
        Database(tmp_path / "room.sqlite", _METADATA, version=1)


def test_stored_instants_keep_the_order_of_time() -> None:
    early, late = (
        TypeAdapter(Instant).validate_python(t) for t in ("2026-11-24T19:00:00+01:00", "2026-11-24T18:30:00.5Z")
    )
    assert store_instant(early) < store_instant(late)
    assert load_instant(store_instant(late)) == late
    assert store_instant(early) == "2026-11-24T18:00:00.000000Z"
    assert store_instant(early.replace(year=999)) < store_instant(early)


@pytest.mark.asyncio
async def test_a_quick_read_stays_in_the_loop_s_thread_and_a_slow_one_leaves_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)
    spun = 10

    def read(_connection: Connection) -> str:
        sum(range(spun))
        return threading.current_thread().name

    here = threading.current_thread().name
    assert await database.read(read) != here  # nothing is known of it yet
    while await database.read(read) != here:
        pass
    spun = 2_000_000
    await database.read(read)
    assert await database.read(read) != here
    database.close()


def test_each_read_sees_one_snapshot_even_inside_another(tmp_path: Path) -> None:
    database = Database(tmp_path / "room.sqlite", _METADATA)

    def outer(connection: Connection) -> tuple[int, int, int]:
        before = _count(connection)
        database.submit(_add("late")).result()
        return before, _count(connection), database.read_now(_count)

    assert database.read_now(outer) == (0, 0, 1)
    database.close()
    with pytest.raises(Problem, match="closed"):
        database.read_now(_count)
