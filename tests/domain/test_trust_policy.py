from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_base.problem import CODES, Problem
from holdback_trust import policy
from holdback_trust.grants import COMMIT_PUBLICATION
from holdback_trust.identity import AGENTS, AUDIENCES, Caller
from holdback_trust.policy import (
    AGENT_ALLOWED,
    AUDIENCE_SCOPES,
    ROLE_SCOPES,
    Action,
    Decision,
    agent_scopes,
    local_caller,
    person_scopes,
    role_scopes,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY_SCOPE = frozenset[str]().union(*AUDIENCE_SCOPES.values())


def decide(caller: Caller | None, action: Action) -> Decision:
    return policy.decide(caller, action, NOW)


def caller(*scopes: str, **changes: Any) -> Caller:
    shape: dict[str, Any] = {
        "person": "person:sam",
        "scopes": frozenset(scopes),
        "audience": "mcp:rights",
        "token_id": "tok-1",
        "expires": datetime(2026, 11, 22, tzinfo=UTC),
    }
    return Caller(**{**shape, **changes})


def test_nobody_may_do_anything() -> None:
    decision = decide(None, Action(name="rights.list_rights", scope="rights:read"))
    assert (decision.allowed, decision.code) == (False, "UNAUTHENTICATED")


def test_who_holds_the_scope_may_and_who_does_not_may_not() -> None:
    action = Action(name="rights.issue_clearance", scope="rights:clear", kind="write")
    assert decide(caller("rights:clear"), action).allowed
    denied = decide(caller("rights:read"), action)
    assert (denied.allowed, denied.code, denied.policy) == (False, "PERMISSION_DENIED", "scope-held")
    assert denied.reason == "rights.issue_clearance needs the scope rights:clear, which person:sam does not hold."


def test_an_action_that_names_no_scope_is_denied_to_everybody() -> None:
    assert not decide(caller("", "rights:read"), Action(name="x", scope="")).allowed


def test_a_person_decides_what_somebody_else_asked() -> None:
    approve = Action(name="approvals.decide", scope="approval:decide", kind="write", asked_by="person:ann")
    assert decide(caller("approval:decide"), approve).allowed


def test_who_asked_may_not_decide_and_an_unknown_asker_is_nobody_else() -> None:
    for asked_by in ("person:sam", None):
        approve = Action(name="approvals.decide", scope="approval:decide", kind="write", asked_by=asked_by)
        decision = decide(caller("approval:decide"), approve)
        assert (decision.allowed, decision.code) == (False, "SEPARATION_OF_DUTIES")


def test_no_agent_decides_or_even_lists_approvals_whatever_its_token_says() -> None:
    agent = caller("approval:decide", agent="agent:scheduler", chain=("agent:scheduler",))
    for kind in ("read", "write"):
        approve = Action.model_validate(
            {"name": "approvals.decide", "scope": "approval:decide", "kind": kind, "asked_by": "person:ann"}
        )
        decision = decide(agent, approve)
        assert (decision.allowed, decision.code) == (False, "PERMISSION_DENIED")
        assert decision.reason == "Only a person decides; agent:scheduler is an agent."


def test_the_local_person_reads_everything_and_writes_only_when_the_server_was_started_so() -> None:
    read = Action(name="schedule.propose_slots", scope="schedule:plan")
    write = Action(name="schedule.hold_slot", scope="schedule:plan", kind="write")
    reader, writer = (local_caller("person:local", allowed, "mcp:schedule") for allowed in (False, True))
    assert decide(reader, read).allowed
    assert decide(writer, read).allowed
    assert decide(writer, write).allowed
    refused = decide(reader, write)
    assert (refused.allowed, refused.code) == (False, "WRITE_NOT_ALLOWED")
    with pytest.raises(Problem, match="for reading only") as caught:
        refused.require()
    assert "--allow-write" in caught.value.hint


def test_the_local_person_of_one_server_has_nothing_to_do_at_another() -> None:
    local = local_caller("person:local", True, "mcp:assets")
    assert not decide(local, Action(name="rights.list_rights", scope="rights:read")).allowed


def test_destroying_is_writing() -> None:
    destroy = Action(name="schedule.cancel_publication", scope="schedule:commit", kind="destroy")
    assert decide(local_caller("person:local", False, "mcp:schedule"), destroy).code == "WRITE_NOT_ALLOWED"


def test_a_decision_that_allows_requires_nothing_and_every_code_is_in_the_table() -> None:
    decide(caller("rights:read"), Action(name="x", scope="rights:read")).require()
    for code in ("UNAUTHENTICATED", "PERMISSION_DENIED", "WRITE_NOT_ALLOWED", "SEPARATION_OF_DUTIES"):
        assert code in CODES


def test_the_tables_name_only_parties_and_scopes_that_exist() -> None:
    assert set(AUDIENCE_SCOPES) == AUDIENCES
    assert role_scopes(ROLE_SCOPES) == EVERY_SCOPE
    assert set(AGENT_ALLOWED) == set(AGENTS)
    for audiences in AGENT_ALLOWED.values():
        assert set(audiences) <= AUDIENCES
        assert frozenset[str]().union(*audiences.values()) <= EVERY_SCOPE


def test_at_a_server_or_the_gateway_an_agent_is_given_only_what_means_something_there() -> None:
    for agent, audiences in AGENT_ALLOWED.items():
        for audience, scopes in audiences.items():
            assert scopes & AUDIENCE_SCOPES[audience], (agent, audience)
            if audience not in AGENTS:
                assert scopes <= AUDIENCE_SCOPES[audience], (agent, audience)


def test_no_agent_is_ever_given_deciding_approvals_recording_rights_or_declaring_what_media_is_made_of() -> None:
    for agent in AGENTS:
        for audience in AUDIENCES:
            assert not agent_scopes(agent, audience) & {"approval:decide", "rights:write", "assets:declare"}


def test_only_the_scheduler_commits_and_only_compliance_clears() -> None:
    for agent in AGENTS:
        assert ("schedule:commit" in agent_scopes(agent, "mcp:schedule")) is (agent == "agent:scheduler")
        assert ("rights:clear" in agent_scopes(agent, "mcp:rights")) is (agent == "agent:compliance")


def test_what_is_passed_down_to_an_agent_is_enough_for_what_that_agent_may_do() -> None:
    """Else a delegated agent would be refused half-way."""
    for audiences in AGENT_ALLOWED.values():
        for down in set(audiences) & set(AGENTS):
            for further, scopes in AGENT_ALLOWED[down].items():
                assert scopes & audiences[down], (down, further)


def test_an_editor_may_start_every_skill_and_delegate_what_the_agents_need_but_never_approve() -> None:
    for agent in AGENTS:
        held = person_scopes(["editor"], agent)
        assert AUDIENCE_SCOPES[agent] <= held
        for scopes in AGENT_ALLOWED[agent].values():
            assert scopes <= held
    assert "approval:decide" not in role_scopes(["editor"])


def test_an_approver_approves_and_reads_but_starts_no_agent() -> None:
    assert person_scopes(["approver"], "gateway") == {"approval:decide", "registry:read"}
    assert person_scopes(["approver"], "mcp:rights") == {"rights:read"}
    for agent in AGENTS:
        assert person_scopes(["approver"], agent) == frozenset()


def test_a_token_for_an_agent_never_carries_the_deciding_of_approvals() -> None:
    held = person_scopes(["editor", "approver"], "agent:scheduler")
    assert COMMIT_PUBLICATION in held
    assert "approval:decide" not in held


def test_only_a_librarian_and_the_loader_declare_what_media_is_made_of_and_neither_can_delegate_it() -> None:
    declaring = {role for role in ROLE_SCOPES if "assets:declare" in person_scopes([role], "mcp:assets")}
    assert declaring == {"librarian", "admin-loader"}
    for agent in AGENTS:
        assert "assets:declare" not in person_scopes(["editor", "librarian", "admin-loader"], agent)


def test_an_unknown_role_agent_or_audience_gives_nothing() -> None:
    assert role_scopes(["emperor"]) == frozenset()
    assert person_scopes(["editor"], "mcp:payroll") == frozenset()
    assert agent_scopes("agent:stranger", "mcp:rights") == frozenset()
    assert agent_scopes("agent:scheduler", "mcp:assets") == frozenset()


def test_compliance_reads_the_schedule_and_a_rights_manager_starts_what_only_reads_it() -> None:
    assert agent_scopes("agent:compliance", "mcp:schedule") == {"schedule:read"}
    manager = person_scopes(["rights-manager"], "agent:scheduler")
    assert {each for each in manager if each.startswith("agent:scheduler:")} == {"agent:scheduler:explain"}
    assert "schedule:plan" not in manager


def test_a_planner_starts_every_skill_of_scheduler_and_compliance_but_cannot_have_a_clearance_issued() -> None:
    for agent in ("agent:scheduler", "agent:compliance"):
        held = person_scopes(["planner"], agent)
        assert AUDIENCE_SCOPES[agent] <= held
        assert "rights:clear" not in held
