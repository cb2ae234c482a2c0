"""Heads of an agent's audit log when the gateway does not take them."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from holdback_agents.runtime import heads as heads_module
from holdback_agents.runtime.heads import Heads
from holdback_agents.runtime.lines import Reply, Request
from holdback_trust.audit import AuditLog, verify
from holdback_trust.keys import KeyPair

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Silent:
    """A gateway that takes what is asked and never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ask(self, request: Request) -> Reply:
        self.asked.set()
        return await asyncio.Future[Reply]()


@pytest.mark.asyncio
async def test_tasks_that_end_while_the_gateway_is_silent_have_signed_heads_when_the_agent_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads_module, "LEAVING_SECONDS", 0.05)
    gateway = Silent()
    with AuditLog(tmp_path, KeyPair.generate(), lambda: NOW, "agent") as log:
        heads = Heads(log, gateway)
        log.append(actor="agent:compliance", action="rights.check", task="task-1")
        heads.sign("task-1")
        await gateway.asked.wait()
        log.append(actor="agent:compliance", action="rights.check", task="task-2")
        heads.sign("task-2")
        await heads.aclose()
    chain = verify(tmp_path).chains[0]
    assert (chain.heads, chain.signed, chain.ok) == (2, 2, True)
