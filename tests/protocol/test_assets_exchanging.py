"""The catalogue out of one library and into another, through a real client."""

import json
import runpy
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_servers.assets import server, tables
from holdback_servers.assets.configurations import record_config
from holdback_servers.assets.holdings.works import save_work
from holdback_servers.assets.shelf import NewVersion, put_on_shelf
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client
from sqlalchemy import Connection

AST = f"ast_{1:026}"
WRK = f"wrk_{1:026}"
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
WHOLE: Any = runpy.run_path(str(Path(__file__).parents[1] / "domain" / "test_assets_interchange.py"))["catalogue"]()


@asynccontextmanager
async def library(home: Path) -> AsyncGenerator[tuple[Client, Services]]:
    """An empty library, and a client of it."""
    keys = KeyPair.generate()
    services = open_services(
        Database(home / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=keys,
        ring=KeyRing({"mcp:assets": [keys.public_jwk]}),
        audit=AuditLog(home / "audit", keys, lambda: NOW),
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"))
    async with door.serving(), Client(door.mcp) as client:
        yield client, services
    services.audit.close()
    services.database.close()


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    return result.structured_content or {}


def _put(connection: Connection, *, described: bool) -> None:
    shelf = WHOLE.shelves[0]
    if described:
        save_work(connection, WHOLE.works[0], by="person:sam", now=NOW)
        record_config(connection, WHOLE.configs[0], by="person:sam", now=NOW)
    asset = shelf.asset if described else shelf.asset.model_copy(update={"work_id": None, "title": "no name"})
    for version in shelf.versions:
        first = described and version.number == 1
        segments = shelf.segments if first else ()
        put_on_shelf(connection, NewVersion(asset, version, segments, shelf.values if first else ()))


@pytest.mark.parametrize("format", ["omc", "ebucoreplus"])
@pytest.mark.asyncio
async def test_a_catalogue_goes_out_and_into_another_library_and_again_changes_nothing(
    tmp_path: Path, format: str
) -> None:
    async with library(tmp_path / "one") as (client, services):
        await services.database.write(lambda c: _put(c, described=True))
        told = await _call(client, "export_catalogue", format=format, work_id=WRK)
    assert told["coverage"]["thousandths"] > 300
    async with library(tmp_path / "two") as (client, services):
        await services.database.write(lambda c: _put(c, described=False))
        sent = {"format": format, "content": told["content"]}
        preview = await _call(client, "import_catalogue", **sent, preview=True)
        first = await _call(client, "import_catalogue", **sent)
        again = await _call(client, "import_catalogue", **sent)
        found = await _call(client, "get_asset", asset_id=AST)
        works = await _call(client, "list_works")
    assert preview | {"preview": False} == first
    assert (first["works_added"], again["works_added"], again["works_known"]) == (1, 0, 1)
    assert first["values_recorded"] >= 3
    assert (again["values_recorded"], again["configs_recorded"]) == (0, 0)
    assert [each["title"] for each in works["items"]] == ["Big film"]
    fields = {each["field"]: (each["value"], each["method"]) for each in found["fields"]}
    assert (found["title"], fields["description"]) == ("Big film", ("A butterfly", "imported"))


@pytest.mark.asyncio
async def test_what_is_broken_changes_nothing_and_bytes_that_are_not_here_are_counted(tmp_path: Path) -> None:
    async with library(tmp_path) as (client, services):
        await services.database.write(lambda c: _put(c, described=True))
        told = json.loads((await _call(client, "export_catalogue", format="omc", asset_ids=[AST]))["content"])
    async with library(tmp_path / "empty") as (client, services):
        found = await _call(client, "import_catalogue", format="omc", content=json.dumps(told))
        assert (found["media_unknown"], found["values_recorded"]) == (2, 0)
    async with library(tmp_path / "other") as (client, services):
        told["Asset"][1]["customData"][0]["value"]["version"]["number"] = 0
        problem = await _call(client, "import_catalogue", format="omc", content=json.dumps(told))
        works = await _call(client, "list_works")
        assert (problem["code"], works["items"]) == ("INVALID_ARGUMENT", [])
        assert problem["message"].startswith("Asset 2 cannot be read: number")
        nothing = await _call(client, "export_catalogue", format="omc")
        assert nothing["code"] == "INVALID_ARGUMENT"
