"""Nested constraints as alternatives of plain ones: `or` of `and`. Pure."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Final

from holdback_base.problem import Problem

from holdback_servers.rights.interchange.odrl_model import AnyConstraint, Constraint

Conjunction = tuple[Constraint, ...]
MOST_SCOPES: Final = 2000


def conjunctions(constraints: Iterable[AnyConstraint], tell: Callable[[str], None]) -> list[Conjunction]:
    """The constraints as alternatives, each of constraints that must all hold.

    `xone` is read as `or` and `andSequence` as `and`: both are wider than what is said, which `tell` is told.
    Raises Problem TOO_LARGE beyond `MOST_SCOPES` alternatives.
    """
    found: list[Conjunction] = [()]
    for each in constraints:
        found = [(*left, *right) for left in found for right in _alternatives(each, tell)]
        if len(found) > MOST_SCOPES:
            raise Problem("TOO_LARGE", f"A rule has over {MOST_SCOPES} alternatives.", "Split the rule.")
    return found


def _alternatives(constraint: AnyConstraint, tell: Callable[[str], None]) -> list[Conjunction]:
    if isinstance(constraint, Constraint):
        if constraint.left == "dateTime" and constraint.operator == "neq":
            return [(constraint.model_copy(update={"operator": side}),) for side in ("lt", "gt")]
        return [(constraint,)]
    parts = [_alternatives(each, tell) for each in constraint.parts]
    if constraint.logic in ("xone", "andSequence"):
        tell(constraint.text())
    if constraint.logic in ("or", "xone"):
        return [each for part in parts for each in part]
    size = 1
    for part in parts:
        size *= len(part)
    if size > MOST_SCOPES:
        raise Problem("TOO_LARGE", f"A rule has over {MOST_SCOPES} alternatives.", "Split the rule.")
    return [tuple(each for part in chosen for each in part) for chosen in product(*parts)]
