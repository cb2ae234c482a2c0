"""A small house around the runtime: a gateway that exchanges tokens, one MCP server, and agents on a loopback port."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from a2a.client import Client, ClientCallContext, ClientConfig, ClientFactory
from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    Message,
    Role,
    SendMessageRequest,
    StreamResponse,
    Task,
)
from google.protobuf.json_format import MessageToDict
from holdback_agents.contracts import Part
from holdback_agents.gateway.store import METADATA as GATEWAY_METADATA
from holdback_agents.gateway.tasks import NamedTask, TaskBook
from holdback_agents.runtime import steps
from holdback_agents.runtime.agent import Agent, Limits, Skill
from holdback_agents.runtime.closed import Media
from holdback_agents.runtime.house import TASK
from holdback_agents.runtime.parts import data_part, progress_of, text_part
from holdback_agents.runtime.serving.app import AgentServices, agent_routes, build_agent_app
from holdback_agents.runtime.tables import METADATA
from holdback_agents.runtime.tls import trusted_tls
from holdback_base.database import Database
from holdback_base.ids import Clock, id_maker, system_clock
from holdback_base.problem import Problem
from holdback_trust.assertions import AssertionVerifier
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.policy import OWN, Policies, agent_scopes, person_scopes
from holdback_trust.standing import Standing
from holdback_trust.tokens import KeyPair, KeyRing, TokenAuthority, TokenVerifier
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, TextContent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

PASSED = "of little value"
"""The title of a question that policy passes at the gateway."""


@dataclass
class Tools:
    """One MCP server's state: effects by idempotency key, jobs by id."""

    effects: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def server(self) -> MCPServer:
        server = MCPServer("assets", log_level="ERROR")

        @server.tool()
        async def search_assets(query: str, ctx: Context) -> CallToolResult:
            key = str((ctx.request_context.meta or {}).get("urn:holdback:idempotency-key"))
            self.calls.append(key)
            self.effects.setdefault(key, len(self.effects) + 1)
            refused = {"nothing": "NOT_FOUND", "guarded": "PERSON_NEEDED" if len(self.calls) == 1 else ""}.get(query)
            if refused:
                shape = {"code": refused, "message": "There is no such asset.", "hint": "Search again."}
                text = f"{refused}: There is no such asset."
                return CallToolResult(
                    content=[TextContent(type="text", text=text)], structured_content=shape, is_error=True
                )
            found = {"query": query, "effect": self.effects[key]}
            return CallToolResult(content=[TextContent(type="text", text=query)], structured_content=found)

        @server.tool()
        async def get_asset(asset_id: str) -> CallToolResult:
            job_id = asset_id
            self.jobs[job_id] = {"id": job_id, "state": "running", "seq": 1, "done": 1, "total": 4, "unit": "frames"}
            return CallToolResult(content=[], structured_content={"job": self.jobs[job_id]})

        @server.tool()
        async def get_job(job_id: str, wait_seconds: int = 0, after_seq: int = -1) -> CallToolResult:
            job = self.jobs[job_id]
            self.started.set()
            if job["state"] == "running" and job.get("ends", True) and wait_seconds:
                job |= {"seq": job["seq"] + 1, "done": job["done"] + 1}
                if job["done"] == job["total"]:
                    job |= {"state": "succeeded", "result": {"media": "sha256:" + "0" * 64}}
            return CallToolResult(content=[], structured_content=dict(job))

        @server.tool()
        async def cancel_job(job_id: str) -> CallToolResult:
            self.jobs[job_id] |= {"state": "cancelled"}
            return CallToolResult(content=[], structured_content=dict(self.jobs[job_id]))

        return server


@dataclass
class House:
    """Where the agents are, and the means of a person to speak to them."""

    url: str
    tools: Tools
    authority: TokenAuthority
    apps: dict[str, Starlette]
    approvals: list[dict[str, Any]]
    http: httpx.AsyncClient
    message_ids: Any
    heads: asyncio.Queue[str]
    book: TaskBook
    standing: Standing

    def token(self, agent: str = "editing-assistant", person: str = "person:sam", **changes: Any) -> str:
        audience = f"agent:{agent}"
        scopes = person_scopes(["editor"], audience)
        claims = {"person": person, "roles": ["editor"], "audience": audience, "scopes": scopes} | changes
        return self.authority.issue(**claims)

    def address(self, agent: str = "editing-assistant") -> str:
        return f"{self.url}/agents/{agent}"

    def client(
        self, agent: str = "editing-assistant", binding: str = "JSONRPC", version: str = "1.0", **config: Any
    ) -> Client:
        url = self.address(agent) + ("/v1" if binding != "JSONRPC" else "")
        card = AgentCard(
            name=agent,
            supported_interfaces=[AgentInterface(url=url, protocol_binding=binding, protocol_version=version)],
            capabilities=AgentCapabilities(streaming=True),
        )
        settings = {"httpx_client": self.http, "supported_protocol_bindings": [binding]} | config
        return ClientFactory(ClientConfig(**settings)).create(card)

    def context(self, agent: str = "editing-assistant", **changes: Any) -> ClientCallContext:
        token = changes.pop("token", None) or self.token(agent, **changes)
        return ClientCallContext(service_parameters={"Authorization": f"Bearer {token}"})

    def message(self, *parts: Part | str, **fields: Any) -> Message:
        wire = [text_part(part) if isinstance(part, str) else data_part(part) for part in parts]
        return Message(**{"role": Role.ROLE_USER, "message_id": f"m{next(self.message_ids)}", "parts": wire} | fields)

    async def send(self, *parts: Part | str, agent: str = "editing-assistant", **fields: Any) -> "Told":
        return await self.tell(self.message(*parts, **fields), agent)

    async def tell(self, message: Message, agent: str = "editing-assistant") -> "Told":
        told = Told()
        async for event in self.client(agent).send_message(
            SendMessageRequest(message=message), context=self.context(agent)
        ):
            told.hear(event)
        return told


