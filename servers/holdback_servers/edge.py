"""The HTTP edge of a room: a bearer token on every call, limits on bodies and on how often, nothing else passes."""

import json
from typing import Any, cast

from holdback_base.problem import Problem
from holdback_trust.edges import (
    REFUSAL,
    Rate,
    again,
    bearer,
    body_within,
    challenge,
    check_length,
    peer,
    send_body,
    send_problem,
    status_of,
)
from holdback_trust.standing import Standing
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdback_servers.serving import CALLER_SCOPE

_ENDPOINT = "/mcp"
"""Where the room's app has its MCP endpoint."""
_REFUSED = -32003
"""The JSON-RPC code of a call that its token does not allow; what is wrong stands in the error's data."""


class Edge:
    """Stands in front of a room's HTTP app.

    `<mount>` itself is the MCP endpoint and needs a token whose audience is the room; what lies below `<mount>/` are
    the room's open routes, such as the status of a statement.

    Args:
        app: the room's app, with its MCP endpoint at `/mcp`, which is reached through `mount` only.
        mount: the path under which the room is reached, such as `/mcp/rights`.
        body_limit: bytes of a request's body.
        rate: how often one caller may ask; no limit without one.
        metadata: URL that tells how to get a token (RFC 9728), for challenges.
        standing: of the house: a token that was revoked is refused, also for what nobody judges.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        mount: str,
        verifier: TokenVerifier,
        body_limit: int,
        rate: Rate | None = None,
        metadata: str = "",
        standing: Standing | None = None,
    ) -> None:
        self._app, self._mount, self._verifier, self._limit = app, mount, verifier, body_limit
        self._rate, self._metadata, self._standing = rate, metadata, standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        try:
            if path.rstrip("/") != self._mount:
                self._count(peer(scope))
                await self._app({**scope, "path": self._below(path), "root_path": ""}, receive, send)
                return
            if scope["method"] == "GET":
                raise Problem("INVALID_ARGUMENT", "This endpoint keeps no stream open.", "Send requests with POST.")
            check_length(scope, self._limit)
            caller = self._caller(scope)
            receive = again(await body_within(receive, self._limit), receive)
        except Problem as problem:
            await self._refuse(scope, send, problem)
            return
        inner: dict[str, Any] = {**scope, "path": _ENDPOINT, "root_path": "", CALLER_SCOPE: caller}
        await self._app(inner, receive, _Answer(inner, send, self._metadata))

    def _below(self, path: str) -> str:
        """What lies below the mount, where everybody may look. The app's own endpoint does not: it takes a token."""
        below = path.removeprefix(self._mount)
        if below == path or not below.startswith("/") or below.rstrip("/") == _ENDPOINT:
            raise Problem("NOT_FOUND", "There is nothing at this path.", f"The endpoint is {self._mount}.")
        return below

    def _caller(self, scope: Scope) -> Any:
        token = bearer(scope)
        if not token:
            self._count(peer(scope))
            raise Problem("UNAUTHENTICATED", "The request carries no bearer token.", "Ask the gateway for one.")
        try:
            caller = self._verifier.verify(token)
            refusal = self._standing.refusal(caller) if self._standing is not None else None
            if refusal is not None and refusal.code == "UNAUTHENTICATED":
                raise refusal
        except Problem:
            self._count(peer(scope))
            raise
        self._count(caller.agent or caller.person)
        return caller

    def _count(self, who: str) -> None:
        if self._rate is not None:
            self._rate.take(who)

    async def _refuse(self, scope: Scope, send: Send, problem: Problem) -> None:
        wrong_method = problem.code == "INVALID_ARGUMENT" and scope["method"] == "GET"
        told = challenge(problem, self._metadata, with_token=bool(bearer(scope)))
        allow = [(b"allow", b"POST")] if wrong_method else []
        await send_problem(send, problem, status=405 if wrong_method else None, challenge=told, headers=allow)


class _Answer:
    """A `send` that turns the answer of a call which its token does not allow into 401 or 403 with a challenge, so that
    a client can ask for the scope it lacks and try again (MCP 2026-07-28, authorization, step-up)."""

    def __init__(self, scope: Scope, send: Send, metadata: str) -> None:
        self._scope, self._send, self._metadata = scope, send, metadata
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        problem: Problem | None = self._scope.get(REFUSAL)
        if problem is None:
            await self._send(message)
            return
        if message["type"] != "http.response.body":
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        shape = {"code": _REFUSED, "message": problem.line(), "data": problem.as_dict()}
        answer = {"jsonrpc": "2.0", "id": _request_id(bytes(self._body)), "error": shape}
        told = challenge(problem, self._metadata)
        headers = [(b"www-authenticate", told.encode("ascii", "replace"))] if told else []
        await send_body(self._send, status_of(problem), json.dumps(answer).encode(), "application/json", headers)


def _request_id(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return cast(dict[str, Any], answer).get("id") if isinstance(answer, dict) else None
