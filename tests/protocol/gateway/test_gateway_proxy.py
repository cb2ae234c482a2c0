"""The data path: unbuffered both ways, clean headers, limits, and upstreams that fail. Servers listen on loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import httpx
import pytest
import uvicorn
from a2a.client import ClientConfig, ClientFactory
from a2a.helpers import new_text_message
from a2a.types.a2a_pb2 import Role, SendMessageRequest, TaskState
from holdback_agents.gateway.proxy import Proxy, Way
from holdback_agents.gateway.registry import LocalApp, Upstream

pytestmark = pytest.mark.asyncio


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.asynccontextmanager
async def listening(app) -> AsyncGenerator[str, None]:
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="on" if hasattr(app, "running") else "off")
    server = Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        await server.ready.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class Stepwise:
    """Streams an event, waits to be told, streams the next; notes what it was sent and whether its client left."""

    def __init__(self) -> None:
        self.go_on, self.left = asyncio.Event(), asyncio.Event()
        self.headers: list[tuple[bytes, bytes]] = []
        self.path = ""

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        self.headers, self.path = scope["headers"], scope["path"]
        while (message := await receive()).get("more_body"):
            pass
        assert message["type"] == "http.request"
        headers = [(b"content-type", b"text/event-stream"), (b"connection", b"keep-alive"), (b"x-mine", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        leaving = asyncio.create_task(receive())
        told = asyncio.create_task(self.go_on.wait())
        await asyncio.wait((leaving, told), return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            self.left.set()
        else:
            await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        leaving.cancel()
        told.cancel()


class ClientThatStays:
    """A `receive` with an empty body, after which nothing comes."""

    def __init__(self) -> None:
        self.asked = False

    async def __call__(self) -> dict:
        if self.asked:
            await asyncio.Event().wait()
        self.asked = True
        return {"type": "http.request", "body": b"", "more_body": False}


@contextlib.asynccontextmanager
async def through_the_gateway(build_house, app, *, upstream: bool):
    """A client of a gateway on loopback in front of the app, in the gateway's process or behind another port."""
    async with a_house_on_loopback(build_house, app, upstream=upstream) as (_, client, headers):
        yield client, headers


@contextlib.asynccontextmanager
async def a_house_on_loopback(build_house, app, *, upstream: bool):
    """The same, and the house."""
    async with contextlib.AsyncExitStack() as stack:
        target = Upstream(await stack.enter_async_context(listening(app)) + "/mcp") if upstream else LocalApp(app)
        house = build_house(server=target)
        url = await stack.enter_async_context(listening(house.gateway))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=100, verify=False))
        headers = await house.bearer(client, "person:sam", "mcp:assets")
        yield house, client, headers


@pytest.mark.parametrize("upstream", [False, True])
async def test_an_event_reaches_the_client_before_the_next_one_is_made(build_house, upstream):
    app = Stepwise()
    async with (
        through_the_gateway(build_house, app, upstream=upstream) as (client, headers),
        client.stream("POST", "/mcp/assets", headers=headers, content=b"{}") as answer,
    ):
        chunks = answer.aiter_bytes()
        first = await anext(chunks)
        app.go_on.set()
        rest = b"".join([chunk async for chunk in chunks])
    assert (first, rest) == (b"data: 1\n\n", b"data: 2\n\n")
    assert (answer.headers["content-type"], answer.headers["x-mine"]) == ("text/event-stream", "1")


@pytest.mark.parametrize("upstream", [False, True])
async def test_when_the_client_leaves_the_upstream_is_left_too(build_house, upstream):
    app = Stepwise()
    async with through_the_gateway(build_house, app, upstream=upstream) as (client, headers):
        async with client.stream("POST", "/mcp/assets", headers=headers, content=b"{}") as answer:
            await anext(answer.aiter_bytes())
        await asyncio.wait_for(app.left.wait(), 100)


@pytest.mark.parametrize("upstream", [False, True])
async def test_a_stream_that_may_not_go_on_is_whole_to_the_client_and_the_upstream_is_left(build_house, upstream):
    app = Stepwise()
    async with (
        a_house_on_loopback(build_house, app, upstream=upstream) as (house, client, headers),
        client.stream("POST", "/mcp/assets", headers=headers, content=b"{}") as answer,
    ):
        chunks = answer.aiter_bytes()
        first = await anext(chunks)
        house.clock.forward(seconds=301)
        house.gateway._streams.look()
        rest = b"".join([chunk async for chunk in chunks])
        await asyncio.wait_for(app.left.wait(), 100)
    assert (first, rest) == (b"data: 1\n\n", b"")


@pytest.mark.parametrize("upstream", [False, True])
async def test_headers_of_one_hop_and_claims_of_other_proxies_do_not_pass(build_house, upstream):
    app = Stepwise()
    app.go_on.set()
    async with through_the_gateway(build_house, app, upstream=upstream) as (client, headers):
        extra = {"connection": "x-secret", "x-secret": "1", "x-forwarded-for": "10.0.0.1", "traceparent": "00-a-b-01"}
        await client.post("/mcp/assets/", headers=headers | extra, content=b"{}")
    names = {name for name, _ in app.headers}
    assert {b"authorization", b"traceparent"} <= names
    assert not names & {b"x-secret", b"x-forwarded-for"}
    assert app.path == ("/mcp" if upstream else "/mcp/assets/")


