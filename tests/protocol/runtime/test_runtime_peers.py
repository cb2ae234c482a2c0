"""A task at another agent, followed over as many streams as it takes."""

import json
from typing import Any

import httpx
import pytest
from a2a.types.a2a_pb2 import TaskState
from holdback_agents.contracts import Progress
from holdback_agents.runtime.parts import message, text_part
from holdback_agents.runtime.peers import Listener, Peer, Peers
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

pytestmark = pytest.mark.asyncio


def _task(state: str) -> dict[str, Any]:
    return {"id": "task-1", "contextId": "c", "status": {"state": f"TASK_STATE_{state}"}}


class ShortStreams:
    """An agent whose every stream ends early: of the first ones each tells that it works, the last that it is done."""

    def __init__(self, streams: int) -> None:
        self.left = streams
        self.methods: list[str] = []
        self.tokens: list[str] = []

    async def answer(self, request: Request) -> Response:
        asked = await request.json()
        self.methods.append(asked["method"])
        self.tokens.append(request.headers["authorization"])
        if asked["method"] == "GetTask":
            return JSONResponse({"jsonrpc": "2.0", "id": asked["id"], "result": _task("COMPLETED")})
        self.left -= 1
        state = "WORKING" if self.left else "COMPLETED"
        update = {"taskId": "task-1", "contextId": "c", "status": {"state": f"TASK_STATE_{state}"}}
        told = [{"task": _task("WORKING")}, {"statusUpdate": update}]
        events = "".join(f"data: {json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': e})}\n\n" for e in told)
        return Response(events, media_type="text/event-stream")


async def _nothing(_: str | Progress) -> None:
    return None


async def converse(agent: ShortStreams) -> Any:
    numbers = iter(range(100))

    async def token() -> str:
        return f"token-{next(numbers)}"

    app = Starlette(routes=[Route("/", agent.answer, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        peer = Peer("other", "http://agent.test/", token)
        return await Peers(http).converse(
            peer, message([text_part("go")], message_id="m1"), Listener(_nothing, _nothing)
        )


async def test_a_task_is_followed_over_any_number_of_streams_each_with_a_token_of_its_own() -> None:
    agent = ShortStreams(9)
    task = await converse(agent)
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert agent.methods == ["SendStreamingMessage", *["SubscribeToTask"] * 8, "GetTask"]
    assert agent.tokens == [f"Bearer token-{number}" for number in range(10)]
