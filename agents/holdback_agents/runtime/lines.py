"""An agent's line to the gateway: over the network, or straight to it where both stand in one process.

Straight, a request is a dict and two callables (ASGI), without a client that follows redirects, keeps cookies and
parses addresses.
"""

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import httpx
from holdback_base.problem import Problem
from starlette.types import ASGIApp, Message

T = TypeVar("T")

TIMEOUT = httpx.Timeout(10.0, read=60.0)
"""Streams are silent for up to 15 s between pings; the default of 5 s would break them."""
JSON: Mapping[str, str] = {"content-type": "application/json"}
_PAUSES = (0.05, 0.2, 0.8, 3.0)
"""Seconds between the times that the gateway is asked."""
_OAUTH: Mapping[str, str] = {
    "invalid_grant": "UNAUTHENTICATED",
    "invalid_client": "UNAUTHENTICATED",
    "invalid_scope": "PERMISSION_DENIED",
    "invalid_target": "PERMISSION_DENIED",
    "access_denied": "PERMISSION_DENIED",
}
"""What a refused token request means (RFC 6749 5.2, RFC 8693 2.2.2)."""


@dataclass(frozen=True)
class Request:
    """What is asked of the gateway: `query` is what stands behind the question mark, encoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def scope(self, client: tuple[str, int] | None = None) -> dict[str, Any]:
        """How an application is told of it (ASGI HTTP); its body comes by messages."""
        headers = {**self.headers, "content-length": str(len(self.body))}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": client,
            "server": None,
        }


@dataclass(frozen=True)
class Reply:
    """What it answered."""

    status: int
    body: bytes


class Line(Protocol):
    """A way to the gateway."""

    async def ask(self, request: Request) -> Reply:
        """Its answer, whatever the status. Raises Problem UNAVAILABLE when there is none."""
        ...


class OverNetwork:
    """A gateway in another process.

    Args:
        gateway: its URL, with no slash at the end.
        http: closed by whoever made it.
    """

    def __init__(self, gateway: str, http: httpx.AsyncClient) -> None:
        self._gateway, self._http = gateway.rstrip("/"), http

    async def ask(self, request: Request) -> Reply:
        """See `Line`."""
        url = f"{self._gateway}{request.path}{'?' if request.query else ''}{request.query}"
        headers = dict(request.headers)
        try:
            answer = await self._http.request(request.method, url, headers=headers, content=request.body)
        except httpx.HTTPError as error:
            raise _silent(request) from error
        return Reply(answer.status_code, answer.content)


class InProcess:
    """A gateway in this process; open once there is one.

    As over the network, what was asked is answered to its end, though nobody may wait for it any more.
    """

    def __init__(self) -> None:
        self._gateway: ASGIApp | None = None

    def open(self, gateway: ASGIApp) -> None:
        """From now on this gateway answers."""
        self._gateway = gateway

    async def ask(self, request: Request) -> Reply:
        """See `Line`."""
        if self._gateway is None:
            raise _silent(request)
        answering = asyncio.create_task(_answered(self._gateway, request), context=contextvars.Context())
        return await asyncio.shield(answering)


async def _answered(gateway: ASGIApp, request: Request) -> Reply:
    scope = request.scope(client=("127.0.0.1", 0))
    waiting = [request.body]
    answered = asyncio.Event()
    status, pieces = 0, list[bytes]()

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                answered.set()

    await gateway(scope, receive, send)
    return Reply(status, b"".join(pieces))


def _silent(request: Request) -> Problem:
    return Problem(
        "UNAVAILABLE", f"The gateway does not answer {request.method} {request.path}.", "Start it, or try again."
    )


async def ask(line: Line, request: Request) -> dict[str, Any]:
    """The answer's JSON. Raises the Problem that it names, or UNAVAILABLE when there is no answer."""
    reply = await line.ask(request)
    if 200 <= reply.status < 300:
        return cast(dict[str, Any], json.loads(reply.body))
    raise problem_of_answer(request.path, reply.status, reply.body)


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """A gateway that is busy, or begins again, is waited for: no task fails of that. What is asked is made anew each
    time, for an assertion counts once."""
    for pause in _PAUSES:
        try:
            return await attempt()
        except Problem as problem:
            if problem.code != "UNAVAILABLE":
                raise
        await asyncio.sleep(pause)
    return await attempt()


def json_bytes(shape: Mapping[str, Any]) -> bytes:
    """A body that goes with `JSON`."""
    return json.dumps(shape, separators=(",", ":")).encode()


def problem_of_answer(path: str, status: int, body: bytes) -> Problem:
    """The problem an HTTP error names, in the house's form (RFC 9457) or as OAuth or JSON-RPC put it."""
    try:
        shape = json.loads(body)
    except ValueError:
        shape = None
    if isinstance(shape, dict):
        shape = cast(dict[str, Any], shape)
        if isinstance(shape.get("code"), str):
            return Problem.from_dict(shape)
        error = shape.get("error")
        message = str(shape.get("error_description") or error or "")
        if isinstance(error, dict):
            message = str(cast(dict[str, Any], error).get("message", ""))
        elif isinstance(error, str) and error in _OAUTH:
            return Problem(_OAUTH[error], message)
    else:
        message = ""
    code = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "TOO_LARGE"}.get(
        status, "UNAVAILABLE" if status >= 500 else "INVALID_ARGUMENT"
    )
    return Problem(code, message or f"{path} answered {status}.")
