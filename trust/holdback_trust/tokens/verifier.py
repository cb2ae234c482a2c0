"""Tokens as one audience verifies them, and which of them no longer count."""

import threading
from datetime import datetime, timedelta

from holdback_base.ids import Clock

from holdback_trust.identity import Caller
from holdback_trust.keys import KeyRing
from holdback_trust.tokens.reading import LONGEST_LIFE, expired, read_token, refused

CACHE_SIZE = 4096


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
            raise expired()
        caller = read_token(token, self._ring, self._issuer, self._audience, now)
        with self._lock:
            if caller.token_id in self._revoked:
                raise refused("it was revoked")
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
