"""The token endpoint and what belongs to it over HTTP: `/oauth/token`, `/oauth/introspect` and `/oauth/revoke`."""

from collections.abc import Awaitable, Callable
from typing import Any

from holdback_trust.edges import peer
from starlette.types import Receive, Scope, Send

from holdback_agents.gateway.edge import NO_STORE, Answer, Edge, Places, header, read_body, send_json
from holdback_agents.gateway.oauth import FORM_LIMIT, OAuthError, TokenDoor
from holdback_agents.gateway.token_status import TokenStatus

Ask = Callable[[bytes], Awaitable[dict[str, Any]]]


class OAuthPlaces:
    """Answers forms with JSON; what is refused counts for whoever sent it (RFC 6749, 5.2)."""

    def __init__(self, tokens: TokenDoor, status: TokenStatus, edge: Edge) -> None:
        self._tokens, self._status, self._edge = tokens, status, edge

    def places(self) -> Places:
        """What answers where."""
        return {
            "/oauth/token": {"POST": self._answering(self._tokens.answer)},
            "/oauth/introspect": {"POST": self._answering(self._introspect)},
            "/oauth/revoke": {"POST": self._answering(self._revoke)},
        }

    async def _introspect(self, body: bytes) -> dict[str, Any]:
        return self._status.introspect(body)

    async def _revoke(self, body: bytes) -> dict[str, Any]:
        await self._status.revoke(body)
        return {}

    def _answering(self, ask: Ask) -> Answer:
        async def answer(scope: Scope, receive: Receive, send: Send) -> int:
            try:
                if header(scope, b"content-type").partition(";")[0].strip() != "application/x-www-form-urlencoded":
                    raise OAuthError("invalid_request", "Send the fields form-encoded.")
                told = await ask(await read_body(scope, receive, FORM_LIMIT))
            except OAuthError as error:
                self._edge.count(peer(scope))
                await send_json(send, error.status, error.as_dict(), NO_STORE)
                return error.status
            await send_json(send, 200, told, NO_STORE)
            return 200

        return answer
