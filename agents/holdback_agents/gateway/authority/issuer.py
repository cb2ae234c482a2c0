"""Another issuer's word on who a person is: OpenID Connect with code, PKCE, state and nonce, over the house's egress.

The issuer says who it is and which roles the person has there; what these mean here the house's own table says. What
the house has to remember of a sign-in that is under way lies in a cookie of the browser, sealed; verifier and nonce are
made from its secret and never leave.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import httpx
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_trust.egress import Egress
from holdback_trust.identity import PersonId
from pydantic import TypeAdapter, ValidationError

from holdback_agents.gateway.authority.clients import is_safe
from holdback_agents.gateway.authority.id_tokens import (
    Expected,
    IdTokenRefused,
    KeyUnknown,
    read_id_token,
)
from holdback_agents.gateway.authority.requests import challenge_of

DISCOVERY_SECONDS = 3600.0
"""How long what an issuer says of itself is believed without asking again."""
_KEYS_SECONDS = 60.0
"""Keys are asked for again at most so often, whoever sends tokens with unknown ones."""
_FACTORS = "face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia"
_KNOWN_FACTORS = frozenset(_FACTORS.split())
"""The values of RFC 8176; others an issuer makes up mean nothing here."""
_PERSON: TypeAdapter[str] = TypeAdapter(PersonId)


@dataclass(frozen=True)
class IssuerFacts:
    """An issuer as the settings name it; see `oidc` there."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    person_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    @property
    def host(self) -> str:
        """The issuer as people know it."""
        return urlsplit(self.issuer).netloc


@dataclass(frozen=True)
class Vouched:
    """A person whom the issuer vouches for, with the roles that this means here."""

    person: str
    name: str
    roles: frozenset[str]
    factors: frozenset[str]


