"""What the people of the example may do in a fresh home, over HTTP."""

from pathlib import Path

import httpx
import pytest
from holdback.foundation import lay_foundation, party_keys
from holdback.house import open_house
from holdback.people import LOADER, Person
from holdback.serve import example_people
from holdback.serving import listen, served
from holdback_base.problem import Problem
from holdback_servers.settings import Settings


@pytest.mark.asyncio
async def test_one_of_them_stops_an_agent_and_gives_it_back_and_the_others_may_not(tmp_path: Path) -> None:
    people = {each.id: each for each in example_people()}
    foundation = lay_foundation(Settings(home=tmp_path), "gateway")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    standing = foundation.enforcement.standing
    async with (
        open_house(foundation, url, (LOADER, *people.values())) as house,
        served(house.gateway, listener),
        httpx.AsyncClient(timeout=100) as http,
    ):

        async def order(who: str, what: str) -> None:
            person = Person(
                people[who],
                party_keys(tmp_path, who),
                gateway=url,
                http=http,
                clock=foundation.clock,
                new_id=foundation.new_id,
            )
            await person.ask("POST", f"/guardian/{what}", "guardian:act", json={"agent": "compliance"})

        await order("person:robin", "suspend")
        assert standing.suspended("agent:compliance") is not None
        for other in people.keys() - {"person:robin"}:
            with pytest.raises(Problem):
                await order(other, "restore")
        assert standing.suspended("agent:compliance") is not None
        await order("person:robin", "restore")
        assert standing.suspended("agent:compliance") is None
    foundation.audit.close()
