"""Approvals as the gateway keeps them: who may see them, what they are signed as, and what holds them back."""

from collections.abc import Mapping
from typing import Any

from holdback_base.ids import is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust import statements
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.policy import APPROVE, Action
from pydantic import ValidationError

from holdback_agents.gateway import store
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.store import Approval

ASK = "approval:ask"
PAGE = 50
STATES = ("open", "lapsed", "approved", "rejected", "revoked")
"""That a list may be asked for."""


class Approvals:
    """Shows approvals to those who may see them, and signs them."""

    def __init__(self, services: GatewayServices, ledger: Ledger) -> None:
        self._services, self._ledger = services, ledger

    async def page(self, caller: Caller, query: Mapping[str, str]) -> dict[str, Any]:
        """Questions, the newest first: all for who may decide, else the caller's own; `cursor` goes on."""
        asker = None if self._decides(caller) else caller.person
        self._ledger.require(
            caller, Action(name="approval.list", scope=APPROVE if asker is None else _own_scope(caller))
        )
        before, state = query.get("cursor") or None, query.get("state")
        if before is not None and not is_id(before, "apr"):
            raise Problem("INVALID_ARGUMENT", "The cursor is not one of this list.", "Pass next_cursor unchanged.")
        if state is not None and state not in STATES:
            raise Problem("INVALID_ARGUMENT", f"There is no state {state}.", f"The states are {', '.join(STATES)}.")
        found = await self._services.database.read(
            lambda c: store.page(c, asker, before, PAGE + 1, lambda each: self.knows(caller, self.as_now(each).story))
        )
        now = self._services.clock()
        items = [self.shown(self.as_now(each)) for each in found[:PAGE] if state is None or each.state(now) == state]
        return {"items": items, "next_cursor": found[PAGE - 1].id if len(found) > PAGE else None}

    async def get(self, caller: Caller, identity: str) -> dict[str, Any]:
        """One question, for people. Raises Problem NOT_FOUND, also for who may not know of it, as no agent may."""
        approval = await self.find(caller, identity) if caller.agent is None else None
        if approval is None or not (self._decides(caller) or approval.asker == caller.person):
            self._ledger.record(caller, "approval.read", identity, False, policy="own-or-decides")
            raise unknown()
        self._ledger.record(caller, "approval.read", identity, True, policy="own-or-decides", task=approval.task)
        delivery = await self._services.database.read(lambda c: store.delivery_state(c, identity))
        return self.shown(approval) | ({"delivery": delivery} if delivery else {})

    async def find(self, caller: Caller, identity: str) -> Approval | None:
        """The approval of that id, for who may know of its story."""
        stored = await self._services.database.read(lambda c: store.find(c, identity))
        found = None if stored is None else self.as_now(stored)
        return found if found is not None and self.knows(caller, found.story) else None

    def as_now(self, approval: Approval) -> Approval:
        """The approval with the story that its bytes belong to by now; they may be closed long after it was asked."""
        return approval.model_copy(update={"story": self.story(approval.question["media"], approval.story)})

    def story(self, media: str, told: str | None) -> str | None:
        """The closed story that bytes belong to now, else the one that was signed."""
        return self._services.story_now(media) or told

    def knows(self, caller: Caller, story: str | None) -> bool:
        """Whether the caller may know of what belongs to the story."""
        return self._services.enforcement.knows(caller, story)

    def require_free(self, *names: str) -> None:
        """None of these is held back. Raises Problem QUARANTINED."""
        standing = self._services.enforcement.standing
        for name in names:
            if (entry := standing.quarantined(name)) is not None:
                raise Problem(
                    "QUARANTINED",
                    f"{name} is held back since {instant_text(entry.at)}: {entry.why or 'its task was stopped'}.",
                    "A person with the role security looks at it and releases it.",
                    name=name,
                )

    def decided(self, approval: Approval, decision: str, by: str, comment: str) -> Approval:
        """The approval as it is decided now, signed."""
        return approval.model_copy(
            update={
                "decision": decision,
                "decided_by": by,
                "decided": self._services.clock(),
                "comment": comment,
                "statement": self._sign(approval, decision, by),
            }
        )

    def _sign(self, approval: Approval, decision: str, by: str) -> str:
        now, question = self._services.clock(), approval.question
        slots, changes = question["slots"], question["publications"]
        return statements.sign(
            self._services.keys,
            statements.APPROVAL,
            {
                "iss": GATEWAY,
                "sub": question["media"],
                "elements": question["elements"],
                "clearance": question["clearance"],
                "question": approval.question_sha256,
                "slots": [
                    {name: each[name] for name in ("hold", "channel", "start", "availability")} for each in slots
                ],
                "publications": [
                    {name: each[name] for name in ("publication", "channel", "availability")} for each in changes
                ],
                "tier": approval.tier,
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


def parsed(model: type[Any], body: object) -> Any:
    """A request's body. Raises Problem INVALID_ARGUMENT, naming the first field that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "body"
        raise Problem(
            "INVALID_ARGUMENT", f"{where}: {first['msg']}.", "Correct the field and send it again.", field=where
        ) from None


def unknown() -> Problem:
    """What is said of an approval that is not there, or that the caller may not know of."""
    return Problem("NOT_FOUND", "There is no such approval.", "GET /approvals lists those that you may see.")
