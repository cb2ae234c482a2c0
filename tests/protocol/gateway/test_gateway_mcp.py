"""An MCP server behind the gateway, through the MCP client."""

import httpx2
import pytest
from holdback_agents.gateway.registry import LocalApp
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

pytestmark = pytest.mark.asyncio


async def test_a_tool_is_called_through_the_gateway(build_house):
    server = MCPServer("assets")

    @server.tool(structured_output=True)
    def double(number: int) -> dict[str, int]:
        return {"twice": number * 2}

    app = server.streamable_http_app(
        streamable_http_path="/", json_response=True, stateless_http=True, host="gateway.test"
    )
    house = build_house(server=LocalApp(app))
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "mcp:assets")
        transport = httpx2.ASGITransport(app=house.gateway)
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers) as http,
            Client(streamable_http_client("http://gateway.test/mcp/assets", http_client=http)) as assets,
        ):
            tools = await assets.list_tools()
            answer = await assets.call_tool("double", {"number": 21})
    assert [tool.name for tool in tools.tools] == ["double"]
    assert answer.structured_content == {"twice": 42}


async def test_only_what_a_server_opens_is_open_below_its_address(build_house):
    async def tell(request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["what"])

    app = Starlette(routes=[Route("/status/{what}", tell, methods=["GET", "POST"]), Route("/admin/{what}", tell)])
    house = build_house(server=LocalApp(app), open_paths=("/status/",))
    async with house.open() as client:
        open_to_all = await client.get("/mcp/assets/status/clr_1")
        closed = [
            await client.get("/mcp/assets/admin/x"),
            await client.post("/mcp/assets/status/clr_1"),
            await client.get("/mcp/assets/status/"),
        ]
    assert (open_to_all.status_code, open_to_all.text) == (200, "clr_1")
    assert [answer.status_code for answer in closed] == [404, 404, 404]
