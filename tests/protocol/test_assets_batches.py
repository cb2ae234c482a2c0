"""A folder and its sheet through a real client: what is found, what is wrong, what fails and what does not."""

import base64
import os
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.assets import server, tables
from holdback_servers.assets.batches.planning import rows_by_name
from holdback_servers.assets.sheets.reading import read_sheet
from holdback_servers.assets.sheets.rows import SheetRow
from holdback_servers.services import Services, open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from mcp.client import Client
from PIL import Image

OWN = KeyPair.generate()
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
HEADER = "file,title,kind,ref,tags,description,work,identifiers,field: genre\n"


@dataclass
class Library:
    client: Client
    services: Services
    root: Path

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        answer: dict[str, Any] = result.structured_content or {}
        return {"problem": answer} if result.is_error else answer

    async def follow(self, job: dict[str, Any]) -> dict[str, Any]:
        while job["state"] in ("queued", "running"):
            job = await self.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        return job

    async def take_in(self, folder: str = ".", **arguments: Any) -> dict[str, Any]:
        answer = await self.call("ingest_folder", folder=folder, **arguments)
        return (await self.follow(answer["job"]))["result"]


@asynccontextmanager
async def library(home: Path, **settings: Any) -> AsyncGenerator[Library]:
    root = home / "library"
    root.mkdir(exist_ok=True)
    audit = AuditLog(home / "audit", OWN, lambda: NOW)
    services = open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home, library_roots=(root,), **settings),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW + timedelta(milliseconds=1)),
        keys=OWN,
        ring=KeyRing({"mcp:assets": [OWN.public_jwk]}),
        audit=audit,
    )
    door = server.build(services, local=local_caller("person:sam", True, "mcp:assets"), watching=False)
    try:
        async with door.serving(), Client(door.mcp) as client:
            yield Library(client, services, root)
    finally:
        audit.close()
        services.database.close()


def still(path: Path, colour: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 36), (colour, 90, 200)).save(path)
    return path


def tone(path: Path) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes((np.sin(np.arange(4800) / 7) * 9000).astype("<i2").tobytes())
    return path


