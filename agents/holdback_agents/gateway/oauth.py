"""The token endpoint: people trade an assertion of their own key for a token, agents exchange the token they got.

RFC 7523 (`jwt-bearer`) for people, RFC 8693 (token exchange) with RFC 7523 client authentication for agents, RFC 8414
for what the endpoint can do. An assertion is `holdback_trust.assertions.sign_assertion` with audience `gateway`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from holdback_base.problem import Problem
from holdback_trust.assertions import AssertionVerifier, Proof
from holdback_trust.grants import AUDIENCE_SCOPES
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyRing

from holdback_agents.gateway.authority.people import possible_scopes
from holdback_agents.gateway.authority.requests import SECOND_FACTOR
from holdback_agents.gateway.authority.words import OPENID
from holdback_agents.gateway.exchange import ACCESS_TOKEN, Exchange, audience_of
from holdback_agents.gateway.oauth_errors import OAuthError
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.tasks import TaskBook

__all__ = ["ACCESS_TOKEN", "ASSERTION_TYPE", "JWT_BEARER", "TOKEN_EXCHANGE", "OAuthError", "TokenDoor"]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name, not a secret
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Grant = Callable[[dict[str, str]], Awaitable[dict[str, Any]]]
"""Answers the form of one more grant type."""
FORM_LIMIT = 256 * 1024
"""Bytes of a token request."""


class TokenDoor:
    """Answers token requests."""

    def __init__(
        self,
        services: GatewayServices,
        registry: Registry,
        ledger: Ledger,
        tasks: TaskBook,
        programs: Mapping[str, Grant] | None = None,
    ) -> None:
        self._services, self._registry, self._ledger = services, registry, ledger
        self._programs = programs or {}
        self._exchange = Exchange(services, registry, ledger, tasks)
        keys: dict[str, list[Mapping[str, str]]] = {each.id: [each.key] for each in registry.people.values()}
        keys |= {each.audience: [*services.ring.jwks(each.audience)["keys"]] for each in registry.servers.values()}
        self._keys = KeyRing(keys)
        self.know_agents()
        self._assertions = AssertionVerifier(self._keys, GATEWAY, services.clock)

    def know_agents(self) -> None:
        """Believe each agent of the registry by the key that it has now."""
        for each in self._registry.agents.values():
            self._keys.trust_only(each.audience, each.key)

    async def answer(self, body: bytes) -> dict[str, Any]:
        """The token response to a form. Raises OAuthError; each refusal leaves an audit row."""
        try:
            form = read_form(body)
            grant = form.get("grant_type", "")
            if grant == JWT_BEARER:
                return self._for_person(form)
            if grant == TOKEN_EXCHANGE:
                return await self._for_agent(form)
            if grant in self._programs:
                return await self._programs[grant](form)
            raise OAuthError("unsupported_grant_type" if grant else "invalid_request", "No such grant is answered.")
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
        possible = possible_scopes(person.roles, audience, self._registry)
        scopes = frozenset(form["scope"].split()) if form.get("scope") else possible
        outside = sorted(scopes - possible)
        if outside or not scopes:
            raise OAuthError("invalid_scope", f"Not allowed at {audience}: {' '.join(outside) or 'anything'}.")
        token = self._services.authority.issue(
            person=person.id,
            roles=person.roles,
            audience=audience,
            scopes=scopes,
            stories=self._services.stories_of(person.id),
            factors=self._factors(person.id, form),
        )
        return self._issued(token, person.id)

    def _factors(self, person: str, form: dict[str, str]) -> frozenset[str]:
        """How the person proved it: the key, and the second factor's digits where the field `otp` brings them."""
        if "otp" not in form:
            return frozenset({"swk"})
        credentials = self._services.credentials
        try:
            right = credentials is not None and credentials.use_factor(person, form["otp"])
        except Problem as problem:
            raise OAuthError("invalid_grant", problem.message) from None
        if not right:
            raise OAuthError("invalid_grant", "The second factor is not right, was used, or was never set up.")
        return frozenset({"swk", "otp", "mfa"})

    async def _for_agent(self, form: dict[str, str]) -> dict[str, Any]:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_client", "An agent proves who it is with a client assertion (private_key_jwt).")
        proof = self._proof(form.get("client_assertion", ""), "invalid_client")
        agent = proof.subject
        if not agent.startswith("agent:"):
            raise OAuthError("invalid_client", "Only an agent exchanges tokens.")
        if form.get("client_id", agent) != agent:
            raise OAuthError("invalid_client", "client_id is not who signed the assertion.")
        try:
            self._services.admissions.require(proof)
        except Problem as problem:
            raise OAuthError("invalid_client", problem.message, problem) from None
        return await self._exchange.answer(form, agent)

    def client(self, assertion: str) -> str:
        """The party of the house that signed an assertion, once. Raises OAuthError."""
        return self._proved(assertion, "invalid_client")

    def _proved(self, assertion: str, error: str) -> str:
        return self._proof(assertion, error).subject

    def _proof(self, assertion: str, error: str) -> Proof:
        try:
            return self._assertions.prove(assertion)
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


def server_metadata(registry: Registry, *, signs_in: bool = False) -> dict[str, Any]:
    """RFC 8414, and OpenID Connect Discovery where people sign in at browsers here."""
    programs = _sign_in_metadata(registry) if signs_in else {}
    grants = [JWT_BEARER, TOKEN_EXCHANGE, *(("authorization_code", "refresh_token") if signs_in else ())]
    return {
        "issuer": registry.url,
        "token_endpoint": f"{registry.url}/oauth/token",
        "introspection_endpoint": f"{registry.url}/oauth/introspect",
        "revocation_endpoint": f"{registry.url}/oauth/revoke",
        "jwks_uri": f"{registry.url}/oauth/jwks.json",
        "grant_types_supported": grants,
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "scopes_supported": sorted(frozenset[str]().union(*AUDIENCE_SCOPES.values())),
    } | programs


def _sign_in_metadata(registry: Registry) -> dict[str, Any]:
    """What a program needs to send people here: OAuth 2.1, RFC 9207, Client ID Metadata Documents, OpenID Connect."""
    return {
        "authorization_endpoint": f"{registry.url}/oauth/authorize",
        "userinfo_endpoint": f"{registry.url}/oauth/userinfo",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "acr_values_supported": list(SECOND_FACTOR),
        "claims_supported": ["sub", "name", "preferred_username", "groups", "auth_time", "amr"],
        "scopes_supported": sorted(frozenset(OPENID).union(*AUDIENCE_SCOPES.values())),
    }


def resource_metadata(registry: Registry, audience: str) -> dict[str, Any]:
    """RFC 9728 of one audience."""
    return {
        "resource": registry.audiences()[audience],
        "authorization_servers": [registry.url],
        "scopes_supported": sorted(registry.scopes_at(audience)),
        "bearer_methods_supported": ["header"],
        "jwks_uri": f"{registry.url}/oauth/jwks.json",
    }
