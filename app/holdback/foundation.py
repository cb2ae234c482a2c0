"""What every process of a house stands on: the home, its keys, whom they are believed for, and the audit log."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from holdback_base.ids import Clock, NewId, id_maker, system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog, ChainTaken
from holdback_trust.enforcing import Enforcement
from holdback_trust.guardian import LateGuardian
from holdback_trust.identity import AGENTS, GATEWAY, SERVERS
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.standing import Standing
from holdback_trust.tasks import Things

from holdback.holding import make_home
from holdback.policies import open_policies

if TYPE_CHECKING:
    from holdback_trust.guardian import Guardian, Incident

PARTIES = (GATEWAY, *SERVERS, *AGENTS)
"""Everybody who signs something in a house, but for its people."""
INCIDENTS = Path("trust") / "incidents.jsonl"
"""Where, in a home, the guardian keeps its evidence."""


@dataclass(frozen=True)
class Foundation:
    """The ground of one process. `ring` believes each party of this home for what it signs."""

    settings: Settings
    clock: Clock
    new_id: NewId
    ring: KeyRing
    audit: AuditLog
    enforcement: Enforcement

    def keys(self, party: str) -> KeyPair:
        """A party's own keys, made at first use, readable by their owner only."""
        return party_keys(self.settings.home, party)


def check_house(home: Path) -> None:
    """Before a command looks into a home: none is made by looking, so that a slip in its name is told.

    Raises:
        Problem: FILE_MISSING where no house has ever been.
    """
    if not (home / "keys").is_dir():
        raise Problem(
            "FILE_MISSING", f"There is no house in {home}.", "Name with --home the home that `holdback up` says."
        )


@contextmanager
def trying_out(settings: Settings) -> Generator[Settings]:
    """For what is only tried and leaves nothing behind: the settings, with an empty home that is thrown away where
    they name one that is not there yet."""
    if (settings.home / "keys").is_dir():
        yield settings
        return
    with TemporaryDirectory(prefix="holdback-") as empty:
        yield settings.model_copy(update={"home": Path(empty)})


def house_ring(home: Path) -> KeyRing:
    """The ring of a home: each party is believed for what its own key here signed."""
    return KeyRing({party: [party_keys(home, party).public_jwk] for party in PARTIES})


def party_keys(home: Path, party: str) -> KeyPair:
    """The keys of `gateway`, `mcp:rights`, `agent:compliance`, `person:sam` ... in this home."""
    return KeyPair.load_or_create(home / "keys" / f"{party.replace(':', '-')}.pem")


def lay_foundation(settings: Settings, process: str, clock: Clock = system_clock, *, hasty: bool = False) -> Foundation:
    """Open a home for one process. `process` names its audit chain; a second of the same name gets a number.

    `hasty` is for a process that somebody waits for and that hardly ever meets an agent: its guardian is made late.

    Raises:
        Problem: when the home cannot be used, naming the path and the cure.
    """
    make_home(settings.home)
    ring = house_ring(settings.home)
    party = process if process in PARTIES else GATEWAY
    signer = party_keys(settings.home, party)
    audit = _own_chain(settings, signer, clock, process.replace(":", "-"))
    new_id = id_maker(clock)
    standing = Standing.of_home(settings.home, party, signer, ring, clock)

    def guardian() -> "Guardian":
        return _guardian(settings, party, signer, standing, audit)

    enforcement = Enforcement(
        standing,
        policies=open_policies(settings.home),
        things=Things(settings.home / "trust" / "tasks", clock),
        guard=LateGuardian(standing, guardian) if hasty else guardian(),
        clock=clock,
    )
    return Foundation(settings=settings, clock=clock, new_id=new_id, ring=ring, audit=audit, enforcement=enforcement)


def _guardian(settings: Settings, party: str, signer: KeyPair, standing: Standing, audit: AuditLog) -> "Guardian":
    from holdback_trust.guardian import Guardian, IncidentBook, house_limits

    def record(incident: "Incident") -> None:
        audit.append(
            actor="guardian",
            on_behalf_of=incident.person,
            chain=incident.chain,
            action=f"guardian.{incident.verdict}",
            resource=f"{incident.agent} {incident.id}",
            decision="recorded",
            policy=f"guardian:{incident.signal}",
            task=incident.task,
        )

    book = IncidentBook(settings.home / INCIDENTS, party, signer)
    clock = standing.clock
    limits, hosts = house_limits(settings.guardian), settings.egress.hosts
    return Guardian(standing, book, clock=clock, new_id=id_maker(clock), hosts=hosts, limits=limits, tell=record)


def _own_chain(settings: Settings, keys: KeyPair, clock: Clock, name: str) -> AuditLog:
    for number in range(1, 100):
        own = name if number == 1 else f"{name}-{number}"
        try:
            return AuditLog(settings.home / "audit", keys, clock, name=own, anchors=settings.anchors)
        except ChainTaken:
            continue
    raise Problem("CONFLICT", f"A hundred processes write audit chains named {name}.", "Stop some of them.")
