"""One agent as a Starlette application: JSON-RPC and HTTP+JSON of A2A 1.0, JSON-RPC of 0.3, its card, its health.

app = build_agent_app(agent, services)
async with app.router.lifespan_context(app): ...     # whoever mounts it enters this, or calls app.state.aclose()
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
from a2a.extensions.common import HTTP_EXTENSION_HEADER, get_requested_extensions
from a2a.server.context import ServerCallContext
from a2a.server.jsonrpc_models import JSONParseError
from a2a.server.routes import ServerCallContextBuilder, create_agent_card_routes, create_rest_routes
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.types.a2a_pb2 import AgentCard, AgentExtension, AgentInterface
from google.protobuf.json_format import ParseDict
from holdback_base.database import Database
from holdback_base.ids import Clock, NewId
from holdback_trust.admission import AgentIdentity
from holdback_trust.audit import AuditLog
from holdback_trust.edges import Rate
from holdback_trust.enforcing import Enforcement
from holdback_trust.tokens import KeyPair, TokenVerifier
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from holdback_agents.contracts import PROGRESS_EXTENSION, SKILL_EXTENSION
from holdback_agents.runtime.agent import Agent, Limits
from holdback_agents.runtime.brain import Brain, Rules
from holdback_agents.runtime.card_signing import declare, sign_card
from holdback_agents.runtime.closed import Closed, Media
from holdback_agents.runtime.errands import Ways
from holdback_agents.runtime.executor import SESSION, Backstage, Executor
from holdback_agents.runtime.handler import HTTP_SCOPE, AgentRequestHandler
from holdback_agents.runtime.heads import Heads
from holdback_agents.runtime.house import House, Session
from holdback_agents.runtime.journal import Journal
from holdback_agents.runtime.leftovers import Leftovers, Person
from holdback_agents.runtime.lines import TIMEOUT, Line, OverNetwork
from holdback_agents.runtime.peers import Peers
from holdback_agents.runtime.serving.guard import Guard
from holdback_agents.runtime.task_store import TaskStore
from holdback_agents.runtime.tls import trusted_tls
from holdback_agents.runtime.toolbox import Toolbox

_EXTENSIONS: Mapping[str, str] = {
    SKILL_EXTENSION: "Message metadata under this key names the skill that is meant.",
    PROGRESS_EXTENSION: "Status updates carry how far the task is, numbered, under this key of their metadata.",
}


@dataclass(frozen=True)
class AgentServices:
    """What an agent is given.

    Args:
        database: a store of its own, opened with `runtime.tables.METADATA`; stays the giver's to close.
        keys: the agent's own, with which it says who it is at the gateway.
        verifier: for tokens whose audience is `agent:<name>`.
        audit: where its steps are written.
        clock, new_id: time and names.
        gateway: the gateway's URL.
        url: where this agent is reached, for its card.
        enforcement: what allows, of this process.
        media: to which closed story bytes belong now; None where no media is known.
        rate: how often one caller may ask; no limit without one.
        http: transport to the gateway and to agents; None for the network.
        line: to the gateway, for tokens, heads and questions; None for the network.
        heads: shared with other agents that write the same log; None for its own.
        mcp: transport to servers; None for the network.
    """

    database: Database
    keys: KeyPair
    verifier: TokenVerifier
    audit: AuditLog
    clock: Clock
    new_id: NewId
    gateway: str
    url: str
    enforcement: Enforcement
    http: httpx.AsyncBaseTransport | None = None
    line: Line | None = None
    heads: Heads | None = None
    mcp: httpx2.AsyncBaseTransport | None = None
    brain: Brain = field(default_factory=Rules)
    media: Media | None = None
    rate: Rate | None = None
    limits: Limits = field(default_factory=Limits)


def build_agent_app(agent: Agent, services: AgentServices) -> Starlette:
    """The agent, ready to be mounted or served. `app.state.aclose` lets go of everything; the lifespan calls it."""
    http = httpx.AsyncClient(transport=services.http, timeout=TIMEOUT, verify=trusted_tls())
    toolbox = Toolbox(agent.name, services.mcp)
    identity = agent.identity(services.keys.kid, services.brain.configuration)
    line = services.line or OverNetwork(services.gateway, http)
    house = House(
        line,
        agent.audience,
        keys=services.keys,
        clock=services.clock,
        new_id=services.new_id,
        identity=identity,
    )
    store = TaskStore(services.database)
    backstage = Backstage(
        ways=Ways(house, toolbox, Peers(http)),
        journal=Journal(services.database),
        audit=services.audit,
        heads=services.heads or Heads(services.audit, line),
        brain=services.brain,
        clock=services.clock,
        new_id=services.new_id,
        limits=services.limits,
    )
    executor = Executor(agent, backstage)
    card = sign_card(complete_card(agent, services.url, identity), services.keys)
    handler = AgentRequestHandler(
        agent,
        card,
        executor,
        store,
        limits=services.limits,
        enforcement=services.enforcement,
        audit=services.audit,
        closed=Closed(services.enforcement, services.media),
    )

    leftovers = Leftovers(store, house, handler, verifier=services.verifier, clock=services.clock)

    async def aclose() -> None:
        await leftovers.aclose()
        await executor.aclose()
        await handler.aclose()
        await store.aclose()
        await toolbox.aclose()
        await http.aclose()

    return _application(card, handler, services, leftovers.start, aclose)


def complete_card(agent: Agent, url: str, identity: AgentIdentity | None = None) -> AgentCard:
    """The agent's card with its addresses, its extensions, its configurations, and how to authenticate."""
    card = AgentCard()
    card.CopyFrom(agent.card)
    url = url.rstrip("/")
    if not card.supported_interfaces:
        card.supported_interfaces.extend(
            (
                AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0"),
                AgentInterface(url=f"{url}/v1", protocol_binding="HTTP+JSON", protocol_version="1.0"),
                AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="0.3"),
            )
        )
    card.capabilities.streaming = True
    declared = {each.uri for each in card.capabilities.extensions}
    for uri, description in _EXTENSIONS.items():
        if uri not in declared:
            card.capabilities.extensions.append(AgentExtension(uri=uri, description=description))
    if identity is not None:
        declare(card, identity)
    if not card.security_schemes:
        scopes = [agent.scope_of(skill.id) for skill in agent.skills]
        bearer = {"httpAuthSecurityScheme": {"scheme": "Bearer", "bearerFormat": "JWT"}}
        needed = [{"schemes": {"bearer": {"list": scopes}}}]
        ParseDict({"securitySchemes": {"bearer": bearer}, "securityRequirements": needed}, card)
    return card


