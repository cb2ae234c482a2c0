"""Tokens as one audience verifies them. Which of them no longer count is asked elsewhere (`standing`)."""

import threading
from datetime import datetime

from holdback_base.ids import Clock

from holdback_trust.identity import Caller
from holdback_trust.keys import KeyRing
from holdback_trust.tokens.reading import expired, read_token

CACHE_SIZE = 4096


class TokenVerifier:
    """Verifies the tokens one audience is given, and keeps what it verified until it expires."""

    def __init__(self, ring: KeyRing, issuer: str, audience: str, clock: Clock) -> None:
        self._ring, self._issuer, self._audience, self._clock = ring, issuer, audience, clock
        self._kept: dict[str, Caller] = {}
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
            self._keep(token, caller, now)
        return caller

    def _keep(self, token: str, caller: Caller, now: datetime) -> None:
        if len(self._kept) >= CACHE_SIZE:
            self._kept = {text: each for text, each in self._kept.items() if now < each.expires}
            while len(self._kept) >= CACHE_SIZE:
                self._kept.pop(next(iter(self._kept)))
        self._kept[token] = caller
