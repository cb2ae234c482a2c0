"""Runs of a right: which transmissions count, how many are taken and how many are left. Pure.

A right that gives three runs with two reruns within 48 hours lets the same thing go out nine times at most: a repeat
within so many hours of a counted run, the last hour included, is not counted until the repeats of that run are gone.
Transmissions are looked at in order of time, so a release may make a rerun the run it repeated. The number of runs then
stays or falls: it is always the smallest that the right allows for what is transmitted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, instant_text
from pydantic import Field

from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.conditions import duty
from holdback_servers.rights.fitting import covered
from holdback_servers.rights.model import Reruns
from holdback_servers.rights.windows import point

RunState = Literal["reserved", "used", "released"]


class RunListed(Noun):
    """One transmission against one right. `counted` is false for a rerun, and for one that was released."""

    right: str
    publication: str
    at: Instant
    state: RunState
    counted: bool


class RunCount(Noun):
    """How a right with a run limit stands: `taken` are runs reserved or used, `used` those of them that went out.

    `left` is never below zero, although a limit may be lowered under what is taken. Reruns are in neither number.
    """

    right: str
    contract: str
    ref: str
    clause: str | None = None
    limit: int
    taken: int
    used: int
    left: int


class RunsAnswer(Noun):
    """The transmissions of a publication as they now stand, and how many runs each right concerned has left."""

    publication: str
    runs: tuple[RunListed, ...]
    rights: tuple[RunCount, ...] = Field(description="Each right concerned: its limit, what is taken, what is left.")

    def text(self) -> str:
        """A line for each right, then one for each transmission."""
        if not self.rights:
            return f"{self.publication} relies on no right with a run limit: there is nothing to count."
        lines = [f"{self.publication}:"]
        for each in self.rights:
            clause = f" ({each.clause})" if each.clause else ""
            lines.append(
                f"  {each.right}, {each.ref}{clause}: {each.taken} of {each.limit} runs taken, "
                f"{each.used} of them used, {each.left} left."
            )
        for run in self.runs:
            what = {"released": "released"}.get(run.state, f"{run.state}, a {'run' if run.counted else 'rerun'}")
            lines.append(f"  {instant_text(run.at)} against {run.right}: {what}.")
        return "\n".join(lines)


def counted(transmissions: Sequence[datetime], reruns: Reruns | None) -> tuple[bool, ...]:
    """Which of these transmissions, in order of time, are runs; the others repeat the run before them.

    Raises ValueError when they are not in order.
    """
    if any(later < earlier for earlier, later in pairwise(transmissions)):
        raise ValueError("transmissions must be in order of time")
    if reruns is None:
        return (True,) * len(transmissions)
    told: list[bool] = []
    run, repeats, within = None, 0, timedelta(hours=reruns.hours)
    for at in transmissions:
        repeated = run is not None and at - run <= within and repeats < reruns.repeats
        run, repeats = (run, repeats + 1) if repeated else (at, 0)
        told.append(not repeated)
    return tuple(told)


def taken(transmissions: Iterable[datetime], reruns: Reruns | None) -> int:
    """How many runs these transmissions take, in whatever order they are given."""
    return sum(counted(sorted(transmissions), reruns))


def left(limit: int, transmissions: Iterable[datetime], reruns: Reruns | None) -> int:
    """How many more runs the right gives beside these transmissions; never below zero."""
    return max(0, limit - taken(transmissions, reruns))


def is_rerun(transmissions: Iterable[datetime], at: datetime, reruns: Reruns | None) -> bool:
    """Whether one more transmission at this instant takes no further run."""
    standing = tuple(transmissions)
    return taken((*standing, at), reruns) == taken(standing, reruns)


def relied_on(decision: Decision, at: datetime) -> list[tuple[str, ...]]:
    """Rights with a run limit that a transmission needs at this instant: of each tuple one will do.

    Where a grant without a run limit, every condition met, gives the same, none is needed.

    Args:
        decision: of one cut, on one territory and one platform.
    """
    (place,), (cut,), asked = decision.asked.territories, decision.cuts, decision.asked
    needs: dict[tuple[str, ...], None] = {}
    for number, judged in enumerate(decision.judged):
        giving = [
            each
            for each in judged.judgement.giving(decision.reach[0][number] & decision.media[0][number], place)
            if each.window[0] <= point(at) < each.window[1]
            and all(duty(each.id, one, judged.element.ref, cut, asked.undertakings).met for one in each.conditions)
        ]
        for tongue in [(each,) for each in asked.languages] or [()]:
            fit = [each for each in giving if covered(each.languages, tongue)]
            if fit and all(each.limits.max_runs is not None for each in fit):
                needs[tuple(sorted(each.id for each in fit))] = None
    return list(needs)


def exhausted(count: RunCount, wanted: Sequence[datetime], standing: Sequence[RunListed]) -> Problem:
    """The refusal: which right, its limit, by whom what is taken, and the cure."""
    by = [f"{each.publication} at {instant_text(each.at)} ({each.state})" for each in standing if each.counted]
    named = "; ".join(by[:_NAMED]) + (f" and {len(by) - _NAMED} more" if len(by) > _NAMED else "")
    clause = f" ({count.clause})" if count.clause else ""
    times = ", ".join(instant_text(each) for each in wanted)
    how = f"taken by {named}" if by else "taken"
    return Problem(
        "RUNS_EXHAUSTED",
        f"{count.right} of {count.contract}, {count.ref}{clause}, gives {count.limit} runs; {count.taken} of them are "
        f"{how}. {times} would take more than the {count.left} left.",
        "Reserve fewer transmissions, release a reservation that is not needed, or buy more runs.",
        right=count.right,
        contract=count.contract,
        limit=count.limit,
        taken=[
            each.model_dump(mode="json", include={"publication", "at", "state"}) for each in standing if each.counted
        ],
        left=count.left,
        wanted=[instant_text(each) for each in wanted],
    )


_NAMED = 8
"""Transmissions named one by one in a refusal before the rest is only counted; `details` name them all."""
