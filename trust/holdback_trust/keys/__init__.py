"""Signing keys and the public keys a party trusts: ES256 (RFC 7518) and nothing else, compact JWS (RFC 7515).

Every signed text of the house, token, assertion, statement or audit head, is made and opened here, so that algorithm,
type and key are checked in one place.
"""

from holdback_trust.keys.jws import (
    LONGEST_TEXT,
    Opened,
    SignatureRefused,
    key_name,
    open_jws,
    opened,
    sign_jws,
    whole_seconds,
)
from holdback_trust.keys.pair import ALGORITHM, KeyPair, thumbprint
from holdback_trust.keys.ring import KeyRing

__all__ = [
    "ALGORITHM",
    "LONGEST_TEXT",
    "KeyPair",
    "KeyRing",
    "Opened",
    "SignatureRefused",
    "key_name",
    "open_jws",
    "opened",
    "sign_jws",
    "thumbprint",
    "whole_seconds",
]
