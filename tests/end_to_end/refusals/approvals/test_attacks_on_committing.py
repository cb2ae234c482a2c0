"""Attacks at the schedule with approvals that are none: each is refused, says how, and changes nothing.

The attacker has what was genuine once: a yes to something else, to something that was changed since, or taken back.
"""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from a2a.types.a2a_pb2 import TaskState
from holdback_agents.contracts import CommitRequest
from holdback_agents.runtime.parts import data_part, message, problem_of
from holdback_agents.runtime.peers import Listener
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust.statements import APPROVAL, sign

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGENT, STORY, ALEX = "editing-assistant", "court-ruling", "person:alex"


# At the schedule: what is done with a yes


async def test_a_slot_is_committed_with_a_clearance_alone(house: Any, open_one: Any, unmoved: Any) -> None:
    async with unmoved():
        problem = await house.refused(house.commit(open_one.held, open_one.issued["statement"]))
    assert problem.code == "APPROVAL_REQUIRED"


async def test_one_approval_is_used_for_a_second_slot(house: Any, given: Any, second: Any, unmoved: Any) -> None:
    async with unmoved():
        problem = await house.refused(house.commit(second, given.issued["statement"], given.statement))
    assert (problem.code, "other slots" in problem.message) == ("APPROVAL_REQUIRED", True)


async def test_the_approval_of_one_cut_publishes_another_that_is_cleared_too(
    house: Any, given: Any, another: Any, unmoved: Any
) -> None:
    async with unmoved():
        problem = await house.refused(house.commit(another.held, another.issued["statement"], given.statement))
    assert problem.code == "APPROVAL_HASH_MISMATCH"


async def test_the_clearance_of_one_cut_publishes_another(house: Any, given: Any, another: Any, unmoved: Any) -> None:
    async with unmoved():
        problem = await house.refused(house.commit(given.held, another.issued["statement"], given.statement))
    assert problem.code == "CLEARANCE_HASH_MISMATCH"


async def test_an_approval_under_one_clearance_is_used_with_another_of_the_same_cut(
    house: Any, given: Any, unmoved: Any
) -> None:
    newer = await house.cleared(given.cut)
    async with unmoved():
        problem = await house.refused(house.commit(given.held, newer["statement"], given.statement))
    assert (problem.code, given.issued["clearance"] in problem.message) == ("APPROVAL_REQUIRED", True)


async def test_a_slot_is_made_longer_after_it_was_approved(house: Any, unmoved: Any) -> None:
    story = await house.approved()
    start = story.held["publication"]["start"]
    longer = [{"territories": ["GB"], "start": start, "end": instant_text(house.until + timedelta(days=1))}]
    moved = {"publication": story.held["id"], "availability": longer, "reason": "a day more"}
    await house.sam.tool("schedule.move_publication", **moved)
    async with unmoved():
        problem = await house.refused(house.commit(story.held, story.issued["statement"], story.statement))
    assert (problem.code, "longer in GB" in problem.message) == ("APPROVAL_REQUIRED", True)


async def test_a_slot_is_committed_under_a_revoked_clearance(house: Any, unmoved: Any) -> None:
    story = await house.approved()
    await house.sam.tool("rights.revoke_clearance", clearance=story.issued["clearance"], reason="withdrawn")
    async with unmoved():
        problem = await house.refused(house.commit(story.held, story.issued["statement"], story.statement))
    assert problem.code == "CLEARANCE_REVOKED"


async def test_a_slot_is_committed_under_an_approval_that_was_taken_back(house: Any, unmoved: Any) -> None:
    story = await house.approved()
    await house.revoke(house.alex, story.identity, "wrong logo")
    async with unmoved():
        problem = await house.refused(house.commit(story.held, story.issued["statement"], story.statement))
    assert (problem.code, story.identity in problem.message) == ("APPROVAL_REVOKED", True)


