import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback.policies import capabilities
from holdback_base.problem import CODES, Problem
from holdback_trust.enforcing import Enforcement
from holdback_trust.grants import plan
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy import OWN, Action, Policies, engine, house_policies, pieces, principals, schema_text
from holdback_trust.task_policy import mint, policy_sha256

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
READ = Action(name="rights.check_clearance", scope="rights:read")
EVERY_ATTRIBUTE = frozenset(re.findall(r"(\w+)\??:", schema_text()))
ISSUE = Action(name="rights.issue_clearance", scope="rights:clear", kind="write")
TASK_2 = TaskClaim(
    id="t-2",
    root="t-2",
    skill="clear-rights",
    tools=plan("agent:compliance", "clear-rights"),
    expires=NOW + timedelta(hours=2),
)


def caller(**changes: Any) -> Caller:
    shape: dict[str, Any] = {
        "person": "person:sam",
        "scopes": frozenset({"rights:read", "rights:clear", "approval:decide"}),
        "audience": "mcp:rights",
        "token_id": "tok-1",
        "expires": NOW + timedelta(minutes=5),
    }
    return Caller(**{**shape, **changes})


def agent(
    name: str = "agent:compliance", skill: str = "clear-rights", task_id: str = "t-1", hours: int = 1, **changes: Any
) -> Caller:
    end = NOW + timedelta(hours=hours)
    claim = TaskClaim(id=task_id, root=task_id, skill=skill, tools=plan(name, skill), expires=end)
    claim = claim.model_copy(update={"policy": policy_sha256(mint(claim, name, "person:sam"))})
    acting: dict[str, Any] = {"agent": name, "chain": (name,), "level": 200, "task": claim}
    return caller(**acting | changes)


def own(text: str) -> Policies:
    return Policies({"house.cedar": text})


def mistake(folder: Path, text: str | bytes) -> str:
    file = folder / "house.cedar"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(Problem) as caught:
        house_policies(folder, capabilities())
    assert caught.value.hint
    return caught.value.message.removeprefix(f"{file}, ")


def test_what_every_house_has_holds_to_the_schema_and_says_why_with_codes_that_exist() -> None:
    assert engine.mistakes(OWN.text, OWN.schema) == []
    assert len({each.name for each in engine.told(OWN.text)}) == len(pieces(OWN.text)) == len(OWN.words)
    assert {each.code for each in OWN.words.values()} <= CODES.keys()
    assert all("@says" in each.text for each in pieces(OWN.text))


def test_callers_and_their_requests_hold_to_the_schema() -> None:
    for each in (caller(roles=frozenset({"editor"}), stories=frozenset({"x"}), factors=frozenset({"otp"})), agent()):
        text = principals.lasting_entities(principals.lasting(each), EVERY_ATTRIBUTE)
        engine.parse_entities(text, engine.parse_schema(schema_text()))
    for skill in ("clear-rights", "", 'a"b'):
        claim = TaskClaim(id="t", root="t", skill=skill, tools=frozenset({"rights.get_clearance"}), expires=NOW)
        text = principals.task_entity(claim, "person:sam", EVERY_ATTRIBUTE)
        engine.parse_entities(text, engine.parse_schema(schema_text()))


def test_tasks_of_one_skill_with_other_tools_may_what_their_own_tools_are() -> None:
    policies = own(
        '@id("no-clearing") forbid (principal is Agent, action, resource) when { principal has task && '
        'principal.task.plan.tools.contains(Capability::"rights.revoke_clearance") };'
    )

    def with_tools(number: int, *tools: str) -> Caller:
        claim = TaskClaim(
            id=f"t-{number}", root="t", skill="x", tools=frozenset(tools), expires=NOW + timedelta(hours=1)
        )
        sealed = policy_sha256(mint(claim, "agent:compliance", "person:sam"))
        return agent(task=claim.model_copy(update={"policy": sealed}))

    read, issue = READ.name, ISSUE.name
    asked = [with_tools(1, read), with_tools(2, issue), with_tools(3, read, issue), with_tools(4)]
    asked.append(with_tools(5, read, issue, "rights.revoke_clearance"))
    said = [[policies.decide(each, action, NOW).policy for action in (READ, ISSUE)] for each in asked]
    assert said == [
        ["task", "task-plan"],
        ["task-plan", "task"],
        ["task", "task"],
        ["task-plan", "task-plan"],
        ["no-clearing", "no-clearing"],
    ]


