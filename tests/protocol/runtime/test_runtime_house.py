"""Agents among themselves and with servers: tools, jobs, delegation, questions, cancellation, taking up again."""

import asyncio
import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from a2a.types.a2a_pb2 import (
    CancelTaskRequest,
    GetTaskRequest,
    Message,
    Role,
    SubscribeToTaskRequest,
    Task,
    TaskState,
)
from a2a.utils.errors import TaskNotCancelableError
from holdback_agents.contracts import Answer, ApprovalAnswer, ApprovalQuestion, Part, Question
from holdback_agents.runtime import executor
from holdback_agents.runtime.agent import Limits, Skill
from holdback_agents.runtime.run import Run
from holdback_base.problem import Problem
from holdback_trust.audit import rows, verify

pytestmark = pytest.mark.asyncio
HASH = "sha256:" + "0" * 64
JOB = "job_01K9Z3N4V5W6X7Y8Z9A0B1C2D3"


class Echo(Part):
    schema_name = "test-echo"
    text: str = ""


class Echoed(Part):
    schema_name = "test-echoed"
    text: str = ""


def assistant(kit: Any, workflow: Any) -> Any:
    return kit.agent_of("editing-assistant", Skill("make-highlight", Echo, workflow))


def compliance(kit: Any, workflow: Any) -> Any:
    return kit.agent_of("compliance", Skill("clear-rights", Echo, workflow))


async def hand_on(run: Run, asked: Echo) -> Echoed:
    return await run.delegate("clear-rights", asked, Echoed)


async def search(run: Run, asked: Echo) -> Echoed:
    found = await run.tool("assets.search_assets", query=asked.text, left_out=None)
    return Echoed(text=str(found["effect"]))


async def test_a_tool_is_called_for_the_person_with_task_and_step_as_its_key(kit: Any) -> None:
    async with kit.house(assistant(kit, search)) as house:
        told = await house.send(Echo(text="butterfly"))
    assert told.result == {"text": "1"}
    assert kit.tools.calls == [f"{told.task.id}/1"]
    assert set(kit.tools.people) == {"person:sam"}


async def test_a_tools_error_arrives_as_the_problem_it_is_and_may_be_handled(kit: Any) -> None:
    async def careful(run: Run, asked: Echo) -> Echoed:
        try:
            await run.tool("assets.search_assets", query="nothing")
        except Problem as problem:
            return Echoed(text=problem.code)
        return Echoed()

    async with kit.house(assistant(kit, careful)) as house:
        assert (await house.send(Echo())).result == {"text": "NOT_FOUND"}


async def test_two_people_share_no_token_on_the_way_to_a_tool(kit: Any) -> None:
    async with kit.house(assistant(kit, search)) as house:

        async def ask(person: str) -> None:
            client, message = house.client(), house.message(Echo(text=person))
            from a2a.types.a2a_pb2 import SendMessageRequest

            context = house.context(person=person)
            async for _ in client.send_message(SendMessageRequest(message=message), context=context):
                pass

        await asyncio.gather(*(ask(f"person:p{n % 2}") for n in range(6)))
    assert len(kit.tools.effects) == 6
    assert set(kit.tools.people) == {"person:p0", "person:p1"}


async def test_a_job_is_followed_with_its_progress_to_its_result(kit: Any) -> None:
    async def render(run: Run, _asked: Echo) -> Echoed:
        started = await run.tool("assets.get_asset", asset_id=JOB)
        done = await run.job("assets", started["job"]["id"], step="render")
        return Echoed(text=done["media"])

    async with kit.house(assistant(kit, render)) as house:
        told = await house.send(Echo())
    assert told.result == {"text": HASH}
    assert [(each.done, each.total, each.unit, each.step) for each in told.progress] == [
        (n, 4, "frames", "render") for n in (1, 2, 3)
    ]


