"""Who is there: agents, servers and people of the house, and who offers a skill or a capability."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from a2a.types.a2a_pb2 import AgentCard, AgentSkill
from holdback_base.problem import Problem
from holdback_trust import grants
from holdback_trust.admission import Admission, AgentIdentity
from holdback_trust.egress import Egress
from holdback_trust.identity import GATEWAY
from starlette.types import ASGIApp

T = TypeVar("T")


@dataclass(frozen=True)
class LocalApp:
    """A target in this process. `path` is where in the app its endpoint stands, empty for the root."""

    app: ASGIApp
    path: str = ""


@dataclass(frozen=True)
class Upstream:
    """A target in another process: the URL of its endpoint, with no slash at the end. `guard` is how an agent from
    outside the house is reached: at an address that it has checked."""

    url: str
    guard: Egress | None = None


Target = LocalApp | Upstream


@dataclass(frozen=True)
class AgentEntry:
    """An agent behind the gateway; `key` is its public JWK, with which it proves who it is at the token endpoint, and
    `identity` what it is, where that is more than its key and the version on its card. An agent from outside the house
    has the `admission` that says what it may be given."""

    name: str
    card: AgentCard
    target: Target
    key: Mapping[str, str]
    identity: AgentIdentity | None = None
    admission: Admission | None = None

    @property
    def audience(self) -> str:
        """`agent:<name>`, which is also its id as an actor."""
        return f"agent:{self.name}"

    def scope_of(self, skill: str) -> str:
        """The scope that a caller needs for one of its skills."""
        return f"agent:{self.name}:{skill}"


@dataclass(frozen=True)
class ToolEntry:
    """A tool of a server, and the scope that a caller needs for it."""

    name: str
    scope: str
    description: str = ""


@dataclass(frozen=True)
class ServerEntry:
    """An MCP server behind the gateway.

    Below its address only `open_paths` lead on, such as `/status/`: each a prefix of what everybody may GET, or HEAD.
    """

    name: str
    title: str
    description: str
    target: Target
    tools: tuple[ToolEntry, ...]
    open_paths: tuple[str, ...] = ()

    @property
    def audience(self) -> str:
        """`mcp:<name>`."""
        return f"mcp:{self.name}"

    def is_open(self, method: str, rest: str) -> bool:
        """Whether everybody may ask for this path below the server's address."""
        return method in ("GET", "HEAD") and any(rest.startswith(each) and rest != each for each in self.open_paths)


@dataclass(frozen=True)
class PersonEntry:
    """A person who may ask for tokens. `id` is `person:<name>`; `key` is the public JWK of the person's own key."""

    id: str
    name: str
    roles: frozenset[str]
    key: Mapping[str, str]


Entry = AgentEntry | ServerEntry


