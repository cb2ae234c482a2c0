"""Compliance: decides whether a cut may be shown, issues the signed clearance, and watches over what is published."""

from holdback_agents.compliance.checking import check_publication
from holdback_agents.compliance.request import (
    chosen_skill,
    parse_clearance_request,
    parse_expiry_watch,
    parse_publication_check,
)
from holdback_agents.compliance.watching import watch_expiry
from holdback_agents.compliance.workflow import clear_rights
from holdback_agents.contracts import ClearanceRequest
from holdback_agents.publishing_parts import ExpiryWatch, PublicationCheck
from holdback_agents.runtime.agent import Agent, Skill, packed_card, written_rules


def compliance() -> Agent:
    """The agent, with the card that travels with the program."""
    card = packed_card("compliance")
    return Agent(
        name="compliance",
        card=card,
        skills=(
            Skill(id="clear-rights", request=ClearanceRequest, workflow=clear_rights, words=parse_clearance_request),
            Skill(
                id="check-publication",
                request=PublicationCheck,
                workflow=check_publication,
                words=parse_publication_check,
            ),
            Skill(id="watch-expiry", request=ExpiryWatch, workflow=watch_expiry, words=parse_expiry_watch),
        ),
        choose=chosen_skill,
        configurations=(written_rules(__file__, "compliance-rules", card.version),),
    )
