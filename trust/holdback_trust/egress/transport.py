"""Sends each request to the address that was checked, and to no other."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import httpx
from holdback_base.problem import Problem


@dataclass(frozen=True)
class Destination:
    """Where a request may go: `address` is the only one to connect to, `host` whose certificate must be shown there."""

    scheme: str
    host: str
    port: int
    address: str


class PinnedTransport(httpx.AsyncBaseTransport):
    """A transport that asks `check` before every request, redirected ones too, and connects where that says.

    An answer is broken off after `longest` bytes. No connection is kept: two names may share an address, and a
    connection belongs to the name that it was made for.
    """

    def __init__(
        self, check: Callable[[str], Awaitable[Destination]], tls: ssl.SSLContext, longest: int, compressed: bool
    ) -> None:
        self._check, self._longest, self._compressed = check, longest, compressed
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=20)
        self._inner = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer. Raises Problem as `Egress.check`, and TOO_LARGE while the answer is read."""
        to = await self._check(str(request.url))
        headers = httpx.Headers([(name, value) for name, value in request.headers.raw if name.lower() != b"host"])
        headers["host"] = request.url.netloc.decode("ascii")
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=to.address),
            headers=headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": to.host},
        )
        answer = await self._inner.handle_async_request(pinned)
        if not self._compressed and answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise Problem(
                "UNAVAILABLE",
                f"{to.host} sends its answer compressed, which hides how large it is.",
                "It was asked not to; let its owner correct that.",
            )
        stream = _Counted(cast(httpx.AsyncByteStream, answer.stream), self._longest, to.host)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=stream, extensions=answer.extensions)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


class _Counted(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, longest: int, host: str) -> None:
        self._inner, self._longest, self._host = inner, longest, host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > self._longest:
                raise Problem(
                    "TOO_LARGE",
                    f"{self._host} sends more than {self._longest} bytes.",
                    "Name an address that sends less.",
                )
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
