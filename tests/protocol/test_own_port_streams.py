"""Streams at the own port of a server or an agent end with the right to them: no gateway stands before it there."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from holdback import lasting
from holdback.foundation import Foundation, lay_foundation
from holdback.house import AGENTS, agent_app, room_app
from holdback.rooms import open_room, room_store
from holdback.serve import own_port
from holdback.serving import listen, served
from holdback_agents.runtime.tables import METADATA
from holdback_base.ids import id_maker, system_clock
from holdback_servers.media_store import MediaStore
from holdback_servers.settings import Settings
from holdback_trust.audit_check import rows
from holdback_trust.grants import person_scopes
from holdback_trust.identity import GATEWAY, TaskClaim
from holdback_trust.standing import Standing
from holdback_trust.task_policy import mint, policy_sha256
from holdback_trust.tokens import TokenAuthority
from starlette.types import ASGIApp

pytestmark = pytest.mark.asyncio
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
CUT = id_maker()("ast")
LISTEN = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "subscriptions/listen",
    "params": {
        "notifications": {"resourceSubscriptions": ["clearance://clr_1"]},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
ASK = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "SendStreamingMessage",
    "params": {
        "message": {
            "messageId": "m1",
            "role": "ROLE_USER",
            "parts": [{"text": f"clear {CUT} for YouTube in GB from 24 Nov to 24 Dec"}],
        }
    },
}


class Clock:
    """The system's, some time ahead."""

    ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(lasting, "LOOK_SECONDS", 0.01)
    return Clock()


@contextlib.asynccontextmanager
async def room(foundation: Foundation) -> AsyncGenerator[ASGIApp]:
    door = open_room("rights", foundation)
    app = room_app(door, foundation)
    with contextlib.closing(door.services.database):
        async with door.serving(), door.mcp.session_manager.run():
            yield app


@contextlib.asynccontextmanager
async def agent(foundation: Foundation) -> AsyncGenerator[ASGIApp]:
    """An agent whose gateway takes calls and never answers: what is asked of it lasts."""
    store = room_store("agent-compliance", foundation, METADATA)
    with contextlib.closing(store), contextlib.closing(listen("127.0.0.1", 0)) as silent:
        url, media = f"http://127.0.0.1:{silent.getsockname()[1]}", MediaStore(foundation.settings.home / "media")
        app = agent_app(AGENTS["compliance"](), store, foundation, url, media=media)
        async with app.router.lifespan_context(app):
            yield app


WAYS = {
    "mcp:rights": (
        room,
        "/mcp/rights",
        LISTEN,
        {"mcp-method": "subscriptions/listen", "mcp-protocol-version": "2026-07-28"},
    ),
    "agent:compliance": (agent, "/", ASK, {"a2a-version": "1.0"}),
}
EDITOR = "agent:editing-assistant"


def given(foundation: Foundation, audience: str, acting: bool) -> str:
    """A token of a person, or of an agent that acts for that person in a task."""
    authority = TokenAuthority(GATEWAY, foundation.keys(GATEWAY), foundation.clock, lambda: "evt_1")
    scopes = person_scopes(["editor"], audience)
    if not acting:
        return authority.issue(person="person:sam", roles=["editor"], audience=audience, scopes=scopes)
    until = foundation.clock() + timedelta(hours=1)
    tools = frozenset({"clear-rights"})
    bare = TaskClaim(id="inner", root="outer", skill="make-highlight", tools=tools, expires=until)
    claim = bare.model_copy(update={"policy": policy_sha256(mint(bare, EDITOR, "person:sam"))})
    foundation.enforcement.shown("outer", [CUT])
    return authority.issue(person="person:sam", roles=[], audience=audience, scopes=scopes, actor=EDITOR, task=claim)


class Stream:
    """A stream that has begun, the process that it is in, and what the gateway of its house says in another."""

    def __init__(self, foundation: Foundation, answer: httpx.Response) -> None:
        self.foundation = foundation
        keys, ring = foundation.keys(GATEWAY), foundation.ring
        self.gateway = Standing.of_home(foundation.settings.home, GATEWAY, keys, ring, foundation.clock)
        self._lines = answer.aiter_lines()

    async def heard(self) -> str:
        """The next event of it."""
        async with asyncio.timeout(100):
            async for line in self._lines:
                if line.startswith("data:"):
                    return line
        raise AssertionError("the stream has ended")

    async def rest(self) -> list[str]:
        """All that comes until it is ended."""
        async with asyncio.timeout(100):
            return [line async for line in self._lines if line.startswith("data:")]

    def refusals(self) -> list[tuple[str, str, str, str]]:
        """What the record says of streams."""
        self.foundation.audit.flush()
        found = [row for _, row in rows(self.foundation.settings.home / "audit") if row.action == "stream"]
        return [(row.actor, row.resource, row.decision, row.root) for row in found]


@contextlib.asynccontextmanager
async def streaming(audience: str, home: Path, clock: Clock, *, acting: bool = False) -> AsyncGenerator[Stream]:
    opened, path, body, more = WAYS[audience]
    foundation = lay_foundation(Settings(home=home), audience, clock)
    listener = listen("127.0.0.1", 0)
    headers = HEADERS | more | {"authorization": f"Bearer {given(foundation, audience, acting)}"}
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    with contextlib.closing(foundation.audit):
        async with (
            opened(foundation) as app,
            served(own_port(app, audience, foundation), listener),
            httpx.AsyncClient(timeout=100) as http,
            http.stream("POST", url, headers=headers, json=body) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream"), await answer.aread()
            yield Stream(foundation, answer)


@pytest.mark.parametrize("audience", WAYS)
async def test_a_stream_ends_when_its_token_has_had_its_time(audience: str, tmp_path: Path, clock: Clock) -> None:
    async with streaming(audience, tmp_path, clock) as stream:
        assert await stream.heard()
        clock.ahead = timedelta(seconds=300)
        await stream.rest()
        assert stream.refusals() == []


async def test_a_stream_ends_when_its_token_was_taken_back(tmp_path: Path, clock: Clock) -> None:
    async with streaming("mcp:rights", tmp_path, clock) as stream:
        assert await stream.heard()
        stream.gateway.revoke("evt_1", by="person:sam")
        await stream.rest()
        assert stream.refusals() == [("person:sam", "mcp:rights", "denied:UNAUTHENTICATED", "")]


@pytest.mark.parametrize(("stopped", "code"), [("the agent", "AGENT_SUSPENDED"), ("the task", "TASK_ENDED")])
async def test_a_stream_of_an_agent_ends_when_another_process_stops_it(
    stopped: str, code: str, tmp_path: Path, clock: Clock
) -> None:
    async with streaming("agent:compliance", tmp_path, clock, acting=True) as stream:
        assert await stream.heard()
        if stopped == "the agent":
            stream.gateway.suspend(EDITOR, by="person:kim", why="a drill")
        else:
            stream.gateway.end_task("outer", by="person:kim")
        await stream.rest()
        assert stream.refusals() == [(EDITOR, "agent:compliance", f"denied:{code}", "outer")]


@pytest.mark.parametrize("audience", WAYS)
async def test_a_stream_of_another_goes_on(audience: str, tmp_path: Path, clock: Clock) -> None:
    async with streaming(audience, tmp_path, clock) as stream:
        assert await stream.heard()
        stream.gateway.kill(by="person:kim", why="a drill")
        stream.gateway.revoke("evt_2", by="person:sam")
        told = asyncio.create_task(stream.rest())
        await asyncio.wait((told,), timeout=10 * lasting.LOOK_SECONDS)
        assert not told.done()
        told.cancel()
