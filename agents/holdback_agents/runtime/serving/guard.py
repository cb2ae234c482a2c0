"""What every request to an agent meets first: both forms of its address, a limit on the body, and the bearer token.

Nothing but the card and `/health` is open.
"""

from collections.abc import Iterable

from holdback_base.problem import Problem
from holdback_trust.edges import REFUSAL, Rate, again, bearer, challenge, peer, read_body, send_problem, status_of
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdback_agents.runtime.executor import SESSION
from holdback_agents.runtime.house import Session

OPEN_PATHS = frozenset({"/.well-known/agent-card.json", "/health"})


class Guard:
    """ASGI middleware in front of one agent.

    Args:
        app: the agent.
        verifier: for tokens whose audience is this agent.
        metadata: URL that tells how to get a token for it (RFC 9728), for challenges.
        extensions: what may be echoed as activated.
        limit: bytes of a body.
        rate: how often one caller may ask; no limit without one.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: TokenVerifier,
        *,
        metadata: str,
        extensions: Iterable[str],
        limit: int,
        rate: Rate | None = None,
    ) -> None:
        self._app, self._verifier, self._limit, self._rate = app, verifier, limit, rate
        self._metadata, self._extensions = metadata, frozenset(extensions)

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
                scope[SESSION] = self._session(scope)
                receive = again(await read_body(scope, receive, self._limit), receive)
        except Problem as problem:
            told = challenge(problem, self._metadata, with_token=bool(bearer(scope)))
            await send_problem(send, problem, challenge=told)
            return
        await self._app(scope, receive, self._answering(scope, send))

    def _session(self, scope: Scope) -> Session:
        token = bearer(scope)
        try:
            if not token:
                raise Problem(
                    "UNAUTHENTICATED", "A bearer token is needed.", "Ask the gateway for a token for this agent."
                )
            caller = self._verifier.verify(token)
        except Problem:
            self._count(peer(scope))
            raise
        self._count(caller.agent or caller.person)
        return Session(caller, token)

    def _count(self, who: str) -> None:
        if self._rate is not None:
            self._rate.take(who)

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
                    told = challenge(refusal, self._metadata)
                    headers += [(b"www-authenticate", told.encode("ascii", "replace"))] if told else []
                    message = {**message, "status": status_of(refusal)}
                message = {**message, "headers": headers}
            await send(message)

        return answer


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
