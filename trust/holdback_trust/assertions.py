"""Client assertions (RFC 7523): a person or an agent proves with its own key who it is, once.

Used at the token endpoint as `private_key_jwt` by agents and as `jwt-bearer` grant by people.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdback_base.ids import Clock
from holdback_base.problem import Problem

from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, opened, sign_jws, whole_seconds

ASSERTION_TYPE = "client-authentication+jwt"
LONGEST_ASSERTION = 60
"""Seconds an assertion may live."""
CLOCK_SKEW = 5
"""Seconds another machine's clock may run ahead."""


@dataclass(frozen=True)
class Proof:
    """Who signed an assertion, with which key (its RFC 7638 thumbprint), and what it says it is (claim `identity`)."""

    subject: str
    key: str
    identity: object = None


def sign_assertion(
    keys: KeyPair,
    subject: str,
    audience: str,
    clock: Clock,
    jti: str,
    *,
    seconds: int = LONGEST_ASSERTION,
    identity: Mapping[str, Any] | None = None,
) -> str:
    """An assertion of the subject about itself (`iss` = `sub`), for one use at the audience within `seconds` (1-60).

    `identity` is what an agent is, `AgentIdentity.shown()`.
    """
    now = int(clock().timestamp())
    claims: dict[str, Any] = {
        "iss": subject,
        "sub": subject,
        "aud": audience,
        "iat": now,
        "exp": now + seconds,
        "jti": jti,
    }
    if identity is not None:
        claims["identity"] = identity
    return sign_jws(keys, ASSERTION_TYPE, claims)


class AssertionVerifier:
    """Verifies assertions for one audience and refuses to see one twice.

    The memory of what was seen is this object's: give a house one verifier.
    """

    def __init__(self, ring: KeyRing, audience: str, clock: Clock) -> None:
        self._ring, self._audience, self._clock = ring, audience, clock
        self._seen = OrderedDict[tuple[str, str], int]()  # a dict is slow to tell its first when many went before
        self._lock = threading.Lock()

    def verify(self, assertion: str) -> str:
        """Who signed it: `person:sam`, `agent:compliance`. Raises Problem UNAUTHENTICATED with the reason."""
        return self.prove(assertion).subject

    def prove(self, assertion: str) -> Proof:
        """Who signed it, with which key, as what. Raises Problem UNAUTHENTICATED with the reason."""
        now = self._clock()
        try:
            claims, key, _ = opened(assertion, ASSERTION_TYPE, self._ring, self._ring.issuers())
        except SignatureRefused as error:
            raise _refused(str(error)) from error
        subject, jti = claims["iss"], claims.get("jti")
        if claims.get("sub") != subject or not isinstance(jti, str) or not jti:
            raise _refused("it speaks for somebody else or has no id")
        if claims.get("aud") != self._audience:
            raise _refused("it is meant for another audience")
        expires = _expiry(whole_seconds(claims, "iat"), whole_seconds(claims, "exp"), now)
        with self._lock:
            self._remember((subject, jti), expires, now)
        return Proof(subject, key, claims.get("identity"))

    def _remember(self, use: tuple[str, str], expires: int, now: datetime) -> None:
        seconds = now.timestamp()
        # kept in order of arrival; lives differ by a minute at most, so what is left behind is little
        while self._seen and self._seen[oldest := next(iter(self._seen))] <= seconds:
            del self._seen[oldest]
        if use in self._seen:
            raise _refused("it was used before")
        self._seen[use] = expires


def _expiry(issued: int | None, expires: int | None, now: datetime) -> int:
    seconds = now.timestamp()
    if issued is None or expires is None or not 0 < expires - issued <= LONGEST_ASSERTION:
        raise _refused(f"its life is not stated or longer than {LONGEST_ASSERTION} s")
    if issued > seconds + CLOCK_SKEW:
        raise _refused("it is issued in the future")
    if seconds >= expires:
        raise _refused("it has expired")
    return expires


def _refused(reason: str) -> Problem:
    return Problem("UNAUTHENTICATED", f"The assertion is refused: {reason}.", "Sign a new one and send it once.")
