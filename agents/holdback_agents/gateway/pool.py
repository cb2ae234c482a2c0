"""Connections to upstreams, over aiohttp: chunks are passed on as they come."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import aiohttp
from starlette.types import Message
from yarl import URL

from holdback_agents.gateway.edge import UnreachableError


class Pool:
    """Connections that all upstream calls share; needs the running loop."""

    def __init__(self, connect_seconds: float, idle_seconds: float) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
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
