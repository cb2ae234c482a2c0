"""Malformed MCP over HTTP at a real room: a clear answer, no trace of a traceback, and the room still answers."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from holdback.foundation import Foundation, lay_foundation
from holdback.house import room_app
from holdback.rooms import open_room
from holdback_servers.settings import Settings
from holdback_trust.tokens import TokenAuthority

pytestmark = pytest.mark.asyncio
LIMIT = 20_000
URL = "/mcp/rights"


@asynccontextmanager
async def room(home: Path) -> AsyncGenerator[httpx2.AsyncClient]:
    """The rights room behind its edge, and a client that holds a good token."""
    foundation = lay_foundation(Settings(home=home, body_limit=LIMIT), "mcp:rights")
    door = open_room("rights", foundation)
    headers = {
        "authorization": f"Bearer {_token(foundation)}",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
    }
    transport = httpx2.ASGITransport(app=room_app(door, foundation))  # pyright: ignore
    try:
        async with (
            door.mcp.session_manager.run(),
            httpx2.AsyncClient(transport=transport, base_url="http://house", headers=headers) as http,
        ):
            yield http
    finally:
        door.services.database.close()
        foundation.audit.close()


def _token(foundation: Foundation) -> str:
    authority = TokenAuthority("gateway", foundation.keys("gateway"), foundation.clock, lambda: "jti-1")
    return authority.issue(person="person:sam", roles=["editor"], audience="mcp:rights", scopes=["rights:read"])


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


BODIES: list[tuple[bytes, int | None]] = [
    (b"{not json", -32700),
    (b"", -32700),
    (b"\xff\xfe\x00", -32700),
    (b"[" * 5000, -32700),
    (b'"text"', None),
    (b"[]", None),
    (b"{}", None),
    (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', None),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/none"}', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}', -32602),
    (json.dumps(call("list_rights") | {"params": {"name": "list_rights", "arguments": [1]}}).encode(), -32602),
]
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("make_tea", {}, "NOT_FOUND"),
    ("list_rights", {"limit": "many"}, "INVALID_ARGUMENT"),
    ("list_rights", {"limit": 0}, "INVALID_ARGUMENT"),
    ("list_rights", {"cursor": "nonsense"}, "INVALID_ARGUMENT"),
    ("list_rights", {"colour": "red"}, "INVALID_ARGUMENT"),
    ("get_clearance", {}, "INVALID_ARGUMENT"),
    ("get_clearance", {"clearance": {"a": 1}}, "INVALID_ARGUMENT"),
    ("get_clearance", {"clearance": "clr_none"}, "NOT_FOUND"),
]


async def test_what_is_no_request_gets_the_json_rpc_error_that_fits(tmp_path: Path) -> None:
    async with room(tmp_path) as http:
        for body, code in BODIES:
            answer = await http.post(URL, content=body)
            assert 200 <= answer.status_code < 500, body
            assert "Traceback" not in answer.text, body
            error = answer.json()["error"]
            assert error["message"], body
            assert code in (None, error["code"]), body
        assert "error" not in (await http.post(URL, json=call("list_rights"))).json()


async def test_a_call_that_cannot_be_made_is_a_tool_error_with_code_message_and_hint(tmp_path: Path) -> None:
    async with room(tmp_path) as http:
        for tool, arguments, code in CALLS:
            result = (await http.post(URL, json=call(tool, **arguments))).json()["result"]
            told = result["structuredContent"]
            assert result["isError"] is True, tool
            assert (told["code"], bool(told["hint"])) == (code, True), (tool, arguments)
            assert result["content"][0]["text"].startswith(f"{code}: "), tool


async def test_a_call_without_its_scope_is_answered_403(tmp_path: Path) -> None:
    async with room(tmp_path) as http:
        answer = await http.post(URL, json=call("record_right", contract={}, rights=[]))
    assert (answer.status_code, answer.json()["error"]["data"]["code"]) == (403, "PERMISSION_DENIED")


async def test_a_body_over_the_limit_is_413_whether_its_length_is_said_or_not(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 1000

    async with room(tmp_path) as http:
        said = await http.post(URL, content=b" " * (LIMIT + 1))
        unsaid = await http.post(URL, content=chunks())
        lied = await http.post(URL, content=b"{}", headers={"content-length": "many"})
    assert (said.status_code, unsaid.status_code, lied.status_code) == (413, 413, 400)
    assert said.json()["code"] == "TOO_LARGE"
