"""The store on a real PostgreSQL: units are kept, undone and seen as on SQLite."""

import asyncio
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from holdback.foundation import lay_foundation
from holdback.rooms import room_store
from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_servers.assets import server, tables
from holdback_servers.services import open_services
from holdback_servers.settings import load_settings
from holdback_trust.policy import local_caller
from mcp.client import Client
from PIL import Image
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, select, text

pytestmark = pytest.mark.processes

_METADATA = MetaData()
_ROWS = Table("rows", _METADATA, Column("id", Integer, primary_key=True), Column("word", String, unique=True))


def _add(word: str):
    def unit(connection: Connection) -> None:
        connection.execute(_ROWS.insert().values(word=word))

    return unit


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(_ROWS)).scalar_one()


def test_units_are_kept_undone_and_seen_as_on_sqlite(postgresql: str) -> None:
    database = Database(postgresql, _METADATA, name="units")

    def fails_after_writing(connection: Connection) -> None:
        _add("lost")(connection)
        raise Problem("CONFLICT", "no")

    done = [database.submit(each) for each in (_add("a"), fails_after_writing, _add("b"))]
    wait(done)
    assert isinstance(done[1].exception(), Problem)
    assert database.read_now(_count) == 2

    def outer(connection: Connection) -> tuple[int, int, int]:
        before = _count(connection)
        database.submit(_add("late")).result()
        return before, _count(connection), database.read_now(_count)

    assert database.read_now(outer) == (2, 2, 3)
    database.close()
    again = Database(postgresql, _METADATA, name="units")
    assert asyncio.run(again.read(_count)) == 3
    again.close()


def test_a_reader_cannot_write(postgresql: str) -> None:
    database = Database(postgresql, _METADATA, name="readers")
    with pytest.raises(Exception, match="read-only"):
        database.read_now(_add("sneaked"))
    assert database.read_now(_count) == 0
    database.close()


def test_two_processes_take_turns_so_that_what_was_looked_up_still_holds(postgresql: str) -> None:
    databases = [Database(postgresql, _METADATA, name="turns") for _ in range(2)]

    def next_number(connection: Connection) -> int:
        most = connection.execute(select(func.coalesce(func.max(_ROWS.c.id), 0))).scalar_one()
        connection.execute(_ROWS.insert().values(id=most + 1, word=f"w{most + 1}"))
        return most + 1

    done = [databases[n % 2].submit(next_number) for n in range(200)]
    assert sorted(each.result() for each in done) == list(range(1, 201))
    for database in databases:
        database.close()


def test_another_schema_is_refused(postgresql: str) -> None:
    Database(postgresql, _METADATA, version=2, name="versions").close()
    with pytest.raises(Problem, match="version 2"):
        Database(postgresql, _METADATA, version=1, name="versions")


def test_a_nul_in_a_text_and_a_database_that_is_gone_are_told(postgresql: str, tmp_path: Path) -> None:
    database = Database(postgresql, _METADATA, name="troubles")
    with pytest.raises(Problem) as caught:
        database.submit(_add("a\0b")).result()
    assert caught.value.code == "INVALID_ARGUMENT"
    database.close()
    with pytest.raises(Problem) as caught:
        Database(f"postgresql://someone:secret@/nothing?host={tmp_path}", _METADATA)
    assert caught.value.code == "UNAVAILABLE"
    assert "secret" not in str(caught.value)


def test_a_connection_that_was_cut_is_told_and_the_next_one_holds(postgresql: str) -> None:
    database = Database(postgresql, _METADATA, name="cuts")
    database.submit(_add("before")).result()

    def cut_off(connection: Connection) -> None:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    for cut in (lambda: database.submit(cut_off).result(), lambda: database.read_now(cut_off)):
        with pytest.raises(Problem) as caught:
            cut()
        assert caught.value.code == "UNAVAILABLE"
    database.submit(_add("after")).result()
    assert database.read_now(_count) == 2
    database.close()


@pytest.mark.asyncio
async def test_the_library_works_on_it_from_ingest_to_removal(postgresql: str, tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    picture = np.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "library" / "meadow.png")
    settings = load_settings(
        {}, home=tmp_path, library_roots=(tmp_path / "library",), allow_write=True, assets_database=postgresql
    )
    foundation = lay_foundation(settings, "mcp:assets")
    services = open_services(
        room_store("assets", foundation, tables.METADATA),
        tables.TABLES,
        settings=settings,
        clock=foundation.clock,
        new_id=foundation.new_id,
        keys=foundation.keys("mcp:assets"),
        ring=foundation.ring,
        audit=foundation.audit,
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"))
    async with door.serving(), Client(door.mcp) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.structured_content
            return result.structured_content or {}

        job = await call("ingest_media", path="meadow.png", kind="still", tags=["green"], description="A meadow")
        while job["state"] in ("queued", "running"):
            job = await call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        assert job["state"] == "succeeded", job
        asset_id = job["result"]["asset_id"]
        await call("update_metadata", target=asset_id, values=[{"field": "take", "value": 4}])
        found = await call("search_assets", query="meadow take:>=4", facets=True)
        assert [each["asset_id"] for each in found["items"]] == [asset_id]
        assert found["facets"]["tag"] == [{"value": "green", "count": 1}]
        assert (await call("describe_library"))["assets"] == 1
        assert (await call("get_asset", asset_id=asset_id))["etag"]
        assert (await call("find_usage", asset_id=asset_id))["uses"] == []
        await call("remove_asset", asset_id=asset_id, reason="Taken in by mistake")
        assert (await call("search_assets", query="meadow"))["items"] == []
        history = await call("get_history", target=asset_id)
        assert len(history["items"]) >= 2
    foundation.audit.close()
    services.database.close()
