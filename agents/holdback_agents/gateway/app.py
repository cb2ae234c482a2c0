"""The gateway as one ASGI app: exact paths, tokens at the edge, and everything else passed on."""

import contextlib
import logging
from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from holdback_base.problem import Problem
from holdback_trust.edges import bearer, peer
from holdback_trust.identity import GATEWAY
from holdback_trust.policy import Action
from holdback_trust.tokens import TokenVerifier
from starlette.types import Receive, Scope, Send

from holdback_agents.gateway.approval_door import ApprovalDoor
from holdback_agents.gateway.authority.door import AuthorityDoor
from holdback_agents.gateway.delivery import Delivery
from holdback_agents.gateway.edge import (
    NO_STORE,
    Edge,
    Places,
    Told,
    check_length,
    no_such_place,
    read_body,
    read_json,
    send_bytes,
    send_json,
    send_problem,
)
from holdback_agents.gateway.front import FrontDoor
from holdback_agents.gateway.guarding import GuardianDoor
from holdback_agents.gateway.lifespans import Lifespan
from holdback_agents.gateway.metrics import Requests
from holdback_agents.gateway.newcomers import Newcomers
from holdback_agents.gateway.oauth import FORM_LIMIT, TokenDoor
from holdback_agents.gateway.oauth_places import OAuthPlaces
from holdback_agents.gateway.pages import open_pages
from holdback_agents.gateway.proxy import Proxy, Way
from holdback_agents.gateway.registry import Entry, LocalApp, Registry, ServerEntry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.stopping import Stopping
from holdback_agents.gateway.streams import Streams
from holdback_agents.gateway.task_ends import TaskEnds
from holdback_agents.gateway.tasks import TaskBook
from holdback_agents.gateway.token_status import TokenStatus

_log = logging.getLogger(__name__)


def build_gateway(services: GatewayServices) -> "Gateway":
    """The gateway of a house. Its lifespan runs those of the apps that stand in this process, too."""
    return Gateway(services)


