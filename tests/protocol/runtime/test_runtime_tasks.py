"""An agent through a real client: tasks, streams, questions, repeats, both bindings and the older protocol."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from a2a.types.a2a_pb2 import GetTaskRequest, ListTasksRequest, SendMessageRequest, SubscribeToTaskRequest, TaskState
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError, UnsupportedOperationError
from holdback_agents.contracts import Answer, Part, Question
from holdback_agents.runtime.agent import Skill
from holdback_agents.runtime.run import Run
from holdback_base.problem import Problem

pytestmark = pytest.mark.asyncio


class Echo(Part):
    schema_name = "test-echo"
    text: str = ""
    times: int = 1


class Echoed(Part):
    schema_name = "test-echoed"
    text: str = ""


async def echo(run: Run, asked: Echo) -> Echoed:
    for number in range(asked.times):
        await run.progress("echoing", done=number + 1, total=asked.times, unit="times")
    return Echoed(text=asked.text)


def read_echo(words: str, _now: datetime) -> Echo | Question:
    if "loudly" not in words and "softly" not in words:
        return Question(text="Loudly or softly?", missing=("manner",))
    return Echo(text=words.replace("\n", " "))


ECHO = Skill("make-highlight", Echo, echo, read_echo)


async def confirm(run: Run, asked: Echo) -> Echoed:
    answer = await run.ask(Question(text=f"Really {asked.text}?"))
    return Echoed(text=f"{asked.text}: {answer.text}")


CONFIRM = Skill("make-highlight", Echo, confirm)


async def test_a_stream_begins_with_the_task_tells_progress_in_order_and_ends_with_the_result(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        told = await house.send(Echo(text="butterfly", times=5))
    assert told.events[0].HasField("task")
    assert told.state == "COMPLETED"
    assert told.result == {"text": "butterfly"}
    assert [(each.seq, each.done, each.path) for each in told.progress] == [
        (n, n, ("editing-assistant",)) for n in range(1, 6)
    ]


async def test_words_that_leave_something_open_are_asked_about_and_the_answer_completes_them(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        asked = await house.send("say butterfly")
        assert asked.state == "INPUT_REQUIRED"
        assert asked.said == {"text": "Loudly or softly?", "missing": ["manner"]}
        told = await house.send("softly", task_id=asked.task.id)
    assert told.state == "COMPLETED"
    assert told.result == {"text": "say butterfly softly"}


async def test_a_follow_up_with_only_a_task_id_goes_on_in_the_same_context(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", CONFIRM)) as house:
        asked = await house.send(Echo(text="cut"))
        told = await house.send(Answer(text="yes"), task_id=asked.task.id)
        assert told.result == {"text": "cut: yes"}
        task = await house.client().get_task(GetTaskRequest(id=asked.task.id), context=house.context())
    assert task.context_id == asked.task.context_id
    assert [len(each.parts) for each in task.history] == [1, 2, 1]


async def test_a_follow_up_in_another_context_is_refused_and_the_question_stays_open(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", CONFIRM)) as house:
        asked = await house.send(Echo(text="cut"))
        with pytest.raises(InvalidParamsError):
            await house.send(Answer(text="yes"), task_id=asked.task.id, context_id="another")
        told = await house.send(Answer(text="yes"), task_id=asked.task.id)
    assert told.state == "COMPLETED"


async def test_an_answer_that_does_not_fit_is_asked_again_with_the_reason(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", CONFIRM)) as house:
        asked = await house.send(Echo(text="cut"))
        again = await house.send(Echo(text="not an answer"), task_id=asked.task.id)
        assert again.state == "INPUT_REQUIRED"
        assert "MESSAGE_MALFORMED" in again.task.status.message.parts[-1].text
        told = await house.send("yes", task_id=asked.task.id)
    assert told.result == {"text": "cut: yes"}


async def test_the_same_message_twice_is_one_task_that_ran_once(kit: Any) -> None:
    ran: list[str] = []

    async def count(run: Run, asked: Echo) -> Echoed:
        ran.append(run.task_id)
        await run.progress("counting")
        return Echoed(text=asked.text)

    agent = kit.agent_of("editing-assistant", Skill("make-highlight", Echo, count))
    async with kit.house(agent) as house:
        message = house.message(Echo(text="once"))
        one, other = await asyncio.gather(house.tell(message), house.tell(message))
        later = await house.tell(message)
    async with kit.house(agent) as house:
        after_restart = await house.tell(message)
    assert {one.task.id, other.task.id, later.task.id, after_restart.task.id} == set(ran)
    assert len(ran) == 1
    assert later.result == after_restart.result == {"text": "once"}


async def test_a_message_id_used_for_other_content_is_refused(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        await house.send(Echo(text="one"), message_id="same")
        with pytest.raises(InvalidParamsError, match="CONFLICT"):
            await house.send(Echo(text="other"), message_id="same")


async def test_a_follow_up_that_comes_twice_answers_once(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", CONFIRM)) as house:
        asked = await house.send(Echo(text="cut"))
        answer = house.message(Answer(text="yes"), task_id=asked.task.id)
        first, second = await house.tell(answer), await house.tell(answer)
    assert first.state == second.state == "COMPLETED"
    assert second.task.id == asked.task.id


async def test_data_that_does_not_fit_its_schema_is_rejected_with_the_place(kit: Any) -> None:
    class Wrong(Part):
        schema_name = "test-echo"
        times: str

    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        told = await house.send(Wrong(times="often"))
    assert told.state == "REJECTED"
    assert told.said["code"] == "MESSAGE_MALFORMED"
    assert told.said["details"]["errors"][0]["at"] == "times"


async def test_a_problem_in_the_workflow_fails_the_task_and_says_it(kit: Any) -> None:
    async def refuse(_run: Run, _asked: Echo) -> Echoed:
        raise Problem("NOT_CLEARED", "The cue is not cleared.", "Replace it.", element="el_1")

    async with kit.house(kit.agent_of("editing-assistant", Skill("make-highlight", Echo, refuse))) as house:
        told = await house.send(Echo())
    assert told.state == "FAILED"
    assert told.said == {
        "code": "NOT_CLEARED",
        "message": "The cue is not cleared.",
        "hint": "Replace it.",
        "details": {"element": "el_1"},
    }


async def test_a_workflow_that_breaks_tells_nothing_of_its_inside(kit: Any, caplog: Any) -> None:
    async def broken(_run: Run, _asked: Echo) -> Echoed:
        raise RuntimeError("/secret/path")

    async with kit.house(kit.agent_of("editing-assistant", Skill("make-highlight", Echo, broken))) as house:
        told = await house.send(Echo())
    assert told.state == "FAILED"
    assert told.said["code"] == "INTERNAL"
    assert "secret" not in str(told.task)
    assert "/secret/path" in caplog.text


async def test_a_finished_task_takes_no_message_and_cannot_be_subscribed_to(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        told = await house.send(Echo())
        with pytest.raises(UnsupportedOperationError):
            await house.send(Echo(), task_id=told.task.id)
        with pytest.raises(UnsupportedOperationError):
            async for _ in house.client().subscribe(SubscribeToTaskRequest(id=told.task.id), context=house.context()):
                pass


async def test_a_person_sees_only_their_own_tasks_in_pages_the_newest_first(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        ids = [(await house.send(Echo(text=str(n)))).task.id for n in range(5)]
        client = house.client()
        first = await client.list_tasks(ListTasksRequest(page_size=3), context=house.context())
        rest = await client.list_tasks(
            ListTasksRequest(page_size=3, page_token=first.next_page_token), context=house.context()
        )
        assert [each.id for each in (*first.tasks, *rest.tasks)] == ids[::-1]
        assert (first.total_size, rest.next_page_token) == (5, "")
        other = house.context(person="person:eve")
        assert (await client.list_tasks(ListTasksRequest(), context=other)).total_size == 0
        with pytest.raises(TaskNotFoundError):
            await client.get_task(GetTaskRequest(id=ids[0]), context=other)


@pytest.mark.parametrize(("binding", "version"), [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3")])
async def test_each_binding_streams_answers_and_gets_the_task(kit: Any, binding: str, version: str) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        client = house.client(binding=binding, version=version)
        events = [
            event
            async for event in client.send_message(
                SendMessageRequest(message=house.message(Echo(text="hi", times=2))), context=house.context()
            )
        ]
        task = await client.get_task(GetTaskRequest(id=events[0].task.id), context=house.context())
        blocking = house.client(binding=binding, version=version, streaming=False)
        answers = [
            event
            async for event in blocking.send_message(
                SendMessageRequest(message=house.message(Echo(text="hi"))), context=house.context()
            )
        ]
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    assert task.artifacts[0].parts[0].data.struct_value["text"] == "hi"
    assert [each.task.status.state for each in answers] == [TaskState.TASK_STATE_COMPLETED]


async def test_a_second_stream_misses_nothing_and_repeats_nothing_by_sequence_number(kit: Any) -> None:
    begun = asyncio.Event()

    async def long(run: Run, _asked: Echo) -> Echoed:
        for number in range(1, 401):
            await run.progress("going", done=number, total=400)
            if number == 20:
                begun.set()
            if number % 20 == 0:
                await asyncio.sleep(0)
        return Echoed(text="done")

    async with kit.house(kit.agent_of("editing-assistant", Skill("make-highlight", Echo, long))) as house:
        first = asyncio.create_task(house.send(Echo()))
        await begun.wait()
        listed = await house.client().list_tasks(ListTasksRequest(), context=house.context())
        seen: list[int] = []
        async for event in house.client().subscribe(
            SubscribeToTaskRequest(id=listed.tasks[0].id), context=house.context()
        ):
            source = event.task.metadata if event.HasField("task") else event.status_update.metadata
            if "urn:holdback:progress" in source:
                seq = int(source["urn:holdback:progress"]["seq"])
                if not seen or seq > seen[-1]:
                    seen.append(seq)
        told = await first
    assert [each.seq for each in told.progress] == list(range(1, 401))
    assert seen == list(range(seen[0], 401))


async def search(run: Run, asked: Echo) -> Echoed:
    found = await run.tool("assets.search_assets", query=asked.text)
    return Echoed(text=f"effect {found['effect']}")


SEARCH = Skill("make-highlight", Echo, search)


@pytest.mark.parametrize(("word", "state"), [("Yes.", "COMPLETED"), ("no", "FAILED"), ("perhaps", "FAILED")])
async def test_what_the_guardian_holds_for_a_person_is_tried_again_only_on_a_yes(
    kit: Any, word: str, state: str
) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SEARCH)) as house:
        told = await house.send(Echo(text="guarded"))
        assert told.state == "INPUT_REQUIRED"
        assert "Shall I try again" in told.said["text"]
        ended = await house.send(word, task_id=told.task.id)
    assert ended.state == state
    assert len(house.tools.calls) == (2 if state == "COMPLETED" else 1)
    if state == "FAILED":
        assert ended.said["code"] == "PERSON_NEEDED"
