"""Attacks on how a token is signed, at the doors of a server, an agent and the gateway: none of them is believed."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa, utils
from holdback.foundation import party_keys
from holdback_trust.keys import KeyPair, sign_jws
from holdback_trust.tokens import TOKEN_TYPE

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOORS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mcp:assets": ("/mcp/assets", "tools/call", {"name": "search_assets", "arguments": {}}),
    "agent:compliance": ("/agents/compliance", "ListTasks", {}),
    "gateway": ("", "ListTasks", {}),
}
SCOPES = "assets:read agent:compliance:clear-rights approval:decide guardian:act"
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
Forge = Callable[[Any, dict[str, Any]], str]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _joined(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(sign(signed.encode()))}"


def _header(house: Any, **more: Any) -> dict[str, Any]:
    """What the gateway's own tokens have as their header."""
    return {"alg": "ES256", "typ": TOKEN_TYPE, "kid": house.foundation.keys("gateway").kid} | more


def _unsigned(algorithm: Any) -> Forge:
    return lambda house, claims: _joined(_header(house, alg=algorithm), claims, lambda _: b"")


def _without_a_third_part(house: Any, claims: dict[str, Any]) -> str:
    return _unsigned("none")(house, claims).rpartition(".")[0]


def _with_the_public_key_as_a_secret(house: Any, claims: dict[str, Any]) -> str:
    public = house.foundation.keys("gateway").private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(text: bytes) -> bytes:
        mac = hmac.HMAC(pem, hashes.SHA256())
        mac.update(text)
        return mac.finalize()

    return _joined(_header(house, alg="HS256"), claims, sign)


