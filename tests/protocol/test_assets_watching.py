"""Watched folders, looked at with a clock of the test's own: still files are taken once, whatever comes between."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.assets import server, tables
from holdback_servers.assets.watching import Watcher
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings, WatchSetting, load_settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client
from PIL import Image

OWN = KeyPair.generate()
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
STILL = WatchSetting(folder=Path("incoming"), still_seconds=10, kind="still")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass
class House:
    client: Client
    services: Services
    watcher: Watcher
    folder: Path

    async def listed(self, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool("list_watched", arguments)
        answer: dict[str, Any] = result.structured_content or {}
        return answer

    async def states(self) -> dict[str, str]:
        return {each["file"]: each["state"] for each in (await self.listed())["items"]}

    async def assets(self) -> int:
        result = await self.client.call_tool("describe_library", {})
        answer: dict[str, Any] = result.structured_content or {}
        return answer["assets"]

    async def work_off(self, moment: datetime) -> None:
        """Wait until every job has ended, and let the watcher see what came of it."""
        jobs = self.services.tables.jobs
        unfinished = jobs.select().where(jobs.c.state.in_(("queued", "running")))
        while await self.services.database.read(lambda c: c.execute(unfinished).first()):
            await asyncio.gather(*[task for task in asyncio.all_tasks() if task.get_name().startswith("job_")])
        await self.watcher.look(moment)


@asynccontextmanager
async def house(home: Path, **watch: WatchSetting) -> AsyncGenerator[House]:
    root = home / "library"
    (root / "incoming").mkdir(parents=True, exist_ok=True)
    audit = AuditLog(home / "audit", OWN, lambda: NOW)
    services = open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home, library_roots=(root,), watch=watch or {"desk": STILL}),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=OWN,
        ring=KeyRing({"mcp:assets": [OWN.public_jwk]}),
        audit=audit,
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"), watching=False)
    try:
        async with door.serving(), Client(door.mcp) as client:
            yield House(client, services, Watcher(services), root / "incoming")
    finally:
        audit.close()
        services.database.close()


def still(path: Path, colour: int) -> Path:
    Image.new("RGB", (64, 36), (colour, 90, 200)).save(path)
    return path


@pytest.mark.asyncio
async def test_a_file_is_taken_once_it_stands_still_and_never_twice(tmp_path: Path) -> None:
    async with house(tmp_path) as desk:
        growing = still(desk.folder / "a.png", 1)
        assert await desk.watcher.look(at(0)) == 0
        assert await desk.watcher.look(at(9)) == 0
        growing.write_bytes(growing.read_bytes() + b"more")
        assert await desk.watcher.look(at(12)) == 0
        assert await desk.watcher.look(at(21)) == 0
        assert await desk.watcher.look(at(22)) == 1
        assert await desk.watcher.look(at(23)) == 0
        await desk.work_off(at(24))
        assert await desk.states() == {"a.png": "taken"}
    async with house(tmp_path) as desk:
        shutil.copy(growing, desk.folder / "again.png")
        for seconds in (60, 71, 90):
            await desk.watcher.look(at(seconds))
            await desk.work_off(at(seconds))
        assert await desk.states() == {"a.png": "taken", "again.png": "taken"}
        items = (await desk.listed())["items"]
        assert items[0]["asset_id"] == items[1]["asset_id"]
        assert await desk.assets() == 1


@pytest.mark.asyncio
@pytest.mark.processes
async def test_how_long_a_file_has_stood_still_survives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as desk:
        still(desk.folder / "a.png", 1)
        await desk.watcher.look(at(0))
    async with house(tmp_path) as desk:
        assert await desk.watcher.look(at(10)) == 1
        assert await Watcher(desk.services).look(at(11)) == 0
        await desk.work_off(at(12))


@pytest.mark.asyncio
@pytest.mark.processes
async def test_what_failed_stays_failed_until_it_changes_or_is_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path) as desk:
        broken = desk.folder / "a.png"
        broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing" * 20)
        await desk.watcher.look(at(0))
        await desk.watcher.look(at(10))
        await desk.work_off(at(11))
        (item,) = (await desk.listed(states=["failed"]))["items"]
        assert item["problem"]["hint"]
        assert await desk.watcher.look(at(1000)) == 0
        await desk.client.call_tool("retry_ingest", {"job_id": item["job_id"]})
        assert await desk.states() == {"a.png": "waiting"}
        assert await desk.watcher.look(at(1001)) == 1
        await desk.work_off(at(1002))
        assert await desk.states() == {"a.png": "failed"}
        still(broken, 9)
        assert await desk.watcher.look(at(1010)) == 0
        assert await desk.watcher.look(at(1020)) == 1
        await desk.work_off(at(1021))
        assert await desk.states() == {"a.png": "taken"}


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_sheet_that_is_asked_for_is_waited_for_and_a_corrected_one_mends_its_files(tmp_path: Path) -> None:
    watch = STILL.model_copy(update={"sheet": "assets.csv", "only_listed": True})
    async with house(tmp_path, desk=watch) as desk:
        still(desk.folder / "a.png", 1)
        still(desk.folder / "unlisted.png", 2)
        await desk.watcher.look(at(0))
        assert "FILE_MISSING" in (await desk.listed())["watches"][0]["problem"]
        sheet = desk.folder / "assets.csv"
        sheet.write_text("file,kind\na.png,picture\n")
        await desk.watcher.look(at(1))
        await desk.watcher.look(at(11))
        await desk.work_off(at(12))
        (item,) = (await desk.listed())["items"]
        assert (item["state"], item["problem"]["message"]) == (
            "failed",
            "assets.csv, Assets!B2: 'picture' is no kind.",
        )
        assert "problem" not in (await desk.listed())["watches"][0]
        sheet.write_text("file,kind,title\na.png,still,The poster\n")
        await desk.watcher.look(at(20))
        await desk.watcher.look(at(30))
        await desk.work_off(at(31))
        assert await desk.states() == {"a.png": "taken"}
        found = await desk.client.call_tool("search_assets", {"query": "poster"})
        assert (found.structured_content or {})["total"] == 1


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_watched_is_told_and_hinders_no_other(tmp_path: Path) -> None:
    elsewhere = WatchSetting(folder=Path("/etc"))
    async with house(tmp_path, a=elsewhere, desk=STILL) as desk:
        still(desk.folder / "a.png", 1)
        await desk.watcher.look(at(0))
        told = {each["watch"]: each.get("problem", "") for each in (await desk.listed())["watches"]}
        assert told["a"].startswith("PATH_OUTSIDE_LIBRARY")
        assert (told["desk"], await desk.states()) == ("", {"a.png": "waiting"})


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_clock_that_went_back_does_not_leave_a_file_waiting_for_ever(tmp_path: Path) -> None:
    async with house(tmp_path) as desk:
        still(desk.folder / "a.png", 1)
        await desk.watcher.look(at(100_000))
        assert await desk.watcher.look(at(0)) == 0
        assert await desk.watcher.look(at(10)) == 1
        await desk.work_off(at(11))


@pytest.mark.asyncio
@pytest.mark.processes
async def test_an_open_door_watches_by_itself(tmp_path: Path) -> None:
    (tmp_path / "library" / "incoming").mkdir(parents=True)
    still(tmp_path / "library" / "incoming" / "a.png", 1)
    async with house(tmp_path, desk=STILL.model_copy(update={"still_seconds": 0})) as desk, desk.watcher.running():
        while await desk.states() != {"a.png": "taken"}:  # noqa: ASYNC110 - what is waited for is in the store
            await asyncio.sleep(0.05)
        assert await desk.assets() == 1


def test_watched_folders_are_settings_of_the_file_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "holdback.toml").write_text('[watch.desk]\nfolder = "incoming"\nstill_seconds = 3\n')
    assert load_settings({}, home=tmp_path).watch["desk"].still_seconds == 3
    (tmp_path / "holdback.toml").write_text('[watch.desk]\nfolder = "incoming"\nstill_seconds = -3\n')
    with pytest.raises(Problem, match=r"watch\.desk\.still_seconds") as caught:
        load_settings({}, home=tmp_path)
    assert "HOLDBACK_" not in caught.value.hint


def test_the_settings_on_the_page_are_ones_that_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "assets.md").read_text(encoding="utf-8")
    (tmp_path / "holdback.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    watch = load_settings({}, home=tmp_path).watch["desk"]
    assert (watch.folder, watch.kind, watch.tags) == (Path("incoming"), "clip", ("desk",))


@pytest.mark.asyncio
async def test_a_kind_that_is_none_is_told_when_the_house_opens(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"watch\.desk\.kind is not valid"):
        async with house(tmp_path, desk=STILL.model_copy(update={"kind": "picture"})):
            pass
