"""The installed command in processes of its own, and ways to it: tokens by key, and the SDKs' own clients."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from holdback.desk import Desk, open_desk
from holdback.foundation import party_keys
from holdback_base.ids import id_maker, system_clock
from holdback_servers.settings import PersonSetting
from holdback_trust.assertions import sign_assertion
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("holdback"))
NEW_ID = id_maker(system_clock)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("HOLDBACK_")}


@dataclass
class Up:
    """A house that is up: where it answers, its home, its process and the lines it printed when it was ready."""

    url: str
    home: Path
    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def token(self, person: str, audience: str) -> str:
        """A token by RFC 7523, with the person's key in the home."""
        assertion = sign_assertion(party_keys(self.home, person), person, "gateway", system_clock, NEW_ID("evt"))
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": assertion,
            "audience": audience,
        }
        answer = httpx.post(f"{self.url}/oauth/token", data=form, timeout=100)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    @asynccontextmanager
    async def mcp(self, server: str, mode: Any = "auto", person: str = "person:sam") -> AsyncGenerator[Client]:
        """The MCP SDK's own client over Streamable HTTP."""
        headers = {"authorization": f"Bearer {self.token(person, f'mcp:{server}')}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=120) as http,
            Client(streamable_http_client(f"{self.url}/mcp/{server}", http_client=http), mode=mode) as client,
        ):
            yield client

    @asynccontextmanager
    async def desk(self, person: str) -> AsyncGenerator[Desk]:
        """The desk of a person of the home."""
        facts = PersonSetting(id=person, name=person, roles=frozenset())
        keys = party_keys(self.home, person)
        async with open_desk(facts, keys, self.url, clock=system_clock, new_id=NEW_ID) as desk:
            yield desk

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=120)


def started(*arguments: str, stdin: bool = False) -> "subprocess.Popen[str]":
    """`holdback ARGUMENTS`, with pipes and nobody at the terminal."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="session")
def holdback() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command to its end."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            timeout=600,
            check=False,
        )

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start the command; what still runs at the end of the test is killed."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, stdin: bool = False) -> "subprocess.Popen[str]":
        processes.append(started(*arguments, stdin=stdin))
        return processes[-1]

    yield begin
    for process in processes:
        _end(process)


@pytest.fixture(scope="session")
def holdback_command() -> str:
    """Where the installed command is."""
    return COMMAND


@pytest.fixture(scope="session")
def by_stdio() -> Callable[..., StdioServerParameters]:
    """How a host starts one server on stdio; give it to the MCP SDK's own client."""

    def parameters(server: str, home: Path, *arguments: str | Path) -> StdioServerParameters:
        return StdioServerParameters(
            command=COMMAND, args=["mcp", server, "--home", str(home), *map(str, arguments)], env=ENVIRONMENT
        )

    return parameters


@pytest.fixture
def bring_up() -> Iterator[Callable[..., Up]]:
    """Bring up a house over a home; what still runs at the end of the test is killed."""
    houses: list[Up] = []

    def begin(home: Path, *arguments: str, port: int = 0) -> Up:
        houses.append(ready(home, *arguments, port=port))
        return houses[-1]

    yield begin
    for house in houses:
        _end(house.process)


@pytest.fixture
def two_ports() -> Iterator[tuple[int, int]]:
    """Two ports on which nobody listens, and which nobody else is given while the test runs."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # whoever sets it too may listen there
            each.bind(("127.0.0.1", 0))
        yield one.getsockname()[1], two.getsockname()[1]


@pytest.fixture
def free_port(two_ports: tuple[int, int]) -> int:
    """One such port."""
    return two_ports[0]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One house for a module's tests that do not disturb one another."""
    house = ready(tmp_path_factory.mktemp("home"))
    yield house
    _end(house.process)


def ready(home: Path, *arguments: str, port: int = 0) -> Up:
    """`holdback up`, on a free port, once it has printed its addresses."""
    process = started("up", "--home", str(home), "--port", str(port), *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("Try:"):
            return Up(lines[0].rpartition(" ")[2], home, process, lines)
    raise AssertionError(process.stderr.read())


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
