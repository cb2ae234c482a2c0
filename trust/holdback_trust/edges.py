"""What every HTTP edge of a house has in common: bearer tokens, challenges, refusals, limits. Raw ASGI, no framework.

A refusal is RFC 9457 with the house's `code`, `hint` and `details` as members; 401 and 403 carry a challenge (RFC
6750) that says where to learn how to get a token (RFC 9728), which scope is missing, and whether a second factor is
(RFC 9470).
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from holdback_base.problem import Problem
from starlette.types import Message, Receive, Scope, Send

REFUSAL = "holdback.refusal"
"""Where the inside of an app leaves, in the ASGI scope, the Problem for which its edge is to answer 401 or 403."""
FACTORS = "urn:holdback:acr:second-factor"
"""The authentication context that a second factor gives (RFC 9470 `acr_values`)."""
STATUS: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "MESSAGE_MALFORMED": 400,
    "STATEMENT_INVALID": 400,
    "STATEMENT_EXPIRED": 400,
    "CLEARANCE_HASH_MISMATCH": 400,
    "UNAUTHENTICATED": 401,
    "SECOND_FACTOR_NEEDED": 401,
    "PERMISSION_DENIED": 403,
    "SEPARATION_OF_DUTIES": 403,
    "AGENT_NOT_ADMITTED": 403,
    "AGENT_SUSPENDED": 403,
    "TASK_ENDED": 403,
    "GUARDIAN_BLOCKED": 403,
    "PERSON_NEEDED": 403,
    "HOST_NOT_ALLOWED": 403,
    "QUARANTINED": 403,
    "NOT_FOUND": 404,
    "NOBODY_OFFERS": 404,
    "CONFLICT": 409,
    "APPROVAL_REVOKED": 409,
    "TOO_LARGE": 413,
    "TOO_MANY_REQUESTS": 429,
    "UNAVAILABLE": 502,
}
"""What HTTP calls a problem; 500 for the house's own faults."""
SAFE_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_LONGEST_TOKEN = 16_384
_MOST_CALLERS = 10_000


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem."""
    return STATUS.get(problem.code, 500)


def problem_body(problem: Problem, status: int) -> bytes:
    """RFC 9457."""
    shape: dict[str, Any] = {
        "type": f"urn:holdback:problem:{problem.code.lower().replace('_', '-')}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": problem.message,
    }
    return json.dumps(shape | problem.as_dict(), separators=(",", ":")).encode()


async def send_problem(
    send: Send,
    problem: Problem,
    *,
    status: int | None = None,
    challenge: str = "",
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> int:
    """Answer with the problem; `challenge` goes into WWW-Authenticate. Returns the status that was sent."""
    number = status or status_of(problem)
    more = list(headers)
    if challenge:
        more.append((b"www-authenticate", challenge.encode("ascii", "replace")))
    if "retry_after" in problem.details:
        more.append((b"retry-after", str(problem.details["retry_after"]).encode()))
    await send_body(send, number, problem_body(problem, number), "application/problem+json", (*SAFE_HEADERS, *more))
    return number


async def send_body(
    send: Send, status: int, body: bytes, media_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a whole body."""
    fixed = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> str:
    """The first header of that lower-case name, or nothing."""
    found = next((value for key, value in scope["headers"] if key == name), b"")
    return bytes(found).decode("latin-1")


def bearer(scope: Scope) -> str:
    """The bearer token that a request brings, or nothing. A request with two, or an endless one, brings none."""
    given = [value for key, value in scope["headers"] if key == b"authorization"]
    if len(given) != 1 or len(given[0]) > _LONGEST_TOKEN:
        return ""
    scheme, _, token = bytes(given[0]).decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def challenge(problem: Problem, metadata: str = "", *, with_token: bool = True) -> str:
    """WWW-Authenticate for a refusal; nothing for what no token mends.

    Args:
        metadata: URL of the resource's metadata (RFC 9728).
        with_token: whether the request brought a token; one that brought none is told no error code (RFC 6750, 3.1).
    """
    errors = {
        "UNAUTHENTICATED": "invalid_token",
        "PERMISSION_DENIED": "insufficient_scope",
        "SECOND_FACTOR_NEEDED": "insufficient_user_authentication",
    }
    error = errors.get(problem.code)
    if error is None:
        return ""
    said = [f'error="{error}"'] if with_token or error != "invalid_token" else []
    scope = problem.details.get("scope")
    if isinstance(scope, str) and '"' not in scope and "\\" not in scope and scope.isprintable():
        said.append(f'scope="{scope}"')
    if problem.code == "SECOND_FACTOR_NEEDED":
        said.append(f'acr_values="{FACTORS}"')
    if metadata:
        said.append(f'resource_metadata="{metadata}"')
    return f"Bearer {', '.join(said)}".rstrip()


def check_length(scope: Scope, limit: int) -> None:
    """Refuse a body that says it is too large, or says it badly, before any of it is read. Raises Problem."""
    given = [value for key, value in scope["headers"] if key == b"content-length"]
    if not given:
        return
    if len(given) > 1 or not bytes(given[0]).isdigit():
        raise Problem("INVALID_ARGUMENT", "The header Content-Length is malformed.", "Send one whole number.")
    if len(given[0]) > 18 or int(given[0]) > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """The problem of a body over the limit, in bytes."""
    return Problem("TOO_LARGE", f"The body is over {limit} bytes.", "Send media by its sha256, not inside messages.")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Problem TOO_LARGE, or MESSAGE_MALFORMED when the client leaves before its end."""
    check_length(scope, limit)
    return await body_within(receive, limit)


async def body_within(receive: Receive, limit: int) -> bytes:
    """The same, where `check_length` has been asked already."""
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


def again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, given again to whoever asks first."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given


class Rate:
    """How often each caller may ask: so many a minute, evenly, and as many at once as a sixth of a minute allows.

    Kept by the generic cell rate algorithm (ITU-T I.371): one number a caller. Who has not asked for longest is
    forgotten first.

    Args:
        a_minute: requests of one caller.
        now: a clock in seconds that never goes back.
    """

    def __init__(self, a_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._gap, self._ahead, self._now = 60.0 / a_minute, 10.0, now
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str) -> None:
        """One more request. Raises Problem TOO_MANY_REQUESTS, which says when to come again."""
        now = self._now()
        due = max(self._due.get(caller, now), now)
        if due - now > self._ahead:
            wait = max(1, int(due - now - self._ahead) + 1)
            raise Problem(
                "TOO_MANY_REQUESTS",
                f"{caller} asks more often than is allowed.",
                f"Wait {wait} s; calls_a_minute in holdback.toml says how often one caller may ask.",
                retry_after=wait,
            )
        self._due[caller] = due + self._gap
        self._due.move_to_end(caller)
        if len(self._due) > _MOST_CALLERS:
            self._due.popitem(last=False)


def peer(scope: Scope) -> str:
    """From where a request comes, for those that bring no good token."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