def _with_an_rsa_key(house: Any, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(claims, key, "RS256", headers=_header(house, alg="RS256"))


def _strangers(**more: Any) -> Forge:
    """Signed well, by a key that the token itself brings or points to."""

    def forge(house: Any, claims: dict[str, Any]) -> str:
        key = KeyPair.generate()
        brought = {"jwk": dict(key.public_jwk)} if more.get("jwk") else more
        return jwt.encode(claims, key.private, "ES256", headers=_header(house, **brought))

    return forge


def _by(party: str) -> Forge:
    """Signed by another party of the house, under the gateway's key id or its own."""
    return lambda house, claims: sign_jws(house.foundation.keys(party), TOKEN_TYPE, claims)


def _by_the_person(house: Any, claims: dict[str, Any]) -> str:
    return sign_jws(party_keys(house.home, "person:sam"), TOKEN_TYPE, claims)


def _signature(raw: bytes) -> Forge:
    return lambda house, claims: _joined(_header(house), claims, lambda _: raw)


def _in_der(house: Any, claims: dict[str, Any]) -> str:
    """The gateway's own good signature, in the other way to write it down: two texts for one signature."""
    good = sign_jws(house.foundation.keys("gateway"), TOKEN_TYPE, claims)
    head, _, signature = good.rpartition(".")
    raw = base64.urlsafe_b64decode(f"{signature}==")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    return f"{head}.{_b64(der)}"


def _true_but(typ: str = TOKEN_TYPE, **changed: Any) -> Forge:
    """Signed by the gateway's own key: what a bug or a mistake there could bring."""
    return lambda house, claims: sign_jws(house.foundation.keys("gateway"), typ, claims | changed)


def _later(**seconds: int) -> Forge:
    """Signed by the gateway's own key, with times that much later."""

    def forge(house: Any, claims: dict[str, Any]) -> str:
        return _true_but(**{name: claims[name] + more for name, more in seconds.items()})(house, claims)

    return forge


TRICKS: dict[str, dict[str, Forge]] = {
    "is not signed": {
        "alg none": _unsigned("none"),
        "alg None": _unsigned("None"),
        "alg nOnE": _unsigned("nOnE"),
        "alg empty": _unsigned(""),
        "alg null": _unsigned(None),
        "alg a list": _unsigned(["none", "ES256"]),
        "no third part": _without_a_third_part,
        "no signature": _signature(b""),
        "a signature of noughts": _signature(bytes(64)),
        "a signature of too many letters": _signature(b"\xff" * 4096),
    },
    "is signed in another way": {
        "the public key as a shared secret": _with_the_public_key_as_a_secret,
        "an RSA key": _with_an_rsa_key,
        "a good signature in another form": _in_der,
        "a critical extension that nobody knows": _strangers(crit=["exp"]),
    },
    "brings or names its own key": {
        "a key that the token brings along": _strangers(jwk=True),
        "a key set at an address in the token": _strangers(jku="http://127.0.0.1:1/jwks.json"),
        "a certificate at an address in the token": _strangers(x5u="http://169.254.169.254/x"),
        "a key id that is a path": _strangers(kid="../../../../dev/null"),
        "a key id that is a query": _strangers(kid="x' union select 'k"),
    },
    "is signed by another party": {
        "an agent's key": _by("agent:compliance"),
        "a server's key": _by("mcp:rights"),
        "a person's key": _by_the_person,
    },
    "is another kind of statement": {
        "another kind of statement": _true_but("clearance+jwt"),
        "a client's assertion": _true_but("client-authentication+jwt"),
        "no kind": _true_but("JWT"),
    },
    "is not for now": {
        "one that has expired": _true_but(iat=1_700_000_000, nbf=1_700_000_000, exp=1_700_000_300),
        "one that lives for a day": _later(exp=86_400),
        "one that lives for ever": _true_but(exp=None),
        "one of tomorrow": _later(iat=86_400, exp=86_400),
    },
    "is not for here": {
        "one of another house": _true_but(iss="https://elsewhere.example"),
        "one for everybody": _true_but(aud=["mcp:assets", "agent:compliance", "gateway"]),
    },
}


async def _answers(house: Any, forge: Forge) -> dict[str, httpx.Response]:
    """What each door says to the token that is made for it."""
    now, answers = int(house.foundation.clock().timestamp()), dict[str, httpx.Response]()
    async with httpx.AsyncClient(timeout=100) as http:
        for audience, (path, method, params) in DOORS.items():
            usual = {"iss": "gateway", "sub": "person:sam", "aud": audience, "scope": SCOPES, "roles": ["security"]}
            claims = usual | {"iat": now, "nbf": now, "exp": now + 200, "jti": f"forged-{now}", "amr": ["otp"]}
            headers = {
                "authorization": f"Bearer {forge(house, claims)}",
                "accept": "application/json, text/event-stream",
                "a2a-version": "1.0",
            }
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answers[audience] = await http.post(house.url + path, json=body, headers=headers)
    return answers


async def test_nothing_is_wrong_with_an_honest_token(house: Any) -> None:
    for audience, answer in (await _answers(house, _true_but())).items():
        assert answer.status_code == 200, (audience, answer.text)


@pytest.mark.parametrize("kind", TRICKS)
async def test_a_forged_token(house: Any, unmoved: Any, kind: str) -> None:
    async with unmoved():
        for name, forge in TRICKS[kind].items():
            for audience, answer in (await _answers(house, forge)).items():
                told = (name, audience, answer.text)
                assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), told
                assert answer.headers["www-authenticate"].startswith("Bearer"), told
                assert "items" not in answer.text, told
                assert "tasks" not in answer.text, told


async def test_two_tokens_in_one_request(house: Any, unmoved: Any) -> None:
    good = await house.sam.person.token("mcp:assets")
    headers = [("authorization", f"Bearer {KeyPair.generate().kid}"), ("authorization", f"Bearer {good}")]
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        for given in (headers, headers[::-1]):
            answer = await http.post(f"{house.url}/mcp/assets", json=LIST, headers=given)
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("place", ["the address", "a cookie", "the body", "another scheme"])
async def test_a_good_token_in_a_place_that_logs_and_other_sites_reach(house: Any, unmoved: Any, place: str) -> None:
    good = await house.sam.person.token("mcp:assets")
    given: dict[str, dict[str, Any]] = {
        "the address": {"params": {"access_token": good}},
        "a cookie": {"headers": {"cookie": f"access_token={good}"}},
        "the body": {"json": LIST | {"access_token": good}},
        "another scheme": {"headers": {"authorization": f"Basic {good}"}},
    }
    async with unmoved(), httpx.AsyncClient(timeout=100) as http:
        request: Any = {"json": LIST} | given[place]
        answer = await http.post(f"{house.url}/mcp/assets", **request)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
