"""Compliance: decides whether a cut may be shown, and issues the signed clearance."""

from holdback_agents.compliance.request import parse_clearance_request
from holdback_agents.compliance.workflow import clear_rights
from holdback_agents.contracts import ClearanceRequest
from holdback_agents.runtime.agent import Agent, Skill, packed_card


def compliance() -> Agent:
    """The agent, with the card that travels with the program."""
    skill = Skill(id="clear-rights", request=ClearanceRequest, workflow=clear_rights, words=parse_clearance_request)
    return Agent(name="compliance", card=packed_card("compliance"), skills=(skill,))