@pytest.mark.asyncio
async def test_one_failing_file_never_stops_the_rest_and_is_taken_in_once_it_is_mended(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "day-1" / "one.png", 10)
        still(house.root / "same.png", 10)
        (house.root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing" * 20)
        (house.root / "notes.txt").write_text("to do")
        (house.root / "link.png").symlink_to(house.root / "same.png")
        (house.root / ".hidden.png").write_bytes(b"x")
        answer = await house.call("ingest_folder", folder=".", kind="still", tags=["spring"])
        assert [each["file"] for each in answer["files"]] == ["broken.png", "day-1/one.png", "same.png"]
        assert {each["file"]: each["why"] for each in answer["passed_over"]} == {
            "link.png": "It is a link.",
            "notes.txt": "Neither its name nor its first bytes are those of media.",
        }
        ended = await house.follow(answer["job"])
        report = ended["result"]
        assert ended["state"] == "succeeded"
        assert (report["files"], report["taken_in"], report["already"], report["failed"]) == (3, 1, 1, 1)
        assert report["failures"][0]["file"] == "broken.png"
        assert report["failures"][0]["problem"]["hint"]
        listed = await house.call("list_ingested", job_id=ended["id"], states=["succeeded"])
        assert len({each["asset_id"] for each in listed["items"]}) == 1
        still(house.root / "broken.png", 77)
        again = await house.follow(await house.call("retry_ingest", job_id=ended["id"]))
        assert (again["result"]["files"], again["result"]["taken_in"]) == (1, 1)
        assert (await house.call("retry_ingest", job_id=again["id"]))["problem"]["code"] == "CONFLICT"
        assert (await house.call("describe_library"))["assets"] == 2


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_sheet_tells_titles_kinds_works_and_fields_of_the_files_beside_it(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "a.png", 1)
        tone(house.root / "b.wav")
        eidr = "EIDR 10.5240/7791-8534-2C23-9030-8610-5"
        (house.root / "assets.csv").write_text(
            HEADER
            + f'a.png,The poster,still,still:poster,"red, dawn",A poster,Meadow,"{eidr}, house 12",nature\n'
            + "b.wav,The tune,music,music:tune,,,meadow,,folk\n"
        )
        report = await house.take_in()
        assert (report["taken_in"], report["failed"]) == (2, 0)
        (work,) = (await house.call("list_works", words="7791-8534"))["items"]
        shown = await house.call("get_work", work_id=work["id"])
        assert (shown["title"], shown["total"]) == ("Meadow", 2)
        assert {(each["title"], each["kind"]) for each in shown["assets"]} == {
            ("The poster", "still"),
            ("The tune", "music"),
        }
        assert {each["scope"] for each in shown["identifiers"]} == {"EIDR", "house"}
        asset = await house.call("get_asset", asset_id=shown["assets"][0]["asset_id"])
        values = {each["field"]: (each["value"], each["method"]) for each in asset["fields"]}
        assert values["genre"][1] == "imported"
        assert asset["work"] == {"id": work["id"], "title": "Meadow"}
        assert (await house.take_in())["already"] == 2


@pytest.mark.asyncio
@pytest.mark.processes
async def test_mistakes_are_told_at_their_cells_and_keep_only_their_own_files_out(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "good.png", 1)
        still(house.root / "bad.png", 2)
        still(house.root / "other.png", 3)
        (house.root / "assets.csv").write_text(
            HEADER + "good.png,Good,still,,,,,,\nbad.png,=1+2,stil,bad ref,,,W,EIDR 10.5240/x,\nothr.png,Other,,,,,,,\n"
        )
        seen = await house.call("ingest_folder", folder=".", preview=True)
        assert (seen["total"], seen["faulty"], "job" in seen) == (4, 2, False)
        told = {each["file"]: each.get("problem", "") for each in seen["files"]}
        assert "assets.csv, Assets!B3: This is a formula" in told["bad.png"]
        assert "(and 3 more)" in told["bad.png"]
        assert "Did you mean other.png?" in told["othr.png"]
        report = await house.take_in(only_listed=True, kind="still")
        assert (report["taken_in"], report["failed"]) == (1, 2)
        (house.root / "assets.csv").write_text("file,titel\ngood.png,Good\n")
        refused = await house.call("ingest_folder", folder=".")
        assert refused["problem"]["message"].startswith("assets.csv, Assets!B1: 'titel' is no column")
        assert refused["problem"]["hint"] == "Did you mean title?"


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_cancelled_folder_keeps_what_was_done_and_the_rest_can_be_retried(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        for number in range(8):
            still(house.root / f"{number}.png", 20 * number)
        job = (await house.call("ingest_folder", folder=".", kind="still"))["job"]
        while job["done"] < 2:
            job = await house.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
        ended = await house.call("cancel_job", job_id=job["id"])
        assert ended["state"] == "cancelled"
        counts = (await house.call("list_ingested", job_id=job["id"]))["counts"]
        assert counts["succeeded"] + counts["cancelled"] == 8
        assert counts["cancelled"] > 0
        assert (await house.call("describe_library"))["assets"] == counts["succeeded"]
        assert list((house.services.media.root / "incoming").iterdir()) == []
        again = await house.follow(await house.call("retry_ingest", job_id=job["id"]))
        assert again["result"]["files"] == counts["cancelled"]
        assert (await house.call("describe_library"))["assets"] == 8


@pytest.mark.asyncio
@pytest.mark.processes
async def test_a_server_that_stopped_half_way_goes_on_with_what_was_left(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        for number in range(6):
            still(house.root / f"{number}.png", 20 * number)
        job = (await house.call("ingest_folder", folder=".", kind="still"))["job"]
        while job["done"] < 1:
            job = await house.call("get_job", job_id=job["id"], wait_seconds=20, after_seq=job["seq"])
    async with library(tmp_path) as house:
        before = (await house.call("list_ingested", job_id=job["id"]))["counts"]
        ended = await house.follow(await house.call("get_job", job_id=job["id"]))
        assert before.get("succeeded", 0) >= 1
        assert (ended["state"], ended["result"]["files"], ended["result"]["failed"]) == ("succeeded", 6, 0)
        assert (await house.call("describe_library"))["assets"] == 6


@pytest.mark.asyncio
async def test_the_template_names_the_files_and_reads_back_without_a_mistake(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "=1+1.png", 5)
        for form in ("xlsx", "csv"):
            made = await house.call("get_sheet_template", form=form, folder=".")
            data = base64.b64decode(made["content"]) if made["base64"] else made["content"].encode()
            read = read_sheet(data, made["file_name"])
            assert ([row.file for row in read.rows], read.mistakes) == (["=1+1.png"], ()), form
            assert all(not row.mistakes for row in read.rows)


@pytest.mark.asyncio
async def test_a_folder_that_cannot_be_taken_in_is_told_with_a_cure(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        (house.root / "empty").mkdir()
        still(house.root / "one.png", 1)
        (house.root / "assets.csv").write_bytes(b"PK\x03\x04 no zip at all")
        for arguments, code in (
            ({"folder": "../"}, "PATH_OUTSIDE_LIBRARY"),
            ({"folder": "/etc"}, "PATH_OUTSIDE_LIBRARY"),
            ({"folder": "nothing"}, "FILE_MISSING"),
            ({"folder": "one.png"}, "INVALID_ARGUMENT"),
            ({"folder": "empty"}, "NOT_FOUND"),
            ({"folder": "."}, "INVALID_ARGUMENT"),
            ({"folder": "empty", "sheet": "../../../etc/passwd"}, "PATH_OUTSIDE_LIBRARY"),
        ):
            problem = (await house.call("ingest_folder", **arguments))["problem"]
            assert problem["code"] == code, arguments
            assert problem["hint"], arguments


@pytest.mark.asyncio
@pytest.mark.processes
async def test_bytes_of_a_removed_asset_are_not_slipped_in_again(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "one.png", 1)
        await house.take_in(kind="still")
        (hit,) = (await house.call("search_assets"))["items"]
        await house.call("remove_asset", asset_id=hit["asset_id"], reason="not ours")
        report = await house.take_in(kind="still")
        assert report["failed"] == 1
        assert "which was removed" in report["failures"][0]["problem"]["message"]


@pytest.mark.asyncio
async def test_a_name_that_is_no_text_hinders_no_other_file(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "good.png", 10)
        broken = Path(os.fsdecode(bytes(house.root) + b"/caf\xe9.png"))
        try:
            still(broken, 20)
        except OSError:
            pytest.skip("this disk takes no such names")
        still(house.root / "bell\x07.png", 30)
        still(Path(os.fsdecode(bytes(house.root) + b"/gr\xfcn")) / "below.png", 40)
        answer = await house.call("ingest_folder", folder=".")
        report = (await house.follow(answer["job"]))["result"]
    why = "Its name holds signs that are no text. Rename it."
    assert answer["passed_over"] == [{"file": f, "why": why} for f in ("bell\ufffd.png", "caf\ufffd.png", "gr\ufffdn")]
    assert (report["taken_in"], report["failed"]) == (1, 0)


def test_an_accent_written_in_two_signs_is_the_same_name() -> None:
    rows = [SheetRow(place="row 2", file="Caf\u00e9.mov"), SheetRow(place="row 3", file="B.MOV")]
    found = rows_by_name(rows, {"Cafe\u0301.mov", "b.mov"})
    assert {name: row.place for name, row in found.items()} == {"Cafe\u0301.mov": "row 2", "B.MOV": "row 3"}


@pytest.mark.asyncio
async def test_a_name_in_letters_of_another_case_is_suggested(tmp_path: Path) -> None:
    async with library(tmp_path) as house:
        still(house.root / "a001.png", 10)
        (house.root / "assets.csv").write_text("file\nA001.PNG\n")
        answer = await house.call("ingest_folder", folder=".", preview=True)
    assert answer["files"][0]["problem"].endswith("Did you mean a001.png?")


@pytest.mark.processes
def test_a_mistake_on_the_command_line_is_told_with_its_cure(tmp_path: Path) -> None:
    from holdback.taking_in import Folder, run_ingest

    with pytest.raises(Problem, match="There is no folder"):
        run_ingest(Folder(tmp_path / "nowhere"), tmp_path / "home")


@pytest.mark.processes
def test_the_command_line_takes_a_folder_in_and_tells_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from holdback.taking_in import Folder, run_ingest

    still(tmp_path / "media" / "one.png", 10)
    run_ingest(Folder(tmp_path / "media", kind="still", preview=True), tmp_path / "home")
    assert "1 files, 0 with mistakes; nothing was taken in." in capsys.readouterr().out
    run_ingest(Folder(tmp_path / "media", kind="still"), tmp_path / "home")
    assert "1 taken in, 0 known already, 0 failed" in capsys.readouterr().out
    (tmp_path / "sheets").mkdir()
    sheet = tmp_path / "sheets" / "list.csv"
    sheet.write_text("file\none.png\ntwo.png\n")
    with pytest.raises(SystemExit):
        run_ingest(Folder(tmp_path / "media", sheet=sheet), tmp_path / "home")
    told = capsys.readouterr().out
    assert "there is no media file two.png in the folder. Did you mean one.png?" in told
    assert "0 taken in, 1 known already, 1 failed" in told
