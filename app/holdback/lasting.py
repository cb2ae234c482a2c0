"""Streams at the own port of a server or an agent: they end with the right to them, as those through the gateway do.

A stream is a call that lasts, so whether it may is asked again and again: it ends when the token that it was opened
with has had its time or counts no more, and when its agent or its task is stopped. Whoever still may opens a new one
with a new token.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog
from holdback_trust.edges import bearer
from holdback_trust.standing import Standing
from holdback_trust.tokens import TokenVerifier
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Lasting:
    """ASGI middleware in front of what checks tokens: it lets streams of events in, and does not let them outlast.

    Args:
        app: the server or agent, which refuses whatever it is asked without a token that is good.
        audience: whose tokens these are, such as `mcp:rights`.
        verifier: of such tokens.
        standing: of the house.
        audit: where it is written down that a stream was ended before its time.
    """

    def __init__(
        self, app: ASGIApp, audience: str, *, verifier: TokenVerifier, standing: Standing, audit: AuditLog
    ) -> None:
        self._app, self._audience = app, audience
        self._verifier, self._standing, self._audit = verifier, standing, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(receive, send, lambda: self._may(bearer(scope)))
        try:
            await self._app(scope, answer.receive, answer.send)
            await answer.finish()
        finally:
            answer.let_go()

    def _may(self, token: str) -> bool:
        """Whether a stream that was opened with this token may stay open."""
        try:
            caller = self._verifier.verify(token)
        except Problem:  # it has had its time: who still may has a new one by now
            return False
        refusal = self._standing.refusal(caller)
        if refusal is not None:
            self._audit.append(
                actor=caller.agent or caller.person,
                on_behalf_of=caller.person,
                chain=caller.chain,
                action="stream",
                resource=self._audience,
                decision=f"denied:{refusal.code}",
                policy="standing",
                task=caller.task.id if caller.task else "",
                root=caller.task.root if caller.task else "",
            )
        return refusal is None


class _Answer:
    """The answer to one request, which is watched once it turns out to be a stream of events.

    When it is ended its client has left, to whoever answers, and to the client the answer is whole.
    """

    def __init__(self, receive: Receive, send: Send, may: Callable[[], bool]) -> None:
        self._receive, self._send, self._may = receive, send, may
        self._over = asyncio.get_running_loop().create_future()
        self._watching: asyncio.Task[None] | None = None
        self._asked = self._told = False

    async def receive(self) -> Message:
        """The next piece of the request, then that the client has left."""
        if not self._asked:
            message = await self._receive()
            self._asked = message["type"] != "http.request" or not message.get("more_body", False)
            return message
        coming = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait((coming, self._over), return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if self._over.done() else coming.result()
        finally:
            coming.cancel()

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on, unless it is over."""
        if self._over.done():
            return
        if message["type"] == "http.response.start" and _tells_events(message.get("headers", ())):
            self._watching = asyncio.create_task(self._watch())
        self._told = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def _watch(self) -> None:
        try:
            while self._may():
                await asyncio.wait((self._over,), timeout=LOOK_SECONDS)
        except Exception:
            _log.exception("whether a stream may stay open cannot be told, so it is ended")
        if not self._over.done():
            self._over.set_result(None)

    async def finish(self) -> None:
        """Tell the client that there is no more, where that was decided here."""
        if self._over.done() and not self._told:
            await self._send({"type": "http.response.body", "body": b""})

    def let_go(self) -> None:
        """Nothing more comes of it."""
        if self._watching is not None:
            self._watching.cancel()


def _tells_events(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        bytes(name).lower() == b"content-type" and bytes(value)[:17].lower() == b"text/event-stream"
        for name, value in headers
    )