async def test_a_signed_no_is_passed_off_as_a_yes(house: Any, unmoved: Any) -> None:
    story = await house.waiting()
    no = await house.decide(house.alex, story.identity, "rejected")
    async with unmoved():
        problem = await house.refused(house.commit(story.held, story.issued["statement"], no))
    assert (problem.code, "'rejected'" in problem.message) == ("APPROVAL_REQUIRED", True)


@pytest.mark.parametrize("how", ["altered", "alg none", "signed by an agent", "signed by rights", "a token instead"])
async def test_an_approval_is_forged(house: Any, given: Any, second: Any, unmoved: Any, how: str) -> None:
    claims = jwt.decode(given.statement, options={"verify_signature": False})
    claims["slots"][0]["hold"] = second["id"]
    head, _, tail = given.statement.split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"approval+jwt"}').decode().rstrip("=")
    forged = {
        "altered": f"{head}.{body}.{tail}",
        "alg none": f"{none}.{body}.",
        "signed by an agent": sign(house.foundation.keys(f"agent:{AGENT}"), APPROVAL, claims),
        "signed by rights": sign(house.foundation.keys("mcp:rights"), APPROVAL, claims | {"iss": "mcp:rights"}),
        "a token instead": await house.alex.person.token("gateway", "approval:decide"),
    }
    async with unmoved():
        problem = await house.refused(house.commit(second, given.issued["statement"], forged[how]))
    assert problem.code == "STATEMENT_INVALID"


async def test_an_approval_that_nobody_gave_is_signed_with_the_gateways_stolen_key(
    house: Any, given: Any, unmoved: Any
) -> None:
    claims = jwt.decode(given.statement, options={"verify_signature": False})
    claims["jti"] = house.foundation.new_id("apr")
    stolen = sign(house.foundation.keys("gateway"), APPROVAL, claims)
    async with unmoved():
        problem = await house.refused(house.commit(given.held, given.issued["statement"], stolen))
    assert (problem.code, claims["jti"] in problem.message) == ("UNAVAILABLE", True)


async def test_an_approval_is_used_a_second_time_for_the_slot_that_it_was_for(house: Any, unmoved: Any) -> None:
    story = await house.approved()
    await house.commit(story.held, story.issued["statement"], story.statement)
    async with unmoved():
        problem = await house.refused(house.commit(story.held, story.issued["statement"], story.statement))
    assert problem.code == "ALREADY_COMMITTED"


async def test_an_approval_is_kept_until_it_has_lapsed(house: Any, unmoved: Any) -> None:
    story = await house.approved()
    try:
        house.ahead[0] = timedelta(hours=1)
        await house.sam.tool("schedule.extend_hold", hold=story.held["id"], minutes=24 * 60)
        house.ahead[0] = timedelta(hours=24)
        async with unmoved():
            problem = await house.refused(house.commit(story.held, story.issued["statement"], story.statement))
    finally:
        house.ahead[0] = timedelta()
    assert (problem.code, "approval+jwt" in problem.message) == ("STATEMENT_EXPIRED", True)


@pytest.mark.parametrize(("how", "code"), [("taken back", "APPROVAL_REVOKED"), ("made up", "STATEMENT_INVALID")])
async def test_an_agent_is_talked_into_committing_with_a_yes_that_is_none(house: Any, how: str, code: str) -> None:
    story = await house.approved()
    if how == "taken back":
        await house.revoke(house.alex, story.identity, "wrong logo")
    yes = {"taken back": story.statement, "made up": story.issued["statement"]}[how]
    request = CommitRequest(
        holds=(story.held["id"],), clearance_statement=story.issued["statement"], approval_statement=yes
    )
    words = message([data_part(request)], message_id=house.foundation.new_id("evt"), skill="commit-publication")
    task = await house.sam.peers.converse(house.sam.peer("scheduler"), words, Listener(_ignored, _ignored))
    told = await house.sam.tool("schedule.get_schedule", publications=[story.held["id"]])
    problem = problem_of(task, Problem("INTERNAL", "no problem"))
    assert (TaskState.Name(task.status.state), problem.code) == ("TASK_STATE_FAILED", code)
    assert told["items"][0]["state"] == "held"


async def _ignored(_told: Any) -> None:
    return None
