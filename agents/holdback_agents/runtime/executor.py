"""Runs workflows as A2A tasks: begins, resumes, replays, ends and cancels them.

The coroutine of a task lives here, not in the request: it goes on when the asker hangs up, waits through questions, and
is begun again over the journal when the process that held it is gone.
"""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
from a2a.server.events import EventQueue
from a2a.types.a2a_pb2 import Message, Role, Task, TaskState
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust.audit import AuditLog

from holdback_agents.contracts import SKILL_EXTENSION
from holdback_agents.runtime.agent import Agent, Limits, Skill
from holdback_agents.runtime.brain import Brain
from holdback_agents.runtime.conversation import Conversation
from holdback_agents.runtime.errands import Errand, Ways, cancel_job
from holdback_agents.runtime.heads import Heads
from holdback_agents.runtime.house import Session, Work
from holdback_agents.runtime.journal import Journal, Step
from holdback_agents.runtime.parts import MOST_THINGS, artifact, problem_parts, progress_of, things_in
from holdback_agents.runtime.run import Run
from holdback_agents.runtime.steps import Steps
from holdback_agents.runtime.task_store import RECEIPT, Receipt, is_answered
from holdback_agents.runtime.understanding import (
    ROOT,
    STARTED,
    Rejected,
    asked_of,
    read_request,
    skill_for,
    skill_of,
    started_of,
)

_log = logging.getLogger(__name__)
SESSION = "holdback.session"
"""Where a call's context carries for whom it is made."""
POLICY = "holdback.policy"
"""Where a call's context carries the policy that let it in."""
_ENDED_KEPT = 1024
_QUESTION_SECONDS = 5.0


@dataclass(eq=False)
class _Live:
    """A task whose coroutine is in this process."""

    run: Run
    skill: Skill
    driver: "asyncio.Task[None]"


@dataclass(frozen=True)
class Backstage:
    """What an executor needs beside the agent itself."""

    ways: Ways
    journal: Journal
    audit: AuditLog
    heads: Heads
    brain: Brain
    clock: Clock
    new_id: NewId
    limits: Limits


