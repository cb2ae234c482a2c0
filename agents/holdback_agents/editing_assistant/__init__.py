"""The editing assistant: from a brief to a cleared, approved and scheduled highlight."""

from holdback_agents.contracts import Brief
from holdback_agents.editing_assistant.reply import highlight_reply
from holdback_agents.editing_assistant.request import parse_brief
from holdback_agents.editing_assistant.workflow import make_highlight
from holdback_agents.runtime.agent import Agent, Skill, packed_card, written_rules


def editing_assistant() -> Agent:
    """The agent, with the card that travels with the program."""
    skill = Skill(id="make-highlight", request=Brief, workflow=make_highlight, words=parse_brief, reply=highlight_reply)
    card = packed_card("editing-assistant")
    rules = written_rules(__file__, "editing-rules", card.version)
    return Agent(name="editing-assistant", card=card, skills=(skill,), configurations=(rules,))