async def test_a_delegated_tasks_progress_comes_through_with_the_path_from_the_top(kit: Any) -> None:
    async def cells(run: Run, asked: Echo) -> Echoed:
        for number in range(3):
            await run.progress(f"cell {number}")
        return Echoed(text=asked.text.upper())

    async with kit.house(assistant(kit, hand_on), compliance(kit, cells)) as house:
        told = await house.send(Echo(text="cleared"))
    assert told.result == {"text": "CLEARED"}
    assert [each.seq for each in told.progress] == [1, 2, 3]
    assert {each.path for each in told.progress} == {("editing-assistant", "compliance")}


async def test_a_delegated_question_comes_up_and_its_answer_goes_down(kit: Any) -> None:
    async def doubtful(run: Run, asked: Echo) -> Echoed:
        first = await run.ask(Question(text="Which party?"))
        second = await run.ask(Question(text="Which year?"))
        return Echoed(text=f"{first.text} {second.text}")

    async with kit.house(assistant(kit, hand_on), compliance(kit, doubtful)) as house:
        asked = await house.send(Echo())
        assert (asked.state, asked.said["text"]) == ("INPUT_REQUIRED", "Which party?")
        path = asked.task.status.message.metadata["urn:holdback:question"]["path"]
        assert list(path) == ["editing-assistant", "compliance"]
        again = await house.send(Answer(text="Studio"), task_id=asked.task.id)
        assert again.said["text"] == "Which year?"
        told = await house.send("1999", task_id=asked.task.id)
    assert told.result == {"text": "Studio 1999"}


async def test_the_problem_of_a_delegated_task_is_the_problem_of_this_one(kit: Any) -> None:
    async def refuse(_run: Run, _asked: Echo) -> Echoed:
        raise Problem("NOT_CLEARED", "Not in the US.", territory="US")

    async with kit.house(assistant(kit, hand_on), compliance(kit, refuse)) as house:
        told = await house.send(Echo())
    assert told.state == "FAILED"
    assert (told.said["code"], told.said["details"]) == ("NOT_CLEARED", {"territory": "US"})


async def test_a_skill_that_nobody_offers_is_said(kit: Any) -> None:
    async with kit.house(assistant(kit, hand_on)) as house:
        assert (await house.send(Echo())).said["code"] == "NOBODY_OFFERS"


async def test_cancelling_the_top_task_cancels_what_it_delegated_and_the_job_below(kit: Any) -> None:
    async def render(run: Run, _asked: Echo) -> Echoed:
        kit.tools.jobs[JOB] = {"id": JOB, "state": "running", "seq": 1, "done": 1, "total": 9, "ends": False}
        return Echoed(text=str(await run.job("assets", JOB)))

    async with kit.house(assistant(kit, hand_on), compliance(kit, render)) as house:
        top = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        below = (await tasks_of(house, "compliance"))[0]
        task_id = (await tasks_of(house, "editing-assistant"))[0].id
        cancelled = await house.client().cancel_task(CancelTaskRequest(id=task_id), context=house.context())
        told = await top
        after = await house.client("compliance").get_task(
            GetTaskRequest(id=below.id), context=house.context("compliance")
        )
        with pytest.raises(TaskNotCancelableError):
            await house.client().cancel_task(CancelTaskRequest(id=task_id), context=house.context())
    assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
    assert told.state == "CANCELED"
    assert after.status.state == TaskState.TASK_STATE_CANCELED
    assert kit.tools.jobs[JOB]["state"] == "cancelled"


async def test_a_task_that_waits_for_an_answer_is_cancelled_with_the_one_that_asked(kit: Any) -> None:
    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    async with kit.house(assistant(kit, hand_on), compliance(kit, doubtful)) as house:
        asked = await house.send(Echo())
        request = CancelTaskRequest(id=asked.task.id)
        cancelled = await house.client().cancel_task(request, context=house.context())
        below = (await tasks_of(house, "compliance"))[0]
    assert cancelled.status.state == below.status.state == TaskState.TASK_STATE_CANCELED


async def test_a_delegated_task_that_somebody_else_cancels_fails_this_one(kit: Any) -> None:
    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        kit.tools.started.set()
        await asyncio.Event().wait()
        return Echoed()

    async with kit.house(assistant(kit, hand_on), compliance(kit, doubtful)) as house:
        top = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        below = (await tasks_of(house, "compliance"))[0]
        await house.client("compliance").cancel_task(
            CancelTaskRequest(id=below.id), context=house.context("compliance")
        )
        told = await top
    assert (told.state, told.said["code"]) == ("FAILED", "CANCELLED")


