"""How long a start takes: the house until its health is good, a stdio server until its tools are listed, the demo."""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import holdback_servers

from bench.processes import cpu_seconds, environment, holdback

ROOMS = ("assets", "editing", "rights", "schedule")
STARTS, ROUNDS = 5, 7
LONGEST_DEMO = 120
_BARE = """
import sys

from mcp.server import MCPServer

server = MCPServer("bare")

def say(text: str, times: int = 1) -> str:
    "Say the text again, several times."
    return text * times

for number in range(int(sys.argv[1])):
    server.add_tool(say, name=f"say_{number}")
server.run("stdio")
"""
_HANDSHAKE = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


@dataclass(frozen=True)
class Start:
    """Seconds from a process's start to its first answer, and the CPU seconds it took for it."""

    wall: float
    cpu: float


def stdio() -> dict[str, list[tuple[Start, Start]]]:
    """Each room's starts until it answered the first `tools/list`, each with that of a bare server.

    The bare server has as many tools as the room, each with two plain arguments. It is started right before each start
    of a room, so that a pair meets the same noise.
    """
    with tempfile.TemporaryDirectory() as home:
        commands = {room: [*holdback(), "mcp", room, "--home", home] for room in ROOMS}
        for room, command in commands.items():
            _first_listing(_bare(room))
            _first_listing(command)  # compiles modules and makes the home
        took: dict[str, list[tuple[Start, Start]]] = {room: [] for room in ROOMS}
        for _ in range(ROUNDS):
            for room, command in commands.items():
                before = _first_listing(_bare(room))
                took[room].append((_first_listing(command), before))
    return took


def _bare(room: str) -> list[str]:
    kept = Path(holdback_servers.__file__).parent / room / "tools.json"
    return [sys.executable, "-c", _BARE, str(len(json.loads(kept.read_bytes())))]


def _first_listing(command: list[str]) -> Start:
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(each) + "\n" for each in _HANDSHAKE))
        process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            if answer.get("id") == 2:
                took = Start(time.perf_counter() - began, cpu_seconds(process.pid))
                assert answer["result"]["tools"], answer
                process.stdin.close()
                return took
    raise RuntimeError(f"{' '.join(command[:3])} ended without an answer")


def up() -> list[float]:
    """Seconds from process start until `/health` of `holdback up` is good, in a home that was used before."""
    with tempfile.TemporaryDirectory() as home:
        return [_health(home) for _ in range(STARTS + 1)][1:]


def _health(home: str) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [*holdback(), "up", "--home", home, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    with urllib.request.urlopen(f"{found.group()}/health", timeout=10) as answer:
                        assert answer.status == 200
                    return time.perf_counter() - began
        finally:
            process.terminate()
    raise RuntimeError("holdback up ended without an address")


def demo() -> tuple[float, list[tuple[float, str]]]:
    """Seconds of `holdback demo --yes`, and its longest waits for a line, with the line that ended each."""
    with tempfile.TemporaryDirectory() as folder:
        began = before = time.perf_counter()
        waits: list[tuple[float, str]] = []
        with subprocess.Popen(
            [*holdback(), "demo", "--yes", "--out", str(Path(folder) / "out")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                now = time.perf_counter()
                waits.append((now - before, line.strip()))
                before = now
            code = process.wait(LONGEST_DEMO)
        if code != 0:
            raise RuntimeError(f"the demo ended with {code}: {waits[-1][1] if waits else 'nothing was said'}")
        return time.perf_counter() - began, sorted(waits, reverse=True)[:5]
