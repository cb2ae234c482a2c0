"""Who calls: a person, and the agents that act for that person. Pure."""

from typing import Annotated

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field, StringConstraints

PersonId = Annotated[str, StringConstraints(pattern=r"^person:[a-z0-9][a-z0-9._-]{0,63}$")]
"""A person, such as `person:sam`."""
AgentId = Annotated[str, StringConstraints(pattern=r"^agent:[a-z0-9][a-z0-9-]{0,63}$")]
"""An agent, such as `agent:editing-assistant`."""

GATEWAY = "gateway"
"""Issuer of tokens and approvals, and the audience of its own doors."""
SERVERS = ("mcp:assets", "mcp:editing", "mcp:rights", "mcp:schedule")
AGENTS = ("agent:editing-assistant", "agent:compliance", "agent:scheduler")
AUDIENCES = frozenset((*SERVERS, *AGENTS, GATEWAY))
"""Every party a token can be meant for."""
LONGEST_CHAIN = 4
"""How many agents may stand between a person and an effect."""


class Caller(Noun):
    """Somebody whose token has been verified.

    `person` is on whose behalf all of it happens. `agent` is who acts now, absent when the person acts directly.
    `chain` is every actor, the current one first; only the first may decide anything, the rest is history to log
    (RFC 8693 section 4.1). `expires` is the first instant at which this no longer holds.
    """

    person: PersonId
    agent: AgentId | None = None
    chain: tuple[AgentId, ...] = Field(default=(), max_length=LONGEST_CHAIN)
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    audience: str
    token_id: str
    expires: Instant

    def text(self) -> str:
        """For people: `agent:compliance < agent:editing-assistant for person:sam`."""
        return f"{' < '.join(self.chain)} for {self.person}" if self.chain else self.person
