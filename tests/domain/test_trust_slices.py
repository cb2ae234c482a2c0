"""What is left out of a question to Cedar, and what a template stands for, changes no answer."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
from cedarpy import PolicySet
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy import OWN, Action, Decision, Policies, engine, principals, schema_text
from holdback_trust.policy.principals import CIRCUMSTANCES, circumstances, uid
from holdback_trust.policy.slices import Verb, cut, looked_at
from holdback_trust.task_policy import mint, policy_sha256, task_name, template, until
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ATTRIBUTES = frozenset(re.findall(r"(\w+)\??:", schema_text()))
AGENTS, PEOPLE = ("agent:compliance", "agent:scheduler"), ("person:sam", "person:ann")
TOOLS = ("rights.check_clearance", "rights.issue_clearance", 'a.b"]; permit')
IDS = st.sampled_from(("t-1", "t-2", "t/1", "t%2F1", 't"1', "t\\1"))
HOUSES = [
    Policies({str(place): text for place, text in enumerate(each)})
    for each in (
        (),
        (
            '@id("a") forbid (principal is Agent, action == Action::"read", resource) when { principal.depth > 1 };',
            '@id("b") forbid (principal, action, resource) when { context has "targ\\u{65}t" };',
        ),
        (
            '@id("c") forbid (principal is Agent, action, resource) when { principal["t\\u{61}sk"].root == "t-2" };',
            '@id("d") forbid (principal is Agent, action, resource) when { principal has task.policy && principal.chain'
            '.contains(Agent::"agent:scheduler") && context.audience == "mcp:rights" };',
        ),
        (
            '@id("e") forbid (principal, action in [Action::"read", Action::"use"], resource) unless { context.person '
            'in Role::"editor" && context.person.level > 100 };',
            '@id("f") permit (principal in Role::"approver", action in Action::"know", resource);',
        ),
        (
            '@id("g") forbid (principal, action, resource) when { context.now >= datetime("2026-11-21T12:30:00Z") };',
            '@id("h") forbid (principal, action == Action::"write", resource) when { context has network && '
            'context.network.isInRange(ip("10.0.0.0/8")) };',
            '@id("i") permit (principal == Person::"person:ann", action, resource == Capability::"x.y");',
        ),
        ('@id("j") forbid (principal is Agent, action == Action::"write", resource) when { context.tier > 1 };',),
    )
]


@st.composite
def claims(draw: st.DrawFn) -> TaskClaim:
    minutes = draw(st.sampled_from((30, 60)))
    return TaskClaim(
        id=draw(IDS),
        root=draw(IDS),
        skill=draw(st.sampled_from(("clear-rights", ""))),
        tools=draw(st.frozensets(st.sampled_from(TOOLS), min_size=0)),
        expires=NOW + timedelta(minutes=minutes, milliseconds=draw(st.sampled_from((0, 700)))),
    )


def sealed(claim: TaskClaim, agent: str, person: str) -> TaskClaim:
    return claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, person))})


@st.composite
def callers(draw: st.DrawFn) -> Caller:
    agent, person = draw(st.sampled_from((None, *AGENTS))), draw(st.sampled_from(PEOPLE))
    claim = None if agent is None else draw(st.none() | claims())
    return Caller(
        person=person,
        agent=agent,
        chain=() if agent is None else (agent, *draw(st.sampled_from(((), AGENTS)))),
        scopes=draw(st.sampled_from((frozenset({"rights:read", "approval:decide"}), frozenset({"rights:read"})))),
        roles=draw(st.frozensets(st.sampled_from(("editor", "approver", "local-reader")))),
        audience=draw(st.sampled_from(("mcp:rights", "gateway"))),
        token_id="tok-1",
        stories=draw(st.frozensets(st.just("ruling"))),
        factors=draw(st.frozensets(st.just("otp"))),
        level=draw(st.sampled_from((100, 200, 300))),
        task=None if claim is None or agent is None else sealed(claim, agent, person),
        network=draw(st.sampled_from(("", "10.1.2.3", "192.0.2.1"))),
        expires=NOW,
    )


ACTIONS = st.builds(
    Action,
    name=st.sampled_from((*TOOLS, "x.y")),
    scope=st.sampled_from(("rights:read", "rights:read", "approval:decide", "")),
    resource=st.sampled_from(("", "ast_1")),
    kind=st.sampled_from(("read", "write", "destroy")),
    asked_by=st.none() | st.sampled_from(PEOPLE),
    story=st.none() | st.sampled_from(("ruling", "other")),
    tier=st.none() | st.sampled_from((1, 2, 3)),
    factor_needed=st.booleans(),
    strange=st.booleans(),
)
INSTANTS = st.sampled_from([NOW + timedelta(minutes=m, milliseconds=ms) for m in (0, 30, 60) for ms in (-1, 0, 1, 701)])


def known(caller: Caller) -> engine.Entities:
    """All that is known of a caller, held to the schema."""
    entities = engine.parse_entities(principals.lasting_entities(principals.lasting(caller), ATTRIBUTES))
    if caller.task is not None and caller.agent is not None:
        entities = engine.with_entities(entities, principals.task_entity(caller.task, caller.person, ATTRIBUTES))
    return engine.parse_entities(str(entities), OWN.schema)


def whole(house: Policies, caller: Caller, verb: Verb, resource: dict[str, str], action: Action, now: datetime) -> Any:
    """What Cedar says when it is given everything: all policies, the task's as its own text, all that is known."""
    minted = mint(caller.task, caller.agent, caller.person) if caller.task and caller.agent else ""
    entities = known(caller)
    context = to_json(circumstances(caller, action, now, CIRCUMSTANCES)).decode()
    request = {"principal": principals.principal(caller), "action": uid("Action", verb), "resource": resource}
    answer = engine.ask({**request, "context": context}, PolicySet.from_str(house.text + minted), entities)
    if answer.errors:
        return False, "policy-error"
    order = [*house.words, "task"]
    return answer.allowed, min(answer.spoke, key=order.index, default="nothing-allows")


