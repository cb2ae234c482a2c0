"""Questions that only a person may answer: asked by an agent for one person, decided by another, signed, delivered."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from holdback_base.canonical import canonical_sha256
from holdback_base.ids import is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.policy import APPROVE, Action
from holdback_trust.statements import APPROVAL, sign
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from holdback_agents.contracts import ApprovalQuestion
from holdback_agents.gateway import store
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.store import Approval

ASK = "approval:ask"
MOST_OPEN = 200
"""Questions of one person that may wait at once."""
PAGE = 50


class Ask(BaseModel):
    """What an agent sends to `POST /approvals`; `agent`, when given, must be who its token names."""

    model_config = ConfigDict(extra="forbid")
    question: ApprovalQuestion
    task: str = Field(min_length=1, max_length=200)
    context: str = Field(default="", max_length=200)
    agent: str = ""


class Verdict(BaseModel):
    """What a person sends to `POST /approvals/{id}`."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["approved", "rejected"]
    comment: str = Field(default="", max_length=4000)


class Approvals:
    """Asks, shows and decides. What was decided is kept together with the duty to deliver it."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger) -> None:
        self._services, self._registry, self._ledger = services, registry, ledger

    async def ask(self, caller: Caller, body: object) -> tuple[dict[str, Any], bool]:
        """Open a question; the same question of the same task again gives the one that is there, and False.

        Raises:
            Problem: PERMISSION_DENIED for who is no agent of the house or holds no `approval:ask`, INVALID_ARGUMENT,
                TOO_LARGE when too many of the person's questions wait.
        """
        self._ledger.require(caller, Action(name="approval.ask", scope=ASK, kind="write"), task=_text(body, "task"))
        name = (caller.agent or "").removeprefix("agent:")
        if name not in self._registry.agents:
            raise Problem(
                "PERMISSION_DENIED", "Only an agent of this house asks for approval.", "Ask through an agent."
            )
        asked = _parsed(Ask, body)
        if asked.agent and asked.agent.removeprefix("agent:") != name:
            raise Problem("PERMISSION_DENIED", "The question names another agent than the token.", "Ask as yourself.")
        return await self._services.database.write(lambda c: self._open(c, caller, name, asked))

    def _open(self, c: Connection, caller: Caller, name: str, asked: Ask) -> tuple[dict[str, Any], bool]:
        now = self._services.clock()
        question = asked.question.model_dump(mode="json", exclude_none=True, exclude={"approval"})
        sha256 = canonical_sha256(question)
        known = store.find_asked(c, name, asked.task, sha256, now)
        if known is not None and known.asker == caller.person:
            return self.shown(known), False
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
        )
        store.insert(c, approval)
        return self.shown(approval), True

    async def page(self, caller: Caller, query: Mapping[str, str]) -> dict[str, Any]:
        """Questions, the newest first: all for who may decide, else the caller's own; `cursor` goes on."""
        asker = None if self._decides(caller) else caller.person
        self._ledger.require(
            caller, Action(name="approval.list", scope=APPROVE if asker is None else _own_scope(caller))
        )
        before = query.get("cursor") or None
        if before is not None and not is_id(before, "apr"):
            raise Problem("INVALID_ARGUMENT", "The cursor is not one of this list.", "Pass next_cursor unchanged.")
        found = await self._services.database.read(lambda c: store.page(c, asker, before, PAGE + 1))
        state = query.get("state")
        now = self._services.clock()
        items = [self.shown(each) for each in found[:PAGE] if state is None or each.state(now) == state]
        return {"items": items, "next_cursor": found[PAGE - 1].id if len(found) > PAGE else None}

    async def get(self, caller: Caller, identity: str) -> dict[str, Any]:
        """One question. Raises Problem NOT_FOUND, also for who may not know of it."""
        approval = await self._services.database.read(lambda c: store.find(c, identity))
        if approval is None or not (self._decides(caller) or approval.asker == caller.person):
            self._ledger.record(caller, "approval.read", identity, False, policy="own-or-decides")
            raise _unknown()
        self._ledger.record(caller, "approval.read", identity, True, policy="own-or-decides", task=approval.task)
        delivery = await self._services.database.read(lambda c: store.delivery_state(c, identity))
        return self.shown(approval) | ({"delivery": delivery} if delivery else {})

    async def decide(self, caller: Caller, identity: str, body: object) -> dict[str, Any]:
        """Decide once; the same decision again gives the same statement.

        Raises:
            Problem: NOT_FOUND; PERMISSION_DENIED for an agent or without `approval:decide`; SEPARATION_OF_DUTIES for
                who asked; CONFLICT when it was decided otherwise, or has lapsed.
        """
        verdict = _parsed(Verdict, body)
        found = await self._services.database.read(lambda c: store.find(c, identity))
        action = Action(
            name="approval.decide",
            scope=APPROVE,
            resource=identity,
            kind="write",
            asked_by=found.asker if found else "",
        )
        self._ledger.require(caller, action, task=found.task if found else "")
        if found is None:
            raise _unknown()
        decided = await self._services.database.write(lambda c: self._settle(c, caller, identity, verdict))
        self._ledger.record(
            caller, f"approval.{decided.decision}", identity, True, policy="separation-of-duties", task=decided.task
        )
        return {
            "id": identity,
            "decision": decided.decision,
            "statement": decided.statement,
            "by": decided.decided_by,
            "comment": decided.comment,
        }

    def _settle(self, c: Connection, caller: Caller, identity: str, verdict: Verdict) -> Approval:
        approval = store.find(c, identity)
        if approval is None:
            raise _unknown()
        now = self._services.clock()
        if approval.decision == verdict.decision:
            return approval
        if approval.decision is not None:
            raise Problem(
                "CONFLICT",
                f"It was {approval.decision} by {approval.decided_by} already.",
                "A decision stands; have the agent ask again to decide anew.",
                decision=approval.decision,
            )
        if now >= approval.expires:
            raise Problem(
                "CONFLICT",
                f"The question lapsed at {instant_text(approval.expires)}.",
                "Have the agent ask again.",
                state="lapsed",
            )
        decided = approval.model_copy(
            update={
                "decision": verdict.decision,
                "decided_by": caller.person,
                "decided": now,
                "comment": verdict.comment,
                "statement": self._sign(approval, verdict.decision, caller.person),
            }
        )
        store.settle(c, decided)
        return decided

    def _sign(self, approval: Approval, decision: str, by: str) -> str:
        now = self._services.clock()
        return sign(
            self._services.keys,
            APPROVAL,
            {
                "iss": GATEWAY,
                "sub": approval.question["media"],
                "elements": approval.question["elements"],
                "clearance": approval.question["clearance"],
                "question": approval.question_sha256,
                "decision": decision,
                "by": by,
                "for": approval.asker,
                "iat": int(now.timestamp()),
                "exp": int((now + self._services.approval_life).timestamp()),
                "jti": approval.id,
            },
        )

    def _decides(self, caller: Caller) -> bool:
        return caller.agent is None and APPROVE in caller.scopes

    def shown(self, approval: Approval) -> dict[str, Any]:
        """The question as people and agents see it."""
        shape = approval.model_dump(mode="json", exclude={"scopes"}, exclude_none=True)
        shape["question"] = {**shape["question"], "approval": approval.id}
        return shape | {"state": approval.state(self._services.clock())}


def _own_scope(caller: Caller) -> str:
    return ASK if ASK in caller.scopes else "registry:read"


def _parsed(model: type[Any], body: object) -> Any:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "body"
        raise Problem(
            "INVALID_ARGUMENT", f"{where}: {first['msg']}.", "Correct the field and send it again.", field=where
        ) from None


def _text(body: object, name: str) -> str:
    value = cast(dict[str, Any], body).get(name) if isinstance(body, dict) else None
    return value[:200] if isinstance(value, str) else ""


def _unknown() -> Problem:
    return Problem("NOT_FOUND", "There is no such approval.", "GET /approvals lists those that you may see.")
