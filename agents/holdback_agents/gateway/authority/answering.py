"""The steps between a program's request and its answer: sign in, prove a second factor, allow or refuse."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from holdback_base.problem import Problem
from holdback_trust.identity import GATEWAY

from holdback_agents.gateway.authority import sheets
from holdback_agents.gateway.authority.clients import Client
from holdback_agents.gateway.authority.documents import Clients
from holdback_agents.gateway.authority.issuer import Issuer
from holdback_agents.gateway.authority.kept import Guest
from holdback_agents.gateway.authority.members import Members
from holdback_agents.gateway.authority.people import (
    CODE_LIFE,
    Codes,
    Grant,
    Sessions,
    SignedIn,
    meant_scopes,
    possible_scopes,
)
from holdback_agents.gateway.authority.requests import Asked, RequestRefused, Seals, hashed, read_request
from holdback_agents.gateway.authority.sheets import Reply
from holdback_agents.gateway.authority.words import OPENID
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.risk import SECOND_FACTORS
from holdback_agents.gateway.services import GatewayServices

SESSION, ELSEWHERE = "holdback-session", "holdback-elsewhere"
_NOBODY = "person:-"
"""Whose code is looked for when somebody types a name that nobody has: never there, but counted as any wrong try."""
_WRONG = "That is not right, or the code is used up. A code works once, for five minutes."
_LONGEST_COOKIE = 3800


@dataclass(frozen=True)
class Browser:
    """What a browser brought: its own cookie, that of its session, and that of a sign-in elsewhere."""

    own: str
    session: str = ""
    elsewhere: str = ""


class Answering:
    """Takes a person through a program's request, one sheet after another."""

    def __init__(
        self, services: GatewayServices, registry: Registry, members: Members, codes: Codes, clients: Clients
    ) -> None:
        self._services, self._registry, self._members, self._codes = services, registry, members, codes
        self._clients, self._seals, self._sessions = clients, Seals(services.keys), Sessions()
        self._issuer: Issuer | None = None
        if services.issuer is not None and services.egress is not None:
            callback = f"{registry.url}/oauth/callback"
            self._issuer = Issuer(services.issuer, services.egress, callback, services.clock)

    async def begin(self, query: Mapping[str, str], browser: Browser) -> Reply:
        """The first sheet for a program's request. Raises Problem where nothing may go back to the program."""
        client = await self._clients.find(query.get("client_id", ""))
        uri = query.get("redirect_uri", "")
        if not client.takes(uri):
            raise Problem(
                "INVALID_ARGUMENT",
                f"{client.name} wants its answer at an address that it is not known for.",
                "Nothing was sent there. Tell whoever makes the program.",
            )
        audience = self._registry.audience(query["resource"]) if "resource" in query else GATEWAY
        try:
            asked = read_request(query, audience, meant_scopes(audience or GATEWAY), hashed(browser.own))
        except RequestRefused as refusal:
            if client.host:  # a stranger's document could make this house send browsers anywhere (RFC 9700, 4.11)
                raise Problem("INVALID_ARGUMENT", f"{client.name} asks wrongly: {refusal.description}") from None
            answer = {"error": refusal.code, "error_description": refusal.description}
            return sheets.back(uri, self._registry.url, query.get("state", ""), **answer)
        return self._next(asked, client, browser.session)

    async def answer(self, form: Mapping[str, list[str]], browser: Browser) -> Reply:
        """The next sheet, or the way back, for what a person filled in. Raises Problem."""
        first = {name: values[0] for name, values in form.items()}
        asked = self._seals.open(first.get("request", ""), hashed(browser.own), self._services.clock())
        if asked is None:
            return sheets.gone()
        client = await self._clients.find(asked.client)
        step = first.get("step", "")
        if step in ("allow", "refuse") and asked.session and asked.session == hashed(browser.session):
            return self._decided(asked, client, browser.session, form, allowed=step == "allow")
        if step == "leave":
            self._sessions.end(browser.session)
            return self._next(asked, client, "")
        return await self._proving(step, asked, client, first)

    async def _proving(self, step: str, asked: Asked, client: Client, form: Mapping[str, str]) -> Reply:
        if self._issuer is not None:
            return await self._elsewhere(asked, self._issuer) if step == "elsewhere" else sheets.gone()
        if step == "sign-in":
            return self._by_code(asked, client, form)
        return self._by_factor(asked, client, form) if step == "factor" and asked.proved else sheets.gone()

    def _next(self, asked: Asked, client: Client, session: str) -> Reply:
        now = self._services.clock()
        who = self._sessions.find(session, now)
        old = who is not None and asked.max_age is not None and (now - who.at).total_seconds() >= asked.max_age
        if who is None or old or asked.fresh or self._members.signed_out(who.person, who.at):
            issuer = self._services.issuer.host if self._issuer is not None and self._services.issuer else ""
            return sheets.sign_in(asked, client, self._seal(asked), issuer=issuer)
        return self._shown(asked, client, session, who)

    def _shown(self, asked: Asked, client: Client, session: str, who: SignedIn, wrong: str = "") -> Reply:
        """What the program asks for, to who has proved enough for it."""
        member = self._members.find(who.person)
        if member is None:
            return sheets.gone()
        if asked.second_factor and not who.factors & SECOND_FACTORS:
            if self._issuer is None and self._has_factor(who.person):
                return sheets.factor(asked, client, self._seal(asked, proved=who.person))
            problem = Problem(
                "PERMISSION_DENIED",
                f"{client.name} needs you to prove a second factor, and you have none.",
                f"Have one made with: holdback person factor {who.person}",
            )
            return sheets.trouble(problem)
        seal = self._seal(asked, session=hashed(session))
        return sheets.consent(asked, client, seal, member, self._registry, wrong=wrong)

    def _by_code(self, asked: Asked, client: Client, form: Mapping[str, str]) -> Reply:
        typed = form.get("name", "").strip().lower()[:80]
        person = typed if typed.startswith("person:") else f"person:{typed}"
        member = self._members.find(person)
        credentials = self._services.credentials
        right = credentials is not None and credentials.use_code(
            member.id if member is not None else _NOBODY, form.get("code", "")
        )
        if member is None or not right:
            self._told(person if member is not None else "unknown", client, "sign-in-code", allowed=False)
            return sheets.sign_in(asked, client, self._seal(asked), name=typed, wrong=_WRONG)
        if self._has_factor(person):
            return sheets.factor(asked, client, self._seal(asked, proved=person))
        return self._signed_in(asked, client, person, frozenset({"pwd"}), "sign-in-code")

    def _by_factor(self, asked: Asked, client: Client, form: Mapping[str, str]) -> Reply:
        credentials = self._services.credentials
        if credentials is None or not credentials.use_factor(asked.proved, form.get("digits", "")):
            self._told(asked.proved, client, "second-factor", allowed=False)
            wrong = "These are not the digits of now. Each counts once: wait for the next."
            return sheets.factor(asked, client, self._seal(asked, proved=asked.proved), wrong=wrong)
        return self._signed_in(asked, client, asked.proved, frozenset({"pwd", "otp", "mfa"}), "second-factor")

    def _signed_in(self, asked: Asked, client: Client, person: str, factors: frozenset[str], policy: str) -> Reply:
        who = SignedIn(person, factors, self._services.clock())
        session = self._sessions.begin(who)
        self._told(person, client, policy, allowed=True)
        return self._shown(asked, client, session, who).with_cookie(SESSION, session)

    async def _elsewhere(self, asked: Asked, issuer: Issuer) -> Reply:
        state = secrets.token_urlsafe(32)
        seal = self._seal(asked, elsewhere=hashed(state))
        if len(seal) > _LONGEST_COOKIE:
            raise Problem("TOO_LARGE", "The program asks at too great length.", "Tell whoever makes the program.")
        way = await issuer.way(state, second_factor=asked.second_factor)
        return Reply(303, location=way).with_cookie(ELSEWHERE, seal)

    async def come_back(self, query: Mapping[str, str], browser: Browser) -> Reply:
        """The next sheet for a browser that comes back from the issuer. Raises Problem."""
        asked = self._seals.open(browser.elsewhere, hashed(browser.own), self._services.clock())
        state = query.get("state", "")
        if asked is None or self._issuer is None or not state or asked.elsewhere != hashed(state):
            return sheets.gone()
        client = await self._clients.find(asked.client)
        policy = f"issuer {self._issuer.facts.host}"
        vouched = await self._issuer.vouch(state, query)
        if self._members.by_key_only(vouched.person):
            raise Problem("PERMISSION_DENIED", f"Nobody signs in as {vouched.person}.", "Sign in as yourself.")
        guest = Guest(id=vouched.person, name=vouched.name, roles=tuple(sorted(vouched.roles)))
        await self._members.welcome(guest)
        return self._signed_in(asked, client, guest.id, vouched.factors, policy).with_cookie(ELSEWHERE, "")

    def _decided(
        self, asked: Asked, client: Client, session: str, form: Mapping[str, list[str]], *, allowed: bool
    ) -> Reply:
        who = self._sessions.find(session, self._services.clock())
        member = self._members.find(who.person) if who is not None else None
        if who is None or member is None or self._members.signed_out(who.person, who.at):
            return self._next(asked, client, "")
        ticked = frozenset(form.get("scope", [])) & frozenset(asked.scopes)
        given = ticked & possible_scopes(member.roles, asked.audience, self._registry)
        besides = frozenset(asked.scopes) & frozenset(OPENID)
        if allowed and not given and not besides - {"offline_access"}:
            return self._shown(asked, client, session, who, wrong="Tick at least one thing, or refuse.")
        self._told(member.id, client, " ".join(sorted(given)) or "openid", allowed=allowed, action="access.allow")
        if not allowed:
            return sheets.back(asked.redirect_uri, self._registry.url, asked.state, error="access_denied")
        grant = Grant(
            client=client.id,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
            audience=asked.audience,
            scopes=given | besides,
            nonce=asked.nonce,
            refreshes=client.refreshes,
            who=who,
            family=secrets.token_urlsafe(18),
            expires=self._services.clock() + CODE_LIFE,
        )
        return sheets.back(asked.redirect_uri, self._registry.url, asked.state, code=self._codes.give(grant))

    def _seal(self, asked: Asked, *, proved: str = "", session: str = "", elsewhere: str = "") -> str:
        told = asked.model_copy(update={"proved": proved, "session": session, "elsewhere": elsewhere})
        return self._seals.seal(told, self._services.clock())

    def _has_factor(self, person: str) -> bool:
        return self._services.credentials is not None and self._services.credentials.has_factor(person)

    def _told(self, person: str, client: Client, policy: str, *, allowed: bool, action: str = "person.sign-in") -> None:
        self._services.audit.append(
            actor=person,
            on_behalf_of="" if person == "unknown" else person,
            action=action,
            resource=client.id,
            decision="allowed" if allowed else "denied",
            policy=policy,
        )
