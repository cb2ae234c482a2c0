"""How connections to this house behave: who takes too long to say what he wants is hung up on."""

import asyncio
from typing import Any

from httptools import HttpParserError
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 20.0
"""Seconds from the beginning of a connection, or of a further request on it, to the end of the request's headers."""
BODY_SECONDS = 30.0
"""Seconds that a request's body may be silent."""
HEADER_BYTES = 64 * 1024
"""Of a request's address and headers together."""
MOST_CONNECTIONS = 2000
"""Connections at once; one more is answered 503."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, but headers that have no end, or take for ever, end the connection."""

    _unheard: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Somebody connects, and is to say soon what he wants."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._heard()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._wait()
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        self._weigh(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._weigh(name + value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """It says what it wants."""
        self._heard()
        super().on_headers_complete()

    def _weigh(self, piece: bytes) -> None:
        self._header_bytes += len(piece)
        if self._header_bytes > HEADER_BYTES:
            raise HttpParserError("the headers have no end")

    def _wait(self) -> None:
        self._heard()
        self._unheard = self.loop.call_later(HEADER_SECONDS, self._hang_up)

    def _heard(self) -> None:
        if self._unheard is not None:
            self._unheard.cancel()
            self._unheard = None

    def _hang_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Impatient:
    """A request whose body stays silent for more than `seconds` counts as one whose client has left."""

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS) -> None:
        self._app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            receive = _Body(receive, self.seconds)
        await self._app(scope, receive, send)


class _Body:
    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive, self._seconds, self._whole = receive, seconds, False

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message