@dataclass
class Told:
    """What a stream said."""

    events: list[StreamResponse] = field(default_factory=list)
    task: Task = field(default_factory=Task)

    def hear(self, event: StreamResponse) -> None:
        self.events.append(event)
        match event.WhichOneof("payload"):
            case "task":
                self.task.CopyFrom(event.task)
            case "status_update":
                self.task.status.CopyFrom(event.status_update.status)
            case "artifact_update":
                self.task.artifacts.append(event.artifact_update.artifact)

    @property
    def state(self) -> str:
        from a2a.types.a2a_pb2 import TaskState

        return TaskState.Name(self.task.status.state).removeprefix("TASK_STATE_")

    @property
    def progress(self) -> list[Any]:
        found = [progress_of(each.status_update.metadata) for each in self.events if each.HasField("status_update")]
        return [each for each in found if each is not None]

    @property
    def result(self) -> Any:
        return MessageToDict(self.task.artifacts[-1].parts[0].data)

    @property
    def said(self) -> Any:
        return MessageToDict(self.task.status.message.parts[0].data)


def agent_of(name: str, *skills: Skill) -> Agent:
    card = AgentCard(
        name=name,
        description=f"The {name} of a test.",
        version="1",
        default_input_modes=["application/json"],
        default_output_modes=["application/json"],
        skills=[AgentSkill(id=each.id, name=each.id, description=each.id, tags=["test"]) for each in skills],
    )
    return Agent(name, card, skills)


@dataclass(frozen=True)
class Kit:
    """What a test builds with: `async with kit.house(agent, ...) as house`; opened again, it has the same disk."""

    house: Callable[..., Any]
    tools: Tools
    root: Path
    agent_of = staticmethod(agent_of)


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    monkeypatch.setattr(steps, "STOP_SECONDS", 100.0)  # a slow machine stops everything too
    tools, message_ids = Tools(), count(1)
    keys = {name: KeyPair.generate() for name in ("gateway", "editing-assistant", "compliance")}

    @asynccontextmanager
    async def opened(
        *agents: Agent,
        limits: Limits | None = None,
        wrap: Any = None,
        clock: Clock = system_clock,
        media: Media | None = None,
        policies: Policies = OWN,
    ) -> AsyncGenerator[House, None]:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        jti = count(1)
        authority = TokenAuthority("gateway", keys["gateway"], clock, lambda: f"t{next(jti)}-{url}")
        ring = KeyRing({"gateway": [keys["gateway"].public_jwk]})
        assertions = AssertionVerifier(
            KeyRing({f"agent:{name}": [pair.public_jwk] for name, pair in keys.items()}), "gateway", clock
        )
        approvals: list[dict[str, Any]] = []
        heads: asyncio.Queue[str] = asyncio.Queue()
        async with AsyncExitStack() as stack:
            tasks = Database(tmp_path / "gateway.sqlite", GATEWAY_METADATA)
            stack.callback(tasks.close)
            skills = frozenset(each for agent in agents for each in agent.by_id)
            book = TaskBook(tasks, clock, lambda _agent, _skill: skills | {"registry.read", "approval.ask"})
            routes: list[Any] = _gateway(
                url, agents, authority, assertions, approvals, heads=heads, book=book, clock=clock
            )
            mcp = tools.server().streamable_http_app(streamable_http_path="/", stateless_http=True, host="127.0.0.1")
            await stack.enter_async_context(mcp.router.lifespan_context(mcp))
            routes.append(
                Mount("/mcp/assets", app=_checked(mcp, TokenVerifier(ring, "gateway", "mcp:assets", clock), tools))
            )
            apps: dict[str, Starlette] = {}
            enforcement = Enforcement(policies=policies, clock=clock)
            for agent in agents:
                database = Database(tmp_path / f"{agent.name}.sqlite", METADATA)
                stack.callback(database.close)
                audit = AuditLog(tmp_path / "audit", keys[agent.name], clock, name=agent.name)
                stack.callback(audit.close)
                services = AgentServices(
                    database=database,
                    keys=keys[agent.name],
                    verifier=TokenVerifier(ring, "gateway", agent.audience, clock),
                    audit=audit,
                    clock=clock,
                    new_id=id_maker(),
                    gateway=url,
                    url=f"{url}/agents/{agent.name}",
                    limits=limits or Limits(),
                    enforcement=enforcement,
                    media=media,
                )
                apps[agent.name] = build_agent_app(agent, services)
                await stack.enter_async_context(apps[agent.name].router.lifespan_context(apps[agent.name]))
                routes += agent_routes(f"/agents/{agent.name}", apps[agent.name])
            root: Any = Starlette(routes=routes)
            server = uvicorn.Server(
                uvicorn.Config(
                    wrap(root) if wrap else root, log_level="error", lifespan="off", timeout_graceful_shutdown=1
                )
            )
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            http = await stack.enter_async_context(httpx.AsyncClient(timeout=100, verify=trusted_tls()))
            await _answers(http, url)
            try:
                yield House(
                    url, tools, authority, apps, approvals, http, message_ids, heads, book, enforcement.standing
                )
            finally:
                for app in apps.values():
                    await app.state.aclose()
                server.should_exit = True
                await serving
                for connection in tuple(server.server_state.connections):  # whoever did not let go in time
                    connection.transport.abort()

    return Kit(opened, tools, tmp_path)


