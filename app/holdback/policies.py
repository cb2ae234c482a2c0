"""The policies of a home: read and checked when it opens, shown and explained to people."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import Settings, load_settings
from holdback_trust.grants import (
    AGENT_PLANS,
    AUDIENCE_SCOPES,
    agent_scopes,
    person_scopes,
    plan,
    role_scopes,
)
from holdback_trust.identity import AGENTS, HOUSE_LEVEL, Caller, TaskClaim
from holdback_trust.policy import Action, Policies, engine, house_policies, pieces, schema_text
from holdback_trust.task_policy import POLICY_ID, mint, policy_sha256

FOLDER = "policies"
"""Of a home: every `*.cedar` in it counts."""
ROOMS = ("assets", "editing", "rights", "schedule")


def open_policies(home: Path) -> Policies:
    """What every house has, and the home's own besides.

    Raises:
        Problem: INVALID_ARGUMENT with file, line and cure for the first policy that is not one.
    """
    folder = home / FOLDER
    return house_policies(folder, capabilities() if folder.is_dir() else ())


def capabilities() -> dict[str, str]:
    """Every tool of the rooms, such as `rights.check_clearance`, and its kind: read, write or destroy."""
    found: dict[str, str] = {}
    for room in ROOMS:
        text = resources.files("holdback_servers").joinpath(room, "tools.json").read_text(encoding="utf-8")
        for tool in json.loads(text):
            hints = tool["annotations"]
            kind = "read" if hints["readOnlyHint"] else "destroy" if hints["destructiveHint"] else "write"
            found[f"{room}.{tool['name']}"] = kind
    return found


@dataclass(frozen=True)
class Question:
    """Who asks for what: `person:sam` or an agent for a person and a skill."""

    who: str
    what: str
    on_behalf: str = ""
    skill: str = ""
    story: str = ""
    network: str = ""


def tell_check(home: Path | None) -> None:
    """Print what was checked. Raises Problem INVALID_ARGUMENT for the first mistake."""
    folder = load_settings(home=home).home
    policies = open_policies(folder)
    for name, text in policies.own.items():
        count = len(pieces(text))
        print(f"{folder / FOLDER / name}: {count} {'policy holds' if count == 1 else 'policies hold'}.")
    if not policies.own:
        print(f"There are no policies of its own in {folder / FOLDER}; what every house has counts.")


def tell_policies(home: Path | None, name: str, *, schema: bool) -> None:
    """Print policies, or what they can speak of. Raises Problem NOT_FOUND for a name that none has."""
    if schema:
        print(schema_text(), end="")
        return
    policies = open_policies(load_settings(home=home).home)
    found = text_of(policies, name) if name else policies.text
    if not found:
        raise Problem("NOT_FOUND", f"No policy is called {name}.", f"They are {', '.join(policies.words)}.")
    print(found.strip())


def tell_decision(home: Path | None, question: Question, *, as_json: bool) -> None:
    """Print the decision and the policy that spoke. Raises Problem INVALID_ARGUMENT for who or what there is not."""
    settings = load_settings(home=home)
    question = replace(question, who=_whole(question.who), on_behalf=question.on_behalf and _whole(question.on_behalf))
    policies, clock = open_policies(settings.home), system_clock
    action = _action(question)
    caller = _caller(settings, question, action, clock())
    decision = policies.decide(caller, action, clock())
    shape = asdict(decision) | {"who": question.who, "what": question.what}
    if as_json:
        print(json.dumps(shape))
        return
    print(f"{'Allowed' if decision.allowed else f'Denied, {decision.code}'}: {decision.reason}")
    minted = mint(caller.task, caller.agent, caller.person) if caller.task and caller.agent else ""
    print(f"\n{minted if decision.policy == POLICY_ID else text_of(policies, decision.policy)}".rstrip())


def _whole(name: str) -> str:
    """As the other commands take it too: `sam` is `person:sam`, `compliance` is `agent:compliance`."""
    if ":" in name:
        return name
    return f"agent:{name}" if f"agent:{name}" in AGENTS else f"person:{name}"


def text_of(policies: Policies, name: str) -> str:
    """One policy's own text; nothing for one that is not there."""
    return next((each.text for each in pieces(policies.text) if engine.told(each.text)[0].name == name), "")


