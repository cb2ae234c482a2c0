"""The enforcement point: what every door, agent and route asks before anything is done, and tells afterwards.

In the words of NIST SP 800-207: this is the policy enforcement point of a party, `policy` the decision point beside it.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from holdback_base.ids import Clock, system_clock

from holdback_trust.guardian.reading import Said, read_call
from holdback_trust.identity import Caller
from holdback_trust.policy import OWN, Action, Decision, Policies, denied
from holdback_trust.standing import Standing
from holdback_trust.tasks import Things, ids_asked, ids_of_answer

__all__ = ["Enforcement", "Guard"]

log = logging.getLogger(__name__)


class Guard(Protocol):
    """Who watches over agents, beside policy; can forbid and never allow."""

    def judge(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], said: Said | None, at: datetime
    ) -> Decision | None:
        """Why a call that policy allows is not made all the same, or None; `said` is what its arguments say, where they
        were read already, and `at` the present instant."""
        ...

    def settled(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: bytes | None
    ) -> None:
        """What came of a call, also of one that was denied: the code of its problem, or nothing and its result."""
        ...


class Enforcement:
    """One a process, shared by all that stands in it. Denies whatever nothing allows, and whatever cannot be judged.

    Args:
        standing: how everybody stands now.
        policies: those of the house.
        things: what each task was shown.
        guard: who watches over agents.
        clock: the present instant; windows of tasks end by it.
    """

    def __init__(
        self,
        standing: Standing | None = None,
        *,
        policies: Policies = OWN,
        things: Things | None = None,
        guard: Guard | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.standing = standing or Standing(clock=clock)
        self.policies, self.things, self.guard, self._clock = policies, things or Things(clock=clock), guard, clock

    def placed(self, caller: Caller, scope: Mapping[str, Any]) -> Caller:
        """The caller with the address that an ASGI request came from, where a policy of the house looks at it."""
        client = scope.get("client")
        if not client or not self.policies.asks_where:
            return caller
        return caller.model_copy(update={"network": client[0]})

    def judge(self, caller: Caller | None, action: Action, arguments: Mapping[str, Any]) -> Decision:
        """Whether this call may be made: standing, then policy, then guard. Nothing is done yet.

        An agent is asked about every id that its arguments name: what its task was never shown is not there.
        """
        try:
            decision = self._judged(caller, action, arguments)
            if not decision.allowed and caller is not None and self.guard is not None:
                self.guard.settled(caller, action, arguments, decision.code, None)
        except Exception:
            log.exception("%s could not be judged, so it is denied", action.name)
            return denied("PERMISSION_DENIED", f"{action.name} could not be judged, so it is not allowed.", "judging")
        return decision

    def _judged(self, caller: Caller | None, action: Action, arguments: Mapping[str, Any]) -> Decision:
        if caller is None:
            return self.policies.decide(None, action, self._clock())
        refusal = self.standing.refusal(caller)
        if refusal is not None:
            return denied(refusal.code, refusal.message, "standing", refusal.hint, **refusal.details)
        said = None if caller.agent is None else read_call(arguments)
        if said is not None and self._strange(caller, arguments, said):
            action = action.model_copy(update={"strange": True})
        now = self._clock()
        decision = self.policies.decide(caller, action, now)
        if decision.allowed and self.guard is not None:
            return self.guard.judge(caller, action, arguments, said, now) or decision
        return decision

    def _strange(self, caller: Caller, arguments: Mapping[str, Any], said: Said) -> bool:
        if not arguments or caller.task is None:
            return False
        names = ids_asked(arguments, said.text.decode(), said.names)
        return bool(names) and bool(self.things.strange(caller.task.root, names))

    def settled(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: bytes | None
    ) -> None:
        """What came of a call that was allowed: the code of its problem, or nothing and its result as compact JSON.

        An agent's task has been shown what the result gives as ids.
        """
        if caller.task is not None and not code and result:
            self.things.show(caller.task.root, ids_of_answer(result))
        if self.guard is not None:
            self.guard.settled(caller, action, arguments, code, result)

    def shown(self, root: str, names: Iterable[str]) -> None:
        """A root task was shown these: the ids in the request of the person who began it, or who answered it."""
        self.things.show(root, names)

    def knows(self, caller: Caller, story: str | None, network: str = "") -> bool:
        """Whether the caller may know of what belongs to a closed story; always for what belongs to none."""
        return story is None or self.policies.knows(caller, story, self._clock(), network).allowed

    def reaches(self, caller: Caller, tier: int, network: str = "") -> Decision:
        """Whether the caller may cut, render, clear or publish material of a value tier: an agent of level 100 tier 1,
        of 200 tier 2, of 300 tier 3."""
        return self.policies.reaches(caller, tier, self._clock(), network)
