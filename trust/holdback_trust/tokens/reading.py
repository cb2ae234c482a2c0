"""What a token says, as a `Caller`, and a `Caller` as what a token says."""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_trust.identity import HOUSE_LEVEL, LEVELS, LONGEST_CHAIN, Caller, TaskClaim
from holdback_trust.keys import LONGEST_TEXT, KeyPair, KeyRing, SignatureRefused, opened, sign_jws, whole_seconds

TOKEN_TYPE = "at+jwt"  # noqa: S105 - a type, not a secret
LONGEST_LIFE = 300
"""Seconds a token may live."""
TOKENS_KNOWN = 4096
"""How many tokens a process remembers."""


def refused(reason: str) -> Problem:
    """UNAUTHENTICATED: a token that does not hold."""
    return Problem(
        "UNAUTHENTICATED", f"The token is refused: {reason}.", "Get a new token for this audience from the gateway."
    )


def expired() -> Problem:
    """UNAUTHENTICATED: a token that held until a while ago."""
    return refused("it has expired")


class Terms(NamedTuple):
    """From when until when a token counts, in seconds since 1970, and where."""

    issued: int
    expires: int
    audience: object


class Said(NamedTuple):
    """What a token says, who signed it and with which key."""

    caller: Caller
    since: datetime
    terms: Terms
    issuer: str
    kid: str
    key: EllipticCurvePublicKey


class KnownTokens:
    """Tokens that this process has read or made, letter for letter: each is parsed once, whoever is shown it, and
    everybody knows its caller by the same object. What a text says cannot change; whether it holds is asked each time.
    """

    def __init__(self) -> None:
        self._said = OrderedDict[str, Said]()
        self._lock = threading.Lock()
        self.get = self._said.get

    def note(self, text: str, said: Said) -> None:
        """From now on this is what the text says."""
        with self._lock:
            self._said[text] = said
            if len(self._said) > TOKENS_KNOWN:
                self._said.popitem(last=False)

    def __len__(self) -> int:
        return len(self._said)


KNOWN = KnownTokens()


def read_token(
    text: str, ring: KeyRing, issuer: str, audience: str | None, now: datetime, *, even_expired: bool = False
) -> Caller:
    """The caller a token names.

    `audience` None accepts any: only for the issuer, who exchanges tokens that were meant for others. `even_expired`
    reads one that has had its time: only for the issuer, who renews while a task lives. Raises Problem UNAUTHENTICATED.
    """
    said = KNOWN.get(text)
    if said is not None and said.issuer == issuer:
        key = ring.find(issuer, said.kid)
        if key is said.key or key == said.key:
            _check(said.terms, audience, now, even_expired)
            return said.caller
    try:
        claims, kid, key = opened(text, TOKEN_TYPE, ring, {issuer})
    except SignatureRefused as error:
        raise refused(str(error)) from error
    terms = _terms(claims)
    _check(terms, audience, now, even_expired)
    caller = _caller(claims, terms.expires)
    KNOWN.note(text, Said(caller, _instant(terms.issued), terms, issuer, kid, key))
    return caller


def sign_token(keys: KeyPair, caller: Caller, issuer: str, now: datetime) -> tuple[str, Caller]:
    """A token for this caller, issued at that instant, and what it says to whoever reads it.

    Raises Problem UNAUTHENTICATED for one that would have expired, or say what nobody reads.
    """
    claims = claims_of(caller, issuer, now)
    if claims["exp"] <= claims["iat"]:
        raise expired()
    terms = _terms(claims)
    said = _caller(claims, terms.expires)
    text = sign_jws(keys, TOKEN_TYPE, claims)
    if len(text) <= LONGEST_TEXT:
        KNOWN.note(text, Said(said, _instant(terms.issued), terms, issuer, keys.kid, keys.public))
    return text, said


def _terms(claims: dict[str, Any]) -> Terms:
    issued, expires = whole_seconds(claims, "iat"), whole_seconds(claims, "exp")
    if issued is None or expires is None or not 0 < expires - issued <= LONGEST_LIFE:
        raise refused(f"its life is not stated or longer than {LONGEST_LIFE} s")
    return Terms(issued, expires, claims.get("aud"))


def _check(terms: Terms, audience: str | None, now: datetime, even_expired: bool) -> None:
    seconds = now.timestamp()
    if terms.issued > seconds:
        raise refused("it is issued in the future")
    if seconds >= terms.expires and not even_expired:
        raise expired()
    if not isinstance(terms.audience, str) or (audience is not None and terms.audience != audience):
        raise refused("it is meant for another audience")


def claims_of(caller: Caller, issuer: str, issued: datetime) -> dict[str, Any]:
    """The claims of a token for this caller, issued at that instant."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": caller.person,
        "aud": caller.audience,
        "scope": " ".join(sorted(caller.scopes)),
        "roles": sorted(caller.roles),
        "iat": int(issued.timestamp()),
        "exp": int(caller.expires.timestamp()),
        "jti": caller.token_id,
        "level": caller.level,
    }
    return claims | told_of(caller)


def told_of(caller: Caller) -> dict[str, Any]:
    """The claims that not every token has: `act`, `stories`, `amr`, `task`."""
    claims: dict[str, Any] = {}
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
        claims["task"] = {**vars(task), "tools": sorted(task.tools), "expires": int(task.expires.timestamp())}
    return claims


def _caller(claims: dict[str, Any], expires: int) -> Caller:
    chain = _actors(claims.get("act"))
    scope, roles, jti = claims.get("scope"), claims.get("roles", []), claims.get("jti")
    if not isinstance(scope, str) or not isinstance(jti, str) or not jti or not isinstance(roles, list):
        raise refused("it lacks an id, a scope or a list of roles")
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
            expires=_instant(expires),
        )
    except (ValidationError, TypeError, KeyError, ValueError, OverflowError) as error:
        raise refused("it names no person or no agent of a known form") from error


def _task(shape: Any) -> TaskClaim | None:
    if shape is None:
        return None
    fields = cast(dict[str, Any], shape)
    return TaskClaim.model_validate({**fields, "expires": _instant(fields["expires"])})


def _actors(act: Any) -> tuple[str, ...]:
    chain: list[str] = []
    while act is not None:
        if not isinstance(act, dict) or len(chain) == LONGEST_CHAIN:
            raise refused("its chain of actors is too long or malformed")
        shape = cast(dict[str, Any], act)
        chain.append(shape.get("sub", ""))
        act = shape.get("act")
    return tuple(chain)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
