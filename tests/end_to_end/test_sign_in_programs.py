"""Programs that people work with find their own way in: from a 401, through a browser, to a tool that was called."""

from typing import Any

import httpx
import httpx2
import pytest
from holdback.people import home_credentials
from mcp.client import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

pytestmark = pytest.mark.asyncio(loop_scope="session")
CALLBACK = "http://127.0.0.1:40555/callback"


class Kept:
    """A program's own store: it knows its id here, and keeps what it is given."""

    def __init__(self, client_id: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull(
            client_id=client_id, token_endpoint_auth_method="none", redirect_uris=[CALLBACK]
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def provider(server: str, kept: Kept, browser: Any, person: str, code: str) -> OAuthClientProvider:
    """The SDK's own way in; only the browser is ours."""

    async def go(url: str) -> None:
        await browser.follow(url)
        await browser.sign_in(person, code)
        await browser.allow()

    async def come_back() -> AuthorizationCodeResult:
        answer = browser.sent_to.params
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    metadata = OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="A program", scope=None)
    return OAuthClientProvider(server, metadata, kept, redirect_handler=go, callback_handler=come_back)


async def test_the_stock_mcp_client_gets_from_a_401_to_a_called_tool_by_itself(house: Any, browse: Any) -> None:
    code, _ = home_credentials(house.home, house.foundation.clock).new_code("person:sam")
    server, kept = f"{house.url}/mcp/assets", Kept("holdback")
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        auth = provider(server, kept, browse(http, house.url), "sam", code)
        http2 = httpx2.AsyncClient(auth=auth, verify=False, timeout=100)
        async with http2, Client(streamable_http_client(server, http_client=http2)) as client:
            answer = await client.call_tool("search_assets", {"query": "butterfly"})
            assert answer.structured_content["items"]
    assert kept.tokens is not None
    assert kept.tokens.scope == "assets:read assets:write offline_access", "no more than an editor holds"
    assert kept.tokens.refresh_token


async def test_the_stock_mcp_client_renews_what_has_expired_without_asking_anybody(house: Any, browse: Any) -> None:
    code, _ = home_credentials(house.home, house.foundation.clock).new_code("person:sam")
    server, kept = f"{house.url}/mcp/rights", Kept("claude-code")
    async with httpx.AsyncClient(verify=False, timeout=100) as http:
        browser = browse(http, house.url)
        auth = provider(server, kept, browser, "sam", code)
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