async def test_after_a_restart_an_answer_goes_on_over_the_journal_and_repeats_no_effect(kit: Any) -> None:
    async def story(run: Run, asked: Echo) -> Echoed:
        first = await run.tool("assets.search_assets", query="first")
        answer = await run.ask(Question(text="Go on?"))
        second = await run.tool("assets.search_assets", query="second")
        return Echoed(text=f"{first['effect']} {answer.text} {second['effect']}")

    async with kit.house(assistant(kit, story)) as house:
        asked = await house.send(Echo())
    async with kit.house(assistant(kit, story)) as house:
        told = await house.send(Answer(text="yes"), task_id=asked.task.id)
    assert told.result == {"text": "1 yes 2"}
    assert kit.tools.calls == [f"{asked.task.id}/1", f"{asked.task.id}/3"]


def _as_before_it_went_on(root: Path, task_id: str, answer: Message) -> None:
    """Have the task on the disk as it is between its answer and the next state: answered, and nothing told since."""
    with closing(sqlite3.connect(root / "editing-assistant.sqlite")) as db, db:
        [body] = db.execute("select body from tasks where task_id = ?", (task_id,)).fetchone()
        task = Task.FromString(body)
        if task.status.HasField("message"):
            task.history.append(task.status.message)
            task.status.ClearField("message")
        if task.history[-1].role != Role.ROLE_USER:
            task.history.append(answer)
        task.status.state = TaskState.TASK_STATE_INPUT_REQUIRED
        row = (task.status.state, task.SerializeToString(), task_id)
        db.execute("update tasks set state = ?, body = ? where task_id = ?", row)


@pytest.mark.parametrize("heard", [False, True])
async def test_a_task_whose_process_ended_between_its_answer_and_the_next_state_goes_on_by_itself(
    kit: Any, heard: bool
) -> None:
    going = asyncio.Event()

    async def story(run: Run, asked: Echo) -> Echoed:
        await run.tool("assets.search_assets", query="first")  # so the gateway knows the task
        first = await run.ask(Question(text="Go on?"))
        if heard and not going.is_set():
            going.set()
            await asyncio.Event().wait()
        second = await run.ask(Question(text="And on?"))
        return Echoed(text=f"{first.text} {second.text}")

    async with kit.house(assistant(kit, story)) as house:
        asked = await house.send(Echo())
        answer = house.message(Answer(text="yes"), task_id=asked.task.id)
        if heard:
            answering = asyncio.create_task(house.tell(answer))
            await going.wait()
            answering.cancel()
            await asyncio.wait([answering])
    _as_before_it_went_on(kit.root, asked.task.id, answer)
    async with kit.house(assistant(kit, story)) as house:
        async with asyncio.timeout(100):
            while not (await tasks_of(house, "editing-assistant"))[0].status.HasField("message"):
                pass
        told = await house.send(Answer(text="surely"), task_id=asked.task.id)
    assert told.result == {"text": "yes surely"}


async def test_after_a_restart_a_delegated_question_is_answered_where_it_was_asked(kit: Any) -> None:
    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    agents = assistant(kit, hand_on), compliance(kit, doubtful)
    async with kit.house(*agents) as house:
        asked = await house.send(Echo())
    async with kit.house(*agents) as house:
        told = await house.send(Answer(text="quite"), task_id=asked.task.id)
        below = await tasks_of(house, "compliance")
    assert told.result == {"text": "quite"}
    assert len(below) == 1


