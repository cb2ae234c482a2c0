"""What callers try whose token is good: more than their task, their role or their knowledge allows.

The tokens are signed with the gateway's own key, as if it had been talked into them: each door decides for itself.
"""

import itertools
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict
from holdback.foundation import lay_foundation
from holdback.house import open_house
from holdback.people import LOADER
from holdback.serving import listen, served
from holdback_agents.contracts import ClearanceRequest
from holdback_agents.runtime.parts import data_part, message
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker, system_clock
from holdback_base.vocabulary import Rate, Span, TimeRange, instant_text
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.grants import plan, role_scopes
from holdback_trust.identity import TaskClaim
from holdback_trust.statements import sign_cut
from holdback_trust.task_policy import mint, policy_sha256
from holdback_trust.tokens import TokenAuthority

pytestmark = pytest.mark.asyncio(loop_scope="session")

_numbers = itertools.count(1)
_new_id = id_maker(system_clock)
PLAN = frozenset({"assets.search_assets", "assets.get_asset", "rights.check_clearance", "clear-rights"})
SCOPES = "assets:read assets:write rights:read rights:clear rights:write schedule:plan schedule:commit approval:decide"


@dataclass
class Attacker:
    """Somebody at the doors of a house, with any token that the gateway could sign."""

    url: str
    foundation: Any
    http: httpx.AsyncClient

    def token(self, audience: str, *, agent: str | None = None, **changes: Any) -> str:
        keys = self.foundation.keys("gateway")
        authority = TokenAuthority("gateway", keys, system_clock, lambda: self.foundation.new_id("evt"))
        given: dict[str, Any] = {"person": "person:sam", "roles": ["editor"], "scopes": SCOPES.split(), **changes}
        return authority.issue(audience=audience, actor=agent, **given)

    async def call(self, capability: str, token: str, **arguments: Any) -> tuple[int, dict[str, Any], str]:
        """HTTP status, what went wrong, and the challenge."""
        room, _, tool = capability.partition(".")
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-06-18",
        }
        answer = await self.http.post(f"{self.url}/mcp/{room}", json=asked, headers=headers)
        shape = answer.json()
        if "error" in shape:
            return answer.status_code, shape["error"]["data"], answer.headers.get("www-authenticate", "")
        assert shape["result"]["isError"], shape
        return answer.status_code, shape["result"]["structuredContent"], ""

    async def skill(self, agent: str, token: str, **ids: Any) -> httpx.Response:
        """Ask an agent to clear rights."""
        window = TimeRange(start=system_clock(), end=None)
        request = ClearanceRequest(territories=("GB",), platforms=("vod",), window=window, **ids)
        words = message([data_part(request)], message_id=self.foundation.new_id("evt"), skill="clear-rights")
        asked = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": MessageToDict(words)}}
        headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
        return await self.http.post(f"{self.url}/agents/{agent}", json=asked, headers=headers)


def task_of(agent: str, person: str = "person:sam", **changes: Any) -> TaskClaim:
    """A task as the gateway writes it, its policy minted for that agent and person."""
    number = next(_numbers)
    begun: dict[str, Any] = {"id": f"t-{number}", "root": f"t-{number}", "skill": "clear-rights", "tools": PLAN}
    claim = TaskClaim.model_validate(begun | {"expires": system_clock() + timedelta(hours=1)} | changes)
    return claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, person))})


def stranger() -> str:
    """An agent that nobody counts the sins of."""
    return f"agent:guest-{next(_numbers)}"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def attacker(house: Any) -> AsyncGenerator[Attacker]:
    async with httpx.AsyncClient(timeout=100) as http:
        yield Attacker(house.url, house.foundation, http)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def asset(house: Any) -> str:
    found = await house.sam.tool("assets.search_assets", query="", limit=1)
    return str(found["items"][0]["asset_id"])


async def test_an_agent_with_every_scope_and_no_task_may_read_nothing(attacker: Attacker, unmoved: Any) -> None:
    agent = stranger()
    async with unmoved():
        status, told, _ = await attacker.call(
            "assets.search_assets", attacker.token("mcp:assets", agent=agent), query="film"
        )
    assert (status, told["code"]) == (200, "PERMISSION_DENIED")
    assert told["message"] == f"{agent} acts for no task; outside a task an agent may do nothing."