def _action(question: Question) -> Action:
    kinds, story = capabilities(), question.story or None
    if question.network:
        _check_address(question.network)
    if question.what in kinds:
        shape = {"name": question.what, "scope": _scope_of(question.what), "kind": kinds[question.what]}
        return Action.model_validate(shape | {"story": story, "network": question.network})
    scopes = [each for agent in AGENTS for each in AUDIENCE_SCOPES[agent] if each.endswith(f":{question.what}")]
    if not scopes:
        raise Problem("INVALID_ARGUMENT", f"There is no tool or skill {question.what}.", "Take one of docs/tools.md.")
    return Action(name=question.what, scope=scopes[0], kind="write", story=story, network=question.network)


def _check_address(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        cure = "Give one as a connection has it, such as 10.1.2.3 or ::1."
        raise Problem("INVALID_ARGUMENT", f"{text} is no address of a machine.", cure) from None


@cache
def _scope_of(capability: str) -> str:
    """As the room's door says it, over a home that is thrown away."""
    from holdback.foundation import lay_foundation
    from holdback.rooms import open_room

    room, _, tool = capability.partition(".")
    with TemporaryDirectory(prefix="holdback-") as home:
        foundation = lay_foundation(Settings(home=Path(home)), f"mcp:{room}")
        door = open_room(room, foundation, ticking=False)
        door.services.database.close()
        foundation.audit.close()
        return door.scopes[tool]


def _caller(settings: Settings, question: Question, action: Action, now: datetime) -> Caller:
    from holdback.pack import people_of

    agent = question.who if question.who.startswith("agent:") else None
    name = question.on_behalf if agent else question.who
    people = people_of(settings)
    person = next((each for each in people if each.id == name), None)
    if person is None:
        cure = f"The people are {', '.join(each.id for each in people)}. For an agent, --for says who it works for."
        raise Problem("INVALID_ARGUMENT", f"{name or 'Nobody'} is no person of this house.", cure)
    audience = f"mcp:{action.name.partition('.')[0]}" if "." in action.name else action.scope.rpartition(":")[0]
    caller = Caller(
        person=person.id,
        scopes=role_scopes(person.roles) if agent else person_scopes(person.roles, audience),
        roles=person.roles,
        audience=audience,
        token_id="explained",  # noqa: S106 - there is none
        stories=frozenset(name for name, each in settings.stories.items() if person.id in each.people),
        factors=frozenset(),
        expires=now + timedelta(minutes=5),
    )
    return caller if agent is None else _acting(settings, caller, agent, question.skill, now)


def _acting(settings: Settings, caller: Caller, agent: str, skill: str, now: datetime) -> Caller:
    from holdback_agents.gateway.tasks import WINDOW

    if skill and not plan(agent, skill):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{agent} has no plan for {skill}.",
            f"Its skills are {', '.join(AGENT_PLANS.get(agent, {})) or 'none of this house'}.",
        )
    told = settings.agents.get(agent.removeprefix("agent:"))
    over = (now + WINDOW).replace(microsecond=0)
    claim = TaskClaim(id="explained", root="explained", skill=skill, tools=plan(agent, skill), expires=over)
    task = claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, caller.person))}) if skill else None
    known = frozenset(name for name in caller.stories if agent in settings.stories[name].agents)
    changes = {"agent": agent, "chain": (agent,), "task": task, "stories": known}
    changes |= {"scopes": caller.scopes & agent_scopes(agent, caller.audience)}
    return caller.model_copy(update=changes | {"level": told.level if told else HOUSE_LEVEL})
