"""The whole house in one process: four servers, three agents and the gateway, as one ASGI application.

The same code as `holdback serve NAME`: only the composition differs. Agents and servers talk over HTTP here too; what
an agent asks the gateway itself, it asks without the network in between.
"""

import os
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

os.environ.setdefault("OTEL_INSTRUMENTATION_A2A_SDK_ENABLED", "false")  # 43 spans a task otherwise

from holdback_agents.compliance import compliance
from holdback_agents.editing_assistant import editing_assistant
from holdback_agents.gateway.app import Gateway, build_gateway
from holdback_agents.gateway.registry import AgentEntry, LocalApp, ServerEntry, ToolEntry, Upstream
from holdback_agents.gateway.risk import Autonomy
from holdback_agents.gateway.services import GatewayServices
from holdback_agents.gateway.store import METADATA as GATEWAY_METADATA
from holdback_agents.runtime.agent import Agent
from holdback_agents.runtime.brain import Rules
from holdback_agents.runtime.heads import Heads
from holdback_agents.runtime.lines import InProcess, Line
from holdback_agents.runtime.serving.app import AgentServices, build_agent_app, complete_card
from holdback_agents.runtime.tables import METADATA as AGENT_METADATA
from holdback_agents.scheduler import scheduler
from holdback_base.database import Database
from holdback_servers.edge import Edge
from holdback_servers.media_store import MediaStore
from holdback_servers.serving import Door
from holdback_servers.settings import PersonSetting
from holdback_trust.edges import Rate
from holdback_trust.egress import Egress
from holdback_trust.identity import GATEWAY
from holdback_trust.tokens import TokenAuthority, TokenVerifier
from starlette.applications import Starlette

from holdback.admitting import open_admissions, settle
from holdback.foundation import Foundation
from holdback.people import home_credentials, issuer_facts, person_entries
from holdback.rooms import ROOMS, open_room, room_store
from holdback.starting import undisturbed_start

_OPEN_PATHS = {"rights": ("/status/",), "schedule": ("/calendar/",)}
"""What everybody may read of a room: how a clearance stands; a calendar, by an address that nobody can guess."""
AGENTS = {"editing-assistant": editing_assistant, "compliance": compliance, "scheduler": scheduler}


@dataclass(frozen=True)
class House:
    """An open house. `gateway` is the application to serve; `url` is where clients find it.

    `outside` are its own agents that are not let in as they are now, with what has changed; `guests` are those from
    outside that are let in.
    """

    url: str
    foundation: Foundation
    gateway: Gateway
    doors: dict[str, Door]
    outside: Mapping[str, Sequence[str]]
    guests: tuple[str, ...]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Everything that runs beside the requests. The application needs no lifespan of its own then."""
        async with AsyncExitStack() as stack:
            for door in self.doors.values():
                await stack.enter_async_context(door.serving())
            await stack.enter_async_context(self.gateway.running())
            yield


@asynccontextmanager
async def open_house(
    foundation: Foundation, url: str, people: Iterable[PersonSetting], elsewhere: Mapping[str, str] | None = None
) -> AsyncGenerator[House]:
    """Open all rooms, agents and the gateway over one home; closes their stores and the audit log at the end.

    Args:
        elsewhere: URLs of servers and agents, by name, that run in processes of their own (`holdback serve NAME`).
    """
    house, stores = _build(foundation, url, people, elsewhere or {})
    try:
        async with house.running():
            yield house
    finally:
        for each in stores:
            each.close()
        foundation.audit.sign_head("close")
        foundation.audit.close()


@undisturbed_start()
def _build(
    foundation: Foundation, url: str, people: Iterable[PersonSetting], elsewhere: Mapping[str, str]
) -> tuple[House, list[Database]]:
    doors = {name: open_room(name, foundation) for name in ROOMS}
    stores: list[Database] = [door.services.database for door in doors.values()]
    agents, line = list[AgentEntry](), InProcess()
    heads = Heads(foundation.audit, line)
    for name, make in AGENTS.items():
        store = room_store(f"agent-{name}", foundation, AGENT_METADATA)
        stores.append(store)
        media = doors["assets"].services.media
        entry = agent_entry(make(), store, foundation, url, media=media, line=line, heads=heads)
        agents.append(replace(entry, target=Upstream(elsewhere[name])) if name in elsewhere else entry)
    store = room_store("gateway", foundation, GATEWAY_METADATA)
    stores.append(store)
    keys, egress = foundation.keys(GATEWAY), Egress(foundation.settings.egress)
    admissions = open_admissions(store, foundation)
    outside, guests = settle(admissions, agents, foundation), admissions.vendors(agents, egress)
    gateway = build_gateway(
        GatewayServices(
            url=url,
            database=store,
            clock=foundation.clock,
            new_id=foundation.new_id,
            keys=keys,
            ring=foundation.ring,
            authority=TokenAuthority(GATEWAY, keys, foundation.clock, lambda: foundation.new_id("evt")),
            audit=foundation.audit,
            enforcement=foundation.enforcement,
            rate=Rate(foundation.settings.calls_a_minute),
            agents=[*agents, *guests],
            admissions=admissions,
            egress=egress,
            servers=[_placed(server_entry(door, foundation, url), elsewhere) for door in doors.values()],
            people=person_entries(foundation, people),
            autonomy=_autonomy(foundation),
            stories={name: each.people | each.agents for name, each in foundation.settings.stories.items()},
            story_now=doors["assets"].services.media.story,
            credentials=home_credentials(foundation.settings.home, foundation.clock),
            issuer=issuer_facts(foundation.settings),
        )
    )
    line.open(gateway)
    return House(url, foundation, gateway, doors, outside, tuple(each.name for each in guests)), stores


def _autonomy(foundation: Foundation) -> Autonomy:
    said = foundation.settings.autonomy
    return Autonomy(said.tier, said.channels, said.most_a_day, said.factor_from_tier)


def _placed(entry: ServerEntry, elsewhere: Mapping[str, str]) -> ServerEntry:
    return replace(entry, target=Upstream(elsewhere[entry.name])) if entry.name in elsewhere else entry


def server_entry(door: Door, foundation: Foundation, gateway: str = "") -> ServerEntry:
    """A room as the gateway's registry knows it, standing in this process."""
    return ServerEntry(
        name=door.name,
        title=door.mcp.title or door.name,
        description=door.mcp.description or "",
        target=LocalApp(room_app(door, foundation, gateway)),
        open_paths=_OPEN_PATHS.get(door.name, ()),
        tools=tuple(
            ToolEntry(name=name, scope=door.scopes[name], description=description)
            for name, description in door.descriptions.items()
        ),
    )


