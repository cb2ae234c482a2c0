"""The guardian's places at the gateway: `GET /guardian`, and what people with the role security may do about it.

Everybody who holds `guardian:act` may stop an agent or all; to give back what was taken takes the same person's second
factor where there is one.
"""

from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.grants import GUARD
from holdback_trust.guardian import Guardian, Incident
from holdback_trust.identity import Caller
from holdback_trust.policy import Action
from holdback_trust.standing import Entry, StandingBroken
from pydantic import Field, ValidationError
from starlette.types import Receive, Scope

from holdback_agents.gateway.edge import read_body, read_json
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.risk import SECOND_FACTORS
from holdback_agents.gateway.services import GatewayServices, Ledger

PLACE = "/guardian"
GIVING_BACK = frozenset({"restore", "resume", "release", "permit"})
ORDERS = frozenset({"suspend", "kill", *GIVING_BACK})
MOST_SHOWN = 100
_FORM_LIMIT = 65_536


class Order(Noun):
    """What a person asks for: an `agent`, `names` of things or an `incident`, as the order takes it, and why."""

    agent: str = Field(default="", max_length=70)
    names: tuple[str, ...] = Field(default=(), max_length=1000)
    incident: str = Field(default="", max_length=60)
    why: str = Field(default="", max_length=400)


