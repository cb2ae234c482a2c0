"""A small house around the gateway: two agents of the SDK, three people, one server, a clock that stands still."""

import functools
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from a2a.helpers import new_data_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCard
from google.protobuf.json_format import MessageToDict, ParseDict
from holdback_agents.gateway.admissions import Admissions, house_admission
from holdback_agents.gateway.app import Gateway, build_gateway
from holdback_agents.gateway.authority.credentials import Credentials
from holdback_agents.gateway.oauth import ACCESS_TOKEN, ASSERTION_TYPE, JWT_BEARER, TOKEN_EXCHANGE
from holdback_agents.gateway.registry import AgentEntry, LocalApp, PersonEntry, ServerEntry, Target, ToolEntry
from holdback_agents.gateway.risk import Autonomy
from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.store import METADATA
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_trust.assertions import sign_assertion
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.statements import CLEARANCE, sign
from holdback_trust.tokens import TokenAuthority
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

URL = "http://gateway.test"
SKILLS = {
    "editing-assistant": [("make-highlight", "Make a highlight", ["highlight", "clip", "trailer", "cut"])],
    "compliance": [("clear-rights", "Clear rights", ["rights", "clearance", "licence"])],
}
MEDIA, ELEMENTS = "sha256:" + "a" * 64, "sha256:" + "b" * 64
PEOPLE = {"person:sam": {"editor"}, "person:kim": {"approver"}, "person:vic": {"viewer"}}


@functools.cache
def key_of(name: str) -> KeyPair:
    return KeyPair.generate()


