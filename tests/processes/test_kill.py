"""Killed without warning in the middle of work, and started again: the stores open, and nothing is half-done."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import A2ACardResolver
from a2a.types.a2a_pb2 import SubscribeToTaskRequest, TaskState
from holdback.demo import PACK
from holdback.loading import load
from holdback.pack import load_pack
from holdback.story import decide
from holdback_agents.contracts import ApprovalQuestion, Highlight
from holdback_agents.runtime.parts import find_part, message, result_of, text_part
from holdback_agents.runtime.peers import Listener
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore
from holdback_trust.audit_check import verify

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
BRIEF = "15 s highlight of the butterfly scene for YouTube in GB for the next month; credit the film."


@pytest.mark.asyncio
async def test_a_job_of_a_killed_process_is_adopted_and_leaves_one_whole_asset(
    bring_up: Callable[..., Any], tmp_path: Path
) -> None:
    house = bring_up(tmp_path)
    film = {"path": str(PACK.resolve() / "butterfly-master.mp4"), "title": "The film", "kind": "master"}
    async with house.desk("person:loader") as loader:
        job = await loader.tool("assets.ingest_media", **film)
        while job["state"] == "queued" or not job.get("done"):
            job = await loader.tool("assets.get_job", job_id=job["id"], wait_seconds=10, after_seq=job["seq"])
        assert job["state"] == "running", job
        house.stop(signal.SIGKILL)
    again = bring_up(tmp_path)
    async with again.desk("person:loader") as loader:
        adopted = await loader.tool("assets.get_job", job_id=job["id"])
        result = await loader.job("assets", adopted)
        found = await loader.tool("assets.search_assets", kinds=["master"])
    assert [each["asset_id"] for each in found["items"]] == [result["asset_id"]]
    assert result["shots"] == 14
    assert again.stop() == 0
    store = MediaStore(tmp_path / "media")
    assert store.has(result["media"])
    assert not [each for each in store.root.rglob("*") if each.is_file() and len(each.name) != 64]
    assert verify(tmp_path / "audit").ok


@pytest.mark.asyncio
async def test_a_task_of_a_killed_house_goes_on_after_the_start_and_repeats_nothing(
    bring_up: Callable[..., Any], tmp_path: Path
) -> None:
    house = bring_up(tmp_path)
    begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    rendering = asyncio.Event()

    async def known(task: str) -> None:
        begun.set_result(task)

    async def told(progress: Any) -> None:
        if progress.unit == "frames" and progress.done:
            rendering.set()

    async with house.desk("person:loader") as loader:
        await load(load_pack(PACK, system_clock().date()), loader, lambda _: None)
    async with house.desk("person:sam") as sam:
        words = message([text_part(BRIEF)], message_id="kill1", skill="make-highlight")
        sent = asyncio.create_task(sam.peers.converse(sam.peer("editing-assistant"), words, Listener(known, told)))
        await asyncio.wait([sent, asyncio.create_task(rendering.wait())], return_when=asyncio.FIRST_COMPLETED)
        house.stop(signal.SIGKILL)
        sent.cancel()
        with contextlib.suppress(asyncio.CancelledError, Problem):
            await sent
    again = bring_up(tmp_path)
    task_id = await begun
    async with again.desk("person:sam") as sam, again.desk("person:alex") as alex:
        question = await _asked(again, task_id)
        await decide(alex, question, "approved", "good")
        task = await sam.peers.follow(sam.peer("editing-assistant"), task_id, Listener(_nothing, _nothing))
        told = result_of(task, Highlight, Highlight.schema_uri())
        booked = (await sam.tool("schedule.get_schedule"))["items"]
        made = (await sam.tool("assets.search_assets", kinds=["highlight"]))["items"]
    assert told is not None, task
    assert [each["id"] for each in booked] == [each.id for each in told.publications]
    cuts = [each["media"] for each in made]
    assert len(cuts) == len(set(cuts))
    assert set(cuts) <= {version.media for version in told.versions}
    assert again.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "db" / "editing.sqlite")) as editing:
        jobs = editing.execute("select state from jobs where kind like 'render%'").fetchall()
        assert jobs == [("succeeded",)] * len(told.versions)
    assert verify(tmp_path / "audit").ok


async def _asked(house: Any, task_id: str) -> ApprovalQuestion:
    """Take the task up by subscribing to it, until it asks for approval."""
    headers = {"authorization": f"Bearer {house.token('person:sam', 'agent:editing-assistant')}"}
    async with httpx.AsyncClient(headers=headers, timeout=300) as http:
        card = await A2ACardResolver(http, f"{house.url}/agents/editing-assistant").get_agent_card()
        client = ClientFactory(ClientConfig(httpx_client=http)).create(card)
        async for event in client.subscribe(SubscribeToTaskRequest(id=task_id)):
            status = event.task.status if event.HasField("task") else event.status_update.status
            if status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
                found = find_part(status.message.parts, ApprovalQuestion, ApprovalQuestion.schema_uri())
                assert found is not None
                return found
    raise AssertionError("it was never asked")


async def _nothing(_: Any) -> None:
    return None
