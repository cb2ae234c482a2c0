"""The authority's places over HTTP: pages for browsers, and what programs may learn of a person.

Each page's form brings back the sealed request, and only the browser that it was shown to may answer it: a form of
another page fails by the seal, by its origin, and by the cookies, which are not sent across sites.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qs, parse_qsl

from holdback_base.problem import Problem
from holdback_trust.edges import peer
from holdback_trust.identity import GATEWAY
from holdback_trust.policy import Action
from starlette.types import Receive, Scope, Send

from holdback_agents.gateway.authority import sheets
from holdback_agents.gateway.authority.answering import ELSEWHERE, SESSION, Answering, Browser
from holdback_agents.gateway.authority.documents import Clients
from holdback_agents.gateway.authority.granting import Granting
from holdback_agents.gateway.authority.members import Members
from holdback_agents.gateway.authority.people import SESSION_LIFE, Codes
from holdback_agents.gateway.authority.requests import SEAL_SECONDS, single
from holdback_agents.gateway.authority.sheets import Reply
from holdback_agents.gateway.edge import NO_STORE, Answer, Edge, Places, header, read_body, send_bytes, send_json
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices, Ledger

FORM_LIMIT = 64 * 1024
"""Bytes of a filled-in page."""
_BROWSER = "holdback-browser"
_LIVES = {_BROWSER: 3600, SESSION: int(SESSION_LIFE.total_seconds()), ELSEWHERE: SEAL_SECONDS}
_SAFE = (
    *NO_STORE,
    # not `no-referrer`: browsers then send forms with an origin of null
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


class AuthorityDoor:
    """Answers browsers at `/oauth/authorize` and `/oauth/callback`, and programs at `/oauth/userinfo`."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger, edge: Edge) -> None:
        self._services, self._registry, self._ledger, self._edge = services, registry, ledger, edge
        self.members = Members(services, registry)
        codes = Codes()
        self.granting = Granting(services, registry, self.members, codes)
        clients = Clients(services.egress, services.clock)
        self._answering = Answering(services, registry, self.members, codes, clients)

    def places(self) -> Places:
        """What answers where; nothing in a house where nobody signs in at a browser."""
        if self._services.credentials is None and self._services.issuer is None:
            return {}
        user_info: dict[str, Answer] = {"GET": self._user_info, "POST": self._user_info}
        return {
            "/oauth/authorize": {"GET": self._begin, "POST": self._answer},
            "/oauth/callback": {"GET": self._come_back},
            "/oauth/userinfo": user_info,
        }

    async def _begin(self, scope: Scope, _receive: Receive, send: Send) -> int:
        browser, fresh = self._browser(scope)
        reply = await self._replied(scope, lambda: self._answering.begin(_query(scope), browser))
        return await self._send(send, reply.with_cookie(_BROWSER, browser.own) if fresh else reply)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        browser, _ = self._browser(scope)
        body = await read_body(scope, receive, FORM_LIMIT)

        async def answer() -> Reply:
            if not _own_form(scope):
                return sheets.gone()
            try:
                form = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
            except ValueError:
                return sheets.gone()
            return await self._answering.answer(form, browser)

        return await self._send(send, await self._replied(scope, answer))

    async def _come_back(self, scope: Scope, _receive: Receive, send: Send) -> int:
        browser, _ = self._browser(scope)
        reply = await self._replied(scope, lambda: self._answering.come_back(_query(scope), browser))
        return await self._send(send, reply)

    async def _replied(self, scope: Scope, answer: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            self._edge.count(peer(scope))
            return await answer()
        except Problem as problem:
            if problem.code != "TOO_MANY_REQUESTS":  # a flood does not become one of rows
                self._ledger.refused("unknown", "person.sign-in", problem)
            return sheets.trouble(problem, 403 if problem.code == "UNAUTHENTICATED" else None)

    async def _user_info(self, scope: Scope, _receive: Receive, send: Send) -> int:
        """OpenID Connect Core, 5.3."""
        caller = self._edge.caller(scope, GATEWAY)
        self._ledger.require(caller, Action(name="person.describe", scope="openid", resource=caller.person))
        member = self.members.find(caller.person) if caller.agent is None else None
        if member is None:
            raise Problem("NOT_FOUND", "This token is not of a person who signed in.", "Sign in at a browser.")
        told = member.profile() if "profile" in caller.scopes else {}
        await send_json(send, 200, {"sub": member.id} | told, NO_STORE)
        return 200

    def _browser(self, scope: Scope) -> tuple[Browser, bool]:
        """The browser, and whether it is seen for the first time."""
        brought = _cookies(scope)
        own = brought.get(_BROWSER, "")
        known = len(own) >= 32
        browser = Browser(
            own=own if known else secrets.token_urlsafe(32),
            session=brought.get(SESSION, ""),
            elsewhere=brought.get(ELSEWHERE, ""),
        )
        return browser, not known

    async def _send(self, send: Send, reply: Reply) -> int:
        secure = "; Secure" if self._registry.url.startswith("https:") else ""
        headers = list(_SAFE)
        for name, value in reply.cookies:
            life = _LIVES[name] if value else 0
            cookie = f"{name}={value}; Path=/oauth; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"
            headers.append((b"set-cookie", cookie.encode()))
        if reply.sheet is None:
            headers.append((b"location", reply.location.encode()))
            await send_bytes(send, reply.status, b"", "text/plain", headers)
        else:
            headers.append((b"content-security-policy", reply.sheet.policy.encode()))
            await send_bytes(send, reply.status, reply.sheet.body, "text/html; charset=utf-8", headers)
        return reply.status


def _query(scope: Scope) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=40)
        return single(pairs)
    except ValueError:
        raise Problem(
            "INVALID_ARGUMENT",
            "The request cannot be read, or names something twice.",
            "Begin again from your program.",
        ) from None


def _own_form(scope: Scope) -> bool:
    """Whether a form was sent by a page of this very address, as far as the browser tells."""
    origin = header(scope, b"origin")
    site = header(scope, b"sec-fetch-site")
    same = not origin or origin.partition("://")[2] == header(scope, b"host")
    return same and site in ("", "same-origin", "none")


def _cookies(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in header(scope, b"cookie").split(";"):
        name, _, value = each.strip().partition("=")
        found.setdefault(name, value)
    return found
