"""A task of the real house that takes longer than any token lives, and what stands of it afterwards."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.house import AGENTS
from holdback_agents.compliance.watching import watch_expiry
from holdback_agents.publishing_parts import ExpiryReport, ExpiryWatch
from holdback_agents.runtime.parts import data_part, message, result_of
from holdback_agents.runtime.peers import Listener
from holdback_agents.runtime.run import Run
from holdback_base.ids import system_clock
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.audit import rows

pytestmark = pytest.mark.asyncio
KIM = PersonSetting(id="person:kim", name="Kim", roles=frozenset({"planner"}))


class Ahead:
    """The machine's clock, set forward."""

    by = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.by


@dataclass
class Up:
    """An empty house whose compliance agent takes ten minutes over a watch, and one who asks for it."""

    foundation: Foundation
    kim: Desk
    clock: Ahead


@pytest_asyncio.fixture
async def up(opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Up]:
    clock, real = Ahead(), AGENTS["compliance"]

    async def slow(run: Run, request: ExpiryWatch) -> ExpiryReport:
        await run.tool("rights.report_expiring", days=request.days)
        clock.by += timedelta(minutes=10)
        return await watch_expiry(run, request)

    def compliance() -> Any:
        agent = real()
        skills = [replace(each, workflow=slow) if each.id == "watch-expiry" else each for each in agent.skills]
        return replace(agent, skills=skills)

    monkeypatch.setitem(AGENTS, "compliance", compliance)
    async with opened(Settings(home=tmp_path), KIM, clock=clock) as house:
        yield Up(house.foundation, house.desks[0], clock)


async def test_a_task_whose_tokens_have_all_expired_goes_on_and_ends_well(up: Up) -> None:
    async def nothing(_: Any) -> None:
        return None

    asked = message([data_part(ExpiryWatch(days=30))], message_id="watch-1", skill="watch-expiry")
    task = await up.kim.peers.converse(up.kim.peer("compliance"), asked, Listener(nothing, nothing))
    assert result_of(task, ExpiryReport, ExpiryReport.schema_uri()) is not None, task
    up.foundation.audit.flush()
    of_task = [row for _, row in rows(up.foundation.settings.home / "audit") if row.task == task.id]
    tokens = [row.action for row in of_task if row.action.startswith("token.")]
    assert tokens[0] == "token.issue"
    assert "token.renew" in tokens
    assert not [row for row in of_task if row.decision.startswith("denied")]
