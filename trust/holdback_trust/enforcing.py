"""The enforcement point: what every door, agent and route asks before anything is done, and tells afterwards.

In the words of NIST SP 800-207: this is the policy enforcement point of a party, `policy` the decision point beside it.
"""

from collections.abc import Mapping
from typing import Any

from holdback_trust.identity import Caller
from holdback_trust.policy import Action, Decision, decide
from holdback_trust.standing import Standing

__all__ = ["Enforcement"]


class Enforcement:
    """One a process, shared by all that stands in it. Denies whatever nothing allows."""

    def __init__(self, standing: Standing | None = None) -> None:
        self.standing = standing or Standing()

    def judge(self, caller: Caller | None, action: Action, arguments: Mapping[str, Any]) -> Decision:
        """Whether this call may be made: standing, then policy, then guardian. Nothing is done yet."""
        del arguments
        return decide(caller, action)

    def settled(self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: Any) -> None:
        """What came of a call: the code of its problem, or nothing and its result."""

    def knows(self, caller: Caller, story: str | None) -> bool:
        """Whether the caller may know of what belongs to a closed story; always for what belongs to none."""
        return story is None or story in caller.stories
