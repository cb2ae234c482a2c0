"""Whom the house has let in, as the gateway asks it: at each token that an agent wants, and when it starts."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from holdback_base.database import Database
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_trust.admission import Admission, AgentIdentity, differences, not_admitted
from holdback_trust.assertions import Proof
from holdback_trust.egress import Egress
from holdback_trust.identity import HOUSE_LEVEL
from holdback_trust.keys import thumbprint

from holdback_agents.gateway.admission_store import (
    Stored,
    admission_stamp,
    drop_admission,
    put_admission,
    read_admissions,
    stored_admissions,
)
from holdback_agents.gateway.registry import AgentEntry, Upstream
from holdback_agents.runtime.card_signing import verified_card

_log = logging.getLogger(__name__)
_BELIEVED = timedelta(seconds=1)
"""How long what stands in the store is believed unasked; a dismissal counts at once, through the standing book."""


class Admissions:
    """The agents that were let in. Whoever is not among them gets no token.

    Args:
        database: the gateway's store.
        clock: the present instant.
        levels: security levels by agent id where the house's settings say one.
    """

    def __init__(self, database: Database, clock: Clock, levels: Mapping[str, int] | None = None) -> None:
        self._database, self._clock = database, clock
        self._levels = dict(levels or {})
        self._read: datetime | None = None
        self._kept: tuple[Stored, Mapping[str, Admission]] = (), {}
        self._same: dict[str, tuple[AgentIdentity, str, object]] = {}

    def all(self) -> tuple[Admission, ...]:
        """Everybody who is let in, in order of the ids."""
        return tuple(self._look(afresh=True).values())

    async def stamp(self) -> tuple[tuple[str, str], ...]:
        """Tells one state of what stands in the store from another, whichever process wrote it."""
        return await self._database.read(admission_stamp)

    def find(self, agent: str) -> Admission | None:
        """As what an agent was let in."""
        return self._look().get(agent)

    def require(self, proof: Proof) -> Admission:
        """As what the agent that proved itself was let in.

        Raises Problem AGENT_NOT_ADMITTED with what has changed since, for one that nobody let in as it is now.
        """
        admission = self.find(proof.subject)
        if admission is not None and not self._changes(admission, proof):
            return admission
        admission = self._look(afresh=True).get(proof.subject)
        changes = [] if admission is None else self._changes(admission, proof)
        if admission is None or changes:
            raise not_admitted(proof.subject, changes)
        return admission

    def admit(self, admission: Admission) -> None:
        """Let an agent in, or write down anew as what; on disk when this returns."""
        self._database.submit(lambda c: put_admission(c, admission)).result()
        self._read = None

    def dismiss(self, agent: str) -> bool:
        """Let an agent in no more; whether it had been. On disk when this returns."""
        dropped = self._database.submit(lambda c: drop_admission(c, agent)).result()
        self._read = None
        return dropped

    def level(self, agent: str) -> int:
        """Its security level: what the settings say, else what it was admitted with."""
        admission = self.find(agent)
        return self._levels.get(agent, HOUSE_LEVEL if admission is None else admission.level)

    def changed(self, entries: Iterable[AgentEntry]) -> dict[str, list[str]]:
        """Those of these agents that are not let in as they are now, by name, with what has changed."""
        kept, found = self._look(afresh=True), dict[str, list[str]]()
        for entry in entries:
            admission = kept.get(entry.audience)
            changes = ["nobody let it in"] if admission is None else differences(admission.identity, identity(entry))
            if changes:
                found[entry.name] = changes
        return found

    def vendors(self, house: Sequence[AgentEntry], egress: Egress) -> list[AgentEntry]:
        """The agents from outside, as the registry knows them. One whose card no longer verifies, or whose skill an
        agent of the house offers by now, stays outside, and the log says so."""
        taken = {skill.id for entry in house for skill in entry.card.skills} | {entry.name for entry in house}
        entries: list[AgentEntry] = []
        for each in self.all():
            if not each.is_vendor:
                continue
            try:
                entry = _vendor_entry(each, egress)
            except Problem as problem:
                _log.warning("%s stays outside: %s", each.agent, problem.message)
                continue
            claimed = {skill.id for skill in entry.card.skills} | {entry.name}
            if claimed & taken:
                _log.warning("%s stays outside: %s is taken", each.agent, ", ".join(sorted(claimed & taken)))
                continue
            taken |= claimed
            entries.append(entry)
        return entries

    def _changes(self, admission: Admission, proof: Proof) -> list[str]:
        """What an agent shows that was not admitted; that the same once more is the same needs no look."""
        both = (admission.identity, proof.key, proof.identity)
        if self._same.get(admission.agent) == both:
            return []
        changes = differences(admission.identity, AgentIdentity.of_shown(proof.key, proof.identity))
        if not changes:
            self._same[admission.agent] = both
        return changes

    def _look(self, *, afresh: bool = False) -> Mapping[str, Admission]:
        now = self._clock()
        if afresh or self._read is None or not timedelta() <= now - self._read < _BELIEVED:
            stored = self._database.read_now(stored_admissions)
            if stored != self._kept[0]:
                self._kept = stored, read_admissions(stored)  # in one: others look at the same time
            self._read = now
        return self._kept[1]


def identity(entry: AgentEntry) -> AgentIdentity:
    """What an agent of the registry is; without configurations where its entry does not say."""
    return entry.identity or AgentIdentity(key=thumbprint(entry.key), software=entry.card.version)


def house_admission(
    entry: AgentEntry, *, by: str, now: datetime, owner: str = "", level: int = HOUSE_LEVEL
) -> Admission:
    """One of the house's own agents, to be let in as it is now."""
    return Admission.model_validate(
        {
            "agent": entry.audience,
            "identity": identity(entry),
            "jwk": dict(entry.key),
            "owner": owner,
            "level": level,
            "by": by,
            "at": now,
        }
    )


def _vendor_entry(admission: Admission, egress: Egress) -> AgentEntry:
    card = verified_card(admission.card, admission.jwk)
    guard = egress.also(admission.url)
    refusal = guard.refusal(admission.url)
    if refusal is not None:
        raise refusal
    return AgentEntry(
        admission.name, card, Upstream(admission.url, guard), admission.jwk, admission.identity, admission
    )
