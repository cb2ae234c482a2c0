"""Who and what no longer counts in a house, though its token is still good: suspended, revoked, ended, quarantined."""

from holdback_base.problem import Problem

from holdback_trust.identity import Caller


class Standing:
    """How everybody stands now. One a process; all of a house's processes see the same."""

    def refusal(self, caller: Caller) -> Problem | None:
        """Why nothing of this caller counts any more, or None. Asked before every call: it must cost microseconds."""
        del caller
        return None
