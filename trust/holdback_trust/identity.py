"""Who calls: a person, and the agents that act for that person. Pure."""

from typing import Annotated

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field, StringConstraints

PersonId = Annotated[str, StringConstraints(pattern=r"^person:[a-z0-9][a-z0-9._-]{0,63}$")]
"""A person, such as `person:sam`."""
AgentId = Annotated[str, StringConstraints(pattern=r"^agent:[a-z0-9][a-z0-9-]{0,63}$")]
"""An agent, such as `agent:editing-assistant`."""

StoryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
"""A story that not everybody may know of, such as `court-ruling`."""

GATEWAY = "gateway"
"""Issuer of tokens and approvals, and the audience of its own doors."""
SERVERS = ("mcp:assets", "mcp:editing", "mcp:rights", "mcp:schedule")
AGENTS = ("agent:editing-assistant", "agent:compliance", "agent:scheduler")
AUDIENCES = frozenset((*SERVERS, *AGENTS, GATEWAY))
"""Every party a token can be meant for."""
LONGEST_CHAIN = 4
"""How many agents may stand between a person and an effect."""


LEVELS = (100, 200, 300)
"""Security levels of an agent, the lowest first, in the words of MovieLabs' CSAP."""
HOUSE_LEVEL = LEVELS[1]
"""Of the house's own agents, unless its settings say otherwise."""


class TaskClaim(Noun):
    """For which task an agent acts, as the gateway says it.

    `id` is the task at the acting agent, `root` the one that a person began, `skill` what it was asked for. `tools` are
    the only capabilities (`rights.decide_clearance`) and skills (`clear-rights`) that its policy covers; `policy` is
    the sha256 of that policy's text. `expires` is when the task's window ends, renewed or not.
    """

    id: str = Field(min_length=1, max_length=200)
    root: str = Field(min_length=1, max_length=200)
    skill: str = Field(max_length=100)
    tools: frozenset[str] = frozenset()
    policy: str = ""
    expires: Instant


class Caller(Noun):
    """Somebody whose token has been verified.

    `person` is on whose behalf all of it happens. `agent` is who acts now, absent when the person acts directly.
    `chain` is every actor, the current one first; only the first may decide anything, the rest is history to log
    (RFC 8693 section 4.1). `expires` is the first instant at which this no longer holds.

    `stories` are the closed stories that both person and acting agent may know. `factors` are how the person proved
    who they are (RFC 8176: `swk`, `otp`, `mfa` ...). `level` is the acting agent's security level, 300 for a person who
    acts directly. `task` is absent when a person acts directly. `network` is the address that the request came from,
    where a policy of the house looks at it (`Enforcement.placed`); no token says it.
    """

    person: PersonId
    agent: AgentId | None = None
    chain: tuple[AgentId, ...] = Field(default=(), max_length=LONGEST_CHAIN)
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    audience: str
    token_id: str
    stories: frozenset[StoryName] = frozenset()
    factors: frozenset[str] = frozenset()
    level: int = Field(default=LEVELS[-1], ge=0, le=LEVELS[-1])
    task: TaskClaim | None = None
    network: str = ""
    expires: Instant

    def text(self) -> str:
        """For people: `agent:compliance < agent:editing-assistant for person:sam`."""
        return f"{' < '.join(self.chain)} for {self.person}" if self.chain else self.person
