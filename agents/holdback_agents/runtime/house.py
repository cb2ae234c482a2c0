"""An agent's way to the house: who offers what, tokens to go there with, and approvals. The gateway answers all three.

No agent knows another agent or a server by address. It names a skill or a capability, the registry says where, and the
token it came with is exchanged for a narrower one (RFC 8693) that names the person, this agent, and that place only.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from string import ascii_letters, digits
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode

from holdback_base.canonical import canonical_sha256
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_trust.admission import AgentIdentity
from holdback_trust.assertions import sign_assertion
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.tokens import KeyPair, TokenVerifier

from holdback_agents.runtime.lines import JSON, Line, Request, ask, json_bytes, patiently

T = TypeVar("T")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, not a secret
TASK = "urn:holdback:token-type:task"
"""The subject of an agent whose process ended: the id of a task of its own."""
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LISTING_SECONDS = 10.0
"""How long a registry's answer is believed."""
EARLY = timedelta(seconds=30)
"""A token is renewed this long before it expires; one that lives for less than a minute, at half its life."""
_MOST = 1024
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_AS_IT_IS = f"{ascii_letters}{digits}._~-".encode()
"""What a form need not encode; tokens are long, and of nothing else."""


@dataclass(frozen=True)
class Work:
    """For which task an agent acts: its id, the skill that was asked for, its story, and the ids in the request."""

    task: str
    skill: str
    context: str = ""
    things: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """For whom an agent acts: the verified caller, the token that says so, and the task once there is one."""

    caller: Caller
    token: str
    work: Work | None = None


@dataclass(frozen=True)
class Place:
    """Where a skill or a capability is offered, and what it takes to go there."""

    name: str
    url: str
    audience: str
    scope: str


@dataclass(frozen=True)
class _Held:
    text: str
    renew: datetime
    expires: datetime