async def test_an_agent_uses_a_tool_that_its_scope_opens_and_its_task_has_no_use_of(
    attacker: Attacker, unmoved: Any
) -> None:
    agent = stranger()
    token = attacker.token("mcp:rights", agent=agent, task=task_of(agent))
    async with unmoved():
        _, told, _ = await attacker.call("rights.issue_clearance", token, territories=["GB"])
    assert told["code"] == "PERMISSION_DENIED"
    assert told["message"].startswith("rights.issue_clearance is no part of the task t-")


async def test_an_agent_adds_a_tool_to_its_task_and_keeps_the_seal_of_the_old_one(
    attacker: Attacker, unmoved: Any
) -> None:
    agent = stranger()
    wider = task_of(agent).model_copy(update={"tools": PLAN | {"rights.issue_clearance"}})
    async with unmoved():
        _, told, _ = await attacker.call(
            "rights.issue_clearance", attacker.token("mcp:rights", agent=agent, task=wider), territories=["GB"]
        )
    assert (told["code"], told["message"]) == (
        "PERMISSION_DENIED",
        "The task's policy is not the one that was made for it.",
    )


async def test_an_agent_stretches_the_window_of_its_task(attacker: Attacker, unmoved: Any) -> None:
    agent = stranger()
    longer = task_of(agent).model_copy(update={"expires": system_clock() + timedelta(days=300)})
    async with unmoved():
        _, told, _ = await attacker.call(
            "assets.search_assets", attacker.token("mcp:assets", agent=agent, task=longer), query="film"
        )
    assert told["message"] == "The task's policy is not the one that was made for it."


async def test_an_agent_goes_on_after_the_window_of_its_task(attacker: Attacker, unmoved: Any) -> None:
    agent = stranger()
    over = task_of(agent, expires=system_clock() - timedelta(seconds=2))
    async with unmoved():
        _, told, _ = await attacker.call(
            "assets.search_assets", attacker.token("mcp:assets", agent=agent, task=over), query="film"
        )
    assert (told["code"], told["message"]) == ("TASK_ENDED", f"The window of the task {over.root} is over.")


@pytest.mark.parametrize("whose", ["of another agent", "for another person"])
async def test_an_agent_acts_in_a_task(attacker: Attacker, unmoved: Any, whose: str) -> None:
    agent = stranger()
    task = task_of("agent:compliance") if whose == "of another agent" else task_of(agent, person="person:alex")
    async with unmoved():
        _, told, _ = await attacker.call(
            "assets.search_assets", attacker.token("mcp:assets", agent=agent, task=task), query="film"
        )
    assert (told["code"], told["message"]) == (
        "PERMISSION_DENIED",
        "The task's policy is not the one that was made for it.",
    )


async def test_an_agent_with_an_empty_plan_may_do_nothing(attacker: Attacker, unmoved: Any) -> None:
    agent = stranger()
    empty = task_of(agent, tools=plan(agent, "clear-rights"))
    async with unmoved():
        _, told, _ = await attacker.call(
            "assets.search_assets", attacker.token("mcp:assets", agent=agent, task=empty), query="film"
        )
    assert told["code"] == "PERMISSION_DENIED"


async def test_an_agent_names_an_asset_that_its_task_was_never_shown_and_learns_not_even_that_it_is_there(
    attacker: Attacker, unmoved: Any, asset: str
) -> None:
    agent = stranger()
    token = attacker.token("mcp:assets", agent=agent, task=task_of(agent))
    async with unmoved():
        there = await attacker.call("assets.get_asset", token, asset_id=asset)
        nowhere = await attacker.call("assets.get_asset", token, asset_id=_new_id("ast"))
    assert there == nowhere
    assert (there[1]["code"], there[1]["message"]) == ("NOT_FOUND", "There is no such thing here.")


async def test_an_agent_that_searched_may_name_what_it_found_and_another_task_of_it_may_not(
    attacker: Attacker, unmoved: Any, asset: str
) -> None:
    agent = stranger()
    searching, other = task_of(agent, tools=PLAN | {"assets.get_asset"}), task_of(agent)
    token = attacker.token("mcp:assets", agent=agent, task=searching)
    attacker.foundation.enforcement.shown(searching.root, [asset])
    async with unmoved():
        with pytest.raises(AssertionError, match=asset):  # it is answered
            await attacker.call("assets.get_asset", token, asset_id=asset)
        _, told, _ = await attacker.call(
            "assets.get_asset", attacker.token("mcp:assets", agent=agent, task=other), asset_id=asset
        )
    assert told["code"] == "NOT_FOUND"


