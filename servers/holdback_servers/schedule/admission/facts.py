"""What the schedule needs of verified clearances and approvals, and of nothing else in them. Pure."""

from collections.abc import Mapping
from typing import Any

from holdback_base.elements import HIGHEST_TIER
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, Sha256
from pydantic import ConfigDict, Field, ValidationError

from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.model import Availability


class ClearanceFacts(Noun):
    """What the schedule needs of a verified clearance; `elements` is the element hash of each delivery it covers,
    `tier` the value tier of the most valuable (where it is not said, the highest), `story` the closed story of all."""

    id: str
    elements: dict[Sha256, Sha256]
    issued: Instant
    cells: tuple[ClearedCell, ...]
    tier: int = Field(default=HIGHEST_TIER, ge=1, le=HIGHEST_TIER)
    story: str | None = None


class ApprovedSlot(Noun):
    """A held slot as the person saw it who approved."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hold: str
    channel: str
    start: Instant
    availability: tuple[Availability, ...]


class ApprovedChange(Noun):
    """What a publication on the books was to become, as the person saw it who approved."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    publication: str
    channel: str
    availability: tuple[Availability, ...]


class ApprovalFacts(Noun):
    """What the schedule needs of a verified approval: what was asked, by whom, and who decided what.

    `subject` is the cut that the person saw and `elements` its element hash; `media` is all that was approved with it.
    `slots` are those that the person saw, `publications` those on the books that the person let change; where both are
    absent the approval names none. `tier` is the value tier of the cut.
    """

    id: str
    subject: Sha256
    media: frozenset[Sha256]
    elements: Sha256
    clearance: str
    decision: str
    by: str
    asked_by: str
    expires: Instant
    slots: tuple[ApprovedSlot, ...] | None = None
    publications: tuple[ApprovedChange, ...] | None = None
    tier: int | None = None


def clearance_facts(claims: Mapping[str, Any]) -> ClearanceFacts:
    """The facts of a clearance's claims. Raises Problem STATEMENT_INVALID when they have another shape."""
    try:
        subject: str = claims["elements"]
        elements = dict.fromkeys(claims.get("deliveries", ()), subject)
        elements |= claims.get("delivery_elements", {})
        return ClearanceFacts(
            id=claims["jti"],
            elements=elements | {claims["sub"]: claims["elements"]},
            issued=claims["iat"],
            cells=claims["cells"],
            tier=claims.get("tier", HIGHEST_TIER),
            story=claims.get("story"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _misshapen("clearance") from error


def approval_facts(claims: Mapping[str, Any]) -> ApprovalFacts:
    """The facts of an approval's claims. Raises Problem STATEMENT_INVALID when they have another shape."""
    try:
        return ApprovalFacts(
            id=claims["jti"],
            subject=claims["sub"],
            media=frozenset({claims["sub"], *claims.get("deliveries", ())}),
            elements=claims["elements"],
            clearance=claims["clearance"],
            decision=claims["decision"],
            by=claims["by"],
            asked_by=claims["for"],
            expires=claims["exp"],
            slots=claims.get("slots"),
            publications=claims.get("publications"),
            tier=claims.get("tier"),
        )
    except (KeyError, TypeError, ValidationError) as error:
        raise _misshapen("approval") from error


def _misshapen(name: str) -> Problem:
    return Problem(
        "STATEMENT_INVALID",
        f"The {name} verifies but lacks what the schedule needs to know.",
        f"Pass the {name} as its issuer made it.",
    )
