"""Whether a constraint of ODRL holds in a world: yes, no, or not known. Pure.

A world that says nothing of a left operand leaves the answer open, and what is open never permits.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from holdback_base.vocabulary import Noun, expand_territories, is_group, medium_within, territory_within
from pydantic import Field

from holdback_servers.rights.interchange.odrl_model import AnyConstraint, Constraint, LogicalConstraint, Operand
from holdback_servers.rights.interchange.odrl_values import moment_of, number_of, place_of, plain, seconds_of
from holdback_servers.rights.moments import zone_of

_ORDERED: Final[Mapping[str, Callable[[int], bool]]] = {
    "eq": lambda sign: not sign,
    "neq": lambda sign: bool(sign),
    "lt": lambda sign: sign < 0,
    "lteq": lambda sign: sign <= 0,
    "gt": lambda sign: sign > 0,
    "gteq": lambda sign: sign >= 0,
}
_DURATIONS: Final = frozenset({"elapsedTime", "meteredTime", "timeInterval", "delayPeriod"})


class State(Noun):
    """The world that a request is made in.

    `values` are what each left operand stands at (`dateTime`, `spatial`, `purpose`, `count` ...), in short form.
    `fulfilled` and `violated` are keys of duties; `part_of` says which collections an asset or a party belongs to,
    and which wider thing any other value is part of. `in_order` are uids of constraints joined by `andSequence` that
    held one after the other. `duties_may_follow` lets a permission stand while its duties are neither fulfilled nor
    violated, as some readings of ODRL have it; by default they come first.
    """

    values: dict[str, tuple[Operand, ...]] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    fulfilled: frozenset[str] = frozenset()
    violated: frozenset[str] = frozenset()
    part_of: dict[str, frozenset[str]] = Field(default_factory=dict)
    in_order: frozenset[str] = frozenset()
    duties_may_follow: bool = False


def holds(constraint: AnyConstraint, state: State, zone: str) -> bool | None:
    """Whether it holds; None where the world does not say (Kleene's three values for and, or, xone)."""
    if isinstance(constraint, Constraint):
        return _compares(constraint, state, zone)
    parts = [holds(each, state, zone) for each in constraint.parts]
    return _joined(constraint, parts, state)


def all_of(parts: Sequence[bool | None]) -> bool | None:
    """Kleene's and."""
    if False in parts:
        return False
    return None if None in parts else True


def _joined(constraint: LogicalConstraint, parts: Sequence[bool | None], state: State) -> bool | None:
    if constraint.logic == "and":
        return all_of(parts)
    if constraint.logic == "or":
        return True if True in parts else None if None in parts else False
    if constraint.logic == "xone":
        if parts.count(True) > 1:
            return False
        return None if None in parts else parts.count(True) == 1
    together = all_of(parts)
    return together if not together or constraint.uid in state.in_order else None


def _compares(constraint: Constraint, state: State, zone: str) -> bool | None:
    given = state.values.get(constraint.left)
    if given is None and constraint.status is not None:
        given = (Operand(value=constraint.status),)
    if not given or not constraint.right or constraint.unit != state.units.get(constraint.left):
        return None
    operator, right = constraint.operator, constraint.right
    if operator in _ORDERED:
        if len(right) != 1 or len(given) != 1:
            return None
        if constraint.left == "spatial" and operator in ("eq", "neq"):
            inside = _within_place(given[0], right[0], state, zone)
            return inside if operator == "eq" or inside is None else not inside
        if operator in ("eq", "neq"):
            same = _same(constraint.left, given[0], right[0], zone)
            return same if operator == "eq" or same is None else not same
        sign = _sign(constraint.left, given[0], right[0], zone)
        return None if sign is None else _ORDERED[operator](sign)
    return _sets(constraint, given, state, zone)


def _sets(constraint: Constraint, given: tuple[Operand, ...], state: State, zone: str) -> bool | None:
    def within(one: Operand, other: Operand) -> bool | None:
        if constraint.left == "spatial":
            return _within_place(one, other, state, zone)
        same = _same(constraint.left, one, other, zone)
        return True if constraint.operator == "isPartOf" and _part(one, other, state) else same

    if constraint.operator == "isAllOf":
        return all_of([_any([within(one, other) for one in given]) for other in constraint.right])
    if constraint.operator in ("isAnyOf", "isPartOf"):
        return _any([within(one, other) for one in given for other in constraint.right])
    if constraint.operator == "isNoneOf":
        found = _any([within(one, other) for one in given for other in constraint.right])
        return None if found is None else not found
    if constraint.operator == "hasPart":
        return _any([_equal_or_part(other, one, state) for one in given for other in constraint.right])
    return True if any(one.value == other.value for one in given for other in constraint.right) else None


def _any(parts: Sequence[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def _equal_or_part(part: Operand, whole: Operand, state: State) -> bool:
    return plain(part) == plain(whole) or _part(part, whole, state)


def _part(part: Operand, whole: Operand, state: State) -> bool:
    around = state.part_of.get(part.value, frozenset())
    return whole.value in around or medium_within(plain(part), plain(whole))


def _same(left: str, given: Operand, right: Operand, zone: str) -> bool | None:
    """Whether both name the same; None for moments and durations that cannot be set side by side."""
    sign = _sign(left, given, right, zone)
    if sign is not None:
        return sign == 0
    if left == "dateTime" or (left in _DURATIONS and given.value != right.value):
        return None
    return plain(given) == plain(right)


def _sign(left: str, given: Operand, right: Operand, zone: str) -> int | None:
    """Which of the two is less; None for what has no order."""
    if left == "dateTime":
        return _sign_of_moments(moment_of(given, zone), moment_of(right, zone), zone)
    read = seconds_of if left in _DURATIONS else number_of
    one, other = read(given), read(right)
    return None if one is None or other is None else (one > other) - (one < other)


def _sign_of_moments(one: datetime | date | None, other: datetime | date | None, zone: str) -> int | None:
    if one is None or other is None:
        return None
    if isinstance(one, datetime) != isinstance(other, datetime):
        one, other = _day(one, zone), _day(other, zone)
    first, second = one.isoformat(), other.isoformat()
    if isinstance(one, datetime) and isinstance(other, datetime):
        return (one > other) - (one < other)
    return (first > second) - (first < second)


def _day(moment: datetime | date, zone: str) -> date:
    return moment.astimezone(zone_of(zone)).date() if isinstance(moment, datetime) else moment


def _within_place(given: Operand, right: Operand, state: State, zone: str) -> bool | None:
    one, other = place_of(given.value), place_of(right.value)
    if one is None or other is None:
        return True if given.value == right.value else None
    if other in (one, "WORLD"):
        return True
    if not is_group(other):
        return territory_within(one, frozenset({other}))
    moments = [moment_of(each, zone) for each in state.values.get("dateTime", ())]
    known = moments[0] if moments else None
    if known is None:
        return None
    return territory_within(one, expand_territories((other,), _day(known, zone)))
