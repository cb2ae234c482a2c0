"""Approvals: asked by an agent for one person, decided by another, signed, and delivered to the waiting task."""

import asyncio

import pytest
from holdback_agents.gateway.delivery import Delivery
from holdback_agents.gateway.registry import LocalApp, Registry
from holdback_agents.gateway.services import Ledger
from holdback_agents.gateway.tasks import TaskBook
from holdback_trust.grants import plan
from holdback_trust.statements import APPROVAL, read

pytestmark = pytest.mark.asyncio

MEDIA, ELEMENTS = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SCOPES = "agent:editing-assistant:make-highlight approval:ask registry:read schedule:commit schedule:plan"


async def waiting_task(house, client) -> tuple[str, str, str]:
    """A task of Sam's that waits at the assistant; with its context, and the token that the assistant got."""
    token = await house.person_token(client, "person:sam", "agent:editing-assistant", scope=SCOPES)
    message = {"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": "wait for a yes"}]}
    body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
    task = (await client.post("/agents/editing-assistant", json=body, headers=headers)).json()["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
    return task["id"], task["contextId"], token


async def ask(house, client, task: str = "", **more):
    """The gateway's answer to a question about such a task, and the task."""
    waiting, context, token = await waiting_task(house, client)
    task = task or waiting
    headers = await asking(house, client, token, task)
    body = {"question": house.question(), "task": task, "context": context, "agent": "agent:editing-assistant"} | more
    return await client.post("/approvals", json=body, headers=headers), task


async def asking(house, client, token: str, task: str) -> dict[str, str]:
    """The assistant's right to ask in a task."""
    more = {"scope": "approval:ask", "task": task}
    narrow = await house.agent_token(client, "agent:editing-assistant", token, "gateway", **more)
    return {"authorization": f"Bearer {narrow}"}


async def asked(house, client, **more) -> tuple[str, str]:
    """An open question about such a task: its id, and the task's."""
    answer, task = await ask(house, client, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], task


async def decide(house, client, who: str, identity: str, decision: str = "approved", **more):
    headers = await house.bearer(client, who, "gateway")
    return await client.post(f"/approvals/{identity}", json={"decision": decision} | more, headers=headers)


async def delivered(house, client, identity: str) -> str:
    """The state of the delivery once it is over; each look lets the outbox work."""
    headers = await house.bearer(client, "person:kim", "gateway")
    async with asyncio.timeout(100):
        while True:
            state = (await client.get(f"/approvals/{identity}", headers=headers)).json().get("delivery")
            if state != "pending":
                return state


async def test_a_second_persons_yes_is_signed_and_reaches_the_task(build_house):
    house = build_house()
    async with house.open() as client:
        identity, task = await asked(house, client)
        answer = await decide(house, client, "person:kim", identity, comment="Lovely.")
        assert await delivered(house, client, identity) == "delivered"
    claims = read(answer.json()["statement"], APPROVAL, house.services.ring, house.clock(), issuers={"gateway"})
    assert answer.status_code == 200
    assert (claims["sub"], claims["elements"], claims["clearance"]) == (MEDIA, ELEMENTS, "clr_1")
    assert (claims["decision"], claims["by"], claims["for"]) == ("approved", "person:kim", "person:sam")
    assert claims["jti"] == identity
    heard = house.echoes["editing-assistant"].heard[-1]
    part = heard["message"]["parts"][0]
    assert heard["message"]["taskId"] == task
    assert part["metadata"] == {"schema": "urn:holdback:approval-answer:1"}
    assert part["data"] == {
        "approval": identity,
        "decision": "approved",
        "statement": answer.json()["statement"],
        "by": "person:kim",
        "comment": "Lovely.",
    }


async def test_the_task_goes_on_with_what_the_asker_had_delegated_and_no_more(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        await decide(house, client, "person:kim", identity)
        await delivered(house, client, identity)
    token = house.echoes["editing-assistant"].heard[-1]["token"]
    assert (token["sub"], token["aud"], "act" in token) == ("person:sam", "agent:editing-assistant", False)
    assert token["scope"].split() == sorted(SCOPES.split())


async def test_who_asked_may_not_decide(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        answer = await decide(house, client, "person:sam", identity)
        own = await client.get("/approvals", headers=await house.bearer(client, "person:sam", "gateway"))
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
    assert [each["id"] for each in own.json()["items"]] == [identity]


async def test_who_asked_may_not_decide_even_with_the_role_for_it(build_house):
    house = build_house(roles={"person:sam": {"editor", "approver"}})
    async with house.open() as client:
        identity, _ = await asked(house, client)
        answer = await decide(house, client, "person:sam", identity)
    assert (answer.status_code, answer.json()["code"]) == (403, "SEPARATION_OF_DUTIES")


async def test_an_agent_may_not_decide(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        token = house.services.authority.issue(
            person="person:kim",
            roles={"approver"},
            audience="gateway",
            scopes={"approval:decide"},
            actor="agent:editing-assistant",
        )
        headers = {"authorization": f"Bearer {token}"}
        answer = await client.post(f"/approvals/{identity}", json={"decision": "approved"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")


async def test_a_person_may_not_ask_directly(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "gateway")
        answer = await client.post("/approvals", json={"question": house.question(), "task": "t"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")


async def test_the_same_decision_twice_gives_the_same_statement_and_one_message(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        first = await decide(house, client, "person:kim", identity)
        await delivered(house, client, identity)
        house.clock.forward(seconds=30)
        second = await decide(house, client, "person:kim", identity)
        await delivered(house, client, identity)
    assert first.json() == second.json()
    assert len(house.echoes["editing-assistant"].heard) == 2


async def test_another_decision_afterwards_is_a_conflict(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        await decide(house, client, "person:kim", identity, "rejected")
        answer = await decide(house, client, "person:kim", identity, "approved")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert answer.json()["details"] == {"decision": "rejected"}


async def test_a_question_that_lapsed_can_not_be_decided(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        house.clock.forward(hours=24)
        answer = await decide(house, client, "person:kim", identity)
        listed = await client.get("/approvals", headers=await house.bearer(client, "person:kim", "gateway"))
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert listed.json()["items"][0]["state"] == "lapsed"


async def test_the_same_question_of_the_same_task_is_kept_once(build_house):
    house = build_house()
    async with house.open() as client:
        task, context, token = await waiting_task(house, client)
        headers = await asking(house, client, token, task)
        body = {"question": house.question(), "task": task, "context": context}
        first, second = [await client.post("/approvals", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"question": {"title": "no media"}}, 400),
        ({"task": ""}, 400),
        ({"surprise": 1}, 400),
        ({"agent": "agent:compliance"}, 403),
    ],
)
async def test_a_malformed_question_is_refused_and_not_kept(build_house, change, status):
    house = build_house()
    async with house.open() as client:
        task, _, token = await waiting_task(house, client)
        headers = await asking(house, client, token, task)
        body = {"question": house.question(), "task": task} | change
        answer = await client.post("/approvals", json=body, headers=headers)
        listed = await client.get("/approvals", headers=await house.bearer(client, "person:kim", "gateway"))
    assert answer.status_code == status
    assert answer.json()["code"] in ("INVALID_ARGUMENT", "PERMISSION_DENIED")
    assert listed.json()["items"] == []


async def test_nobody_else_sees_a_question(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        headers = await house.bearer(client, "person:vic", "gateway")
        listed = await client.get("/approvals", headers=headers)
        one = await client.get(f"/approvals/{identity}", headers=headers)
        unknown = await decide(house, client, "person:kim", "apr_0")
    assert listed.json()["items"] == []
    assert (one.status_code, unknown.status_code) == (404, 404)


class Elsewhere:
    """An app whose life does not depend on the gateway's."""

    def __init__(self, app) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            await self._app(scope, receive, send)


async def test_a_decision_made_before_a_crash_is_delivered_when_the_gateway_starts_again(build_house, tmp_path):
    home, agents = tmp_path / "house", build_house()
    living = {each.name: LocalApp(Elsewhere(each.target.app)) for each in agents.services.agents}
    before = build_house(home=home, agents=living)
    async with before.open() as client:
        identity, task = await asked(before, client)
    async with before.client() as client:  # nothing delivers any more: it ended right after the decision
        await decide(before, client, "person:kim", identity)
    heard = agents.echoes["editing-assistant"].heard
    assert len(heard) == 1
    after = build_house(home=home, clock=before.clock, agents=living)
    async with after.open() as client:
        assert await delivered(after, client, identity) == "delivered"
    assert (len(heard), heard[1]["message"]["taskId"]) == (2, task)


async def test_a_decision_for_a_task_that_is_gone_is_given_up(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client, task="another-task")
        await decide(house, client, "person:kim", identity)
        assert await delivered(house, client, identity) == "given-up"


async def test_a_delivery_is_tried_again_until_the_agent_is_back(build_house):
    calls: list[str] = []
    house = build_house()

    async def call(agent: str, token: str, body: bytes) -> tuple[int, bytes]:
        calls.append(agent)
        if len(calls) == 1:
            raise ConnectionError
        return (503, b"") if len(calls) == 2 else (200, b'{"jsonrpc": "2.0", "id": 1, "result": {}}')

    async with house.open() as client:
        identity, _ = await asked(house, client)
    async with house.client() as client:
        await decide(house, client, "person:kim", identity)
        given = house.services
        registry = Registry.of(given.url, given.agents, given.servers, given.people)
        delivery = Delivery(
            given, registry, Ledger(given.audit, given.enforcement), TaskBook(given.database, given.clock, plan), call
        )
        left = [await delivery.deliver("editing-assistant") for _ in range(4)]
        assert await delivered(house, client, identity) == "delivered"
    assert (left, calls) == ([1, 1, 0, 0], ["editing-assistant"] * 3)


async def test_no_agent_reads_what_another_task_of_its_person_asked(build_house):
    house = build_house()
    async with house.open() as client:
        identity, _ = await asked(house, client)
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant", scope=SCOPES)
        headers = await asking(house, client, subject, "another-task")
        answer = await client.get(f"/approvals/{identity}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
