"""What the people of the example may do in a fresh home, over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from holdback.pack import example_people
from holdback_base.problem import Problem
from holdback_servers.settings import Settings


@pytest.mark.asyncio
async def test_one_of_them_stops_an_agent_and_gives_it_back_and_the_others_may_not(opened: Any, tmp_path: Path) -> None:
    people = example_people()
    async with opened(Settings(home=tmp_path), *people) as up:
        desks = {who.id: desk for who, desk in zip(people, up.desks, strict=True)}
        standing = up.foundation.enforcement.standing

        async def order(who: str, what: str) -> None:
            await desks[who].person.ask("POST", f"/guardian/{what}", "guardian:act", json={"agent": "compliance"})

        await order("person:robin", "suspend")
        assert standing.suspended("agent:compliance") is not None
        for other in desks.keys() - {"person:robin"}:
            with pytest.raises(Problem):
                await order(other, "restore")
        assert standing.suspended("agent:compliance") is not None
        await order("person:robin", "restore")
        assert standing.suspended("agent:compliance") is None
    up.foundation.audit.close()
