import json
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import jwt
import pytest
from holdback_base.problem import Problem
from holdback_trust.keys import KeyPair, KeyRing, SignatureRefused, open_jws, sign_jws, thumbprint
from jwt.algorithms import ECAlgorithm


def test_a_key_made_once_is_found_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "gateway.pem"
    made = KeyPair.load_or_create(path)
    assert KeyPair.load_or_create(path).kid == made.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["gateway.pem"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    KeyPair.load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(Problem, match="can be read by others") as caught:
        KeyPair.load_or_create(path)
    assert "chmod 600" in caught.value.hint


def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"-----BEGIN nothing-----")
    path.chmod(0o600)
    with pytest.raises(Problem, match=r"holds no P-256 private key"):
        KeyPair.load_or_create(path)
    assert path.read_bytes() == b"-----BEGIN nothing-----"


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    keys = KeyPair.generate()
    assert keys.kid == thumbprint(keys.public_jwk)
    assert "d" not in keys.public_jwk
    assert keys.kid in repr(keys)
    assert "PRIVATE" not in repr(keys)


def test_a_ring_believes_a_key_only_for_the_issuer_it_is_listed_under() -> None:
    keys = KeyPair.generate()
    ring = KeyRing({"mcp:rights": [keys.public_jwk]})
    assert ring.find("mcp:rights", keys.kid) is not None
    assert ring.find("gateway", keys.kid) is None
    assert ring.find_anywhere(keys.kid) is not None
    assert ring.jwks("mcp:rights") == {"keys": [dict(keys.public_jwk)]}
    assert ring.jwks("gateway") == {"keys": []}


def test_a_ring_can_hold_an_old_and_a_new_key_of_one_issuer() -> None:
    old, new = KeyPair.generate(), KeyPair.generate()
    ring = KeyRing({"gateway": [old.public_jwk]})
    ring.trust("gateway", new.public_jwk)
    ring.trust("gateway", new.public_jwk)
    for keys in (old, new):
        text = sign_jws(keys, "x+jwt", {"iss": "gateway"})
        assert open_jws(text, "x+jwt", ring, {"gateway"}) == {"iss": "gateway"}
    assert len(ring.jwks("gateway")["keys"]) == 2


@pytest.mark.parametrize(
    "change",
    [{"kty": "oct"}, {"crv": "P-384"}, {"d": "AAAA"}, {"x": "AAAA"}, {"y": "A" * 43}, {"x": "A" * 86}, {"y": "é"}],
)
def test_a_ring_takes_public_p256_keys_only(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not a public P-256 key"):
        KeyRing({"gateway": [{**KeyPair.generate().public_jwk, **change}]})


@pytest.mark.parametrize(
    "text", ["", "a.b.c", "....", "e30.e30.", "é.é.é", "eyJhbGciOiJub25lIn0.e30.", "[" * 5000, "x" * 20_000]
)
def test_text_that_is_no_signed_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(SignatureRefused):
        open_jws(text, "x+jwt", KeyRing(), {"gateway"})


def _folded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("more", [0, 5000])
def test_what_was_opened_once_is_refused_with_one_letter_changed(more: int) -> None:
    keys = KeyPair.generate()
    ring = KeyRing({"house": [keys.public_jwk]})
    words = "x" * more
    text = sign_jws(keys, "at+jwt", {"iss": "house", "sub": "person:sam", "words": words})
    assert open_jws(text, "at+jwt", ring, {"house"})["sub"] == "person:sam"
    header, payload, signature = text.split(".")
    other = _folded(json.dumps({"iss": "house", "sub": "person:pat", "words": words}))
    for forged in (f"{header}.{other}.{signature}", f"{header}.{payload}.{'A' * len(signature)}"):
        with pytest.raises(SignatureRefused, match="does not verify"):
            open_jws(forged, "at+jwt", ring, {"house"})


def test_what_one_key_signed_is_not_believed_of_another_that_bears_its_name() -> None:
    keys, other = KeyPair.generate(), KeyPair.generate()
    text = sign_jws(keys, "at+jwt", {"iss": "house"})
    assert open_jws(text, "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"})
    named_alike = KeyRing({"house": [{**other.public_jwk, "kid": keys.kid}]})
    with pytest.raises(SignatureRefused, match="does not verify"):
        open_jws(text, "at+jwt", named_alike, {"house"})
    with pytest.raises(SignatureRefused, match="not a trusted key"):
        open_jws(text, "at+jwt", KeyRing({"house": [other.public_jwk]}), {"house"})