@dataclass
class StillClock:
    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class EchoAgent(AgentExecutor):
    """Tells what reached it; asked to `wait`, it waits for an approval answer."""

    name: str
    heard: list[dict[str, Any]] = field(default_factory=list)

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        headers = context.call_context.state["headers"]
        token = jwt.decode(headers["authorization"].split()[1], options={"verify_signature": False})
        message = MessageToDict(context.message)
        self.heard.append({"token": token, "message": message})
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        if "wait" in context.get_user_input():
            await updater.requires_input(updater.new_agent_message([new_text_part("May I?")]))
            return
        await updater.start_work()
        await updater.add_artifact([new_data_part({"agent": self.name, "heard": context.get_user_input()})])
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def card(name: str) -> AgentCard:
    return ParseDict(
        {
            "name": name.title(),
            "description": f"The {name} of a test.",
            "version": "1",
            "capabilities": {"streaming": True},
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "supportedInterfaces": [
                {"url": "http://elsewhere.test", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
            ],
            "skills": [
                {"id": skill, "name": title, "description": title, "tags": tags} for skill, title, tags in SKILLS[name]
            ],
        },
        AgentCard(),
    )


def agent_app(echo: EchoAgent) -> Starlette:
    handler = DefaultRequestHandler(echo, InMemoryTaskStore(), card(echo.name))
    return Starlette(
        routes=[*create_jsonrpc_routes(handler, "/"), Mount("/v1", routes=create_rest_routes(handler))],
        lifespan=_closing(handler),
    )


def _closing(handler: DefaultRequestHandler) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        yield
        await handler.aclose()

    return lifespan


async def _tell(request: Any) -> JSONResponse:
    return JSONResponse(
        {"path": request.url.path, "headers": dict(request.headers), "body": (await request.body()).decode()}
    )


@dataclass
class House:
    """The gateway, everybody's keys, and short ways to tokens."""

    gateway: Gateway
    services: GatewayServices
    clock: StillClock
    keys: dict[str, KeyPair]
    echoes: dict[str, EchoAgent]
    audit: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[httpx.AsyncClient, None]:
        async with self.gateway.running(), self.client() as client:
            yield client

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.gateway), base_url=URL)

    def assertion(self, who: str, keys: KeyPair | None = None, audience: str = "gateway") -> str:
        identity = {"software": "1", "configurations": []} if who.startswith("agent:") else None
        jti = f"jti-{next(self._numbers)}"
        return sign_assertion(keys or self.keys[who], who, audience, self.clock, jti, identity=identity)

    def person_form(self, who: str, audience: str, **more: str) -> dict[str, str]:
        return {"grant_type": JWT_BEARER, "assertion": self.assertion(who), "audience": audience} | more

    def agent_form(self, agent: str, subject: str, audience: str, **more: str) -> dict[str, str]:
        skill = SKILLS[agent.removeprefix("agent:")][0][0]
        return {
            "task": f"task-of-{agent.removeprefix('agent:')}",
            "skill": skill,
            "grant_type": TOKEN_EXCHANGE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(agent),
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
        } | more

    def clearance(self, signer: str = "mcp:rights", **claims: Any) -> str:
        """What rights signs of the cut that the tests ask about; of tier 1."""
        now = int(self.clock().timestamp())
        given = {"iss": "mcp:rights", "sub": MEDIA, "elements": ELEMENTS, "deliveries": [MEDIA], "tier": 1}
        given |= {"delivery_elements": {MEDIA: ELEMENTS}, "iat": now, "exp": now + 7 * 86400, "jti": "clr_1"}
        return sign(key_of(signer), CLEARANCE, given | claims)

    def question(self, *, cleared: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """A question about that cut; `cleared` are other claims of its clearance."""
        return {
            "title": "Butterfly highlight",
            "media": MEDIA,
            "elements": ELEMENTS,
            "clearance": "clr_1",
            "clearance_statement": self.clearance(**(cleared or {})),
            "slots": [],
            "not_included": ["US: the voice artist's contract excludes it"],
        } | more

    async def person_token(self, client: httpx.AsyncClient, who: str, audience: str, **more: str) -> str:
        answer = await client.post("/oauth/token", data=self.person_form(who, audience, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def agent_token(self, client: httpx.AsyncClient, agent: str, subject: str, audience: str, **more: str) -> str:
        answer = await client.post("/oauth/token", data=self.agent_form(agent, subject, audience, **more))
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def bearer(self, client: httpx.AsyncClient, who: str, audience: str, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {await self.person_token(client, who, audience, **more)}"}


BuildHouse = Callable[..., House]


@pytest.fixture
def build_house(tmp_path: Path) -> Iterator[BuildHouse]:
    with ExitStack() as stack:
        homes = itertools.count()

        def build(
            *,
            server: Target | None = None,
            agents: dict[str, Target] | None = None,
            roles: dict[str, set[str]] | None = None,
            home: Path | None = None,
            clock: StillClock | None = None,
            open_paths: tuple[str, ...] = (),
            autonomy: Autonomy | None = None,
            levels: dict[str, int] | None = None,
            stories: dict[str, frozenset[str]] | None = None,
            closed: dict[str, str] | None = None,
        ) -> House:
            kept = home is not None
            home = home or tmp_path / str(next(homes))
            clock = clock or StillClock()
            names = ["gateway", "mcp:assets", "mcp:rights", *PEOPLE, *(f"agent:{name}" for name in SKILLS)]
            keys = {name: key_of(name) for name in names}
            echoes = {name: EchoAgent(name) for name in SKILLS}
            database = Database(home / "gateway.sqlite" if kept else None, METADATA)
            stack.callback(database.close)
            audit = stack.enter_context(AuditLog(home / "audit", keys["gateway"], clock, f"gateway{next(homes)}"))
            admissions = Admissions(database, clock, levels or {})
            services = GatewayServices(
                admissions=admissions,
                url=URL,
                database=database,
                clock=clock,
                new_id=id_maker(clock),
                keys=keys["gateway"],
                ring=KeyRing({name: [pair.public_jwk] for name, pair in keys.items()}),
                authority=TokenAuthority("gateway", keys["gateway"], clock, lambda: f"token-{next(homes)}"),
                audit=audit,
                enforcement=Enforcement(clock=clock),
                agents=[
                    AgentEntry(
                        name,
                        card(name),
                        (agents or {}).get(name) or LocalApp(agent_app(echo)),
                        keys[f"agent:{name}"].public_jwk,
                    )
                    for name, echo in echoes.items()
                ],
                servers=[
                    ServerEntry(
                        "assets",
                        "Assets",
                        "What there is.",
                        server or LocalApp(Starlette(routes=[Route("/", _tell, methods=["GET", "POST"])])),
                        (ToolEntry("search_assets", "assets:read"),),
                        open_paths,
                    )
                ],
                people=[
                    PersonEntry(who, who.removeprefix("person:"), frozenset(held), keys[who].public_jwk)
                    for who, held in (PEOPLE | (roles or {})).items()
                ],
                retry_seconds=0.01,
                autonomy=autonomy or Autonomy(),
                stories=stories or {},
                story_now=({} if closed is None else closed).get,
            )
            for entry in services.agents:
                admissions.admit(house_admission(entry, by="person:test", now=clock()))
            return House(build_gateway(services), services, clock, keys, echoes, home / "audit")

        yield build


@dataclass
class Doorstep:
    """A house with a browser in front of it."""

    house: Any
    browser: Any
    credentials: Credentials

    async def sign_in(self, person: str = "sam", **asked: str | None) -> httpx.Response:
        await self.browser.open(**asked)
        return await self.browser.sign_in(person, self.credentials.new_code(f"person:{person}")[0])

    async def let_in(self, **asked: str | None) -> dict[str, Any]:
        """The answer to a program that Sam lets in."""
        assert (await self.sign_in(**asked)).status_code == 200
        more = {"client_id": asked["client_id"]} if asked.get("client_id") else {}
        answer = await self.browser.redeem(self.browser.code_form(await self.browser.allow(), **more))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def let_in_again(self, **asked: str | None) -> dict[str, Any]:
        """The answer to a program that is let in by who signed in before."""
        await self.browser.open(**asked)
        return (await self.browser.redeem(self.browser.code_form(await self.browser.allow()))).json()

    async def renew(self, answer: dict[str, Any], **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "client_id": "holdback"}
        return await self.browser.redeem(form | more)

    def rows(self, action: str) -> list[dict[str, Any]]:
        self.house.services.audit.flush()
        texts = [file.read_text("utf-8") for file in self.house.audit.glob("*.jsonl")]
        found = [json.loads(line) for text in texts for line in text.splitlines()]
        return [each for each in found if each.get("action") == action]


@pytest.fixture
def enter(build_house: BuildHouse, browse: Any, tmp_path: Path) -> Callable[..., Any]:
    """`async with enter(...) as step` opens a house at which people sign in; services of the gateway as given."""

    @asynccontextmanager
    async def entered(*, house: dict[str, Any] | None = None, **services: Any) -> AsyncGenerator[Doorstep]:
        built = build_house(**house or {})
        credentials = Credentials(tmp_path / "people", built.clock)
        standing = replace(built.services, credentials=credentials, **services)
        built = replace(built, services=standing, gateway=build_gateway(standing))
        async with built.open() as http:
            yield Doorstep(built, browse(http, built.services.url), credentials)

    return entered
