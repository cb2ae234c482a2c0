"""What every request to an agent meets first: both forms of its address, a limit on the body, and the bearer token.

Nothing but the card and `/health` is open.
"""

import json
from collections.abc import Iterable, Mapping

from holdback_base.problem import Problem
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdback_agents.runtime.executor import SESSION
from holdback_agents.runtime.handler import REFUSAL
from holdback_agents.runtime.house import Session

OPEN_PATHS = frozenset({"/.well-known/agent-card.json", "/health"})
_STATUS: Mapping[str, int] = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403, "TOO_LARGE": 413}


class Guard:
    """ASGI middleware in front of one agent.

    Args:
        app: the agent.
        verifier: for tokens whose audience is this agent.
        resource: the agent's URL, named in challenges (RFC 9728).
        extensions: what may be echoed as activated.
        limit: bytes of a body.
    """

    def __init__(
        self, app: ASGIApp, verifier: TokenVerifier, *, resource: str, extensions: Iterable[str], limit: int
    ) -> None:
        self._app, self._verifier, self._limit = app, verifier, limit
        self._resource, self._extensions = resource, frozenset(extensions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a good request on; answer others with RFC 9457."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root = scope.get("root_path", "")
        path = scope["path"]
        if root and path.startswith(root):
            path = path[len(root) :]
        if not path:  # the address without its slash
            scope = {**scope, "path": f"{root}/", "raw_path": f"{root}/".encode()}
        try:
            if path not in OPEN_PATHS:
                token = _bearer(scope)
                scope[SESSION] = Session(self._verifier.verify(token), token)
                receive = await _whole(scope, receive, self._limit)
        except Problem as problem:
            await _refuse(send, problem, self._challenge(problem))
            return
        await self._app(scope, receive, self._answering(scope, send))

    def _answering(self, scope: Scope, send: Send) -> Send:
        wanted = _header(scope, b"a2a-extensions")
        echo = ", ".join(sorted(self._extensions & {each.strip() for each in wanted.split(",")})) if wanted else ""

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if echo:
                    headers.append((b"a2a-extensions", echo.encode()))
                refusal: Problem | None = scope.get(REFUSAL)
                if refusal is not None:
                    headers.append((b"www-authenticate", self._challenge(refusal).encode()))
                    message = {**message, "status": _STATUS.get(refusal.code, 403)}
                message = {**message, "headers": headers}
            await send(message)

        return answer

    def _challenge(self, problem: Problem) -> str:
        error = {"UNAUTHENTICATED": "invalid_token", "PERMISSION_DENIED": "insufficient_scope"}.get(problem.code)
        if error is None:
            return ""
        scope = f', scope="{problem.details["scope"]}"' if "scope" in problem.details else ""
        return f'Bearer realm="{self._resource}", error="{error}"{scope}'


def _bearer(scope: Scope) -> str:
    scheme, _, token = _header(scope, b"authorization").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("UNAUTHENTICATED", "A bearer token is needed.", "Ask the gateway for a token for this agent.")
    return token.strip()


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


async def _whole(scope: Scope, receive: Receive, limit: int) -> Receive:
    """The body, read up to the limit, then given again to whoever asks first."""
    length = _header(scope, b"content-length")
    chunks: list[bytes] = []
    size = int(length) if length.isdigit() else 0
    more = size <= limit
    size = 0 if more else size
    while more:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        more = message["type"] == "http.request" and message.get("more_body", False) and size <= limit
    if size > limit:
        raise Problem("TOO_LARGE", f"The body is over {limit} bytes.", "Send media by its sha256, not inside messages.")
    waiting: list[Message] = [{"type": "http.request", "body": b"".join(chunks), "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _refuse(send: Send, problem: Problem, challenge: str) -> None:
    status = _STATUS.get(problem.code, 500)
    shape = {
        "type": f"urn:holdback:problem:{problem.code.lower().replace('_', '-')}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": problem.message,
        **problem.as_dict(),
    }
    body = json.dumps(shape, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if challenge:
        headers.append((b"www-authenticate", challenge.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
