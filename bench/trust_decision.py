"""What a decision costs: uncached, cached, with a task's policy seen for the first time, and the whole enforcement.

CPU time, undisturbed (`pace`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from holdback_base.ids import id_maker
from holdback_trust.enforcing import Enforcement
from holdback_trust.grants import agent_scopes, plan
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.policy import Action, Policies
from holdback_trust.task_policy import mint, policy_sha256

from bench.figures import Figure, table
from bench.pace import by_turns, undisturbed

LIMIT_US = 150
BATCHES, SIZE = 100, 20
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


def _asked() -> dict[str, tuple[str, Callable[[], Any], float | None]]:
    """What is asked, in words, by a name; with its bound."""
    timed = Policies(
        {"time.cedar": '@id("t") forbid (principal, action, resource) when { context.now < datetime("2020-01-01") };'}
    )
    plain, caller, numbers = Policies(), agent_caller(), count()
    new = iter([agent_caller(number) for number in range(SIZE * (BATCHES + 1))])
    enforcement = Enforcement(policies=plain, clock=lambda: _NOW)
    new_id = id_maker()
    ids = [new_id("ast") for _ in range(100)]
    enforcement.shown("task-0", ids)
    arguments: dict[str, Any] = {"assets": ids[:5], "territories": ["GB", "DE"], "reason": "a reason in some words"}
    answer = ("[" + ",".join(f'{{"asset_id":"{each}","title":"Butterfly"}}' for each in ids) + "]").encode()

    def another() -> Any:
        return plain.decide(caller, ISSUE.model_copy(update={"resource": str(next(numbers))}), _NOW)

    return {
        "uncached": ("a decision, uncached", another, LIMIT_US),
        "timed": ("a decision, a policy looks at the time", lambda: timed.decide(caller, ISSUE, _NOW), LIMIT_US),
        "cached": ("a decision, asked before", lambda: plain.decide(caller, ISSUE, _NOW), None),
        "first": (
            "a decision for a token and task never seen",
            lambda: plain.decide(next(new), ISSUE, _NOW),
            None,
        ),
        "enforced": (
            "a door's whole question, five ids named",
            lambda: enforcement.judge(caller, ISSUE, arguments),
            None,
        ),
        "settled": (
            "an answer of 100 ids taken note of",
            lambda: enforcement.settled(caller, ISSUE, arguments, "", answer),
            None,
        ),
    }


def _batch(ask: Callable[[], Any]) -> Callable[[], Awaitable[float]]:
    async def batch() -> float:
        """Microseconds of CPU a question."""
        began = time.process_time_ns()
        for _ in range(SIZE):
            ask()
        return (time.process_time_ns() - began) / SIZE / 1000

    return batch


def figures() -> list[Figure]:
    """What a decision costs, uncached with its bound."""
    asked = _asked()
    for name in ("uncached", "timed", "first", "enforced"):
        assert asked[name][1]().allowed, name
    found = asyncio.run(by_turns({name: _batch(ask) for name, (_, ask, _) in asked.items()}, BATCHES))
    return [
        Figure(
            "trust",
            f"{words}, CPU",
            undisturbed(found[name]),
            "us",
            (min(found[name]), max(found[name])),
            bound,
        )
        for name, (words, _, bound) in asked.items()
    ]


if __name__ == "__main__":
    print(table(figures()))
