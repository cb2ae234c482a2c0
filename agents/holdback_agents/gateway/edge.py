"""What every request meets at the gateway's edge: limits on the body, the bearer token, and errors as RFC 9457."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from holdback_base.problem import Problem
from holdback_trust.identity import Caller
from holdback_trust.tokens import TokenVerifier
from starlette.types import Message, Receive, Scope, Send

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of a request body; one more is 413."""

_STATUS: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "MESSAGE_MALFORMED": 400,
    "STATEMENT_INVALID": 400,
    "STATEMENT_EXPIRED": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "SEPARATION_OF_DUTIES": 403,
    "NOT_FOUND": 404,
    "NOBODY_OFFERS": 404,
    "CONFLICT": 409,
    "TOO_LARGE": 413,
    "UNAVAILABLE": 502,
}
_Headers = list[tuple[bytes, bytes]]


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem; 500 for what is the gateway's own fault."""
    return _STATUS.get(problem.code, 500)


def problem_body(problem: Problem, status: int) -> bytes:
    """RFC 9457, with the house's `code`, `hint` and `details` as members."""
    shape: dict[str, Any] = {
        "type": f"urn:holdback:problem:{problem.code.lower().replace('_', '-')}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": problem.message,
    }
    return json.dumps(shape | problem.as_dict(), separators=(",", ":")).encode()


async def send_problem(send: Send, problem: Problem, *, status: int | None = None, challenge: str = "") -> int:
    """Answer with the problem; `challenge` goes into WWW-Authenticate. Returns the status that was sent."""
    number = status or status_of(problem)
    headers = [(b"cache-control", b"no-store")]
    if challenge:
        headers.append((b"www-authenticate", challenge.encode()))
    await send_bytes(send, number, problem_body(problem, number), "application/problem+json", headers)
    return number


async def send_json(send: Send, status: int, value: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with JSON."""
    await send_bytes(send, status, json.dumps(value, separators=(",", ":")).encode(), "application/json", headers)


async def send_bytes(
    send: Send, status: int, body: bytes, media_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a whole body."""
    fixed: _Headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str:
    """The first header of that lower-case name, or nothing."""
    found = next((value for key, value in scope["headers"] if key == name), b"")
    return bytes(found).decode("latin-1")


def too_large(limit: int = BODY_LIMIT) -> Problem:
    """The problem of a body over the limit, in bytes."""
    return Problem("TOO_LARGE", f"The body is over {limit} bytes.", "Send media by its sha256, not inside messages.")


def check_length(scope: Scope, limit: int = BODY_LIMIT) -> None:
    """Refuse a body that says it is too large, before any of it is read. Raises Problem TOO_LARGE."""
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """The whole body. Raises Problem TOO_LARGE, or MESSAGE_MALFORMED when the client leaves before its end."""
    check_length(scope, limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("MESSAGE_MALFORMED", "The body ended early.", "Send the whole body.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


class UnreadableError(Problem):
    """MESSAGE_MALFORMED for a body that is no JSON at all."""

    def __init__(self) -> None:
        super().__init__("MESSAGE_MALFORMED", "The body is not JSON.", "Send UTF-8 JSON.")


def read_json(body: bytes) -> object:
    """The body as JSON. Raises UnreadableError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableError from None


class Edge:
    """Checks the bearer token of a request against the audience it wants to reach; one verifier an audience."""

    def __init__(self, url: str, verifiers: Mapping[str, TokenVerifier]) -> None:
        self._url = url
        self._verifiers = verifiers

    def caller(self, scope: Scope, audience: str) -> Caller:
        """Who calls. Raises Problem UNAUTHENTICATED."""
        scheme, _, token = header(scope, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(
                "UNAUTHENTICATED",
                f"A bearer token for {audience} is needed.",
                f"Ask {self._url}/oauth/token for a token with audience {audience}.",
            )
        return self._verifiers[audience].verify(token.strip())

    def challenge(self, problem: Problem, path: str, scope: str = "") -> str:
        """WWW-Authenticate for a refusal (RFC 6750, RFC 9728): where to learn how to get a token; empty for others."""
        if problem.code not in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return ""
        error = "invalid_token" if problem.code == "UNAUTHENTICATED" else "insufficient_scope"
        wanted = f', scope="{scope}"' if scope else ""
        about = f"{self._url}/.well-known/oauth-protected-resource{path}"
        return f'Bearer error="{error}"{wanted}, resource_metadata="{about}"'


class UnreachableError(Exception):
    """An upstream does not answer, or stopped in the middle; `status` is what HTTP calls that: 502 or 504."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
