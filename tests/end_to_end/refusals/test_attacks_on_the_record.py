"""Attacks on the record of a house by who can write where it lies: `holdback audit verify` says which row."""

import json
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from holdback.command_line import app
from holdback.foundation import lay_foundation
from holdback.people import LOADER
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.audit import AuditLog
from holdback_trust.audit_check import rows, seal
from holdback_trust.keys import KeyPair
from typer.testing import CliRunner

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worked(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Path]:
    """A folder with a home in which somebody worked and was refused, and with copies of the heads elsewhere."""
    folder = tmp_path_factory.mktemp("recorded")
    home, anchors = folder / "home", folder / "anchors"
    async with opened(Settings(home=home, anchors=anchors), LOADER, SAM) as up:
        sam = up.desks[1]
        for query in ("one", "two", "three"):
            await sam.tool("assets.search_assets", query=query)
        with pytest.raises(Problem):
            await sam.tool("assets.get_asset", asset_id="ast_01M7T0000000000000000000AA")
        bearer = {"authorization": f"Bearer {await sam.person.token('gateway')}"}
        async with httpx.AsyncClient(timeout=100) as http:
            await http.get(f"{up.url}/guardian", headers=bearer)
    up.foundation.audit.close()
    yield folder


@pytest.fixture
def home(worked: Path, tmp_path: Path) -> Path:
    """A copy of it, to do with as an attacker likes."""
    shutil.copytree(worked, tmp_path / "all")
    return tmp_path / "all" / "home"


def _verified(home: Path, anchors: Path | None = None) -> tuple[int, str]:
    said = ["audit", "verify", "--home", str(home)]
    result = CliRunner().invoke(app, said + ([] if anchors is None else ["--anchors", str(anchors)]))
    return result.exit_code, f"{result.output}{result.exception or ''}"


def _log(home: Path) -> Path:
    return home / "audit" / "gateway.jsonl"


def _rewrite(home: Path, change: Callable[[list[bytes]], object]) -> None:
    lines = _log(home).read_bytes().splitlines(keepends=True)
    change(lines)
    _log(home).write_bytes(b"".join(lines))


def _edited(lines: list[bytes]) -> None:
    lines[3] = lines[3].replace(b'"actor":"', b'"actor":"person:nobody-', 1)


def _resealed(lines: list[bytes]) -> None:
    """One row is changed and its own hash made right: the row after it still holds the old one."""
    row: dict[str, Any] = json.loads(lines[3])
    row.pop("hash")
    lines[3] = seal(row | {"actor": "person:nobody"})[0] + b"\n"


async def test_nothing_is_wrong_with_the_record_as_it_was_written(home: Path) -> None:
    code, told = _verified(home, home.parent / "anchors")
    assert code == 0, told
    assert len(list(rows(home / "audit"))) >= 6


CHANGES: dict[str, tuple[Callable[[list[bytes]], object], str]] = {
    "edited": (_edited, "row 4: edited"),
    "edited and sealed anew": (_resealed, "row 4: edited"),
    "removed": (lambda lines: lines.pop(3), "row 4: removed"),
    "the first removed": (lambda lines: lines.pop(0), "row 1: removed"),
    "put twice": (lambda lines: lines.insert(4, lines[3]), "row 5: inserted"),
    "reordered": (lambda lines: lines.insert(2, lines.pop(4)), "reordered"),
    "emptied": (lambda lines: lines.__setitem__(3, b"\n"), "row 4: edited"),
}


@pytest.mark.parametrize("how", CHANGES)
async def test_a_row_of_the_record_is_changed(home: Path, how: str) -> None:
    change, told = CHANGES[how]
    _rewrite(home, change)
    code, report = _verified(home)
    assert (code, told in report) == (1, True), report


async def test_a_refusal_is_made_a_permission(home: Path) -> None:
    lines = _log(home).read_bytes().splitlines(keepends=True)
    refused = next(number for number, line in enumerate(lines) if b'"decision":"denied' in line)
    _rewrite(home, lambda kept: kept.__setitem__(refused, kept[refused].replace(b'"denied', b'"allowed')))
    code, report = _verified(home)
    assert (code, f"row {refused + 1}: edited" in report) == (1, True), report


async def test_the_end_of_the_record_is_cut_off(home: Path) -> None:
    last = len(_log(home).read_bytes().splitlines())
    _rewrite(home, lambda lines: lines.pop())
    code, told = _verified(home)
    assert code == 1
    assert str(last) in told, told


async def test_the_record_and_its_heads_are_cut_off_together(home: Path) -> None:
    _rewrite(home, lambda lines: lines.pop())
    (home / "audit" / "gateway.heads.jsonl").unlink()
    assert _verified(home, home.parent / "anchors")[0] == 1


async def test_the_copies_of_the_heads_are_taken_away_or_looked_for_in_a_wrong_place(home: Path) -> None:
    code, told = _verified(home, home.parent / "anchor")
    assert (code, "No copies of heads lie in" in told, "gateway: ok" in told) == (1, True, True), told
    shutil.rmtree(home.parent / "anchors")
    (home / "holdback.toml").write_text(f"anchors = {json.dumps(str(home.parent / 'anchors'))}\n", encoding="utf-8")
    code, told = _verified(home)
    assert (code, "No copies of heads lie in" in told) == (1, True), told


async def test_the_whole_record_is_taken_away(home: Path) -> None:
    shutil.rmtree(home / "audit")
    (home / "audit").mkdir()
    assert _verified(home, home.parent / "anchors")[0] == 1


async def test_a_record_of_another_house_is_put_in_its_place(home: Path, tmp_path: Path) -> None:
    foundation = lay_foundation(Settings(home=tmp_path / "other"), "gateway")
    foundation.audit.close()
    shutil.rmtree(home / "audit")
    shutil.copytree(tmp_path / "other" / "audit", home / "audit")
    assert _verified(home, home.parent / "anchors")[0] == 1


async def test_a_head_is_signed_by_a_stranger_for_a_record_that_was_made_up(home: Path) -> None:
    shutil.rmtree(home / "audit")
    moments = lay_foundation(Settings(home=home.parent / "third"), "gateway")
    with AuditLog(home / "audit", KeyPair.generate(), moments.clock, "gateway") as log:
        log.append(actor="person:sam", action="assets.search_assets", resource="mcp:assets", decision="allowed")
    moments.audit.close()
    assert _verified(home, home.parent / "anchors")[0] == 1
