"""The gateway's own A2A endpoint through the SDK's client: by skill, by schema, by words, and by task."""

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.helpers import new_data_part, new_text_message
from a2a.types.a2a_pb2 import GetTaskRequest, Message, Part, Role, SendMessageRequest, TaskState
from a2a.utils.errors import InvalidParamsError, TaskNotFoundError
from google.protobuf.json_format import MessageToDict, ParseDict

pytestmark = pytest.mark.asyncio


async def speak(client: httpx.AsyncClient, binding: str = "JSONRPC", *, streaming: bool = True):
    config = ClientConfig(httpx_client=client, streaming=streaming, supported_protocol_bindings=[binding])
    return await ClientFactory(config).create_from_url("http://gateway.test")


def words(text: str, **metadata: str) -> SendMessageRequest:
    message = new_text_message(text, role=Role.ROLE_USER)
    ParseDict(metadata, message.metadata)
    return SendMessageRequest(message=message)


async def outcome(client, request: SendMessageRequest) -> dict:
    events = [MessageToDict(event) async for event in client.send_message(request)]
    artifacts = [event["artifactUpdate"]["artifact"] for event in events if "artifactUpdate" in event]
    artifacts += [artifact for event in events for artifact in event.get("task", {}).get("artifacts", [])]
    return artifacts[-1]["parts"][0]["data"]


@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON"])
@pytest.mark.parametrize("streaming", [True, False])
async def test_the_skill_in_the_metadata_chooses_the_agent(build_house, binding, streaming):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        a2a = await speak(client, binding, streaming=streaming)
        heard = await outcome(a2a, words("please", **{"urn:holdback:skill": "clear-rights"}))
    assert heard == {"agent": "compliance", "heard": "please"}


async def test_the_schema_of_a_part_chooses_the_agent(build_house):
    house = build_house()
    part = new_data_part({"subject": "butterfly"})
    part.metadata["schema"] = "urn:holdback:clearance-request:1"
    message = Message(role=Role.ROLE_USER, message_id="m1", parts=[part, Part(text="a highlight")])
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        heard = await outcome(await speak(client), SendMessageRequest(message=message))
    assert heard["agent"] == "compliance"


async def test_words_choose_the_agent_when_only_one_can_be_meant(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        heard = await outcome(await speak(client), words("15 s vertical highlight of the butterfly"))
    assert heard["agent"] == "editing-assistant"


async def test_words_that_fit_no_skill_or_two_get_an_error_that_lists_skills(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        for text in ("tea, please", "highlight rights"):
            with pytest.raises(InvalidParamsError) as refusal:
                await outcome(await speak(client), words(text))
            assert refusal.value.data is not None
            assert "NOBODY_OFFERS" in str(refusal.value.data)
            assert "make-highlight" in str(refusal.value.data)


async def test_the_agent_gets_a_token_of_its_own_that_names_the_person_only(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        await outcome(await speak(client), words("make a highlight"))
    token = house.echoes["editing-assistant"].heard[0]["token"]
    assert (token["sub"], token["aud"], "act" in token) == ("person:sam", "agent:editing-assistant", False)
    assert "assets:read" in token["scope"].split()
    assert "approval:decide" not in token["scope"].split()


async def test_a_token_passed_on_holds_no_more_than_the_one_that_came(build_house):
    house = build_house()
    async with house.open() as client:
        scope = "agent:editing-assistant:make-highlight assets:read"
        client.headers.update(await house.bearer(client, "person:sam", "gateway", scope=scope))
        house.clock.forward(seconds=100)
        await outcome(await speak(client), words("make a highlight"))
    token = house.echoes["editing-assistant"].heard[0]["token"]
    assert token["scope"] == scope
    assert token["exp"] - token["iat"] == 200


async def test_a_person_without_the_skills_scope_is_refused(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:vic", "gateway"))
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "SendMessage",
            "params": {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "highlight"}]}},
        }
        answer = await client.post("/", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
    assert house.echoes["editing-assistant"].heard == []


async def test_an_agent_may_not_use_the_front_door(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant")
        token = await house.agent_token(client, "agent:editing-assistant", subject, "gateway")
        body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "t"}}
        answer = await client.post("/", json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_a_follow_up_and_a_look_at_a_task_find_the_agent_that_holds_it(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        first = await speak(client, streaming=False)
        waiting = words("wait, please", **{"urn:holdback:skill": "clear-rights"})
        task = [event async for event in first.send_message(waiting)][-1].task
        assert task.status.state == TaskState.TASK_STATE_INPUT_REQUIRED
        shown = await (await speak(client, "HTTP+JSON")).get_task(GetTaskRequest(id=task.id))
        follow = words("go on")
        follow.message.task_id = task.id
        follow.message.context_id = task.context_id
        heard = await outcome(first, follow)
    assert shown.id == task.id
    assert heard == {"agent": "compliance", "heard": "go on"}


async def test_a_task_that_nobody_holds_is_not_found(build_house):
    house = build_house()
    async with house.open() as client:
        client.headers.update(await house.bearer(client, "person:sam", "gateway"))
        for binding in ("JSONRPC", "HTTP+JSON"):
            with pytest.raises(TaskNotFoundError):
                await (await speak(client, binding)).get_task(GetTaskRequest(id="nowhere"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        ('{"id": 7}', -32600),
        ('{"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {}}', -32602),
        ('{"jsonrpc": "2.0", "id": 7, "method": "ListTasks", "params": {}}', -32004),
        ('{"jsonrpc": "2.0", "id": 7, "method": "SendMessage", "params": {"message": {"taskId": 5}}}', -32602),
    ],
)
async def test_malformed_json_rpc_is_answered_in_json_rpc(build_house, body, code):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "gateway")
        answer = await client.post("/", content=body, headers=headers | {"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)
    assert answer.json()["id"] == (7 if '"id"' in body else None)


async def test_a_path_that_only_an_agent_answers_says_so(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:sam", "gateway")
        answer = await client.get("/v1/tasks", headers=headers)
    assert answer.status_code == 400
    assert "own address" in answer.json()["error"]["details"][0]["metadata"]["hint"]


async def test_the_front_door_is_closed_without_a_token(build_house):
    house = build_house()
    async with house.open() as client:
        answer = await client.post("/", json={})
    assert answer.status_code == 401