@pytest.mark.parametrize("change", ["{}=", "{}.e30", " {}", "{}\n", "{}é"])
def test_a_signed_text_is_read_in_one_spelling_only(change: str) -> None:
    keys = KeyPair.generate()
    text = sign_jws(keys, "at+jwt", {"iss": "house"})
    with pytest.raises(SignatureRefused, match="not a compact JWS"):
        open_jws(change.format(text), "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"})


@pytest.mark.parametrize("more", [{"crit": ["exp"]}, {"b64": False}])
def test_a_header_that_changes_what_is_signed_is_refused(more: dict[str, object]) -> None:
    keys = KeyPair.generate()
    header = {"alg": "ES256", "typ": "at+jwt", "kid": keys.kid, **more}
    signed = f"{_folded(json.dumps(header))}.{_folded(json.dumps({'iss': 'house'}))}"
    signature = ECAlgorithm(ECAlgorithm.SHA256).sign(signed.encode(), keys.private)
    text = f"{signed}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    with pytest.raises(SignatureRefused, match="does not verify"):
        open_jws(text, "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"})


def test_what_is_signed_here_is_a_compact_jws_to_everybody_and_the_other_way_round() -> None:
    keys, everybody = KeyPair.generate(), jwt.PyJWS(algorithms=["ES256"])
    claims = {
        "iss": "house",
        "sub": "person:sam",
        "roles": ["editor"],
        "level": 200,
        "title": "Überraschung 日本",
        "no": None,
    }
    text = sign_jws(keys, "at+jwt", claims)
    opened = everybody.decode_complete(text, jwt.PyJWK(dict(keys.public_jwk)))
    assert json.loads(opened["payload"]) == claims
    assert opened["header"] == {"alg": "ES256", "kid": keys.kid, "typ": "at+jwt"}
    header = {"kid": keys.kid, "typ": "at+jwt"}
    theirs = everybody.encode(json.dumps(claims).encode(), keys.private, algorithm="ES256", headers=header)
    assert theirs.partition(".")[0] == text.partition(".")[0]
    assert open_jws(theirs, "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"}) == claims


@pytest.mark.parametrize("change", [b"", b"\0" * 63, b"\0" * 64, b"\0" * 65, b"\xff" * 64])
def test_a_signature_that_is_none_is_refused(change: bytes) -> None:
    keys = KeyPair.generate()
    signed = sign_jws(keys, "at+jwt", {"iss": "house"}).rpartition(".")[0]
    text = f"{signed}.{urlsafe_b64encode(change).rstrip(b'=').decode()}"
    with pytest.raises(SignatureRefused, match="does not verify"):
        open_jws(text, "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"})


def test_the_two_numbers_of_a_signature_are_read_in_one_length_only() -> None:
    keys = KeyPair.generate()
    signed, _, letters = sign_jws(keys, "at+jwt", {"iss": "house"}).rpartition(".")
    signature = urlsafe_b64decode(letters + "==")
    longer = urlsafe_b64encode(signature[:32] + b"\0" + signature[32:]).rstrip(b"=").decode()
    with pytest.raises(SignatureRefused, match="does not verify"):
        open_jws(f"{signed}.{longer}", "at+jwt", KeyRing({"house": [keys.public_jwk]}), {"house"})


def test_a_header_that_was_read_before_opens_no_text_of_another_type_or_key() -> None:
    keys, other = KeyPair.generate(), KeyPair.generate()
    ring = KeyRing({"house": [keys.public_jwk]})
    text = sign_jws(keys, "at+jwt", {"iss": "house"})
    assert open_jws(text, "at+jwt", ring, {"house"})
    with pytest.raises(SignatureRefused, match="its type is not"):
        open_jws(text, "clearance+jwt", ring, {"house"})
    ring.trust_only("house", other.public_jwk)
    with pytest.raises(SignatureRefused, match="not a trusted key"):
        open_jws(text, "at+jwt", ring, {"house"})
