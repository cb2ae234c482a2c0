"""Who listens to which resources of a door, and how they are told that one has changed.

A client of protocol 2026-07-28 opens a stream (`subscriptions/listen`); an older one subscribes to one resource at a
time (`resources/subscribe`) and hears on its own connection, which HTTP without sessions does not keep. Both are told
only that a resource is no longer what it was: what it is now, they read. What another process changes is not heard.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from holdback_base.problem import Problem
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST, EmptyResult, SubscribeRequestParams

Request = ServerRequestContext[Any, Any]
Admit = Callable[[Sequence[str], Request], None]
"""Raises Problem unless whoever sent the request may read these resources."""

log = logging.getLogger(__name__)

_METHODS: Final = frozenset({"subscriptions/listen", "resources/subscribe"})
_MOST: Final = 1000
"""Resources that one request may name, and that all older clients together may listen to times a hundred."""
_PATIENCE: Final = 5.0
"""Seconds that an older client has to take a notification."""


class Listeners:
    """The listeners of one door."""

    def __init__(self, admit: Admit) -> None:
        self.bus = InMemorySubscriptionBus()
        self._admit = admit
        self._streams = Counter[str]()
        self._sessions: dict[str, list[ServerSession]] = {}

    async def guard(self, ctx: Request, call_next: CallNext) -> HandlerResult:
        """MCP middleware: who listens to a resource must be allowed to read it. A stream is a call that lasts."""
        if ctx.method not in _METHODS:
            return await call_next(ctx)
        uris = _named(ctx.params or {})
        try:
            if len(uris) > _MOST:
                raise Problem("TOO_LARGE", f"The request names {len(uris)} resources.", f"Name {_MOST} at most.")
            self._admit(uris, ctx)
        except Problem as problem:
            raise MCPError(INVALID_REQUEST, problem.line(), data={"code": problem.code}) from problem
        self._streams.update(uris)
        try:
            return await call_next(ctx)
        finally:
            self._streams.subtract(uris)
            self._streams = +self._streams

    async def subscribe(self, ctx: Request, asked: SubscribeRequestParams) -> EmptyResult:
        """`resources/subscribe` of an older client."""
        if ctx.request is not None:
            raise MCPError(
                INVALID_REQUEST,
                "Over HTTP this server keeps no sessions, so it cannot tell a client of this protocol version. "
                "Listen with protocol 2026-07-28, or ask get_clearance again.",
            )
        if len(self._sessions) >= _MOST * 100:
            raise MCPError(INVALID_REQUEST, "Too many resources are listened to. Unsubscribe from some.")
        self._forget(str(asked.uri), ctx.session)
        self._sessions.setdefault(str(asked.uri), []).append(ctx.session)
        return EmptyResult()

    async def unsubscribe(self, ctx: Request, asked: SubscribeRequestParams) -> EmptyResult:
        """`resources/unsubscribe` of an older client."""
        self._forget(str(asked.uri), ctx.session)
        return EmptyResult()

    @property
    def listened(self) -> frozenset[str]:
        """URIs of resources that somebody listens to now."""
        return frozenset(self._streams) | self._sessions.keys()

    async def tell_changed(self, uris: Iterable[str]) -> None:
        """Tell those who listen that these resources are no longer what they were."""
        for uri in uris:
            await self.bus.publish(ResourceUpdated(uri=uri))
            for session in tuple(self._sessions.get(uri, ())):
                try:
                    async with asyncio.timeout(_PATIENCE):
                        await session.send_resource_updated(uri)
                except Exception as failure:
                    log.info("a client that listened to %s is gone: %r", uri, failure)
                    self._forget(uri, session)

    def _forget(self, uri: str, session: ServerSession) -> None:
        left = [each for each in self._sessions.pop(uri, ()) if not _same_client(each, session)]
        if left:
            self._sessions[uri] = left


def _same_client(one: ServerSession, other: ServerSession) -> bool:
    """A session stands for one request; what its client said when it connected is one object a connection."""
    return one.client_params is other.client_params


def _named(params: Mapping[str, Any]) -> list[str]:
    """The resources that a request of either era names; whether it is well formed is seen later."""
    notifications = params.get("notifications")
    if isinstance(notifications, Mapping):
        uris = cast(Mapping[str, Any], notifications).get("resourceSubscriptions")
        return [str(each) for each in cast(list[Any], uris)] if isinstance(uris, list) else []
    return [str(params["uri"])] if "uri" in params else []
