from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_trust.keys import KeyPair, KeyRing, sign_jws
from holdback_trust.statements import APPROVAL, CLEARANCE, CUT, SignedCut, read, read_cut, sign, sign_cut

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOON.timestamp())
EDITING, RIGHTS = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:editing": [EDITING.public_jwk], "mcp:rights": [RIGHTS.public_jwk]})
MEDIA = "sha256:" + "ab" * 32


def facts(media: str = MEDIA, ref: str = "music:meadow-waltz") -> CutFacts:
    cue = Element(id="el-1", kind="music_master", ref=ref, name="Wälzer", spans=(Span(in_frame=0, out_frame=50),))
    return CutFacts(media=media, element_list=ElementList(rate=Rate(num=25), frames=375, elements=(cue,)), width=720)


def clearance(**changes: Any) -> dict[str, Any]:
    shape = {
        "iss": "mcp:rights",
        "sub": MEDIA,
        "elements": MEDIA,
        "iat": SECONDS,
        "exp": SECONDS + 3600,
        "jti": "clr_1",
    }
    return {name: value for name, value in {**shape, **changes}.items() if value is not ...}


def refusal(jws: str, now: datetime = NOON) -> Problem:
    with pytest.raises(Problem) as caught:
        read(jws, CLEARANCE, RING, now, {"mcp:rights"})
    return caught.value


def test_a_cut_statement_gives_back_the_facts_that_were_signed_and_who_signed() -> None:
    cut = read_cut(sign_cut(EDITING, "mcp:editing", facts(), NOON), RING, NOON + timedelta(days=4000))
    assert cut.issuer == "mcp:editing"
    assert cut.facts() == facts()
    assert cut.element_list.sha256() == facts().element_list.sha256()


def test_facts_that_were_read_can_be_signed_again() -> None:
    cut = read_cut(sign_cut(EDITING, "mcp:editing", facts(), NOON), RING, NOON)
    assert isinstance(cut, SignedCut)
    assert read_cut(sign_cut(EDITING, "mcp:editing", cut, NOON), RING, NOON) == cut


def test_a_cut_statement_that_says_no_value_tier_counts_as_of_the_highest() -> None:
    told = facts().model_dump(mode="json", exclude_none=True)
    assert told.pop("tier") == 1
    claims = {"iss": "mcp:editing", "sub": MEDIA, "elements": facts().element_list.sha256(), "iat": SECONDS}
    assert read_cut(sign(EDITING, CUT, claims | {"cut": told}), RING, NOON).tier == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": "sha256:" + "cd" * 32}, "its subject is other media"),
        ({"elements": "sha256:" + "cd" * 32}, "its element hash is not that of its list"),
        ({"cut": facts(ref="music:other").model_dump(mode="json", exclude_none=True)}, "its element hash"),
        ({"cut": {"media": MEDIA}}, "its facts have the wrong form"),
        ({"cut": "everything"}, "its facts have the wrong form"),
        ({"iss": "mcp:rights"}, "its issuer may not say this"),
    ],
)
def test_a_cut_statement_that_contradicts_itself_is_invalid(changes: dict[str, Any], reason: str) -> None:
    plain = facts()
    claims = {
        "iss": "mcp:editing",
        "sub": plain.media,
        "elements": plain.element_list.sha256(),
        "cut": plain.model_dump(mode="json", exclude_none=True),
        "iat": SECONDS,
    }
    with pytest.raises(Problem, match=reason) as caught:
        read_cut(sign(EDITING, CUT, {**claims, **changes}), RING, NOON)
    assert caught.value.code == "STATEMENT_INVALID"


def test_a_clearance_holds_from_its_issue_up_to_its_expiry() -> None:
    jws = sign(RIGHTS, CLEARANCE, clearance(cells=[{"territories": ["GB"]}]))
    assert read(jws, CLEARANCE, RING, NOON, {"mcp:rights"})["cells"] == [{"territories": ["GB"]}]
    assert read(jws, CLEARANCE, RING, NOON + timedelta(seconds=3599.9), {"mcp:rights"})["jti"] == "clr_1"
    assert refusal(jws, NOON + timedelta(seconds=3600)).code == "STATEMENT_EXPIRED"


def test_another_systems_clock_may_run_a_minute_ahead() -> None:
    assert read(sign(RIGHTS, CLEARANCE, clearance(iat=SECONDS + 60)), CLEARANCE, RING, NOON, {"mcp:rights"})
    assert "in the future" in refusal(sign(RIGHTS, CLEARANCE, clearance(iat=SECONDS + 61))).message


@pytest.mark.parametrize("name", ["iss", "sub", "elements", "iat", "exp", "jti"])
def test_a_clearance_that_lacks_something_is_neither_signed_nor_read(name: str) -> None:
    lacking = clearance(**{name: ...})
    with pytest.raises(ValueError, match=f"needs {name}"):
        sign(RIGHTS, CLEARANCE, lacking)
    assert refusal(sign_jws(RIGHTS, CLEARANCE, lacking)).code == "STATEMENT_INVALID"


@pytest.mark.parametrize("changes", [{"iat": "today"}, {"exp": 1.5}, {"exp": None}])
def test_times_that_are_not_whole_seconds_are_invalid(changes: dict[str, Any]) -> None:
    assert "whole seconds" in refusal(sign_jws(RIGHTS, CLEARANCE, clearance(**changes))).message


def test_a_statement_is_believed_only_as_its_own_type_from_its_own_issuer() -> None:
    assert "its type is not clearance+jwt" in refusal(sign(RIGHTS, APPROVAL, clearance())).message
    assert "issuer may not" in refusal(sign(EDITING, CLEARANCE, clearance(iss="mcp:editing"))).message
    assert "not a trusted key" in refusal(sign(EDITING, CLEARANCE, clearance())).message


def test_a_statement_longer_than_a_megabyte_is_refused_unread() -> None:
    assert "longer than" in refusal("a" * 1_048_577).message
