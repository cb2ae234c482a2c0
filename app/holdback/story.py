"""One brief from a person's desk to its end: sent, followed, answered, approved by somebody else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from a2a.types.a2a_pb2 import Task, TaskState
from holdback_agents.contracts import (
    Answer,
    ApprovalAnswer,
    ApprovalQuestion,
    Highlight,
    HighlightDraft,
    Progress,
    Question,
)
from holdback_agents.runtime.parts import data_part, find_part, message, problem_of, result_of, text_part
from holdback_agents.runtime.peers import Listener
from holdback_agents.runtime.task_store import WAITING
from holdback_base.problem import Problem

from holdback.desk import Desk
from holdback.telling import Teller

AGENT, SKILL = "editing-assistant", "make-highlight"
Approve = Callable[[ApprovalQuestion], Awaitable[None]]
"""Has a person decide about the question at the gateway."""


@dataclass(frozen=True)
class Told:
    """How it ended: the highlight, in which task and story."""

    highlight: Highlight
    task: str
    story: str


@dataclass(frozen=True)
class Unfinished:
    """It ended without a publication: of what, and how far it had got, if there was a cut."""

    problem: Problem
    draft: HighlightDraft | None
    task: str
    story: str


async def tell_brief(
    desk: Desk, text: str, teller: Teller, new_id: Callable[[str], str], approve: Approve, *, asks: bool
) -> Told | Unfinished:
    """Send the brief, show its progress, and see it through.

    Args:
        desk: of the person who asks.
        text: the brief in words.
        approve: called with the question for approval.
        asks: whether somebody is there to answer what the brief leaves open.

    Returns:
        The highlight; or what the task failed of or was rejected for.

    Raises:
        Problem: BRIEF_INCOMPLETE when nobody is there to answer.
    """

    async def progress(report: Progress) -> None:
        teller.progress(report)

    async def begun(_task: str) -> None:
        return None

    peer, listener = desk.peer(AGENT), Listener(begun, progress)
    task = await desk.peers.converse(peer, message([text_part(text)], message_id=new_id("evt"), skill=SKILL), listener)
    try:
        while task.status.state in WAITING:
            parts = task.status.message.parts
            approval = find_part(parts, ApprovalQuestion, ApprovalQuestion.schema_uri())
            if approval is not None:
                await approve(approval)
                task = await desk.peers.follow(peer, task.id, listener)
                continue
            words = _asked(find_part(parts, Question, Question.schema_uri()))
            if not asks:
                await desk.peers.cancel(peer, task.id)
                raise Problem("BRIEF_INCOMPLETE", words, "Say it in the brief, or run this on a terminal.")
            answer = Answer(text=await asyncio.to_thread(teller.ask, words))
            reply = message([data_part(answer)], message_id=new_id("evt"), task_id=task.id)
            task = await desk.peers.converse(peer, reply, listener)
    except asyncio.CancelledError:
        await asyncio.shield(desk.peers.cancel(peer, task.id))
        raise
    return _told(task)


def _asked(question: Question | None) -> str:
    return question.text if question else "The assistant asks something that this program does not understand."


def _told(task: Task) -> Told | Unfinished:
    if task.status.state == TaskState.TASK_STATE_COMPLETED:
        highlight = result_of(task, Highlight, Highlight.schema_uri())
        if highlight is not None:
            return Told(highlight, task.id, task.context_id)
    problem = problem_of(task, Problem("INTERNAL", "The task ended without a highlight.", "See the audit log."))
    draft = result_of(task, HighlightDraft, HighlightDraft.schema_uri())
    return Unfinished(problem, draft, task.id, task.context_id)


async def decide(
    approver: Desk, question: ApprovalQuestion, decision: str, comment: str, otp: str = ""
) -> ApprovalAnswer:
    """A person decides at the gateway; `otp` are the digits of a second factor, which what is valuable takes.

    Raises Problem, such as SEPARATION_OF_DUTIES or SECOND_FACTOR_NEEDED.
    """
    body: dict[str, Any] = {"decision": decision, "comment": comment}
    answer = await approver.person.ask("POST", f"/approvals/{question.approval}", "approval:decide", otp, json=body)
    return ApprovalAnswer(
        approval=question.approval,
        decision=answer["decision"],
        statement=answer["statement"],
        by=answer["by"],
        comment=answer.get("comment") or "",
    )


async def revoke(desk: Desk, approval: str, reason: str) -> None:
    """A person takes an approval back. Raises Problem, such as SEPARATION_OF_DUTIES for who asked."""
    await desk.person.ask("POST", f"/approvals/{approval}/revoke", "approval:decide", json={"reason": reason})
