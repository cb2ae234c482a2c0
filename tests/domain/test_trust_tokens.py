import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import jwt
import pytest
from holdback_base.problem import Problem
from holdback_trust.identity import TaskClaim
from holdback_trust.keys import KeyPair, KeyRing, sign_jws
from holdback_trust.policy import agent_scopes, person_scopes
from holdback_trust.tokens import TOKEN_TYPE, TOKENS_KNOWN, TokenAuthority, TokenVerifier, read_token
from holdback_trust.tokens.reading import KNOWN

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = KeyPair.generate()
RING = KeyRing({"gateway": [KEYS.public_jwk]})
ASSISTANT, COMPLIANCE = "agent:editing-assistant", "agent:compliance"


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def authority(clock: Hand) -> TokenAuthority:
    numbers: Iterator[int] = count(1)
    return TokenAuthority("gateway", KEYS, clock, lambda: f"tok-{next(numbers)}")


def verifier(audience: str, clock: Hand) -> TokenVerifier:
    return TokenVerifier(RING, "gateway", audience, clock)


def claims(**changes: Any) -> dict[str, Any]:
    seconds = int(NOON.timestamp())
    usual = {"iss": "gateway", "sub": "person:sam", "aud": "mcp:rights", "scope": "rights:read", "roles": ["editor"]}
    shape = {**usual, "iat": seconds, "exp": seconds + 300, "jti": "tok-1", **changes}
    return {name: value for name, value in shape.items() if value is not ...}


def refusal(token: str, audience: str = "mcp:rights", now: datetime = NOON) -> str:
    with pytest.raises(Problem) as caught:
        verifier(audience, Hand(now)).verify(token)
    assert caught.value.code == "UNAUTHENTICATED"
    assert token not in caught.value.line()
    return caught.value.message


def test_a_persons_own_token_names_the_person_and_no_agent() -> None:
    clock = Hand()
    token = authority(clock).issue(
        person="person:sam", roles=["editor"], audience="mcp:rights", scopes=["rights:read", "rights:clear"]
    )
    caller = verifier("mcp:rights", clock).verify(token)
    assert (caller.person, caller.agent, caller.chain) == ("person:sam", None, ())
    assert caller.scopes == {"rights:read", "rights:clear"}
    assert caller.roles == {"editor"}
    assert caller.expires == NOON + timedelta(seconds=300)
    assert caller.text() == "person:sam"
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": KEYS.kid, "typ": "at+jwt"}


def test_each_exchange_puts_the_new_actor_outermost_and_keeps_the_history_below() -> None:
    clock = Hand()
    tokens = authority(clock)
    scopes = person_scopes(["editor"], ASSISTANT)
    first = tokens.issue(person="person:sam", roles=["editor"], audience=ASSISTANT, scopes=scopes)
    second = tokens.exchange(first, ASSISTANT, audience=COMPLIANCE, allowed=agent_scopes(ASSISTANT, COMPLIANCE))
    third = tokens.exchange(second, COMPLIANCE, audience="mcp:rights", allowed=agent_scopes(COMPLIANCE, "mcp:rights"))
    caller = verifier("mcp:rights", clock).verify(third)
    assert caller.agent == COMPLIANCE
    assert caller.chain == (COMPLIANCE, ASSISTANT)
    assert caller.person == "person:sam"
    assert caller.scopes == {"rights:read", "rights:clear"}
    assert caller.text() == "agent:compliance < agent:editing-assistant for person:sam"
    payload = jwt.decode(third, options={"verify_signature": False})
    assert payload["act"] == {"sub": COMPLIANCE, "act": {"sub": ASSISTANT}}


