"""Serves applications on a loopback port: uvicorn, started and stopped from within a program."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from holdback_base.problem import Problem
from starlette.types import ASGIApp, Receive, Scope, Send


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        Problem: UNAVAILABLE when the port is taken or may not be used.
    """
    try:
        return socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise Problem(
            "UNAVAILABLE",
            f"Port {port} of {host} cannot be used: {error.strerror}.",
            "Stop what listens there, or choose another with --port.",
        ) from error


@asynccontextmanager
async def served(app: Any, listener: socket.socket) -> AsyncGenerator[None]:
    """The application answers on the socket while this is open."""
    config = uvicorn.Config(
        LocalOnly(app), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=3, ws="none"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    await asyncio.wait((task, asyncio.create_task(server.up.wait())), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        server.should_exit = True
        await task


class LocalOnly:
    """Lets in requests that name this machine, so that no web page can reach it by another name (DNS rebinding).

    Checks Host, and Origin where there is one, as the MCP specification asks for (2026-07-28, Streamable HTTP).
    """

    _NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http":
            headers: dict[bytes, bytes] = dict(scope["headers"])
            named = [headers.get(b"host", b"").decode("latin-1")]
            if (origin := headers.get(b"origin")) is not None:
                named.append(origin.decode("latin-1").partition("://")[2])
            if not all(self._NAMES & {each, each.rpartition(":")[0]} for each in named):
                body = b'{"code":"PERMISSION_DENIED","message":"This host is not served.","hint":"Use 127.0.0.1."}'
                head = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
                await send({"type": "http.response.start", "status": 403, "headers": head})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """Says when it is up, and leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """None are captured."""
        yield