class Gateway:
    """An ASGI app. Serve it with lifespan on, or hold `running()` open around it."""

    def __init__(self, services: GatewayServices) -> None:
        self._services = services
        self._registry = Registry.of(services.url, services.agents, services.servers, services.people)
        self._ledger = Ledger(services.audit, services.enforcement)
        self._edge = Edge(
            self._registry.url,
            lambda audience: TokenVerifier(services.ring, GATEWAY, audience, services.clock),
            services.rate,
            services.enforcement,
        )
        self._proxy, self._streams = Proxy(), Streams(services, self._ledger)
        self._pages = open_pages(services, self._registry)
        self._tasks = TaskBook(services.database, services.clock, self._registry.plan)
        self._ends = TaskEnds(services, self._tasks)
        self.authority = AuthorityDoor(services, self._registry, self._ledger, self._edge)
        programs = self.authority.granting.grants()
        self._tokens = tokens = TokenDoor(services, self._registry, self._ledger, self._tasks, programs)
        refresh = self.authority.granting.revoke
        status = TokenStatus(services, self._ledger, tokens, self._tasks, ends=self._ends, refresh=refresh)
        self._approvals = ApprovalDoor(services, self._registry, self._ledger)
        self._front = front = FrontDoor(
            services, self._registry, self._ledger, self._edge, proxy=self._proxy, streams=self._streams
        )
        self._guarding = GuardianDoor(services, self._registry, self._ledger)
        self._stopping = Stopping(services, self._registry, (self._tasks, self._ends), front.call, front.call_server)
        self._delivery = Delivery(services, self._registry, self._ledger, self._tasks, front.call)
        self._newcomers = Newcomers(services, self._registry, self._meet)
        self._requests = Requests()
        self._ready = False
        self._places = self._answers(OAuthPlaces(tokens, status, self._edge))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Everything that runs beside the requests: local apps, the connection pool, deliveries."""
        apps = {id(each.target.app): each.target.app for each in self._entries() if isinstance(each.target, LocalApp)}
        started: list[Lifespan] = []
        beside = (self._delivery, self._stopping, self._streams, self._newcomers)
        try:
            for app in apps.values():
                lifespan = Lifespan(app)
                await lifespan.start()
                started.append(lifespan)
            await self.authority.members.recall()
            for each in beside:
                each.start()
            self._ready = True
            yield
        finally:
            self._ready = False
            for each in reversed(beside):
                await each.stop()
            await self._proxy.close()
            for lifespan in reversed(started):
                await lifespan.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            route, status = await self._serve(scope, receive, send)
            self._requests.count(route, status)
        else:
            await send({"type": "websocket.close", "code": 1000})

    def _meet(self) -> None:
        """The registry has changed."""
        self._tokens.know_agents()
        self._pages = open_pages(self._services, self._registry)

    def _entries(self) -> list[Entry]:
        return [*self._registry.agents.values(), *self._registry.servers.values()]

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.running())
            except Problem as problem:
                await send({"type": "lifespan.startup.failed", "message": problem.line()})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
        path: str = scope["path"]
        told = Told(send)
        try:
            if scope["method"] in ("GET", "HEAD") and (page := self._pages.get(path)) is not None:
                return path, await page.answer(scope, told)
            if path.startswith(("/agents/", "/mcp/")):
                return await self._pass_on(scope, receive, told)
            if path in ("", "/") or path.startswith("/v1/"):
                return "front", await self._front_door(scope, receive, told)
            return await self._own(scope, receive, told)
        except Problem as problem:
            if told.started:
                raise
            if problem.code == "UNAUTHENTICATED":
                self._ledger.refused("unknown", "gateway.enter", problem)
            return "refused", await send_problem(told, problem, challenge=self._challenge(problem, scope))
        except Exception:
            if told.started:
                raise
            _log.exception("a request failed")
            problem = Problem("INTERNAL", "The gateway failed.", "Try again, or tell who runs the house.")
            return "failed", await send_problem(told, problem)

    def _challenge(self, problem: Problem, scope: Scope) -> str:
        path: str = scope["path"]
        parts = path.split("/", 3)
        place = "/".join(parts[:3]) if path.startswith(("/agents/", "/mcp/")) else ""
        known = not place or f"/.well-known/oauth-protected-resource{place}" in self._pages
        return self._edge.challenge(problem, place, with_token=bool(bearer(scope))) if known else ""

    async def _front_door(self, scope: Scope, receive: Receive, send: Send) -> int:
        if scope["path"] in ("", "/") and scope["method"] != "POST":
            raise no_such_place()
        return await self._front.answer(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
        entry, way = self._way(scope["path"])
        if way.rest not in ("", "/") and isinstance(entry, ServerEntry):
            if not entry.is_open(scope["method"], way.rest):
                raise no_such_place()
            return way.root, await self._proxy.forward(scope, receive, send, way)
        caller = self._edge.caller(scope, entry.audience)
        check_length(scope)
        self._services.check_outside(entry)
        self._ledger.record(caller, "gateway.pass", entry.audience, True, policy="audience")
        return way.root, await self._proxy.forward(scope, receive, send, way, self._streams.of(caller, entry))

    def _way(self, path: str) -> tuple[Entry, Way]:
        """Where an exact path goes. Raises Problem NOT_FOUND."""
        _, kind, name, *rest = path.split("/", 3)
        tail = f"/{rest[0]}" if rest else ""
        entry: Entry | None = self._registry.agents.get(name) if kind == "agents" else self._registry.servers.get(name)
        fits = tail in ("", "/") or isinstance(entry, ServerEntry) or tail.startswith("/v1/")
        if entry is None or not fits or any(part in (".", "..") for part in tail.replace("\\", "/").split("/")):
            raise no_such_place()
        return entry, Way(entry.target, f"/{kind}/{name}", tail)

    async def _own(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, int]:
        path: str = scope["path"]
        place = path if path in self._places else f"/{path.split('/', 2)[1]}/"
        answer = self._places.get(place, {}).get(scope["method"])
        if answer is None:
            raise no_such_place()
        return place, await answer(scope, receive, send)

    def _answers(self, oauth: OAuthPlaces) -> Places:
        """What answers at the gateway's own places; a path with a slash at its end stands for all that lie below."""
        return {
            **oauth.places(),
            **self.authority.places(),
            "/health": {"GET": self._health},
            "/metrics": {"GET": self._metrics},
            "/audit/heads": {"POST": self._take_head},
            "/registry": {"GET": self._look_up},
            "/approvals": {"GET": self._approve, "POST": self._approve},
            "/approvals/": {"GET": self._approve, "POST": self._approve},
            "/status/": {"GET": self._approval_status},
            "/guardian": {"GET": self._guard},
            "/guardian/": {"GET": self._guard, "POST": self._guard},
        }

    async def _health(self, _scope: Scope, _receive: Receive, send: Send) -> int:
        await send_json(send, 200, {"status": "ok", "ready": self._ready}, NO_STORE)
        return 200

    async def _metrics(self, _scope: Scope, _receive: Receive, send: Send) -> int:
        await send_bytes(send, 200, self._requests.text().encode(), "text/plain; version=0.0.4")
        return 200

    async def _take_head(self, scope: Scope, receive: Receive, send: Send) -> int:
        try:
            await self._ends.take_heads(read_json(await read_body(scope, receive, FORM_LIMIT)))
        except Problem as problem:
            if problem.code != "UNAVAILABLE":  # that it cannot be kept is nobody's mistake
                self._edge.count(peer(scope))
            raise
        await send_json(send, 202, {"kept": True})
        return 202

    async def _look_up(self, scope: Scope, _receive: Receive, send: Send) -> int:
        await send_json(send, 200, self._lookup(scope), NO_STORE)
        return 200

    def _lookup(self, scope: Scope) -> dict[str, object]:
        query = _query(scope)
        caller = self._edge.caller(scope, GATEWAY)
        what = query.get("skill") or query.get("capability") or "all"
        self._ledger.require(caller, Action(name="registry.read", scope="registry:read", resource=what[:200]))
        if "skill" in query:
            return self._registry.skill_offer(query["skill"])
        if "capability" in query:
            return self._registry.tool_offer(query["capability"])
        return self._registry.listing()

    async def _approve(self, scope: Scope, receive: Receive, send: Send) -> int:
        caller = self._edge.caller(scope, GATEWAY)
        status, shape = await self._approvals.answer(caller, scope, receive, _query(scope))
        if scope["method"] == "POST":
            self._delivery.wake()
        await send_json(send, status, shape, NO_STORE)
        return status

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> int:
        answer = await self._guarding.answer(self._edge.caller(scope, GATEWAY), scope, receive)
        if scope["method"] == "POST":
            self._stopping.wake()
            self._streams.wake()
        await send_json(send, 200, answer, NO_STORE)
        return 200

    async def _approval_status(self, scope: Scope, _receive: Receive, send: Send) -> int:
        answer = await self._approvals.status(scope["path"])
        await send_bytes(send, 200, answer.encode(), "application/jwt", NO_STORE)
        return 200


def _query(scope: Scope) -> dict[str, str]:
    try:
        return dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True, max_num_fields=16))
    except ValueError:
        raise Problem("INVALID_ARGUMENT", "The query cannot be read.", "Send a few form-encoded fields.") from None
