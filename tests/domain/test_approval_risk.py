"""How far a question may go without a person: by what rights signed of the cut, never by what an agent says."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_agents.contracts import ApprovalQuestion
from holdback_agents.gateway.risk import Autonomy, Stakes, stakes_of, why_ask
from holdback_base.problem import Problem
from hypothesis import given
from hypothesis import strategies as st

CUT, OTHER, ELEMENTS = ("sha256:" + digit * 64 for digit in "123")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WIDE = Autonomy(tier=2, channels=frozenset({"tube", "gram"}), most_a_day=3)


def question(*channels: str, **more: Any) -> ApprovalQuestion:
    slots = [
        {
            "hold": f"hold_{name}",
            "channel": name,
            "platform": "social",
            "start": NOW,
            "availability": (),
            "expires": NOW,
        }
        for name in channels
    ]
    given = {"title": "t", "media": CUT, "elements": ELEMENTS, "clearance": "clr_1", "slots": slots}
    return ApprovalQuestion.model_validate(given | more)


def claims(**more: Any) -> dict[str, Any]:
    return {"jti": "clr_1", "sub": CUT, "elements": ELEMENTS, "delivery_elements": {CUT: ELEMENTS}} | more


def test_policy_passes_what_is_of_little_value_on_channels_that_the_house_names() -> None:
    assert why_ask(question("tube", "gram"), Stakes(tier=2), WIDE, 2, ()) == ""


@pytest.mark.parametrize(
    ("asked", "stakes", "passed", "suspicions", "why"),
    [
        (question("tube"), Stakes(tier=3), 0, (), "tier 3 is above"),
        (question("tube"), Stakes(), 0, (), "tier 3 is above"),
        (question("tube"), Stakes(tier=1, story="court-ruling"), 0, (), "closed story"),
        (question("tube", "north-one"), Stakes(tier=1), 0, (), "nothing for north-one"),
        (question(), Stakes(tier=1), 0, (), "approved before"),
        (
            question("tube", publications=[{"publication": "pub_1", "channel": "tube", "availability": []}]),
            Stakes(tier=1),
            0,
            (),
            "approved before",
        ),
        (question("tube"), Stakes(tier=1), 0, ("'ignore' in /title",), "read like instructions: 'ignore'"),
        (question("tube"), Stakes(tier=1), 3, (), "3 a day"),
    ],
)
def test_a_person_is_asked_about_all_else(
    asked: ApprovalQuestion, stakes: Stakes, passed: int, suspicions: tuple[str, ...], why: str
) -> None:
    assert why in why_ask(asked, stakes, WIDE, passed, suspicions)


def test_a_house_that_says_nothing_has_a_person_asked_about_everything() -> None:
    assert why_ask(question("tube"), Stakes(tier=1), Autonomy(channels=frozenset({"tube"})), 0, ())


@given(tier=st.integers(), most=st.integers(1), passed=st.integers(max_value=0))
def test_nothing_of_the_highest_tier_passes_whatever_a_house_says(tier: int, most: int, passed: int) -> None:
    anything = Autonomy(tier=tier, channels=frozenset({"tube"}), most_a_day=most)
    assert why_ask(question("tube"), Stakes(tier=3), anything, passed, ())


def test_what_is_at_stake_is_what_the_clearance_says_and_the_most_when_it_says_nothing() -> None:
    assert stakes_of(question(), claims(tier=1, story="court-ruling")) == Stakes(tier=1, story="court-ruling")
    assert stakes_of(question(), claims()) == Stakes(tier=3)
    second = claims(sub=OTHER, elements=OTHER, tier=2)
    assert stakes_of(question(), second).tier == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"jti": "clr_2"},
        {"delivery_elements": {CUT: OTHER}},
        {"sub": OTHER, "delivery_elements": {OTHER: ELEMENTS}},
        {"elements": OTHER, "delivery_elements": {}},
    ],
)
def test_a_clearance_of_another_cut_is_none_of_this_question(wrong: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        stakes_of(question(), claims(tier=1) | wrong)
    assert refused.value.code == "CLEARANCE_HASH_MISMATCH"
    assert refused.value.hint


@pytest.mark.parametrize("tier", [0, 4, "low", None])
def test_a_tier_that_is_none_is_refused(tier: Any) -> None:
    with pytest.raises(Problem) as refused:
        stakes_of(question(), claims(tier=tier))
    assert refused.value.code == "STATEMENT_INVALID"


def test_a_second_factor_is_needed_from_the_tier_on_that_the_house_says() -> None:
    assert [Autonomy().needs_factor(tier) for tier in (1, 2, 3)] == [False, False, True]
    assert [Autonomy(factor_from_tier=1).needs_factor(tier) for tier in (1, 2, 3)] == [True] * 3
    assert not Autonomy(factor_from_tier=4).needs_factor(3)
