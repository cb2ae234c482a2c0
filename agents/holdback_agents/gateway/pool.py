"""Connections to upstreams, over aiohttp: chunks are passed on as they come."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from holdback_base.problem import Problem
from starlette.types import Message
from yarl import URL

from holdback_agents.gateway.edge import UnreachableError
from holdback_agents.gateway.registry import Upstream


class _Checked(AbstractResolver):
    """Resolves the one name of a guarded upstream, anew for each connection."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The checked address. Raises OSError, which aiohttp takes for a name that cannot be resolved."""
        guard = self._upstream.guard
        try:
            if guard is None or httpx.URL(self._upstream.url).host != host:
                raise OSError(f"{host} is not the upstream's host")
            to = await guard.check(self._upstream.url)
        except Problem as problem:
            raise OSError(problem.message) from problem
        kind = socket.AF_INET6 if ":" in to.address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=to.address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Pool:
    """Connections that all upstream calls share; needs the running loop.

    `guarded` is an upstream outside the house: then they go to the address that its guard has checked, and only there.
    """

    def __init__(self, connect_seconds: float, idle_seconds: float, guarded: Upstream | None = None) -> None:
        resolver = None if guarded is None else _Checked(guarded)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver, use_dns_cache=resolver is None),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds, sock_read=idle_seconds),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def exchange(
        self,
        method: str,
        url: URL,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | AsyncIterator[bytes],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Send a request and pass the answer on, as ASGI messages. Raises UnreachableError."""
        text = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name != b"host"]
        try:
            async with self._session.request(
                method, url, headers=text, data=body or None, allow_redirects=False
            ) as answer:
                await send(
                    {"type": "http.response.start", "status": answer.status, "headers": list(answer.raw_headers)}
                )
                async for chunk in answer.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except aiohttp.ClientError as failure:
            raise UnreachableError(504 if isinstance(failure, aiohttp.SocketTimeoutError) else 502) from failure
