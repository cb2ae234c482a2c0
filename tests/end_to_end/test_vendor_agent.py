"""An agent from outside, written without a line of the house: let in, at work, changed, sent away."""

import asyncio
import importlib.util
import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from a2a.types.a2a_pb2 import Task, TaskState
from google.protobuf.json_format import MessageToDict
from holdback.desk import Desk, open_desk
from holdback.foundation import lay_foundation, party_keys
from holdback.house import House, open_house
from holdback.letting_in import Said, admit_agent, dismiss_agent, list_agents, show_agent
from holdback.people import LOADER
from holdback.serving import listen, served
from holdback_agents.runtime.parts import message, text_part
from holdback_agents.runtime.peers import Listener
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, load_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOURCE = Path(__file__).parents[2] / "examples" / "vendor-agent" / "channel_guide.py"
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
VIC = PersonSetting(id="person:vic", name="Vic", roles=frozenset({"viewer"}))
CHANNEL = {
    "name": "harbour-one",
    "title": "Harbour One",
    "kind": "social",
    "platform": "social.youtube",
    "territories": ["GB"],
    "time_zone": "Europe/London",
    "reach": {"source": "invented", "hours": {"weekdays": [1] * 24, "weekend": [1] * 24}},
}


def _vendor_module() -> Any:
    spec = importlib.util.spec_from_file_location("channel_guide", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


guide = _vendor_module()


@dataclass
class Vendor:
    """The agent on a port of its own; `agent` is the object that it goes to the house with."""

    url: str
    key: Any
    agent: Any
    heard: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The headers of each request that reached it."""


@dataclass
class Street:
    """A house that may reach this machine, a vendor's agent beside it, and two people."""

    home: Path
    url: str
    house: House
    vendor: Vendor
    sam: Desk
    vic: Desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street() -> AsyncGenerator[Street]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = folder / "home"
        home.mkdir(mode=0o700)
        (home / "holdback.toml").write_text('[egress]\nprivate = ["127.0.0.1/32"]\n', encoding="utf-8")
        ours, theirs = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
        url = f"http://127.0.0.1:{ours.getsockname()[1]}"
        vendor = _vendor(f"http://127.0.0.1:{theirs.getsockname()[1]}", url, folder)
        app = guide.build_app(vendor.url, vendor.agent, vendor.key)
        await stack.enter_async_context(app.router.lifespan_context(app))

        async def heard(scope: Any, receive: Any, send: Any) -> None:
            vendor.heard.append({name.decode(): value.decode() for name, value in scope["headers"]})
            await app(scope, receive, send)

        await stack.enter_async_context(served(heard, theirs))
        await admit(home, vendor)
        foundation = lay_foundation(load_settings({}, home=home), "gateway")
        house = await stack.enter_async_context(open_house(foundation, url, (LOADER, SAM, VIC)))
        await stack.enter_async_context(served(house.gateway, ours))
        loader, sam, vic = [
            await stack.enter_async_context(
                open_desk(who, party_keys(home, who.id), url, clock=foundation.clock, new_id=foundation.new_id)
            )
            for who in (LOADER, SAM, VIC)
        ]
        await loader.tool("schedule.record_channel", channel=CHANNEL)
        yield Street(home, url, house, vendor, sam, vic)


def _vendor(url: str, house: str, folder: Path) -> Vendor:
    key = guide.Key.kept_at(folder / "guide.pem")
    return Vendor(url, key, guide.House(house, key))


async def admit(home: Path, vendor: Vendor) -> None:
    said = Said(
        vendor.url,
        name="channel-guide",
        key=vendor.key.name,
        owner="Guide Ltd",
        level=100,
        roles=("editor",),
        grants=("mcp:schedule=schedule:read",),
        plans=("list-channels=schedule.list_channels",),
    )
    await asyncio.to_thread(admit_agent, said, home)


async def ask(desk: Desk) -> Task:
    async def begun(_task: str) -> None: ...

    async def told(_progress: Any) -> None: ...

    words = message([text_part("Which channels are there?")], message_id="msg-1", skill="list-channels")
    return await desk.peers.converse(desk.peer("channel-guide"), words, Listener(begun, told))


def said_by(task: Task) -> str:
    return json.dumps(MessageToDict(task))


async def test_an_agent_from_outside_works_for_a_person_through_the_house(street: Street) -> None:
    task = await ask(street.sam)
    assert task.status.state == TaskState.TASK_STATE_COMPLETED, said_by(task)
    assert "harbour-one (social.youtube)" in said_by(task)
    street.house.foundation.audit.flush()
    logs = [path.read_text(encoding="utf-8") for path in (street.home / "audit").glob("*.jsonl")]
    rows = [json.loads(line) for log in logs for line in log.splitlines()]
    calls = [row for row in rows if "list_channels" in json.dumps(row) and "agent:channel-guide" in json.dumps(row)]
    assert calls, "the call stands in the record, with who made it and for whom"
    assert all("person:sam" in json.dumps(row) for row in calls)


async def test_its_task_ends_with_its_work_and_the_record_is_signed_then(street: Street) -> None:
    task = await ask(street.sam)
    heads = (street.home / "audit" / "gateway.heads.jsonl").read_text(encoding="utf-8").splitlines()
    assert task.id in [json.loads(line)["task"] for line in heads]
    token = await street.sam.person.token("agent:channel-guide")
    with pytest.raises(PermissionError, match="TASK_ENDED"):
        await street.vendor.agent.token(token, "mcp:schedule", task.id)


async def test_the_houses_own_agents_are_let_in_by_its_first_start_though_another_was_first(street: Street) -> None:
    assert street.house.outside == {}


async def test_its_skill_stands_in_the_registry_and_its_card_is_signed_by_the_house(street: Street) -> None:
    offer = await street.sam.person.ask("GET", "/registry", "registry:read", params={"skill": "list-channels"})
    async with httpx.AsyncClient(timeout=100) as http:
        card = (await http.get(f"{street.url}/agents/channel-guide/.well-known/agent-card.json")).json()
    assert offer["audience"] == "agent:channel-guide"
    assert card["supportedInterfaces"][0]["url"] == f"{street.url}/agents/channel-guide"
    assert len(card["signatures"]) == 1


async def test_it_gets_no_more_than_it_was_let_in_for(street: Street) -> None:
    token = await street.sam.person.token("agent:channel-guide")
    with pytest.raises(PermissionError, match="nothing to do at mcp:assets"):
        await street.vendor.agent.token(token, "mcp:assets", "task-1")
    own = await street.vendor.agent.token(token, "mcp:schedule", "task-1")
    for tool, arguments in (("get_schedule", {}), ("cancel_publication", {"publication": "pub_1", "reason": "I like"})):
        with pytest.raises(PermissionError, match="PERMISSION_DENIED"):
            await street.vendor.agent.call(own, "schedule", tool, arguments)


async def test_who_has_none_of_its_roles_cannot_start_it(street: Street) -> None:
    with pytest.raises(Problem) as refusal:
        await street.vic.person.token("agent:channel-guide")
    assert refusal.value.code == "PERMISSION_DENIED"


async def test_another_version_must_be_let_in_again(street: Street) -> None:
    changed = guide.House(street.url, street.vendor.key, version="1.0.1")
    token = await street.sam.person.token("agent:channel-guide")
    with pytest.raises(PermissionError, match=r"AGENT_NOT_ADMITTED: .* its software is 1\.0\.1, and 1\.0\.0 was"):
        await changed.token(token, "mcp:schedule", "task-2")
    assert await street.vendor.agent.token(token, "mcp:schedule", "task-2")


async def test_sent_away_it_gets_nothing_at_once_and_let_in_again_it_works(
    street: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await street.sam.person.token("agent:channel-guide")
    own = await street.vendor.agent.token(token, "mcp:schedule", "task-3")
    await asyncio.to_thread(dismiss_agent, "channel-guide", street.home)
    with pytest.raises(PermissionError, match="AGENT_SUSPENDED"):
        await street.vendor.agent.call(own, "schedule", "list_channels", {})
    heard = len(street.vendor.heard)
    with pytest.raises(Problem) as stopped:
        await ask(street.sam)
    assert (stopped.value.code, len(street.vendor.heard)) == ("AGENT_SUSPENDED", heard), "nobody's words reach it"
    assert "holdback agents admit" in stopped.value.hint
    with pytest.raises(Problem) as refusal:
        await asyncio.to_thread(show_agent, "channel-guide", street.home, as_json=False)
    assert refusal.value.code == "NOT_FOUND"
    await admit(street.home, street.vendor)
    assert (await _asked_once_known(street.sam)).status.state == TaskState.TASK_STATE_COMPLETED
    capsys.readouterr()
    list_agents(street.home, as_json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() == {"channel-guide", "compliance", "editing-assistant", "scheduler"}
    assert all(row["admitted"] for row in rows.values())
    show_agent("channel-guide", street.home, as_json=False)
    assert "channel-prompt@3" in capsys.readouterr().out


async def _asked_once_known(desk: Desk) -> Task:
    """A gateway that runs knows who was let in when it looks the next time."""
    async with asyncio.timeout(100):
        while True:
            try:
                return await ask(desk)
            except Problem as problem:
                if problem.code != "AGENT_NOT_ADMITTED":
                    raise
            await asyncio.sleep(0.05)


async def test_a_task_that_nobody_of_the_house_holds_is_not_asked_for_outside(street: Street) -> None:
    before = len(street.vendor.heard)
    token = await street.sam.person.token("gateway")
    body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "somebodys-task"}}
    headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
    async with httpx.AsyncClient(timeout=100) as http:
        answer = await http.post(street.url, json=body, headers=headers)
    assert "error" in answer.json()
    assert len(street.vendor.heard) == before, "it would have been given a token for somebody who did not ask it"
