"""A house on loopback is reached by this machine's names only, whatever a web page makes a browser believe."""

import httpx
import pytest
from holdback.serving import NamedOnly, listen, served
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8700"}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8700"}, 200),
        ({"host": "localhost:8700", "origin": "http://localhost:3000"}, 200),
        ({"host": "evil.example:8700"}, 403),
        ({"host": "127.0.0.1:8700", "origin": "http://evil.example"}, 403),
        ({"host": "127.0.0.1:8700", "origin": "null"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
    ],
)
async def test_only_this_machines_names_are_served(headers: dict[str, str], status: int) -> None:
    transport = httpx.ASGITransport(app=NamedOnly(PlainTextResponse("in")))
    async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
        answer = await client.get("/", headers=headers)
    assert answer.status_code == status
    assert (answer.text == "in") == (status == 200)


@pytest.mark.asyncio
async def test_no_header_says_from_where_somebody_asks() -> None:
    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{scope['client'][0]} {scope['scheme']}")(scope, receive, send)

    listener = listen("127.0.0.1", 0)
    claims = {"x-forwarded-for": "10.1.1.1", "x-forwarded-proto": "https", "forwarded": "for=10.1.1.1"}
    async with served(tell, listener), httpx.AsyncClient(timeout=100) as client:
        answer = await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/", headers=claims)
    assert answer.text == "127.0.0.1 http"
