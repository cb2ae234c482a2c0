"""The people of a home: who they are, their keys, and tokens from the gateway in their name (RFC 7523)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import httpx
from holdback_agents.gateway.authority.credentials import Credentials
from holdback_agents.gateway.authority.issuer import IssuerFacts
from holdback_agents.gateway.registry import PersonEntry
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.assertions import sign_assertion
from holdback_trust.identity import GATEWAY
from holdback_trust.keys import KeyPair

from holdback.foundation import Foundation, party_keys

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


LOADER = PersonSetting(id="person:loader", name="Loads example packs", roles=frozenset({"admin-loader"}))


def person_entries(foundation: Foundation, people: Iterable[PersonSetting]) -> list[PersonEntry]:
    """People as the gateway knows them, with the public half of their keys in this home."""
    return [
        PersonEntry(
            id=person.id,
            name=person.name,
            roles=person.roles,
            key=party_keys(foundation.settings.home, person.id).public_jwk,
        )
        for person in people
    ]


def home_credentials(home: Path, clock: Clock) -> Credentials:
    """The sign-in codes and second factors that lie in a home."""
    return Credentials(home / "people", clock)


def issuer_facts(settings: Settings) -> IssuerFacts | None:
    """The issuer whose word on people this house takes, if its settings name one."""
    said = settings.oidc
    if said is None:
        return None
    secret = said.client_secret.get_secret_value() if said.client_secret is not None else ""
    return IssuerFacts(said.issuer, said.client_id, secret, said.person_claim, said.roles_claim, said.roles)


class Person:
    """Somebody who asks the gateway for tokens with a key of their own."""

    def __init__(
        self, facts: PersonSetting, keys: KeyPair, *, gateway: str, http: httpx.AsyncClient, clock: Clock, new_id: NewId
    ) -> None:
        self.facts, self.gateway = facts, gateway.rstrip("/")
        self._keys, self._http, self._clock, self._new_id = keys, http, clock, new_id

    async def token(self, audience: str, scope: str = "", otp: str = "") -> str:
        """A fresh token for the audience; with no scope named, all that the person's roles hold there.

        `otp` are the digits of the person's second factor, where they are to count.

        Raises:
            Problem: what the gateway answered.
        """
        assertion = sign_assertion(self._keys, self.facts.id, GATEWAY, self._clock, self._new_id("evt"))
        form = {"grant_type": GRANT, "assertion": assertion, "audience": audience}
        if scope:
            form["scope"] = scope
        if otp:
            form["otp"] = otp
        return str((await self._ask("POST", "/oauth/token", data=form))["access_token"])

    async def ask(self, method: str, path: str, scope: str, otp: str = "", **request: Any) -> dict[str, Any]:
        """One request to the gateway itself, with a token for it. Raises Problem with what it answered."""
        headers = {"authorization": f"Bearer {await self.token(GATEWAY, scope, otp)}"}
        return await self._ask(method, path, headers=headers, **request)

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, self.gateway + path, **request)
        except httpx.HTTPError as error:
            raise Problem(
                "UNAVAILABLE",
                f"The gateway at {self.gateway} does not answer.",
                "Start it with `holdback up`; where it stands at another address, name that with --gateway, and "
                "where its certificate is your own, name that in SSL_CERT_FILE.",
            ) from error
        shape = cast(dict[str, Any], response.json())
        if response.is_success:
            return shape
        raise _problem(shape, response.status_code)


_CURES = {
    "invalid_scope": "Let somebody do it whose roles allow it; `holdback person list` tells them.",
    "invalid_grant": "See that --home is the home of that house, and take the digits that your authenticator shows "
    "now; `holdback person factor` sets one up.",
}
"""What to do about an error of RFC 6749, which brings no cure."""


def _problem(shape: Mapping[str, Any], status: int) -> Problem:
    if "code" in shape:
        return Problem.from_dict(shape)
    code = "UNAUTHENTICATED" if status == 401 else "PERMISSION_DENIED" if status in (400, 403) else "UNAVAILABLE"
    error = str(shape.get("error", "The gateway refused."))
    return Problem(code, str(shape.get("error_description", error)), _CURES.get(error, ""))
