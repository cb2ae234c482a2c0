"""Serves applications on a port: uvicorn, started and stopped from within a program.

On this machine's own addresses over http; on any other over TLS only, under the names that the settings give.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import uvicorn
from holdback_base.problem import Problem
from holdback_servers.settings import Settings
from holdback_trust.edges import send_problem
from starlette.types import ASGIApp, Receive, Scope, Send

from holdback.connections import MOST_CONNECTIONS, Impatient, Protocol

GRACE_SECONDS = 3
"""How long a house that closes waits for answers that are on their way."""
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


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
            f"Port {port} of {host} cannot be used: {_reason(error)}.",
            "Stop what listens there, or choose another with --port.",
        ) from error


def _reason(error: OSError) -> str:
    """In the system's words; asyncio and socket append what they were doing."""
    return os.strerror(error.errno) if error.errno else str(error)


def address(settings: Settings, listener: socket.socket) -> str:
    """The URL under which others reach what listens.

    Raises:
        Problem: INVALID_ARGUMENT for an address that is not this machine's own without TLS and a name.
    """
    port = listener.getsockname()[1]
    if settings.host not in _HERE and (settings.tls_certificate is None or not settings.names):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{settings.host} can be reached by other machines, and tokens would travel in the clear.",
            "Give tls_certificate, tls_key and names in holdback.toml, or serve on 127.0.0.1 behind a TLS proxy.",
        )
    if settings.tls_certificate is None:
        return f"http://{settings.host}:{port}"
    return f"https://{settings.names[0] if settings.names else settings.host}:{port}"


def _tls(settings: Settings) -> dict[str, Any]:
    if settings.tls_certificate is None:
        return {}
    certificate, key = settings.tls_certificate.expanduser(), settings.tls_key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key and key.expanduser())
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The certificate {certificate} and its key cannot be used: {error.strerror or error}.",
            "Give a PEM certificate chain as tls_certificate and its PEM private key as tls_key.",
        ) from error
    return {
        "ssl_certfile": certificate,
        "ssl_keyfile": key and key.expanduser(),
        "ssl_version": ssl.PROTOCOL_TLS_SERVER,
    }


@asynccontextmanager
async def served(app: Any, listener: socket.socket, settings: Settings | None = None) -> AsyncGenerator[None]:
    """The application answers on the socket while this is open; over TLS where the settings say so.

    Raises:
        Problem: INVALID_ARGUMENT when the certificate cannot be used.
    """
    config = uvicorn.Config(
        NamedOnly(Impatient(app), () if settings is None else settings.names),
        http=Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # from where somebody asks is what the socket says; a header is anybody's word
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws="none",
        **({} if settings is None else _tls(settings)),
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    await asyncio.wait((task, asyncio.create_task(server.up.wait())), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        server.should_exit = True
        await task
        for each in tuple(server.server_state.connections):  # whoever did not let go in time
            cast(Protocol, each).transport.abort()
        await asyncio.sleep(0)  # they close in the next turn of the loop


class NamedOnly:
    """Lets in requests that name this machine, or one of the house's names, so that no web page can reach it by another
    name (DNS rebinding).

    Checks Host, and Origin where there is one, as the MCP specification asks for (2026-07-28, Streamable HTTP).
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset({"127.0.0.1", "localhost", "[::1]", *(each.lower() for each in names)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http" and not self._is_named(scope):
            problem = Problem("PERMISSION_DENIED", "This host is not served.", "Use 127.0.0.1, or one of its names.")
            await send_problem(send, problem)
            return
        await self._app(scope, receive, send)

    def _is_named(self, scope: Scope) -> bool:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        named = [headers.get(b"host", b"").decode("latin-1").lower()]
        if (origin := headers.get(b"origin")) is not None:
            named.append(origin.decode("latin-1").lower().partition("://")[2])
        return all(self._names & {each, each.rpartition(":")[0]} for each in named)


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
