"""The token endpoint: people trade an assertion of their own key for a token, agents exchange the token they got.

RFC 7523 (`jwt-bearer`) for people, RFC 8693 (token exchange) with RFC 7523 client authentication for agents, RFC 8414
for what the endpoint can do. An assertion is `holdback_trust.assertions.sign_assertion` with audience `gateway`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from holdback_base.problem import Problem
from holdback_trust.assertions import AssertionVerifier
from holdback_trust.grants import AUDIENCE_SCOPES, person_scopes
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyRing

from holdback_agents.gateway.exchange import ACCESS_TOKEN, Exchange, audience_of
from holdback_agents.gateway.oauth_errors import OAuthError
from holdback_agents.gateway.registry import PersonEntry, Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.tasks import TaskBook

__all__ = ["ACCESS_TOKEN", "ASSERTION_TYPE", "JWT_BEARER", "TOKEN_EXCHANGE", "OAuthError", "TokenDoor"]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name, not a secret
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM_LIMIT = 256 * 1024
"""Bytes of a token request."""


class TokenDoor:
    """Answers token requests."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger, tasks: TaskBook) -> None:
        self._services, self._registry, self._ledger = services, registry, ledger
        self._exchange = Exchange(services, registry, ledger, tasks)
        self._ring = KeyRing({GATEWAY: [services.keys.public_jwk]})
        keys: dict[str, list[Mapping[str, str]]] = {each.audience: [each.key] for each in registry.agents.values()}
        keys |= {each.id: [each.key] for each in registry.people.values()}
        self._assertions = AssertionVerifier(KeyRing(keys), GATEWAY, services.clock)

    async def answer(self, body: bytes) -> dict[str, Any]:
        """The token response to a form. Raises OAuthError; each refusal leaves an audit row."""
        try:
            form = read_form(body)
            grant = form.get("grant_type", "")
            if grant == JWT_BEARER:
                return self._for_person(form)
            if grant == TOKEN_EXCHANGE:
                return await self._for_agent(form)
            raise OAuthError("unsupported_grant_type" if grant else "invalid_request", "Use one of the two grants.")
        except OAuthError as error:
            refusal = Problem("PERMISSION_DENIED", error.description)
            self._ledger.refused("unknown", f"token.{error.code}", refusal)
            raise

    def _for_person(self, form: dict[str, str]) -> dict[str, Any]:
        subject = self._proved(form.get("assertion", ""), "invalid_grant")
        person = self._registry.people.get(subject)
        if person is None:
            raise OAuthError("invalid_grant", "The assertion is not of a person of this house.")
        audience = audience_of(form, self._registry)
        possible = self._possible(person, audience)
        scopes = frozenset(form["scope"].split()) if form.get("scope") else possible
        outside = sorted(scopes - possible)
        if outside or not scopes:
            raise OAuthError("invalid_scope", f"Not allowed at {audience}: {' '.join(outside) or 'anything'}.")
        token = self._services.authority.issue(person=person.id, roles=person.roles, audience=audience, scopes=scopes)
        return self._issued(token, person.id)

    def _possible(self, person: PersonEntry, audience: str) -> frozenset[str]:
        """At the gateway also what may be handed on to the agents behind it."""
        held = person_scopes(person.roles, audience)
        if audience != GATEWAY:
            return held
        return held.union(*(person_scopes(person.roles, each.audience) for each in self._registry.agents.values()))

    async def _for_agent(self, form: dict[str, str]) -> dict[str, Any]:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_client", "An agent proves who it is with a client assertion (private_key_jwt).")
        agent = self._proved(form.get("client_assertion", ""), "invalid_client")
        if not agent.startswith("agent:"):
            raise OAuthError("invalid_client", "Only an agent exchanges tokens.")
        if form.get("client_id", agent) != agent:
            raise OAuthError("invalid_client", "client_id is not who signed the assertion.")
        return await self._exchange.answer(form, agent)

    def _proved(self, assertion: str, error: str) -> str:
        try:
            return self._assertions.verify(assertion)
        except Problem as problem:
            raise OAuthError(error, problem.message) from None

    def _issued(self, token: str, actor: str) -> dict[str, Any]:
        caller = self._services.authority.read(token)
        scope = " ".join(sorted(caller.scopes))
        self._ledger.issued(actor, caller.person, caller.audience, scope)
        seconds = int((caller.expires - self._services.clock()).total_seconds())
        return {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope}


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form, each at most once (RFC 6749 3.2). Raises OAuthError."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=32)
    except ValueError:
        raise OAuthError("invalid_request", "Send the fields form-encoded.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A field stands there twice.")
    return form


def server_metadata(registry: Registry) -> dict[str, Any]:
    """RFC 8414."""
    return {
        "issuer": registry.url,
        "token_endpoint": f"{registry.url}/oauth/token",
        "jwks_uri": f"{registry.url}/oauth/jwks.json",
        "grant_types_supported": [JWT_BEARER, TOKEN_EXCHANGE],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "scopes_supported": sorted(frozenset[str]().union(*AUDIENCE_SCOPES.values())),
    }


def resource_metadata(registry: Registry, audience: str) -> dict[str, Any]:
    """RFC 9728 of one audience."""
    return {
        "resource": registry.audiences()[audience],
        "authorization_servers": [registry.url],
        "scopes_supported": sorted(AUDIENCE_SCOPES.get(audience, frozenset())),
        "bearer_methods_supported": ["header"],
        "jwks_uri": f"{registry.url}/oauth/jwks.json",
    }
