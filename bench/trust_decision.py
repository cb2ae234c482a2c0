"""What a decision costs: uncached, cached, with a task's policy seen for the first time, and the whole enforcement."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from holdback_base.ids import id_maker
from holdback_trust.enforcing import Enforcement
from holdback_trust.grants import agent_scopes, plan
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy import Action, Policies
from holdback_trust.task_policy import mint, policy_sha256

from bench.figures import Figure, table

LIMIT = 150.0
"""Microseconds of CPU of one uncached decision at full speed (issue 6)."""
_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_AGENT, _SKILL, _PERSON = "agent:compliance", "clear-rights", "person:sam"
ISSUE = Action(name="rights.issue_clearance", scope="rights:clear", kind="write")


def agent_caller(number: int = 0) -> Caller:
    """An agent at the rights server, in the task of that number."""
    name = f"task-{number}"
    claim = TaskClaim(id=name, root=name, skill=_SKILL, tools=plan(_AGENT, _SKILL), expires=_NOW + timedelta(hours=1))
    return Caller(
        person=_PERSON,
        agent=_AGENT,
        chain=(_AGENT, "agent:editing-assistant"),
        scopes=agent_scopes(_AGENT, "mcp:rights"),
        roles=frozenset({"editor"}),
        audience="mcp:rights",
        token_id=f"tok-{number}",
        level=200,
        task=claim.model_copy(update={"policy": policy_sha256(mint(claim, _AGENT, _PERSON))}),
        expires=_NOW + timedelta(minutes=5),
    )


def decision() -> dict[str, float]:
    """Microseconds of CPU, the median of batches: `uncached` for a caller seen before (a house that speaks of the time
    asks Cedar each time), `cached` for the same question, `first` for a caller and task never seen, `enforced` for a
    door's whole question with five ids in the arguments, and `settled` for an answer with 100 ids."""
    timed = Policies(
        {"time.cedar": '@id("t") forbid (principal, action, resource) when { context.now < datetime("2020-01-01") };'}
    )
    plain, caller = Policies(), agent_caller()
    new = [agent_caller(number) for number in range(400)]
    enforcement = Enforcement(policies=plain, clock=lambda: _NOW)
    new_id = id_maker()
    ids = [new_id("ast") for _ in range(100)]
    enforcement.shown("task-0", ids)
    arguments: dict[str, Any] = {"assets": ids[:5], "territories": ["GB", "DE"], "reason": "a reason in some words"}
    answer = ("[" + ",".join(f'{{"asset_id":"{each}","title":"Butterfly"}}' for each in ids) + "]").encode()
    found = {
        "uncached": _median(lambda _: timed.decide(caller, ISSUE, _NOW)),
        "cached": _median(lambda _: plain.decide(caller, ISSUE, _NOW)),
        "first": _median(lambda number: plain.decide(new[number], ISSUE, _NOW)),
        "enforced": _median(lambda _: enforcement.judge(caller, ISSUE, arguments)),
        "settled": _median(lambda _: enforcement.settled(caller, ISSUE, arguments, "", answer)),
    }
    assert timed.decide(caller, ISSUE, _NOW).allowed
    assert enforcement.judge(caller, ISSUE, arguments).allowed
    return found


def _median(ask: Callable[[int], object], batches: int = 8, size: int = 50) -> float:
    ask(0)
    took: list[float] = []
    for batch in range(batches):
        began = time.process_time_ns()
        for number in range(size):
            ask(batch * size + number)
        took.append((time.process_time_ns() - began) / size / 1000)
    return statistics.median(took)


def figures() -> list[Figure]:
    """What a decision costs, uncached with its bound."""
    found = decision()
    what = {
        "uncached": "a decision, uncached",
        "cached": "a decision, asked before",
        "first": "a decision for a token and task never seen",
        "enforced": "a door's whole question, five ids named",
        "settled": "an answer of 100 ids taken note of",
    }
    return [
        Figure("trust", f"{words}, CPU", found[name], "us", bound=LIMIT if name == "uncached" else None)
        for name, words in what.items()
    ]


if __name__ == "__main__":
    print(table(figures()))
