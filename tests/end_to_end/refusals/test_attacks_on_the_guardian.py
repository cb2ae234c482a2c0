"""What agents try that are fooled or have been taken over, and what people try who may not: the guardian's part.

The house is one of its own, empty, for agents are suspended in it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.house import AGENTS
from holdback.people import LOADER
from holdback_agents.contracts import SKILL_EXTENSION
from holdback_agents.runtime.brain import Rules
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.assertions import sign_assertion
from holdback_trust.guardian import LIMITS, Guardian
from holdback_trust.keys import KeyPair, sign_jws

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor", "approver"}))
KIM = PersonSetting(id="person:kim", name="Kim", roles=frozenset({"security"}))
COMPLIANCE, ASSISTANT, SCHEDULER = "agent:compliance", "agent:editing-assistant", "agent:scheduler"
SKILLS = {COMPLIANCE: "clear-rights", ASSISTANT: "make-highlight", SCHEDULER: "plan-publication"}


@dataclass
class Guarded:
    """An empty house, an asker, and somebody who holds the role security."""

    url: str
    home: Path
    foundation: Foundation
    sam: Desk
    kim: Desk
    http: httpx.AsyncClient

    @property
    def guard(self) -> Guardian:
        guard = self.foundation.enforcement.guard
        assert isinstance(guard, Guardian)
        return guard

    async def order(self, order: str, desk: Desk | None = None, **body: Any) -> dict[str, Any]:
        return await (desk or self.kim).person.ask("POST", f"/guardian/{order}", "", json=body)

    async def token(self, agent: str, audience: str, scope: str = "", task: str = "t-1") -> httpx.Response:
        """What the token door says to an agent that was asked by Sam, and holds its real key."""
        keys = self.foundation.keys(agent)
        brain = AGENTS[agent.removeprefix("agent:")]().identity(keys.kid, Rules().configuration)
        jti = self.foundation.new_id("evt")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": await self.sam.person.token(agent),
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": audience,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": sign_assertion(
                keys, agent, "gateway", self.foundation.clock, jti, identity=brain.shown()
            ),
            "task": f"{agent.removeprefix('agent:')}-{task}",
            "skill": SKILLS[agent],
        }
        return await self.http.post(f"{self.url}/oauth/token", data=form | ({"scope": scope} if scope else {}))

    async def rogue(self, agent: str, server: str, task: str = "t-1") -> "Rogue":
        """The agent in the hands of an attacker, at a server's door with a good token."""
        answer = await self.token(agent, f"mcp:{server}", task=task)
        assert answer.status_code == 200, answer.text
        return Rogue(self, server, answer.json()["access_token"])