async def test_an_agent_hides_a_thing_it_was_not_shown_in_other_words_of_a_call(
    attacker: Attacker, unmoved: Any, asset: str
) -> None:
    agent = stranger()
    token = attacker.token("mcp:assets", agent=agent, task=task_of(agent))
    async with unmoved():
        _, told, _ = await attacker.call("assets.search_assets", token, query=f"like ({asset})")
    assert told["code"] == "NOT_FOUND"


def _escaped(digits: str) -> str:
    return f"\\u{ord(digits[0]):04x}{digits[1:]}"


@pytest.mark.parametrize("written", [str.upper, _escaped], ids=["in capitals", "escaped"])
async def test_an_agent_describes_media_it_was_not_shown_in_a_file_that_writes_their_name_another_way(
    attacker: Attacker, unmoved: Any, house: Any, asset: str, written: Callable[[str], str]
) -> None:
    found = await house.sam.tool("assets.get_asset", asset_id=asset)
    digits = found["versions"][0]["media"].removeprefix("sha256:")
    ontology = "http://www.ebu.ch/metadata/ontologies/ebucoreplus#"
    said = f'ec:hashValue "{written(digits)}" ; ec:title "Mine now"'
    content = f"@prefix ec: <{ontology}> . <urn:x:1> a ec:MediaResource ; {said} ."
    agent, tool = stranger(), "assets.import_catalogue"
    token = attacker.token("mcp:assets", agent=agent, task=task_of(agent, tools={tool}))
    async with unmoved():
        _, told, _ = await attacker.call(tool, token, format="ebucoreplus", content=content)
    assert (told["code"], told["message"]) == ("NOT_FOUND", "There is no such thing here.")
    read = await house.sam.tool(tool, format="ebucoreplus", content=content, preview=True)
    assert read["values_recorded"] + read["values_kept"] == 1  # the server reads it as the name of that media


async def test_an_agent_asks_another_for_a_skill_that_its_plan_does_not_have(attacker: Attacker, unmoved: Any) -> None:
    agent = stranger()
    task = task_of(agent, tools={"assets.search_assets"})
    scopes = role_scopes(["editor"])
    token = attacker.token("agent:compliance", agent=agent, task=task, scopes=scopes)
    async with unmoved():
        answer = await attacker.skill("compliance", token)
    assert answer.status_code == 403
    assert f"clear-rights is no part of the task {task.root} of {agent}." in answer.text
    attacker.foundation.audit.flush()
    log = attacker.foundation.settings.home / "audit" / f"{attacker.foundation.audit.name}.jsonl"
    rows = [each for each in map(json.loads, log.read_text(encoding="utf-8").splitlines()) if each["actor"] == agent]
    row = rows[-1]
    assert (row["action"], row["decision"]) == ("ask clear-rights", "denied:PERMISSION_DENIED")
    assert (row["policy"], row["task"], row["on_behalf_of"]) == ("task-plan", task.id, "person:sam")


async def test_an_agent_hands_another_a_thing_that_their_task_was_never_shown(
    attacker: Attacker, unmoved: Any, asset: str
) -> None:
    agent = stranger()
    token = attacker.token("agent:compliance", agent=agent, task=task_of(agent), scopes=role_scopes(["editor"]))
    async with unmoved():
        answer = await attacker.skill("compliance", token, assets=(asset,))
    assert answer.status_code == 404
    assert "There is no such thing here." in answer.text


async def test_a_person_calls_a_tool_without_its_scope_and_is_told_which_one_it_takes(
    attacker: Attacker, unmoved: Any
) -> None:
    token = attacker.token("mcp:rights", scopes=["rights:read"])
    async with unmoved():
        status, told, challenge = await attacker.call("rights.issue_clearance", token, territories=["GB"])
    assert (status, told["code"]) == (403, "PERMISSION_DENIED")
    assert told["message"] == "rights.issue_clearance needs the scope rights:clear, which person:sam does not hold."
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="rights:clear"' in challenge
    assert "resource_metadata=" in challenge


