"""The enforcement point: what every door, agent and route asks before anything is done, and tells afterwards.

In the words of NIST SP 800-207: this is the policy enforcement point of a party, `policy` the decision point beside it.
"""

import logging
from collections.abc import Mapping
from typing import Any

from holdback_base.ids import Clock, system_clock

from holdback_trust.identity import Caller
from holdback_trust.policy import OWN, Action, Decision, Policies, denied
from holdback_trust.standing import Standing

__all__ = ["Enforcement"]

log = logging.getLogger(__name__)


class Enforcement:
    """One a process, shared by all that stands in it. Denies whatever nothing allows, and whatever cannot be judged.

    Args:
        standing: how everybody stands now.
        policies: those of the house.
        clock: the present instant; windows of tasks end by it.
    """

    def __init__(
        self, standing: Standing | None = None, *, policies: Policies = OWN, clock: Clock = system_clock
    ) -> None:
        self.standing = standing or Standing()
        self.policies, self._clock = policies, clock

    def judge(self, caller: Caller | None, action: Action, arguments: Mapping[str, Any]) -> Decision:
        """Whether this call may be made: standing, then policy, then guardian. Nothing is done yet."""
        del arguments
        try:
            refusal = None if caller is None else self.standing.refusal(caller)
            if refusal is not None:
                return denied(refusal.code, refusal.message, "standing", refusal.hint, **refusal.details)
            return self.policies.decide(caller, action, self._clock())
        except Exception:
            log.exception("%s could not be judged, so it is denied", action.name)
            return denied("PERMISSION_DENIED", f"{action.name} could not be judged, so it is not allowed.", "judging")

    def settled(self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: Any) -> None:
        """What came of a call: the code of its problem, or nothing and its result."""

    def knows(self, caller: Caller, story: str | None, network: str = "") -> bool:
        """Whether the caller may know of what belongs to a closed story; always for what belongs to none."""
        return story is None or self.policies.knows(caller, story, self._clock(), network).allowed

    def reaches(self, caller: Caller, tier: int, network: str = "") -> Decision:
        """Whether the caller may cut, render, clear or publish material of a value tier: an agent of level 100 tier 1,
        of 200 tier 2, of 300 tier 3."""
        return self.policies.reaches(caller, tier, self._clock(), network)
