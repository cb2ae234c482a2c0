"""What a read-only tool costs over HTTP with its token checked, against a bare MCPServer tool with the same query.

Both servers run uvicorn in a process of their own over the same SQLite file of contracts and rights. `queried` is a
bare tool that runs the room's own query (SQLAlchemy) and answers with the room's own model: the difference is what the
edge, the door, the policy, the audit log and the store's read take. `written` is a bare tool that somebody wrote for
this one question with sqlite3 alone, and answers with the rows as they are.
"""

import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.processes import cpu_seconds, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp

CONNECTIONS, ROUNDS = 4, 7
VERSION = "2026-07-28"
QUESTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "one title": ({"ref": "film:title-0042"}, 160),
    "page of 50": ({"limit": 50}, 40),
}
"""Arguments, and calls a round."""


def measure() -> dict[str, dict[str, list[float]]]:
    """CPU milliseconds a call of each server process, by question: one value a round, the servers by turns."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        record_rights(Path(folder) / "rights.sqlite")
        servers = {
            kind: stack.enter_context(serving("bench.tool_speed", kind, folder))
            for kind in ("ours", "queried", "written")
        }
        return asyncio.run(
            _measure({kind: (url, process.pid, token) for kind, (url, process, token) in servers.items()})
        )


async def _measure(servers: dict[str, tuple[str, int, str]]) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for question, (arguments, calls) in QUESTIONS.items():
        answers = {kind: await _calls(url, token, arguments, 20) for kind, (url, _, token) in servers.items()}
        assert len({json.dumps(each, sort_keys=True) for each in answers.values()}) == 1, answers
        rounds: dict[str, list[float]] = {kind: [] for kind in servers}
        for _ in range(ROUNDS):
            for kind, (url, pid, token) in servers.items():
                before = cpu_seconds(pid)
                await _calls(url, token, arguments, calls)
                rounds[kind].append((cpu_seconds(pid) - before) / calls * 1000)
        found[question] = rounds
    return found


async def _calls(url: str, token: str, arguments: dict[str, Any], calls: int) -> list[str]:
    """Call the tool so many times over a few connections; the ids of the rights it answered with."""
    import aiohttp

    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
        "mcp-method": "tools/call",
        "mcp-name": "list_rights",
    }
    meta: dict[str, Any] = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params: dict[str, Any] = {"name": "list_rights", "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    last: list[bytes] = []
    async with aiohttp.ClientSession(headers=headers) as http:

        async def call(share: int) -> None:
            for _ in range(share):
                async with http.post(f"{url}/mcp/rights", data=body) as response:
                    last[:] = [await response.read()]

        await asyncio.gather(*(call(calls // CONNECTIONS) for _ in range(CONNECTIONS)))
    return [each["right"]["id"] for each in json.loads(last[0])["result"]["structuredContent"]["items"]]


def record_rights(file: Path) -> None:
    """Two hundred titles with three rights each, into a store of rights."""
    from holdback_base.database import Database
    from holdback_base.ids import id_maker, system_clock
    from holdback_servers.rights import recording, store
    from holdback_servers.rights.answers import ContractGiven, RightGiven
    from sqlalchemy import Connection

    new_id = id_maker(system_clock)

    def record(c: Connection) -> None:
        for number in range(200):
            contract = ContractGiven(
                counterparty="A studio (invented)", direction="in", status="active", title=f"Deal {number}"
            )
            rights = [
                RightGiven(
                    ref=f"film:title-{number:04}",
                    kind="grant",
                    media=("vod.svod", "social.youtube"),
                    territories=(place,),
                    start=datetime(2026, 1, 1, tzinfo=UTC),
                    clause="4.2: may be shown whole or in part",
                )
                for place in ("GB", "DE", "FR")
            ]
            recording.record(c, contract, rights, new_id=new_id, now=system_clock(), by="person:bench")

    database = Database(file, store.METADATA)
    database.submit(record).result()
    database.close()


def _serve(kind: str, folder: Path, descriptor: int) -> None:
    import uvicorn

    app, token = {"ours": _ours, "queried": _queried, "written": _written}[kind](folder)
    print(token, flush=True)
    uvicorn.run(app, fd=descriptor, log_level="error", access_log=False, loop="uvloop", http="httptools")


def _ours(folder: Path) -> "tuple[ASGIApp, str]":
    from holdback_base.database import Database
    from holdback_base.ids import id_maker, system_clock
    from holdback_servers.edge import Edge
    from holdback_servers.rights import server, store
    from holdback_servers.services import open_services
    from holdback_servers.settings import Settings
    from holdback_trust.audit import AuditLog
    from holdback_trust.keys import KeyPair, KeyRing
    from holdback_trust.tokens import TokenAuthority, TokenVerifier

    keys, clock = KeyPair.generate(), system_clock
    ring = KeyRing({"gateway": [keys.public_jwk]})
    door = server.build(
        open_services(
            Database(folder / "rights.sqlite", store.METADATA),
            store.TABLES,
            settings=Settings(home=folder),
            clock=clock,
            new_id=id_maker(clock),
            keys=keys,
            ring=ring,
            audit=AuditLog(folder / "audit", keys, clock, "mcp-rights"),
        )
    )
    token = TokenAuthority("gateway", keys, clock, lambda: "bench").issue(
        person="person:bench", roles=["editor"], audience="mcp:rights", scopes=["rights:read"]
    )
    verifier = TokenVerifier(ring, "gateway", "mcp:rights", clock)
    return Edge(door.http_app(), mount="/mcp/rights", verifier=verifier, body_limit=1_000_000), token


def _queried(folder: Path) -> "tuple[ASGIApp, str]":
    from holdback_servers.rights import store
    from holdback_servers.rights.answers import RightsPage
    from holdback_servers.wire import encode_cursor
    from sqlalchemy import create_engine

    engine = create_engine(f"sqlite:///{folder / 'rights.sqlite'}")

    async def list_rights(ref: str | None = None, limit: int = 50) -> RightsPage:
        """List the rights on record with their contracts, clauses and windows, whatever their status."""
        with engine.connect() as c:
            items, more = store.list_rights(c, store.Listing(ref=ref), limit=limit)
        return RightsPage(items=items, next_cursor=encode_cursor({"after": more}) if more else None)

    return _bare(list_rights)


def _written(folder: Path) -> "tuple[ASGIApp, str]":
    import sqlite3

    connection = sqlite3.connect(folder / "rights.sqlite")

    async def list_rights(ref: str | None = None, limit: int = 50) -> dict[str, Any]:
        """List the rights on record with their contracts, clauses and windows, whatever their status."""
        rows = connection.execute(
            "SELECT r.id, r.body, c.body FROM rights r JOIN contracts c ON c.id = r.contract"
            " WHERE r.id > '' AND (:ref IS NULL OR r.ref = :ref) ORDER BY r.id LIMIT :most",
            {"ref": ref, "most": limit + 1},
        ).fetchall()
        items = [
            {"right": {"id": identity, **json.loads(right)}, "contract": json.loads(contract)}
            for identity, right, contract in rows[:limit]
        ]
        return {"items": items, "next_cursor": items[-1]["right"]["id"] if len(rows) > limit else None}

    return _bare(list_rights)


def _bare(tool: "Callable[..., Awaitable[Any]]") -> "tuple[ASGIApp, str]":
    from mcp.server import MCPServer

    server = MCPServer("bare", log_level="WARNING")
    server.add_tool(tool, structured_output=True)
    return server.streamable_http_app(streamable_http_path="/mcp/rights", json_response=True, stateless_http=True), "-"


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        for question, rounds in measure().items():
            print(question, {kind: [round(each, 2) for each in sorted(values)] for kind, values in rounds.items()})
            middle = {kind: statistics.median(values) for kind, values in rounds.items()}
            print({kind: round(middle["ours"] / each, 2) for kind, each in middle.items()})
