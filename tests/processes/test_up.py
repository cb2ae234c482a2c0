"""`holdback up` as a process: strangers' clients of every era get their answers, and it ends when it is told to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import A2ACardResolver
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    TaskState,
)

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
READ = {
    "assets": ("describe_library", {}),
    "editing": ("get_timeline", {"timeline_id": "tl_none"}),
    "rights": ("list_rights", {}),
    "schedule": ("list_channels", {}),
}
SHORT = "15 s highlight for YouTube in GB for the next month"


def test_it_says_where_everything_is_and_answers_there(up: Any) -> None:
    text = "\n".join(up.lines)
    assert all(f"{up.url}/mcp/{name}" in text for name in READ)
    assert all(f"{up.url}/agents/{name}" in text for name in ("editing-assistant", "compliance", "scheduler"))
    assert httpx.get(f"{up.url}/health", timeout=100).status_code == 200
    assert len(httpx.get(f"{up.url}/.well-known/ai-catalog.json", timeout=100).json()) >= 1
    assert httpx.get(f"{up.url}/.well-known/agent-card.json", timeout=100).json()["skills"]
    for path in ("/mcp/rights", "/agents/compliance"):
        assert httpx.post(up.url + path, json={}, timeout=100).status_code == 401


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("server", READ)
async def test_a_stock_mcp_client_lists_and_calls(up: Any, server: str, mode: str) -> None:
    tool, arguments = READ[server]
    async with up.mcp(server, mode) as client:
        tools = (await client.list_tools()).tools
        answer = await client.call_tool(tool, arguments)
        version = client.protocol_version
    assert tool in {each.name for each in tools}
    assert answer.structured_content
    assert answer.is_error is (server == "editing")
    assert (version == "2026-07-28") is (mode == "auto")


@pytest.mark.asyncio
@pytest.mark.parametrize(("binding", "version"), [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3")])
async def test_a_stock_a2a_client_is_asked_back_and_cancels(up: Any, binding: str, version: str) -> None:
    headers = {"authorization": f"Bearer {up.token('person:sam', 'agent:editing-assistant')}"}
    async with httpx.AsyncClient(headers=headers, timeout=120) as http:
        card = await A2ACardResolver(http, f"{up.url}/agents/editing-assistant").get_agent_card()
        chosen = [
            each
            for each in card.supported_interfaces
            if (each.protocol_binding, each.protocol_version) == (binding, version)
        ]
        assert len(chosen) == 1, card
        del card.supported_interfaces[:]
        card.supported_interfaces.extend(chosen)
        client = ClientFactory(ClientConfig(httpx_client=http, supported_protocol_bindings=[binding])).create(card)
        words = Message(role=Role.ROLE_USER, message_id=f"m-{binding}-{version}", parts=[Part(text=SHORT)])
        events = [event async for event in client.send_message(SendMessageRequest(message=words))]
        task = await client.get_task(GetTaskRequest(id=events[0].task.id))
        assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
        assert "what it shall show" in str(task.status.message)
        cancelled = await client.cancel_task(CancelTaskRequest(id=task.id))
        assert cancelled.status.state == TaskState.TASK_STATE_CANCELED


@pytest.mark.parametrize("path", ["/agents/editing-assistant", "/"])
def test_a_request_as_0_3_wrote_them_is_answered_as_0_3(up: Any, path: str) -> None:
    audience = "agent:editing-assistant" if path != "/" else "gateway"
    message = {
        "kind": "message",
        "role": "user",
        "messageId": f"old{len(path)}",
        "parts": [{"kind": "text", "text": SHORT}],
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}}
    headers = {"authorization": f"Bearer {up.token('person:sam', audience)}"}
    answer = httpx.post(up.url + path, json=body, headers=headers, timeout=120).json()
    assert "result" in answer, answer
    result = answer["result"]
    assert (result["kind"], result["status"]["state"]) == ("task", "input-required")


def test_it_ends_cleanly_when_told_to_while_a_client_holds_on(bring_up: Callable[..., Any], tmp_path: Path) -> None:
    house = bring_up(tmp_path)
    with httpx.stream("GET", f"{house.url}/health", timeout=100):
        assert house.stop() == 0
    assert "Traceback" not in house.process.stderr.read()
    again = bring_up(tmp_path)
    assert httpx.get(f"{again.url}/health", timeout=100).status_code == 200


def test_a_port_that_is_taken_is_said_in_words(up: Any, holdback: Callable[..., Any], tmp_path: Path) -> None:
    port = up.url.rpartition(":")[2]
    ended = holdback("up", "--home", tmp_path / "other", "--port", port)
    assert ended.returncode == 1
    assert f"Port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_house_is_found_by_its_home_on_whatever_port_it_is(up: Any, holdback: Callable[..., Any]) -> None:
    found = holdback("approvals", "list", "--home", up.home, "--as", "person:alex")
    assert found.returncode == 0, found.stderr


def test_a_home_on_which_no_house_is_up_is_told_by_name(holdback: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    told = holdback("approvals", "list", "--home", tmp_path, "--as", "person:alex")
    assert (told.returncode, told.stdout) == (1, "")
    assert f"No house is up on the home {tmp_path}" in told.stderr
    assert f"holdback up --home {tmp_path}" in told.stderr


def test_a_home_has_one_house_at_a_time(up: Any, holdback: Callable[..., Any]) -> None:
    ended = holdback("up", "--home", up.home, "--port", "0")
    assert ended.returncode == 1
    assert "Another house is up" in ended.stderr
    assert str(up.home) in ended.stderr
    assert httpx.get(f"{up.url}/health", timeout=100).status_code == 200
