"""Tokens of long tasks, tasks that a process left, and what the gateway hears of a task's end."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from holdback_agents.contracts import Answer, Part, Question
from holdback_agents.runtime.agent import Skill
from holdback_agents.runtime.parts import problem_of, result_of
from holdback_agents.runtime.run import Run
from holdback_base.ids import system_clock
from holdback_base.problem import Problem

pytestmark = pytest.mark.asyncio


class Echo(Part):
    schema_name = "test-echo"
    text: str = ""


class Echoed(Part):
    schema_name = "test-echoed"
    text: str = ""


class Ahead:
    """The machine's clock, set forward."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.by


def assistant(kit: Any, workflow: Any) -> Any:
    return kit.agent_of("editing-assistant", Skill("make-highlight", Echo, workflow))


def compliance(kit: Any, workflow: Any) -> Any:
    return kit.agent_of("compliance", Skill("clear-rights", Echo, workflow))


def task_of(head: str) -> str:
    return jwt.decode(head, options={"verify_signature": False})["task"]


async def settled(house: Any) -> Any:
    """The assistant's only task once it is settled; each look lets the agents work."""
    async with asyncio.timeout(100):
        while True:
            (task,) = (await house.client().list_tasks(ListTasksRequest(), context=house.context())).tasks
            if task.status.state != TaskState.TASK_STATE_WORKING:
                return task


async def test_a_task_goes_on_when_the_token_it_came_with_has_expired(kit: Any) -> None:
    clock = Ahead()

    async def long(run: Run, asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="before")
        clock.by += timedelta(minutes=10)
        found = await run.tool("assets.search_assets", query="after")
        return Echoed(text=found["query"])

    async with kit.house(assistant(kit, long), clock=clock) as house:
        told = await house.send(Echo())
    assert told.result == {"text": "after"}


async def test_what_was_delegated_goes_on_as_well_when_all_tokens_above_it_have_expired(kit: Any) -> None:
    clock = Ahead()

    async def hand_on(run: Run, asked: Echo) -> Echoed:
        done = await run.delegate("clear-rights", asked, Echoed)
        found = await run.tool("assets.search_assets", query="above")
        return Echoed(text=f"{done.text} {found['query']}")

    async def long(run: Run, asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="before")
        clock.by += timedelta(minutes=10)
        found = await run.tool("assets.search_assets", query="below")
        return Echoed(text=found["query"])

    async with kit.house(assistant(kit, hand_on), compliance(kit, long), clock=clock) as house:
        told = await house.send(Echo())
    assert told.result == {"text": "below above"}


async def test_a_task_does_not_go_on_when_its_window_is_over(kit: Any) -> None:
    clock = Ahead()

    async def endless(run: Run, asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="before")
        clock.by += timedelta(hours=24)
        await run.tool("assets.search_assets", query="after")
        raise AssertionError("it got a token")

    async with kit.house(assistant(kit, endless), clock=clock) as house:
        told = await house.send(Echo())
    assert (told.state, told.said["code"]) == ("FAILED", "TASK_ENDED")
    assert len(kit.tools.calls) == 1


async def test_a_task_that_somebody_ended_gets_no_further_token(kit: Any) -> None:
    clock, books = Ahead(), []

    async def ended(run: Run, asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="before")
        books[0].end(run.task_id, "a person stopped it")
        clock.by += timedelta(minutes=10)
        await run.tool("assets.search_assets", query="after")
        raise AssertionError("it got a token")

    async with kit.house(assistant(kit, ended), clock=clock) as house:
        books.append(house.book)
        told = await house.send(Echo())
    assert (told.state, told.said["code"]) == ("FAILED", "TASK_ENDED")
    assert "a person stopped it" in told.said["message"]
    assert len(kit.tools.calls) == 1


