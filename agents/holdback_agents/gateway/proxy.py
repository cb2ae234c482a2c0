"""The data path: raw ASGI, chunks passed on as they come, to an app in this process or to an upstream over aiohttp."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from holdback_base.problem import Problem
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from holdback_agents.gateway.edge import BODY_LIMIT, UnreachableError, send_problem, too_large
from holdback_agents.gateway.registry import LocalApp, Target, Upstream
from holdback_agents.gateway.streams import Stream

if TYPE_CHECKING:
    from holdback_agents.gateway.pool import Pool

CONNECT_SECONDS = 5.0
"""How long an upstream may take to accept a connection."""
IDLE_SECONDS = 60.0
"""How long an upstream may stay silent; a ping of an event stream counts as a word."""

_log = logging.getLogger(__name__)
_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers of one hop (RFC 9110, 7.6.1)."""
_NOT_FORWARDED = _HOP | {
    b"expect",
    b"cookie",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-forwarded-prefix",
    b"x-real-ip",
}
_NOT_RETURNED = _HOP | {b"server", b"date", b"set-cookie", b"location"}
_Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Way:
    """Where a request goes: the target, the path under which the gateway serves it (`/agents/compliance`), and what
    follows that, decoded: empty or beginning with a slash, without dot segments."""

    target: Target
    root: str
    rest: str


class Proxy:
    """Passes requests on, until `close`; upstream calls share one connection pool, opened by the first of them."""

    def __init__(self, *, connect_seconds: float = CONNECT_SECONDS, idle_seconds: float = IDLE_SECONDS) -> None:
        self._connect_seconds, self._idle_seconds = connect_seconds, idle_seconds
        self._pools: dict[str, Pool] = {}

    async def close(self) -> None:
        """Close the pools and every connection in them."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.close()

    async def forward(self, scope: Scope, receive: Receive, send: Send, way: Way, stream: Stream | None = None) -> int:
        """Pass one request on and its answer back; answers the status that the client was sent.

        Args:
            scope: of the client's request; its headers are cleaned here.
            receive: the client's body; a body over the limit becomes 413.
            send: to the client.
            way: to where.
            stream: watches the answer, if it is a stream of events.
        """
        passage = _Passage(receive, send, stream)
        try:
            await self._carry({**scope, "headers": passed_on(scope["headers"], _NOT_FORWARDED)}, passage, way)
            return await passage.finish()
        finally:
            passage.let_go()

    async def _carry(self, scope: Scope, passage: "_Passage", way: Way) -> None:
        try:
            if isinstance(way.target, LocalApp):
                await _call_local(scope, passage, way.target, way)
            else:
                await self._call_upstream(scope, passage, way.target, way.rest)
        except _BodyEndedError:
            pass
        except UnreachableError as failure:
            if not passage.overflowed:
                await passage.fail(_unavailable(), failure.status)
        except TimeoutError:
            await passage.fail(_unavailable(), 504)

    def _pool(self, target: Upstream) -> "Pool":
        """One for the house; each upstream outside has its own, for what may be reached there."""
        name = "" if target.guard is None else target.url
        if name not in self._pools:
            # a house whose servers and agents all stand in this process never needs the client library
            from holdback_agents.gateway.pool import Pool

            guarded = None if target.guard is None else target
            self._pools[name] = Pool(self._connect_seconds, self._idle_seconds, guarded)
        return self._pools[name]

    async def _call_upstream(self, scope: Scope, passage: "_Passage", target: Upstream, rest: str) -> None:
        url = _url(target.url, rest, scope)
        pool, body = self._pool(target), await passage.body()
        leaving = passage.leaving()
        this, over = asyncio.current_task(), False

        def stop(_: asyncio.Future[None]) -> None:
            if this is not None and not over:
                this.cancel()

        leaving.add_done_callback(stop)
        try:
            await pool.exchange(scope["method"], url, scope["headers"], body, passage.send)
        except asyncio.CancelledError:
            if not leaving.done() or this is None or this.uncancel() > 0:
                raise  # somebody else's: the server is going down
        finally:
            over = True


async def _call_local(scope: Scope, passage: "_Passage", target: LocalApp, way: Way) -> None:
    path = way.root + target.path + (way.rest if way.rest != "/" else "")
    if path == way.root:
        path += "/"
    inner: dict[str, Any] = {
        **scope,
        "root_path": scope.get("root_path", "") + way.root,
        "path": path,
        "raw_path": quote(path).encode(),
        "state": {},
    }
    try:
        await target.app(inner, passage.receive, passage.send)
    except Exception:
        if passage.status and not (passage.overflowed or passage.ended):
            raise
        _log.exception("%s failed", way.root)


class _BodyEndedError(Exception):
    """The client's body went over the limit, or the client left in the middle of it."""


