"""Tasks about media that is closed later: answered like a task that there is not to who may not know of the story."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from a2a.types.a2a_pb2 import CancelTaskRequest, GetTaskRequest, ListTasksRequest, SendMessageRequest, Task
from a2a.utils.errors import TaskNotFoundError
from holdback_agents.contracts import Part
from holdback_agents.runtime.agent import Skill
from holdback_agents.runtime.run import Run
from holdback_servers.media_store import MediaStore
from holdback_trust.policy import Policies

pytestmark = pytest.mark.asyncio
CLOSED, OTHER, STORY = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}", "court-ruling"


class Made(Part):
    schema_name = "test-made"
    text: str


async def make(_run: Run, asked: Made) -> Made:
    return asked


SKILL = Skill("make-highlight", Made, make)


def signed(media: str) -> str:
    """A statement that names media."""
    parts = ({"alg": "ES256"}, {"sub": media}, {"not": "checked by who only carries it"})
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts)


async def listed(house: Any, **caller: Any) -> tuple[list[str], int]:
    page = await house.client().list_tasks(ListTasksRequest(), context=house.context(**caller))
    return [each.id for each in page.tasks], page.total_size


@pytest.mark.parametrize("text", [CLOSED, signed(CLOSED)], ids=["by name", "in a statement"])
async def test_a_task_about_media_that_is_closed_later_is_there_for_who_knows_of_the_story_only(
    kit: Any, tmp_path: Path, text: str
) -> None:
    media = MediaStore(tmp_path / "media")
    async with kit.house(kit.agent_of("editing-assistant", SKILL), media=media) as house:
        task = (await house.send(Made(text=f"The ruling {text}"))).task
        other = (await house.send(Made(text=f"The weather {OTHER}"))).task
        assert await listed(house) == ([other.id, task.id], 2)
        media.close(CLOSED, STORY)
        assert await listed(house) == ([other.id], 1)
        assert await listed(house, stories=[STORY]) == ([other.id, task.id], 2)
        client, asked = house.client(), GetTaskRequest(id=task.id)
        assert (await client.get_task(asked, context=house.context(stories=[STORY]))).artifacts
        for caller in ({}, {"stories": ["merger"]}):
            with pytest.raises(TaskNotFoundError):
                await client.get_task(asked, context=house.context(**caller))
        assert (await client.get_task(GetTaskRequest(id=other.id), context=house.context())).artifacts
        media.close(CLOSED, None)
        assert (await client.get_task(asked, context=house.context())).artifacts


async def test_a_policy_of_the_house_that_asks_from_where_a_story_is_looked_at_is_told(
    kit: Any, tmp_path: Path
) -> None:
    here = """@id("here") forbid (principal, action == Action::"know", resource)
        unless { context has network && context.network.isLoopback() };"""
    media, policies = MediaStore(tmp_path / "media"), Policies({"house.cedar": here})
    async with kit.house(kit.agent_of("editing-assistant", SKILL), media=media, policies=policies) as house:
        task = (await house.send(Made(text=f"The ruling {CLOSED}"))).task
        media.close(CLOSED, STORY)
        assert await listed(house, stories=[STORY]) == ([task.id], 1)
        known = house.context(stories=[STORY])
        assert (await house.client().get_task(GetTaskRequest(id=task.id), context=known)).artifacts


async def test_what_is_said_again_or_asked_of_a_closed_task_is_answered_like_what_is_not_there(
    kit: Any, tmp_path: Path
) -> None:
    media = MediaStore(tmp_path / "media")
    async with kit.house(kit.agent_of("editing-assistant", SKILL), media=media) as house:
        message = house.message(Made(text=f"The ruling {CLOSED}"))
        told = await house.tell(message)
        media.close(CLOSED, STORY)
        client = house.client()
        with pytest.raises(TaskNotFoundError):
            await house.tell(message)
        with pytest.raises(TaskNotFoundError):
            await client.cancel_task(CancelTaskRequest(id=told.task.id), context=house.context())
        with pytest.raises(TaskNotFoundError):
            await house.send(Made(text="And?"), task_id=told.task.id)
        known = house.context(stories=[STORY])
        again = [each async for each in client.send_message(SendMessageRequest(message=message), context=known)]
    assert _task(again).artifacts


def _task(events: list[Any]) -> Task:
    return events[0].task