def said(decision: Decision) -> tuple[bool, str]:
    return decision.allowed, decision.policy


@given(st.sampled_from(HOUSES), callers(), ACTIONS, st.lists(INSTANTS, min_size=1, max_size=2))
def test_what_is_left_out_of_a_question_changes_no_answer(
    house: Policies, caller: Caller, action: Action, instants: list[datetime]
) -> None:
    verb: Verb = "approve" if action.scope == "approval:decide" and action.kind != "read" else action.kind
    for now in instants:
        expected = whole(house, caller, verb, uid("Capability", action.name), action, now)
        assert said(house.decide(caller, action, now)) == expected


@given(st.sampled_from(HOUSES), callers(), st.sampled_from((1, 2, 3)), st.lists(INSTANTS, min_size=1, max_size=2))
def test_nor_of_who_knows_a_story_or_reaches_a_tier(
    house: Policies, caller: Caller, tier: int, instants: list[datetime]
) -> None:
    for now in instants:
        know, use = Action(name="know", scope="", story="ruling"), Action(name="use", scope="", tier=tier)
        expected = whole(house, caller, "know", uid("Story", "ruling"), know, now)
        assert said(house.knows(caller, "ruling", now)) == expected
        expected = whole(house, caller, "use", uid("Material", f"tier-{tier}"), use, now)
        assert said(house.reaches(caller, tier, now)) == expected


@given(claims(), st.sampled_from(AGENTS), st.sampled_from(PEOPLE))
def test_a_minted_policy_is_its_template_with_the_slot_filled_and_nothing_else(
    claim: TaskClaim, agent: str, person: str
) -> None:
    (minted,), (slotted,) = engine.told(mint(claim, agent, person)), engine.told(template(agent, claim.tools))
    assert (minted.template, slotted.template) == (False, True)
    assert slotted.shape["principal"] == {"op": "in", "slot": "?principal"}
    filled = {"op": "in", "entity": uid("Task", task_name(claim, person))}
    assert minted.shape == {**slotted.shape, "principal": filled}
    for text in (mint(claim, agent, person), template(agent, claim.tools)):
        assert engine.mistakes(text, OWN.schema) == []


@given(claims(), claims(), st.sampled_from(AGENTS), st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)))
def test_the_policy_of_another_task_permits_nothing_neither_as_text_nor_as_template(
    mine: TaskClaim, other: TaskClaim, agent: str, people: tuple[str, str]
) -> None:
    tools = frozenset(TOOLS)
    mine, other = (each.model_copy(update={"tools": tools}) for each in (mine, other))
    same = task_name(mine, people[0]) == task_name(other, people[1])
    caller = Caller(person=people[0], agent=agent, chain=(agent,), audience="", token_id="", task=mine, expires=NOW)
    entities = known(caller)
    slotted = cut(engine.told(template(agent, tools)), "Agent", "read", "template").policies
    linked = engine.with_link(slotted, "template", uid("Task", task_name(other, people[1])))
    request = {
        "principal": principals.principal(caller),
        "action": uid("Action", "read"),
        "resource": uid("Capability", TOOLS[0]),
        "context": '{"epoch": 0}',
    }
    for policies in (PolicySet.from_str(mint(other, agent, people[1])), linked):
        answer = engine.ask(request, policies, entities)
        assert (answer.allowed, answer.errors) == (same, ())
        assert answer.spoke == (("task",) if same else ())
        over = engine.ask({**request, "context": to_json({"epoch": until(mine)}).decode()}, policies, entities)
        assert (over.allowed, over.spoke) == (False, ())


def test_each_of_several_tasks_with_the_same_tools_is_permitted_by_its_own_policy() -> None:
    house = Policies()
    for name in ("t-1", "t-2", "t-1"):
        claim = TaskClaim(id=name, root="t-1", skill="", tools=frozenset(TOOLS), expires=NOW + timedelta(hours=1))
        shape: dict[str, Any] = {"person": "person:sam", "audience": "mcp:rights", "token_id": name, "expires": NOW}
        task = sealed(claim, AGENTS[0], "person:sam")
        caller = Caller(**shape, scopes=frozenset({"rights:read"}), agent=AGENTS[0], chain=(AGENTS[0],), task=task)
        assert said(house.decide(caller, Action(name=TOOLS[0], scope="rights:read"), NOW)) == (True, "task")