class _Passage:
    """One request on its way: counts the body, cleans the answer, and knows what the client was told."""

    def __init__(self, receive: Receive, send: Send, stream: Stream | None) -> None:
        self._receive, self._send, self._stream = receive, send, stream
        self._size = 0
        self._read = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None
        self._complete = False
        self.overflowed = self.ended = False
        self.status = 0

    async def receive(self) -> Message:
        """The next piece of the request; after too many bytes, or the end of its stream, the client is as good as
        gone."""
        if self.overflowed or self.ended:
            return {"type": "http.disconnect"}
        if self._read.is_set():  # all that can come now is that the client leaves
            await asyncio.wait((self.leaving(),))
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        if not message.get("more_body", False):
            self._read.set()
        self._size += len(message.get("body", b""))
        if self._size > BODY_LIMIT:
            self.overflowed = True
            return {"type": "http.disconnect"}
        return message

    async def body(self) -> "bytes | AsyncIterator[bytes]":
        """The body at once when it came in one piece, else as a stream."""
        first = await self.receive()
        if self.overflowed:
            raise _BodyEndedError
        if self._read.is_set() or first["type"] != "http.request":
            return first.get("body", b"")
        return self._rest(first["body"])

    async def _rest(self, first: bytes) -> AsyncIterator[bytes]:
        yield first
        while not self._read.is_set():
            message = await self.receive()
            if message["type"] != "http.request":
                raise _BodyEndedError
            yield message["body"]

    def leaving(self) -> "asyncio.Task[None]":
        """Done when the client has left, or its stream was ended."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._disconnected())
        return self._leaving

    async def _disconnected(self) -> None:
        await self._read.wait()
        while not self.ended and (await self._receive())["type"] != "http.disconnect":
            pass

    def end(self) -> None:
        """The stream is over: to whoever answers the client has left, and the client has been told all."""
        self.ended = True
        if self._leaving is not None:
            self._leaving.cancel()

    def let_go(self) -> None:
        """Nothing more comes of it."""
        if self._stream is not None:
            self._stream.closed()
        if self._leaving is not None:
            self._leaving.cancel()

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on. A redirect is not: it would lead around the gateway."""
        if self.ended or (self.overflowed and not self.status):
            return
        if message["type"] == "http.response.start":
            status: int = message["status"]
            if 300 <= status < 400 and status != 304:
                await self.fail(_unavailable(), 502)
                return
            self.status = status
            headers = passed_on(message.get("headers", ()), _NOT_RETURNED)
            message = {**message, "headers": headers}
            if self._stream is not None and _tells_events(headers):
                self._stream.opened(self.end)
        elif self._complete:
            return
        else:
            self._complete = not message.get("more_body", False)
        await self._send(message)

    async def fail(self, problem: Problem, status: int | None = None) -> None:
        """Tell the client, unless it has been told something else already."""
        if not self.status:
            self._complete = True
            self.status = await send_problem(self._send, problem, status=status)

    async def finish(self) -> int:
        """Make sure that the client has an answer; one that was ended here is whole, one that broke off is not."""
        if not self.status:
            await self.fail(too_large() if self.overflowed else _broken())
        elif self.ended and not self._complete:
            self._complete = True
            await self._send({"type": "http.response.body", "body": b""})
        return self.status


def passed_on(headers: Any, without: frozenset[bytes]) -> _Headers:
    """Headers but for those of one hop, those that `Connection` names (RFC 9110, 7.6.1), and those of the set."""
    pairs: _Headers = [(bytes(name).lower(), value) for name, value in headers]
    named = {
        token.strip().lower() for name, value in pairs if name == b"connection" for token in bytes(value).split(b",")
    }
    return [(name, value) for name, value in pairs if name not in without and name not in named]


def _tells_events(headers: _Headers) -> bool:
    for name, value in headers:
        if name == b"content-type":
            return value[:17].lower() == b"text/event-stream"
    return False


def _url(base: str, rest: str, scope: Scope) -> URL:
    query = quote(scope["query_string"], safe="%/:@!$&'()*+,;=~?")
    path = quote(rest if rest != "/" else "", safe="/:@!$&'()*+,;=~")
    return URL(base + path + (f"?{query}" if query else ""), encoded=True)


def _unavailable() -> Problem:
    return Problem("UNAVAILABLE", "What this goes to is not answering.", "Try again; the gateway itself is up.")


def _broken() -> Problem:
    return Problem("INTERNAL", "What this goes to ended without an answer.", "Try again, or tell who runs the house.")
