"""What all of trust adds to a tool call: the edge, the token, standing, policy, guardian and the audit row.

The same door is called twice over in one process, by turns: as it stands, and with nobody checking and nobody writing
down. CPU time of the process, the audit log's own thread included, undisturbed (`pace`).

Calls that follow each other share the disk: a batch is as many as the log gathers before it writes (`audit.LINGER`, 50
ms). One that comes alone has a thread woken and a wait for the disk to itself, which is told besides.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from bench.figures import Figure
from bench.pace import added, by_turns
from bench.tool_speed import VERSION, record_rights

CALLS, BATCHES, ALONE = 60, 80, 300
BOUND_MS = 0.15


def figures() -> list[Figure]:
    """CPU milliseconds that trust adds to a call, by a person and by an agent within its task."""
    told: list[Figure] = []
    for who, found in asyncio.run(_measure()).items():
        more, spread = added(found["full"], found["bare"])
        told.append(Figure("trust", f"all of trust in a tool call of {who}, CPU", more, "ms", spread, BOUND_MS))
        more, spread = added(found["full, alone"], found["bare, alone"])
        told.append(Figure("trust", "  in one that comes alone, CPU", more, "ms", spread))
    return told


async def _measure() -> dict[str, dict[str, list[float]]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record_rights(folder / "db" / "rights.sqlite")
        found: dict[str, dict[str, list[float]]] = {}
        house = _House(folder)
        async with house.door.mcp.session_manager.run():
            for who, token in house.tokens().items():
                doors = {"full": house.guarded(token), "bare": house.open(token)}
                measures = {name: house.batches(door, CALLS) for name, door in doors.items()}
                alone = {f"{name}, alone": house.batches(door, 1) for name, door in doors.items()}
                await by_turns(measures, 3)
                found[who] = await by_turns(measures, BATCHES) | await by_turns(alone, ALONE)
        house.close()
        return found


class _House:
    """One rights server, with what a process of a home gives it."""

    def __init__(self, folder: Path) -> None:
        from holdback.foundation import lay_foundation
        from holdback.house import room_app
        from holdback.rooms import open_room
        from holdback_servers.settings import Settings
        from holdback_trust.guardian import Guardian
        from holdback_trust.guardian.limits import Limits
        from holdback_trust.identity import GATEWAY
        from holdback_trust.tokens import TokenAuthority

        settings = Settings(home=folder, calls_a_minute=10_000_000)
        self.foundation = lay_foundation(settings, "gateway")
        self.foundation.enforcement.standing.end_task("task-of-yesterday", by=GATEWAY)  # a house at work has a book
        guardian = self.foundation.enforcement.guard
        assert isinstance(guardian, Guardian)
        far: tuple[tuple[int, Literal["block"]], ...] = ((10**9, "block"),)
        guardian.limits = Limits(pace=far, volume=far, calls=far)
        self.door = open_room("rights", self.foundation)
        self.edge = room_app(self.door, self.foundation, "http://127.0.0.1")
        keys = self.foundation.keys(GATEWAY)
        self.authority = TokenAuthority(GATEWAY, keys, self.foundation.clock, lambda: self.foundation.new_id("evt"))

    def tokens(self) -> dict[str, str]:
        from holdback_trust.identity import TaskClaim
        from holdback_trust.task_policy import mint, policy_sha256

        claim = TaskClaim(
            id="task-of-the-bench",
            root="task-of-the-bench",
            skill="clear-rights",
            tools=frozenset({"rights.list_rights", "rights.decide_clearance", "rights.get_job"}),
            expires=self.foundation.clock().replace(microsecond=0) + timedelta(days=1),
        )
        minted = policy_sha256(mint(claim, "agent:compliance", "person:bench"))
        claim = claim.model_copy(update={"policy": minted})
        given: dict[str, Any] = {
            "person": "person:bench",
            "roles": ["editor"],
            "audience": "mcp:rights",
            "scopes": ["rights:read"],
        }
        return {
            "a person": self.authority.issue(**given),
            "an agent": self.authority.issue(**given, actor="agent:compliance", task=claim),
        }

    def guarded(self, token: str) -> Any:
        return _Caller(self.edge, token)

    def open(self, token: str) -> Any:
        from holdback_servers.serving import CALLER_SCOPE
        from holdback_trust.identity import GATEWAY
        from holdback_trust.tokens import TokenVerifier

        caller = TokenVerifier(self.foundation.ring, GATEWAY, "mcp:rights", self.foundation.clock).verify(token)
        door, app = self.door, cast(Any, self.edge)._app

        async def unchecked(scope: Any, receive: Any, send: Any) -> None:
            with _Unchecked(door):
                await app({**scope, "path": "/mcp", "root_path": "", CALLER_SCOPE: caller}, receive, send)

        return _Caller(unchecked, token)

    def batches(self, caller: "_Caller", count: int) -> Callable[[], Awaitable[float]]:
        async def calls() -> float:
            """CPU milliseconds a call, what the audit log writes behind it included."""
            before = time.process_time()
            for _ in range(count):
                await caller.call()
            self.foundation.audit.flush()
            return (time.process_time() - before) / count * 1000

        return calls

    def close(self) -> None:
        self.door.services.database.close()
        self.foundation.audit.close()


class _Unchecked:
    """A door at which nobody judges and nobody writes down, for as long as this is open."""

    def __init__(self, door: Any) -> None:
        self._door = door

    def __enter__(self) -> None:
        from holdback_trust.policy import Decision

        allowed = Decision(allowed=True, code="", reason="", policy="bench")
        enforcement = self._door.services.enforcement
        self._was = (enforcement.judge, enforcement.settled)

        def judged(*_: object) -> Decision:
            return allowed

        def nothing(*_: object) -> None:
            return None

        enforcement.judge, enforcement.settled, self._door._note = judged, nothing, nothing

    def __exit__(self, *_: object) -> None:
        enforcement = self._door.services.enforcement
        enforcement.judge, enforcement.settled = self._was
        del self._door._note


class _Caller:
    """Calls `list_rights` for two titles by turns over an ASGI app: the guardian stops who asks the same for ever."""

    def __init__(self, app: Any, token: str) -> None:
        meta: dict[str, Any] = {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
        }

        def body(title: str) -> bytes:
            params = {"name": "list_rights", "arguments": {"ref": title}, "_meta": meta}
            return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()

        self._app, self._bodies = app, [body("film:title-0042"), body("film:title-0043")]
        self._headers = [
            (b"host", b"127.0.0.1"),
            (b"authorization", f"Bearer {token}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._bodies[0])).encode()),
            (b"accept", b"application/json, text/event-stream"),
            (b"mcp-protocol-version", VERSION.encode()),
            (b"mcp-method", b"tools/call"),
            (b"mcp-name", b"list_rights"),
        ]

    async def call(self) -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/mcp/rights",
            "raw_path": b"/mcp/rights",
            "query_string": b"",
            "root_path": "",
            "headers": list(self._headers),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        sent: list[dict[str, Any]] = []
        self._bodies.reverse()
        waiting = [{"type": "http.request", "body": self._bodies[0], "more_body": False}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(cast(dict[str, Any], message))

        await self._app(scope, receive, send)
        assert sent[0]["status"] == 200, sent
        assert b'"isError":true' not in sent[1]["body"], sent


if __name__ == "__main__":
    for figure in figures():
        print(figure)
