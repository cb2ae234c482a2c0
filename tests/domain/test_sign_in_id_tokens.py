"""ID tokens of another issuer: what holds is believed, every trick is refused."""

import base64
import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from holdback_agents.gateway.authority.id_tokens import (
    Expected,
    IdTokenRefused,
    KeyUnknown,
    half_hash,
    make_id_token,
    read_id_token,
)
from holdback_trust.keys import KeyPair

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
EXPECTED = Expected("https://issuer.example", "this-house", "nonce-1", NOW)
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "sub": "4711",
    "aud": "this-house",
    "nonce": "nonce-1",
    "iat": SECONDS - 5,
    "exp": SECONDS + 300,
}


@functools.cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@functools.cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


def keys() -> list[dict[str, Any]]:
    return [jwk(rsa_key(), "one", use="sig"), jwk(curve_key(), "two")]


def signed(alg: str = "RS256", kid: str | None = "one", key: Any = None, **changes: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, key or (rsa_key() if alg.startswith("RS") else curve_key()), alg, headers)


@pytest.mark.parametrize(("alg", "kid"), [("RS256", "one"), ("ES256", "two"), ("RS256", None), ("ES256", None)])
def test_a_token_of_the_issuer_is_believed(alg: str, kid: str | None) -> None:
    assert read_id_token(signed(alg, kid), keys(), EXPECTED)["sub"] == "4711"


def test_a_token_names_the_access_token_that_it_came_with() -> None:
    text = signed(at_hash=half_hash("the access token"))
    assert read_id_token(text, keys(), EXPECTED, access_token="the access token")["sub"] == "4711"
    with pytest.raises(IdTokenRefused, match="another access token"):
        read_id_token(text, keys(), EXPECTED, access_token="a swapped one")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://issuer.example/"}, "another issuer"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"aud": "another-house"}, "another program"),
        ({"aud": []}, "another program"),
        ({"aud": ["this-house", "another-house"]}, "another program asked"),
        ({"aud": ["this-house", "another-house"], "azp": "another-house"}, "another program asked"),
        ({"azp": "another-house"}, "another program asked"),
        ({"nonce": "nonce-2"}, "another request"),
        ({"nonce": None}, "another request"),
        ({"exp": SECONDS - 61}, "expired"),
        ({"exp": None}, "does not say when"),
        ({"exp": float(SECONDS + 300)}, "does not say when"),
        ({"iat": SECONDS + 61}, "in the future"),
        ({"iat": None}, "does not say when"),
        ({"sub": None}, "names nobody"),
        ({"sub": ""}, "names nobody"),
    ],
)
def test_a_token_that_says_something_else_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(IdTokenRefused, match=words):
        read_id_token(signed(**changes), keys(), EXPECTED)


def _unsigned() -> str:
    return jwt.encode(CLAIMS, "", algorithm="none")


def _by_the_public_key_as_a_secret() -> str:
    pem = (
        rsa_key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    encode = functools.partial(jwt.PyJWS().encode, json.dumps(CLAIMS).encode(), algorithm="HS256")
    secret = base64.urlsafe_b64encode(pem)  # the library refuses a PEM as it stands
    return encode(secret, headers={"kid": "one"})


def _with_another_header(**header: Any) -> str:
    _, body, signature = signed().split(".")
    told = json.dumps({"alg": "RS256", "kid": "one", **header}).encode()
    return ".".join((base64.urlsafe_b64encode(told).rstrip(b"=").decode(), body, signature))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_unsigned, "algorithm is not one of"),
        (_by_the_public_key_as_a_secret, "algorithm is not one of"),
        (lambda: signed("RS512"), "algorithm is not one of"),
        (lambda: signed("PS256", key=rsa_key()), "algorithm is not one of"),
        (lambda: signed(key=rsa.generate_private_key(65537, 2048)), "signature does not verify"),
        (lambda: _with_another_header(crit=["b64"], b64=False), "."),
        (lambda: _with_another_header(alg="ES256", kid="one"), "not among the issuer's keys"),
        (lambda: signed(kid="three"), "not among the issuer's keys"),
        (lambda: signed() + "x" * 20_000, "longer than"),
        (lambda: "not.a.token", "not a compact JWS"),
        (lambda: "", "not a compact JWS"),
        (lambda: jwt.PyJWS().encode(b"[]", rsa_key(), "RS256", {"kid": "one"}), "not an object"),
    ],
)
def test_a_token_that_nobody_signed_as_it_stands_is_refused(make: Callable[[], str], words: str) -> None:
    with pytest.raises(IdTokenRefused, match=words):
        read_id_token(make(), keys(), EXPECTED)


def test_a_key_that_is_not_there_is_told_apart_so_that_the_set_is_asked_for_again() -> None:
    with pytest.raises(KeyUnknown):
        read_id_token(signed(kid="new"), keys(), EXPECTED)


def test_a_weak_key_a_key_for_encryption_and_a_name_given_twice_are_not_used() -> None:
    weak = jwk(rsa_key(1024), "one")
    with pytest.raises(IdTokenRefused, match="fewer than 2048"), pytest.warns(match="1024"):
        read_id_token(signed(key=rsa_key(1024)), [weak], EXPECTED)
    with pytest.raises(KeyUnknown):
        read_id_token(signed(), [jwk(rsa_key(), "one", use="enc")], EXPECTED)
    with pytest.raises(KeyUnknown):
        read_id_token(signed(), [jwk(rsa_key(), "one"), jwk(rsa_key(), "one")], EXPECTED)


def test_this_houses_own_tokens_are_read_by_the_same_rules() -> None:
    pair = KeyPair.generate()
    assert read_id_token(make_id_token(pair, CLAIMS), [dict(pair.public_jwk)], EXPECTED)["aud"] == "this-house"
