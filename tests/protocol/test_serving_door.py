"""The door: who may come in, how answers and errors look, and that a repeated key does nothing twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_servers.edge import Edge
from holdback_servers.job_tools import add_job_tools
from holdback_servers.jobs import Job, Report
from holdback_servers.services import Call, Services, open_services, room_tables
from holdback_servers.serving import IDEMPOTENCY_META, Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.audit_check import rows, verify
from holdback_trust.edges import Rate
from holdback_trust.identity import TaskClaim
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.standing import Standing
from holdback_trust.task_policy import mint, policy_sha256
from holdback_trust.tokens import TokenAuthority, TokenVerifier
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import Field
from sqlalchemy import Column, MetaData, String, Table, insert, select

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = KeyPair.generate()
METADATA = MetaData()
TABLES = room_tables(METADATA)
WORDS = Table("words", METADATA, Column("word", String))


class Words(Noun):
    """Words, and a cursor that is often absent."""

    items: list[str]
    next_cursor: str | None = None


def _services(home: Path) -> Services:
    return open_services(
        Database(home / "db" / "rights.sqlite", METADATA),
        TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=KEYS,
        ring=KeyRing({"gateway": [KEYS.public_jwk]}),
        audit=AuditLog(home / "audit", KEYS, lambda: NOW),
    )


def _door(home: Path, *, allow_write: bool = True) -> Door:
    services = _services(home)
    door = Door(
        "rights",
        title="Words",
        description="Keeps words.",
        instructions="Add words.",
        services=services,
        local=local_caller("person:sam", allow_write, "mcp:rights"),
    )

    @door.tool(title="Add a word", scope="rights:write", kind="write")
    async def add_word(call: Call, word: Annotated[str, Field(description="The word", max_length=20)]) -> Words:
        """Keep one more word."""

        def effect() -> dict[str, Any]:
            return {"word": word}

        def unit(connection: Any) -> list[str]:
            call.once(connection, lambda: connection.execute(insert(WORDS).values(word=word)) and effect())
            return [row.word for row in connection.execute(select(WORDS.c.word))]

        return Words(items=await services.database.write(unit))

    @door.tool(title="Fail", scope="rights:read")
    async def fail(call: Call, how: str = "known") -> Words:
        """Fail in one of two ways."""
        if how == "known":
            raise Problem("NOT_FOUND", "There is no such word.", "Add it first.", word="x")
        raise RuntimeError("secret inside")

    @door.tool(title="Start long work", scope="rights:write", kind="write")
    async def start_work(call: Call) -> Job:
        """Start long work."""
        job = await services.database.write(lambda c: services.jobs.submit(c, "count", {"to": 3}, call.caller.person))
        await services.jobs.wake()
        return job

    async def count(request: dict[str, Any], report: Report) -> dict[str, Any]:
        for number in range(request["to"]):
            report(number, request["to"], "words", "counting")
        return {"counted": request["to"]}

    services.jobs.register("count", count)
    add_job_tools(door)
    return door


def _close(door: Door) -> None:
    door.services.audit.close()
    door.services.database.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_structure_and_text_carry_the_same_facts_in_both_eras(tmp_path: Path, mode: Any) -> None:
    door = _door(tmp_path)
    async with Client(door.mcp, mode=mode) as client:
        answer = await client.call_tool("add_word", {"word": "grant"})
    assert answer.structured_content == {"items": ["grant"]}
    assert answer.content[0].text == "items: [grant]"  # pyright: ignore
    _close(door)


@pytest.mark.asyncio
async def test_schemas_are_small_and_hints_are_honest(tmp_path: Path) -> None:
    door = _door(tmp_path)
    async with Client(door.mcp) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    add = tools["add_word"]
    assert '"title"' not in add.model_dump_json(include={"input_schema", "output_schema"})
    assert add.input_schema["properties"]["word"] == {"description": "The word", "maxLength": 20, "type": "string"}
    assert add.output_schema is not None
    assert add.output_schema["properties"]["next_cursor"] == {"type": "string"}
    assert add.annotations is not None
    assert (add.annotations.read_only_hint, add.annotations.destructive_hint) == (False, False)
    assert tools["get_job"].annotations is not None
    assert tools["get_job"].annotations.read_only_hint is True
    _close(door)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("fail", {}, "NOT_FOUND"),
        ("fail", {"how": "unknown"}, "INTERNAL"),
        ("add_word", {"word": "x" * 21}, "INVALID_ARGUMENT"),
        ("add_word", {}, "INVALID_ARGUMENT"),
        ("add_word", {"word": "x", "colour": "red"}, "INVALID_ARGUMENT"),
        ("get_job", {"job_id": "job_none"}, "NOT_FOUND"),
    ],
)
async def test_every_error_has_code_message_and_hint(
    tmp_path: Path, tool: str, arguments: dict[str, Any], code: str
) -> None:
    door = _door(tmp_path)
    async with Client(door.mcp) as client:
        answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    assert answer.structured_content is not None
    assert answer.structured_content["code"] == code
    assert answer.structured_content["hint"]
    assert "secret" not in answer.model_dump_json()
    _close(door)


@pytest.mark.asyncio
async def test_a_repeated_key_does_nothing_twice_and_other_arguments_conflict(tmp_path: Path) -> None:
    door = _door(tmp_path)
    meta: Any = {IDEMPOTENCY_META: "task-1/4"}
    async with Client(door.mcp) as client:
        await client.call_tool("add_word", {"word": "once"}, meta=meta)
        again = await client.call_tool("add_word", {"word": "once"}, meta=meta)
        other = await client.call_tool("add_word", {"word": "twice"}, meta=meta)
    assert again.structured_content == {"items": ["once"]}
    assert other.structured_content is not None
    assert other.structured_content["code"] == "CONFLICT"
    _close(door)


@pytest.mark.asyncio
async def test_a_local_person_without_leave_may_read_but_not_write(tmp_path: Path) -> None:
    door = _door(tmp_path, allow_write=False)
    async with Client(door.mcp) as client:
        answer = await client.call_tool("add_word", {"word": "no"})
    assert answer.structured_content is not None
    assert answer.structured_content["code"] == "WRITE_NOT_ALLOWED"
    _close(door)


@pytest.mark.asyncio
async def test_a_job_is_followed_to_its_result(tmp_path: Path) -> None:
    door = _door(tmp_path)
    async with door.serving(), Client(door.mcp) as client:
        job = (await client.call_tool("start_work", {})).structured_content or {}
        while job["state"] in ("queued", "running"):
            arguments = {"job_id": job["id"], "wait_seconds": 5, "after_seq": job["seq"]}
            job = (await client.call_tool("get_job", arguments)).structured_content or {}
    assert (job["state"], job["result"]) == ("succeeded", {"counted": 3})
    _close(door)


@pytest.mark.asyncio
async def test_every_call_leaves_an_audit_row_that_verifies(tmp_path: Path) -> None:
    door = _door(tmp_path)
    async with Client(door.mcp) as client:
        await client.call_tool("add_word", {"word": "a"}, meta={IDEMPOTENCY_META: "task-9/1"})  # pyright: ignore
        await client.call_tool("fail", {})
        missing = await client.call_tool("drop_everything", {})
    door.services.audit.sign_head("task-9")
    _close(door)
    assert "There is no tool drop_everything." in str(missing.structured_content)
    assert verify(tmp_path / "audit").ok
    written = [(row.action, row.decision, row.task) for _, row in rows(tmp_path / "audit")]
    assert written == [
        ("rights.add_word", "allowed", "task-9"),
        ("rights.fail", "failed:NOT_FOUND", ""),
        ("rights.unknown_tool", "failed:NOT_FOUND", ""),
    ]


def _app(home: Path) -> tuple[Door, Callable[..., str], Edge]:
    door = _door(home)
    authority = TokenAuthority("gateway", KEYS, lambda: NOW, lambda: id_maker()("evt"))
    verifier = TokenVerifier(door.services.ring, "gateway", "mcp:rights", lambda: NOW)
    standing = door.services.enforcement.standing
    edge = Edge(door.http_app(), mount="/mcp/rights", verifier=verifier, body_limit=10_000, standing=standing)

    def token(scopes: list[str], audience: str = "mcp:rights", **more: Any) -> str:
        return authority.issue(person="person:sam", roles=["editor"], audience=audience, scopes=scopes, **more)

    return door, token, edge


@pytest.mark.asyncio
async def test_over_http_a_token_with_the_scope_is_let_in_and_one_without_is_told_which(tmp_path: Path) -> None:
    door, token, edge = _app(tmp_path)
    headers = {"authorization": "Bearer " + token(["rights:read"], "mcp:rights")}
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    async with (
        door.mcp.session_manager.run(),
        httpx2.AsyncClient(transport=transport, base_url="http://house", headers=headers) as http,
        Client(streamable_http_client("http://house/mcp/rights", http_client=http)) as client,
    ):
        known = await client.call_tool("fail", {})
        with pytest.raises(MCPError) as refused:
            await client.call_tool("add_word", {"word": "x"})
        asked = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"}
        call = asked | {"params": {"name": "add_word", "arguments": {"word": "x"}}}
        answer = await http.post("/mcp/rights", json=call, headers={"accept": "application/json, text/event-stream"})
    assert (known.structured_content or {})["code"] == "NOT_FOUND"
    message = "rights.add_word needs the scope rights:write, which person:sam does not hold."
    problem = refused.value.error.data
    assert (problem["code"], problem["message"], bool(problem["hint"])) == ("PERMISSION_DENIED", message, True)
    assert (answer.status_code, answer.json()["id"], answer.json()["error"]["data"]) == (403, 7, problem)
    assert 'error="insufficient_scope", scope="rights:write"' in answer.headers["www-authenticate"]
    assert door.services.database.read_now(lambda c: c.execute(select(WORDS.c.word)).all()) == []
    _close(door)


@pytest.mark.asyncio
async def test_over_http_nothing_is_let_in_without_a_good_token(tmp_path: Path) -> None:
    door, token, edge = _app(tmp_path)
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    other = token(["assets:read"], "mcp:assets")
    async with httpx2.AsyncClient(transport=transport, base_url="http://house") as http:
        for headers in ({}, {"authorization": "Bearer junk"}, {"authorization": f"Bearer {other}"}):
            answer = await http.post("/mcp/rights", json={}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "UNAUTHENTICATED"
        assert (await http.post("/mcp/rights", content=b"x" * 10_001)).status_code == 413
        assert (await http.get("/mcp/rights")).status_code == 405
    _close(door)


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/rights/mcp", "/mcp/rights/mcp/", "/mcp/rightsx", "/x"])
@pytest.mark.asyncio
async def test_no_other_path_leads_to_the_endpoint_around_the_token(tmp_path: Path, path: str) -> None:
    door, _, edge = _app(tmp_path)
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    async with door.mcp.session_manager.run(), httpx2.AsyncClient(transport=transport, base_url="http://house") as http:
        answer = await http.post(path, json=_LIST, headers=_ACCEPT)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    _close(door)


@pytest.mark.asyncio
async def test_an_agent_that_tries_names_of_tools_is_not_told_what_there_is(tmp_path: Path) -> None:
    door, token, edge = _app(tmp_path)
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    claim = TaskClaim(
        id="t1", root="t1", skill="look", tools=frozenset({"rights.fail"}), expires=NOW + timedelta(hours=1)
    )
    claim = claim.model_copy(update={"policy": policy_sha256(mint(claim, "agent:compliance", "person:sam"))})
    headers = _ACCEPT | {"authorization": "Bearer " + token(["rights:read"], actor="agent:compliance", task=claim)}
    standing = door.services.enforcement.standing
    async with (
        door.mcp.session_manager.run(),
        httpx2.AsyncClient(transport=transport, base_url="http://house", headers=headers) as http,
    ):
        asked: dict[str, Any] = _LIST | {"method": "tools/call", "params": {"name": "drop_rights", "arguments": {}}}
        denied = await http.post("/mcp/rights", json=asked)
        standing.suspend("agent:compliance", by="person:alex", why="a try")
        suspended = await http.post("/mcp/rights", json=asked)
    assert ("PERMISSION_DENIED" in denied.text, "AGENT_SUSPENDED" in suspended.text) == (True, True)
    assert not any("add_word" in answer.text for answer in (denied, suspended))
    _close(door)
    written = [(row.action, row.decision, row.policy) for _, row in rows(tmp_path / "audit")]
    assert written[0] == ("rights.unknown_tool", "denied:PERMISSION_DENIED", "task-plan")
    assert written[1][:2] == ("rights.unknown_tool", "denied:AGENT_SUSPENDED")


@pytest.mark.parametrize("method", ["tools/list", "resources/list", "resources/templates/list", "ping"])
@pytest.mark.asyncio
async def test_a_token_that_counts_no_more_is_not_even_told_what_there_is(tmp_path: Path, method: str) -> None:
    door, token, edge = _app(tmp_path)
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    standing = door.services.enforcement.standing
    person, agent = token(["rights:read"]), token(["rights:read"], actor="agent:compliance")
    verifier = TokenVerifier(door.services.ring, "gateway", "mcp:rights", lambda: NOW)
    async with door.mcp.session_manager.run(), httpx2.AsyncClient(transport=transport, base_url="http://house") as http:

        async def ask(token: str) -> tuple[int, str]:
            headers = _ACCEPT | {"authorization": f"Bearer {token}"}
            answer = await http.post("/mcp/rights", json=_LIST | {"method": method}, headers=headers)
            return answer.status_code, answer.text

        before = [await ask(person), await ask(agent)]
        standing.revoke(verifier.verify(person).token_id, by="person:sam")
        standing.suspend("agent:compliance", by="person:alex", why="a try")
        answers = [await ask(person), await ask(agent)]
    assert [status for status, _ in before] == [200, 200]
    assert [status for status, _ in answers] == [401, 403]
    assert "revoked" in answers[0][1]
    assert "AGENT_SUSPENDED" in answers[1][1]
    _close(door)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_rights","arguments":{"ref":"x"}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","id":null,"result":{}}',
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
        b"{",
        b"",
    ],
)
@pytest.mark.asyncio
async def test_a_revoked_token_is_refused_unread_and_at_the_cost_of_who_sends_it(
    tmp_path: Path, method: str, body: bytes
) -> None:
    door = _door(tmp_path)
    authority = TokenAuthority("gateway", KEYS, lambda: NOW, lambda: id_maker()("evt"))
    verifier = TokenVerifier(door.services.ring, "gateway", "mcp:rights", lambda: NOW)
    here, elsewhere = (Standing.of_home(tmp_path, "gateway", KEYS, door.services.ring, lambda: NOW) for _ in range(2))
    counted: list[str] = []

    class Counting(Rate):
        def take(self, caller: str) -> None:
            counted.append(caller)

    async def unread() -> dict[str, Any]:
        raise AssertionError("its body was read")

    edge = Edge(
        door.http_app(),
        mount="/mcp/rights",
        verifier=verifier,
        body_limit=10_000,
        rate=Counting(60),
        metadata="http://house/m",
        standing=here,
    )
    token = authority.issue(person="person:sam", roles=["editor"], audience="mcp:rights", scopes=["rights:read"])
    elsewhere.revoke(verifier.verify(token).token_id, by="gateway")  # another process, of which this one has not heard
    headers = [(b"authorization", b"Bearer " + token.encode()), (b"content-length", b"%d" % len(body))]
    scope = {"type": "http", "path": "/mcp/rights", "method": method, "headers": headers, "client": ("192.0.2.1", 1)}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(scope, unread, send)
    _close(door)
    assert sent[0]["status"] == 401
    assert b'error="invalid_token"' in dict(sent[0]["headers"])[b"www-authenticate"]
    assert counted == ["192.0.2.1"]


@pytest.mark.parametrize("hidden", ["ast_01KB0000000000000000000000", "sha256:" + "a" * 64])
@pytest.mark.asyncio
async def test_an_agent_opens_no_resource_that_its_task_was_not_shown_however_it_writes_it(
    tmp_path: Path, hidden: str
) -> None:
    door, token, edge = _app(tmp_path)

    @door.mcp.resource("media://{name}")
    async def media(name: str) -> str:  # pyright: ignore[reportUnusedFunction] - a resource
        return f"secret of {name}"

    claim = TaskClaim(
        id="t1", root="t1", skill="look", tools=frozenset({"rights.read_resource"}), expires=NOW + timedelta(hours=1)
    )
    claim = claim.model_copy(update={"policy": policy_sha256(mint(claim, "agent:compliance", "person:sam"))})
    enforcement = door.services.enforcement
    enforcement.shown("t1", ["ast_01KA0000000000000000000000"])
    bare = hidden.removeprefix("sha256:")
    written = [hidden, bare, bare.replace("0", "%30").replace("a", "%61"), bare.replace("_", "%5F"), "shown"]
    transport = httpx2.ASGITransport(app=edge)  # pyright: ignore
    headers = _ACCEPT | {"authorization": "Bearer " + token(["rights:read"], actor="agent:compliance", task=claim)}
    seen: list[bool] = []
    async with (
        door.mcp.session_manager.run(),
        httpx2.AsyncClient(transport=transport, base_url="http://house", headers=headers) as http,
    ):
        for each in written:
            asked = _LIST | {"method": "resources/read", "params": {"uri": f"media://{each}"}}
            seen.append("secret of" in (await http.post("/mcp/rights", json=asked)).text)
    assert seen == [False] * 4 + [True]
    _close(door)


_LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
_ACCEPT = {"accept": "application/json, text/event-stream"}
