"""Tokens as one audience verifies them. Which of them no longer count is asked elsewhere (`standing`)."""

from holdback_base.ids import Clock

from holdback_trust.identity import Caller
from holdback_trust.keys import KeyRing
from holdback_trust.tokens.reading import KNOWN, read_token


class TokenVerifier:
    """Verifies the tokens one audience is given."""

    def __init__(self, ring: KeyRing, issuer: str, audience: str, clock: Clock) -> None:
        self._ring, self._issuer, self._audience, self._clock = ring, issuer, audience, clock

    def verify(self, token: str) -> Caller:
        """Who calls, the same object each time. Raises Problem UNAUTHENTICATED with the reason; the token itself is
        never repeated."""
        now, said = self._clock(), KNOWN.get(token)
        if (
            said is not None
            and said.caller.audience == self._audience
            and said.since <= now < said.caller.expires
            and said.issuer == self._issuer
            and self._ring.find(said.issuer, said.kid) is said.key
        ):
            return said.caller
        return read_token(token, self._ring, self._issuer, self._audience, now)  # anew, or it says why not