def test_of_what_policies_see_no_difference_they_are_asked_once_and_each_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    ask = engine.ask

    def counted(request: Any, policies: Any, entities: Any) -> Any:
        asked.append(request)
        return ask(request, policies, entities)

    monkeypatch.setattr(engine, "ask", counted)
    policies = own('@id("o") forbid (principal, action, resource) when { principal.level < 100 };')
    other = Action(name="rights.record_right", scope="rights:read")
    for task in ("t-1", "t-2", "t-3"):
        assert policies.decide(agent(task_id=task), READ, NOW).policy == "task"
        assert f"the task {task} of" in policies.decide(agent(task_id=task), other, NOW).reason
    assert len(asked) == 2
    over = policies.decide(agent(task_id="t-4"), READ, NOW + timedelta(hours=1))
    forged = agent(task_id="t-5").model_copy(update={"task": agent(task_id="t-6").task})
    forged = forged.model_copy(update={"person": "person:ann"})
    assert [over.policy, policies.decide(forged, READ, NOW).policy] == ["task-window", "task-policy"]
    changes: list[dict[str, Any]] = [{"level": 50}, {"scopes": frozenset()}, {"audience": "mcp:assets"}, {"chain": ()}]
    for change in changes:
        before = len(asked)
        policies.decide(agent(task_id="t-7", **change), READ, NOW)
        assert len(asked) == before + 1, change


@pytest.mark.parametrize(
    "looks",
    [
        'principal.task.id == "t-2"',
        'principal.task.root == "t-2"',
        f"principal.task.until > {int(NOW.timestamp()) + 3600}",
        f'principal in Task::"person:sam/t-2/t-2/{int(NOW.timestamp()) + 7200}"',
        f'principal.task in [Task::"person:sam/t-2/t-2/{int(NOW.timestamp()) + 7200}"]',
        f'principal.task.policy == "{policy_sha256(mint(TASK_2, "agent:compliance", "person:sam"))}"',
    ],
)
def test_a_policy_that_tells_one_task_from_another_is_asked_about_each(looks: str) -> None:
    policies = own(
        f'@id("one") forbid (principal is Agent, action, resource) when {{ principal has task && {looks} }};'
    )
    for _ in range(2):
        assert policies.decide(agent(), READ, NOW).policy == "task"
        assert policies.decide(agent(task_id="t-2", hours=2), READ, NOW).policy == "one"


def test_a_task_permits_its_own_tools_to_its_own_agent_until_its_window_is_over() -> None:
    acting = agent()
    assert OWN.decide(acting, ISSUE, NOW).policy == "task"
    other = OWN.decide(acting, Action(name="rights.record_right", scope="rights:read"), NOW)
    assert (other.code, other.policy) == ("PERMISSION_DENIED", "task-plan")
    over = OWN.decide(acting, ISSUE, NOW + timedelta(hours=1))
    assert (over.code, over.policy) == ("TASK_ENDED", "task-window")
    assert OWN.decide(acting, ISSUE, NOW + timedelta(minutes=59)).allowed


def test_a_task_of_another_skill_agent_or_person_permits_nothing() -> None:
    assert OWN.decide(agent(skill="watch-expiry"), ISSUE, NOW).policy == "task-plan"
    task = agent().task
    for thief in (agent("agent:scheduler", task=task), agent(person="person:ann")):
        assert OWN.decide(thief, READ, NOW).policy == "task-policy"


def test_without_a_task_an_agent_may_nothing_and_with_a_task_nothing_that_its_scopes_lack() -> None:
    assert OWN.decide(agent(task=None), READ, NOW).policy == "task-needed"
    assert OWN.decide(agent(scopes=frozenset()), READ, NOW).policy == "scope-held"


