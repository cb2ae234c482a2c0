"""An agent's way to the house: who offers what, tokens to go there with, and approvals. The gateway answers all three.

No agent knows another agent or a server by address. It names a skill or a capability, the registry says where, and the
token it came with is exchanged for a narrower one (RFC 8693) that names the person, this agent, and that place only.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import httpx
from holdback_base.canonical import canonical_sha256
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_trust.admission import AgentIdentity
from holdback_trust.assertions import sign_assertion
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.tokens import KeyPair, TokenVerifier

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
_OAUTH: Mapping[str, str] = {
    "invalid_grant": "UNAUTHENTICATED",
    "invalid_client": "UNAUTHENTICATED",
    "invalid_scope": "PERMISSION_DENIED",
    "invalid_target": "PERMISSION_DENIED",
    "access_denied": "PERMISSION_DENIED",
}
"""What a refused token request means (RFC 6749 5.2, RFC 8693 2.2.2)."""
_PAUSES = (0.05, 0.2, 0.8, 3.0)
"""Seconds between the times that the gateway is asked."""
TIMEOUT = httpx.Timeout(10.0, read=60.0)
"""Streams are silent for up to 15 s between pings; the default of 5 s would break them."""


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
        gateway: its URL, with no slash at the end.
        agent: this agent's id, such as `agent:compliance`.
        keys: this agent's own, to say who it is.
        http: to the gateway; closed by whoever made it.
        clock: to know when a token ends.
        new_id: a fresh name for each assertion.
        identity: what this agent is, which the gateway compares with what was admitted.
    """

    def __init__(
        self,
        gateway: str,
        agent: str,
        *,
        keys: KeyPair,
        http: httpx.AsyncClient,
        clock: Clock,
        new_id: NewId,
        identity: AgentIdentity | None = None,
    ) -> None:
        self._shown = None if identity is None else identity.shown()
        self._gateway = gateway.rstrip("/")
        self._agent, self._keys, self._http, self._clock, self._new_id = agent, keys, http, clock, new_id
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
                ("token", key), lambda: _patiently(lambda: self._exchange(session, audience, scope))
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
        headers = await self._bearer(session, "approval:ask")
        headers["idempotency-key"] = hashlib.sha256(f"{task} {canonical_sha256(body['question'])}".encode()).hexdigest()
        return await _patiently(lambda: self._ask("POST", "/approvals", headers, json=body))

    async def keep_heads(self, heads: Sequence[str]) -> None:
        """Have signed heads of this agent's audit log kept, which ends the tasks that they name. Raises Problem."""
        await _patiently(lambda: self._ask("POST", "/audit/heads", {}, json={"heads": list(heads)}))

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
        token = str((await self._ask("POST", "/oauth/token", {}, data=form))["access_token"])
        return Session(verifier.verify(token), token)

    async def _place(self, session: Session, kind: str, name: str, named: str) -> Place:
        now = asyncio.get_running_loop().time()
        known = self._places.get((kind, name))
        if known is not None and now < known[0]:
            return known[1]

        async def look_up() -> Place:
            headers = await self._bearer(session, "registry:read")
            shape = await _patiently(lambda: self._ask("GET", "/registry", headers, params={kind: name}))
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
        answer = await self._ask("POST", "/oauth/token", {}, data=form)
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

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], **request: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, self._gateway + path, headers=headers, **request)
        except httpx.HTTPError as error:
            raise Problem(
                "UNAVAILABLE", f"The gateway does not answer {method} {path}.", "Start it, or try again."
            ) from error
        if response.is_success:
            return cast(dict[str, Any], response.json())
        raise problem_of_response(response)

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


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """A gateway that is busy, or begins again, is waited for: no task fails of that. What is asked is made anew each
    time, for an assertion counts once."""
    for pause in _PAUSES:
        try:
            return await ask()
        except Problem as problem:
            if problem.code != "UNAVAILABLE":
                raise
        await asyncio.sleep(pause)
    return await ask()


def problem_of_response(response: httpx.Response) -> Problem:
    """The problem an HTTP error names, in the house's form (RFC 9457) or as OAuth or JSON-RPC put it."""
    try:
        shape = response.json()
    except ValueError:
        shape = None
    if isinstance(shape, dict):
        shape = cast(dict[str, Any], shape)
        if isinstance(shape.get("code"), str):
            return Problem.from_dict(shape)
        error = shape.get("error")
        message = str(shape.get("error_description") or error or "")
        if isinstance(error, dict):
            message = str(cast(dict[str, Any], error).get("message", ""))
        elif isinstance(error, str) and error in _OAUTH:
            return Problem(_OAUTH[error], message)
    else:
        message = ""
    code = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "TOO_LARGE"}.get(
        response.status_code, "UNAVAILABLE" if response.status_code >= 500 else "INVALID_ARGUMENT"
    )
    return Problem(code, message or f"{response.request.url.path} answered {response.status_code}.")
