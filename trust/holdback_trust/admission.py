"""Which agents a house lets in, as what, and for what. Pure.

The identity of an AI system is its software version, the set of its AI configurations, and its key (SMPTE ER 1011,
10.6.2): whoever changes a prompt, a model or a rule runs another agent, which must be admitted again.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from holdback_base.canonical import canonical_sha256
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field, StringConstraints, ValidationError

from holdback_trust.grants import AUDIENCE_SCOPES, DECLARE, HOLD, role_scopes
from holdback_trust.identity import AgentId

IDENTITY_EXTENSION = "urn:holdback:identity:1"
"""Under this URI an Agent Card declares its AI configurations: `params.configurations`, a list of `Configuration`."""

_Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
_ConfigurationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$")]
SkillId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
_CAPABILITY = re.compile(r"(assets|editing|rights|schedule)\.[a-z][a-z0-9_]{0,62}|[a-z0-9][a-z0-9-]{0,59}")

CLOSED_TO_VENDORS = frozenset(
    {"approval:decide", DECLARE, HOLD, "rights:write", "rights:clear", "schedule:commit", "guardian:act"}
)
"""What no agent from outside is given: to decide for people, to say what media is or who may use it, to go live."""


class Configuration(Noun):
    """What an agent decides with: a set of rules, or a model with its prompt and parameters, by its content's hash."""

    name: _ConfigurationName
    version: str = Field(min_length=1, max_length=60)
    sha256: _Digest

    @classmethod
    def of(cls, name: str, version: str, content: object) -> Self:
        """A configuration over JSON: prompt, model, parameters ..."""
        return cls(name=name, version=version, sha256=canonical_sha256(content))

    @property
    def text(self) -> str:
        """For records: `butterfly-prompt@3 sha256:1f0c...`, with twelve digits of the hash."""
        return f"{self.name}@{self.version} {self.sha256[:19]}"


class AgentIdentity(Noun):
    """What an agent is: `key` is the RFC 7638 thumbprint of its key, `software` its version."""

    key: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    software: str = Field(default="", max_length=100)
    configurations: tuple[Configuration, ...] = Field(default=(), max_length=64)

    @property
    def sha256(self) -> str:
        """Of all of it, whatever the order of its configurations."""
        configurations = sorted((each.name, each.version, each.sha256) for each in self.configurations)
        return canonical_sha256({"key": self.key, "software": self.software, "configurations": configurations})

    def shown(self) -> dict[str, Any]:
        """What its assertions carry as the claim `identity`; the key is the one that they are signed with."""
        return {
            "software": self.software,
            "configurations": [each.model_dump(mode="json") for each in self.configurations],
        }

    @classmethod
    def of_shown(cls, key: str, shown: object) -> Self:
        """From the claim, None where there is none. Raises Problem AGENT_NOT_ADMITTED for one that cannot be read."""
        try:
            return cls.model_validate({**({} if shown is None else _mapping(shown)), "key": key})
        except (ValidationError, TypeError):
            raise Problem(
                "AGENT_NOT_ADMITTED",
                "The identity that the agent shows cannot be read.",
                "Sign {software, configurations: [{name, version, sha256}]} into the assertion's claim identity.",
            ) from None


