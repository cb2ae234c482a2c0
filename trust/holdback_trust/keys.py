"""Signing keys and the public keys a party trusts: ES256 (RFC 7518) and nothing else, compact JWS (RFC 7515).

Every signed text of the house, token, assertion, statement or audit head, is made and opened here, so that algorithm,
type and key are checked in one place.
"""

import contextlib
import hashlib
import json
import os
import stat
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from holdback_base.canonical import canonical_bytes
from holdback_base.problem import Problem
from jwt.algorithms import ECAlgorithm

ALGORITHM = "ES256"
_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
_ES256 = ECAlgorithm(ECAlgorithm.SHA256)
_KNOWN_SIGNATURES = 8192


class SignatureRefused(ValueError):  # noqa: N818 - says what was done to it
    """A signed text that does not hold; the message says why, without repeating the text."""


class KeyPair:
    """An ES256 key pair. `kid` is the RFC 7638 thumbprint, so a key has one name everywhere."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("ES256 needs a key on the curve P-256")
        self.private, self.public = private, private.public_key()
        shape = _point(self.public)
        self.kid = thumbprint(shape)
        self.public_jwk: Mapping[str, str] = MappingProxyType(
            {**shape, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}
        )

    @classmethod
    def generate(cls) -> Self:
        """A new pair from the system's source of chance."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """The pair kept at the path; made there, readable by its owner only (0600), when there is none.

        Two processes that start together end up with the same pair. Raises Problem INVALID_ARGUMENT for a file that
        others may read or that holds no P-256 key.
        """
        if not path.exists():
            _keep_new(path, cls.generate().private)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Problem(
                "INVALID_ARGUMENT",
                f"The key file {path.name} can be read by others.",
                f"Run chmod 600 on it, or remove it to have a new key made: {path}",
            )
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(private, ec.EllipticCurvePrivateKey):
                raise ValueError("not an elliptic curve key")
            return cls(private)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise Problem(
                "INVALID_ARGUMENT",
                f"The key file {path.name} holds no P-256 private key.",
                f"Restore it from a copy, or remove it to have a new key made: {path}",
            ) from error

    def __repr__(self) -> str:
        return f"KeyPair(kid={self.kid!r})"


def _keep_new(path: Path, private: ec.EllipticCurvePrivateKey) -> None:
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its key is the key
            os.link(draft, path)
    finally:
        draft.unlink()


def _point(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _base64(numbers.x), "y": _base64(numbers.y)}


def _base64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The RFC 7638 thumbprint of an EC key: base64url of the sha256 of its required members."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return urlsafe_b64encode(hashlib.sha256(canonical_bytes(members)).digest()).rstrip(b"=").decode()


class KeyRing:
    """The public keys a party trusts, by who signs with them: `KeyRing({"mcp:rights": [jwk], ...})`.

    An issuer may have several keys at once, so that keys can be changed without a gap. A key counts only for the
    issuer it is listed under. Raises ValueError for a JWK that is not a public P-256 key.
    """

    def __init__(self, keys: Mapping[str, Iterable[Mapping[str, str]]] | None = None) -> None:
        self._keys: dict[str, dict[str, ec.EllipticCurvePublicKey]] = {}
        self._jwks: dict[str, list[dict[str, str]]] = {}
        for issuer, jwks in (keys or {}).items():
            for jwk in jwks:
                self.trust(issuer, jwk)

    def trust(self, issuer: str, jwk: Mapping[str, str]) -> None:
        """From now on believe what this key signs for this issuer."""
        shape = dict(jwk)
        if shape.get("kty") != "EC" or shape.get("crv") != "P-256" or "d" in shape:
            raise ValueError(f"a key of {issuer} is not a public P-256 key")
        public = cast(ec.EllipticCurvePublicKey, jwt.PyJWK(shape, algorithm=ALGORITHM).key)
        kid = shape.setdefault("kid", thumbprint(shape))
        known = self._keys.get(issuer, {})
        if kid not in known:
            self._keys[issuer] = {**known, kid: public}
            self._jwks[issuer] = [*self._jwks.get(issuer, []), shape]

    def trust_only(self, issuer: str, jwk: Mapping[str, str]) -> None:
        """From now on believe for this issuer what this key signs, and nothing else."""
        only = KeyRing({issuer: [jwk]})
        self._keys |= only._keys
        self._jwks |= only._jwks

    def find(self, issuer: str, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key of that name if this issuer may sign with it."""
        return self._keys.get(issuer, {}).get(kid)

    def find_anywhere(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key of that name under any issuer: for audit heads, which any party of the house may sign."""
        return next((keys[kid] for keys in self._keys.values() if kid in keys), None)

    def jwks(self, issuer: str) -> dict[str, list[dict[str, str]]]:
        """The issuer's public keys as an RFC 7517 key set."""
        return {"keys": [dict(jwk) for jwk in self._jwks.get(issuer, [])]}

    def issuers(self) -> frozenset[str]:
        """Whose keys are here."""
        return frozenset(self._keys)


def sign_jws(keys: KeyPair, typ: str, claims: Mapping[str, Any]) -> str:
    """The claims as a compact JWS with `typ` and `kid` in its header."""
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    text = _JWS.encode(payload, keys.private, algorithm=ALGORITHM, headers={"typ": typ, "kid": keys.kid})
    _good.note(text.encode(), keys.public)
    return text


def open_jws(
    text: str, typ: str, ring: KeyRing, issuers: Collection[str] | None, *, longest: int = 16_384
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
    if len(text) > longest:
        raise SignatureRefused(f"it is longer than {longest} characters")
    try:
        signed, _, last = text.encode("ascii").rpartition(b".")
        first, _, middle = signed.partition(b".")
        header, claims, signature = json.loads(_unfolded(first)), json.loads(_unfolded(middle)), _unfolded(last)
    except (ValueError, RecursionError) as error:
        raise SignatureRefused("it is not a compact JWS over JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise SignatureRefused("its header or its claims are not an object")
    header, claims = cast(dict[str, Any], header), cast(dict[str, Any], claims)
    public = _key_for(header, claims, typ, ring, issuers)
    if "crit" in header or "b64" in header or not _verifies(signed, signature, public):
        raise SignatureRefused("its signature does not verify")
    return claims


def key_name(text: str) -> str:
    """The `kid` of a compact JWS that `open_jws` has opened: the thumbprint of the key that signed it."""
    return str(json.loads(_unfolded(text.partition(".")[0].encode("ascii")))["kid"])


def _unfolded(segment: bytes) -> bytes:
    """The bytes of a segment in base64url as RFC 7515 writes it: no padding, no other letters, no bits left over.
    Raises ValueError."""
    decoded = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))  # passes over what is no letter
    if urlsafe_b64encode(decoded).rstrip(b"=") != segment:
        raise ValueError("not base64url")
    return decoded


def _verifies(signed: bytes, signature: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    text = signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")
    if _good.knows(text, public):
        return True
    if not _ES256.verify(signed, public, signature):
        return False
    _good.note(text, public)
    return True


class _Good:
    """Signatures that this process made or verified: the whole text by its sha256, and the key. That they verify
    cannot change; whether the key is trusted is asked each time, and what the text says, too."""

    def __init__(self) -> None:
        self._keys: dict[bytes, ec.EllipticCurvePublicKey] = {}
        self._lock = threading.Lock()

    def note(self, text: bytes, public: ec.EllipticCurvePublicKey) -> None:
        with self._lock:
            self._keys[hashlib.sha256(text).digest()] = public
            if len(self._keys) > _KNOWN_SIGNATURES:
                del self._keys[next(iter(self._keys))]

    def knows(self, text: bytes, public: ec.EllipticCurvePublicKey) -> bool:
        return self._keys.get(hashlib.sha256(text).digest()) == public


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
