"""What every request meets at the gateway's edge: limits on the body, the bearer token, and errors as RFC 9457."""

import functools
import json
from collections.abc import Awaitable, Callable, Iterable

from holdback_base.problem import Problem
from holdback_trust import edges
from holdback_trust.edges import Rate, bearer, header, peer, send_body, send_problem
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import Caller
from holdback_trust.tokens import TokenVerifier
from starlette.types import Message, Receive, Scope, Send

__all__ = ["header", "send_problem"]

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of a request body; one more is 413."""
NO_STORE = ((b"cache-control", b"no-store"),)
Answer = Callable[[Scope, Receive, Send], Awaitable[int]]
"""Answers one request with the status that the client was sent."""
Places = dict[str, dict[str, Answer]]
"""What answers where, by path and method."""


async def send_json(send: Send, status: int, value: object, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with JSON."""
    await send_body(send, status, _JSON.encode(value).encode(), "application/json", (_NOSNIFF, *headers))


async def send_bytes(
    send: Send, status: int, body: bytes, media_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with a whole body."""
    await send_body(send, status, body, media_type, (_NOSNIFF, *headers))


_NOSNIFF = (b"x-content-type-options", b"nosniff")
_JSON = json.JSONEncoder(separators=(",", ":"))


def too_large(limit: int = BODY_LIMIT) -> Problem:
    """The problem of a body over the limit, in bytes."""
    return edges.too_large(limit)


def check_length(scope: Scope, limit: int = BODY_LIMIT) -> None:
    """Refuse a body that says it is too large, before any of it is read. Raises Problem."""
    edges.check_length(scope, limit)


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """The whole body. Raises Problem TOO_LARGE, or MESSAGE_MALFORMED when the client leaves before its end."""
    return await edges.read_body(scope, receive, limit)


class Told:
    """A `send` that knows whether the client was told anything."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)


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
    """Checks the bearer token of a request against the audience it wants to reach; one `verifier` an audience.

    With the house's `enforcement` a token that was revoked opens nothing here, not even what nobody judges, such as a
    list of tools; and callers come with the address that they ask from, where its policies look at it.
    """

    def __init__(
        self,
        url: str,
        verifier: Callable[[str], TokenVerifier],
        rate: Rate | None = None,
        enforcement: Enforcement | None = None,
    ) -> None:
        self._url, self._enforcement = url, enforcement
        self._verifier, self._rate = functools.cache(verifier), rate

    def caller(self, scope: Scope, audience: str) -> Caller:
        """Who calls. Raises Problem UNAUTHENTICATED, TOO_MANY_REQUESTS."""
        token = bearer(scope)
        try:
            if not token:
                raise Problem(
                    "UNAUTHENTICATED",
                    f"A bearer token for {audience} is needed.",
                    f"Ask {self._url}/oauth/token for a token with audience {audience}.",
                )
            caller = self._verifier(audience).verify(token)
            refusal = self._enforcement.standing.refusal(caller) if self._enforcement is not None else None
            if refusal is not None and refusal.code == "UNAUTHENTICATED":
                raise refusal
        except Problem:
            self.count(peer(scope))
            raise
        self.count(caller.agent or caller.person)
        return caller if self._enforcement is None else self._enforcement.placed(caller, scope)

    def count(self, who: str) -> None:
        """One more request of somebody. Raises Problem TOO_MANY_REQUESTS."""
        if self._rate is not None:
            self._rate.take(who)

    def challenge(self, problem: Problem, path: str, *, with_token: bool = True) -> str:
        """WWW-Authenticate for a refusal: where to learn how to get a token; empty for others."""
        about = f"{self._url}/.well-known/oauth-protected-resource{path}"
        return edges.challenge(problem, about, with_token=with_token)


def no_such_place() -> Problem:
    """What is said of a path that is none, or none for the method."""
    return Problem("NOT_FOUND", "There is nothing at this path for this method.", "See /.well-known/ai-catalog.json.")


class UnreachableError(Exception):
    """An upstream does not answer, or stopped in the middle; `status` is what HTTP calls that: 502 or 504."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status