class Admission(Noun):
    """An agent that a person let in.

    `level` is its security level, `owner` who answers for it, `by` the person. A house's own agent has no more than
    that; what it may do stands in `grants`. One from outside answers at `url`; `card` is the one that was verified and
    lies at `source`; `grants` are the scopes it may be given at each audience, `plans` the capabilities and skills that
    each of its skills needs, `roles` whose people may start it.
    """

    agent: AgentId
    identity: AgentIdentity
    jwk: dict[str, str]
    owner: str = Field(default="", max_length=200)
    level: Literal[100, 200, 300] = 200
    by: str
    at: Instant
    url: str = Field(default="", max_length=2000)
    source: str = Field(default="", max_length=2000)
    card: dict[str, Any] = Field(default_factory=dict[str, Any])
    grants: dict[str, frozenset[str]] = Field(default_factory=dict[str, frozenset[str]])
    plans: dict[SkillId, frozenset[str]] = Field(default_factory=dict[SkillId, frozenset[str]])
    roles: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Without `agent:`."""
        return self.agent.removeprefix("agent:")

    @property
    def is_vendor(self) -> bool:
        """Whether it comes from outside the house."""
        return bool(self.url)

    def skill_scopes(self) -> frozenset[str]:
        """The scopes with which its skills are started."""
        return frozenset(f"{self.agent}:{skill}" for skill in self.plans)

    def person_scopes(self, roles: Iterable[str]) -> frozenset[str]:
        """What a token for it may hold of a person with these roles: to start its skills, and what it may be given of
        what the person holds. Empty for who may not start it."""
        named = frozenset(roles)
        if not named & self.roles:
            return frozenset()
        return self.skill_scopes() | (role_scopes(named) & frozenset[str]().union(*self.grants.values()))


def differences(admitted: AgentIdentity, shown: AgentIdentity) -> list[str]:
    """What is not as it was admitted, in words; nothing when it is the same agent."""
    found: list[str] = []
    if shown.key != admitted.key:
        found.append(f"its key is {shown.key}, and {admitted.key} was admitted")
    if shown.software != admitted.software:
        found.append(f"its software is {shown.software or 'unnamed'}, and {admitted.software or 'none'} was admitted")
    before = {each.name: each for each in admitted.configurations}
    now = {each.name: each for each in shown.configurations}
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            found.append(f"its configuration {name} is missing")
        elif name not in before:
            found.append(f"its configuration {name} is new")
        elif now[name] != before[name]:
            found.append(f"its configuration {name} is {now[name].text}, and {before[name].text} was admitted")
    if len(now) != len(shown.configurations):
        found.append("it names a configuration twice")
    return found


def not_admitted(agent: str, reasons: Collection[str]) -> Problem:
    """AGENT_NOT_ADMITTED: what changed, and the cure."""
    name = agent.removeprefix("agent:")
    why = "; ".join(reasons) if reasons else "nobody let it in"
    return Problem(
        "AGENT_NOT_ADMITTED",
        f"{agent} is not admitted: {why}.",
        f"Whoever answers for the house looks at it, and runs: holdback agents admit {name}",
        agent=agent,
        changes=list(reasons),
    )


def check_vendor(admission: Admission, skills: Collection[str], taken: Mapping[str, str]) -> None:
    """Whether an agent from outside may be let in like this.

    Args:
        admission: as it would be written down.
        skills: those that its card offers.
        taken: every skill that is offered already, and by which agent.

    Raises:
        Problem: PERMISSION_DENIED for a scope that no vendor is given; CONFLICT for a skill that another agent offers;
            INVALID_ARGUMENT for the rest.
    """
    agent = admission.agent
    if not skills or not set(skills) == set(admission.plans):
        raise _invalid(f"The card offers {_listed(skills)}, and plans are given for {_listed(admission.plans)}.")
    for skill in sorted(skills):
        if taken.get(skill, agent) != agent:
            raise Problem(
                "CONFLICT",
                f"{agent} claims the skill {skill}, which {taken[skill]} offers.",
                "Let its maker name the skill otherwise; two agents of one skill are not let in.",
            )
    for audience, scopes in admission.grants.items():
        closed = sorted(scopes & CLOSED_TO_VENDORS)
        if closed:
            raise Problem(
                "PERMISSION_DENIED",
                f"No agent from outside is given {', '.join(closed)}.",
                "Leave it out; what it is for is done by people and by the house's own agents.",
            )
        unknown = sorted(scopes - AUDIENCE_SCOPES.get(audience, frozenset()))
        if unknown or not scopes:
            raise _invalid(f"At {audience} there is no scope {_listed(unknown)}.")
    for skill, tools in admission.plans.items():
        strange = sorted(tool for tool in tools if not _CAPABILITY.fullmatch(tool))
        if strange:
            raise _invalid(f"The plan of {skill} names {_listed(strange)}, which is no tool and no skill.")


def _invalid(message: str) -> Problem:
    return Problem("INVALID_ARGUMENT", message, "holdback agents admit --help shows how each is written.")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _mapping(shown: object) -> Mapping[str, Any]:
    if not isinstance(shown, dict):
        raise TypeError
    return shown  # pyright: ignore[reportUnknownVariableType] - validated by whoever asked
