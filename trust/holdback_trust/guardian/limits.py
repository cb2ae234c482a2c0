"""How much of what is too much, and what follows: data. Every normal run stays under half of each first step."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from holdback_base.vocabulary import Noun
from pydantic import Field

Signal = Literal[
    "off-plan",
    "escalation",
    "denials",
    "probing",
    "pace",
    "volume",
    "loop",
    "delegation",
    "hosts",
    "instructions",
    "calls",
    "jobs",
    "work",
    "person",
]
"""What is watched, and `person`, where a person suspended an agent without any of it:

- `off-plan`: calls that the task's own policy does not name;
- `escalation`: tokens asked for that are wider, for another audience, or not this agent's to have;
- `denials`: calls refused for any reason of trust;
- `probing`: things named that are not there or that the task was never shown;
- `pace`: calls in a minute; `volume`: different things asked about in a minute;
- `loop`: the same call with the same answer, in a row; `delegation`: tasks given to agents within one root task;
- `hosts`: addresses in arguments that this house may not reach;
- `instructions`: acts that words in the metadata asked for, where the words read like an order to a machine;
- `calls`, `jobs`, `work`: what a root task spends: calls, jobs, minutes of jobs and of being busy.
"""
Verdict = Literal["allow", "block", "ask", "narrow", "suspend"]
"""`block` refuses this call; `ask` refuses it until a person permits more; `narrow` leaves the root task reading only;
`suspend` stops the agent, ends the root task and holds back what it made."""

SEVERITY: Mapping[Verdict, int] = MappingProxyType({"allow": 0, "block": 1, "ask": 2, "narrow": 3, "suspend": 4})
Step = tuple[Annotated[int, Field(ge=1)], Verdict]
Ladder = tuple[Step, ...]


class Limits(Noun):
    """For each signal the steps: from this count on, this verdict. Counts of a minute and of ten minutes slide.

    `off-plan`, `escalation`, `hosts` and `instructions` are counted over ten minutes for an agent; of a root task,
    `denials` and `probing` over ten minutes, `pace` and `volume` over one, the others over its life.
    """

    off_plan: Ladder = ((3, "suspend"),)
    escalation: Ladder = ((3, "suspend"),)
    denials: Ladder = ((8, "narrow"), (16, "suspend"))
    probing: Ladder = ((20, "narrow"), (60, "suspend"))
    pace: Ladder = ((2400, "block"), (4800, "suspend"))
    volume: Ladder = ((4000, "block"), (8000, "suspend"))
    loop: Ladder = ((50, "block"), (100, "suspend"))
    delegation: Ladder = ((60, "ask"), (240, "suspend"))
    hosts: Ladder = ((1, "block"), (3, "suspend"))
    instructions: Ladder = ((1, "ask"), (3, "suspend"))
    calls: Ladder = ((5000, "ask"), (20000, "suspend"))
    jobs: Ladder = ((200, "ask"), (800, "suspend"))
    work: Ladder = ((240, "ask"), (960, "suspend"))

    def of(self, signal: Signal) -> Ladder:
        """The steps of a signal."""
        return getattr(self, signal.replace("-", "_"))

    def first(self) -> Mapping[str, int]:
        """The count of each signal below which nothing follows."""
        return {name.replace("_", "-"): getattr(self, name)[0][0] for name in type(self).model_fields}


LIMITS = Limits()
AMOUNTS = ("denials", "probing", "pace", "volume", "loop", "delegation", "calls", "jobs", "work")
"""Of which a house may say other counts: they depend on how much work it does. What the other signals count, no work
does at all."""
MOST_TIMES = 10
"""How many times the count of every house a house may allow: it can make the guardian patient, and never blind."""
WINDOW_SECONDS = 600
"""Of what is counted for an agent."""


class Reached(NamedTuple):
    """The highest step that a count has reached."""

    seen: int
    limit: int
    verdict: Verdict


def house_limits(counts: Mapping[str, Sequence[int]]) -> Limits:
    """The limits where a house says other counts of some signals, one for each step; what follows stays as it is.

    Raises ValueError, in words for whoever wrote them, for a signal that is not one of `AMOUNTS`, for more or fewer
    counts than it has steps, and for counts that do not rise or are outside 1 to ten times those of every house.
    """
    if not counts:
        return LIMITS
    return LIMITS.model_copy(update={signal: _ladder(signal, said) for signal, said in counts.items()})


def _ladder(signal: str, counts: Sequence[int]) -> Ladder:
    if signal not in AMOUNTS:
        raise ValueError(f"there is no limit {signal}; those of a house are {', '.join(AMOUNTS)}")
    steps: Ladder = getattr(LIMITS, signal)
    most = [count * MOST_TIMES for count, _ in steps]
    if len(counts) != len(steps) or not all(1 <= count <= high for count, high in zip(counts, most, strict=True)):
        said = " and ".join(f"1 to {high}: {verdict}" for high, (_, verdict) in zip(most, steps, strict=True))
        raise ValueError(f"{signal} takes the counts {said}")
    if list(counts) != sorted({*counts}):
        raise ValueError(f"the counts of {signal} rise from step to step")
    return tuple((count, verdict) for count, (_, verdict) in zip(counts, steps, strict=True))


def judged(ladder: Ladder, count: int) -> Reached:
    """The highest step that a count has reached, with its verdict; `allow` below the first."""
    reached = Reached(count, 0, "allow")
    for limit, verdict in ladder:
        if count >= limit:
            reached = Reached(count, limit, verdict)
    return reached