def test_the_minted_policy_is_the_same_each_time_and_valid_and_quotes_what_it_names() -> None:
    claim = TaskClaim(id='t"1', root="t\\2", skill="x", tools=frozenset({'a.b"]; permit'}), expires=NOW)
    text = mint(claim, "agent:compliance", "person:sam")
    assert text == mint(claim.model_copy(), "agent:compliance", "person:sam")
    assert len(pieces(text)) == 1
    assert engine.mistakes(text, OWN.schema) == []
    with pytest.raises(ValueError, match="printable"):
        mint(claim.model_copy(update={"id": "t\n1"}), "agent:compliance", "person:sam")
    assert engine.mistakes(mint(claim.model_copy(update={"tools": frozenset[str]()}), "agent:x", "p"), OWN.schema) == []


def test_the_policy_of_a_task_that_does_not_hold_to_the_schema_permits_nothing() -> None:
    house = Policies()
    house.schema = engine.parse_schema(schema_text().replace("until: Long", "until: String"))
    assert house.decide(agent(), READ, NOW).policy == "policy-error"
    assert house.decide(caller(), READ, NOW).allowed


def test_a_forbid_that_errs_denies_though_cedar_alone_would_pass_it_over() -> None:
    erring = own('@id("sum") forbid (principal, action, resource) when { 9223372036854775807 + principal.level > 0 };')
    decision = erring.decide(caller(), READ, NOW)
    assert (decision.allowed, decision.code, decision.policy) == (False, "PERMISSION_DENIED", "policy-error")


def test_an_address_that_is_none_denies() -> None:
    where = own(
        '@id("here") forbid (principal, action, resource) when { context has network && context.network.isIpv6() };'
    )
    assert where.asks_where
    assert where.decide(caller(), READ.model_copy(update={"network": "192.0.2.1"}), NOW).allowed
    assert where.decide(caller(), READ.model_copy(update={"network": "nowhere"}), NOW).policy == "policy-error"


def test_the_houses_own_policy_speaks_in_its_own_words_and_what_every_house_has_speaks_first() -> None:
    closed = own(
        '@id("closed") @code("NOT_FOUND") @says("{person} came too late.") forbid (principal, action, resource);'
    )
    decision = closed.decide(caller(), READ, NOW)
    assert (decision.code, decision.reason, decision.policy) == ("NOT_FOUND", "person:sam came too late.", "closed")
    assert closed.decide(caller(scopes=frozenset()), READ, NOW).policy == "scope-held"


def test_a_house_cannot_permit_what_scopes_tasks_and_stories_leave_out() -> None:
    generous = own('@id("all") permit (principal, action, resource);')
    assert not generous.decide(caller(scopes=frozenset()), READ, NOW).allowed
    assert not generous.decide(agent(task=None), READ, NOW).allowed
    assert not generous.decide(agent(), Action(name="rights.x", scope="rights:read"), NOW).allowed
    assert not generous.knows(caller(), "court-ruling", NOW).allowed
    assert not generous.reaches(agent(), 3, NOW).allowed
    approve = Action(name="approval.decide", scope="approval:decide", kind="write", asked_by="person:ann")
    assert not generous.decide(agent(), approve, NOW).allowed


def test_a_policy_that_speaks_of_the_time_is_asked_each_time() -> None:
    nights = own('@id("n") forbid (principal, action, resource) when { context.now.toTime() >= duration("22h") };')
    person = caller()
    assert nights.decide(person, READ, NOW).allowed
    assert not nights.decide(person, READ, NOW.replace(hour=22)).allowed
    assert nights.decide(person, READ, NOW).allowed


def test_who_knows_a_story_and_which_agent_reaches_a_tier() -> None:
    enforcement = Enforcement(clock=lambda: NOW)
    reporter = agent(stories=frozenset({"court-ruling"}))
    assert enforcement.knows(reporter, None)
    assert enforcement.knows(reporter, "court-ruling")
    assert not enforcement.knows(reporter, "other")
    for level, reach in ((100, 1), (200, 2), (300, 3)):
        levelled = reporter.model_copy(update={"level": level})
        assert [enforcement.reaches(levelled, tier).allowed for tier in (1, 2, 3)] == [
            tier <= reach for tier in (1, 2, 3)
        ]
    assert enforcement.reaches(caller(), 3).allowed


