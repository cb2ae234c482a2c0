"""What the entries of a standing book add up to, and who may make which entry. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field

from holdback_trust.identity import AGENTS, GATEWAY, SERVERS

Kind = Literal["suspend", "restore", "kill", "resume", "end", "revoke", "quarantine", "release", "narrow", "permit"]
EVERYBODY = "all"
"""The name in a `kill` or `resume`."""
LOOSENING = frozenset({"restore", "resume", "release", "permit"})
"""What gives something back: only a person does that, and only the gateway writes it."""


class Entry(Noun):
    """One change. `name` is an agent, a task, a token id, a thing or an incident; `by` who did it:
    a person, or `guardian`.

    From `until` on it means nothing any more; absent, it holds until it is taken back. `incident` is the id of the
    guardian's evidence, empty when a person did it without any.
    """

    kind: Kind
    name: str = Field(min_length=1, max_length=300)
    at: Instant
    by: str = Field(max_length=100)
    until: Instant | None = None
    why: str = Field(default="", max_length=500)
    incident: str = Field(default="", max_length=60)


_TIGHTENING = frozenset({"suspend", "kill", "end", "revoke", "quarantine", "narrow"})
WRITERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        GATEWAY: _TIGHTENING | LOOSENING,
        **dict.fromkeys(SERVERS, _TIGHTENING),
        **dict.fromkeys(AGENTS, frozenset({"end", "revoke"})),
    }
)
"""Which entries a party's signature is good for. An agent may end and revoke; it can neither stop nor free another."""


def may_write(party: str, entry: Entry) -> bool:
    """Whether this party may make this entry; what gives something back needs a person's name as well."""
    return entry.kind in WRITERS.get(party, frozenset()) and (
        entry.kind not in LOOSENING or entry.by.startswith("person:")
    )


@dataclass
class State:
    """How everybody stands, entry by entry."""

    suspended: dict[str, Entry] = field(default_factory=dict[str, Entry])
    ended: dict[str, Entry] = field(default_factory=dict[str, Entry])
    revoked: dict[str, Entry] = field(default_factory=dict[str, Entry])
    quarantined: dict[str, Entry] = field(default_factory=dict[str, Entry])
    narrowed: dict[str, Entry] = field(default_factory=dict[str, Entry])
    permitted: dict[str, Entry] = field(default_factory=dict[str, Entry])
    killed: Entry | None = None

    def take(self, entry: Entry) -> None:
        """Let one more entry count. What is stopped already keeps its first reason."""
        match entry.kind:
            case "suspend":
                self.suspended.setdefault(entry.name, entry)
            case "restore":
                self.suspended.pop(entry.name, None)
            case "kill":
                self.killed = self.killed or entry
            case "resume":
                self.killed = None
            case "end":
                self.ended[entry.name] = entry
            case "revoke":
                self.revoked[entry.name] = entry
            case "quarantine":
                self.quarantined.setdefault(entry.name, entry)
            case "release":
                self.quarantined.pop(entry.name, None)
            case "narrow":
                self.narrowed[entry.name] = entry
            case "permit":
                self.permitted[entry.name] = entry

    def entries(self) -> Iterable[Entry]:
        """All that count, in no order."""
        if self.killed is not None:
            yield self.killed
        for group in self._groups():
            yield from group.values()

    def _groups(self) -> tuple[dict[str, Entry], ...]:
        return (self.suspended, self.ended, self.revoked, self.quarantined, self.narrowed, self.permitted)

    def drop_lapsed(self, now: datetime) -> None:
        """Forget what means nothing any more."""
        for group in self._groups():
            for name in [name for name, entry in group.items() if entry.until is not None and entry.until <= now]:
                del group[name]
