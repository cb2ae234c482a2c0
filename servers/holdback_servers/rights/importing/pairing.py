"""Which line of a sheet is which right on record, where the sheet does not name it.

Such a right is keyed by what it is about and a count, and the count changes when lines are sorted or deleted. Runs that
are used hang on the right on record, so each line first finds its own: the one that says the same, then the one of the
same scope, then by their order. Plain reading.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import Connection

from holdback_servers.rights.importing.preparing import Prepared
from holdback_servers.rights.importing.resolving import resolved
from holdback_servers.rights.model import RightTerms, terms_of
from holdback_servers.rights.rows import read_right
from holdback_servers.rights.writing import known_by, known_under

_OF: Final = "sheet:of/"
"""Begins the keys of rights in contracts that the sheet knows by another name than its own."""


class _Line(NamedTuple):
    """A right of the file under the key that the file counted for it."""

    key: str
    hash: str


class _Known(NamedTuple):
    """A right on record."""

    key: str
    hash: str
    withdrawn: bool


@dataclass
class _Group:
    """Rights of one contract, kind, element and reference: as the file has them and as they are on record."""

    lines: list[_Line] = field(default_factory=list[_Line])
    known: list[_Known] = field(default_factory=list[_Known])
    found: dict[str, str] = field(default_factory=dict[str, str])

    def open_lines(self) -> list[_Line]:
        """Lines that have not found their right."""
        return [each for each in self.lines if each.key not in self.found]

    def standing(self) -> list[_Known]:
        """Rights that stand and that no line has found."""
        taken = set(self.found.values())
        return [each for each in self.known if not each.withdrawn and each.key not in taken]

    def match(self, known: Iterable[_Known], name_of: "Callable[[_Line | _Known], Hashable]") -> None:
        """Pair lines and rights of the same name, in their order."""
        free: defaultdict[Hashable, list[str]] = defaultdict(list)
        for each in known:
            free[name_of(each)].append(each.key)
        for line in self.open_lines():
            if keys := free.get(name_of(line)):
                self.found[line.key] = keys.pop(0)


def paired(c: Connection, prepared: Prepared) -> dict[str, str]:
    """The key on record, or a free one, for each right whose key the file only counted; those that keep theirs are left
    out."""
    groups, named = _groups(c, prepared)
    if not groups:
        return {}
    _find_known(c, groups, named)
    for group in groups.values():
        group.match((each for each in group.known if not each.withdrawn), _hash)
        group.match((each for each in group.known if each.withdrawn), _hash)
    _compare_terms(c, prepared, groups)
    found: dict[str, str] = {}
    for base, group in groups.items():
        group.match(group.standing(), lambda each: None)
        found |= {key: own for key, own in (*group.found.items(), *_new(base, group, named)) if key != own}
    return found


def _groups(c: Connection, prepared: Prepared) -> tuple[dict[str, _Group], set[str]]:
    """The counted rights of the file by what they are about, and the keys that it says itself."""
    counted, named = set(prepared.head.counted), set[str]()
    groups: dict[str, _Group] = {}
    for each in resolved(c, prepared) if counted else ():
        key = str(each.row.external_key)
        if key in counted:
            groups.setdefault(_base(key), _Group()).lines.append(_Line(key, each.row.hash))
        else:
            named.add(key)
    return groups, named


def _find_known(c: Connection, groups: dict[str, _Group], named: set[str]) -> None:
    for prefix in sorted({_contract_of(base) for base in groups}):
        for known in known_under(c, prefix):
            key = str(known.row.external_key)
            group = groups.get(_base(key))
            if group is not None and key not in named and _count(key):
                group.known.append(_Known(key, known.row.hash, known.withdrawn))
    for group in groups.values():
        group.known.sort(key=lambda each: _count(each.key))


def _compare_terms(c: Connection, prepared: Prepared, groups: dict[str, _Group]) -> None:
    """Pair what says the same but for what is worked out (the zone of the contract may be another), then what has the
    same scope. Only where there is a choice."""
    open_ones = [each for each in groups.values() if max(len(each.open_lines()), len(each.standing())) > 1]
    open_ones = [each for each in open_ones if each.open_lines() and each.standing()]
    lines = {line.key for group in open_ones for line in group.open_lines()}
    keys = [each.key for group in open_ones for each in group.standing()]
    bodies = (
        {str(row.external_key): row.body for *_, row in resolved(c, prepared) if row.external_key in lines}
        if lines
        else {}
    )
    given = {key: _terms(body) for key, body in bodies.items()}
    known = {str(each.row.external_key): _terms(each.row.body) for each in known_by(c, "external_key", keys)}

    def terms(each: _Line | _Known) -> RightTerms:
        return known[each.key] if isinstance(each, _Known) else given[each.key]

    for group in open_ones:
        group.match(group.standing(), lambda each: terms(each).model_dump_json())
        group.match(group.standing(), lambda each: _scope(terms(each)))


def _new(base: str, group: _Group, named: set[str]) -> Iterator[tuple[str, str]]:
    """Free keys for lines that are new: a right that was withdrawn keeps its own, and its runs."""
    taken = named | {each.key for each in group.known}
    count = 0
    for line in group.open_lines():
        count += 1
        while f"{base}/{count}" in taken:
            count += 1
        yield line.key, f"{base}/{count}"


def _hash(each: _Line | _Known) -> str:
    return each.hash


def _terms(body: str) -> RightTerms:
    return terms_of(read_right("", "", None, body))


def _scope(terms: RightTerms) -> Hashable:
    """Where, on which platforms, from when."""
    begins = (terms.first_day, terms.start, terms.start_event)
    return terms.territories, terms.excluded_territories, terms.media, begins


def _base(key: str) -> str:
    return key.rpartition("/")[0]


def _count(key: str) -> int:
    """The number that ends a counted key; 0 for another key."""
    end = key.rpartition("/")[2]
    return int(end) if end.isdecimal() and end.isascii() else 0


def _contract_of(base: str) -> str:
    """What the keys of all counted rights of the contract begin with."""
    if base.startswith(_OF):
        return "/".join(base.split("/")[:2]) + "/"
    return base.split("/")[0] + "/"
