"""Serves applications on a loopback port: uvicorn, started and stopped from within a program."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from holdback_base.problem import Problem


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
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=3, ws="none"
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    await asyncio.wait((task, asyncio.create_task(server.up.wait())), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        server.should_exit = True
        await task


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
