"""What an agent's door lets in: tokens, scopes, bodies, addresses, the card."""

import json
from datetime import timedelta
from typing import Any

import pytest
from a2a.types.a2a_pb2 import ListTasksRequest
from holdback_agents.contracts import Part
from holdback_agents.runtime.agent import Limits, Skill
from holdback_agents.runtime.run import Run
from holdback_base.ids import system_clock
from holdback_trust.identity import TaskClaim
from holdback_trust.task_policy import mint, policy_sha256

pytestmark = pytest.mark.asyncio


class Echo(Part):
    schema_name = "test-echo"
    text: str = ""


async def echo(_run: Run, asked: Echo) -> Echo:
    return asked


SKILL = Skill("make-highlight", Echo, echo)


def request(method: str = "SendMessage", **message: Any) -> dict[str, Any]:
    part = {"data": {"text": "x"}, "metadata": {"schema": "urn:holdback:test-echo:1"}}
    body = {"messageId": "m1", "role": "ROLE_USER", "parts": [part]} | message
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"message": body}}


def headers(token: str | None, **more: str) -> dict[str, str]:
    return {"A2A-Version": "1.0"} | ({"Authorization": f"Bearer {token}"} if token else {}) | more


async def test_only_the_card_and_health_are_open(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        card = (await house.http.get(house.address() + "/.well-known/agent-card.json")).json()
        assert (await house.http.get(house.address() + "/health")).json() == {"status": "ok"}
        for method, path in (("POST", ""), ("POST", "/"), ("POST", "/v1/message:send"), ("GET", "/v1/tasks")):
            refused = await house.http.request(method, house.address() + path, json=request())
            assert refused.status_code == 401
            assert refused.json()["code"] == "UNAUTHENTICATED"
            assert "/.well-known/oauth-protected-resource/agents/" in refused.headers["www-authenticate"]
    assert [each["protocolVersion"] for each in card["supportedInterfaces"]] == ["1.0", "1.0", "0.3"]
    assert card["url"] == house.address()  # for readers of 0.3
    assert {each["uri"] for each in card["capabilities"]["extensions"]} >= {"urn:holdback:skill"}


async def test_a_token_for_another_audience_a_broken_and_an_expired_one_are_refused(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        good = house.token()
        for token in (house.token(audience="agent:compliance"), good[:-4] + "AAAA", "nonsense"):
            refused = await house.http.post(house.address(), json=request(), headers=headers(token))
            assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")
        assert (await house.http.post(house.address(), json=request(), headers=headers(good))).status_code == 200


@pytest.mark.parametrize("path", ["", "/v1/message:send", "/v1/message:stream"])
async def test_a_skill_whose_scope_the_token_lacks_is_refused_with_403_and_the_scope(kit: Any, path: str) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        token = house.token(scopes=["registry:read"])
        body = request() if not path else request()["params"]
        refused = await house.http.post(house.address() + path, json=body, headers=headers(token))
        assert refused.status_code == 403
        assert 'scope="agent:editing-assistant:make-highlight"' in refused.headers["www-authenticate"]
        assert "PERMISSION_DENIED" in refused.text
        listed = await house.client().list_tasks(ListTasksRequest(), context=house.context())
    assert listed.total_size == 0


async def test_json_rpc_answers_with_and_without_a_slash(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        for path in ("", "/"):
            answer = await house.http.post(house.address() + path, json=request(), headers=headers(house.token()))
            assert answer.json()["result"]["task"]["status"]["state"] == "TASK_STATE_COMPLETED"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (json.dumps(request(method="NoSuchMethod")).encode(), -32601),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": 5}}).encode(), -32602),
        (json.dumps(request(messageId="")).encode(), -32602),
        (json.dumps(request(parts=[])).encode(), -32602),
        (json.dumps(request(parts=[{"data": {}, "metadata": {"schema": "urn:other:1"}}])).encode(), -32602),
    ],
)
async def test_malformed_requests_get_the_json_rpc_error_that_fits(kit: Any, body: bytes, code: int) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        answer = await house.http.post(house.address(), content=body, headers=headers(house.token()))
        listed = await house.client().list_tasks(ListTasksRequest(), context=house.context())
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == code
    assert listed.total_size == 0


async def test_a_body_over_the_limit_is_413_said_or_unsaid(kit: Any) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 1000

    async with kit.house(kit.agent_of("editing-assistant", SKILL), limits=Limits(body=10_000)) as house:
        for content in (b"x" * 20_000, chunks()):
            refused = await house.http.post(house.address(), content=content, headers=headers(house.token()))
            assert (refused.status_code, refused.json()["code"]) == (413, "TOO_LARGE")


async def test_an_unsupported_protocol_version_is_said(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        answer = await house.http.post(
            house.address(), json=request(), headers=headers(house.token()) | {"A2A-Version": "7.0"}
        )
    assert answer.json()["error"]["code"] == -32009


async def test_extensions_that_the_agent_knows_are_echoed(kit: Any) -> None:
    wanted = "urn:holdback:progress, urn:unknown"
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        answer = await house.http.post(
            house.address(), json=request(), headers=headers(house.token()) | {"A2A-Extensions": wanted}
        )
    assert answer.headers["a2a-extensions"] == "urn:holdback:progress"


async def test_an_agent_sees_only_the_tasks_of_the_root_task_that_it_acts_in(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        asked = headers(house.token(actor="agent:scheduler", task=_claim("mine")))
        first = await house.http.post(house.address(), json=request(messageId="first"), headers=asked)
        mine = first.json()["result"]["task"]["id"]
        other = await house.send(Echo(text="for Sam alone"))
        seen: list[tuple[Any, ...]] = []
        for root in ("mine", "another"):
            token = headers(house.token(actor="agent:scheduler", task=_claim(root)))
            for task in (mine, other.task.id):
                answers = [
                    await house.http.post(house.address(), json=_about(method, task), headers=token)
                    for method in ("GetTask", "SubscribeToTask", "CancelTask")
                ]
                seen.append((root, task == mine, *(each.json().get("error", {}).get("code") for each in answers)))
            listed = (await house.http.get(house.address() + "/v1/tasks", headers=token)).json()
            assert [each["id"] for each in listed.get("tasks", [])] == ([mine] if root == "mine" else [])
            assert listed.get("totalSize", 0) == len(listed.get("tasks", []))
        own = await house.client().list_tasks(ListTasksRequest(), context=house.context())
    assert seen[0][2] is None  # its own task it may look at
    assert all(code == -32001 for each in seen[1:] for code in each[2:]), seen
    assert {each.id for each in own.tasks} == {mine, other.task.id}


@pytest.mark.parametrize("method", ["GetTask", "ListTasks", "SubscribeToTask"])
async def test_who_counts_no_more_looks_at_no_task_at_the_agents_own_address(kit: Any, method: str) -> None:
    async with kit.house(kit.agent_of("editing-assistant", SKILL)) as house:
        task = (await house.send(Echo(text="x"))).task.id
        token = house.token()
        await house.http.post(house.address(), json=_about(method, task), headers=headers(token))
        house.standing.revoke(house.authority.read(token).token_id, by="person:sam")
        refused = await house.http.post(house.address(), json=_about(method, task), headers=headers(token))
    assert refused.status_code == 401
    assert "revoked" in refused.text


def _about(method: str, task: str) -> dict[str, Any]:
    params = {} if method == "ListTasks" else {"id": task}
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def _claim(root: str) -> TaskClaim:
    tools = frozenset({"make-highlight"})
    bare = TaskClaim(id=root, root=root, skill="plan-week", tools=tools, expires=system_clock() + timedelta(hours=1))
    return bare.model_copy(update={"policy": policy_sha256(mint(bare, "agent:scheduler", "person:sam"))})
