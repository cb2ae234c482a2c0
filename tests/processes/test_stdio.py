"""`holdback mcp NAME` as a desktop host starts it, for the MCP SDK's own client of both eras."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from holdback_trust.audit_check import rows, verify
from mcp.client import Client

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
TOOLS = {
    "assets": ("describe_library", {}, "ingest_media", {"path": "film.mp4"}),
    "editing": ("get_job", {"job_id": "job_none"}, "render_timeline", {"timeline_id": "tl_none"}),
    "rights": ("list_rights", {}, "revoke_clearance", {"clearance": "clr_none", "reason": "a test"}),
    "schedule": ("get_schedule", {}, "cancel_publication", {"publication": "pub_none", "reason": "a test"}),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("server", TOOLS)
async def test_a_server_on_stdio_lists_reads_and_refuses_to_write(
    by_stdio: Callable[..., Any], tmp_path: Path, server: str, mode: Any
) -> None:
    read, arguments, write, change = TOOLS[server]
    async with Client(by_stdio(server, tmp_path), mode=mode) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        answer = await client.call_tool(read, arguments)
        refused = await client.call_tool(write, change)
    assert {read, write} <= tools
    assert answer.structured_content
    assert (answer.structured_content.get("code") == "NOT_FOUND") is (server == "editing")
    assert refused.is_error
    assert (refused.structured_content or {})["code"] == "WRITE_NOT_ALLOWED"
    assert "--allow-write" in (refused.structured_content or {})["hint"]
    report = verify(tmp_path / "audit")
    assert report.ok
    assert [chain.signed for chain in report.chains] == [chain.rows for chain in report.chains]
    assert ("person:local", f"{server}.{write}", "denied:WRITE_NOT_ALLOWED") in {
        (row.actor, row.action, row.decision) for _, row in rows(tmp_path / "audit")
    }


@pytest.mark.asyncio
async def test_with_leave_to_write_and_a_library_it_takes_in_a_film(
    by_stdio: Callable[..., Any], tmp_path: Path
) -> None:
    library = ROOT / "examples" / "butterfly"
    async with Client(by_stdio("assets", tmp_path, "--allow-write", "--library", library)) as client:
        outside = await client.call_tool("ingest_media", {"path": str(ROOT / "pyproject.toml")})
        started = await client.call_tool("ingest_media", {"path": "voice.m4a", "kind": "voice", "title": "A voice"})
        job = started.structured_content or {}
        while job.get("state") in ("queued", "running"):
            asked = {"job_id": job["id"], "wait_seconds": 10, "after_seq": job["seq"]}
            job = (await client.call_tool("get_job", asked)).structured_content or {}
        found = (await client.call_tool("search_assets", {"query": "voice"})).structured_content or {}
    assert (outside.structured_content or {})["code"] == "PATH_OUTSIDE_LIBRARY"
    assert job["state"] == "succeeded", job
    assert [each["title"] for each in found["items"]] == ["A voice"]


def test_a_server_that_does_not_exist_is_said_with_those_that_do(holdback: Callable[..., Any], tmp_path: Path) -> None:
    ended = holdback("mcp", "archive", "--home", tmp_path)
    assert ended.returncode == 1
    assert "assets, editing, rights, schedule" in ended.stderr
    assert ended.stdout == ""


def test_a_library_that_does_not_exist_is_said_at_the_start(holdback: Callable[..., Any], tmp_path: Path) -> None:
    told = holdback("mcp", "assets", "--home", tmp_path / "home", "--library", tmp_path / "footage")
    assert (told.returncode, told.stdout) == (1, "")
    assert f"--library {tmp_path / 'footage'}: there is no such folder" in told.stderr
    assert not (tmp_path / "home").exists()


def test_lines_that_are_no_json_rpc_do_not_end_it(start: Callable[..., Any], tmp_path: Path) -> None:
    process = start("mcp", "rights", "--home", str(tmp_path), stdin=True)
    hello = (
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
        '"clientInfo":{"name":"t","version":"1"}}}'
    )
    lines = ["not json", "[]", '{"jsonrpc":"2.0"}', "\x00\x7f", hello]
    out, err = process.communicate("\n".join(lines) + "\n", timeout=120)
    answers = out.splitlines()
    assert any('"protocolVersion"' in line and '"id":1' in line.replace(" ", "") for line in answers), (out, err)
    assert all(line.startswith("{") for line in answers), out
    assert process.returncode == 0


def test_a_server_waits_for_nothing_at_its_start_that_only_few_calls_need() -> None:
    """Numbers are crunched when something is planned or compared, and sheets are read when somebody brings one."""
    rooms = ", ".join(f"holdback_servers.{room}.server" for room in ("assets", "editing", "rights", "schedule"))
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, {rooms}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in told.stdout.split()}
    assert loaded & {"numpy", "openpyxl", "av", "PIL", "jinja2", "rdflib", "lxml", "httpx"} == set()
