"""What all of trust adds to an agent hop: one agent asks another for a skill, in a house that is up.

A person's task at one agent hands on to another, or does not; the difference is the hop. It is measured by turns as it
stands (a task of its own in the book, an exchanged token, its verification, standing, policy, guardian, audit rows, the
signed head that ends it at the gateway) and with none of that. CPU time of the process, in which all of the house is.

A hop's four batches are measured one after the other and compared with each other: in the first deciles of four series
(`pace.added`), chance is as large as what is looked for. The collector of garbage runs between batches and is not
counted: of 850 objects that a task leaves, trust has made 60, and a run of 10 ms would be told of one batch.
"""

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import replace
from operator import sub
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.pace import by_turns

TASKS, BATCHES = 20, 20
SETTLING = 0.5
"""Seconds for what is written behind the answers: rows, heads, the ends of tasks."""
BOUND_MS = 1.5


def figures() -> list[Figure]:
    """CPU milliseconds that trust adds to a hop, and a hop in all: the median of the rounds, and all that they gave."""
    found = asyncio.run(_measure())
    hops = list(map(sub, found["full"], found["full, none"]))
    trust = list(map(sub, hops, map(sub, found["bare"], found["bare, none"])))
    return [_figure("an agent hop in all, CPU", hops), _figure("all of trust in an agent hop, CPU", trust, BOUND_MS)]


def _figure(what: str, rounds: list[float], bound: float | None = None) -> Figure:
    return Figure("trust", what, statistics.median(rounds), "ms", (min(rounds), max(rounds)), bound)


async def _measure() -> dict[str, list[float]]:
    """CPU milliseconds of a task that hands on and of one that does not, with all of trust and with nothing of it."""
    with tempfile.TemporaryDirectory() as folder:
        async with _House.opened(Path(folder)) as house:

            async def bare(times: int) -> float:
                with _untrusting(house):
                    return await house.tasks(times)

            measures = {
                "full": lambda: house.tasks(1),
                "full, none": lambda: house.tasks(0),
                "bare": lambda: bare(1),
                "bare, none": lambda: bare(0),
            }
            await by_turns(measures, 1)  # what is loaded and parsed once
            return await by_turns(measures, BATCHES)


class _House:
    """A house whose assistant hands on, and whose compliance agent says again what it hears."""

    def __init__(self, foundation: Any, desk: Any) -> None:
        self.foundation, self.desk = foundation, desk
        self.tokens: dict[str, str] = {}

    @classmethod
    def opened(cls, folder: Path) -> Any:
        return _opened(folder)

    async def tasks(self, times: int) -> float:
        """CPU milliseconds of a task that hands on so often."""
        for audience in ("agent:editing-assistant", "agent:compliance", "gateway"):
            self.tokens[audience] = await self.desk.person.token(audience)
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            for _ in range(TASKS):
                await self._task(times)
            await asyncio.sleep(SETTLING)
            return (time.process_time() - began) * 1000 / TASKS
        finally:
            gc.enable()

    async def _task(self, times: int) -> None:
        from holdback_agents.runtime.parts import data_part, message
        from holdback_agents.runtime.peers import Listener, Peer

        async def token() -> str:
            return self.tokens["agent:editing-assistant"]

        async def nothing(_: Any) -> None:
            return None

        peer = Peer("editing-assistant", f"{self.desk.person.gateway}/agents/editing-assistant", token)
        words = message([data_part(_echo()(times=times))], message_id=self.foundation.new_id("evt"))
        task = await self.desk.peers.converse(peer, words, Listener(nothing, nothing))
        assert task.artifacts, task


def _echo() -> Any:
    from holdback_agents.contracts import Part

    class Echo(Part):
        schema_name = "bench-echo"
        times: int = 0

    return Echo


def _agents(real: dict[str, Any]) -> dict[str, Any]:
    """The house's agents, two of them with other workflows."""
    request = _echo()

    async def hand_on(run: Any, asked: Any) -> Any:
        for _ in range(asked.times):
            await run.delegate("clear-rights", request(), request)
        return asked

    async def say_again(_run: Any, asked: Any) -> Any:
        return asked

    def with_workflow(name: str, skill: str, workflow: Any) -> Any:
        agent = real[name]()
        skills = [
            replace(each, request=request, workflow=workflow, words=None, reply=_plain()) if each.id == skill else each
            for each in agent.skills
        ]
        return replace(agent, skills=skills)

    return {
        **real,
        "editing-assistant": lambda: with_workflow("editing-assistant", "make-highlight", hand_on),
        "compliance": lambda: with_workflow("compliance", "clear-rights", say_again),
    }


def _plain() -> Any:
    from holdback_agents.runtime.agent import plain_reply

    return plain_reply


def _opened(folder: Path) -> Any:
    from contextlib import asynccontextmanager

    from holdback import house as houses
    from holdback.desk import open_desk
    from holdback.foundation import lay_foundation, party_keys
    from holdback.serving import listen, served
    from holdback_servers.settings import PersonSetting, Settings

    @asynccontextmanager
    async def opened() -> AsyncGenerator[_House]:
        sam = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
        foundation = lay_foundation(Settings(home=folder, calls_a_minute=10_000_000), "gateway")
        listener = listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        real = dict(houses.AGENTS)
        houses.AGENTS.update(_agents(real))
        try:
            async with (
                houses.open_house(foundation, url, (sam,)) as up,
                served(up.gateway, listener),
                open_desk(
                    sam, party_keys(folder, sam.id), url, clock=foundation.clock, new_id=foundation.new_id
                ) as desk,
            ):
                yield _House(foundation, desk)
        finally:
            houses.AGENTS.update(real)

    return opened()


@contextmanager
def _untrusting(house: _House) -> Generator[None]:
    """Nobody exchanges, judges, writes down or signs, for as long as this is open."""
    from holdback_agents.runtime.heads import Heads
    from holdback_agents.runtime.house import House
    from holdback_trust.audit import AuditLog
    from holdback_trust.policy import Decision

    allowed = Decision(allowed=True, code="", reason="", policy="bench")
    tokens = house.tokens

    async def token(_self: Any, _session: Any, audience: str, _scope: str = "") -> str:
        return tokens[audience]

    def judged(*_: object) -> Decision:
        return allowed

    def nothing(*_: object, **__: object) -> None:
        return None

    enforcement = house.foundation.enforcement
    was = House.token, Heads.sign, AuditLog.append
    enforcement.judge, enforcement.settled = judged, nothing
    House.token, Heads.sign, AuditLog.append = token, nothing, nothing  # type: ignore[method-assign]
    try:
        yield
    finally:
        House.token, Heads.sign, AuditLog.append = was  # type: ignore[method-assign]
        del enforcement.judge, enforcement.settled


if __name__ == "__main__":
    for each in figures():
        print(each)
