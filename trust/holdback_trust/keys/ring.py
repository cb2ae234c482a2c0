"""The public keys that a party trusts."""

from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from holdback_trust.keys.pair import public_key, thumbprint


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
        try:
            public = public_key(shape["x"], shape["y"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"a key of {issuer} is not a public P-256 key") from error
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
