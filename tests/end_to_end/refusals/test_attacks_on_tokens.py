"""Attacks with tokens, through the real doors: each is refused, says how, and changes nothing."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_token_for_another_audience_opens_no_door(house: Any, unmoved: Any) -> None:
    token = await house.sam.person.token("mcp:rights")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        answer = await http.post(f"{house.url}/mcp/assets", json=call, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert "another audience" in answer.json()["message"]