FORBIDS = """
@id("not-from-here")
@says("{action} is not to be called from this network.")
forbid (principal, action == Action::"destroy", resource)
when { context has network && context.network.isLoopback() };

@id("heads-at-home")
@says("{action} is not for this network.")
forbid (principal, action == Action::"approve", resource)
when { context has network && context.network.isLoopback() };

@id("ruling-elsewhere")
forbid (principal, action == Action::"know", resource == Story::"ruling")
when { context has network && context.network.isLoopback() };

@id("counting-wrong")
forbid (principal, action == Action::"write", resource)
when { 9223372036854775807 + principal.level > 0 };

@id("everybody-may")
permit (principal, action, resource);
"""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Attacker]:
    """An empty house with policies of its own, one of which errs and one of which would permit all."""
    home = tmp_path_factory.mktemp("strict")
    (home / "policies").mkdir()
    (home / "policies" / "house.cedar").write_text(FORBIDS, encoding="utf-8")
    foundation = lay_foundation(Settings(home=home), "gateway")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with AsyncExitStack() as stack:
        sam = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
        up = await stack.enter_async_context(open_house(foundation, url, (sam, LOADER)))
        await stack.enter_async_context(served(up.gateway, listener))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=100))
        yield Attacker(url, foundation, http)
        foundation.audit.close()


async def by(attacker: Attacker, capability: str, **arguments: Any) -> dict[str, Any]:
    token = attacker.token(f"mcp:{capability.partition('.')[0]}")
    return (await attacker.call(capability, token, **arguments))[1]


async def test_a_call_that_the_houses_own_policy_forbids_is_refused_in_its_words(strict: Attacker) -> None:
    told = await by(strict, "schedule.cancel_publication", publication=_new_id("hold"), reason="x")
    assert (told["code"], told["message"]) == (
        "PERMISSION_DENIED",
        "schedule.cancel_publication is not to be called from this network.",
    )


async def test_what_a_house_forbids_from_a_network_is_forbidden_at_the_gateway_too(strict: Attacker) -> None:
    token = strict.token("gateway", person="person:alex", roles=["approver"], scopes=["approval:decide"])
    headers = {"authorization": f"Bearer {token}"}
    answer = await strict.http.post(f"{strict.url}/approvals/apr_0", json={"decision": "approved"}, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (403, "approval.decide is not for this network.")


async def test_a_story_that_a_house_keeps_from_a_network_is_not_there_for_who_knows_it(strict: Attacker) -> None:
    told: list[str] = []
    for story in ("ruling", "merger"):
        film = Element(id="e", kind="programme", ref="film:harbour", name="f", spans=(Span(in_frame=0, out_frame=24),))
        listed = ElementList(rate=Rate(num=24, den=1), frames=24, elements=(film,))
        cut = CutFacts(media=f"sha256:{'a' * 64}", element_list=listed, width=16, height=16, story=story)
        statement = sign_cut(strict.foundation.keys("mcp:editing"), "mcp:editing", cut, system_clock())
        asked = {"cut_statements": [statement], "territories": ["GB"], "platforms": ["vod"]}
        token = strict.token("mcp:rights", stories=["ruling", "merger"])
        call = {"name": "check_clearance", "arguments": asked | {"start": instant_text(system_clock())}}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-06-18",
        }
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        answer = (await strict.http.post(f"{strict.url}/mcp/rights", json=rpc, headers=headers)).json()["result"]
        told.append(answer["structuredContent"].get("code", "answered"))
    assert told == ["NOT_FOUND", "answered"]


async def test_a_call_about_which_a_policy_errs_is_refused_though_another_permits_it(strict: Attacker) -> None:
    told = await by(strict, "rights.issue_clearance", territories=["GB"])
    assert (told["code"], told["message"]) == (
        "PERMISSION_DENIED",
        "A policy could not be evaluated, so this is not allowed.",
    )


async def test_a_policy_that_permits_everything_gives_no_agent_a_task_and_nobody_a_scope(strict: Attacker) -> None:
    agent = stranger()
    token = strict.token("mcp:assets", agent=agent)
    _, told, _ = await strict.call("assets.search_assets", token, query="film")
    assert told["message"] == f"{agent} acts for no task; outside a task an agent may do nothing."
    told = (await strict.call("assets.search_assets", strict.token("mcp:assets", scopes=[]), query="film"))[1]
    assert told["message"].startswith("assets.search_assets needs the scope assets:read")
