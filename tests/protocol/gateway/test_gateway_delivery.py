"""Decisions on their way: one lane an agent, so that none waits for another's, and in order within a task."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest
from holdback_agents.gateway import store
from holdback_agents.gateway.delivery import Delivery
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import Ledger
from holdback_agents.gateway.store import Approval
from holdback_agents.gateway.tasks import TaskBook

pytestmark = pytest.mark.asyncio
EDITOR, COMPLIANCE = "editing-assistant", "compliance"
GOOD = (200, b'{"jsonrpc": "2.0", "id": 1, "result": {}}')


class Agents:
    """Keep what reaches them. Who is `away` does not answer, who is `slow` not yet."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.away, self.slow = set[str](), set[str]()
        self.go_on, self.news = asyncio.Event(), asyncio.Condition()

    async def __call__(self, name: str, token: str, body: bytes) -> tuple[int, bytes]:
        async with self.news:
            self.heard.append((name, json.loads(body)["id"]))
            self.news.notify_all()
        if name in self.slow:
            await self.go_on.wait()
        if name in self.away:
            raise ConnectionError
        return GOOD

    async def hear(self, name: str, identity: str) -> None:
        """Return once this has reached that agent."""
        async with self.news, asyncio.timeout(100):
            await self.news.wait_for(lambda: (name, identity) in self.heard)


def outbox(house, agents: Agents) -> Delivery:
    """A gateway's deliveries; what failed is not tried again within the minute."""
    given = replace(house.services, retry_seconds=1000.0)
    registry = Registry.of(given.url, given.agents, given.servers, given.people)
    tasks = TaskBook(given.database, given.clock, lambda *_: frozenset())
    return Delivery(given, registry, Ledger(given.audit, given.enforcement), tasks, agents)


async def decided(house, identity: str, agent: str, task: str) -> None:
    """A decision that is still to be delivered."""
    house.clock.forward(seconds=1)
    approval = Approval.model_validate(
        {
            "id": identity,
            "asker": "person:sam",
            "scopes": [f"agent:{agent}:skill"],
            "agent": agent,
            "task": task,
            "context": "",
            "question": {},
            "question_sha256": "sha256:" + "a" * 64,
            "asked": house.clock(),
            "expires": house.clock(),
            "tier": 1,
        }
    )
    made = approval.model_copy(update={"decision": "approved", "decided_by": "person:kim", "decided": house.clock()})
    await house.services.database.write(lambda c: (store.insert(c, approval), store.settle(c, made)))


async def test_an_agent_that_does_not_answer_holds_up_no_decision_for_another(build_house):
    house, agents = build_house(), Agents()
    agents.slow = {EDITOR}
    delivery = outbox(house, agents)
    await decided(house, "apr_1", EDITOR, "task-1")
    delivery.start()
    await agents.hear(EDITOR, "apr_1")
    await decided(house, "apr_2", COMPLIANCE, "task-2")
    delivery.wake()
    await agents.hear(COMPLIANCE, "apr_2")
    agents.go_on.set()
    await delivery.stop()
    states = [await house.services.database.read(lambda c, n=n: store.delivery_state(c, n)) for n in ("apr_1", "apr_2")]
    assert states == ["delivered", "delivered"]


async def test_a_decision_for_one_agent_uses_up_no_attempt_at_another_that_is_away(build_house):
    house, agents = build_house(), Agents()
    agents.away = {EDITOR}
    delivery = outbox(house, agents)
    await decided(house, "apr_1", EDITOR, "task-1")
    delivery.start()
    await agents.hear(EDITOR, "apr_1")
    for number in (2, 3):
        await decided(house, f"apr_{number}", COMPLIANCE, "task-2")
        delivery.wake()
        await agents.hear(COMPLIANCE, f"apr_{number}")
    agents.away = set()
    await decided(house, "apr_4", EDITOR, "task-4")  # a sign that it may be back
    delivery.wake()
    await agents.hear(EDITOR, "apr_4")
    await delivery.stop()
    assert Counter(name for name, _ in agents.heard) == {EDITOR: 3, COMPLIANCE: 2}


async def test_a_later_decision_waits_for_an_earlier_one_of_its_task_and_for_no_other(build_house):
    house, agents = build_house(), Agents()
    delivery = outbox(house, agents)
    for identity, task in (("apr_1", "task-1"), ("apr_2", "task-1"), ("apr_3", "task-3")):
        await decided(house, identity, EDITOR, task)
    agents.away = {EDITOR}
    assert await delivery.deliver(EDITOR) == 3
    agents.away = set()
    assert await delivery.deliver(EDITOR) == 0
    assert [identity for _, identity in agents.heard] == ["apr_1", "apr_3", "apr_1", "apr_2", "apr_3"]
