"""Programs that people work with find their own way in: from a 401, through a browser, to a tool that was called."""

from typing import Any

import httpx
import httpx2
import pytest
from holdback.people import home_credentials
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_stock_mcp_client_gets_from_a_401_to_a_called_tool_by_itself(
    house: Any, browse: Any, stock_client: Any
) -> None:
    code, _ = home_credentials(house.home, house.foundation.clock).new_code("person:sam")
    server = f"{house.url}/mcp/assets"
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        auth, kept = stock_client(server, browse(http, house.url), code, client_id="holdback")
        http2 = httpx2.AsyncClient(auth=auth, verify=False, timeout=100)
        async with http2, Client(streamable_http_client(server, http_client=http2)) as client:
            answer = await client.call_tool("search_assets", {"query": "butterfly"})
            assert answer.structured_content["items"]
    assert kept.tokens is not None
    assert kept.tokens.scope == "assets:read assets:write offline_access", "no more than an editor holds"
    assert kept.tokens.refresh_token


async def test_the_stock_mcp_client_renews_what_has_expired_without_asking_anybody(
    house: Any, browse: Any, stock_client: Any
) -> None:
    code, _ = home_credentials(house.home, house.foundation.clock).new_code("person:sam")
    server = f"{house.url}/mcp/rights"
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, house.url)
        auth, kept = stock_client(server, browser, code, client_id="claude-code")
        async with httpx2.AsyncClient(auth=auth, verify=False, timeout=100) as http2:
            async with Client(streamable_http_client(server, http_client=http2)) as client:
                await client.list_tools()
            first, pages = kept.tokens, browser.page
            assert first is not None
            auth.context.token_expiry_time = 1.0
            async with Client(streamable_http_client(server, http_client=http2)) as client:
                assert (await client.list_tools()).tools
    assert kept.tokens is not None
    assert kept.tokens.access_token != first.access_token
    assert kept.tokens.refresh_token != first.refresh_token
    assert browser.page is pages, "nobody was asked again"