@dataclass
class Rogue:
    house: Guarded
    server: str
    bearer: str

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.bearer}", "accept": "application/json, text/event-stream"}
        headers |= {"a2a-version": "1.0"} if path.startswith("/agents/") else {}
        return await self.house.http.post(f"{self.house.url}{path}", json=body, headers=headers)

    async def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The problem that the call ends with; empty when it went well."""
        params = {"name": name, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = (await self.post(f"/mcp/{self.server}", body)).json()
        if "result" not in answer:
            return answer.get("error", {}).get("data") or answer
        result = answer["result"]
        return result["structuredContent"] if result.get("isError") else {}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Guarded]:
    async with _guarded(opened, tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


@asynccontextmanager
async def _guarded(opened: Any, home: Path) -> AsyncGenerator[Guarded]:
    async with opened(Settings(home=home), LOADER, SAM, KIM) as up, httpx.AsyncClient(timeout=100) as http:
        yield Guarded(up.url, home, up.foundation, *up.desks[1:], http)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def restored(house: Guarded) -> AsyncGenerator[None]:
    """Whoever an attack got suspended is taken back, and nothing is held back or counted any more."""
    yield
    standing = house.foundation.enforcement.standing
    for entry in standing.entries():
        if entry.kind == "suspend":
            await house.order("restore", agent=entry.name, incident=entry.incident)
        if entry.kind == "quarantine":
            await house.order("release", names=[entry.name], incident=entry.incident)
    house.guard.limits = LIMITS
    for agent in SKILLS:
        house.guard.forget(agent)


async def test_an_agent_that_keeps_trying_tools_outside_its_plan_is_suspended_in_the_third_call(
    house: Guarded, unmoved: Any
) -> None:
    rogue = await house.rogue(SCHEDULER, "rights", "outside")
    async with unmoved("gateway.tasks"):
        codes = [(await rogue.tool("record_event", ref="film:a", event="premiere"))["code"] for _ in range(4)]
    assert codes == ["PERMISSION_DENIED"] * 3 + ["AGENT_SUSPENDED"]
    seen = await house.kim.person.ask("GET", "/guardian", "")
    assert seen["incidents"][0]["signal"] == "off-plan"
    assert [each["name"] for each in seen["standing"] if each["kind"] == "suspend"] == [SCHEDULER]


async def test_a_suspended_agent_gets_nowhere_with_the_tokens_it_holds_nor_with_new_ones_and_others_go_on(
    house: Guarded, unmoved: Any
) -> None:
    rogue, other = await house.rogue(ASSISTANT, "assets", "old"), await house.rogue(SCHEDULER, "rights", "good")
    assert await rogue.tool("search_assets", query="a") == {}
    await house.order("suspend", agent="editing-assistant", why="It looks wrong.")
    async with unmoved("gateway.tasks"):
        problem = await rogue.tool("search_assets", query="a")
        again = (await house.token(ASSISTANT, "mcp:assets", task="old")).json()
        anew = (await house.token(ASSISTANT, "mcp:assets", task="new")).json()
    assert problem["code"] == "AGENT_SUSPENDED"
    assert "It looks wrong" in problem["message"]
    assert {again["code"], anew["code"]} <= {"AGENT_SUSPENDED", "TASK_ENDED"}
    assert (await other.tool("get_clearance", clearance="clr_01K9ZZZZZZZZZZZZZZZZZZZZZZ"))["code"] == "NOT_FOUND"


async def test_an_agent_that_asks_for_wider_tokens_is_suspended_at_the_third(house: Guarded) -> None:
    asked = [
        ("mcp:rights", "rights:write"),
        ("gateway", "approval:decide"),
        ("mcp:assets", "assets:declare"),
    ]
    errors = [(await house.token(COMPLIANCE, where, scope)).json()["error"] for where, scope in asked]
    assert errors == ["invalid_scope"] * 3
    assert (await house.token(COMPLIANCE, "mcp:rights")).json()["code"] == "AGENT_SUSPENDED"


async def test_an_agent_cannot_restore_itself_with_its_token(house: Guarded, unmoved: Any) -> None:
    token = (await house.token(SCHEDULER, "gateway", task="self")).json()["access_token"]
    rogue = Rogue(house, "", token)
    async with unmoved("gateway.tasks"):
        answers = [await rogue.post(f"/guardian/{order}", {"agent": COMPLIANCE}) for order in ("restore", "suspend")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(403, "PERMISSION_DENIED")] * 2


async def test_an_agent_cannot_ask_for_the_guardians_scope(house: Guarded) -> None:
    answer = await house.token(SCHEDULER, "gateway", "guardian:act", task="scope")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("order", ["suspend", "restore", "kill", "resume", "release", "permit"])
async def test_a_person_without_the_role_security_changes_nothing(house: Guarded, unmoved: Any, order: str) -> None:
    async with unmoved("gateway.tasks"):
        with pytest.raises(Problem) as caught:
            await house.order(order, house.sam, agent="compliance", names=["sha256:aa"], incident="evt_1")
    assert caught.value.code == "PERMISSION_DENIED"
    assert house.foundation.enforcement.standing.suspended(COMPLIANCE) is None


async def test_nobody_without_a_token_stops_or_sees_anything(house: Guarded, unmoved: Any) -> None:
    async with unmoved("gateway.tasks"):
        answers = [
            await house.http.post(f"{house.url}/guardian/kill", json={}),
            await house.http.get(f"{house.url}/guardian"),
        ]
    assert [each.status_code for each in answers] == [401, 401]


async def test_the_person_whose_work_it_is_cannot_permit_what_the_guardian_stopped(house: Guarded) -> None:
    rogue = await house.rogue(ASSISTANT, "assets", "hosts")
    problem = await rogue.tool("search_assets", query="https://evil.example/?q=all")
    with pytest.raises(Problem) as caught:
        await house.order("permit", house.sam, incident=problem["details"]["incident"])
    assert caught.value.code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest/meta-data/", "https://evil.example/collect?all", "//evil.example"]
)
async def test_an_address_outside_is_stopped_before_the_call_is_made(
    house: Guarded, unmoved: Any, address: str
) -> None:
    rogue = await house.rogue(ASSISTANT, "assets", "hosts")
    async with unmoved("gateway.tasks"):
        problem = await rogue.tool("search_assets", query=address)
    assert problem["code"] == "GUARDIAN_BLOCKED"
    assert problem["message"].endswith("it names an address that this house does not reach.")


async def test_an_agent_that_goes_round_in_circles_is_stopped(house: Guarded, unmoved: Any) -> None:
    rogue = await house.rogue(ASSISTANT, "assets", "circles")
    house.guard.limits = LIMITS.model_copy(update={"loop": ((10, "block"),)})
    async with unmoved("gateway.tasks"):
        codes = [(await rogue.tool("search_assets", query="again")).get("code", "") for _ in range(11)]
    assert codes == [""] * 9 + ["GUARDIAN_BLOCKED"] * 2


async def test_an_agent_that_guesses_ids_may_only_read_from_then_on(house: Guarded, unmoved: Any) -> None:
    rogue = await house.rogue(ASSISTANT, "assets", "guesses")
    async with unmoved("gateway.tasks"):
        codes = {(await rogue.tool("get_asset", asset_id=house.foundation.new_id("ast")))["code"] for _ in range(20)}
        editing = await house.rogue(ASSISTANT, "editing", "guesses")
        problem = await editing.tool("create_timeline", title="x", sources=[], clips=[])
    assert codes == {"NOT_FOUND"}
    assert (problem["code"], problem["message"][:41]) == (
        "GUARDIAN_BLOCKED",
        "The guardian lets this task only read: it",
    )


async def test_a_suspended_agent_reaches_no_other_agent_no_registry_and_no_approver(
    house: Guarded, unmoved: Any
) -> None:
    bearer = (await house.token(ASSISTANT, COMPLIANCE, task="reach")).json()["access_token"]
    gateway = (await house.token(ASSISTANT, "gateway", task="reach")).json()["access_token"]
    await house.order("suspend", agent=ASSISTANT)
    message = {
        "messageId": "m-1",
        "role": "ROLE_USER",
        "parts": [{"text": "clear it"}],
        "metadata": {SKILL_EXTENSION: "clear-rights"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    async with unmoved("gateway.tasks"):
        to_agent = await Rogue(house, "", bearer).post("/agents/compliance", body)
        headers = {"authorization": f"Bearer {gateway}"}
        registry = await house.http.get(f"{house.url}/registry?skill=clear-rights", headers=headers)
        approvals = await house.http.get(f"{house.url}/approvals", headers=headers)
    assert "AGENT_SUSPENDED" in to_agent.text
    assert (registry.status_code, registry.json()["code"]) == (403, "AGENT_SUSPENDED")
    assert (approvals.status_code, approvals.json()["code"]) == (403, "AGENT_SUSPENDED")


async def test_who_takes_an_agent_back_takes_back_no_suspension_that_came_meanwhile(house: Guarded) -> None:
    seen, meanwhile = [(await house.order("suspend", agent=ASSISTANT, why=why))["incident"] for why in ("one", "two")]
    with pytest.raises(Problem) as caught:
        await house.order("restore", agent=ASSISTANT)
    assert caught.value.code == "CONFLICT"
    assert seen in caught.value.message
    assert meanwhile in caught.value.message
    answer = await house.order("restore", incident=seen)
    assert (answer["agent"], answer["suspended"], answer["lifted"]["incident"]) == (ASSISTANT, True, seen)
    assert (await house.token(ASSISTANT, "mcp:assets", task="not-yet")).json()["code"] == "AGENT_SUSPENDED"
    assert not (await house.order("restore", agent=ASSISTANT))["suspended"]
    assert (await house.token(ASSISTANT, "mcp:assets", task="again")).status_code == 200


async def test_a_task_that_was_ended_by_a_suspension_does_not_come_back_with_its_agent(house: Guarded) -> None:
    rogue = await house.rogue(ASSISTANT, "assets", "ended")
    await house.order("suspend", agent=ASSISTANT)
    async with asyncio.timeout(100):
        while not house.foundation.enforcement.standing.ended("editing-assistant-ended"):
            await house.kim.person.ask("GET", "/guardian", "")
    await house.order("restore", agent=ASSISTANT)
    assert (await rogue.tool("search_assets", query="a"))["code"] == "TASK_ENDED"
    assert (await house.token(ASSISTANT, "mcp:assets", task="ended")).json()["code"] == "TASK_ENDED"
    assert (await house.token(ASSISTANT, "mcp:assets", task="fresh")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/guardian/../guardian/kill", "/guardian/incidents/../../keys", "/guardian/kill/now", "/guardian//kill"]
)
async def test_no_crooked_path_leads_to_the_switch(house: Guarded, unmoved: Any, path: str) -> None:
    token = await house.sam.person.token("gateway")
    async with unmoved("gateway.tasks"):
        answer = await house.http.post(
            f"{house.url}{path}", json={}, headers={"authorization": f"Bearer {token}"}, follow_redirects=False
        )
    assert answer.status_code in (403, 404)
    assert house.foundation.enforcement.standing.suspended(COMPLIANCE) is None


async def test_what_is_held_back_is_used_by_nobody_not_even_a_person(house: Guarded, unmoved: Any) -> None:
    media = "sha256:" + "7" * 64
    house.foundation.enforcement.standing.hold_back([media], by="guardian", why="made by a stopped task")
    async with unmoved("gateway.tasks"):
        with pytest.raises(Problem) as caught:
            await house.sam.tool("schedule.hold_slot", channel="a", title="x", media=media, availability={})
    assert caught.value.code == "QUARANTINED"


async def test_what_another_incident_holds_back_is_not_freed_with_the_first(house: Guarded, unmoved: Any) -> None:
    media = "sha256:" + "8" * 64
    standing = house.foundation.enforcement.standing
    for incident in ("evt_1", "evt_2"):
        standing.hold_back([media], by="guardian", why="made by a stopped task", incident=incident)
    async with unmoved("gateway.tasks"):
        with pytest.raises(Problem) as several:
            await house.order("release", names=[media])
        freed = await house.order("release", names=[media], incident="evt_1")
        with pytest.raises(Problem) as caught:
            await house.sam.tool("schedule.hold_slot", channel="a", title="x", media=media, availability={})
    assert (several.value.code, caught.value.code) == ("CONFLICT", "QUARANTINED")
    assert (freed["released"], [each["incident"] for each in freed["held_back"]]) == ([], ["evt_2"])
    assert standing.held_by("evt_2") == {media}


async def test_the_kill_switch_stops_every_agent_until_a_person_resumes(house: Guarded, unmoved: Any) -> None:
    rogues = [await house.rogue(ASSISTANT, "assets", "kill"), await house.rogue(SCHEDULER, "schedule", "kill")]
    await house.order("kill", why="drill")
    async with unmoved("gateway.tasks"):
        codes = [(await rogue.tool("get_job", job_id="job_1"))["code"] for rogue in rogues]
    assert codes == ["AGENT_SUSPENDED"] * 2
    with pytest.raises(Problem):
        await house.order("resume", house.sam)
    await house.order("resume")
    assert (await house.token(ASSISTANT, "mcp:assets", task="after")).status_code == 200


async def test_a_forged_line_that_frees_an_agent_stops_all_of_them(opened: Any, tmp_path: Path) -> None:
    async with _guarded(opened, tmp_path) as house:
        rogue = await house.rogue(COMPLIANCE, "rights")
        await house.order("suspend", agent="scheduler")
        _forge(house.home / "trust" / "standing.jsonl")
        problem = await rogue.tool("list_rights")
        assert problem["code"] == "UNAVAILABLE"
        assert (await house.kim.person.ask("GET", "/guardian", ""))["trouble"].startswith("UNAVAILABLE")
        assert await house.sam.tool("rights.list_rights") == {"items": []}  # people work on


def _forge(path: Path) -> None:
    """A line that a stranger's key signed, at the end of the book."""
    entry = {"kind": "restore", "name": SCHEDULER, "at": "2026-11-22T12:00:00Z", "by": "person:kim"}
    claims = {"iss": "gateway", "seq": 2, "prev": "", "entry": entry}
    line = sign_jws(KeyPair.generate(), "standing+jwt", claims)
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")
