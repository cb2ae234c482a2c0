"""Streams through the gateway end with the right to them: when the token has had its time, or somebody was stopped."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from holdback_agents.gateway.admissions import house_admission
from holdback_agents.gateway.app import build_gateway
from holdback_agents.gateway.registry import LocalApp
from holdback_trust.audit import rows

pytestmark = pytest.mark.asyncio
EDITOR, COMPLIANCE = "agent:editing-assistant", "agent:compliance"


class Endless:
    """Streams one event and then keeps the stream open until its client leaves, as a listener's."""

    def __init__(self, media_type: str = "text/event-stream") -> None:
        self.media_type = media_type
        self.open, self.left, self.go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", self.media_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        self.open.set()
        leaving, told = asyncio.create_task(receive()), asyncio.create_task(self.go_on.wait())
        await asyncio.wait((leaving, told), return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            assert leaving.result()["type"] == "http.disconnect"
            self.left.set()
        for each in (leaving, told):
            each.cancel()
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})


@contextlib.asynccontextmanager
async def streaming(house, client: httpx.AsyncClient, path: str, app: Endless, token: str) -> AsyncGenerator[Any]:
    """The answer to come of a stream that is open."""
    headers = {"authorization": f"Bearer {token}"}
    answer = asyncio.create_task(client.post(path, headers=headers, json={}))
    await app.open.wait()
    try:
        yield answer
    finally:
        app.go_on.set()
        await answer


async def ended(house, answer: asyncio.Task, app: Endless) -> str:
    """What a stream told that the gateway ends."""
    house.gateway._streams.look()
    async with asyncio.timeout(100):
        told = await answer
        await app.left.wait()
    assert told.status_code == 200
    return told.text


async def test_a_stream_ends_when_its_token_has_had_its_time(build_house):
    app = Endless()
    house = build_house(server=LocalApp(app))
    async with house.open() as client:
        token = await house.person_token(client, "person:sam", "mcp:assets")
        async with streaming(house, client, "/mcp/assets", app, token) as answer:
            house.clock.forward(seconds=299)
            house.gateway._streams.look()
            assert not app.left.is_set()
            house.clock.forward(seconds=1)
            assert await ended(house, answer, app) == "data: 1\n\n"
        again = await client.post(
            "/mcp/assets", headers=await house.bearer(client, "person:sam", "mcp:assets"), json={}
        )
    assert again.status_code == 200


async def test_a_stream_ends_within_a_look_by_itself_once_its_token_was_taken_back(build_house):
    app = Endless()
    house = build_house(server=LocalApp(app))
    async with house.open() as client:
        token = await house.person_token(client, "person:sam", "mcp:assets")
        async with streaming(house, client, "/mcp/assets", app, token) as answer:
            await client.post("/oauth/revoke", data={"token": token})
            house.gateway._streams.wake()
            async with asyncio.timeout(100):
                told = await answer
    assert told.text == "data: 1\n\n"
    house.services.audit.flush()
    [row] = [row for _, row in rows(house.audit) if row.action == "gateway.stream"]
    assert (row.actor, row.resource, row.decision, row.policy) == (
        "person:sam",
        "mcp:assets",
        "denied",
        "UNAUTHENTICATED",
    )


@pytest.mark.parametrize("stopped", ["the agent", "all agents", "the task"])
async def test_a_stream_of_an_agent_ends_when_it_was_stopped(build_house, stopped):
    app = Endless()
    house = build_house(agents={"compliance": LocalApp(app)})
    standing = house.services.enforcement.standing
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        token = await house.agent_token(client, EDITOR, subject, COMPLIANCE)
        async with streaming(house, client, "/agents/compliance", app, token) as answer:
            if stopped == "the agent":
                standing.suspend(EDITOR, by="person:kim", why="a drill")
            elif stopped == "all agents":
                standing.kill(by="person:kim", why="a drill")
            else:
                standing.end_task("task-of-editing-assistant", by="person:kim")
            assert await ended(house, answer, app) == "data: 1\n\n"


async def test_a_stream_of_another_caller_and_an_answer_that_is_no_stream_go_on(build_house):
    app, other = Endless(), Endless("application/json")
    house = build_house(agents={"compliance": LocalApp(app)}, server=LocalApp(other))
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", COMPLIANCE)
        short = await house.person_token(client, "person:sam", "mcp:assets")
        async with (
            streaming(house, client, "/agents/compliance", app, subject) as answer,
            streaming(house, client, "/mcp/assets", other, short) as whole,
        ):
            house.services.enforcement.standing.suspend(EDITOR, by="person:kim", why="a drill")
            house.gateway._streams.look()
            app.go_on.set()
            told = await answer
            house.clock.forward(seconds=301)
            house.gateway._streams.look()
            other.go_on.set()
            assert [(await each).text for each in (answer, whole)] == ["data: 1\n\ndata: 2\n\n"] * 2
    assert (told.status_code, app.left.is_set(), other.left.is_set()) == (200, False, False)


async def test_a_stream_through_the_front_door_ends_with_the_token_of_its_person(build_house):
    app = Endless()
    house = build_house(agents={"compliance": LocalApp(app)})
    async with house.open() as client:
        token = await house.person_token(client, "person:sam", "gateway")
        parts = [{"text": "clear the rights"}]
        message = {"messageId": "m1", "role": "ROLE_USER", "parts": parts}
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage", "params": {"message": message}}
        answer = asyncio.create_task(client.post("/", headers={"authorization": f"Bearer {token}"}, json=body))
        await app.open.wait()
        house.clock.forward(seconds=300)
        assert await ended(house, answer, app) == "data: 1\n\n"


async def test_a_stream_of_an_agent_from_outside_ends_when_that_one_was_stopped(build_house):
    app = Endless()
    house = build_house(agents={"compliance": LocalApp(app)})
    agents = [
        replace(
            each,
            admission=house_admission(each, by="person:test", now=house.clock()).model_copy(
                update={"plans": {"clear-rights": frozenset()}, "roles": frozenset({"editor"})}
            ),
        )
        if each.name == "compliance"
        else each
        for each in house.services.agents
    ]
    house = replace(house, gateway=build_gateway(replace(house.services, agents=agents)))
    async with house.open() as client:
        token = await house.person_token(client, "person:sam", COMPLIANCE)
        async with streaming(house, client, "/agents/compliance", app, token) as answer:
            house.services.enforcement.standing.suspend(COMPLIANCE, by="person:kim", why="a drill")
            assert await ended(house, answer, app) == "data: 1\n\n"
