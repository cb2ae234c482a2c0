"""Rights and contracts as rows: what decides in short columns, the record itself as text. Pure.

A decision looks at many rights and tells of few, so a row becomes an `Entry` without reading its record. The facts of
a right are one text, read once for all rights that have the same: deals repeat their scope.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from holdback_base.elements import ElementKind
from holdback_base.vocabulary import is_group, membership_since

from holdback_servers.rights.book import NO_LIMITS, Area, Entry, Limits, OnRecord, area
from holdback_servers.rights.model import (
    Condition,
    Contract,
    ContractStatus,
    Purpose,
    Reruns,
    Right,
    RightKind,
    groups_day,
)
from holdback_servers.rights.windows import window

_EVER = "ever"
_IDS = {"id", "contract", "external_key"}


class RightRow(NamedTuple):
    """What is kept of a right, apart from its ids and its contract.

    `opens` and `closes` are microseconds (`windows.EVER`, `windows.OPEN` where absent); `facts` is what decides beside
    the window, `body` the record without ids, both compact JSON; `clause` is empty where there is none; `hash` is of
    the body, in hex.
    """

    external_key: str | None
    ref: str
    kind: RightKind
    opens: int
    closes: int
    facts: str
    clause: str
    hash: str
    body: str


class DecidingRow(NamedTuple):
    """What decides of a right on record: `status` is its contract's, the rest as in `RightRow`."""

    id: str
    contract: str
    kind: RightKind
    status: ContractStatus
    opens: int
    closes: int
    facts: str
    clause: str


class ContractRow(NamedTuple):
    """What is kept of a contract, apart from its id. `hash` is of the body, in hex."""

    external_key: str | None
    status: ContractStatus
    hash: str
    body: str


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What decides of a right beside its kind and window: shared by all rights of the same scope."""

    element_kinds: tuple[ElementKind, ...]
    media: tuple[str, ...]
    territories: tuple[str, ...]
    excluded: tuple[str, ...]
    area: Area
    exclusive: bool
    purposes: tuple[Purpose, ...]
    languages: tuple[str, ...]
    derivative_allowed: bool
    limits: Limits
    conditions: tuple[Condition, ...]
    unresolved: tuple[str, ...]


def row_of(right: Right) -> RightRow:
    """The row of a right."""
    opens, closes = window(right.start, right.end)
    body = right.model_dump_json(exclude=_IDS, exclude_defaults=True)
    facts = facts_text(right)
    return RightRow(right.external_key, right.ref, right.kind, opens, closes, facts, right.clause, _hash(body), body)


def contract_row(contract: Contract) -> ContractRow:
    """The row of a contract."""
    body = contract.model_dump_json(exclude=_IDS, exclude_defaults=True)
    return ContractRow(contract.external_key, contract.status, _hash(body), body)


def facts_text(right: Right) -> str:
    """The facts of a right as compact JSON: the same text for the same scope. The day of its groups is the one since
    when they have had the same members; it is `ever` where none is known, and left out where no group is named."""
    named = _groups_named(right.territories, right.excluded_territories)
    on = groups_day(right) if named else None
    since = None if not named else _EVER if on is None else membership_since(named, on).isoformat()
    return _facts_text(
        right.element_kinds,
        right.media,
        right.territories,
        right.excluded_territories,
        since,
        right.exclusive,
        right.purposes,
        right.languages,
        right.derivative_allowed,
        (right.longest_seconds(), right.max_runs, right.reruns, right.window_max_days),
        right.conditions,
        right.unresolved,
    )


@lru_cache(maxsize=4096)
def _groups_named(*codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for some in codes for each in some if is_group(each))


@lru_cache(maxsize=4096)
def _facts_text(*facts: object) -> str:
    """The text of facts; limits that are all absent are left out."""
    *said, limits, conditions, unresolved = facts
    text = [*said, None if limits == (None,) * 4 else limits, conditions, unresolved]
    return json.dumps(text, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Reruns | Condition) -> object:
    if isinstance(value, Reruns):
        return [value.repeats, value.hours]
    return value.model_dump(mode="json", exclude_defaults=True)


@lru_cache(maxsize=8192)
def read_facts(text: str) -> Facts:
    """The facts that `facts_text` wrote."""
    kinds, media, places, out, since, exclusive, purposes, languages, derivative, limits, asks, open_ = json.loads(text)
    return Facts(
        element_kinds=tuple(kinds),
        media=tuple(media),
        territories=tuple(places),
        excluded=tuple(out),
        area=area(tuple(places), tuple(out), _groups_on(since)),
        exclusive=exclusive,
        purposes=tuple(purposes),
        languages=tuple(languages),
        derivative_allowed=derivative,
        limits=NO_LIMITS if limits is None else _limits(*limits),
        conditions=tuple(Condition.model_validate(each) for each in asks),
        unresolved=tuple(open_),
    )


def _groups_on(since: str | None) -> date | None:
    return None if since == _EVER else date.fromisoformat(since) if since else date.max


def _limits(longest: int | None, runs: int | None, reruns: list[int] | None, days: int | None) -> Limits:
    repeats = None if reruns is None else Reruns(repeats=reruns[0], hours=reruns[1])
    return Limits(longest, runs, repeats, days)


def entry_of(row: DecidingRow, record: OnRecord, taken: int = 0) -> Entry:
    """Make a row ready for deciding; `taken` are its runs used or reserved."""
    facts = read_facts(row.facts)
    return Entry(
        row.id,
        row.contract,
        row.kind,
        row.status,
        facts.element_kinds,
        facts.media,
        facts.area,
        (row.opens, row.closes),
        facts.exclusive,
        facts.purposes,
        facts.languages,
        facts.derivative_allowed,
        facts.limits,
        facts.conditions,
        facts.unresolved,
        taken,
        row.clause,
        facts.territories,
        facts.excluded,
        record,
    )


@lru_cache(maxsize=1024)
def read_right(right_id: str, contract_id: str, external_key: str | None, body: str) -> Right:
    """The right of a row."""
    return Right.model_validate_json(_with_ids(body, id=right_id, contract=contract_id, external_key=external_key))


@lru_cache(maxsize=1024)
def read_contract(contract_id: str, row: ContractRow) -> Contract:
    """The contract of a row."""
    return Contract.model_validate_json(_with_ids(row.body, id=contract_id, external_key=row.external_key))


def _with_ids(body: str, **ids: str | None) -> str:
    """The body with its ids in front; no body is empty."""
    named = ",".join(f'"{name}":{_quoted(value)}' for name, value in ids.items())
    return f"{{{named},{body[1:]}"


def _quoted(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
