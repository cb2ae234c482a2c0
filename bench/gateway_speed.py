"""What the gateway's data path costs: an echoed request direct, and through the gateway with its token checked.

Three processes on loopback: this client, the gateway, and an upstream that echoes. The gateway is measured in front of
the upstream, and in front of the same app in its own process.
"""

import asyncio
import itertools
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from holdback_agents.gateway.admissions import Admissions
from holdback_agents.gateway.app import Gateway, build_gateway
from holdback_agents.gateway.registry import LocalApp, ServerEntry, Target, Upstream
from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.store import METADATA
from holdback_base.database import Database
from holdback_base.ids import id_maker, system_clock
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.tokens import TokenAuthority
from starlette.types import Receive, Scope, Send

CONNECTIONS = 32
SEQUENTIAL, TOGETHER, EVENTS, ROUNDS = 300, 2000, 5000, 3
BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": {"text": "x" * 400}}).encode()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body; asked with GET, streams events."""
    if scope["type"] != "http":
        return
    body = (await receive()).get("body", b"")
    if scope["method"] == "GET":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(EVENTS):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> dict[str, Any]:
    """p50 of one request at a time in ms, requests a second at 32 connections, events a second of one stream.

    `cpu_ms_per_request` is that of the process that serves the URL; a busy machine changes it least.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        keys = KeyPair.load_or_create(home / "gateway.pem")
        token = TokenAuthority("gateway", keys, system_clock, lambda: "bench").issue(
            person="person:bench", roles=["viewer"], audience="mcp:echo", scopes=["assets:read"]
        )
        ports = [_free_port() for _ in range(3)]
        context = multiprocessing.get_context("spawn")
        servers = [
            context.Process(target=_serve_echo, args=(ports[0],), daemon=True),
            context.Process(target=_serve_gateway, args=(ports[1], home, f"http://127.0.0.1:{ports[0]}"), daemon=True),
            context.Process(target=_serve_gateway, args=(ports[2], home, ""), daemon=True),
        ]
        for server in servers:
            server.start()
        try:
            return asyncio.run(_measure(ports, token, [server.pid or 0 for server in servers]))
        finally:
            for server in servers:
                server.terminate()
                server.join()


async def _measure(ports: list[int], token: str, pids: list[int]) -> dict[str, Any]:
    urls = {
        "direct": f"http://127.0.0.1:{ports[0]}/",
        "through_to_upstream": f"http://127.0.0.1:{ports[1]}/mcp/echo",
        "through_to_local_app": f"http://127.0.0.1:{ports[2]}/mcp/echo",
    }
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    found: dict[str, Any] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as http:
        for url in urls.values():
            await _answering(http, url)
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in urls}
        spent = {name: _cpu_seconds(pid) for name, pid in zip(urls, pids, strict=True)}
        for _ in range(ROUNDS):  # by turns, so that a noisy moment meets all
            for name, url in urls.items():
                rounds[name].append((await _median(http, url), await _rate(http, url)))
        echoed = ROUNDS * (SEQUENTIAL + TOGETHER)
        for (name, url), pid in zip(urls.items(), pids, strict=True):
            # the upstream echoes for itself and for the gateway in front of it
            requests = echoed * 2 if name == "direct" else echoed
            found[name] = {
                "p50_ms": round(statistics.median(each for each, _ in rounds[name]) * 1000, 3),
                "requests_per_second": round(statistics.median(each for _, each in rounds[name])),
                "cpu_ms_per_request": round((_cpu_seconds(pid) - spent[name]) / requests * 1000, 3),
                "events_per_second": round(await _events(http, url)),
            }
    direct = found["direct"]
    for name in ("through_to_upstream", "through_to_local_app"):
        found[name]["added_p50_ms"] = round(found[name]["p50_ms"] - direct["p50_ms"], 3)
        found[name]["rate_ratio"] = round(found[name]["requests_per_second"] / direct["requests_per_second"], 2)
    return found


async def _answering(http: aiohttp.ClientSession, url: str) -> None:
    for _ in range(400):
        try:
            async with http.post(url, data=BODY) as answer:
                if answer.status == 200 and await answer.read() == BODY:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)
    raise RuntimeError(f"{url} does not answer")


async def _median(http: aiohttp.ClientSession, url: str) -> float:
    took: list[float] = []
    for _ in range(SEQUENTIAL):
        began = time.perf_counter()
        async with http.post(url, data=BODY) as answer:
            await answer.read()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


async def _rate(http: aiohttp.ClientSession, url: str) -> float:
    numbers = itertools.count()

    async def one_connection() -> None:
        while next(numbers) < TOGETHER:
            async with http.post(url, data=BODY) as answer:
                assert answer.status == 200
                await answer.read()

    began = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return TOGETHER / (time.perf_counter() - began)


async def _events(http: aiohttp.ClientSession, url: str) -> float:
    began, ends = time.perf_counter(), 0
    async with http.get(url) as answer:
        async for chunk in answer.content.iter_any():
            ends += chunk.count(b"\n\n")
    assert ends == EVENTS
    return EVENTS / (time.perf_counter() - began)


def _cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far; 0 where there is no /proc to read them from."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _serve_echo(port: int) -> None:
    uvicorn.run(echo, port=port, log_level="critical", loop="uvloop", http="httptools", lifespan="off")


def _serve_gateway(port: int, home: Path, upstream: str) -> None:
    gateway = _gateway(home, port, Upstream(upstream) if upstream else LocalApp(echo))
    uvicorn.run(gateway, port=port, log_level="critical", loop="uvloop", http="httptools", lifespan="on")


def _gateway(home: Path, port: int, target: Target) -> Gateway:
    keys = KeyPair.load_or_create(home / "gateway.pem")
    database = Database(home / f"gateway{port}.sqlite", METADATA)
    return build_gateway(
        GatewayServices(
            url=f"http://127.0.0.1:{port}",
            database=database,
            admissions=Admissions(database, system_clock),
            clock=system_clock,
            new_id=id_maker(),
            keys=keys,
            ring=KeyRing({"gateway": [keys.public_jwk]}),
            authority=TokenAuthority("gateway", keys, system_clock, lambda: "bench"),
            audit=AuditLog(home / "audit", keys, system_clock, f"gateway{port}"),
            enforcement=Enforcement(),
            agents=[],
            servers=[ServerEntry("echo", "Echo", "Answers what it is told.", target, ())],
            people=[],
        )
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