def test_what_the_issuer_remembers_of_a_token_is_what_the_token_says() -> None:
    clock = Hand()
    tokens = authority(clock)
    held = tokens.issue(
        person="person:sam",
        roles=["editor"],
        audience=COMPLIANCE,
        scopes=["rights:read"],
        stories=["court-ruling"],
        factors=["swk", "otp"],
        chain=[ASSISTANT],
    )
    narrower = tokens.grant(tokens.read(held), COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    for text in (held, narrower.text):
        assert tokens.read(text) == read_token(text, RING, "gateway", None, clock())
    assert tokens.read(narrower.text) == narrower.caller
    clock.now = NOON + timedelta(seconds=300)
    with pytest.raises(Problem, match="it has expired"):
        tokens.read(held)
    assert tokens.read(held, even_expired=True).token_id == "tok-1"


def test_a_scope_outside_what_is_held_or_allowed_is_denied_by_name() -> None:
    tokens = authority(Hand())
    held = tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read", "rights:write"])
    with pytest.raises(Problem, match="rights:clear, rights:write") as caught:
        tokens.exchange(
            held,
            COMPLIANCE,
            audience="mcp:rights",
            scopes=["rights:read", "rights:write", "rights:clear"],
            allowed=["rights:read", "rights:clear"],
        )
    assert caught.value.code == "PERMISSION_DENIED"
    assert caught.value.details == {"scopes": ["rights:clear", "rights:write"]}


def test_an_exchange_that_leaves_no_scope_is_denied() -> None:
    tokens = authority(Hand())
    held = tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["assets:read"])
    with pytest.raises(Problem, match="has nothing to do at mcp:schedule"):
        tokens.exchange(held, COMPLIANCE, audience="mcp:schedule", allowed=["schedule:read"])


