"""Questions that only a person may answer, as agents ask them.

Where a house says so, policy passes what is of low value; then the answer stands there at once.
"""

from datetime import datetime
from typing import Any, cast

from holdback_base.canonical import canonical_sha256
from holdback_base.problem import Problem
from holdback_trust import statements
from holdback_trust.identity import Caller
from holdback_trust.policy import Action
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from holdback_agents.contracts import ApprovalQuestion
from holdback_agents.gateway import store
from holdback_agents.gateway.approvals import ASK, Approvals, parsed
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.risk import AUTONOMY, Stakes, stakes_of, why_ask
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.store import Approval

MOST_OPEN = 200
"""Questions of one person that may wait at once."""


class Ask(BaseModel):
    """What an agent sends to `POST /approvals`; `agent`, when given, must be who its token names."""

    model_config = ConfigDict(extra="forbid")
    question: ApprovalQuestion
    task: str = Field(min_length=1, max_length=200)
    context: str = Field(default="", max_length=200)
    agent: str = ""


class Questions:
    """Takes questions of agents, and passes by policy what a house lets pass."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger, approvals: Approvals) -> None:
        self._services, self._registry, self._ledger, self._approvals = services, registry, ledger, approvals

    async def ask(self, caller: Caller, body: object) -> tuple[dict[str, Any], bool]:
        """Open a question; the same question of the same task again gives the one that is there, and False.

        Policy decides it at once where the house lets it; then the answer holds the statement.

        Raises:
            Problem: PERMISSION_DENIED for who is no agent of the house, holds no `approval:ask`, or asks in the name of
                another agent or task; INVALID_ARGUMENT; STATEMENT_INVALID, STATEMENT_EXPIRED or CLEARANCE_HASH_MISMATCH
                for a clearance that is not of this cut; QUARANTINED; NOT_FOUND for a story that the caller may not know
                of; TOO_LARGE when too many of the person's questions wait.
        """
        self._ledger.require(caller, Action(name="approval.ask", scope=ASK, kind="write"), task=_text(body, "task"))
        name = (caller.agent or "").removeprefix("agent:")
        if name not in self._registry.agents:
            raise Problem(
                "PERMISSION_DENIED", "Only an agent of this house asks for approval.", "Ask through an agent."
            )
        asked = parsed(Ask, body)
        try:
            stakes = self._checked(caller, name, asked)
        except Problem as problem:
            media = asked.question.media
            self._ledger.record(caller, "approval.ask", media, False, policy=problem.code, task=asked.task)
            raise
        approval, new = await self._services.database.write(lambda c: self._open(c, caller, name, asked, stakes))
        if new and approval.decided_by == AUTONOMY:
            self._ledger.record(caller, "approval.approved", approval.id, True, policy=AUTONOMY, task=approval.task)
        return self._approvals.shown(approval), new

    def _checked(self, caller: Caller, name: str, asked: Ask) -> Stakes:
        if asked.agent and asked.agent.removeprefix("agent:") != name:
            raise Problem("PERMISSION_DENIED", "The question names another agent than the token.", "Ask as yourself.")
        if caller.task is not None and caller.task.id != asked.task:
            raise Problem("PERMISSION_DENIED", "The question names another task than the token.", "Ask in your task.")
        question = asked.question
        if not question.clearance_statement:
            raise Problem(
                "INVALID_ARGUMENT",
                "question.clearance_statement: the signed clearance is missing.",
                "Send it as rights issued it; it says how valuable the cut is.",
                field="question.clearance_statement",
            )
        claims = statements.read(
            question.clearance_statement,
            statements.CLEARANCE,
            self._services.ring,
            self._services.clock(),
            statements.CLEARANCE_ISSUERS,
        )
        stakes = stakes_of(question, claims)
        stakes = stakes.model_copy(update={"story": self._approvals.story(question.media, stakes.story)})
        if not self._approvals.knows(caller, stakes.story):
            raise Problem("NOT_FOUND", f"There is no cut {question.media} here.", "Ask about a cut that you know.")
        self._services.enforcement.reaches(caller, stakes.tier).require()
        self._approvals.require_free(question.media, question.clearance, *(slot.hold for slot in question.slots))
        return stakes

    def _open(self, c: Connection, caller: Caller, name: str, asked: Ask, stakes: Stakes) -> tuple[Approval, bool]:
        now = self._services.clock()
        hidden = {"approval", "clearance_statement"}
        question = asked.question.model_dump(mode="json", exclude_none=True, exclude=hidden)
        sha256 = canonical_sha256(question)
        known = store.find_asked(c, name, asked.task, sha256, now)
        if known is not None and known.asker == caller.person:
            return known, False
        if store.count_open(c, caller.person, now) >= MOST_OPEN:
            raise Problem("TOO_LARGE", f"{MOST_OPEN} questions of {caller.person} wait already.", "Have some decided.")
        approval = Approval(
            id=self._services.new_id("apr"),
            asker=caller.person,
            scopes=tuple(sorted(store.lent(c, caller.token_id) or caller.scopes)),
            agent=name,
            task=asked.task,
            context=asked.context,
            question=question,
            question_sha256=sha256,
            asked=now,
            expires=now + self._services.question_life,
            tier=stakes.tier,
            story=stakes.story,
        )
        if not self._why_ask(c, asked.question, stakes, now):
            approval = self._approvals.decided(approval, "approved", AUTONOMY, "")
        store.insert(c, approval)
        return approval, True

    def _why_ask(self, c: Connection, question: ApprovalQuestion, stakes: Stakes, now: datetime) -> str:
        autonomy = self._services.autonomy
        if not autonomy.tier:
            return "nothing passes without a person"
        from holdback_trust.untrusted import suspicions_in

        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = store.count_decided(c, AUTONOMY, midnight)
        found = suspicions_in(question.model_dump(mode="json", exclude={"clearance_statement"}))
        return why_ask(question, stakes, autonomy, passed, [f"{each.words!r} in {at}" for at, each in found])


def _text(body: object, name: str) -> str:
    value = cast(dict[str, Any], body).get(name) if isinstance(body, dict) else None
    return value[:200] if isinstance(value, str) else ""
