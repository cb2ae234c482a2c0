"""The agents' own way to the gateway fits the gateway: places, tokens, approvals."""

import httpx
import pytest
from holdback_agents.runtime.house import House as AgentsHouse
from holdback_agents.runtime.house import Session, Work
from holdback_agents.runtime.lines import OverNetwork
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_trust.admission import AgentIdentity
from holdback_trust.tokens import TokenVerifier

pytestmark = pytest.mark.asyncio


def way_of(house, http: httpx.AsyncClient) -> AgentsHouse:
    return AgentsHouse(
        OverNetwork("http://gateway.test", http),
        "agent:editing-assistant",
        keys=house.keys["agent:editing-assistant"],
        clock=house.clock,
        new_id=id_maker(house.clock),
        identity=AgentIdentity(key=house.keys["agent:editing-assistant"].kid, software="1"),
    )


async def session_of(house, http: httpx.AsyncClient, **more: str) -> Session:
    token = await house.person_token(http, "person:sam", "agent:editing-assistant", **more)
    verifier = TokenVerifier(house.services.ring, "gateway", "agent:editing-assistant", house.clock)
    return Session(verifier.verify(token), token, Work("task-1", "make-highlight", "context-1"))


async def test_an_agent_finds_places_and_goes_there_with_a_token(build_house):
    house = build_house()
    async with house.open() as http:
        way, session = way_of(house, http), await session_of(house, http)
        skill = await way.skill(session, "clear-rights")
        capability = await way.capability(session, "assets.search_assets")
        token = await way.token(session, skill.audience, skill.scope)
        body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "t"}}
        headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
        answer = await http.post(skill.url, json=body, headers=headers)
        with pytest.raises(Problem) as nobody:
            await way.skill(session, "make-tea")
    assert (skill.name, capability.name, capability.scope) == ("compliance", "assets", "assets:read")
    assert answer.json()["error"]["code"] == -32001
    assert nobody.value.code == "NOBODY_OFFERS"


async def test_an_agent_files_a_question_that_a_person_sees(build_house):
    house = build_house()
    async with house.open() as http:
        way, session = way_of(house, http), await session_of(house, http)
        question = house.question()
        first = await way.file_approval(session, "task-1", "context-1", question)
        again = await way.file_approval(session, "task-1", "context-1", question)
        listed = await http.get("/approvals", headers=await house.bearer(http, "person:kim", "gateway"))
    item = listed.json()["items"][0]
    assert first == again == item
    assert (item["agent"], item["task"], item["asker"], item["state"]) == (
        "editing-assistant",
        "task-1",
        "person:sam",
        "open",
    )
    assert item["question"]["approval"] == item["id"]


async def test_what_was_not_delegated_is_denied_in_words(build_house):
    house = build_house()
    async with house.open() as http:
        way = way_of(house, http)
        session = await session_of(house, http, scope="agent:editing-assistant:make-highlight")
        with pytest.raises(Problem) as denied:
            await way.token(session, "mcp:assets", "assets:write")
    assert "assets:write" in denied.value.message
