"""Attacks that would have the house send requests where somebody else wants: nothing is sent, and nothing is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from holdback.serving import listen, served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

pytestmark = pytest.mark.asyncio(loop_scope="session")

INSIDE = (
    "http://127.0.0.1:8700/health",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "https://metadata.google.internal/",
    "file:///etc/passwd",
)
AGENTS = ("editing-assistant", "compliance", "scheduler")


@asynccontextmanager
async def listening() -> AsyncGenerator[tuple[str, list[str]]]:
    """A place that hears whoever calls."""
    heard: list[str] = []

    async def hear(request: Request) -> PlainTextResponse:
        heard.append(str(request.url))
        return PlainTextResponse("")

    listener = listen("127.0.0.1", 0)
    async with served(Starlette(routes=[Route("/{path:path}", hear, methods=["GET", "POST"])]), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook", heard


async def rpc(house: Any, agent: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    token = await house.sam.person.token(f"agent:{agent}")
    headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with httpx.AsyncClient(timeout=100) as http:
        return (await http.post(f"{house.url}/agents/{agent}", json=body, headers=headers)).json()


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_push_notification_is_wanted_at_an_address_of_the_callers(house: Any, unmoved: Any, agent: str) -> None:
    async with listening() as (hook, heard), unmoved():
        for url in (hook, *INSIDE):
            params = {"taskId": "t", "id": "c", "url": url, "token": "x"}
            answer = await rpc(house, agent, "CreateTaskPushNotificationConfig", params)
            assert answer["error"]["code"] == -32003, answer
    assert heard == []


async def test_a_push_notification_is_wanted_together_with_a_message(house: Any) -> None:
    async with listening() as (hook, heard):
        params = {
            "message": {"messageId": "push-1", "role": "ROLE_USER", "parts": [{"text": "explain nothing"}]},
            "configuration": {"taskPushNotificationConfig": {"url": hook, "token": "x"}},
        }
        answer = await rpc(house, "scheduler", "SendMessage", params)
        assert "error" in answer or "pushNotification" not in str(answer)
    assert heard == []


async def test_no_card_of_the_house_offers_push_notifications(house: Any) -> None:
    async with httpx.AsyncClient(timeout=100) as http:
        for place in ("", *(f"/agents/{name}" for name in AGENTS)):
            card = (await http.get(f"{house.url}{place}/.well-known/agent-card.json")).json()
            assert not card["capabilities"].get("pushNotifications", False)


@pytest.mark.parametrize("method", ["tasks/pushNotificationConfig/set", "CreateTaskPushNotificationConfig"])
async def test_the_front_door_is_asked_to_push(house: Any, unmoved: Any, method: str) -> None:
    token = await house.sam.person.token("gateway")
    params = {"taskId": "nobodys", "url": INSIDE[1], "pushNotificationConfig": {"url": INSIDE[1]}}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        answer = await http.post(house.url, json=body, headers=headers)
    assert "error" in answer.json(), answer.text


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "evil.example", "127.0.0.1:1", "[::1]:1", "localhost:1"],
)
async def test_a_host_header_makes_the_gateway_name_another_place(house: Any, host: str) -> None:
    async with httpx.AsyncClient(timeout=100) as http:
        for path in ("/.well-known/agent-card.json", "/.well-known/oauth-authorization-server"):
            answer = await http.get(house.url + path, headers={"host": host, "x-forwarded-host": host})
            assert host not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/agents/http:%2f%2f127.0.0.1:1",
        "/agents/compliance@169.254.169.254",
        "/agents/..%2fmcp%2fassets",
        "/agents/compliance/v1/..%2f..%2f..%2fmcp%2fassets",
        "/mcp/%5c%5c169.254.169.254%5cx",
    ],
)
async def test_a_path_that_would_lead_elsewhere(house: Any, unmoved: Any, path: str) -> None:
    token = await house.sam.person.token("agent:compliance")
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        answer = await http.post(house.url + path, json={}, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (401, 404), answer.text
