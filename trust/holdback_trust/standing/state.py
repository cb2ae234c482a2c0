"""What the entries of a standing book add up to, and who may make which entry. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field

from holdback_trust.identity import AGENTS, GATEWAY, SERVERS

Kind = Literal[
    "suspend", "dismiss", "restore", "kill", "resume", "end", "revoke", "quarantine", "release", "narrow", "permit"
]
EVERYBODY = "all"
"""The name in a `kill` or `resume`."""
DISMISSED = "dismissed"
"""The mark of a dismissal."""
LOOSENING = frozenset({"restore", "resume", "release", "permit"})
"""What gives something back: only a person does that, and only the gateway writes it."""


class Entry(Noun):
    """One change. `name` is an agent, a task, a token id, a thing or an incident; `by` who did it:
    a person, or `guardian`.

    From `until` on it means nothing any more; absent, it holds until it is taken back. `incident` is the id of the
    guardian's evidence, empty when a person did it without any. A `restore` names in `lifts` the mark of the suspension
    that it takes back, a `release` that of the quarantine: others of the same name, also those that it did not know of,
    stand. A `release` of before that names none ends them all.
    """

    kind: Kind
    name: str = Field(min_length=1, max_length=300)
    at: Instant
    by: str = Field(max_length=100)
    until: Instant | None = None
    why: str = Field(default="", max_length=500)
    incident: str = Field(default="", max_length=60)
    lifts: str = Field(default="", max_length=100)

    @property
    def mark(self) -> str:
        """What a suspension or quarantine is told by among those of its agent or thing: its incident, or who made it
        where there is none."""
        return DISMISSED if self.kind == "dismiss" else self.incident or self.by


_TIGHTENING = frozenset({"suspend", "kill", "end", "revoke", "quarantine", "narrow"})
WRITERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        GATEWAY: _TIGHTENING | LOOSENING | {"dismiss"},
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
    """How everybody stands, entry by entry: `suspended` has all suspensions and the dismissal of an agent,
    `quarantined` all that hold a thing back."""

    suspended: dict[str, tuple[Entry, ...]] = field(default_factory=dict[str, tuple[Entry, ...]])
    ended: dict[str, Entry] = field(default_factory=dict[str, Entry])
    revoked: dict[str, Entry] = field(default_factory=dict[str, Entry])
    quarantined: dict[str, tuple[Entry, ...]] = field(default_factory=dict[str, tuple[Entry, ...]])
    narrowed: dict[str, Entry] = field(default_factory=dict[str, Entry])
    permitted: dict[str, Entry] = field(default_factory=dict[str, Entry])
    killed: Entry | None = None

    def take(self, entry: Entry) -> None:
        """Let one more entry count. What is stopped already keeps its first reason."""
        match entry.kind:
            case "suspend" | "dismiss":
                _put(self.suspended, entry)
            case "restore":
                _lift(self.suspended, entry)
            case "kill":
                self.killed = self.killed or entry
            case "resume":
                self.killed = None
            case "end":
                self.ended[entry.name] = entry
            case "revoke":
                self.revoked[entry.name] = entry
            case "quarantine":
                _put(self.quarantined, entry)
            case "release":
                if entry.lifts:
                    _lift(self.quarantined, entry)
                else:
                    self.quarantined.pop(entry.name, None)
            case "narrow":
                self.narrowed[entry.name] = entry
            case "permit":
                self.permitted[entry.name] = entry

    def entries(self) -> Iterable[Entry]:
        """All that count, in no order."""
        if self.killed is not None:
            yield self.killed
        for several in (*self.suspended.values(), *self.quarantined.values()):
            yield from several
        for group in self._groups():
            yield from group.values()

    def _groups(self) -> tuple[dict[str, Entry], ...]:
        return (self.ended, self.revoked, self.narrowed, self.permitted)

    def drop_lapsed(self, now: datetime) -> None:
        """Forget what means nothing any more."""
        for group in self._groups():
            for name in [name for name, entry in group.items() if entry.until is not None and entry.until <= now]:
                del group[name]


def _put(several: dict[str, tuple[Entry, ...]], entry: Entry) -> None:
    """One more that stops an agent or a thing, unless it is there already."""
    before = several.get(entry.name, ())
    if all(each.mark != entry.mark for each in before):
        several[entry.name] = (*before, entry)


def _lift(several: dict[str, tuple[Entry, ...]], entry: Entry) -> None:
    """Take back the one that this entry names."""
    left = tuple(each for each in several.get(entry.name, ()) if each.mark != entry.lifts)
    if left:  # others read meanwhile: at no instant may it look free
        several[entry.name] = left
    else:
        several.pop(entry.name, None)