def test_an_exchanged_token_ends_with_its_subject_at_the_latest() -> None:
    clock = Hand()
    tokens = authority(clock)
    held = tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read"], seconds=100)
    clock.now += timedelta(seconds=40.5)
    narrower = tokens.exchange(held, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    assert verifier("mcp:rights", clock).verify(narrower).expires == NOON + timedelta(seconds=100)
    clock.now = NOON + timedelta(seconds=100)
    with pytest.raises(Problem, match="it has expired") as caught:
        tokens.exchange(held, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    assert caught.value.code == "UNAUTHENTICATED"


def test_an_agent_cannot_exchange_a_token_that_was_meant_for_another() -> None:
    tokens = authority(Hand())
    held = tokens.issue(person="person:sam", roles=[], audience=ASSISTANT, scopes=["rights:read"])
    with pytest.raises(Problem, match="may not exchange a token that was meant for agent:editing-assistant") as caught:
        tokens.exchange(held, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    assert caught.value.code == "PERMISSION_DENIED"


def test_at_most_four_agents_stand_between_a_person_and_an_effect() -> None:
    tokens = authority(Hand())
    held = tokens.issue(person="person:sam", roles=[], audience="agent:a", scopes=["x"])
    for actor, audience in (("agent:a", "agent:b"), ("agent:b", "agent:c"), ("agent:c", "agent:d"), ("agent:d", "m")):
        held = tokens.exchange(held, actor, audience=audience, allowed=["x"])
    assert len(verifier("m", Hand()).verify(held).chain) == 4
    deepest = tokens.exchange(
        tokens.issue(person="person:sam", roles=[], audience="agent:e", scopes=["x"], actor="agent:z"),
        "agent:e",
        audience="agent:e",
        allowed=["x"],
    )
    for _ in range(2):
        deepest = tokens.exchange(deepest, "agent:e", audience="agent:e", allowed=["x"])
    with pytest.raises(Problem, match="is full") as caught:
        tokens.exchange(deepest, "agent:e", audience="agent:e", allowed=["x"])
    assert caught.value.code == "PERMISSION_DENIED"


def test_a_revoked_token_is_not_exchanged() -> None:
    clock = Hand()
    tokens, door = authority(clock), verifier(COMPLIANCE, clock)
    held = tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read"])
    tokens.revoke(door.verify(held).token_id)
    with pytest.raises(Problem, match="it was revoked"):
        tokens.exchange(held, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])


def test_a_kept_token_is_refused_from_the_instant_it_expires() -> None:
    clock = Hand()
    door, token = verifier("mcp:rights", clock), sign_jws(KEYS, TOKEN_TYPE, claims())
    assert door.verify(token) is door.verify(token)
    clock.now = NOON + timedelta(seconds=299.999)
    assert door.verify(token).person == "person:sam"
    clock.now = NOON + timedelta(seconds=300)
    with pytest.raises(Problem, match="it has expired"):
        door.verify(token)


def test_whoever_is_shown_a_token_knows_its_caller_by_the_same_object() -> None:
    clock = Hand()
    tokens, door = authority(clock), verifier(COMPLIANCE, clock)
    made = tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read"])
    assert door.verify(made) is verifier(COMPLIANCE, clock).verify(made) is tokens.read(made)
    granted = tokens.grant(tokens.read(made), COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    assert verifier("mcp:rights", clock).verify(granted.text) is granted.caller
    theirs = sign_jws(KEYS, TOKEN_TYPE, claims())
    assert verifier("mcp:rights", clock).verify(theirs) is verifier("mcp:rights", clock).verify(theirs)


def test_a_token_that_one_door_has_read_is_refused_at_every_other_that_it_is_not_for() -> None:
    clock, other = Hand(), KeyPair.generate()
    token = authority(clock).issue(person="person:sam", roles=[], audience="mcp:rights", scopes=["rights:read"])
    ring = KeyRing({"gateway": [KEYS.public_jwk]})
    door = TokenVerifier(ring, "gateway", "mcp:rights", clock)
    assert door.verify(token).person == "person:sam"
    assert "another audience" in refusal(token, "mcp:assets")
    assert "issued in the future" in refusal(token, now=NOON - timedelta(seconds=1))
    elsewhere = KeyRing({"mcp:rights": [KEYS.public_jwk], "gateway": [other.public_jwk]})
    for issuer, reason in (("gateway", "not a trusted key"), ("mcp:rights", "its issuer may not say this")):
        with pytest.raises(Problem, match=reason):
            TokenVerifier(elsewhere, issuer, "mcp:rights", clock).verify(token)
    both = KeyRing({"mcp:rights": [KEYS.public_jwk], "gateway": [KEYS.public_jwk]})
    with pytest.raises(Problem, match="its issuer may not say this"):
        TokenVerifier(both, "mcp:rights", "mcp:rights", clock).verify(token)
    named_alike = KeyRing({"gateway": [{**other.public_jwk, "kid": KEYS.kid}]})
    with pytest.raises(Problem, match="signature does not verify"):
        TokenVerifier(named_alike, "gateway", "mcp:rights", clock).verify(token)
    assert door.verify(token).person == "person:sam"
    ring.trust_only("gateway", other.public_jwk)
    with pytest.raises(Problem, match="not a trusted key"):
        door.verify(token)


def test_every_bit_of_a_signature_that_was_good_counts() -> None:
    clock = Hand()
    token = authority(clock).issue(person="person:sam", roles=[], audience="mcp:rights", scopes=["rights:read"])
    assert verifier("mcp:rights", clock).verify(token)
    signed, _, letters = token.rpartition(".")
    signature = base64.urlsafe_b64decode(letters + "==")
    for bit in (0, 255, 256, 511):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        forged = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        assert "signature does not verify" in refusal(f"{signed}.{forged}")


def test_a_token_says_nothing_of_where_its_subject_stood() -> None:
    tokens = authority(Hand())
    held = tokens.read(tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read"]))
    stood = held.model_copy(update={"network": "10.0.0.7"})
    granted = tokens.grant(stood, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"])
    assert granted.caller.network == ""


def test_no_token_is_made_that_nobody_would_read() -> None:
    clock = Hand()
    tokens = authority(clock)
    held = tokens.read(tokens.issue(person="person:sam", roles=[], audience="agent:Wrong", scopes=["rights:read"]))
    with pytest.raises(Problem, match="no agent of a known form"):
        tokens.grant(held, "agent:Wrong", audience="mcp:rights", allowed=["rights:read"])
    task = TaskClaim(id="t1", root="t1", skill="clear-rights", expires=NOON + timedelta(seconds=0.5))
    held = tokens.read(tokens.issue(person="person:sam", roles=[], audience=COMPLIANCE, scopes=["rights:read"]))
    with pytest.raises(Problem, match="it has expired"):
        tokens.grant(held, COMPLIANCE, audience="mcp:rights", allowed=["rights:read"], task=task)


def test_the_tokens_that_a_process_remembers_are_bounded_and_one_that_is_forgotten_is_read_again() -> None:
    door, token = verifier("mcp:rights", Hand()), sign_jws(KEYS, TOKEN_TYPE, claims(jti="tok-first"))
    first = door.verify(token)
    said = KNOWN.get(token)
    assert said is not None
    for number in range(TOKENS_KNOWN):
        KNOWN.note(f"t{number}", said)
    assert KNOWN.get(token) is None
    assert door.verify(token) == first
    assert len(KNOWN) == TOKENS_KNOWN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "mcp:assets"}, "another audience"),
        ({"aud": ["mcp:rights"]}, "another audience"),
        ({"iss": "agent:compliance"}, "its issuer may not say this"),
        ({"iss": ...}, "names no key or no issuer"),
        ({"exp": ...}, "its life is not stated"),
        ({"exp": int(NOON.timestamp()) + 301}, "longer than 300 s"),
        ({"exp": True}, "its life is not stated"),
        ({"iat": int(NOON.timestamp()) + 1}, "issued in the future"),
        ({"iat": int(NOON.timestamp()) - 300, "exp": int(NOON.timestamp())}, "it has expired"),
        ({"jti": ...}, "it lacks an id"),
        ({"jti": ""}, "it lacks an id"),
        ({"scope": ["rights:read"]}, "it lacks an id, a scope"),
        ({"roles": "editor"}, "a list of roles"),
        ({"roles": [["editor"]]}, "names no person"),
        ({"sub": "agent:compliance"}, "names no person"),
        ({"sub": ...}, "names no person"),
        ({"act": {"sub": "person:eve"}}, "names no person or no agent"),
        ({"act": "agent:compliance"}, "chain of actors"),
        ({"act": {"act": {"sub": "agent:x"}}}, "names no person or no agent"),
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(sign_jws(KEYS, TOKEN_TYPE, claims(**changes)))


def test_a_chain_of_five_actors_is_refused_even_when_signed() -> None:
    act: dict[str, Any] | None = None
    for number in range(5):
        act = {"sub": f"agent:a{number}"} | ({"act": act} if act else {})
    assert "too long" in refusal(sign_jws(KEYS, TOKEN_TYPE, claims(act=act)))


def test_a_token_of_another_type_or_by_another_key_is_refused() -> None:
    assert "its type is not at+jwt" in refusal(sign_jws(KEYS, "clearance+jwt", claims()))
    assert "not a trusted key" in refusal(sign_jws(KeyPair.generate(), TOKEN_TYPE, claims()))


def test_other_algorithms_are_refused_whatever_they_sign_with() -> None:
    header = {"typ": TOKEN_TYPE, "kid": KEYS.kid}
    shared = jwt.encode(claims(), "a secret of thirty-two bytes or more", algorithm="HS256", headers=header)
    unsigned = jwt.encode(claims(), "", algorithm="none", headers=header)
    for token in (shared, unsigned):
        assert "its algorithm is not ES256" in refusal(token)


def test_a_claim_changed_after_signing_is_refused() -> None:
    header, payload, signature = sign_jws(KEYS, TOKEN_TYPE, claims()).split(".")
    shape = json.loads(base64.urlsafe_b64decode(payload + "=="))
    shape["scope"] = "rights:read rights:write"
    forged = base64.urlsafe_b64encode(json.dumps(shape).encode()).rstrip(b"=").decode()
    assert "signature does not verify" in refusal(f"{header}.{forged}.{signature}")


@pytest.mark.parametrize("seconds", [0, -1, 301])
def test_a_token_lives_one_second_to_five_minutes(seconds: int) -> None:
    with pytest.raises(Problem, match="cannot live"):
        authority(Hand()).issue(person="person:sam", roles=[], audience="m", scopes=["x"], seconds=seconds)
