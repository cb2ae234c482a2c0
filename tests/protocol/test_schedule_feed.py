"""A calendar subscribes over HTTP, through the edge and past the gateway, with nothing but its address."""

from pathlib import Path

import httpx
import pytest
from holdback.foundation import lay_foundation
from holdback.house import room_app, server_entry
from holdback.rooms import open_room
from holdback_servers.settings import Settings
from holdback_trust.tokens import TokenAuthority

HOUSE = "http://house"


@pytest.mark.asyncio
async def test_an_address_that_the_tool_gives_is_open_to_everybody_and_nothing_else_is(tmp_path: Path) -> None:
    foundation = lay_foundation(Settings(home=tmp_path), "mcp:schedule")
    door = open_room("schedule", foundation)
    authority = TokenAuthority("gateway", foundation.keys("gateway"), foundation.clock, lambda: "jti-1")
    token = authority.issue(
        person="person:sam", roles=["editor"], audience="mcp:schedule", scopes=["schedule:read", "schedule:plan"]
    )
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    asked = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "subscribe_calendar", "arguments": {}},
    }
    transport = httpx.ASGITransport(app=room_app(door, foundation))
    try:
        async with door.mcp.session_manager.run(), httpx.AsyncClient(transport=transport, base_url=HOUSE) as http:
            answer = (await http.post("/mcp/schedule", json=asked, headers=headers)).json()["result"]
            path = answer["structuredContent"]["path"]
            calendar = await http.get(path)
        entry = server_entry(door, foundation)
    finally:
        door.services.database.close()
        foundation.audit.close()
    rest = path.removeprefix("/mcp/schedule")
    assert calendar.status_code == 200
    assert calendar.text.startswith("BEGIN:VCALENDAR")
    assert "no-cache" in calendar.headers["cache-control"]
    assert entry.is_open("GET", rest)
    assert entry.is_open("HEAD", rest)
    assert not any(entry.is_open(*way) for way in (("POST", rest), ("GET", "/calendar/"), ("GET", "/mcp")))
