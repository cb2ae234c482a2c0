"""What the gateway sends when something was stopped: to whom, with what, and again when it did not get through."""

import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from holdback_agents.gateway.admissions import house_admission
from holdback_agents.gateway.delivery import Delivery
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import Ledger
from holdback_agents.gateway.stopping import Stopping
from holdback_agents.gateway.store import Approval
from holdback_agents.gateway.task_ends import TaskEnds
from holdback_agents.gateway.tasks import NamedTask, TaskBook

pytestmark = pytest.mark.asyncio
EDITOR = "agent:editing-assistant"
SKILL = f"{EDITOR}:make-highlight"


class Wire:
    """Answers what is sent as it is told to, and keeps it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        self.status, self.result = 200, dict[str, Any]()

    async def __call__(self, name: str, token: str, body: bytes) -> tuple[int, bytes]:
        self.sent.append((name, jwt.decode(token, options={"verify_signature": False}), json.loads(body)))
        return self.status, json.dumps({"jsonrpc": "2.0", "id": 1, "result": self.result}).encode()


def desk(house, *, outside: bool = False) -> tuple[Any, Registry, TaskBook]:
    """The services, the registry and the task book of a house; `outside` makes the assistant one from outside."""
    services = house.services
    if outside:
        agents = [
            replace(each, admission=house_admission(each, by="person:test", now=house.clock()))
            if each.name == "editing-assistant"
            else each
            for each in services.agents
        ]
        services = replace(services, agents=agents)
    registry = Registry.of(services.url, services.agents, services.servers, services.people)
    return services, registry, TaskBook(services.database, services.clock, lambda *_: frozenset({"assets.get_asset"}))


def stopping(house, wire: Wire, *, outside: bool = False) -> Stopping:
    services, registry, tasks = desk(house, outside=outside)
    scopes = {SKILL, "assets:read", "assets:write"}
    text = services.authority.issue(person="person:sam", roles={"editor"}, audience=EDITOR, scopes=scopes)
    tasks.enter(services.authority.read(text), EDITOR, NamedTask(id="task-1", skill="make-highlight"))
    return Stopping(services, registry, (tasks, TaskEnds(services, tasks)), wire, wire)


async def test_a_suspended_agent_is_told_of_the_end_with_a_token_for_that_alone(build_house):
    house, wire = build_house(), Wire()
    stops = stopping(house, wire)
    house.services.enforcement.standing.suspend(EDITOR, by="person:kim", why="a drill")
    await stops.look()
    await stops.look()
    assert [(name, body["method"], token["scope"]) for name, token, body in wire.sent] == [
        ("editing-assistant", "CancelTask", SKILL)
    ]


async def test_a_suspended_agent_from_outside_is_sent_nothing(build_house):
    house, wire = build_house(), Wire()
    stops = stopping(house, wire, outside=True)
    house.services.enforcement.standing.suspend(EDITOR, by="person:kim", why="a drill")
    await stops.look()
    assert wire.sent == []


async def test_a_job_of_a_closed_story_is_cancelled_also_by_a_gateway_that_ended_no_task_itself(build_house):
    house, wire = build_house(stories={"court-ruling": frozenset({"person:sam"})}), Wire()
    services, registry, tasks = desk(house)
    stops = Stopping(services, registry, (tasks, TaskEnds(services, tasks)), wire, wire)
    house.services.enforcement.standing.hold_back(["job_1"], by="guardian", why="a drill")
    await stops.look()
    ((name, token, body),) = wire.sent
    assert (name, token["sub"], token["stories"]) == ("assets", "person:sam", ["court-ruling"])
    assert body["params"] == {"name": "cancel_job", "arguments": {"job_id": "job_1"}}


def refusing(code: str) -> dict[str, Any]:
    return {"isError": True, "structuredContent": {"code": code}, "content": []}


@pytest.mark.parametrize(("status", "result"), [(502, {}), (429, {}), (200, refusing("UNAVAILABLE"))])
async def test_a_job_that_could_not_be_cancelled_is_tried_again_ever_more_rarely_until_it_is(
    build_house, status, result
):
    house, wire = build_house(), Wire()
    services, registry, tasks = desk(house)
    stops = Stopping(services, registry, (tasks, TaskEnds(services, tasks)), wire, wire)
    house.services.enforcement.standing.hold_back(["job_1"], by="guardian", why="a drill")
    wire.status, wire.result = status, result
    tried: list[int] = []
    for _ in range(8):
        await stops.look()
        tried.append(len(wire.sent))
    wire.status, wire.result = 200, {}
    for _ in range(9):
        await stops.look()
    assert tried == [1, 1, 2, 2, 2, 3, 3, 3]
    assert len(wire.sent) == 4


async def test_a_server_that_does_not_answer_is_asked_once_in_a_look_however_many_jobs_wait(build_house):
    house, wire = build_house(), Wire()
    services, registry, tasks = desk(house)
    stops = Stopping(services, registry, (tasks, TaskEnds(services, tasks)), wire, wire)
    house.services.enforcement.standing.hold_back(["job_1", "job_2", "job_3"], by="guardian", why="a drill")
    wire.status = 504
    await stops.look()
    assert len(wire.sent) == 1
    wire.status = 200
    await stops.look()
    await stops.look()
    assert [body["id"] for _, _, body in wire.sent[1:]] == ["job_1", "job_2", "job_3"]


async def test_a_job_that_no_server_has_is_not_asked_for_again(build_house):
    house, wire = build_house(), Wire()
    services, registry, tasks = desk(house)
    stops = Stopping(services, registry, (tasks, TaskEnds(services, tasks)), wire, wire)
    house.services.enforcement.standing.hold_back(["job_1"], by="guardian", why="a drill")
    wire.result = refusing("NOT_FOUND")
    await stops.look()
    asked = len(wire.sent)
    await stops.look()
    assert (asked, len(wire.sent)) == (3, 3)


async def test_a_decision_does_not_go_to_an_agent_from_outside_that_was_stopped(build_house):
    house, wire = build_house(), Wire()
    services, registry, tasks = desk(house, outside=True)
    house.services.enforcement.standing.suspend(EDITOR, by="person:kim", why="a drill")
    delivery = Delivery(services, registry, Ledger(services.audit, services.enforcement), tasks, wire)
    approval = Approval.model_validate(
        {
            "id": "apr_1",
            "asker": "person:sam",
            "scopes": [SKILL],
            "agent": "editing-assistant",
            "task": "task-1",
            "context": "",
            "question": {},
            "question_sha256": "sha256:" + "a" * 64,
            "asked": house.clock(),
            "expires": house.clock(),
            "tier": 1,
        }
    )
    assert (await delivery._attempt(approval))[0] == "given-up"
    assert wire.sent == []
