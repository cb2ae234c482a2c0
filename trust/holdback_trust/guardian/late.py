"""A guardian for a process that will hardly need one: made when the first agent calls or something is held back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from holdback_trust.guardian.reading import Said
from holdback_trust.identity import Caller
from holdback_trust.policy import Action, Decision
from holdback_trust.standing import Standing

if TYPE_CHECKING:
    from holdback_trust.guardian.guardian import Guardian


class LateGuardian:
    """Judges as the guardian does that `make` makes; of a person's call only what is held back matters."""

    def __init__(self, standing: Standing, make: "Callable[[], Guardian]") -> None:
        self._standing, self._make = standing, make

    @cached_property
    def _guardian(self) -> "Guardian":
        return self._make()

    def judge(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], said: Said | None, at: datetime
    ) -> Decision | None:
        """As `Guardian.judge`."""
        if caller.agent is None and not self._standing.quarantine:
            return None
        return self._guardian.judge(caller, action, arguments, said, at)

    def settled(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: bytes | None
    ) -> None:
        """As `Guardian.settled`."""
        if caller.agent is not None:
            self._guardian.settled(caller, action, arguments, code, result)