async def test_a_task_left_working_is_taken_up_again_by_whoever_subscribes(kit: Any) -> None:
    runs: list[int] = []

    async def slow(run: Run, _asked: Echo) -> Echoed:
        found = await run.tool("assets.search_assets", query="x")
        runs.append(found["effect"])
        await run.progress("searched")
        if len(runs) == 1:
            kit.tools.started.set()
            await asyncio.Event().wait()
        return Echoed(text=str(found["effect"]))

    async with kit.house(assistant(kit, slow)) as house:
        streaming = asyncio.create_task(house.send(Echo()))
        await kit.tools.started.wait()
        task_id = (await tasks_of(house, "editing-assistant"))[0].id
        streaming.cancel()
        await asyncio.wait([streaming])
    (kit.root / "gateway.sqlite").unlink()  # else the agent takes it up by itself
    async with kit.house(assistant(kit, slow)) as house:
        events = [
            event
            async for event in house.client().subscribe(SubscribeToTaskRequest(id=task_id), context=house.context())
        ]
    assert events[0].task.status.state == TaskState.TASK_STATE_WORKING
    assert events[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    assert runs == [1, 1]
    assert len(kit.tools.calls) == 1


async def test_cancelling_a_task_whose_process_is_gone_cancels_what_it_delegated(kit: Any) -> None:
    async def doubtful(run: Run, _asked: Echo) -> Echoed:
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    agents = assistant(kit, hand_on), compliance(kit, doubtful)
    async with kit.house(*agents) as house:
        asked = await house.send(Echo())
    async with kit.house(*agents) as house:
        await house.client().cancel_task(CancelTaskRequest(id=asked.task.id), context=house.context())
        below = (await tasks_of(house, "compliance"))[0]
    assert below.status.state == TaskState.TASK_STATE_CANCELED


async def test_too_many_steps_and_too_long_a_chain_end_the_task(kit: Any) -> None:
    async def endless(run: Run, _asked: Echo) -> Echoed:
        while True:
            await run.tool("assets.search_assets", query="again")

    async def loop(run: Run, asked: Echo) -> Echoed:
        return await run.delegate("make-highlight", asked, Echoed)

    async with kit.house(assistant(kit, endless), limits=Limits(steps=3)) as house:
        assert (await house.send(Echo())).said["code"] == "BUDGET_EXCEEDED"
    assert len(kit.tools.calls) == 3


async def test_an_approval_is_put_before_the_gateway_and_answered_by_its_id(kit: Any) -> None:
    question = ApprovalQuestion(title="t", media=HASH, elements=HASH, clearance="clr_1", slots=(), text="May it go?")

    async def approve(run: Run, _asked: Echo) -> Echoed:
        answer = await run.ask(question)
        return Echoed(text=answer.by)

    async with kit.house(assistant(kit, approve)) as house:
        asked = await house.send(Echo())
        assert asked.said["approval"] == "apr_1"
        assert house.approvals[0]["task"] == asked.task.id
        answer = ApprovalAnswer(approval="apr_9", decision="approved", statement="s", by="person:kim")
        again = await house.send(answer, task_id=asked.task.id)
        assert again.state == "INPUT_REQUIRED"
        told = await house.send(answer.model_copy(update={"approval": "apr_1"}), task_id=asked.task.id)
    assert told.result == {"text": "person:kim"}


async def test_what_policy_passed_at_the_gateway_is_answered_at_once_and_asks_nobody(kit: Any) -> None:
    question = ApprovalQuestion(
        title="of little value", media=HASH, elements=HASH, clearance="clr_1", clearance_statement="signed", slots=()
    )

    async def approve(run: Run, _asked: Echo) -> Echoed:
        answer = await run.ask(question)
        return Echoed(text=f"{answer.by} {answer.decision} {answer.statement} {answer.approval}")

    async with kit.house(assistant(kit, approve)) as house:
        told = await house.send(Echo())
    assert told.result == {"text": "policy:low-value approved signed apr_1"}
    assert house.approvals[0]["question"]["clearance_statement"] == "signed"


async def test_an_answer_that_is_faster_than_the_question_still_reaches_it(
    kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed, early_there, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    takes_message = executor.Executor.takes_message

    async def noted(self: executor.Executor, task_id: str) -> bool:
        early_there.set()
        return await takes_message(self, task_id)

    monkeypatch.setattr(executor.Executor, "takes_message", noted)
    monkeypatch.setattr(executor, "_QUESTION_SECONDS", 100.0)

    async def slow_to_ask(run: Run, _asked: Echo) -> Echoed:
        filed.set()
        await go_on.wait()
        return Echoed(text=(await run.ask(Question(text="Sure?"))).text)

    async with kit.house(assistant(kit, slow_to_ask)) as house:
        first = asyncio.create_task(house.send(Echo()))
        await filed.wait()
        task_id = (await tasks_of(house, "editing-assistant"))[0].id
        early = asyncio.create_task(house.send(Answer(text="yes"), task_id=task_id))
        await early_there.wait()
        go_on.set()
        assert (await first).state == "INPUT_REQUIRED"
        assert (await early).result == {"text": "yes"}


async def test_a_stream_between_agents_that_breaks_is_taken_up_again_and_repeats_nothing(kit: Any) -> None:
    breaks = [asyncio.Event(), asyncio.Event()]

    def breaking(app: Any) -> Any:
        async def cut_off(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") != "/agents/compliance":
                await app(scope, receive, send)
                return
            events, first = 0, not breaks[0].is_set()

            async def counted(message: Any) -> None:
                nonlocal events
                events += message.get("body", b"").count(b"statusUpdate" if first else b"result")
                breaking = breaks[0] if first else breaks[1]
                if events > (5 if first else 0) and not breaking.is_set():
                    breaking.set()
                    raise ConnectionResetError
                await send(message)

            with contextlib.suppress(BaseException):
                await app(scope, receive, counted)

        return cut_off

    async def cells(run: Run, asked: Echo) -> Echoed:
        for number in range(60):
            await run.progress("cell", done=number + 1)
            if number in (20, 40):
                await breaks[number // 20 - 1].wait()
        return Echoed(text=asked.text)

    async with kit.house(assistant(kit, hand_on), compliance(kit, cells), wrap=breaking) as house:
        told = await house.send(Echo(text="whole"))
        below = await tasks_of(house, "compliance")
    assert told.result == {"text": "whole"}
    done = [each.done for each in told.progress]
    assert done == sorted(set(done))
    assert done[-1] == 60
    assert len(below) == 1


async def test_a_connection_to_a_server_that_is_lost_is_opened_again_and_the_call_made_once(kit: Any) -> None:
    lost: list[str] = []

    def losing(app: Any) -> Any:
        async def lose(scope: Any, receive: Any, send: Any) -> None:
            async def after_the_effect(message: Any) -> None:
                if kit.tools.calls and not lost:
                    lost.append(kit.tools.calls[0])
                    raise ConnectionResetError
                await send(message)

            answer = after_the_effect if scope.get("path", "").startswith("/mcp/") else send
            with contextlib.suppress(ConnectionResetError, ExceptionGroup):
                await app(scope, receive, answer)

        return lose

    async with kit.house(assistant(kit, search), wrap=losing) as house:
        told = await house.send(Echo(text="x"))
    assert told.result == {"text": "1"}
    assert kit.tools.calls == [lost[0]] * 2
    assert len(kit.tools.effects) == 1


async def test_every_step_is_in_a_chain_that_verifies_and_ends_with_a_signed_head(kit: Any) -> None:
    async with kit.house(assistant(kit, hand_on), compliance(kit, search)) as house:
        await house.send(Echo(text="x"))
    found = [(chain, row) for chain, row in rows(kit.root / "audit")]
    above = [(row.action, row.decision) for chain, row in found if chain == "editing-assistant"]
    below = [row for chain, row in found if chain == "compliance"]
    assert above == [
        ("accept make-highlight", "allowed"),
        ("delegate clear-rights", "allowed"),
        ("end make-highlight", "recorded"),
    ]
    assert [row.action for row in below] == ["accept clear-rights", "tool assets.search_assets", "end clear-rights"]
    assert tuple(below[1].chain) == ("agent:compliance", "agent:editing-assistant")
    report = verify(kit.root / "audit")
    assert report.ok
    assert [chain.heads for chain in report.chains] == [1, 1]


async def tasks_of(house: Any, agent: str) -> Any:
    from a2a.types.a2a_pb2 import ListTasksRequest

    return (await house.client(agent).list_tasks(ListTasksRequest(), context=house.context(agent))).tasks
