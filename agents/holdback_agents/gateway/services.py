"""What the gateway is given, and the ledger through which it records what it decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from holdback_base.database import Database
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_trust.admission import not_admitted
from holdback_trust.audit import AuditLog
from holdback_trust.edges import Rate
from holdback_trust.egress import Egress
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import Action
from holdback_trust.tokens import TokenAuthority

from holdback_agents.gateway.admissions import Admissions
from holdback_agents.gateway.authority.credentials import Credentials
from holdback_agents.gateway.authority.issuer import IssuerFacts
from holdback_agents.gateway.registry import AgentEntry, Entry, PersonEntry, ServerEntry
from holdback_agents.gateway.risk import Autonomy


@dataclass(frozen=True)
class GatewayServices:
    """What the gateway stands on.

    Args:
        url: its own address as clients see it, such as `http://127.0.0.1:8700`.
        database: its own store, made over `store.METADATA`.
        clock: the present instant.
        new_id: makes ids of approvals (`apr_`).
        keys: signs tokens, approvals and cards; `authority` must sign with the same.
        ring: the public keys of all parties of the house, the gateway's own among them.
        authority: issues and exchanges tokens; its issuer is `gateway`.
        audit: the chain of this process.
        agents: who offers skills; people's and agents' keys here are what they may sign assertions with.
        servers: who offers tools.
        people: who may ask for tokens.
        admissions: which of the agents are let in, and as what.
        enforcement: what allows, of this process.
        rate: how often one caller may ask; no limit without one.
        version: of the program, for the card.
        question_life: how long a question may wait for a decision.
        approval_life: how long an approval holds.
        autonomy: how far agents may go without a person.
        retry_seconds: the first pause after a delivery that failed; it doubles up to a minute.
        stories: who may know of each closed story, people and agents by their ids.
        story_now: the closed story that bytes belong to now, by their sha256, whatever was signed of them before.
        credentials: codes and second factors of the house's people; without them nobody signs in at a browser.
        issuer: whose word on people is taken instead.
        egress: where the gateway may send requests by itself; nowhere without it.
    """

    url: str
    database: Database
    clock: Clock
    new_id: NewId
    keys: KeyPair
    ring: KeyRing
    authority: TokenAuthority
    audit: AuditLog
    agents: Sequence[AgentEntry]
    servers: Sequence[ServerEntry]
    people: Sequence[PersonEntry]
    admissions: Admissions
    enforcement: Enforcement
    rate: Rate | None = None
    version: str = "0.1.0"
    question_life: timedelta = field(default=timedelta(hours=24))
    approval_life: timedelta = field(default=timedelta(hours=24))
    autonomy: Autonomy = field(default_factory=Autonomy)
    retry_seconds: float = 1.0
    stories: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    story_now: Callable[[str], str | None] = lambda _: None
    credentials: Credentials | None = None
    issuer: IssuerFacts | None = None
    egress: Egress | None = None

    def stories_of(self, who: str) -> frozenset[str]:
        """The closed stories that a person or an agent may know of."""
        return frozenset(name for name, those in self.stories.items() if who in those)

    def check_outside(self, entry: Entry) -> None:
        """Nobody's words go to an agent from outside that was stopped or sent away; the house's own hear of it.

        Raises Problem AGENT_SUSPENDED, AGENT_NOT_ADMITTED.
        """
        if not isinstance(entry, AgentEntry) or entry.admission is None:
            return
        stopped = self.enforcement.standing.stopped(entry.audience)
        if stopped is not None:
            raise stopped
        if self.admissions.find(entry.audience) is None:
            raise not_admitted(entry.audience, [])


class Ledger:
    """Records every decision of the gateway in the audit log."""

    def __init__(self, audit: AuditLog, enforcement: Enforcement) -> None:
        self._audit, self._enforcement = audit, enforcement

    def require(self, caller: Caller, action: Action, *, task: str = "") -> None:
        """Let policy decide, record it, and raise its Problem when it denies."""
        decision = self._enforcement.judge(caller, action, {})
        self.record(caller, action.name, action.resource, decision.allowed, policy=decision.policy, task=task)
        decision.require()

    def record(
        self, caller: Caller | None, action: str, resource: str, allowed: bool, *, policy: str = "", task: str = ""
    ) -> None:
        """One row; a caller that could not be told is recorded as `unknown`."""
        self._audit.append(
            actor=(caller.agent or caller.person) if caller else "unknown",
            on_behalf_of=caller.person if caller else "",
            chain=caller.chain if caller else (),
            action=action,
            resource=resource,
            decision="allowed" if allowed else "denied",
            policy=policy,
            task=task,
        )

    def delivery(self, approval: str, state: str, *, asker: str, task: str) -> None:
        """An attempt to deliver a decision, and where it ended."""
        self._audit.append(
            actor=GATEWAY,
            on_behalf_of=asker,
            action=f"approval.{state}",
            resource=approval,
            decision="recorded",
            policy="outbox",
            task=task,
        )

    def issued(self, actor: str, person: str, audience: str, scopes: str) -> None:
        """A token went out."""
        self._audit.append(
            actor=actor,
            on_behalf_of=person,
            action="token.issue",
            resource=f"{audience} {scopes}",
            policy="role-scopes",
        )

    def refused(self, actor: str, action: str, problem: Problem) -> None:
        """Something was refused to a party that has no token yet; `actor` is who it says it is, or `unknown`."""
        self._audit.append(actor=actor, action=action, decision="denied", policy=problem.code, resource=GATEWAY)
