import json
import re
from pathlib import Path

import pytest
from holdback_agents.compliance import compliance
from holdback_agents.editing_assistant import editing_assistant
from holdback_agents.runtime.agent import Agent
from holdback_agents.scheduler import scheduler
from holdback_trust.grants import AGENT_PLANS, agent_scopes, plan
from holdback_trust.identity import AGENTS

ROOT = Path(__file__).parents[2]
HOUSE = {each.audience: each for each in (editing_assistant(), compliance(), scheduler())}
OWN = {"registry.read", "approval.ask"}
"""Of the gateway: what the runtime asks there for every task, and for a question to a person."""


def tools() -> dict[str, set[str]]:
    """Every room's tools."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "servers" / "holdback_servers").glob("*/tools.json")):
        listed = json.loads(path.read_text(encoding="utf-8"))
        found[path.parent.name] = {each["name"] for each in listed}
    return found


def test_each_skill_of_the_house_has_a_plan_and_nothing_else_has_one() -> None:
    assert {agent: set(plans) for agent, plans in AGENT_PLANS.items()} == {
        name: {skill.id for skill in agent.skills} for name, agent in HOUSE.items()
    }
    assert set(HOUSE) == set(AGENTS)
    assert plan("agent:compliance", "make-highlight") == frozenset()
    assert plan("agent:stranger", "clear-rights") == frozenset()


@pytest.mark.parametrize("agent", HOUSE.values(), ids=lambda agent: agent.name)
def test_a_plan_names_only_tools_and_skills_that_exist_and_that_the_agent_may_reach(agent: Agent) -> None:
    offered, skills = tools(), {skill.id: each for each in HOUSE.values() for skill in each.skills}
    for capabilities in AGENT_PLANS[agent.audience].values():
        for capability in capabilities - OWN:
            room, dot, tool = capability.partition(".")
            if dot:
                assert tool in offered[room]
                assert agent_scopes(agent.audience, f"mcp:{room}")
            else:
                to = skills[capability]
                assert to.scope_of(capability) in agent_scopes(agent.audience, to.audience)
                assert to is not agent


@pytest.mark.parametrize("agent", HOUSE.values(), ids=lambda agent: agent.name)
def test_the_plans_of_an_agent_are_together_what_its_code_calls_and_no_more(agent: Agent) -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "agents" / "holdback_agents" / agent.name.replace("-", "_")).glob("*.py")
    )
    called = set(re.findall(r'"((?:assets|editing|rights|schedule)\.[a-z_]+)"', code)) - {"schedule.ics"}
    called |= set(re.findall(r'\.delegate\(\s*"([a-z-]+)"', code))
    jobs = {f"{room}.{tool}" for room in re.findall(r'run\.job\("(\w+)"', code) for tool in ("get_job", "cancel_job")}
    asking = {"approval.ask"} if "run.ask(question_of(" in code else set[str]()
    planned = frozenset[str]().union(*AGENT_PLANS[agent.audience].values())
    assert planned == called | jobs | asking | {"registry.read"}


def test_no_plan_lets_an_agent_decide_an_approval_record_rights_or_hold_back_an_asset() -> None:
    listed = {capability for plans in AGENT_PLANS.values() for each in plans.values() for capability in each}
    assert not {each for each in listed if each.startswith(("approval.decide", "guardian."))}
    assert not listed & {"rights.record_right", "assets.place_hold", "assets.release_hold", "assets.ingest_file"}
