"""Signed heads at the gateway: who may send them, and what their tasks are after that."""

from dataclasses import replace

import pytest
from holdback_agents.gateway.app import build_gateway
from holdback_agents.gateway.task_ends import TaskEnds
from holdback_agents.gateway.tasks import NamedTask, TaskBook
from holdback_trust.audit import AuditLog
from holdback_trust.edges import Rate
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import GATEWAY
from holdback_trust.standing import Standing

pytestmark = pytest.mark.asyncio
EDITOR = "agent:editing-assistant"


@pytest.mark.parametrize("way", ["a signed head", "a person"])
async def test_a_task_whose_end_could_not_be_written_into_the_standing_book_is_ended_the_next_time(
    build_house, tmp_path, way
):
    house = build_house()
    services = house.services
    standing = Standing.of_home(tmp_path, GATEWAY, house.keys[GATEWAY], services.ring, house.clock)
    services = replace(services, enforcement=Enforcement(standing, clock=house.clock))
    book = TaskBook(services.database, house.clock, lambda *_: frozenset({"clear-rights"}))
    ends = TaskEnds(services, book)
    scopes = {f"{EDITOR}:make-highlight"}
    token = services.authority.issue(person="person:sam", roles={"editor"}, audience=EDITOR, scopes=scopes)
    book.enter(services.authority.read(token), EDITOR, NamedTask(id="task-1", skill="make-highlight"))
    with AuditLog(tmp_path / "own", house.keys[EDITOR], house.clock, "assistant") as log:
        head = log.sign_head("task-1")

    async def end() -> None:
        if way == "a person":
            await ends.end("task-1", by="person:sam", why="enough")
        else:
            await ends.take_heads({"heads": [head]})

    in_the_way = tmp_path / "trust" / "standing.jsonl.lock"
    in_the_way.mkdir(parents=True)
    with pytest.raises(OSError, match="standing"):
        await end()
    assert [each.id for each in book.living()] == ["task-1"]
    in_the_way.rmdir()
    await end()
    assert (book.living(), standing.ended("task-1")) == ([], True)


async def test_who_sends_heads_that_nobody_signed_waits_and_an_agent_that_signs_does_not(build_house):
    house = build_house()
    house = replace(house, gateway=build_gateway(replace(house.services, rate=Rate(6, now=lambda: 0.0))))
    good = {"head": house.services.audit.sign_head("task-1")}
    async with house.open() as client:
        forged = [(await client.post("/audit/heads", json={"head": "no head"})).status_code for _ in range(4)]
        kept = [(await client.post("/audit/heads", json=good)).status_code for _ in range(4)]
    assert forged == [400, 400, 429, 429]
    assert kept == [202] * 4
