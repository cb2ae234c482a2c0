"""The cards that the gateway serves: its own, those of the agents behind it, and the catalogue of everything.

A card served here names the gateway's addresses, so the agent's own signature no longer fits; the gateway signs what
it serves with its own key instead.
"""

from typing import Any

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.types.a2a_pb2 import AgentCard
from a2a.utils.signing import create_agent_card_signer
from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import ParseDict
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyPair

from holdback_agents.contracts import SKILL_EXTENSION
from holdback_agents.gateway.registry import AgentEntry, Registry

_BEARER = {
    "bearer": {
        "httpAuthSecurityScheme": {
            "scheme": "Bearer",
            "bearerFormat": "JWT",
            "description": "An access token from /oauth/token whose audience is this agent.",
        }
    }
}


def agent_card(registry: Registry, agent: AgentEntry, keys: KeyPair) -> dict[str, Any]:
    """The agent's card with the gateway's addresses, signed by the gateway."""
    card = AgentCard()
    card.CopyFrom(agent.card)
    scopes = [agent.scope_of(skill.id) for skill in card.skills]
    return _finished(card, registry.address(agent), scopes, registry, keys)


def gateway_card(registry: Registry, version: str, keys: KeyPair) -> dict[str, Any]:
    """The gateway's own card: all skills of all agents, signed by the gateway."""
    card = ParseDict(
        {
            "name": "Holdback",
            "description": "The front door of a house of media agents: name a skill, send a typed part, or say in "
            "words what you need, and it reaches the agent that does it.",
            "version": version,
            "capabilities": {
                "streaming": True,
                "extensions": [
                    {
                        "uri": SKILL_EXTENSION,
                        "description": "Message metadata under this key names the skill that is meant.",
                    }
                ],
            },
            "defaultInputModes": ["application/json", "text/plain"],
            "defaultOutputModes": ["application/json", "text/plain"],
        },
        AgentCard(),
    )
    for agent in registry.agents.values():
        card.supported_interfaces.extend(agent.card.supported_interfaces)
        card.skills.extend(agent.card.skills)
    scopes = [agent.scope_of(skill.id) for agent in registry.agents.values() for skill in agent.card.skills]
    return _finished(card, registry.url, scopes, registry, keys)


def _finished(card: AgentCard, url: str, scopes: list[str], registry: Registry, keys: KeyPair) -> dict[str, Any]:
    versions = {each.protocol_version for each in card.supported_interfaces}
    del card.supported_interfaces[:]
    del card.signatures[:]
    del card.security_requirements[:]
    card.security_schemes.clear()
    interfaces = [
        {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        {"url": f"{url}/v1", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
    ]
    if "0.3" in versions or not versions:
        interfaces.append({"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"})
    additions = {
        "supportedInterfaces": interfaces,
        "securitySchemes": _BEARER,
        "securityRequirements": [{"schemes": {"bearer": {"list": scopes}}}],
    }
    ParseDict(additions, card)
    sign = create_agent_card_signer(
        _pem(keys),
        {"kid": keys.kid, "alg": "ES256", "typ": "JOSE", "jku": f"{registry.url}/oauth/jwks.json"},
    )
    return agent_card_to_dict(sign(card))


def _pem(keys: KeyPair) -> bytes:
    return keys.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def catalog(registry: Registry) -> dict[str, Any]:
    """The AI Catalog (`/.well-known/ai-catalog.json`): the gateway and what stands behind it, each with its card."""
    entries: list[dict[str, Any]] = [
        {
            "identifier": "urn:holdback:gateway",
            "displayName": "Holdback",
            "type": "application/a2a-agent-card+json",
            "url": f"{registry.url}/.well-known/agent-card.json",
            "tags": [GATEWAY],
        }
    ]
    for agent in registry.agents.values():
        examples = [example for skill in agent.card.skills for example in skill.examples]
        entries.append(
            {
                "identifier": f"urn:holdback:agent:{agent.name}",
                "displayName": agent.card.name,
                "description": agent.card.description,
                "type": "application/a2a-agent-card+json",
                "url": f"{registry.address(agent)}/.well-known/agent-card.json",
                "tags": sorted({tag for skill in agent.card.skills for tag in skill.tags}),
                "representativeQueries": examples,
            }
        )
    entries += [
        {
            "identifier": f"urn:holdback:server:{server.name}",
            "displayName": server.title,
            "description": server.description,
            "type": "application/mcp-server-card+json",
            "data": {"name": server.name, "url": registry.address(server), "transport": "streamable-http"},
            "tags": ["mcp"],
        }
        for server in registry.servers.values()
    ]
    return {"specVersion": "1.0", "host": {"displayName": "Holdback", "identifier": registry.url}, "entries": entries}
