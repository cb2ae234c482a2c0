"""The gateway's open pages: cards, catalogue, keys, and what the token endpoint can do. Made once, served as bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from holdback_trust.identity import GATEWAY
from starlette.types import Scope, Send

from holdback_agents.gateway import cards, oauth
from holdback_agents.gateway.edge import header, send_bytes
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices

CARD = "/.well-known/agent-card.json"
_FRESH = b"public, max-age=60"


@dataclass(frozen=True)
class Page:
    """A body that does not change while the gateway runs."""

    body: bytes
    tag: str

    @classmethod
    def of(cls, value: object) -> "Page":
        """A page of JSON."""
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    async def answer(self, scope: Scope, send: Send) -> int:
        """200, or 304 for who has it already (RFC 9110 13.1.2)."""
        known = {each.strip().removeprefix("W/") for each in header(scope, b"if-none-match").split(",")}
        headers = [(b"etag", self.tag.encode()), (b"cache-control", _FRESH)]
        if self.tag in known or "*" in known:
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return 304
        await send_bytes(send, 200, self.body, "application/json", headers)
        return 200


def open_pages(services: GatewayServices, registry: Registry) -> Mapping[str, Page]:
    """Every open page by its exact path."""
    protected = "/.well-known/oauth-protected-resource"
    signs_in = services.credentials is not None or services.issuer is not None
    pages: dict[str, object] = {
        CARD: cards.gateway_card(registry, services.version, services.keys),
        "/.well-known/ai-catalog.json": cards.catalog(registry),
        "/.well-known/oauth-authorization-server": oauth.server_metadata(registry, signs_in=signs_in),
        "/oauth/jwks.json": {"keys": [dict(services.keys.public_jwk)]},
        protected: oauth.resource_metadata(registry, GATEWAY),
    }
    if signs_in:
        pages["/.well-known/openid-configuration"] = oauth.server_metadata(registry, signs_in=True)
    for agent in registry.agents.values():
        path = f"/agents/{agent.name}"
        pages[path + CARD] = cards.agent_card(registry, agent, services.keys)
        pages[protected + path] = oauth.resource_metadata(registry, agent.audience)
    for server in registry.servers.values():
        pages[f"{protected}/mcp/{server.name}"] = oauth.resource_metadata(registry, server.audience)
    return {path: Page.of(value) for path, value in pages.items()}
