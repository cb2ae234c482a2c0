"""An agent that is suspended in the middle of its work: what it had running ends, what it made is held back."""

import asyncio
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_trust.guardian import Guardian

pytestmark = pytest.mark.asyncio(loop_scope="session")
BRIEF = "2 s highlight of the butterfly scene for YouTube in GB for the next month; credit the film."


@pytest.mark.processes
async def test_a_suspended_agents_work_is_cancelled_held_back_and_released_by_a_person(house: Any) -> None:
    enforcement = house.foundation.enforcement
    standing, guard = enforcement.standing, enforcement.guard
    assert isinstance(guard, Guardian)
    job = await house.job().send(BRIEF)
    assert job.state == "INPUT_REQUIRED"
    question = job.question
    incident = guard.stop("agent:editing-assistant", by="person:alex", why="a drill")
    try:
        assert question.media in incident.made
        assert question.media in standing.quarantine
        await asyncio.wait_for(job.followed(), 100)
        assert job.state == "CANCELED"
        with pytest.raises(Problem) as caught:
            await house.alex.person.ask(
                "POST", f"/approvals/{question.approval}", "", json={"decision": "approved", "comment": ""}
            )
        assert caught.value.code == "QUARANTINED"
        slot = {"channel": question.slots[0].channel, "title": "x", "media": question.media}
        availability = question.slots[0].model_dump(mode="json")["availability"]
        with pytest.raises(Problem) as caught:
            await house.sam.tool("schedule.hold_slot", **slot, availability=availability)
        assert caught.value.code == "QUARANTINED"
        again = await house.job().send(BRIEF)
        assert again.state in ("FAILED", "REJECTED")
        assert again.problem.code == "AGENT_SUSPENDED"
    finally:
        standing.restore("agent:editing-assistant", by="person:alex")
        guard.forget("agent:editing-assistant")
        standing.release(incident.made, by="person:alex")
    assert standing.quarantine == frozenset()
    once_more = await house.job().send(BRIEF)
    assert once_more.state == "INPUT_REQUIRED"
    await house.sam.peers.cancel(once_more.peer, once_more.task.id)


@pytest.mark.processes
async def test_an_agent_suspended_while_a_cut_is_rendered_leaves_no_render_at_work(
    house: Any, standing_still: Any
) -> None:
    enforcement = house.foundation.enforcement
    standing_still("joining")
    job = house.job()
    heard = asyncio.create_task(job.until("joining").wait())
    sent = asyncio.create_task(job.send(BRIEF.replace("2 s", "3 s")))
    await asyncio.wait([sent, heard], return_when=asyncio.FIRST_COMPLETED)
    assert heard.done(), job.progress
    incident = enforcement.guard.stop("agent:editing-assistant", by="person:alex", why="a drill")
    try:
        await asyncio.wait_for(sent, 100)
        assert job.state in ("CANCELED", "FAILED")
        async with asyncio.timeout(100):
            job_id = next(each for each in incident.made if each.startswith("job_"))
            while (await house.renders())[-1] != "cancelled":
                await house.sam.tool("editing.get_job", job_id=job_id, wait_seconds=1)
    finally:
        enforcement.standing.restore("agent:editing-assistant", by="person:alex")
        enforcement.guard.forget("agent:editing-assistant")
        held = enforcement.standing.quarantine
        assert set(incident.made) <= held
        enforcement.standing.release(held, by="person:alex")