def agent_routes(prefix: str, app: ASGIApp) -> list[BaseRoute]:
    """Routes for an agent under a prefix such as `/agents/compliance`, with and without a slash at its end."""

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        await app({**scope, "root_path": root + prefix}, receive, send)

    return [Route(prefix, endpoint=_App(bare), methods=None), Mount(prefix, app=app)]


class _App:
    """An ASGI app that Starlette takes for one: it calls functions with a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _application(
    card: AgentCard,
    handler: AgentRequestHandler,
    services: AgentServices,
    start: Callable[[], None],
    aclose: Callable[[], Any],
) -> Starlette:
    contexts = _Contexts()
    rpc = JsonRpcDispatcher(handler, contexts, enable_v0_3_compat=True)

    async def json_rpc(request: Request) -> Response:
        try:
            await request.json()  # kept by the request; what the SDK makes of other errors tells too much
        except (ValueError, RecursionError):
            error = JSONParseError(message="The body is not JSON.").model_dump(exclude_none=True)
            return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error})
        return await rpc.handle_requests(request)

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None, None]:
        start()
        try:
            yield
        finally:
            await aclose()

    guard = Middleware(
        Guard,
        services.verifier,
        metadata=_metadata(services.url),
        rate=services.rate,
        extensions=[each.uri for each in card.capabilities.extensions],
        limit=services.limits.body,
    )
    app = Starlette(
        routes=[
            *create_agent_card_routes(card, cache_control="public, max-age=60"),
            Route("/health", health, methods=["GET"]),
            Route("/", json_rpc, methods=["POST"]),
            Mount("/v1", routes=create_rest_routes(handler, contexts, enable_v0_3_compat=True)),
        ],
        middleware=[guard],
        lifespan=lifespan,
    )
    app.state.aclose = aclose
    return app


def _metadata(url: str) -> str:
    """Where an agent's address has its metadata (RFC 9728, 3.1)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path.rstrip('/')}"


class _Contexts(ServerCallContextBuilder):
    """Who calls, as the guard found it."""

    def build(self, request: Request) -> ServerCallContext:
        session: Session = request.scope[SESSION]
        return ServerCallContext(
            user=Person(session.caller.person),
            state={"headers": dict(request.headers), SESSION: session, HTTP_SCOPE: request.scope},
            requested_extensions=get_requested_extensions(request.headers.getlist(HTTP_EXTENSION_HEADER)),
        )
