"""Attacks by volume, size and patience, over real sockets: who floods is told to wait or hung up on; others are served.

The houses are of their own, with limits that a test can reach.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from holdback import connections, serving
from holdback.connections import Impatient
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.people import LOADER
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.edges import Rate

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
ALEX = PersonSetting(id="person:alex", name="Alex", roles=frozenset({"approver"}))
DOORS = (
    "/mcp/assets",
    "/agents/compliance",
    "/",
    "/approvals",
    "/oauth/token",
    "/oauth/authorize",
    "/oauth/introspect",
)
AUDIENCES = {"/mcp/assets": "mcp:assets", "/agents/compliance": "agent:compliance"}
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@dataclass
class Empty:
    """An empty house, and two people in it."""

    url: str
    home: Path
    foundation: Foundation
    sam: Desk
    alex: Desk
    patience: Impatient

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def headers(self, path: str, who: Desk | None = None) -> dict[str, str]:
        token = await (who or self.sam).person.token(AUDIENCES.get(path, "gateway"))
        return {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "a2a-version": "1.0",
        }

    async def said(self, *pieces: bytes, half: bool = False) -> bytes:
        """The answer to bytes as they stand, until the house hangs up; `half` leaves the writing side open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if not half:
                writer.write_eof()
            return await asyncio.wait_for(reader.read(), 100)
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()  # what it did not read it shall not get either
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def _empty(opened: Any, home: Path, **settings: Any) -> AsyncGenerator[Empty]:
    patient: list[Impatient] = []

    def around(app: Any) -> Impatient:
        patient.append(Impatient(app))
        return patient[0]

    async with opened(Settings(home=home, **settings), LOADER, SAM, ALEX, around=around) as up:
        yield Empty(up.url, home, up.foundation, *up.desks[1:], patient[0])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Empty]:
    async with _empty(opened, tmp_path_factory.mktemp("flooded"), body_limit=200_000) as flooded:
        yield flooded


