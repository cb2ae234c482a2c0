"""How much an agent's journal, tokens, idempotency and task store on disk cost, against the bare SDK in memory.

Both serve the same echo over JSON-RPC from a process of their own; this process sends from 32 connections. What counts
is the ratios: `requests` is ours to theirs (at least 0.6), `growth` a task of 1,000 progress events to one of 100 (at
most 13).
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from starlette.applications import Starlette

CONNECTIONS = 32
REQUESTS = 800
ROUNDS = 3


def main() -> dict[str, float]:
    """Measure, print and return the ratios and the figures they come from."""
    ours: list[float] = []
    theirs: list[float] = []
    with _serving("ours") as mine, _serving("bare") as bare:
        for _ in range(ROUNDS):  # by turns, so that a noisy moment meets both
            theirs.append(asyncio.run(_rate(bare, "bare")))
            ours.append(asyncio.run(_rate(mine, "ours")))
        short, long = asyncio.run(_growth(mine))
    figures = {
        "requests": round(statistics.median(ours) / statistics.median(theirs), 3),
        "growth": round(long / short, 2),
        "ours_requests_per_second": round(statistics.median(ours), 1),
        "bare_requests_per_second": round(statistics.median(theirs), 1),
        "task_of_100_events_ms": round(short * 1000, 1),
        "task_of_1000_events_ms": round(long * 1000, 1),
    }
    print(json.dumps(figures))
    return figures


@contextmanager
def _serving(kind: str) -> "Generator[tuple[str, str]]":
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "bench.agent_speed", kind, folder, str(listener.fileno())]
        environment = {**os.environ, "OTEL_INSTRUMENTATION_A2A_SDK_ENABLED": "false"}
        process = subprocess.Popen(
            command, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert process.stdout is not None
            token = process.stdout.readline().strip()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", token
        finally:
            process.terminate()
            process.wait()


async def _rate(server: tuple[str, str], name: str) -> float:
    """Requests a second from 32 connections."""
    import aiohttp

    url, token = server
    mark = f"{name}-{time.time_ns()}"
    numbers = iter(range(REQUESTS + 64))
    async with aiohttp.ClientSession(headers=_headers(token), connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> None:
            for number in numbers:
                async with session.post(url, json=_request(f"{mark}-{number}", 0)) as response:
                    answer = await response.json()
                    assert answer["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED", answer

        began = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(CONNECTIONS)))
        return (REQUESTS + 64) / (time.perf_counter() - began)


async def _growth(server: tuple[str, str]) -> tuple[float, float]:
    """Seconds that a streamed task of 100 and of 1,000 progress events takes, the better of several."""
    import aiohttp

    url, token = server
    async with aiohttp.ClientSession(headers=_headers(token)) as session:

        async def stream(events: int) -> float:
            request = _request(f"growth-{time.time_ns()}", events) | {"method": "SendStreamingMessage"}
            began = time.perf_counter()
            async with session.post(url, json=request) as response:
                lines = [line async for line in response.content if line.startswith(b"data:")]
            assert len(lines) == events + 3, len(lines)
            return time.perf_counter() - began

        await stream(100)
        pairs = [(await stream(100), await stream(1000), await stream(100)) for _ in range(4)]
        return min(min(before, after) for before, _, after in pairs), min(long for _, long, _ in pairs)


def _headers(token: str) -> dict[str, str]:
    return {"A2A-Version": "1.0", "Authorization": f"Bearer {token}"}


def _request(message_id: str, events: int) -> dict[str, Any]:
    part = {"data": {"text": "hello", "times": events}, "metadata": {"schema": "urn:holdback:bench-echo:1"}}
    message = {"messageId": message_id, "role": "ROLE_USER", "parts": [part]}
    return {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}


def _serve(kind: str, folder: str, descriptor: int) -> None:
    import logging

    import uvicorn

    logging.getLogger("a2a").setLevel(logging.ERROR)  # 25,000 lines about task ids would be what is measured
    app, token = {"ours": _ours, "bare": _bare}[kind](Path(folder))
    print(token, flush=True)
    uvicorn.run(app, fd=descriptor, log_level="error", access_log=False)


def _ours(folder: Path) -> "tuple[Starlette, str]":
    from holdback_agents.contracts import Part
    from holdback_agents.runtime.agent import Agent, Skill
    from holdback_agents.runtime.run import Run
    from holdback_agents.runtime.serving.app import AgentServices, build_agent_app
    from holdback_agents.runtime.tables import METADATA
    from holdback_base.database import Database
    from holdback_base.ids import id_maker, system_clock
    from holdback_trust.audit import AuditLog
    from holdback_trust.enforcing import Enforcement
    from holdback_trust.tokens import KeyPair, KeyRing, TokenAuthority, TokenVerifier

    class Echo(Part):
        schema_name = "bench-echo"
        text: str
        times: int = 0

    async def echo(run: Run, asked: Echo) -> Echo:
        for number in range(asked.times):
            await run.progress("echoing", done=number + 1, total=asked.times)
        return asked

    agent = Agent("compliance", _card(), [Skill("clear-rights", Echo, echo)])
    keys = KeyPair.generate()
    audience = "agent:compliance"
    authority = TokenAuthority("gateway", keys, system_clock, lambda: "t1")
    token = authority.issue(
        person="person:sam", roles=["editor"], audience=audience, scopes=["agent:compliance:clear-rights"]
    )
    services = AgentServices(
        database=Database(folder / "agent.sqlite", METADATA),
        keys=keys,
        verifier=TokenVerifier(KeyRing({"gateway": [keys.public_jwk]}), "gateway", audience, system_clock),
        audit=AuditLog(folder / "audit", keys, system_clock, name="compliance"),
        clock=system_clock,
        new_id=id_maker(),
        gateway="http://127.0.0.1:1",
        url="http://127.0.0.1:1",
        enforcement=Enforcement(),
    )
    return build_agent_app(agent, services), token


def _bare(_folder: Path) -> "tuple[Starlette, str]":
    from a2a.helpers import new_task_from_user_message
    from a2a.server.agent_execution import AgentExecutor, RequestContext
    from a2a.server.events import EventQueue
    from a2a.server.request_handlers import DefaultRequestHandler
    from a2a.server.routes import create_jsonrpc_routes
    from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
    from starlette.applications import Starlette

    class Echo(AgentExecutor):
        async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
            assert context.message is not None
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
            updater = TaskUpdater(event_queue, str(context.task_id), str(context.context_id))
            await updater.add_artifact(list(context.message.parts), name="result")
            await updater.complete()

        async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
            raise NotImplementedError

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> "AsyncGenerator[None]":
        yield
        await handler.aclose()

    handler = DefaultRequestHandler(Echo(), InMemoryTaskStore(), _card())
    return Starlette(routes=list(create_jsonrpc_routes(handler, "/")), lifespan=lifespan), "none"


def _card() -> "Any":
    from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill

    return AgentCard(
        name="echo",
        description="Says it again.",
        version="1",
        supported_interfaces=[
            AgentInterface(url="http://127.0.0.1:1", protocol_binding="JSONRPC", protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["application/json"],
        default_output_modes=["application/json"],
        skills=[AgentSkill(id="clear-rights", name="Echo", description="Says it again.", tags=["bench"])],
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
