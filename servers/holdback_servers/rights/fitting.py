"""On what points a right does or does not fit the use that is asked of an element. Pure."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from holdback_base.elements import ElementKind

from holdback_servers.rights.book import Entry
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import ReasonCode
from holdback_servers.rights.tongues import grants_tongue, meets_tongue
from holdback_servers.rights.windows import OPEN, Window

_STANDS_AGAINST: dict[str, ReasonCode] = {
    "licence_out": "RIGHTS_OUT_OVERLAP",
    "holdback": "HOLDBACK",
    "blackout": "BLACKOUT",
    "embargo": "EMBARGO",
}
_DAY = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """What is asked of one element, apart from where: when, what for, in which languages, for how long, edited or not.

    `seconds` is how long the element lasts in the cut, in all; None when there is no cut (a question to the catalogue).
    """

    kind: ElementKind
    window: Window
    purpose: Purpose
    languages: tuple[str, ...]
    seconds: Fraction | None
    derivative: bool
    runs: int = 1
    exclusive: bool = False


@lru_cache(maxsize=8192)
def covered(own: tuple[str, ...], asked: tuple[str, ...]) -> int:
    """A bit for each language asked for that a grant in these languages covers; one bit where none is asked for.

    A grant without languages covers any; one with languages covers nothing of a request that names none.
    """
    if not own:
        return (1 << (len(asked) or 1)) - 1
    return sum(1 << number for number, each in enumerate(asked) if any(grants_tongue(one, each) for one in own))


def stands_against(each: Entry, use: Use) -> bool:
    """Whether a restriction is in force and against this use."""
    if each.status != "active" or (each.kind == "licence_out" and not each.exclusive and not use.exclusive):
        return False
    if each.purposes and use.purpose not in each.purposes:
        return False
    if not each.languages or not use.languages:
        return True
    return any(meets_tongue(own, asked) for asked in use.languages for own in each.languages)


def against_code(each: Entry) -> ReasonCode:
    """The name of what a restriction does; of one whose window hangs on an unknown event, that it does."""
    return "UNRESOLVED_EVENT" if each.unresolved else _STANDS_AGAINST[each.kind]


def faults_of(each: Entry, use: Use) -> tuple[ReasonCode, ...]:
    """Points on which a grant that reaches the cell still does not cover the use, but for its languages."""
    found: list[ReasonCode] = []
    limits = each.limits
    if use.exclusive and not each.exclusive:
        found.append("NO_EXCLUSIVE_RIGHTS_IN")
    if each.status != "active":
        found.append("CONTRACT_NOT_ACTIVE")
    if each.unresolved:
        found.append("UNRESOLVED_EVENT")
    if use.purpose not in each.purposes and (each.purposes or use.purpose == "training"):
        found.append("PURPOSE_NOT_LICENSED")
    if use.derivative and not each.derivative_allowed:
        found.append("DERIVATIVE_NOT_ALLOWED")
    if limits.longest is not None and use.seconds is not None and use.seconds > limits.longest:
        found.append("DURATION_OVER_LIMIT")
    if limits.window_days is not None and longer_than(use.window, limits.window_days):
        found.append("WINDOW_LIMIT")
    if limits.max_runs is not None and limits.max_runs - each.taken < use.runs:
        found.append("RUNS_EXHAUSTED")
    return tuple(found)


def longer_than(within: Window, days: int) -> bool:
    """Whether a window is longer than so many days of 24 hours; one without an end is."""
    return within[1] == OPEN or within[1] - within[0] > days * _DAY