async def test_the_head_of_each_ended_task_reaches_the_gateway_and_names_it(kit: Any) -> None:
    async def quick(run: Run, asked: Echo) -> Echoed:
        return Echoed(text=asked.text)

    async with kit.house(assistant(kit, quick)) as house:
        told = [await house.send(Echo(text=str(number))) for number in range(3)]
        named = [task_of(await house.heads.get()) for _ in told]
    assert sorted(named) == sorted(each.task.id for each in told)


async def test_a_task_that_a_process_left_is_taken_up_at_the_next_start_with_nobody_asking(kit: Any) -> None:
    runs: list[int] = []

    async def slow(run: Run, _asked: Echo) -> Echoed:
        found = await run.tool("assets.search_assets", query="x")
        runs.append(found["effect"])
        if len(runs) == 1:
            kit.tools.started.set()
            await asyncio.Event().wait()
        return Echoed(text=str(found["effect"]))

    async with kit.house(assistant(kit, slow)) as house:
        streaming = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        streaming.cancel()
        await asyncio.wait([streaming])
    async with kit.house(assistant(kit, slow)) as house:
        task = await settled(house)
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert (runs, len(kit.tools.calls)) == ([1, 1], 1)


async def test_two_agents_that_a_process_left_both_go_on_and_nothing_is_done_twice(kit: Any) -> None:
    below: list[str] = []

    async def hand_on(run: Run, asked: Echo) -> Echoed:
        return await run.delegate("clear-rights", asked, Echoed)

    async def slow(run: Run, _asked: Echo) -> Echoed:
        below.append(run.task_id)
        found = await run.tool("assets.search_assets", query="x")
        if len(below) == 1:
            kit.tools.started.set()
            await asyncio.Event().wait()
        return Echoed(text=str(found["effect"]))

    agents = assistant(kit, hand_on), compliance(kit, slow)
    async with kit.house(*agents) as house:
        streaming = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        streaming.cancel()
        await asyncio.wait([streaming])
    async with kit.house(*agents) as house:
        task = await settled(house)
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert len(set(below)) == 1
    assert len(kit.tools.calls) == 1


async def _left_before_any_token(kit: Any, workflow: Any) -> str:
    """A task whose process ends before its agent has asked for a token; its id."""
    async with kit.house(assistant(kit, workflow)) as house:
        streaming = asyncio.create_task(house.send(Echo(text="all")))
        await kit.tools.started.wait()
        streaming.cancel()
        await asyncio.wait([streaming])
        (task,) = (await house.client().list_tasks(ListTasksRequest(), context=house.context())).tasks
    return task.id


def _stopping_once(kit: Any) -> Any:
    async def stopping(_run: Run, asked: Echo) -> Echoed:
        if not kit.tools.started.is_set():
            kit.tools.started.set()
            await asyncio.Event().wait()
        return Echoed(text=asked.text)

    return stopping


async def test_a_task_that_the_gateway_never_heard_of_says_what_to_do_and_goes_on_when_it_is_followed(kit: Any) -> None:
    workflow = _stopping_once(kit)
    identity = await _left_before_any_token(kit, workflow)
    async with kit.house(assistant(kit, workflow)) as house:
        client, left = house.client(), Task()
        async with asyncio.timeout(100):
            while not left.status.HasField("message"):
                left = await client.get_task(GetTaskRequest(id=identity), context=house.context())
        follow = SubscribeToTaskRequest(id=identity)
        events = [each async for each in client.subscribe(follow, context=house.context())]
        task = await client.get_task(GetTaskRequest(id=identity), context=house.context())
    assert left.status.state == TaskState.TASK_STATE_WORKING
    assert problem_of(left, Problem("INTERNAL", "none")).code == "UNAUTHENTICATED"
    assert "it goes on with your token" in left.status.message.parts[-1].text
    assert events[0].task.status.state == TaskState.TASK_STATE_WORKING
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert result_of(task, Echoed, Echoed.schema_uri()) == Echoed(text="all")