class House:
    """The gateway as one agent sees it.

    Args:
        line: to the gateway.
        agent: this agent's id, such as `agent:compliance`.
        keys: this agent's own, to say who it is.
        clock: to know when a token ends.
        new_id: a fresh name for each assertion.
        identity: what this agent is, which the gateway compares with what was admitted.
    """

    def __init__(
        self,
        line: Line,
        agent: str,
        *,
        keys: KeyPair,
        clock: Clock,
        new_id: NewId,
        identity: AgentIdentity | None = None,
    ) -> None:
        self._shown = None if identity is None else identity.shown()
        self._line, self._agent, self._keys, self._clock, self._new_id = line, agent, keys, clock, new_id
        self._tokens: dict[tuple[str, str, str, str], _Held] = {}
        self._told: dict[tuple[str, str], None] = {}
        self._places: dict[tuple[str, str], tuple[float, Place]] = {}
        self._asking: dict[object, asyncio.Future[Any]] = {}

    async def skill(self, session: Session, skill: str) -> Place:
        """The agent that offers a skill. Raises Problem NOBODY_OFFERS."""
        return await self._place(session, "skill", skill, "agent")

    async def capability(self, session: Session, capability: str) -> Place:
        """The server that offers a capability such as `assets.search_assets`. Raises Problem NOBODY_OFFERS."""
        return await self._place(session, "capability", capability, "server")

    async def token(self, session: Session, audience: str, scope: str = "") -> str:
        """A token for the audience, on behalf of the session's person; with no scope named, with all that is allowed.

        Raises:
            Problem: PERMISSION_DENIED when the person or this agent may not; UNAUTHENTICATED when the session has
                ended; UNAVAILABLE when the gateway does not answer.
        """
        work = session.work
        key = (session.caller.token_id, work.task if work else "", audience, scope)
        held, now = self._tokens.get(key), self._clock()
        if held is not None and now < held.renew:
            return held.text
        try:
            fresh = await self._once(
                ("token", key), lambda: patiently(lambda: self._exchange(session, audience, scope))
            )
        except Problem as problem:
            if held is not None and problem.code == "UNAVAILABLE" and self._clock() < held.expires:
                return held.text
            raise
        if len(self._tokens) >= _MOST:
            self._tokens = {each: kept for each, kept in self._tokens.items() if now < kept.expires}
        self._tokens[key] = fresh
        return fresh.text

    async def file_approval(
        self, session: Session, task: str, context: str, question: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Put a question before whoever may approve; it as the gateway keeps it, with the statement where policy passed
        it at once."""
        body = {"question": dict(question), "task": task, "agent": self._agent, "context": context}
        headers = {**JSON, **await self._bearer(session, "approval:ask")}
        headers["idempotency-key"] = hashlib.sha256(f"{task} {canonical_sha256(body['question'])}".encode()).hexdigest()
        return await patiently(
            lambda: ask(self._line, Request("POST", "/approvals", headers=headers, body=json_bytes(body)))
        )

    async def resumed(self, task: str, verifier: TokenVerifier) -> Session:
        """For whom a task of this agent acts that an earlier process of it left, with a token of now.

        Raises:
            Problem: TASK_ENDED; NOT_FOUND for one that the gateway does not know; UNAVAILABLE.
        """
        form = {
            "grant_type": EXCHANGE,
            "subject_token": task,
            "subject_token_type": TASK,
            "client_assertion_type": CLIENT_ASSERTION,
            "client_assertion": self._assertion(),
        }
        token = str((await ask(self._line, _token_request(form)))["access_token"])
        return Session(verifier.verify(token), token)

    async def _place(self, session: Session, kind: str, name: str, named: str) -> Place:
        now = asyncio.get_running_loop().time()
        known = self._places.get((kind, name))
        if known is not None and now < known[0]:
            return known[1]

        async def look_up() -> Place:
            headers = await self._bearer(session, "registry:read")
            asked = Request("GET", "/registry", urlencode({kind: name}), headers)
            shape = await patiently(lambda: ask(self._line, asked))
            try:
                return Place(
                    str(shape[named]), str(shape["url"]).rstrip("/"), str(shape["audience"]), str(shape["scope"])
                )
            except KeyError as error:
                raise Problem("UNAVAILABLE", f"The registry's answer on {name} lacks {error}.") from error

        place = await self._once((kind, name, session.caller.token_id), look_up)
        self._places[kind, name] = (now + LISTING_SECONDS, place)
        return place

    async def _bearer(self, session: Session, scope: str) -> dict[str, str]:
        return {"authorization": f"Bearer {await self.token(session, GATEWAY, scope)}"}

    async def _exchange(self, session: Session, audience: str, scope: str) -> _Held:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": session.token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            "client_assertion_type": CLIENT_ASSERTION,
            "client_assertion": self._assertion(),
        }
        if scope:
            form["scope"] = scope
        if session.work is not None:
            form |= _named(session.work, (session.work.task, session.caller.token_id) not in self._told)
        asked = self._clock()
        answer = await ask(self._line, _token_request(form))
        self._note_told(session)
        life = timedelta(seconds=int(answer.get("expires_in", 0)))
        return _Held(str(answer["access_token"]), asked + life - min(EARLY, life / 2), asked + life)

    def _assertion(self) -> str:
        jti = self._new_id("evt")
        return sign_assertion(self._keys, self._agent, GATEWAY, self._clock, jti, identity=self._shown)

    def _note_told(self, session: Session) -> None:
        if session.work is not None:
            self._told[session.work.task, session.caller.token_id] = None
            if len(self._told) > _MOST:
                del self._told[next(iter(self._told))]

    async def _once(self, key: object, ask: Callable[[], Awaitable[T]]) -> T:
        """One request for all who ask the same thing at the same time."""
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(ask())
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)


def _named(work: Work, first: bool) -> dict[str, str]:
    """How the task is named; what its request holds is told once for each message."""
    named = {"task": work.task, "skill": work.skill, "context": work.context}
    named["things"] = " ".join(work.things) if first else ""
    return {name: value for name, value in named.items() if value}


def _token_request(form: Mapping[str, str]) -> Request:
    return Request("POST", "/oauth/token", headers=_FORM, body=b"&".join(map(_field, form, form.values())))


def _field(name: str, value: str) -> bytes:
    form = value.encode()
    return name.encode() + b"=" + (_quoted(value) if form.translate(None, _AS_IT_IS) else form)


@lru_cache(maxsize=64)
def _quoted(value: str) -> bytes:
    return quote_plus(value).encode()
