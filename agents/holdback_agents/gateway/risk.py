"""How much is at stake in a question, and so how far it may go without a person (ER 1011, 10.2). Pure.

What is at stake is read from the signed clearance, never from what an agent says: rights says there how valuable the
cut is, on the word of its cut statement.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from holdback_base.elements import HIGHEST_TIER
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field, ValidationError

from holdback_agents.contracts import ApprovalQuestion

AUTONOMY = "policy:low-value"
"""Who decided, in a statement, where policy passed a question without a person."""
SECOND_FACTORS = frozenset({"otp", "mfa"})
"""Ways of proving who one is that count as a second factor (RFC 8176)."""


@dataclass(frozen=True)
class Autonomy:
    """How far agents may go without a person, as a house says it. By default they may not.

    `tier` is the highest value tier that policy passes, 0 for none; `channels` are the only ones it passes for;
    `most_a_day` is how often in one day, UTC. From `factor_from_tier` on, who approves must have proved a second
    factor.
    """

    tier: int = 0
    channels: frozenset[str] = frozenset()
    most_a_day: int = 10
    factor_from_tier: int = HIGHEST_TIER

    def needs_factor(self, tier: int) -> bool:
        """Whether a yes to something of this tier takes a second factor."""
        return tier >= self.factor_from_tier


class Stakes(Noun):
    """What is at stake, as rights signed it: the value tier, and the closed story that the cut belongs to."""

    tier: int = Field(default=HIGHEST_TIER, ge=1, le=HIGHEST_TIER)
    story: str | None = None


def stakes_of(question: ApprovalQuestion, claims: dict[str, Any]) -> Stakes:
    """What the clearance says of the cut that is asked about.

    Args:
        claims: of the clearance, verified.

    Raises:
        Problem: CLEARANCE_HASH_MISMATCH when it is another clearance than the question names, or of another cut;
            STATEMENT_INVALID when its tier is none.
    """
    elements = {claims["sub"]: claims["elements"]} | dict(claims.get("delivery_elements") or {})
    if claims["jti"] != question.clearance or elements.get(question.media) != question.elements:
        raise Problem(
            "CLEARANCE_HASH_MISMATCH",
            f"The clearance {claims['jti']} is not the one of {question.media[:19]} that the question names.",
            "Ask with the clearance of this very cut; a new render needs a new one.",
            media=question.media,
            covered=sorted(elements),
        )
    try:
        return Stakes(tier=claims.get("tier", HIGHEST_TIER), story=claims.get("story"))
    except ValidationError:
        raise Problem(
            "STATEMENT_INVALID", f"The clearance {claims['jti']} names no known tier.", "Have it issued again."
        ) from None


def why_ask(
    question: ApprovalQuestion, stakes: Stakes, autonomy: Autonomy, passed_today: int, suspicions: Collection[str]
) -> str:
    """Why a person must be asked; nothing when policy may pass it.

    Args:
        passed_today: how many questions policy has passed since midnight, UTC.
        suspicions: what in the question's words reads like an instruction.
    """
    strange = sorted({slot.channel for slot in question.slots} - autonomy.channels)
    passes = min(autonomy.tier, HIGHEST_TIER - 1)
    reasons = (
        (stakes.tier > passes, f"tier {stakes.tier} is above what policy passes, which is {passes}"),
        (stakes.story is not None, "it belongs to a closed story"),
        (bool(question.publications) or not question.slots, "it changes what was approved before"),
        (bool(strange), f"policy passes nothing for {', '.join(strange)}"),
        (bool(suspicions), f"its words read like instructions: {'; '.join(sorted(suspicions)[:1])}"),
        (passed_today >= autonomy.most_a_day, f"policy passes {autonomy.most_a_day} a day, and has"),
    )
    return next((why for holds, why in reasons if holds), "")
