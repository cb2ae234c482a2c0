"""What the registry refuses to hold, and what it finds."""

import pytest
from a2a.types.a2a_pb2 import AgentCard, AgentSkill
from holdback_agents.gateway.registry import AgentEntry, PersonEntry, Registry, ServerEntry, ToolEntry, Upstream


def agent(name: str, *skills: str) -> AgentEntry:
    card = AgentCard(name=name, skills=[AgentSkill(id=skill, name=skill) for skill in skills])
    return AgentEntry(name, card, Upstream("http://upstream.test"), {})


SERVER = ServerEntry("assets", "Assets", "", Upstream("http://upstream.test"), (ToolEntry("get_asset", "assets:read"),))


def test_an_address_is_the_gateways_own():
    registry = Registry.of("http://house.test/", [agent("scheduler", "plan")], [SERVER], [])
    assert registry.skill_offer("plan")["url"] == "http://house.test/agents/scheduler"
    assert registry.tool_offer("assets.get_asset")["url"] == "http://house.test/mcp/assets"


def test_an_audience_is_meant_by_its_name_or_its_address():
    registry = Registry.of("http://house.test", [agent("scheduler", "plan")], [SERVER], [])
    assert registry.audience("agent:scheduler") == "agent:scheduler"
    assert registry.audience("http://house.test/agents/scheduler/") == "agent:scheduler"
    assert registry.audience("http://house.test/") == "gateway"
    assert registry.audience("http://upstream.test") is None


@pytest.mark.parametrize(
    "agents",
    [
        [agent("one", "plan"), agent("one", "cut")],
        [agent("one", "plan"), agent("two", "plan")],
        [agent("../one", "plan")],
        [agent("", "plan")],
    ],
)
def test_a_house_with_a_doubtful_name_is_not_built(agents):
    with pytest.raises(ValueError, match=r"named twice|not fit for a path"):
        Registry.of("http://house.test", agents, [], [])


def test_two_people_with_one_id_are_refused():
    person = PersonEntry("person:sam", "Sam", frozenset(), {})
    with pytest.raises(ValueError, match="person:sam"):
        Registry.of("http://house.test", [], [], [person, person])
