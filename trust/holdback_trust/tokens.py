"""Access tokens that name the person and the acting agent: issued, exchanged and verified.

JWT access tokens (RFC 9068, `typ` at+jwt, ES256) of at most five minutes; delegation by token exchange (RFC 8693) only
ever narrows. Clocks, keys and ids are arguments.
"""

import threading
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from holdback_base.ids import Clock
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_trust.identity import HOUSE_LEVEL, LEVELS, LONGEST_CHAIN, Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws, whole_seconds

__all__ = ["LONGEST_LIFE", "TOKEN_TYPE", "KeyPair", "KeyRing", "TokenAuthority", "TokenVerifier"]

TOKEN_TYPE = "at+jwt"  # noqa: S105 - a type, not a secret
LONGEST_LIFE = 300
"""Seconds a token may live."""
CACHE_SIZE = 4096


def _refused(reason: str) -> Problem:
    return Problem(
        "UNAUTHENTICATED", f"The token is refused: {reason}.", "Get a new token for this audience from the gateway."
    )


def _denied(message: str, hint: str, **details: Any) -> Problem:
    return Problem("PERMISSION_DENIED", message, hint, **details)


class RevokedTokens:
    """Token ids that no longer count, kept as long as a token could still live."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}

    def add(self, jti: str) -> None:
        """Refuse this id from now on."""
        now = self._clock()
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._until[jti] = now + timedelta(seconds=LONGEST_LIFE)

    def __contains__(self, jti: str) -> bool:
        return jti in self._until


def read_token(text: str, ring: KeyRing, issuer: str, audience: str | None, now: datetime) -> Caller:
    """The caller a token names.

    `audience` None accepts any: only for the issuer, who exchanges tokens that were meant for others. Raises Problem
    UNAUTHENTICATED.
    """
    try:
        claims = open_jws(text, TOKEN_TYPE, ring, {issuer})
    except SignatureRefused as error:
        raise _refused(str(error)) from error
    issued, expires = whole_seconds(claims, "iat"), whole_seconds(claims, "exp")
    if issued is None or expires is None or not 0 < expires - issued <= LONGEST_LIFE:
        raise _refused(f"its life is not stated or longer than {LONGEST_LIFE} s")
    seconds = now.timestamp()
    if issued > seconds:
        raise _refused("it is issued in the future")
    if seconds >= expires:
        raise _refused("it has expired")
    if not isinstance(claims.get("aud"), str) or (audience is not None and claims["aud"] != audience):
        raise _refused("it is meant for another audience")
    return _caller(claims, expires)


def _caller(claims: dict[str, Any], expires: int) -> Caller:
    chain = _actors(claims.get("act"))
    scope, roles, jti = claims.get("scope"), claims.get("roles", []), claims.get("jti")
    if not isinstance(scope, str) or not isinstance(jti, str) or not jti or not isinstance(roles, list):
        raise _refused("it lacks an id, a scope or a list of roles")
    try:
        return Caller(
            person=cast(str, claims.get("sub")),
            agent=chain[0] if chain else None,
            chain=chain,
            scopes=frozenset(scope.split()),
            roles=frozenset(cast(list[str], roles)),
            stories=frozenset(cast(list[str], claims.get("stories", []))),
            factors=frozenset(cast(list[str], claims.get("amr", []))),
            level=claims.get("level", HOUSE_LEVEL if chain else LEVELS[-1]),
            task=_task(claims.get("task")),
            audience=claims["aud"],
            token_id=jti,
            expires=datetime.fromtimestamp(expires, UTC),
        )
    except (ValidationError, TypeError, KeyError, ValueError, OverflowError) as error:
        raise _refused("it names no person or no agent of a known form") from error


def _task(shape: Any) -> TaskClaim | None:
    if shape is None:
        return None
    fields = cast(dict[str, Any], shape)
    return TaskClaim.model_validate({**fields, "expires": datetime.fromtimestamp(fields["expires"], UTC)})


def _actors(act: Any) -> tuple[str, ...]:
    chain: list[str] = []
    while act is not None:
        if not isinstance(act, dict) or len(chain) == LONGEST_CHAIN:
            raise _refused("its chain of actors is too long or malformed")
        shape = cast(dict[str, Any], act)
        chain.append(shape.get("sub", ""))
        act = shape.get("act")
    return tuple(chain)


class TokenVerifier:
    """Verifies the tokens one audience is given, and keeps what it verified until it expires or is revoked."""

    def __init__(self, ring: KeyRing, issuer: str, audience: str, clock: Clock) -> None:
        self._ring, self._issuer, self._audience, self._clock = ring, issuer, audience, clock
        self._kept: dict[str, Caller] = {}
        self._revoked = RevokedTokens(clock)
        self._lock = threading.Lock()

    def verify(self, token: str) -> Caller:
        """Who calls. Raises Problem UNAUTHENTICATED with the reason; the token itself is never repeated."""
        now = self._clock()
        kept = self._kept.get(token)
        if kept is not None:
            if now < kept.expires:
                return kept
            raise _refused("it has expired")
        caller = read_token(token, self._ring, self._issuer, self._audience, now)
        with self._lock:
            if caller.token_id in self._revoked:
                raise _refused("it was revoked")
            self._keep(token, caller, now)
        return caller

    def revoke(self, jti: str) -> None:
        """Refuse the token of this id from now on."""
        with self._lock:
            self._revoked.add(jti)
            self._kept = {text: caller for text, caller in self._kept.items() if caller.token_id != jti}

    def _keep(self, token: str, caller: Caller, now: datetime) -> None:
        if len(self._kept) >= CACHE_SIZE:
            self._kept = {text: each for text, each in self._kept.items() if now < each.expires}
            while len(self._kept) >= CACHE_SIZE:
                self._kept.pop(next(iter(self._kept)))
        self._kept[token] = caller


class TokenAuthority:
    """Issues tokens to people and exchanges them for narrower ones that agents act with."""

    def __init__(self, issuer: str, keys: KeyPair, clock: Clock, new_jti: Callable[[], str]) -> None:
        self._issuer, self._keys, self._clock, self._new_jti = issuer, keys, clock, new_jti
        self._ring = KeyRing({issuer: [keys.public_jwk]})
        self._revoked = RevokedTokens(clock)

    def issue(
        self,
        *,
        person: str,
        roles: Iterable[str],
        audience: str,
        scopes: Iterable[str],
        seconds: int = LONGEST_LIFE,
        actor: str | None = None,
        stories: Iterable[str] = (),
        factors: Iterable[str] = (),
        level: int | None = None,
        task: TaskClaim | None = None,
    ) -> str:
        """A token for a person, or for an agent that acts for that person, to be used at one audience.

        What the person may hold is policy's to say (`grants.person_scopes`), before this is called. Raises Problem
        INVALID_ARGUMENT for a life outside 1 to 300 seconds.
        """
        if not 1 <= seconds <= LONGEST_LIFE:
            raise Problem(
                "INVALID_ARGUMENT",
                f"A token cannot live {seconds} s.",
                f"Ask for 1 to {LONGEST_LIFE} seconds; exchange or renew it when work takes longer.",
            )
        expires = int(self._clock().timestamp()) + seconds
        caller = Caller(
            person=person,
            chain=() if actor is None else (actor,),
            scopes=frozenset(scopes),
            roles=frozenset(roles),
            audience=audience,
            token_id=self._new_jti(),
            stories=frozenset(stories),
            factors=frozenset(factors),
            level=level if level is not None else LEVELS[-1] if actor is None else HOUSE_LEVEL,
            task=task,
            expires=datetime.fromtimestamp(expires, UTC),
        )
        return self._sign(caller)

    def exchange(
        self,
        subject: str,
        actor: str,
        *,
        audience: str,
        scopes: Collection[str] | None = None,
        allowed: Collection[str],
        stories: Collection[str] | None = None,
        level: int = HOUSE_LEVEL,
        task: TaskClaim | None = None,
    ) -> str:
        """A token with which `actor` goes on to `audience` on behalf of the person of the `subject` token.

        Never wider: the scopes are those of the subject that the actor is `allowed` at that audience; with `scopes`
        given, exactly those. Never longer: it ends with the subject at the latest. The actor becomes the outermost
        `act`, with its own `level` or that of who went before, whichever is lower; `stories` are those that it may
        know of those at hand. Only the party a token was meant for may exchange it.

        Raises:
            Problem: UNAUTHENTICATED for a subject token that does not hold; PERMISSION_DENIED when it was meant for
                somebody else, for a scope that is not allowed (`details.scopes` names them), for no scope left, and
                for a chain of more than 4 actors.
        """
        now = self._clock()
        caller = read_token(subject, self._ring, self._issuer, None, now)
        if caller.token_id in self._revoked:
            raise _refused("it was revoked")
        if caller.audience != actor:
            raise _denied(
                f"{actor} may not exchange a token that was meant for {caller.audience}.",
                "Exchange the token that came with the request to this agent.",
            )
        if len(caller.chain) >= LONGEST_CHAIN:
            raise _denied(
                f"The chain {caller.text()} is full: {LONGEST_CHAIN} agents may stand between a person and an effect.",
                "Delegate less deeply.",
            )
        granted = _narrowed(caller.scopes & frozenset(allowed), scopes, actor, audience)
        expires = min(int(caller.expires.timestamp()), int(now.timestamp()) + LONGEST_LIFE)
        changes = {
            "chain": (actor, *caller.chain),
            "audience": audience,
            "scopes": granted,
            "expires": datetime.fromtimestamp(expires, UTC),
            "token_id": self._new_jti(),
            "stories": caller.stories if stories is None else caller.stories & frozenset(stories),
            "level": min(level, caller.level),
            "task": task,
        }
        return self._sign(caller.model_copy(update=changes))

    def revoke(self, jti: str) -> None:
        """Exchange the token of this id no more. Verifiers keep their own list."""
        self._revoked.add(jti)

    def _sign(self, caller: Caller) -> str:
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": caller.person,
            "aud": caller.audience,
            "scope": " ".join(sorted(caller.scopes)),
            "roles": sorted(caller.roles),
            "iat": int(self._clock().timestamp()),
            "exp": int(caller.expires.timestamp()),
            "jti": caller.token_id,
            "level": caller.level,
        }
        act: dict[str, Any] | None = None
        for each in reversed(caller.chain):
            act = {"sub": each} if act is None else {"sub": each, "act": act}
        if act is not None:
            claims["act"] = act
        if caller.stories:
            claims["stories"] = sorted(caller.stories)
        if caller.factors:
            claims["amr"] = sorted(caller.factors)
        if caller.task is not None:
            task = caller.task
            claims["task"] = {
                **task.model_dump(mode="json", exclude={"expires", "tools"}),
                "tools": sorted(task.tools),
                "expires": int(task.expires.timestamp()),
            }
        return sign_jws(self._keys, TOKEN_TYPE, claims)


def _narrowed(possible: frozenset[str], asked: Collection[str] | None, actor: str, audience: str) -> frozenset[str]:
    wanted = possible if asked is None else frozenset(asked)
    outside = sorted(wanted - possible)
    if outside:
        raise _denied(
            f"{actor} may not have {', '.join(outside)} at {audience} for this person.",
            "Ask only for scopes that the token at hand holds and that this agent may use there.",
            scopes=outside,
        )
    if not wanted:
        raise _denied(
            f"{actor} has nothing to do at {audience}: no scope of the token at hand is allowed there.",
            "Ask the person to delegate the scope the work needs.",
        )
    return wanted