@pytest.fixture(scope="module")
def seconds() -> list[float]:
    """The clock by which callers are counted; it stands until a test sets it."""
    return [0.0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counting(
    opened: Any, tmp_path_factory: pytest.TempPathFactory, seconds: list[float]
) -> AsyncGenerator[Empty]:
    """A house in which a caller may ask sixty times a minute: ten at once, then one a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("holdback.house.Rate", partial(Rate, now=lambda: seconds[0]))
        async with _empty(opened, tmp_path_factory.mktemp("strict"), calls_a_minute=60) as house:
            yield house


@pytest.fixture
def strict(counting: Empty, seconds: list[float]) -> Empty:
    """That house after a minute in which nobody asked."""
    seconds[0] += 60
    return counting


@pytest.mark.parametrize("path", ["/mcp/assets", "/agents/compliance", "/approvals"])
async def test_a_caller_that_asks_without_pause_waits_and_another_does_not(strict: Empty, path: str) -> None:
    sams, alexs = await strict.headers(path), await strict.headers("/approvals", strict.alex)
    async with httpx.AsyncClient(timeout=100) as http:
        asked = [http.request("GET" if path == "/approvals" else "POST", strict.url + path, headers=sams, json=LIST)]
        asked += [http.post(strict.url + path, headers=sams, json=LIST) for _ in range(30)]
        answers = await asyncio.gather(*asked)
        other = await http.get(f"{strict.url}/approvals", headers=alexs)
    late = [answer for answer in answers if answer.status_code == 429]
    assert len(late) >= 20
    assert {answer.json()["code"] for answer in late} == {"TOO_MANY_REQUESTS"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in late)
    assert other.status_code == 200, other.text


async def test_a_stranger_who_tries_tokens_without_pause_waits(strict: Empty) -> None:
    headers = {"authorization": "Bearer a.b.c", "accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(timeout=100) as http:
        tried = [http.post(f"{strict.url}/mcp/rights", headers=headers, json=LIST) for _ in range(30)]
        statuses = [answer.status_code for answer in await asyncio.gather(*tried)]
    assert set(statuses) == {401, 429}
    assert statuses.count(429) >= 19


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("how", ["its length said", "in pieces without end"])
async def test_a_body_that_is_too_large(house: Empty, unmoved: Any, path: str, how: str) -> None:
    named = "".join(f"{name}: {value}\r\n" for name, value in (await house.headers(path)).items())
    size = 5 * 1024 * 1024
    length = f"Content-Length: {size}" if how == "its length said" else "Transfer-Encoding: chunked"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{named}{length}\r\n\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    async with unmoved():
        answer = await house.said(head, *([] if how == "its length said" else [chunk] * 80), half=True)
    assert answer == b"" or answer.split(b" ", 2)[1] in (b"413", b"400", b"405", b"415"), answer[:300]
    if how == "its length said" and path in ("/mcp/assets", "/agents/compliance", "/"):
        assert answer.split(b" ", 2)[1] == b"413", answer[:300]


DEEP = "[" * 60_000
STRANGE = {
    "nested without end": f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":{DEEP}',
    "nested and closed": f'{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{DEEP}{"]" * 60_000}}}',
    "a number of many digits": f'{{"jsonrpc":"2.0","id":{"9" * 50_000},"method":"tools/list","params":{{}}}}',
    "a thousand requests in one": json.dumps([LIST] * 1000),
    "no JSON at all": "\x00\x01\x02",
    "no text at all": "\ufffe\udcff".encode("utf-16", "surrogatepass").decode("latin-1"),
    "a key given twice": '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{}}',
    "not a number": '{"jsonrpc":"2.0","id":NaN,"method":"tools/list","params":{"x":1e999}}',
}


@pytest.mark.parametrize("what", STRANGE)
async def test_a_body_that_is_made_to_break_its_reader(house: Empty, unmoved: Any, what: str) -> None:
    async with unmoved("agent-compliance.messages", "agent-compliance.tasks"), httpx.AsyncClient(timeout=100) as http:
        for path in ("/mcp/assets", "/agents/compliance", "/", "/approvals"):
            headers = await house.headers(path)
            answer = await http.post(house.url + path, headers=headers, content=STRANGE[what].encode("latin-1"))
            assert answer.status_code < 500, (path, answer.text[:300])
            assert "Traceback" not in answer.text
            assert "INTERNAL" not in answer.text, (path, answer.text[:300])
        assert (await http.get(f"{house.url}/health")).status_code == 200


async def test_a_body_that_falls_silent(house: Empty, unmoved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ("/mcp/assets", "/agents/compliance", "/", "/oauth/token")
    headers = [await house.headers(path) for path in paths]
    monkeypatch.setattr(house.patience, "seconds", 0.1)

    async def silent(path: str, given: dict[str, str]) -> bytes:
        named = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{named}Content-Length: 100\r\n\r\n{{"
        return await house.said(head.encode(), half=True)

    async with unmoved():
        answers = await asyncio.gather(*map(silent, paths, headers))
    assert [answer.split(b" ", 2)[1:2] for answer in answers] == [[b"400"]] * 4, answers


async def test_headers_that_never_end(house: Empty, unmoved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)
    async with unmoved():
        assert await house.said(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", half=True) == b""


async def test_more_headers_than_anybody_needs(house: Empty, unmoved: Any) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(70))
    async with unmoved():
        answer = await house.said(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + many + b"\r\n", half=True)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer


@pytest.mark.parametrize(
    "lengths",
    ["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: -1"],
)
async def test_a_second_request_hidden_in_the_first(house: Empty, unmoved: Any, lengths: str) -> None:
    hidden = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    named = "".join(f"{name}: {value}\r\n" for name, value in (await house.headers("/mcp/assets")).items())
    head = f"POST /mcp/assets HTTP/1.1\r\nHost: 127.0.0.1\r\n{named}{lengths}\r\n\r\n0\r\n\r\n".encode()
    async with unmoved():
        answer = await house.said(head + hidden, half=False)
    assert b"200 OK" not in answer, answer


async def test_more_connections_than_the_house_keeps(
    opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 8)
    async with _empty(opened, tmp_path) as crowded:
        held = [await asyncio.open_connection("127.0.0.1", crowded.port) for _ in range(12)]
        request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        turned_away = await crowded.said(request, half=True)
        for _, writer in held:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        async with asyncio.timeout(100):
            while not (answer := await crowded.said(request, half=True)).startswith(b"HTTP/1.1 200"):
                assert answer.startswith(b"HTTP/1.1 503")
    assert turned_away.startswith(b"HTTP/1.1 503")
