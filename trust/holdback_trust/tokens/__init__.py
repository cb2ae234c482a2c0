"""Access tokens that name the person, the acting agent and its task: issued, exchanged and verified.

JWT access tokens (RFC 9068, `typ` at+jwt, ES256) of at most five minutes; delegation by token exchange (RFC 8693) only
ever narrows. Clocks, keys and ids are arguments.
"""

from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.tokens.authority import Granted, TokenAuthority
from holdback_trust.tokens.reading import LONGEST_LIFE, TOKEN_TYPE, TOKENS_KNOWN, read_token
from holdback_trust.tokens.verifier import TokenVerifier

__all__ = [
    "LONGEST_LIFE",
    "TOKENS_KNOWN",
    "TOKEN_TYPE",
    "Granted",
    "KeyPair",
    "KeyRing",
    "TokenAuthority",
    "TokenVerifier",
    "read_token",
]