def test_tasks_that_differ_in_person_root_id_or_window_have_other_names() -> None:
    words = ("a", "/", "a/", "/a", "%2F", "%", "2F", "%252F")
    names: set[str] = set()
    for person, root, identity, later in product(words, words, words, (0, 1)):
        claim = TaskClaim(id=identity, root=root, skill="", expires=NOW + timedelta(seconds=later))
        names.add(task_name(claim, person))
    assert len(names) == len(words) ** 3 * 2


def test_every_attribute_that_a_policy_can_look_at_is_seen_however_it_is_written() -> None:
    text = (
        'forbid (principal is Agent, action, resource) when { principal has task.root && context["aud\\u{69}ence"] == '
        '"x" && {seven: 7} == {seven: context.person.level} && [principal].contains(Agent::"depth") && '
        '(if context has "tier" then principal.task.plan.tools.contains(resource) else context.scope like "chain*") };'
    )
    found = looked_at(engine.told(text))
    assert found == {"task", "root", "audience", "seven", "person", "level", "tier", "plan", "tools", "scope"}


@pytest.mark.parametrize(
    "looks",
    [
        'context.person == Person::"person:sam"',
        'context.person in Role::"editor"',
        "context.person.level == 200",
        'context.audience == "mcp:rights"',
        'context["sc\\u{6f}pe"] == "rights:read"',
        'context.now == datetime("2026-11-21T12:00:00Z")',
        "context.epoch > 1000",
        'context has network && context.network.isInRange(ip("10.0.0.0/8"))',
        'context has target && context.target == "ast_1"',
        'context has asked_by && context.asked_by == Person::"person:ann"',
        "context has story",
        "context has tier && context.tier == 1",
        "!context.factor_needed && !context.strange",
        "principal.depth == 2",
        'principal.chain.contains(Agent::"agent:scheduler")',
        "principal.level == 200",
        'principal.stories.contains(Story::"ruling")',
        'principal.factors.contains("otp")',
        'principal.scopes.contains("rights:read")',
        'principal has task && principal.task.id == "t/2"',
        'principal["task"]["root"] == "t-1"',
        'principal has task.skill && principal.task.skill == "clear-rights"',
        'principal.task.policy like "sha256:*"',
        "principal.task.until > 1000",
        'principal.task.plan == Plan::"clear-rights"',
        'principal.task.plan.tools.contains(Capability::"rights.issue_clearance")',
    ],
)
def test_a_house_sees_whatever_the_schema_has(looks: str) -> None:
    guarded = f"principal has task && {looks}"
    house = Policies({"own": f'@id("own") forbid (principal is Agent, action, resource) when {{ {guarded} }};'})
    assert engine.mistakes(house.text, house.schema) == []
    claim = TaskClaim(
        id="t/2", root="t-1", skill="clear-rights", tools=frozenset(TOOLS), expires=NOW + timedelta(hours=1)
    )
    caller = Caller(
        person="person:sam",
        agent=AGENTS[0],
        chain=AGENTS,
        scopes=frozenset({"rights:read"}),
        roles=frozenset({"editor"}),
        audience="mcp:rights",
        token_id="tok-1",
        stories=frozenset({"ruling"}),
        factors=frozenset({"otp"}),
        level=200,
        task=sealed(claim, AGENTS[0], "person:sam"),
        network="10.1.2.3",
        expires=NOW,
    )
    action = Action(name=TOOLS[0], scope="rights:read", resource="ast_1", asked_by="person:ann", story="ruling", tier=1)
    assert said(OWN.decide(caller, action, NOW)) == (True, "task")
    assert said(house.decide(caller, action, NOW)) == (False, "own")


@pytest.mark.parametrize("verb", get_args(Verb))
def test_of_what_every_house_has_cedar_is_given_less_than_two_thirds(verb: Verb) -> None:
    every = engine.told(OWN.text)
    for actor in ("Agent", "Person"):
        assert 0 < len(cut(every, actor, verb, "").policies) < len(every) * 2 / 3


def test_who_may_know_is_asked_anew_when_the_window_is_over_and_where_the_house_looks_at_the_time() -> None:
    claim = sealed(
        TaskClaim(id="t", root="t", skill="", tools=frozenset(TOOLS), expires=NOW + timedelta(hours=1)),
        AGENTS[0],
        "person:sam",
    )
    shape: dict[str, Any] = {"person": "person:sam", "audience": "mcp:rights", "token_id": "t", "expires": NOW}
    caller = Caller(**shape, stories=frozenset({"ruling"}), agent=AGENTS[0], chain=(AGENTS[0],), task=claim)
    timed = HOUSES[4]
    for house, minutes in ((OWN, 60), (timed, 30)):
        for at, allowed in ((0, True), (minutes, False), (minutes - 1, True)):
            now = NOW + timedelta(minutes=at)
            assert house.knows(caller, "ruling", now).allowed is allowed
            assert house.reaches(caller, 1, now).allowed is allowed