@dataclass
class Registry:
    """The house as the gateway knows it now: agents from outside come while it runs.

    `url` is the gateway's own address, with no slash at the end.
    """

    url: str
    agents: Mapping[str, AgentEntry] = field(default_factory=lambda: MappingProxyType({}))
    servers: Mapping[str, ServerEntry] = field(default_factory=lambda: MappingProxyType({}))
    people: Mapping[str, PersonEntry] = field(default_factory=lambda: MappingProxyType({}))
    guests: dict[str, PersonEntry] = field(default_factory=dict[str, PersonEntry])
    """People whom an issuer vouched for, as it said last; they have no key here."""

    def person(self, identity: str) -> PersonEntry | None:
        """Somebody of the house, or whom its issuer vouched for."""
        return self.people.get(identity) or self.guests.get(identity)

    @classmethod
    def of(
        cls, url: str, agents: Iterable[AgentEntry], servers: Iterable[ServerEntry], people: Iterable[PersonEntry]
    ) -> "Registry":
        """A registry by name.

        Raises:
            ValueError: two entries with one name, two agents with one skill, or a name that is not fit for a path.
        """
        registry = cls(
            url.rstrip("/"),
            servers=_by_name([(each.name, each) for each in servers]),
            people=_by_name([(each.id, each) for each in people]),
        )
        registry.take_in(agents)
        for name in registry.servers:
            _check_path(name)
        return registry

    def take_in(self, agents: Iterable[AgentEntry]) -> None:
        """From now on these are the agents. Raises ValueError as `of` does; then nothing has changed."""
        named = _by_name([(each.name, each) for each in agents])
        _by_name([(skill.id, agent) for agent in named.values() for skill in agent.card.skills])
        for name in named:
            _check_path(name)
        self.agents = named

    def offered(self) -> list[AgentSkill]:
        """All skills of all agents."""
        return [skill for agent in self.agents.values() for skill in agent.card.skills]

    def address(self, entry: Entry) -> str:
        """Where the gateway serves the entry."""
        return f"{self.url}/agents/{entry.name}" if isinstance(entry, AgentEntry) else f"{self.url}/mcp/{entry.name}"

    def audiences(self) -> dict[str, str]:
        """Every audience of the house and the URL that it stands for."""
        entries: list[Entry] = [*self.agents.values(), *self.servers.values()]
        return {GATEWAY: self.url} | {entry.audience: self.address(entry) for entry in entries}

    def audience(self, text: str) -> str | None:
        """The audience that a name or a URL means, if any."""
        kind, _, name = text.partition(":")
        if text == GATEWAY or (kind == "agent" and name in self.agents) or (kind == "mcp" and name in self.servers):
            return text
        return next((name for name, url in self.audiences().items() if text.rstrip("/") == url), None)

    def person_scopes(self, roles: Iterable[str], audience: str) -> frozenset[str]:
        """What a token of a person with these roles may hold at an audience; empty: nothing to do there."""
        guest = self._from_outside(audience)
        return grants.person_scopes(roles, audience) if guest is None else guest.person_scopes(roles)

    def agent_scopes(self, agent: str, audience: str) -> frozenset[str]:
        """What an agent may be given at an audience; empty for what is not listed."""
        guest = self._from_outside(agent)
        return grants.agent_scopes(agent, audience) if guest is None else guest.grants.get(audience, frozenset())

    def plan(self, agent: str, skill: str) -> frozenset[str]:
        """The capabilities and skills that an agent needs for a skill; nothing else is open to it in such a task."""
        guest = self._from_outside(agent)
        return grants.plan(agent, skill) if guest is None else guest.plans.get(skill, frozenset())

    def scopes_at(self, audience: str) -> frozenset[str]:
        """The scopes that mean something at an audience."""
        guest = self._from_outside(audience)
        return grants.AUDIENCE_SCOPES.get(audience, frozenset()) if guest is None else guest.skill_scopes()

    def _from_outside(self, agent: str) -> Admission | None:
        entry = self.agents.get(agent.removeprefix("agent:")) if agent.startswith("agent:") else None
        return entry.admission if entry is not None else None

    def agent_for(self, skill: str) -> AgentEntry:
        """Who offers the skill. Raises Problem NOBODY_OFFERS, with all skills there are."""
        for agent in self.agents.values():
            if any(each.id == skill for each in agent.card.skills):
                return agent
        raise Problem(
            "NOBODY_OFFERS",
            f"No agent offers the skill {skill!r}.",
            "Name one of the skills listed in details.",
            skills=self.skills(),
        )

    def skills(self) -> list[str]:
        """The ids of all skills of all agents, in order."""
        return sorted(skill.id for skill in self.offered())

    def server_for(self, capability: str) -> tuple[ServerEntry, ToolEntry]:
        """Who offers the tool `<server>.<tool>`. Raises Problem NOBODY_OFFERS."""
        name, _, wanted = capability.partition(".")
        server = self.servers.get(name)
        tool = next((each for each in server.tools if each.name == wanted), None) if server else None
        if server is None or tool is None:
            raise Problem(
                "NOBODY_OFFERS",
                f"No server offers {capability!r}.",
                "Write a capability as server.tool; GET /registry lists them all.",
                servers=sorted(self.servers),
            )
        return server, tool

    def skill_offer(self, skill: str) -> dict[str, Any]:
        """Where to ask for the skill, and with which token."""
        agent = self.agent_for(skill)
        return {
            "agent": agent.name,
            "url": self.address(agent),
            "audience": agent.audience,
            "scope": agent.scope_of(skill),
        }

    def tool_offer(self, capability: str) -> dict[str, Any]:
        """Where to call the tool, and with which token."""
        server, tool = self.server_for(capability)
        return {
            "server": server.name,
            "url": self.address(server),
            "audience": server.audience,
            "scope": tool.scope,
        }

    def listing(self) -> dict[str, Any]:
        """All agents with their skills, all servers with their tools."""
        return {
            "agents": [
                {
                    "name": agent.name,
                    "title": agent.card.name,
                    "url": self.address(agent),
                    "audience": agent.audience,
                    "skills": [
                        {"id": skill.id, "name": skill.name, "scope": agent.scope_of(skill.id)}
                        for skill in agent.card.skills
                    ],
                }
                for agent in self.agents.values()
            ],
            "servers": [
                {
                    "name": server.name,
                    "title": server.title,
                    "url": self.address(server),
                    "audience": server.audience,
                    "tools": [{"name": tool.name, "scope": tool.scope} for tool in server.tools],
                }
                for server in self.servers.values()
            ],
        }


def _by_name(pairs: list[tuple[str, T]]) -> Mapping[str, T]:
    named = dict(pairs)
    if len(named) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"named twice: {sorted({name for name in names if names.count(name) > 1})}")
    return MappingProxyType(named)


def _check_path(name: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"{name!r} is not fit for a path")