class Issuer:
    """One issuer, and this house as a program of its."""

    def __init__(self, facts: IssuerFacts, egress: Egress, redirect_uri: str, clock: Clock) -> None:
        self.facts, self._clock, self._redirect = facts, clock, redirect_uri
        self._egress = egress.also(facts.issuer)
        self._secret = os.urandom(32)
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[Mapping[str, Any]]] | None = None

    async def way(self, state: str, *, second_factor: bool) -> str:
        """Where to send the browser. Raises Problem when the issuer does not answer as one."""
        about = await self._discovered()
        query = {
            "response_type": "code",
            "client_id": self.facts.client_id,
            "redirect_uri": self._redirect,
            "scope": "openid profile",
            "state": state,
            "nonce": self._derived("nonce", state),
            "code_challenge": challenge_of(self._derived("verifier", state)),
            "code_challenge_method": "S256",
        }
        if second_factor:
            query["acr_values"] = "mfa"
        joint = "&" if "?" in about["authorization_endpoint"] else "?"
        return f"{about['authorization_endpoint']}{joint}{urlencode(query)}"

    async def vouch(self, state: str, answer: Mapping[str, str]) -> Vouched:
        """Who came back, by the answer that the browser brought for this state.

        Raises:
            Problem: UNAUTHENTICATED for an answer or ID token that does not hold, PERMISSION_DENIED for somebody who
                has no role here, UNAVAILABLE or HOST_NOT_ALLOWED for an issuer that cannot be asked.
        """
        about = await self._discovered()
        tells = "iss" in answer or about.get("authorization_response_iss_parameter_supported") is True
        if tells and answer.get("iss") != self.facts.issuer:
            raise _refused("another issuer answered")
        if "error" in answer or not answer.get("code"):
            raise _refused("the issuer did not sign anybody in")
        tokens = await self._fetched(answer["code"], self._derived("verifier", state))
        claims = await self._read(tokens, self._derived("nonce", state))
        return self._person(claims)

    async def _read(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        text, access = str(tokens.get("id_token", "")), str(tokens.get("access_token", ""))
        expected = Expected(self.facts.issuer, self.facts.client_id, nonce, self._clock())
        try:
            try:
                return read_id_token(text, await self._key_set(), expected, access_token=access)
            except KeyUnknown:
                return read_id_token(text, await self._key_set(again=True), expected, access_token=access)
        except IdTokenRefused as refusal:
            raise _refused(str(refusal)) from None

    def _person(self, claims: Mapping[str, Any]) -> Vouched:
        named = claims.get(self.facts.person_claim)
        try:
            person = _PERSON.validate_python(f"person:{named}" if isinstance(named, str) else None)
        except ValidationError:
            raise _refused(f"its claim {self.facts.person_claim} is no name that a person can have here") from None
        given = claims.get(self.facts.roles_claim, [])
        told = [given] if isinstance(given, str) else _texts(given)
        known = [self.facts.roles[each] for each in told if each in self.facts.roles]
        roles = frozenset[str]().union(*known)
        if not roles:
            raise Problem(
                "PERMISSION_DENIED",
                f"{person} has no role in this house.",
                "Have somebody map one of your groups to a role, under oidc.roles in holdback.toml.",
            )
        factors = _KNOWN_FACTORS & frozenset(_texts(claims.get("amr")))
        name = claims.get("name")
        shown = name[:80] if isinstance(name, str) and name.isprintable() else person.removeprefix("person:")
        return Vouched(person, shown, roles, factors)

    async def _discovered(self) -> dict[str, Any]:
        if self._about is not None and time.monotonic() - self._about[0] < DISCOVERY_SECONDS:
            return self._about[1]
        about = await self._get(f"{self.facts.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self.facts.issuer:
            raise _not_an_issuer(self.facts, "it says of itself that it is another one")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            given = str(about.get(name, ""))
            if not is_safe(given) or urlsplit(given).scheme != urlsplit(self.facts.issuer).scheme:
                raise _not_an_issuer(self.facts, f"its {name} is missing or not as safe as its own address")
        self._about = (time.monotonic(), about)
        return about

    async def _key_set(self, *, again: bool = False) -> list[Mapping[str, Any]]:
        kept = self._keys
        if kept is not None:
            age = time.monotonic() - kept[0]
            if age < _KEYS_SECONDS or (not again and age < DISCOVERY_SECONDS):
                return kept[1]
        about = await self._discovered()
        keys = (await self._get(about["jwks_uri"])).get("keys")
        told = cast(list[Any], keys) if isinstance(keys, list) else []
        found = [cast(dict[str, Any], each) for each in told if isinstance(each, dict)]
        self._keys = (time.monotonic(), list(found))
        return list(found)

    async def _fetched(self, code: str, verifier: str) -> dict[str, Any]:
        about = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self.facts.client_id,
            "code_verifier": verifier,
        }
        basic = (self.facts.client_id, self.facts.client_secret) if self.facts.client_secret else None
        try:
            async with self._egress.client() as client:
                answer = await client.post(about["token_endpoint"], data=form, auth=basic or httpx.USE_CLIENT_DEFAULT)
        except httpx.HTTPError as error:
            raise _silent(self.facts) from error
        if answer.status_code != 200:
            raise _refused("the issuer does not take back the code that it gave")
        return _object(self.facts, answer.content)

    async def _get(self, url: str) -> dict[str, Any]:
        answer = await self._egress.fetch(url)
        if answer.status != 200:
            raise _not_an_issuer(self.facts, f"it answers {answer.status}")
        return _object(self.facts, answer.body)

    def _derived(self, what: str, state: str) -> str:
        digest = hmac.new(self._secret, f"{what}:{state}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _texts(value: object) -> list[str]:
    found = cast(list[object], value) if isinstance(value, list) else []
    return [each for each in found if isinstance(each, str)]


def _object(facts: IssuerFacts, body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _not_an_issuer(facts, "it does not answer with a JSON object")
    return cast(dict[str, Any], value)


def _refused(reason: str) -> Problem:
    return Problem("UNAUTHENTICATED", f"You could not be signed in: {reason}.", "Begin again from your program.")


def _silent(facts: IssuerFacts) -> Problem:
    return Problem("UNAVAILABLE", f"{facts.host} does not answer.", "Try again later.")


def _not_an_issuer(facts: IssuerFacts, reason: str) -> Problem:
    return Problem(
        "UNAVAILABLE", f"{facts.host} cannot sign people in: {reason}.", "Have somebody check oidc in holdback.toml."
    )