async def _answers(http: httpx.AsyncClient, url: str) -> None:
    for _ in range(1000):
        try:
            await http.get(f"{url}/registry")
        except httpx.ConnectError:
            await asyncio.sleep(0.002)
        except httpx.HTTPError:
            return
        else:
            return


def _gateway(
    url: str,
    agents: Sequence[Agent],
    authority: TokenAuthority,
    assertions: AssertionVerifier,
    approvals: list[dict[str, Any]],
    *,
    heads: asyncio.Queue[str],
    book: TaskBook,
    clock: Clock,
) -> list[Any]:
    scopes: Mapping[str, str] = {"search_assets": "assets:read"}

    async def token(request: Request) -> JSONResponse:
        form = {name: str(value) for name, value in (await request.form()).items()}
        actor = assertions.verify(form["client_assertion"])
        try:
            if form["subject_token_type"] == TASK:
                held = book.resume(actor, form["subject_token"])
                granted = authority.again(held.session, held.claim.expires)
                book.joined(held, granted.caller)
            else:
                subject = authority.read(form["subject_token"], even_expired=True)
                entered = book.enter(subject, actor, NamedTask.of_form(form))
                granted = authority.grant(
                    subject,
                    actor,
                    audience=form["audience"],
                    scopes=form["scope"].split() if "scope" in form else None,
                    allowed=agent_scopes(actor, form["audience"]),
                    task=entered.held.claim,
                    renewed=entered.renewed,
                )
        except Problem as problem:
            return JSONResponse(problem.as_dict(), 400)
        left = int((granted.caller.expires - clock()).total_seconds())
        return JSONResponse({"access_token": granted.text, "token_type": "Bearer", "expires_in": left})

    async def head(request: Request) -> JSONResponse:
        for each in (await request.json())["heads"]:
            heads.put_nowait(each)
        return JSONResponse({"kept": True}, 202)

    async def registry(request: Request) -> JSONResponse:
        if skill := request.query_params.get("skill"):
            agent = next((each for each in agents if skill in each.by_id), None)
            if agent is None:
                return JSONResponse({"code": "NOBODY_OFFERS", "message": f"Nobody offers {skill}."}, 404)
            place = {"agent": agent.name, "url": f"{url}/agents/{agent.name}"}
            return JSONResponse(place | {"audience": agent.audience, "scope": agent.scope_of(skill)})
        tool = request.query_params.get("capability", "").partition(".")[2]
        scope = scopes.get(tool, "assets:read")
        return JSONResponse({"server": "assets", "url": f"{url}/mcp/assets/", "audience": "mcp:assets", "scope": scope})

    async def approval(request: Request) -> JSONResponse:
        asked = await request.json()
        approvals.append(asked)
        kept = {"id": f"apr_{len(approvals)}", "state": "open"}
        if asked["question"]["title"] == PASSED:
            kept |= {"decision": "approved", "decided_by": "policy:low-value", "statement": "signed"}
        return JSONResponse(kept)

    return [
        Route("/oauth/token", token, methods=["POST"]),
        Route("/registry", registry),
        Route("/approvals", approval, methods=["POST"]),
        Route("/audit/heads", head, methods=["POST"]),
    ]


def _checked(app: Any, verifier: TokenVerifier, tools: Tools) -> Any:
    async def checked(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        caller = verifier.verify(headers[b"authorization"].decode().removeprefix("Bearer "))
        tools.people.append(caller.person)
        await app(scope, receive, send)

    return checked
