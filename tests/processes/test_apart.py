"""A server and an agent in processes of their own, behind the gateway of a house that is up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from holdback_agents.runtime.parts import message, text_part
from holdback_agents.runtime.peers import Listener
from holdback_trust.audit_check import rows, verify

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


@pytest.mark.asyncio
async def test_a_server_and_an_agent_serve_behind_the_gateway_from_processes_of_their_own(
    start: Callable[..., Any], bring_up: Callable[..., Any], tmp_path: Path, free_port: int
) -> None:
    gateway = f"http://127.0.0.1:{free_port}"
    rights = start("serve", "rights", "--home", str(tmp_path), "--port", "0")
    compliance = start("serve", "compliance", "--home", str(tmp_path), "--port", "0", "--gateway", gateway)
    at = {json.loads(each.stdout.readline())["url"] for each in (rights, compliance)}
    named = {("rights" if "/mcp/" in url else "compliance"): url for url in at}
    house = bring_up(
        tmp_path, "--at", f"rights={named['rights']}", "--at", f"compliance={named['compliance']}", port=free_port
    )
    assert house.url == gateway
    async with httpx.AsyncClient(timeout=100) as http:
        assert (await http.post(named["rights"], json={})).status_code == 401
    async with house.mcp("rights") as client:
        listed = await client.call_tool("list_rights", {})
    assert (listed.structured_content or {})["items"] == []
    told: list[Any] = []

    async def heard(what: Any) -> None:
        told.append(what)

    async with house.desk("person:sam") as desk:
        words = message([text_part("clear it")], message_id="m1", skill="clear-rights")
        task = await desk.peers.converse(desk.peer("compliance"), words, Listener(heard, heard))
    assert task.status.state
    await _listens_until_taken_back(house, named["rights"])
    chains = {chain for chain, _ in rows(tmp_path / "audit")}
    assert {"gateway", "mcp-rights", "agent-compliance"} <= chains
    assert [each.stop() if hasattr(each, "stop") else _ended(each) for each in (house, rights, compliance)] == [0, 0, 0]
    report = verify(tmp_path / "audit")
    assert report.ok
    assert [chain.signed for chain in report.chains] == [chain.rows for chain in report.chains]


async def _listens_until_taken_back(house: Any, url: str) -> None:
    """A stream at the server's own port, where no gateway stands before it, ends when its token is taken back."""
    token = house.token("person:sam", "mcp:rights")
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    wanted = {"notifications": {"resourceSubscriptions": ["clearance://clr_1"]}, "_meta": meta}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": wanted}
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "subscriptions/listen",
    }
    async with httpx.AsyncClient(timeout=100) as http, http.stream("POST", url, json=asked, headers=headers) as answer:
        lines = answer.aiter_lines()
        while "acknowledged" not in await anext(lines):
            pass
        await http.post(f"{house.url}/oauth/revoke", data={"token": token})
        assert [line async for line in lines if line.startswith("data:")] == []


def _ended(process: Any) -> int:
    process.terminate()
    return process.wait(timeout=120)


def test_an_agent_without_a_gateway_and_a_name_that_is_nobodys_are_said(
    holdback: Callable[..., Any], tmp_path: Path
) -> None:
    alone = holdback("serve", "compliance", "--home", tmp_path)
    nobody = holdback("up", "--home", tmp_path, "--port", "0", "--at", "archive=http://127.0.0.1:1")
    assert (alone.returncode, nobody.returncode) == (1, 1)
    assert "--gateway" in alone.stderr
    assert "archive" in nobody.stderr
    assert not {each.returncode for each in (alone, nobody)} - {1}
    assert "Traceback" not in alone.stderr + nobody.stderr
