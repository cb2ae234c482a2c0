"""Which agents stand in a house: its own at its first start, and later those that a person lets in."""

from collections.abc import Sequence

from holdback_agents.gateway.admissions import Admissions, house_admission
from holdback_agents.gateway.registry import AgentEntry
from holdback_base.database import Database
from holdback_servers.settings import Settings
from holdback_trust.admission import Admission
from holdback_trust.identity import HOUSE_LEVEL

from holdback.foundation import Foundation


def open_admissions(store: Database, foundation: Foundation) -> Admissions:
    """The admissions of a house over the gateway's store; its settings say the levels."""
    return Admissions(store, foundation.clock, said_levels(foundation.settings))


def said_levels(settings: Settings) -> dict[str, int]:
    """The security levels that the settings say, by agent id."""
    return {f"agent:{name}": each.level for name, each in settings.agents.items()}


def settle(admissions: Admissions, agents: Sequence[AgentEntry], foundation: Foundation) -> dict[str, list[str]]:
    """Let the house's own agents in where none of them was yet: whoever starts a new home does that by starting it.

    Once one of them is, nothing is let in by itself. Answers those that are not let in as they are now, by name, with
    what has changed.
    """
    if all(each.is_vendor for each in admissions.all()):
        for entry in agents:
            let_in(admissions, admission_of(entry, foundation.settings, foundation), foundation)
    return admissions.changed(agents)


def admission_of(entry: AgentEntry, settings: Settings, foundation: Foundation) -> Admission:
    """One of the house's own agents as it is now, let in by the person at this machine."""
    said = settings.agents.get(entry.name)
    level, owner = (said.level, said.owner) if said else (HOUSE_LEVEL, "")
    return house_admission(entry, by=settings.person, now=foundation.clock(), owner=owner, level=level)


def let_in(admissions: Admissions, admission: Admission, foundation: Foundation) -> None:
    """Let an agent in, and write it into the record."""
    admissions.admit(admission)
    foundation.audit.append(
        actor=admission.by,
        on_behalf_of=admission.by,
        action="agent.admit",
        resource=f"{admission.agent} {admission.identity.sha256}",
        decision="allowed",
        policy="person-at-this-machine",
    )
