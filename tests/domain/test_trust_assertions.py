from datetime import UTC, datetime, timedelta

import pytest
from holdback_base.problem import Problem
from holdback_trust.assertions import ASSERTION_TYPE, AssertionVerifier, sign_assertion
from holdback_trust.keys import KeyPair, KeyRing, sign_jws

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SAM, COMPLIANCE = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"person:sam": [SAM.public_jwk], "agent:compliance": [COMPLIANCE.public_jwk]})


def noon() -> datetime:
    return NOON


def refusal(assertion: str, now: datetime = NOON) -> str:
    with pytest.raises(Problem) as caught:
        AssertionVerifier(RING, "gateway", lambda: now).verify(assertion)
    assert caught.value.code == "UNAUTHENTICATED"
    return caught.value.message


def test_a_person_and_an_agent_prove_who_they_are_with_their_own_key() -> None:
    door = AssertionVerifier(RING, "gateway", noon)
    assert door.verify(sign_assertion(SAM, "person:sam", "gateway", noon, "a-1")) == "person:sam"
    assert door.verify(sign_assertion(COMPLIANCE, "agent:compliance", "gateway", noon, "a-1")) == "agent:compliance"


def test_an_assertion_works_once() -> None:
    door = AssertionVerifier(RING, "gateway", noon)
    assertion = sign_assertion(SAM, "person:sam", "gateway", noon, "a-1")
    door.verify(assertion)
    with pytest.raises(Problem, match="it was used before"):
        door.verify(assertion)
    with pytest.raises(Problem, match="it was used before"):
        door.verify(sign_assertion(SAM, "person:sam", "gateway", noon, "a-1", seconds=30))


def test_what_was_seen_is_forgotten_only_after_it_has_expired() -> None:
    moments = [NOON]
    door = AssertionVerifier(RING, "gateway", lambda: moments[-1])
    door.verify(sign_assertion(SAM, "person:sam", "gateway", noon, "a-1"))
    moments.append(NOON + timedelta(seconds=60))
    later = moments[-1]
    door.verify(sign_assertion(SAM, "person:sam", "gateway", lambda: later, "a-2"))
    assert len(door._seen) == 1  # pyright: ignore[reportPrivateUsage] - memory is the behaviour here


def test_nobody_signs_for_somebody_else() -> None:
    assert "not a trusted key" in refusal(sign_assertion(COMPLIANCE, "person:sam", "gateway", noon, "a-1"))
    seconds = int(NOON.timestamp())
    claims = {"iss": "agent:compliance", "sub": "person:sam", "aud": "gateway", "iat": seconds, "exp": seconds + 60}
    assert "somebody else" in refusal(sign_jws(COMPLIANCE, ASSERTION_TYPE, {**claims, "jti": "a-1"}))


def test_a_stranger_is_refused() -> None:
    assert "issuer may not" in refusal(sign_assertion(KeyPair.generate(), "person:eve", "gateway", noon, "a-1"))


def test_an_assertion_for_another_audience_or_of_another_type_is_refused() -> None:
    assert "another audience" in refusal(sign_assertion(SAM, "person:sam", "https://elsewhere", noon, "a-1"))
    claims = {"iss": "person:sam", "sub": "person:sam", "aud": "gateway", "jti": "a-1"}
    assert "its type is not" in refusal(sign_jws(SAM, "at+jwt", claims))


def test_an_assertion_lives_a_minute_at_most() -> None:
    assert "longer than 60 s" in refusal(sign_assertion(SAM, "person:sam", "gateway", noon, "a-1", seconds=61))
    fresh = sign_assertion(SAM, "person:sam", "gateway", noon, "a-1")
    assert "it has expired" in refusal(fresh, NOON + timedelta(seconds=60))
    assert "in the future" in refusal(fresh, NOON - timedelta(seconds=6))
