"""Signed texts: compact JWS (RFC 7515), ES256 (RFC 7518) and nothing else."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pydantic_core import from_json, to_json

from holdback_trust.keys.base64url import folded, unfolded
from holdback_trust.keys.pair import ALGORITHM, NUMBER, KeyPair
from holdback_trust.keys.ring import KeyRing

LONGEST_TEXT = 16_384
"""Characters of a signed text, where nothing else is said."""
_ES256 = ec.ECDSA(hashes.SHA256())
_KNOWN_SIGNATURES = 4096
_LONG = 2048
"""Bytes from which on a text is remembered by its sha256."""
_KNOWN_HEADERS = 256
_LONGEST_KNOWN_HEADER = 256


class SignatureRefused(ValueError):  # noqa: N818 - says what was done to it
    """A signed text that does not hold; the message says why, without repeating the text."""


class Opened(NamedTuple):
    """A signed text that holds: its claims, and the name of the key that signed it, and that key."""

    claims: dict[str, Any]
    kid: str
    key: ec.EllipticCurvePublicKey


def sign_jws(keys: KeyPair, typ: str, claims: Mapping[str, Any]) -> str:
    """The claims as a compact JWS with `typ` and `kid` in its header."""
    signed = b"%s.%s" % (_header(typ, keys.kid), folded(to_json(claims)))
    r, s = decode_dss_signature(keys.private.sign(signed, _ES256))
    text = b"%s.%s" % (signed, folded(r.to_bytes(NUMBER, "big") + s.to_bytes(NUMBER, "big")))
    _good.note(text, keys.public)
    return text.decode("ascii")


@lru_cache(_KNOWN_HEADERS)
def _header(typ: str, kid: str) -> bytes:
    return folded(to_json({"alg": ALGORITHM, "kid": kid, "typ": typ}))


def open_jws(
    text: str, typ: str, ring: KeyRing, issuers: Collection[str] | None, *, longest: int = LONGEST_TEXT
) -> dict[str, Any]:
    """The claims of a compact JWS whose type, algorithm, issuer and signature hold. Times are the caller's to check.

    Args:
        text: the compact JWS; longer than `longest` characters is refused unread.
        typ: the `typ` its header must carry.
        ring: the keys to believe.
        issuers: who may have signed it; None for anybody whose key is in the ring, the issuer's name then not binding.

    Raises:
        SignatureRefused: with the reason in words.
    """
    return opened(text, typ, ring, issuers, longest=longest).claims


def opened(
    text: str, typ: str, ring: KeyRing, issuers: Collection[str] | None, *, longest: int = LONGEST_TEXT
) -> Opened:
    """The same, with the key that signed it."""
    if len(text) > longest:
        raise SignatureRefused(f"it is longer than {longest} characters")
    try:
        whole = text.encode("ascii")
        signed, _, last = whole.rpartition(b".")
        first, _, middle = signed.partition(b".")
        header, claims, signature = _read_header(first), _read(middle), unfolded(last)
    except ValueError as error:
        raise SignatureRefused("it is not a compact JWS over JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise SignatureRefused("its header or its claims are not an object")
    header, claims = cast(dict[str, Any], header), cast(dict[str, Any], claims)
    public = _key_for(header, claims, typ, ring, issuers)
    if "crit" in header or "b64" in header or not _verifies(whole, signed, signature, public):
        raise SignatureRefused("its signature does not verify")
    return Opened(claims, header["kid"], public)


def key_name(text: str) -> str:
    """The `kid` of a compact JWS that `open_jws` has opened: the thumbprint of the key that signed it."""
    return str(_read_header(text.partition(".")[0].encode("ascii"))["kid"])


def _read(segment: bytes) -> Any:
    return from_json(unfolded(segment))


_read_again = lru_cache(_KNOWN_HEADERS)(_read)


def _read_header(segment: bytes) -> Any:
    """The header of a segment: parties have few, and those are read once. Not to be changed."""
    return _read_again(segment) if len(segment) <= _LONGEST_KNOWN_HEADER else _read(segment)


def _verifies(text: bytes, signed: bytes, signature: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    if _good.knows(text, public):
        return True
    if len(signature) != 2 * NUMBER:
        return False
    r, s = int.from_bytes(signature[:NUMBER], "big"), int.from_bytes(signature[NUMBER:], "big")
    try:
        public.verify(encode_dss_signature(r, s), signed, _ES256)
    except InvalidSignature:
        return False
    _good.note(text, public)
    return True


class _Good:
    """Signatures that this process made or verified: the whole text, and the key. That they verify cannot change;
    whether the key is trusted is asked each time, and what the text says, too."""

    def __init__(self) -> None:
        self._keys = OrderedDict[bytes, ec.EllipticCurvePublicKey]()
        self._lock = threading.Lock()

    def note(self, text: bytes, public: ec.EllipticCurvePublicKey) -> None:
        name = _named(text)
        with self._lock:
            self._keys[name] = public
            if len(self._keys) > _KNOWN_SIGNATURES:
                self._keys.popitem(last=False)

    def knows(self, text: bytes, public: ec.EllipticCurvePublicKey) -> bool:
        key = self._keys.get(_named(text))
        return key is public or (key is not None and key == public)


def _named(text: bytes) -> bytes:
    return text if len(text) < _LONG else hashlib.sha256(text).digest()


_good = _Good()


def _key_for(
    header: Mapping[str, Any], claims: Mapping[str, Any], typ: str, ring: KeyRing, issuers: Collection[str] | None
) -> ec.EllipticCurvePublicKey:
    if header.get("alg") != ALGORITHM:
        raise SignatureRefused(f"its algorithm is not {ALGORITHM}")
    if header.get("typ") != typ:
        raise SignatureRefused(f"its type is not {typ}")
    kid, issuer = header.get("kid"), claims.get("iss")
    if not isinstance(kid, str) or not isinstance(issuer, str):
        raise SignatureRefused("it names no key or no issuer")
    if issuers is not None and issuer not in issuers:
        raise SignatureRefused("its issuer may not say this")
    public = ring.find_anywhere(kid) if issuers is None else ring.find(issuer, kid)
    if public is None:
        raise SignatureRefused("its key is not a trusted key of its issuer")
    return public


def whole_seconds(claims: Mapping[str, Any], name: str) -> int | None:
    """A time claim in whole seconds since 1970, or None when it is absent or not an integer (RFC 7519 NumericDate)."""
    value = claims.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
