"""The main job when it does not go through: asked back, rejected, cancelled."""

import asyncio
from typing import Any

import pytest
from holdback.desk import Desk
from holdback.story import decide

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_uk_is_asked_back_and_cancelled_while_it_waits(house: Any) -> None:
    job = await house.job().send("3 s highlight of the butterfly scene for YouTube in UK for the next month")
    assert job.state == "INPUT_REQUIRED"
    assert "GB" in job.asked.text
    assert "territories" in job.asked.missing
    await house.sam.peers.cancel(job.peer, job.task.id)
    await job.followed()
    assert job.state == "CANCELED"


async def test_a_brief_without_a_subject_is_asked_back_and_what_is_rejected_is_not_published(house: Any) -> None:
    before = await _committed(house.sam)
    job = await house.job().send("2 s highlight for YouTube in GB for the next month; credit the film.")
    assert (job.state, job.asked.missing) == ("INPUT_REQUIRED", ("subject",))
    await job.send("a highlight of the butterfly scene")
    assert job.state == "INPUT_REQUIRED"
    assert job.question.title == "Butterfly scene"
    await decide(house.alex, job.question, "rejected", "the music is too sad")
    await job.followed()
    assert (job.state, job.problem.code) == ("FAILED", "APPROVAL_REQUIRED")
    assert "the music is too sad" in job.problem.message
    assert await _committed(house.sam) == before
    held = await house.sam.tool("schedule.get_schedule", states=["held"])
    assert held["items"] == []


@pytest.mark.processes
async def test_cancelling_while_a_cut_is_rendered_leaves_no_render_at_work(house: Any, standing_still: Any) -> None:
    job = house.job()
    standing_still("joining")
    await _cancelled(job, "2 s highlight of the butterfly scene for YouTube in GB for the next month", "joining")
    assert job.state == "CANCELED"
    assert (await house.renders())[-1] == "cancelled"


@pytest.mark.processes
async def test_cancelling_the_top_task_leaves_no_delegated_task_at_work(house: Any) -> None:
    before = {task["id"] for task in await house.tasks("compliance")}
    job = house.job()
    await _cancelled(job, "2 s highlight of the butterfly scene for YouTube in GB for the next month", " on social.")
    assert job.state == "CANCELED"
    below = [task for task in await house.tasks("compliance") if task["id"] not in before]
    assert len(below) == 1
    assert below[0]["status"]["state"] in ("TASK_STATE_CANCELED", "TASK_STATE_COMPLETED")
    assert (await house.renders())[-1] in ("succeeded", "cancelled")


@pytest.mark.processes
async def test_cancelling_while_a_cut_is_proven_stops_the_proving(house: Any, standing_still: Any) -> None:
    job = house.job()
    standing_still("looking")
    brief = "3 s highlight of the butterfly scene for YouTube in GB for the next month; credit the film"
    await _cancelled(job, brief, "looking")
    assert job.state == "CANCELED"
    assert (await house.renders())[-1] == "cancelled"


async def _cancelled(job: Any, brief: str, words: str) -> None:
    """Send the brief, and cancel its task as soon as progress holds these words."""
    heard = asyncio.create_task(job.until(words).wait())
    sent = asyncio.create_task(job.send(brief))
    await asyncio.wait([sent, heard], return_when=asyncio.FIRST_COMPLETED)
    assert heard.done(), job.progress
    await job.desk.peers.cancel(job.peer, job.task.id)
    await sent


async def _committed(desk: Desk) -> set[str]:
    page = await desk.tool("schedule.get_schedule")
    return {each["id"] for each in page["items"] if each["state"] == "scheduled"}
