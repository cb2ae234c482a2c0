"""ID tokens (OpenID Connect Core 1.0): the house's own, and those of an issuer whose word on people it takes. Pure."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import jwt
from holdback_trust.keys import KeyPair, sign_jws, whole_seconds

ALGORITHMS = ("RS256", "ES256")
"""The only signatures that are believed of another issuer: each with a key of its own kind, never a shared secret."""
CLOCK_SKEW = 60
"""Seconds another machine's clock may run ahead or behind."""
_LONGEST = 16_384
_LEAST_RSA_BITS = 2048
_KINDS = {"RS256": "RSA", "ES256": "EC"}
_JWS = jwt.PyJWS(algorithms=list(ALGORITHMS))


class IdTokenRefused(ValueError):  # noqa: N818 - says what was done to it
    """An ID token that does not hold; the message says why, without repeating it."""


class KeyUnknown(IdTokenRefused):
    """Its key is none of those at hand: the issuer may have changed keys, so its key set is worth another look."""


@dataclass(frozen=True)
class Expected:
    """What an ID token must say: who issued it, for which program, with which nonce, and when it is now."""

    issuer: str
    client_id: str
    nonce: str
    now: datetime


def half_hash(token: str) -> str:
    """`at_hash` of an access token beside an ID token that a sha256 signs (OpenID Connect Core, 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()


def make_id_token(keys: KeyPair, claims: Mapping[str, Any]) -> str:
    """An ID token of this house, ES256. Its type keeps it from ever being taken for an access token."""
    return sign_jws(keys, "JWT", claims)


def read_id_token(
    text: str, keys: Sequence[Mapping[str, Any]], expected: Expected, *, access_token: str = ""
) -> dict[str, Any]:
    """The claims of an issuer's ID token (OpenID Connect Core, 3.1.3.7).

    Args:
        text: the compact JWS.
        keys: the issuer's key set as it publishes it.
        expected: what it must say.
        access_token: the access token that came with it; checked where the ID token names its hash.

    Raises:
        KeyUnknown: no key of that name; the key set may be old.
        IdTokenRefused: with the reason in words.
    """
    header, claims = _unchecked(text)
    key = _key(header, keys)
    try:
        _JWS.decode_complete(text, key.key, algorithms=[header["alg"]])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise IdTokenRefused("its signature does not verify") from None
    _check_parties(claims, expected)
    _check_times(claims, expected.now)
    if claims.get("nonce") != expected.nonce:
        raise IdTokenRefused("it answers another request")
    if "at_hash" in claims and claims["at_hash"] != half_hash(access_token):
        raise IdTokenRefused("it came with another access token")
    return claims


def _unchecked(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(text) > _LONGEST:
        raise IdTokenRefused(f"it is longer than {_LONGEST} characters")
    try:
        read = _JWS.decode_complete(text, options={"verify_signature": False})
        header, claims = read["header"], json.loads(read["payload"])
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise IdTokenRefused("it is not a compact JWS over JSON") from None
    if not isinstance(claims, dict):
        raise IdTokenRefused("its claims are not an object")
    if header.get("alg") not in ALGORITHMS:
        raise IdTokenRefused(f"its algorithm is not one of {', '.join(ALGORITHMS)}")
    if "crit" in header:
        raise IdTokenRefused("its header asks for what is not understood here")
    return header, cast(dict[str, Any], claims)


def _key(header: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> jwt.PyJWK:
    alg, kid = header["alg"], header.get("kid")
    fitting = [
        each
        for each in keys
        if each.get("kty") == _KINDS[alg] and each.get("use", "sig") == "sig" and each.get("alg", alg) == alg
    ]
    named = [each for each in fitting if kid is not None and each.get("kid") == kid]
    if kid is None and len(fitting) == 1:
        named = fitting
    if len(named) != 1:
        raise KeyUnknown("its key is not among the issuer's keys")
    try:
        key = jwt.PyJWK(dict(named[0]), algorithm=alg)
    except jwt.PyJWTError:
        raise IdTokenRefused("its key cannot be read") from None
    if alg == "RS256" and key.key.key_size < _LEAST_RSA_BITS:
        raise IdTokenRefused(f"its key has fewer than {_LEAST_RSA_BITS} bits")
    if alg == "ES256" and named[0].get("crv") != "P-256":
        raise IdTokenRefused("its key is not on the curve P-256")
    return key


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise IdTokenRefused("another issuer made it")
    given = claims.get("aud")
    audiences = cast(list[Any], given) if isinstance(given, list) else [given]
    if expected.client_id not in audiences:
        raise IdTokenRefused("it is meant for another program")
    if claims.get("azp", expected.client_id) != expected.client_id or (len(audiences) > 1 and "azp" not in claims):
        raise IdTokenRefused("another program asked for it")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise IdTokenRefused("it names nobody")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = whole_seconds(claims, "iat"), whole_seconds(claims, "exp")
    if issued is None or expires is None:
        raise IdTokenRefused("it does not say when it was made and when it ends")
    if now.timestamp() >= expires + CLOCK_SKEW:
        raise IdTokenRefused("it has expired")
    if issued > now.timestamp() + CLOCK_SKEW:
        raise IdTokenRefused("it is issued in the future")
