"""What people decide about questions, and what they take back."""

from typing import Any, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.keys import sign_jws
from holdback_trust.policy import APPROVE, Action
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from holdback_agents.gateway import store
from holdback_agents.gateway.approvals import Approvals, parsed, unknown
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.store import Approval

STATUS = "status+jwt"
STATUS_SECONDS = 60


class Verdict(BaseModel):
    """What a person sends to `POST /approvals/{id}`."""

    model_config = ConfigDict(extra="forbid")
    decision: Literal["approved", "rejected"]
    comment: str = Field(default="", max_length=4000)


class Withdrawal(BaseModel):
    """What a person sends to `POST /approvals/{id}/revoke`."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500)


class Verdicts:
    """Decides and takes back. What was decided is kept together with the duty to deliver it."""

    def __init__(self, services: GatewayServices, ledger: Ledger, approvals: Approvals) -> None:
        self._services, self._ledger, self._approvals = services, ledger, approvals

    async def decide(self, caller: Caller, identity: str, body: object) -> dict[str, Any]:
        """Decide once; the same decision again gives the same statement.

        Raises:
            Problem: NOT_FOUND; PERMISSION_DENIED for an agent or without `approval:decide`; SEPARATION_OF_DUTIES for
                who asked; SECOND_FACTOR_NEEDED for a yes to what is valuable; QUARANTINED; CONFLICT when it was decided
                otherwise, taken back, or has lapsed.
        """
        verdict = parsed(Verdict, body)
        yes = verdict.decision == "approved"
        found = await self._may_decide(caller, identity, "approval.decide", factor=yes)
        if yes:
            self._check_free(caller, found)
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

    async def revoke(self, caller: Caller, identity: str, body: object) -> dict[str, Any]:
        """Take an approval back, for good: nothing is committed under it any more, what waits does not go up, what is
        on show comes down. Whoever may decide may, but for who asked. Taking it back again changes nothing.

        Raises:
            Problem: NOT_FOUND; PERMISSION_DENIED; SEPARATION_OF_DUTIES; CONFLICT for what is not approved.
        """
        given = parsed(Withdrawal, body)
        await self._may_decide(caller, identity, "approval.revoke")
        revoked = await self._services.database.write(lambda c: self._take_back(c, caller, identity, given.reason))
        self._ledger.record(
            caller, "approval.revoked", identity, True, policy="separation-of-duties", task=revoked.task
        )
        return self._approvals.shown(revoked)

    async def status(self, identity: str) -> str:
        """How an approval stands, for whoever relies on it: a signed `status+jwt` of `valid`, `revoked` or `unknown`,
        good for a minute. Whether it is still valid in time is in the approval itself."""
        found = await self._services.database.read(lambda c: store.approval_status(c, identity))
        issued = int(self._services.clock().timestamp())
        claims = {"iss": GATEWAY, "sub": identity, "status": found, "iat": issued, "exp": issued + STATUS_SECONDS}
        return sign_jws(self._services.keys, STATUS, claims)

    async def _may_decide(self, caller: Caller, identity: str, name: str, *, factor: bool = False) -> Approval:
        """The approval, for who may decide about it; `factor` where a yes to what is valuable is meant."""
        found = await self._approvals.find(caller, identity)
        action = Action(name=name, scope=APPROVE, resource=identity, kind="write", asked_by="")
        if found is not None:
            facts: dict[str, Any] = {"asked_by": found.asker, "tier": found.tier, "story": found.story}
            facts["factor_needed"] = factor and self._services.autonomy.needs_factor(found.tier)
            action = action.model_copy(update=facts)
        self._ledger.require(caller, action, task=found.task if found else "")
        if found is None:
            raise unknown()
        return found

    def _check_free(self, caller: Caller, found: Approval) -> None:
        question = found.question
        try:
            holds = (slot["hold"] for slot in question["slots"])
            self._approvals.require_free(question["media"], question["clearance"], *holds)
        except Problem:
            self._ledger.record(caller, "approval.decide", found.id, False, policy="quarantine", task=found.task)
            raise

    def _settle(self, c: Connection, caller: Caller, identity: str, verdict: Verdict) -> Approval:
        approval = store.find(c, identity)
        if approval is None:
            raise unknown()
        now = self._services.clock()
        if approval.revoked is not None:
            raise _taken_back(approval)
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
        decided = self._approvals.decided(approval, verdict.decision, caller.person, verdict.comment)
        store.settle(c, decided)
        return decided

    def _take_back(self, c: Connection, caller: Caller, identity: str, reason: str) -> Approval:
        approval = store.find(c, identity)
        if approval is None:
            raise unknown()
        if approval.revoked is not None:
            return approval
        if approval.decision != "approved":
            raise Problem(
                "CONFLICT",
                f"{identity} is {approval.state(self._services.clock())}; only what is approved is taken back.",
                "Reject it while it is open.",
                state=approval.state(self._services.clock()),
            )
        now = self._services.clock()
        revoked = approval.model_copy(update={"revoked": now, "revoked_by": caller.person, "revoked_why": reason})
        store.revoke(c, revoked)
        return revoked


def _taken_back(approval: Approval) -> Problem:
    return Problem(
        "CONFLICT",
        f"{approval.id} was taken back by {approval.revoked_by}: {approval.revoked_why}.",
        "Have the agent ask again to decide anew.",
        state="revoked",
    )