@pytest.mark.parametrize("upstream", [False, True])
@pytest.mark.parametrize("told", [True, False])
async def test_a_body_over_the_limit_is_refused(build_house, upstream, told):
    async def body() -> AsyncGenerator[bytes, None]:
        for _ in range(5):
            yield b"x" * 1024 * 1024

    content = b"x" * (4 * 1024 * 1024 + 1) if told else body()
    async with through_the_gateway(build_house, Stepwise(), upstream=upstream) as (client, headers):
        answer = await client.post("/mcp/assets", headers=headers, content=content)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


async def test_a_large_body_in_pieces_arrives_whole(build_house):
    sizes: list[int] = []

    async def app(scope, receive, send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        sizes.append(size)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def body() -> AsyncGenerator[bytes, None]:
        for _ in range(3):
            yield b"x" * 1024 * 1024

    async with through_the_gateway(build_house, app, upstream=True) as (client, headers):
        answer = await client.post("/mcp/assets", headers=headers, content=body())
    assert (answer.status_code, sizes) == (204, [3 * 1024 * 1024])


async def test_an_upstream_that_is_down_is_a_problem_of_its_own(build_house):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        port = nobody.getsockname()[1]
        house = build_house(server=Upstream(f"http://127.0.0.1:{port}"))
        async with house.open() as client:
            answer = await client.post("/mcp/assets", headers=await house.bearer(client, "person:sam", "mcp:assets"))
    assert (answer.status_code, answer.json()["code"]) == (502, "UNAVAILABLE")
    assert str(port) not in answer.text


async def test_an_upstream_that_stays_silent_is_given_up():
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    proxy = Proxy(idle_seconds=0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        scope = {"type": "http", "method": "GET", "headers": [], "query_string": b"", "path": "/mcp/assets"}
        way = Way(Upstream(f"http://127.0.0.1:{silent.getsockname()[1]}"), "/mcp/assets", "")
        status = await proxy.forward(scope, ClientThatStays(), send, way)
        await proxy.close()
    assert (status, sent[0]["status"]) == (504, 504)


async def test_a_redirect_of_an_upstream_does_not_pass(build_house):
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", b"http://inside/")]})
        await send({"type": "http.response.body", "body": b""})

    house = build_house(server=LocalApp(app))
    async with house.open() as client:
        answer = await client.post("/mcp/assets", headers=await house.bearer(client, "person:sam", "mcp:assets"))
    assert answer.status_code == 502
    assert "inside" not in answer.text


async def test_an_app_that_fails_says_nothing_of_why(build_house):
    async def app(scope, receive, send) -> None:
        raise RuntimeError("the password is swordfish")

    house = build_house(server=LocalApp(app))
    async with house.open() as client:
        answer = await client.post("/mcp/assets", headers=await house.bearer(client, "person:sam", "mcp:assets"))
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "swordfish" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/mcp/nowhere",
        "/mcp/assets/admin",
        "/agents/compliance/../editing-assistant",
        "/agents/compliance/v1/../../secret",
        "/agents/compliance/v1/%2e%2e/secret",
        "/agents/compliance/other",
        "/agents/",
        "/AGENTS/compliance",
        "/approvals/../registry",
        "/nothing",
    ],
)
async def test_only_exact_paths_lead_anywhere(build_house, path):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "agent:compliance")
        request = client.build_request("POST", "http://gateway.test/", headers=headers)
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = await client.send(request)
    assert answer.status_code in (401, 404)
    assert answer.json()["code"] in ("NOT_FOUND", "UNAUTHENTICATED")
    assert house.echoes["editing-assistant"].heard == []


async def test_a_token_for_one_target_does_not_open_another(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "agent:compliance")
        wrong = await client.post("/mcp/assets", headers=headers)
        none = await client.post("/agents/compliance", json={})
        house.clock.forward(seconds=301)
        late = await client.post("/agents/compliance", headers=headers)
    for answer in (wrong, none, late):
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert "oauth-protected-resource/mcp/assets" in wrong.headers["www-authenticate"]


@pytest.mark.parametrize("upstream", [False, True])
@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
async def test_an_agent_streams_through_the_gateway_in_both_bindings(build_house, upstream, binding):
    async with contextlib.AsyncExitStack() as stack:
        other = build_house()
        app = next(each.target.app for each in other.services.agents if each.name == "compliance")
        agent = Upstream(await stack.enter_async_context(listening(app))) if upstream else LocalApp(app)
        house = build_house(agents={"compliance": agent})
        client = await stack.enter_async_context(house.open())
        client.headers.update(await house.bearer(client, "person:sam", "agent:compliance"))
        config = ClientConfig(httpx_client=client, supported_protocol_bindings=[binding])
        a2a = await ClientFactory(config).create_from_url("http://gateway.test/agents/compliance")
        request = SendMessageRequest(message=new_text_message("hello", role=Role.ROLE_USER))
        events = [event async for event in a2a.send_message(request)]
    assert events[0].HasField("task")
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED


@pytest.mark.parametrize("ending", ["", "/"])
async def test_an_agent_is_reached_with_and_without_a_slash(build_house, ending):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "agent:compliance") | {"a2a-version": "1.0"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "nowhere"}}
        answer = await client.post(f"/agents/compliance{ending}", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, -32001)


async def test_a_lifespan_of_a_local_app_runs_with_the_gateway(build_house):
    seen: list[str] = []

    async def app(scope, receive, send) -> None:
        assert scope["type"] == "lifespan"
        for kind in ("startup", "shutdown"):
            seen.append((await receive())["type"])
            await send({"type": f"lifespan.{kind}.complete"})

    house = build_house(server=LocalApp(app))
    async with house.open():
        assert seen == ["lifespan.startup"]
    assert seen == ["lifespan.startup", "lifespan.shutdown"]