class Executor(AgentExecutor):
    """The SDK's port to one agent's workflows."""

    def __init__(self, agent: Agent, backstage: Backstage) -> None:
        self._agent, self._backstage = agent, backstage
        self._live: dict[str, _Live] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def is_here(self, task_id: str) -> bool:
        """Whether the task's coroutine is in this process, or was until a moment ago.

        A coroutine that has ended may be ahead of what is stored: its last events are still on their way there.
        """
        return task_id in self._live or task_id in self._ended

    async def takes_message(self, task_id: str) -> bool:
        """Whether a further message may reach the task: it waits for one, or its coroutine is to be begun again.

        A task that is about to ask is given a moment: whoever decides an approval may be faster than the question.
        """
        live = self._live.get(task_id)
        if live is not None and not live.run.talk.waits:
            with suppress(TimeoutError):
                await asyncio.wait_for(live.run.talk.settled.wait(), _QUESTION_SECONDS)
            live = self._live.get(task_id)
            return live is not None and live.run.talk.waits
        return live is not None or task_id not in self._ended

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Take a message: begin, answer, or take up again. Returns when the task has ended or waits."""
        task_id = context.task_id or ""
        if task_id in self._ended:
            return
        live = self._live.get(task_id)
        if live is None:
            live = await self._begin(context, event_queue)
        else:
            session = _session(context, live.skill, _asked(context), context.message)
            live.run.talk.resume(session, event_queue, context.message)
        await live.run.talk.settled.wait()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Stop the workflow and all that it started elsewhere, then say that it is cancelled."""
        live = self._live.get(context.task_id or "")
        session = session_of(context.call_context)
        if live is None:
            await self._cancel_orphan(context, event_queue)
            return
        talk = live.run.talk
        talk.cancelling = True  # before anything downstream hears of it: its CANCELED must not look like a failure
        talk.redirect(replace(session, work=talk.session.work), event_queue)
        live.driver.cancel()
        await asyncio.wait([live.driver])

    async def aclose(self) -> None:
        """Let go of every workflow where it stands; they can be taken up again from the journal."""
        lives = list(self._live.values())
        for live in lives:
            live.driver.cancel()
        if lives:
            await asyncio.wait([live.driver for live in lives])
        await self._backstage.heads.aclose()

    async def _begin(self, context: RequestContext, queue: EventQueue) -> _Live:
        task, message = context.current_task, context.message
        asked = message if task is None else asked_of(task)
        if asked is None:
            raise ValueError("a task cannot begin without a message")
        skill = self._skill(task, asked)
        known = {} if task is None else await self._backstage.journal.of_task(task.id)
        answer = message if message is not None or task is None or not is_answered(task) else task.history[-1]
        run = self._run(context, queue, known, _session(context, skill, asked, answer))
        receipt: Receipt | None = None
        if task is None:
            receipt = context.call_context.state.get(RECEIPT)
            caller = run.talk.session.caller
            root, given_by = (run.task_id, "") if caller.task is None else (caller.task.root, caller.task.id)
            told = {SKILL_EXTENSION: skill.id, STARTED: instant_text(run.started), ROOT: root}
            await run.talk.begin(asked, told)
            decides_with = "; ".join(
                each.text for each in (*self._agent.configurations, self._backstage.brain.configuration)
            )
            accepted = f"accept {skill.id}"
            policy = str(context.call_context.state.get(POLICY, ""))
            run.steps.record(caller, accepted, "allowed", policy, resource=given_by, configuration=decides_with)
        elif task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED:
            left = message is None and answer is not None and task.history[-2].role == Role.ROLE_AGENT
            run.talk.resume(run.talk.session, queue, answer, to=task.history[-2] if left else None)
        driver = asyncio.create_task(self._drive(run, skill, asked, receipt), name=f"workflow:{run.task_id}")
        live = _Live(run, skill, driver)
        self._live[run.task_id] = live
        return live

    def _run(self, context: RequestContext, queue: EventQueue, known: dict[int, Step], session: Session) -> Run:
        task, back = context.current_task, self._backstage
        told = None if task is None else progress_of(task.metadata)
        talk = Conversation(
            context.task_id or "",
            context.context_id or "",
            session,
            queue,
            clock=back.clock,
            new_id=back.new_id,
            seq=0 if told is None else told.seq,
        )
        steps = Steps(talk.task_id, self._agent.audience, back.journal, back.audit, known=known, most=back.limits.steps)
        return Run(self._agent, back.ways, back.brain, talk, steps, back.clock() if task is None else started_of(task))

    def _skill(self, task: Task | None, asked: Message) -> Skill:
        skill = self._agent.by_id.get(skill_of(task)) if task is not None else skill_for(self._agent, asked)
        if skill is None:
            raise Problem("NOBODY_OFFERS", f"{self._agent.name} has no such skill.")
        return skill

    async def _drive(self, run: Run, skill: Skill, asked: Message, receipt: Receipt | None) -> None:
        talk = run.talk
        state, problem = TaskState.TASK_STATE_COMPLETED, None
        try:
            if receipt is not None:
                await asyncio.wait([receipt.saved])  # no effect before the task itself is on disk
            await self._play(run, skill, asked)
        except asyncio.CancelledError:
            if not talk.cancelling:  # this process ends: the task stays as it is, to be taken up again
                self._live.pop(run.task_id, None)
                raise
        except Rejected as rejected:
            state, problem = TaskState.TASK_STATE_REJECTED, rejected.problem
        except Problem as failed:
            state, problem = TaskState.TASK_STATE_FAILED, failed
        except Exception:
            _log.exception("task %s: the workflow %s broke", run.task_id, skill.id)
            state = TaskState.TASK_STATE_FAILED
            problem = Problem("INTERNAL", f"{self._agent.name} failed.", "Try again; its log says why.")
        if talk.cancelling:
            state, problem = TaskState.TASK_STATE_CANCELED, None
        await self._finish(run, skill, state, problem)

    async def _finish(self, run: Run, skill: Skill, state: TaskState, problem: Problem | None) -> None:
        try:
            if state != TaskState.TASK_STATE_COMPLETED:
                await run.steps.stop()
            said = "" if problem is None else problem.code
            name = TaskState.Name(state).removeprefix("TASK_STATE_").lower()
            run.steps.record(run.talk.session.caller, f"end {skill.id}", "recorded", said, resource=name)
            self._backstage.heads.sign(run.task_id)
        finally:
            self._live.pop(run.task_id, None)
            self._ended[run.task_id] = None
            if len(self._ended) > _ENDED_KEPT:
                self._ended.popitem(last=False)
            await run.talk.end(state, [] if problem is None else problem_parts(problem))
            run.talk.settled.set()

    async def _play(self, run: Run, skill: Skill, asked: Message) -> None:
        limit = self._backstage.limits.chain
        if len(run.talk.session.caller.chain) >= limit:
            raise Rejected(
                Problem("BUDGET_EXCEEDED", f"More than {limit} agents would stand between person and effect.")
            )
        request = await read_request(run, skill, asked)
        result = await skill.workflow(run, request)
        reply = skill.reply(result)
        await run.talk.artifact(artifact(reply.parts, artifact_id=reply.name, name=reply.name))

    async def _cancel_orphan(self, context: RequestContext, queue: EventQueue) -> None:
        task = context.current_task
        if task is None:
            return
        known = await self._backstage.journal.of_task(task.id)
        skill = self._skill(task, asked_of(task))
        run = self._run(context, queue, known, _session(context, skill, asked_of(task)))
        run.talk.cancelling = True
        ways, talk = self._backstage.ways, run.talk
        for number, step in run.steps.open_notes().items():
            note = step.body
            if step.kind == "job":
                server, job_id = str(note["server"]), str(note["job"])
                run.steps.stoppable(number, lambda s=server, j=job_id: cancel_job(ways, talk, s, j))
            elif step.kind == "delegate":
                errand = Errand(ways, talk, run.steps, number, self._agent.name, str(note["skill"]))
                run.steps.stoppable(number, lambda e=errand, t=str(note["task"]): e.cancel(t))
        await self._finish(run, skill, TaskState.TASK_STATE_CANCELED, None)


def _asked(context: RequestContext) -> Message | None:
    return None if context.current_task is None else asked_of(context.current_task)


def _session(context: RequestContext, skill: Skill, *said: Message | None) -> Session:
    """For whom a call is made, and for which task: it may name what was said at its beginning and what is said now, for
    no token may have been asked for in between."""
    things = dict.fromkeys(each for message in said if message is not None for each in things_in(message))
    work = Work(context.task_id or "", skill.id, context.context_id or "", tuple(things)[:MOST_THINGS])
    return replace(session_of(context.call_context), work=work)


def session_of(context: ServerCallContext) -> Session:
    """For whom a call is made. Raises Problem UNAUTHENTICATED where nobody checked."""
    session = context.state.get(SESSION)
    if not isinstance(session, Session):
        raise Problem("UNAUTHENTICATED", "Nobody is named as asking.")
    return session