class GuardianDoor:
    """Answers requests about the guardian."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger) -> None:
        self._services, self._registry, self._ledger = services, registry, ledger
        self._standing = services.enforcement.standing

    async def answer(self, caller: Caller, scope: Scope, receive: Receive) -> dict[str, Any]:
        """The answer to one request. Raises Problem, NOT_FOUND for a place or method that is none."""
        what, _, below = scope["path"].removeprefix(PLACE).removeprefix("/").partition("/")
        match scope["method"], what, below:
            case "GET", "", "":
                return self._shown(caller)
            case "GET", "incidents", _ if below:
                return self._evidence(caller, below)
            case "POST", _, "" if what in ORDERS:
                return self._obey(caller, what, await read_body(scope, receive, _FORM_LIMIT))
            case _:
                raise Problem("NOT_FOUND", "There is nothing at this path for this method.", "See docs/guardian.md.")

    def _require(self, caller: Caller, name: str, resource: str = "", *, write: bool = False) -> None:
        kind = "write" if write else "read"
        self._ledger.require(caller, Action(name=f"guardian.{name}", scope=GUARD, resource=resource[:200], kind=kind))

    def _shown(self, caller: Caller) -> dict[str, Any]:
        self._require(caller, "list")
        incidents, unreadable = self._incidents()
        trouble, entries = "", ()
        try:
            entries = self._standing.entries()
        except StandingBroken as broken:
            trouble = broken.line()
        guard = self._services.enforcement.guard
        return {
            "standing": [_entry(each) for each in entries if each.kind not in ("end", "revoke")],
            "incidents": [_brief(each) for each in incidents[: -MOST_SHOWN - 1 : -1]],
            "unreadable": unreadable,
            "trouble": trouble,
            "highest": dict(guard.highest) if isinstance(guard, Guardian) else {},
        }

    def _evidence(self, caller: Caller, identity: str) -> dict[str, Any]:
        self._require(caller, "show", identity)
        return self._incident(identity).model_dump(mode="json")

    def _obey(self, caller: Caller, order: str, body: bytes) -> dict[str, Any]:
        self._require(caller, order, write=True)
        try:
            given = Order.model_validate(read_json(body) if body else {})
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "body"
            raise Problem(
                "INVALID_ARGUMENT",
                f"guardian {order}: {where} is not as it should be.",
                "Send agent, names, incident and why.",
            ) from None
        if order in GIVING_BACK:
            self._require_factor(caller, order)
        match order:
            case "suspend":
                return self._suspend(caller, self._agent(given.agent), given.why)
            case "restore":
                return self._restore(caller, given)
            case "kill":
                self._standing.kill(by=caller.person, why=given.why)
            case "resume":
                self._standing.resume(by=caller.person, why=given.why)
            case "release":
                return self._release(caller, given)
            case _:
                return self._permit(caller, given)
        return {"all": order, "by": caller.person}

    def _suspend(self, caller: Caller, agent: str, why: str) -> dict[str, Any]:
        guard = self._services.enforcement.guard
        if not isinstance(guard, Guardian):
            self._standing.suspend(agent, by=caller.person, why=why)
            return {"agent": agent, "suspended": True}
        incident = guard.stop(agent, by=caller.person, why=why)
        return {"agent": agent, "suspended": True, "incident": incident.id, "held_back": list(incident.made)}

    def _restore(self, caller: Caller, given: Order) -> dict[str, Any]:
        named = given.agent or (self._incident(given.incident).agent if given.incident else "")
        agent = self._agent(named)
        lifted = self._standing.restore(agent, by=caller.person, which=given.incident, why=given.why)
        left = self._standing.suspended(agent)
        guard = self._services.enforcement.guard
        if left is None and isinstance(guard, Guardian):
            guard.forget(agent)
        return {"agent": agent, "suspended": left is not None, "lifted": _entry(lifted)}

    def _release(self, caller: Caller, given: Order) -> dict[str, Any]:
        names = given.names or self._standing.held_by(self._incident(given.incident).id)
        if not names:
            raise Problem("NOT_FOUND", f"Nothing is held back by {given.incident}.", "See holdback guardian list.")
        left = self._standing.release(names, by=caller.person, which=given.incident, why=given.why)
        held = {each.name for each in left}
        return {"released": sorted(set(names) - held), "held_back": [_entry(each) for each in left]}

    def _permit(self, caller: Caller, given: Order) -> dict[str, Any]:
        incident = self._incident(given.incident)
        if incident.verdict != "ask":
            raise Problem("CONFLICT", f"{incident.id} waits for nobody.", "Restore the agent, or begin a new task.")
        if incident.person == caller.person:
            raise Problem(
                "SEPARATION_OF_DUTIES",
                f"{incident.id} is about work for {caller.person}, who may not permit it.",
                "Let another person with the role security decide.",
            )
        self._standing.permit(incident.id, by=caller.person, why=given.why)
        return {"permitted": incident.id}

    def _require_factor(self, caller: Caller, order: str) -> None:
        credentials = self._services.credentials
        if credentials is None or not credentials.has_factor(caller.person) or SECOND_FACTORS & caller.factors:
            return
        self._ledger.record(caller, f"guardian.{order}", "", False, policy="second-factor")
        raise Problem(
            "SECOND_FACTOR_NEEDED",
            f"To {order} takes the second factor of {caller.person}.",
            "Sign in with your one-time code as well, and try again with the new token.",
            policy="second-factor",
        )

    def _agent(self, given: str) -> str:
        agent = given if given.startswith("agent:") else f"agent:{given}"
        if agent.removeprefix("agent:") not in self._registry.agents:
            known = ", ".join(sorted(self._registry.agents))
            raise Problem("NOT_FOUND", f"There is no agent {given or '(none is named)'}.", f"Name one of {known}.")
        return agent

    def _incidents(self) -> tuple[list[Incident], int]:
        guard = self._services.enforcement.guard
        return guard.incidents.read(self._services.ring) if isinstance(guard, Guardian) else ([], 0)

    def _incident(self, identity: str) -> Incident:
        found = next((each for each in self._incidents()[0] if each.id == identity), None)
        if found is None:
            raise Problem(
                "NOT_FOUND", f"There is no incident {identity or '(none is named)'}.", "See holdback guardian list."
            )
        return found


def _entry(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_none=True)


def _brief(incident: Incident) -> dict[str, Any]:
    return incident.model_dump(mode="json", exclude={"calls", "texts", "made", "chain"})