def room_app(door: Door, foundation: Foundation, gateway: str = "") -> Edge:
    """A room over HTTP at `/mcp/<name>`; challenges name the gateway where it is known."""
    metadata = f"{gateway}/.well-known/oauth-protected-resource/mcp/{door.name}" if gateway else ""
    verifier = TokenVerifier(foundation.ring, GATEWAY, door.audience, foundation.clock)
    limit = foundation.settings.body_limit
    rate = Rate(foundation.settings.calls_a_minute)
    return Edge(
        door.http_app(),
        mount=f"/mcp/{door.name}",
        verifier=verifier,
        body_limit=limit,
        rate=rate,
        metadata=metadata,
        standing=foundation.enforcement.standing,
    )


def agent_entry(
    agent: Agent, store: Database, foundation: Foundation, gateway: str, *, media: MediaStore, line: Line, heads: Heads
) -> AgentEntry:
    """An agent as the gateway's registry knows it, standing in this process."""
    keys = foundation.keys(agent.audience)
    return AgentEntry(
        name=agent.name,
        card=complete_card(agent, f"{gateway}/agents/{agent.name}"),
        target=LocalApp(agent_app(agent, store, foundation, gateway, media=media, line=line, heads=heads)),
        key=keys.public_jwk,
        identity=agent.identity(keys.kid, Rules().configuration),
    )


def agent_app(
    agent: Agent,
    store: Database,
    foundation: Foundation,
    gateway: str,
    *,
    media: MediaStore,
    line: Line | None = None,
    heads: Heads | None = None,
) -> Starlette:
    """An agent as an application; clients reach it through the gateway. `line` is its way to a gateway that stands in
    the same process, `heads` what signs for all agents of that process."""
    services = AgentServices(
        database=store,
        keys=foundation.keys(agent.audience),
        verifier=TokenVerifier(foundation.ring, GATEWAY, agent.audience, foundation.clock),
        audit=foundation.audit,
        enforcement=foundation.enforcement,
        clock=foundation.clock,
        new_id=foundation.new_id,
        gateway=gateway,
        url=f"{gateway}/agents/{agent.name}",
        line=line,
        heads=heads,
        media=media,
        rate=Rate(foundation.settings.calls_a_minute),
    )
    return build_agent_app(agent, services)
