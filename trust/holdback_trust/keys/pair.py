"""A party's own key."""

import contextlib
import hashlib
import os
import stat
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from holdback_base.canonical import canonical_bytes
from holdback_base.problem import Problem

from holdback_trust.keys.base64url import folded

ALGORITHM = "ES256"
NUMBER = 32
"""Bytes of a coordinate on P-256, and of each half of a signature (RFC 7518 3.4)."""

_KEYS_KNOWN = 1024


class KeyPair:
    """An ES256 key pair. `kid` is the RFC 7638 thumbprint, so a key has one name everywhere."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private.curve, ec.SECP256R1):
            raise ValueError("ES256 needs a key on the curve P-256")
        shape = _point(private.public_key())
        self.private, self.public = private, public_key(shape["x"], shape["y"])
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
    x, y = (folded(number.to_bytes(NUMBER, "big")).decode() for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


@lru_cache(_KEYS_KNOWN)
def public_key(x: str, y: str) -> ec.EllipticCurvePublicKey:
    """The public key of a point, by its coordinates as a JWK has them: the same object each time, so that it costs
    nothing to see that a key is still the same. Raises ValueError for what is no point on P-256."""
    numbers = [urlsafe_b64decode(each + "==") for each in (x, y)]
    if any(len(each) != NUMBER for each in numbers):
        raise ValueError("a coordinate is not of 32 bytes")
    first, second = (int.from_bytes(each, "big") for each in numbers)
    return ec.EllipticCurvePublicNumbers(first, second, ec.SECP256R1()).public_key()


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The RFC 7638 thumbprint of an EC key: base64url of the sha256 of its required members."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return folded(hashlib.sha256(canonical_bytes(members)).digest()).decode()
