"""The gateway's own A2A endpoint: reads what a request wants, changes the token, and passes it to the agent.

The answer is the agent's own, streamed through. JSON-RPC at `/`, HTTP+JSON under `/v1`.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, cast

from a2a.server.jsonrpc_models import JSONParseError
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import (
    A2AError,
    InvalidParamsError,
    InvalidRequestError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from holdback_base.problem import Problem
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.policy import Action
from starlette.types import Message, Receive, Scope, Send

from holdback_agents.gateway.edge import Edge, UnreadableError, read_body, read_json, send_json
from holdback_agents.gateway.memory import remember
from holdback_agents.gateway.proxy import Proxy, Way
from holdback_agents.gateway.registry import AgentEntry, Registry, Target
from holdback_agents.gateway.routing import Wanted, is_request, wanted_by_path, wanted_by_rpc
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.streams import Streams
from holdback_agents.runtime.lines import JSON, Request

_KEPT = 4096
"""Tasks and tokens remembered; older ones are found, or made, again."""
_FRESH_SECONDS = 30
"""A kept token is used while it lives at least so long."""
_ERRORS: Mapping[str, type[A2AError]] = {
    "MESSAGE_MALFORMED": InvalidParamsError,
    "INVALID_ARGUMENT": UnsupportedOperationError,
    "NOBODY_OFFERS": InvalidParamsError,
    "NOT_FOUND": TaskNotFoundError,
}


class FrontDoor:
    """Answers A2A for the whole house."""

    def __init__(
        self,
        services: GatewayServices,
        registry: Registry,
        ledger: Ledger,
        edge: Edge,
        *,
        proxy: Proxy,
        streams: Streams,
    ) -> None:
        self._services, self._registry, self._ledger = services, registry, ledger
        self._edge, self._proxy, self._streams = edge, proxy, streams
        self._holders: dict[str, AgentEntry] = {}
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer one request; the status that the client was sent.

        Raises:
            Problem: UNAUTHENTICATED, PERMISSION_DENIED and TOO_LARGE, which are answered by HTTP and not by A2A.
        """
        caller = self._edge.caller(scope, GATEWAY)
        body = await read_body(scope, receive)
        path: str = scope["path"]
        rest = path.removeprefix("/v1") if path.startswith("/v1/") else None
        request_id: str | int | None = None
        try:
            value = read_json(body) if body or rest is None else None
            request_id = _request_id(value)
            if rest is None and not is_request(value):
                return await _send_error(send, _no_request(), request_id, InvalidRequestError)
            if rest is None:
                wanted = wanted_by_rpc(value, self._registry.offered())
            else:
                wanted = wanted_by_path(scope["method"], rest, value, self._registry.offered())
            agent = await self._agent(caller, wanted)
        except Problem as problem:
            if problem.code not in _ERRORS:
                raise
            kind = _ERRORS[problem.code]
            if rest is not None:
                return await _send_rest_error(send, problem, kind)
            return await _send_error(send, problem, request_id, kind)
        inner = {**scope, "headers": _with_token(scope["headers"], self._token(caller, agent))}
        way = Way(agent.target, f"/agents/{agent.name}", f"/v1{rest}" if rest is not None else "")
        return await self._proxy.forward(inner, _Replay(body, receive), send, way, self._streams.of(caller, agent))

    async def _agent(self, caller: Caller, wanted: Wanted) -> AgentEntry:
        if caller.agent is not None:
            raise Problem(
                "PERMISSION_DENIED",
                "The front door is for people; an agent asks another agent at its own address.",
                "Look the skill up with GET /registry?skill= and exchange the token for that audience.",
            )
        if wanted.kind == "task":
            return await self._holder(caller, wanted.name)
        agent = self._registry.agent_for(wanted.name)
        self._services.check_outside(agent)
        self._ledger.require(
            caller, Action(name=wanted.name, scope=agent.scope_of(wanted.name), resource=agent.name, kind="write")
        )
        return agent

    async def _holder(self, caller: Caller, task: str) -> AgentEntry:
        """Who holds the task: each agent of the house that the person may speak to is asked; the one that shows it is
        remembered. One from outside is not: it would be given a token for somebody who never asked it for anything."""
        known = self._holders.get(task)
        if known is not None and self._scopes(caller, known):
            return known
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": task, "historyLength": 0}})
        asked = [
            agent for agent in self._registry.agents.values() if agent.admission is None and self._scopes(caller, agent)
        ]
        answers = await asyncio.gather(
            *(self.call(agent.name, self._token(caller, agent), body.encode()) for agent in asked),
            return_exceptions=True,
        )
        for agent, answer in zip(asked, answers, strict=True):
            if not isinstance(answer, BaseException) and _shows_task(*answer):
                remember(self._holders, task, agent, _KEPT)
                return agent
        raise Problem("NOT_FOUND", "No agent holds such a task for you.", "Check the id of the task.")

    async def call(self, name: str, token: str, body: bytes) -> tuple[int, bytes]:
        """Post a JSON-RPC body to an agent, the same way as any request goes; its whole answer."""
        return await self._post(self._registry.agents[name].target, f"/agents/{name}", token, body)

    async def call_server(self, name: str, token: str, body: bytes) -> tuple[int, bytes]:
        """The same to a server."""
        return await self._post(self._registry.servers[name].target, f"/mcp/{name}", token, body)

    async def _post(self, target: Target, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        headers = {
            **JSON,
            "accept": "application/json, text/event-stream",
            "a2a-version": "1.0",
            "authorization": f"Bearer {token}",
        }
        scope = Request("POST", path, headers=headers, body=body).scope()
        answer = _Collected()
        never = asyncio.Event()

        async def stay() -> Message:
            await never.wait()
            return {"type": "http.disconnect"}

        await self._proxy.forward(scope, _Replay(body, stay), answer, Way(target, path, ""))
        return answer.status, bytes(answer.body)

    def _scopes(self, caller: Caller, agent: AgentEntry) -> frozenset[str]:
        return caller.scopes & self._registry.person_scopes(caller.roles, agent.audience)

    def _token(self, caller: Caller, agent: AgentEntry) -> str:
        """A token for the agent: the same person, acting directly, with what the agent may be handed, no longer."""
        key = (caller.token_id, agent.name)
        now = self._services.clock().timestamp()
        kept = self._tokens.get(key)
        if kept is not None and kept[1] - now >= _FRESH_SECONDS:
            return kept[0]
        left = max(1, int(caller.expires.timestamp() - now))
        token = self._services.authority.issue(
            person=caller.person,
            roles=caller.roles,
            audience=agent.audience,
            scopes=self._scopes(caller, agent),
            seconds=left,
            stories=caller.stories,
            factors=caller.factors,
        )
        self._ledger.issued(caller.person, caller.person, agent.audience, "for the front door")
        remember(self._tokens, key, (token, now + left), _KEPT)
        return token


class _Replay:
    """A body that was read already, then whatever the client does next."""

    def __init__(self, body: bytes, after: Receive) -> None:
        self._body: bytes | None = body
        self._after = after

    async def __call__(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._after()


class _Collected:
    """A `send` that keeps the whole answer."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


async def _send_error(send: Send, problem: Problem, request_id: str | int | None, kind: type[A2AError]) -> int:
    if isinstance(problem, UnreadableError):
        await send_json(send, 200, build_error_response(request_id, JSONParseError()))
    else:
        await send_json(send, 200, build_error_response(request_id, kind(problem.message, data=problem.as_dict())))
    return 200


async def _send_rest_error(send: Send, problem: Problem, kind: type[A2AError]) -> int:
    payload = build_rest_error_payload(kind(problem.message, data=problem.as_dict()))
    status: int = payload["error"]["code"]
    await send_json(send, status, payload)
    return status


def _no_request() -> Problem:
    return Problem("MESSAGE_MALFORMED", "The body is not one JSON-RPC 2.0 request.", "Send one object, not a batch.")


def _request_id(value: object) -> str | int | None:
    found = cast(dict[str, Any], value).get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _shows_task(status: int, body: bytes) -> bool:
    if status != 200:
        return False
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and "result" in answer


def _with_token(headers: list[tuple[bytes, bytes]], token: str) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name != b"authorization"]
    return [*kept, (b"authorization", f"Bearer {token}".encode())]