def test_a_thing_of_a_story_that_one_may_not_know_is_not_found_and_its_tier_forbids_writing_only() -> None:
    assert OWN.decide(caller(), READ.model_copy(update={"story": "court-ruling"}), NOW).code == "NOT_FOUND"
    assert OWN.decide(agent(), READ.model_copy(update={"tier": 3}), NOW).allowed
    assert OWN.decide(agent(), ISSUE.model_copy(update={"tier": 3}), NOW).policy == "tier-reached"


def test_what_takes_a_second_factor_is_denied_without_one() -> None:
    approve = Action(
        name="approval.decide", scope="approval:decide", kind="write", asked_by="person:ann", factor_needed=True
    )
    assert OWN.decide(caller(), approve, NOW).code == "SECOND_FACTOR_NEEDED"
    assert OWN.decide(caller(factors=frozenset({"otp"})), approve, NOW).allowed


def test_what_cannot_be_judged_is_denied() -> None:
    class Broken(Policies):
        def decide(self, caller: Caller | None, action: Action, now: datetime) -> Any:
            raise RuntimeError("gone")

    assert Enforcement(policies=Broken()).judge(caller(), READ, {}).code == "PERMISSION_DENIED"


def test_a_home_without_policies_has_what_every_house_has(tmp_path: Path) -> None:
    assert house_policies(tmp_path / "none") is OWN
    assert house_policies(tmp_path) is OWN


def test_a_folder_of_policies_that_cannot_be_read_stops_the_house_instead_of_counting_for_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for name in ("file", "link"):
        with pytest.raises(Problem, match=f"{name} cannot be read"):
            house_policies(tmp_path / name)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "house.cedar").write_bytes(b'\xef\xbb\xbf@id("a") forbid (principal, action, resource);')
    assert house_policies(tmp_path).decide(caller(), READ, NOW).policy == "a"


def test_a_mistake_in_a_policy_is_told_with_its_file_line_and_cure(tmp_path: Path) -> None:
    told = mistake(tmp_path, '// one\n@id("x")\npermit (\n  principal,\n  action resource\n);')
    assert told == "line 5: unexpected token `resource`."
    assert mistake(tmp_path, "\n\npermit (principal, action, resource);") == "line 3: the policy has no name."
    told = mistake(tmp_path, '@id("a")\nforbid (principal, action, resource)\nwhen { principal.thrust > 1 };')
    assert told.startswith("line 1: the policy a does not hold to the schema: ")
    assert "`thrust`" in told
    told = mistake(tmp_path, '@id("a") forbid (principal, action, resource) when { context.network.isLoopback() };')
    assert "optional attribute `network`" in told
    told = mistake(tmp_path, '@id("a")\nforbid (principal,\naction, resource == Capability::"rights.isue_clearance");')
    assert told == "line 3: rights offers no rights.isue_clearance."
    told = mistake(tmp_path, '@id("a") forbid (principal in Role::"edtor", action, resource);')
    assert told == "line 1: there is no role edtor."


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('@id("scope-held") permit (principal, action, resource);', "scope-held is the name of a policy of what every"),
        ('@id("task") permit (principal, action, resource);', "task is the name of a policy of each task's own"),
        ('@id("a") permit (principal == ?principal, action, resource);', "a template decides nothing"),
        ('@id("a") forbid (principal in Task::"t-1", action, resource);', "a task is named by its own policy only"),
        ('@id("a") @code("FINE") forbid (principal, action, resource);', "FINE is no code"),
        ('@id("a") permit (principal, action, resource)', "unexpected end of input"),
        (b'@id("\xff") permit (principal, action, resource);', "it cannot be read"),
    ],
)
def test_a_policy_that_could_not_count_as_it_says_stops_the_house(tmp_path: Path, text: str | bytes, what: str) -> None:
    assert mistake(tmp_path, text).startswith(f"line 1: {what}")


