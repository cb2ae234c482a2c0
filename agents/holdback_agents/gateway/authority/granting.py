"""The token endpoint's part for programs: a code becomes access, and access is renewed (OAuth 2.1, 4.1 and 4.3).

Every renewal asks again who the person is now: roles and stories are those of today, and who was signed out is out.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from holdback_trust.edges import FACTORS
from holdback_trust.identity import GATEWAY

from holdback_agents.gateway.authority import kept
from holdback_agents.gateway.authority.id_tokens import half_hash, make_id_token
from holdback_agents.gateway.authority.kept import Family
from holdback_agents.gateway.authority.members import Member, Members
from holdback_agents.gateway.authority.people import Codes, Grant, possible_scopes
from holdback_agents.gateway.authority.requests import challenge_of, hashed
from holdback_agents.gateway.authority.words import OPENID
from holdback_agents.gateway.oauth_errors import OAuthError
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.risk import SECOND_FACTORS
from holdback_agents.gateway.services import GatewayServices

CODE_GRANT = "authorization_code"
REFRESH_GRANT = "refresh_token"
FAMILY_LIFE = timedelta(hours=12)
"""How long a program may renew what it was allowed, from the sign-in on: a working day."""
_UNKNOWN = "The refresh token does not count, or not any more."


class Granting:
    """Answers programs at the token endpoint."""

    def __init__(self, services: GatewayServices, registry: Registry, members: Members, codes: Codes) -> None:
        self._services, self._registry, self._members, self._codes = services, registry, members, codes

    def grants(self) -> dict[str, Callable[[dict[str, str]], Awaitable[dict[str, Any]]]]:
        """What answers which grant type."""
        return {CODE_GRANT: self.by_code, REFRESH_GRANT: self.by_refresh}

    async def by_code(self, form: dict[str, str]) -> dict[str, Any]:
        """Access for the code that a person's browser brought. A code is worthless once it was shown, rightly or not.

        Raises OAuthError.
        """
        code = form.get("code", "")
        grant = self._codes.take(code)
        if grant is None:
            if (stolen := self._codes.taken(code)) is not None:
                await self._end(stolen.family, "reused", stolen.who.person)
            raise OAuthError("invalid_grant", "The code is not known, or was used.")
        if self._services.clock() >= grant.expires:
            raise OAuthError("invalid_grant", "The code has expired.")
        if form.get("client_id") != grant.client or form.get("redirect_uri") != grant.redirect_uri:
            raise OAuthError("invalid_grant", "The code was given to another program, or for another redirect_uri.")
        if not _proves(form.get("code_verifier", ""), grant.challenge):
            raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.")
        self._check_resource(form, grant.audience)
        return await self._begun(grant)

    async def _begun(self, grant: Grant) -> dict[str, Any]:
        now, member = self._services.clock(), self._member(grant.who.person, grant.who.at)
        refresh = _refresh_token(grant.family)
        token, scopes, identity = self._token(member, grant.audience, grant.scopes, grant.who.factors, grant.client)
        family = Family(
            id=grant.family,
            client=grant.client,
            person=member.id,
            issuer=self._members.issuer,
            audience=grant.audience,
            scopes=tuple(sorted(grant.scopes)),
            factors=tuple(sorted(grant.who.factors)),
            began=grant.who.at,
            until=grant.who.at + FAMILY_LIFE,
            refresh=hashed(refresh) if grant.refreshes else "",
            token=identity,
        )
        await self._services.database.write(lambda c: kept.begin(c, family, now))
        answer = self._answer(token, scopes, grant.scopes)
        if grant.refreshes:
            answer["refresh_token"] = refresh
        if "openid" in grant.scopes:
            answer["id_token"] = self._id_token(member, grant, token)
        return answer

    async def by_refresh(self, form: dict[str, str]) -> dict[str, Any]:
        """Access again, and the next refresh token. Raises OAuthError."""
        brought = form.get("refresh_token", "")
        family = await self._standing(brought, form.get("client_id", ""))
        wanted = frozenset(form["scope"].split()) if form.get("scope") else frozenset(family.scopes)
        if not wanted <= frozenset(family.scopes):
            raise OAuthError("invalid_scope", "A renewal gives no more than was allowed.")
        self._check_resource(form, family.audience)
        member = self._member(family.person, family.began)
        token, scopes, identity = self._token(member, family.audience, wanted, family.factors, family.client)
        refresh = _refresh_token(family.id)
        if not await self._services.database.write(
            lambda c: kept.renew(c, family.id, hashed(brought), hashed(refresh), identity)
        ):
            self._services.enforcement.standing.revoke(identity, by=GATEWAY, why="its refresh token was used twice")
            await self._end(family.id, "reused", family.person)
            raise OAuthError("invalid_grant", _UNKNOWN)
        return self._answer(token, scopes, wanted) | {"refresh_token": refresh}

    async def _standing(self, brought: str, client: str) -> Family:
        """The family of a refresh token that counts. One that counted before ends it."""
        identity = brought.partition(".")[0]
        family = await self._services.database.read(lambda c: kept.find(c, identity)) if identity else None
        if family is None or family.ended or self._services.clock() >= family.until or not family.refresh:
            raise OAuthError("invalid_grant", _UNKNOWN)
        if family.issuer != self._members.issuer:  # a person of the same name may be another one there
            raise OAuthError("invalid_grant", _UNKNOWN)
        if not hmac.compare_digest(hashed(brought), family.refresh) or client != family.client:
            await self._end(family.id, "reused", family.person)
            raise OAuthError("invalid_grant", _UNKNOWN)
        return family

    async def revoke(self, refresh_token: str) -> bool:
        """End all access that came of the consent behind a refresh token (RFC 7009); whether there was any."""
        identity = refresh_token.partition(".")[0]
        family = await self._services.database.read(lambda c: kept.find(c, identity)) if identity else None
        if family is None or family.ended or not hmac.compare_digest(hashed(refresh_token), family.refresh):
            return False
        await self._end(family.id, "revoked", family.person)
        return True

    async def _end(self, family: str, why: kept.End, person: str) -> None:
        token = await self._services.database.write(lambda c: kept.end(c, family, why))
        if token:
            self._services.enforcement.standing.revoke(token, by=GATEWAY, why=f"access {why}")
            self._services.audit.append(
                actor="unknown" if why == "reused" else person,
                on_behalf_of=person,
                action="access.end",
                resource=family,
                decision="recorded",
                policy=f"refresh-{why}",
            )

    def _member(self, person: str, since: datetime) -> Member:
        member = self._members.find(person)
        if member is None or self._members.signed_out(person, since):
            raise OAuthError("invalid_grant", "The person has to sign in again.")
        return member

    def _token(
        self, member: Member, audience: str, allowed: frozenset[str], factors: Iterable[str], client: str
    ) -> tuple[str, frozenset[str], str]:
        """A token for what was allowed and is still possible; its scopes; its id."""
        held = possible_scopes(member.roles, audience, self._registry) | frozenset(OPENID)
        scopes = allowed & held - {"offline_access"}
        if audience != GATEWAY:
            scopes -= frozenset(OPENID)
        token = self._services.authority.issue(
            person=member.id,
            roles=member.roles,
            audience=audience,
            scopes=scopes,
            stories=member.stories,
            factors=factors,
        )
        caller = self._services.authority.read(token)
        self._services.audit.append(
            actor=member.id,
            on_behalf_of=member.id,
            action="token.issue",
            resource=f"{audience} {' '.join(sorted(scopes))} via {client}",
            decision="allowed",
            policy="role-scopes",
        )
        return token, scopes, caller.token_id

    def _answer(self, token: str, scopes: frozenset[str], allowed: frozenset[str]) -> dict[str, Any]:
        told = sorted(scopes | allowed & frozenset(OPENID))
        return {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": " ".join(told)}

    def _id_token(self, member: Member, grant: Grant, token: str) -> str:
        now = int(self._services.clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self._registry.url,
            "sub": member.id,
            "aud": grant.client,
            "azp": grant.client,
            "iat": now,
            "exp": now + 300,
            "auth_time": int(grant.who.at.timestamp()),
            "amr": sorted(grant.who.factors),
            "at_hash": half_hash(token),
        }
        if grant.who.factors & SECOND_FACTORS:
            claims["acr"] = FACTORS
        if grant.nonce:
            claims["nonce"] = grant.nonce
        if "profile" in grant.scopes:
            claims |= member.profile()
        return make_id_token(self._services.keys, claims)

    def _check_resource(self, form: dict[str, str], audience: str) -> None:
        if form.get("resource") and self._registry.audience(form["resource"]) != audience:
            raise OAuthError("invalid_target", "It was allowed for another resource.")


def _refresh_token(family: str) -> str:
    return f"{family}.{secrets.token_urlsafe(32)}"


def _proves(verifier: str, challenge: str) -> bool:
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
