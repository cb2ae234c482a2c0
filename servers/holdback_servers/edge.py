"""The HTTP edge of a room: a bearer token on every call, a limit on bodies, nothing else let through. Raw ASGI."""

import json

from holdback_base.problem import Problem
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp, Receive, Scope, Send

from holdback_servers.serving import CALLER_SCOPE


class Edge:
    """Stands in front of a room's HTTP app.

    `<mount>` itself is the MCP endpoint and needs a token whose audience is the room; what lies below `<mount>/` are
    the room's open routes, such as the status of a statement.

    Args:
        app: the room's app, with its MCP endpoint at `/mcp`.
        mount: the path under which the room is reached, such as `/mcp/rights`.
        body_limit: bytes of a request's body.
    """

    def __init__(self, app: ASGIApp, *, mount: str, verifier: TokenVerifier, body_limit: int) -> None:
        self._app, self._mount, self._verifier, self._limit = app, mount, verifier, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.rstrip("/") != self._mount:
            await self._app({**scope, "path": path.removeprefix(self._mount), "root_path": ""}, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            if scope["method"] == "GET":
                raise Problem("INVALID_ARGUMENT", "This endpoint keeps no stream open.", "Send requests with POST.")
            if int(headers.get(b"content-length", b"0")) > self._limit:
                raise Problem("TOO_LARGE", f"The body is over {self._limit} bytes.", "Send less at a time.")
            if not _bearer(headers):
                raise Problem("UNAUTHENTICATED", "The request carries no bearer token.", "Ask the gateway for one.")
            caller = self._verifier.verify(_bearer(headers))
        except (Problem, ValueError) as error:
            await _refuse(send, error, with_token=bool(_bearer(headers)))
            return
        await self._app({**scope, "path": "/mcp", "root_path": "", CALLER_SCOPE: caller}, receive, send)


def _bearer(headers: dict[bytes, bytes]) -> str:
    """The bearer token that a request brings, or nothing."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return token if scheme.lower() == "bearer" else ""


_STATUS = {"UNAUTHENTICATED": 401, "TOO_LARGE": 413, "INVALID_ARGUMENT": 405}


async def _refuse(send: Send, error: Exception, *, with_token: bool) -> None:
    problem = error if isinstance(error, Problem) else Problem("INVALID_ARGUMENT", "A header is malformed.", "Mend it.")
    status = _STATUS.get(problem.code, 400) if isinstance(error, Problem) else 400
    body = json.dumps({"type": "about:blank", "status": status, "title": problem.message, **problem.as_dict()}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        # RFC 6750, 3.1: a request that brought no token is told no error code
        challenge = b'Bearer error="invalid_token"' if with_token else b"Bearer"
        headers.append((b"www-authenticate", challenge))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