def test_two_files_cannot_use_one_name(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text('@id("x") forbid (principal, action, resource);', encoding="utf-8")
    (tmp_path / "b.cedar").write_text('@id("x") forbid (principal, action, resource);', encoding="utf-8")
    with pytest.raises(Problem, match=r"b\.cedar, line 1: x is the name of a policy of a\.cedar"):
        house_policies(tmp_path)


def test_policies_are_told_apart_whatever_stands_in_their_texts_and_comments() -> None:
    text = (
        '// a; b\n@id("x;y") permit (principal, action, resource) when { context.scope == "\\";//" }; // ok;\n'
        '\n@id("z")\nforbid (principal, action, resource);\n'
    )
    assert [each.line for each in pieces(text)] == [2, 4]


def test_a_policy_that_cedar_could_not_take_apart_stops_the_house_instead_of_denying_everything(tmp_path: Path) -> None:
    for many in (80, 2000):
        chain = " || ".join(f'context.scope == "x{number}"' for number in range(many))
        told = mistake(tmp_path, f'\n@id("a")\nforbid (principal, action, resource)\nwhen {{\n  {chain}\n}};')
        assert "nested too deeply" in told
    chain = " || ".join(f'context.scope == "x{number}"' for number in range(40))
    (tmp_path / "house.cedar").write_text(f'@id("a") forbid (principal, action, resource) when {{ {chain} }};')
    assert house_policies(tmp_path).decide(caller(), READ, NOW).allowed


def test_a_name_is_sought_in_what_a_policy_says_and_not_in_what_it_is_annotated_with(tmp_path: Path) -> None:
    told = mistake(tmp_path, '@id("a") forbid (principal in Task // mine\n ::"acting", action, resource);')
    assert told == "line 1: a task is named by its own policy only."
    told = mistake(tmp_path, '@id("a") forbid (principal in Role // r\n::"\\u{65}dtor", action, resource);')
    assert told == "line 1: there is no role edtor."
    (tmp_path / "house.cedar").write_text(
        '@type("Task") @id("a") @Record // was Role::"edtor"\n'
        'forbid (principal in Role::"v\\u{69}ewer", action, resource);'
    )
    house = house_policies(tmp_path, capabilities())
    assert not house.asks_where
    assert house.decide(caller(), READ, NOW).allowed
    assert house.decide(caller(roles=frozenset({"viewer"})), READ, NOW).policy == "a"


def test_what_could_not_be_evaluated_is_logged_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    erring = own(
        '@id("fine") forbid (principal, action == Action::"know", resource);'
        '@id("sum") forbid (principal, action, resource) when { 9223372036854775807 + principal.level > 0 };'
    )
    assert erring.decide(caller(), READ, NOW).policy == "policy-error"
    assert "`sum (" in caplog.text


@pytest.mark.parametrize(
    ("asks", "holds"),
    [
        ('context has asked_by && context.asked_by in Role::"approver"', False),
        ('context has asked_by && context["asked_by"] is Person in Role::"approver"', False),
        ("context has asked_by.level && context.asked_by.level > 1", False),
        ('Person::"person:ann" in [Role::"editor", Role::"approver"]', False),
        ('Agent::"agent:compliance" has task', False),
        ('context has asked_by && context.asked_by in [Person::"person:ann", Person::"person:sam"]', True),
        ("context has asked_by && context.asked_by == principal", True),
        ('principal in Role::"approver" && context.person in Role::"editor" && context.person.level > 1', True),
        ('{"in": {left: Person::"person:ann"}} == {"in": {left: Person::"person:sam"}}', True),
    ],
)
def test_what_no_door_knows_of_other_people_is_not_asked_for(tmp_path: Path, asks: str, holds: bool) -> None:
    text = f'@id("a") forbid (principal, action, resource) when {{ {asks} }};'
    if not holds:
        assert "asks of somebody else what nobody knows here" in mistake(tmp_path, text)
        return
    (tmp_path / "house.cedar").write_text(text, encoding="utf-8")
    assert house_policies(tmp_path).words["a"]