async def test_a_task_that_the_gateway_never_heard_of_has_failed_once_its_window_is_over(kit: Any) -> None:
    clock, workflow = Ahead(), _stopping_once(kit)
    await _left_before_any_token(kit, workflow)
    clock.by = timedelta(hours=24)
    async with kit.house(assistant(kit, workflow), clock=clock) as house:
        task = await settled(house)
    assert task.status.state == TaskState.TASK_STATE_FAILED
    assert problem_of(task, Problem("INTERNAL", "none")).code == "TASK_ENDED"


async def test_a_task_that_was_ended_while_its_agent_was_away_has_failed_and_says_so(kit: Any) -> None:
    async def slow(run: Run, _asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="x")
        kit.tools.started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with kit.house(assistant(kit, slow)) as house:
        streaming = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        streaming.cancel()
        await asyncio.wait([streaming])
        (held,) = house.book.living()
        house.book.end(held.id, "a person stopped it")
    async with kit.house(assistant(kit, slow)) as house:
        task = await settled(house)
    assert task.status.state == TaskState.TASK_STATE_FAILED
    assert "a person stopped it" in task.status.message.parts[-1].text


async def test_a_task_that_waits_for_an_answer_is_left_waiting_at_the_next_start(kit: Any) -> None:
    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    async with kit.house(assistant(kit, doubtful)) as house:
        asked = await house.send(Echo())
    async with kit.house(assistant(kit, doubtful)) as house:
        told = await house.send(Answer(text="quite"), task_id=asked.task.id)
    assert told.result == {"text": "quite"}


async def test_a_cancelled_task_is_over_for_the_gateway_and_so_is_what_it_delegated(kit: Any) -> None:
    async def hand_on(run: Run, asked: Echo) -> Echoed:
        return await run.delegate("clear-rights", asked, Echoed)

    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="x")
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    async with kit.house(assistant(kit, hand_on), compliance(kit, doubtful)) as house:
        asked = await house.send(Echo())
        assert len(house.book.living()) == 2
        await house.client().cancel_task(CancelTaskRequest(id=asked.task.id), context=house.context())
        named = {task_of(await house.heads.get()) for _ in range(2)}
    assert asked.task.id in named
    assert len(named) == 2


@pytest.mark.parametrize(("word", "state", "begun"), [("yes", "COMPLETED", 2), ("no", "FAILED", 1)])
async def test_what_is_delegated_and_waits_for_a_person_is_tried_again_only_on_a_yes(
    kit: Any, word: str, state: str, begun: int
) -> None:
    tasks: list[str] = []

    async def hand_on(run: Run, asked: Echo) -> Echoed:
        return await run.delegate("clear-rights", asked, Echoed)

    async def guarded(run: Run, asked: Echo) -> Echoed:
        tasks.append(run.task_id)
        if len(tasks) == 1:
            raise Problem("PERSON_NEEDED", "The guardian stopped clear-rights.", "Permit it.")
        return Echoed(text="cleared")

    async with kit.house(assistant(kit, hand_on), compliance(kit, guarded)) as house:
        asked = await house.send(Echo())
        assert asked.state == "INPUT_REQUIRED"
        assert "The guardian stopped clear-rights. Permit it. Shall I try again" in asked.said["text"]
        ended = await house.send(word, task_id=asked.task.id)
    assert (ended.state, len(set(tasks))) == (state, begun)
    if state == "FAILED":
        assert ended.said["code"] == "PERSON_NEEDED"


async def test_a_no_to_the_agent_that_was_stopped_is_not_asked_for_again_by_the_agents_above_it(kit: Any) -> None:
    async def hand_on(run: Run, asked: Echo) -> Echoed:
        return await run.delegate("clear-rights", asked, Echoed)

    async def search(run: Run, asked: Echo) -> Echoed:
        found = await run.tool("assets.search_assets", query="guarded")
        return Echoed(text=found["query"])

    async with kit.house(assistant(kit, hand_on), compliance(kit, search)) as house:
        asked = await house.send(Echo())
        assert asked.state == "INPUT_REQUIRED"
        ended = await house.send("no", task_id=asked.task.id)
    assert (ended.state, ended.said["code"]) == ("FAILED", "PERSON_NEEDED")
