"""Clearances that go stale with the rights under them, and subscribers of both eras that hear of it."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.edge import Edge
from holdback_servers.rights import server, store
from holdback_servers.services import open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.identity import Caller
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import sign_cut
from holdback_trust.tokens import TokenAuthority, TokenVerifier
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent
from mcp_types import ResourceUpdatedNotification, TextResourceContents

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RIGHTS, ASSETS, GATEWAY = KeyPair.generate(), KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:rights": [RIGHTS.public_jwk], "gateway": [GATEWAY.public_jwk]})
FILM = "film:a"
CUT = CutFacts(
    media="sha256:" + "1" * 64,
    element_list=ElementList(
        rate=Rate(num=25),
        frames=100,
        elements=(Element(id="film", kind="programme", ref=FILM, name="A", spans=(Span(in_frame=0, out_frame=100),)),),
    ),
)
ASKED = {
    "territories": ["GB", "DE"],
    "platforms": ["linear", "social.youtube"],
    "start": "2026-11-23T00:00:00Z",
    "end": "2026-12-23T00:00:00Z",
}
GRANT_DEAL = {"external_key": "in", "counterparty": "Studio", "direction": "in", "status": "active"}
GRANT = {
    "external_key": "all",
    "ref": FILM,
    "kind": "grant",
    "media": ["all"],
    "territories": ["WORLD"],
    "start": "2026-01-01T00:00:00Z",
    "clause": "3.1",
}
BLACKOUT_DEAL = {"external_key": "league", "counterparty": "League", "direction": "in", "status": "active"}
BLACKOUT = {
    "external_key": "no-linear",
    "ref": FILM,
    "kind": "blackout",
    "media": ["linear"],
    "territories": ["GB"],
    "start": "2026-12-01T00:00:00Z",
    "end": "2026-12-02T00:00:00Z",
    "clause": "9.4",
}


@asynccontextmanager
async def rights_door(
    home: Path, local: Caller | None = None, clock: Callable[[], datetime] = lambda: NOW
) -> AsyncGenerator[Door]:
    services = open_services(
        Database(home / "db" / "rights.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=clock,
        new_id=id_maker(clock),
        keys=RIGHTS,
        ring=RING,
        audit=AuditLog(home / "audit", RIGHTS, clock),
    )
    try:
        yield server.build(services, local=local or local_caller("person:robin", True, "mcp:rights"))
    finally:
        services.audit.close()
        services.database.close()


async def call(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def granted(client: Client) -> str:
    """The film is licensed for all the world; answers with the id of the right."""
    return (await call(client, "record_right", contract=GRANT_DEAL, rights=[GRANT]))["rights"][0]["id"]


async def cleared(client: Client) -> str:
    statement = sign_cut(ASSETS, "mcp:assets", CUT, NOW)
    return (await call(client, "issue_clearance", cut_statements=[statement], **ASKED))["clearance"]


async def blacked_out(client: Client) -> dict[str, Any]:
    return await call(client, "record_right", contract=BLACKOUT_DEAL, rights=[BLACKOUT])


def uri_of(event: ServerEvent) -> str:
    assert isinstance(event, ResourceUpdated)
    return event.uri


async def read(client: Client, uri: str) -> dict[str, Any]:
    content = (await client.read_resource(uri)).contents[0]
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def test_a_clearance_goes_stale_with_a_change_that_takes_away_what_it_opened(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        await granted(client)
        clearance = await cleared(client)
        before = await call(client, "get_clearance", clearance=clearance)
        recorded = await blacked_out(client)
        after = await call(client, "get_clearance", clearance=clearance)
        status = await door.services.database.read(lambda c: store.clearance_status(c, clearance))

    assert before["status"] == "valid"
    assert "advice" not in before
    assert [each["clearance"] for each in recorded["stale"]] == [clearance]
    assert (after["status"], status) == ("stale", "stale")
    assert after["stale"] == "2026-11-22T12:00:00Z"
    assert after["lost"][0]["territories"] == ["GB"]
    assert after["lost"][0]["platforms"] == ["linear"]
    assert after["lost"][0]["windows"] == [{"start": "2026-12-01T00:00:00Z", "end": "2026-12-02T00:00:00Z"}]
    assert "BLACKOUT" in after["stale_reason"]
    assert recorded["rights"][0]["id"] in after["stale_reason"]
    assert "9.4" in after["stale_reason"]
    assert "cleared again" in after["advice"]


async def test_a_clearance_that_is_too_old_to_commit_under_is_watched_as_long_as_its_windows_last(
    tmp_path: Path,
) -> None:
    times = [NOW]
    async with rights_door(tmp_path, clock=lambda: times[-1]) as door, Client(door.mcp) as client:
        await granted(client)
        clearance = await cleared(client)
        times.append(NOW + timedelta(days=8))
        expired = await call(client, "get_clearance", clearance=clearance)
        recorded = await blacked_out(client)
        status = await door.services.database.read(lambda c: store.clearance_status(c, clearance))
    assert expired["status"] == "expired"
    assert [each["clearance"] for each in recorded["stale"]] == [clearance]
    assert status == "stale"


async def test_a_clearance_whose_windows_are_over_is_left_as_it_is(tmp_path: Path) -> None:
    times = [NOW]
    async with rights_door(tmp_path, clock=lambda: times[-1]) as door, Client(door.mcp) as client:
        await granted(client)
        await cleared(client)
        times.append(datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=365))
        recorded = await blacked_out(client)
    assert recorded["stale"] == []


async def test_it_stays_stale_when_the_change_is_taken_back(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        await granted(client)
        clearance = await cleared(client)
        await blacked_out(client)
        await call(client, "record_right", contract={**BLACKOUT_DEAL, "status": "inactive"})
        stale = await call(client, "get_clearance", clearance=clearance)
        anew = await call(client, "get_clearance", clearance=await cleared(client))

    assert (stale["status"], anew["status"]) == ("stale", "valid")


HARMLESS: dict[str, dict[str, Any]] = {
    "elsewhere": {"territories": ["US"]},
    "later": {"start": "2026-12-23T00:00:00Z", "end": None},
    "over": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-22T00:00:00Z"},
    "for another purpose": {"purposes": ["advertising"]},
    "of another film": {"ref": "film:b"},
}


async def test_a_change_that_takes_nothing_away_leaves_it_valid(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        await granted(client)
        clearance = await cleared(client)
        blackouts = [{**BLACKOUT, **terms, "external_key": name} for name, terms in HARMLESS.items()]
        recorded = await call(client, "record_right", contract=BLACKOUT_DEAL, rights=blackouts)
        after = await call(client, "get_clearance", clearance=clearance)

    assert recorded["stale"] == []
    assert (after["status"], after["rights_changed"]) == ("valid", True)


async def test_runs_that_are_reserved_for_it_do_not_make_it_stale(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        deal = await call(client, "record_right", contract=GRANT_DEAL, rights=[{**GRANT, "max_runs": 1}])
        clearance = await cleared(client)
        run = {"right": deal["rights"][0]["id"], "at": "2026-11-24T20:00:00Z"}
        await call(client, "reserve_runs", publication="pub_1", rights=[run])
        await call(client, "record_right", contract=GRANT_DEAL, rights=[{**GRANT, "max_runs": 1, "source": "amended"}])
        after = await call(client, "get_clearance", clearance=clearance)

    assert after["status"] == "valid"


async def test_a_listener_hears_that_a_clearance_went_stale_and_a_right_changed(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client, Client(door.mcp) as listener:
        right = await granted(client)
        clearance = await cleared(client)
        uris = [f"clearance://{clearance}", f"right://{right}"]
        async with asyncio.timeout(100), listener.listen(resource_subscriptions=uris) as heard:
            await blacked_out(client)
            first = await anext(heard)
            await call(client, "record_right", contract={**GRANT_DEAL, "status": "inactive"})
            second = await anext(heard)
            found = [await read(listener, uri) for uri in uris]

    assert [uri_of(first), uri_of(second)] == uris
    assert found[0]["status"] == "stale"
    assert found[1]["contract"]["status"] == "inactive"
    assert door.listeners.listened == frozenset()


async def test_a_listener_hears_that_a_clearance_was_revoked(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        await granted(client)
        uri = f"clearance://{await cleared(client)}"
        async with asyncio.timeout(100), client.listen(resource_subscriptions=[uri]) as heard:
            await call(client, "revoke_clearance", clearance=uri.removeprefix("clearance://"), reason="a mistake")
            event = await anext(heard)

    assert uri_of(event) == uri


@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")  # this is the way of the older protocol
async def test_an_older_client_subscribes_and_hears_on_its_connection(tmp_path: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.put_nowait(str(message.params.uri))

    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        await granted(client)
        uri = f"clearance://{await cleared(client)}"
        async with Client(door.mcp, mode="legacy", message_handler=hear) as older:
            await older.subscribe_resource(uri)  # pyright: ignore[reportDeprecated] - that era's own way
            await blacked_out(client)
            async with asyncio.timeout(100):
                heard = await told.get()
            await older.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]

    assert heard == uri
    assert door.listeners.listened == frozenset()


async def test_who_may_not_read_may_not_listen(tmp_path: Path) -> None:
    stranger = local_caller("person:sam", True, "mcp:rights").model_copy(update={"scopes": frozenset({"assets:read"})})
    async with rights_door(tmp_path, stranger) as door, Client(door.mcp) as client:
        with pytest.raises(MCPError, match="rights:read"):
            async with client.listen(resource_subscriptions=["clearance://clr_1"]):
                pass

    assert door.listeners.listened == frozenset()


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def over_http(door: Door) -> AsyncGenerator[Callable[[str], AbstractAsyncContextManager[Client]]]:
    """The door behind its edge on a free port; gives a client with a token of one scope."""
    authority = TokenAuthority("gateway", GATEWAY, lambda: NOW, lambda: id_maker()("evt"))
    verifier = TokenVerifier(door.services.ring, "gateway", "mcp:rights", lambda: NOW)
    edge = Edge(door.http_app(), mount="/mcp/rights", verifier=verifier, body_limit=10_000)
    server = Server(uvicorn.Config(edge, log_level="critical", lifespan="on", timeout_graceful_shutdown=1))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp/rights"

        @asynccontextmanager
        async def connect(scope: str) -> AsyncGenerator[Client]:
            token = authority.issue(person="person:sam", roles=[], audience="mcp:rights", scopes=[scope])
            headers = {"authorization": f"Bearer {token}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=100) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                yield client

        serving = asyncio.create_task(server.serve([listener]))
        await server.ready.wait()
        try:
            yield connect
        finally:
            server.should_exit = True
            await serving
            for connection in tuple(server.server_state.connections):  # whoever did not let go in time
                connection.transport.abort()


async def test_over_http_a_listener_hears_and_one_without_the_scope_is_refused(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client, over_http(door) as connect:
        await granted(client)
        uri = f"clearance://{await cleared(client)}"
        async with asyncio.timeout(100), connect("rights:read") as listener:
            async with listener.listen(resource_subscriptions=[uri]) as heard:
                await blacked_out(client)
                event = await anext(heard)
            found = await read(listener, uri)
        async with connect("schedule:read") as stranger:
            with pytest.raises(MCPError, match="rights:read"):
                async with stranger.listen(resource_subscriptions=[uri]):
                    pass

    assert uri_of(event) == uri
    assert found["status"] == "stale"


async def test_a_clearance_that_does_not_exist_cannot_be_read(tmp_path: Path) -> None:
    async with rights_door(tmp_path) as door, Client(door.mcp) as client:
        with pytest.raises(MCPError, match="There is no clearance clr_1"):
            await client.read_resource("clearance://clr_1")
