"""Contracts and rights as rows, written: made, replaced, withdrawn, with history and index. Plain transactions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

from holdback_base.database import store_instant
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights import reach
from holdback_servers.rights.answers import Change, ContractGiven
from holdback_servers.rights.model import Contract, contract_on_record
from holdback_servers.rights.rows import ContractRow, RightRow, contract_row, read_contract

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

_AT_ONCE: Final = 900
"""Values in one question to the store."""
_KNOWN = (
    "SELECT id, contract, withdrawn_at IS NOT NULL, external_key, ref, kind, opens, closes, facts, clause, hash, body"
    " FROM rights WHERE "
)
_INSERT = (
    "INSERT INTO rights (id, contract, status, changed_at, changed_by, external_key, ref, kind, opens, closes, facts,"
    " clause, hash, body) VALUES (?1, ?2, (SELECT status FROM contracts WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
    " ?10, ?11, ?12, ?13)"
)
_REPLACE = (
    "UPDATE rights SET changed_at = ?, changed_by = ?, withdrawn_at = NULL, external_key = ?, ref = ?, kind = ?,"
    " opens = ?, closes = ?, facts = ?, clause = ?, hash = ?, body = ? WHERE id = ?"
)
_WITHDRAW = "UPDATE rights SET changed_at = ?, changed_by = ?, withdrawn_at = ? WHERE id = ?"
_MOVE = "UPDATE rights SET contract = ?1, status = (SELECT status FROM contracts WHERE id = ?1) WHERE id = ?2"
_REMEMBER = 'INSERT OR IGNORE INTO history ("right", until, body, replaced_by) VALUES (?, ?, ?, ?)'
"""What stood for no time, since it was replaced at the instant it was written, is not remembered."""
_KNOWN_CONTRACT = "SELECT id, external_key, status, hash, body FROM contracts WHERE "
_CONTRACT = (
    "INSERT INTO contracts (changed_at, changed_by, external_key, status, hash, body, id) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_CONTRACT_AGAIN = (
    "UPDATE contracts SET changed_at = ?, changed_by = ?, external_key = ?, status = ?, hash = ?, body = ? WHERE id = ?"
)
_STATUS = "UPDATE rights SET status = ? WHERE contract = ?"
_TOUCH = "INSERT INTO refs (ref, version) VALUES (?, random()) ON CONFLICT (ref) DO UPDATE SET version = random()"
"""A number never used before: what was read in a transaction that was undone must not pass for what comes after."""
_COUNT = "UPDATE refs SET version = (version & ~0xFFFFFFFF) | (random() & 0xFFFFFFFF) WHERE ref = ?"
"""The upper half of a version stands for the records alone: runs that are counted leave it as it is."""


class KnownRight(NamedTuple):
    """A right as it is on record."""

    id: str
    contract: str
    withdrawn: bool
    row: RightRow


class Writer:
    """Collects what shall be written and writes it in one go. `refs` are the references concerned so far."""

    def __init__(self, c: Connection, now: datetime, by: str) -> None:
        self._c = c
        self._stamp = (store_instant(now), by)
        self._made: list[tuple[str, str, RightRow]] = []
        self._replaced: list[tuple[KnownRight, RightRow]] = []
        self._withdrawn: list[KnownRight] = []
        self.refs: set[str] = set()

    def make(self, identity: str, contract: str, row: RightRow) -> None:
        """A new right in the contract."""
        self._made.append((identity, contract, row))
        self.refs.add(row.ref)

    def replace(self, known: KnownRight, row: RightRow) -> None:
        """Another row for a right on record, which counts again if it was withdrawn."""
        self._replaced.append((known, row))
        self.refs |= {known.row.ref, row.ref}

    def move(self, known: KnownRight, contract: str, row: RightRow) -> None:
        """The same of a right that another contract gives now."""
        self._c.exec_driver_sql(_MOVE, (contract, known.id))
        self.replace(known, row)

    def withdraw(self, known: KnownRight) -> None:
        """The right counts no more; withdrawn twice is withdrawn once."""
        if not known.withdrawn:
            self._withdrawn.append(known)
            self.refs.add(known.row.ref)

    def write(self) -> None:
        """Write all that was collected."""
        made, replaced, withdrawn = self._made, self._replaced, self._withdrawn
        self._made, self._replaced, self._withdrawn = [], [], []
        before = [known for known, _ in replaced if not known.withdrawn] + withdrawn
        at, by = self._stamp
        self._run(_INSERT, [(identity, contract, at, by, *row) for identity, contract, row in made])
        self._run(_REMEMBER, [(known.id, at, known.row.body, by) for known in before])
        self._run(_REPLACE, [(at, by, *row, known.id) for known, row in replaced])
        self._run(_WITHDRAW, [(at, by, at, known.id) for known in withdrawn])
        reach.take(self._c, (known.row for known in before))
        reach.add(self._c, [*(row for *_, row in made), *(row for _, row in replaced)])

    def _run(self, statement: str, values: list[tuple[str | int | None, ...]]) -> None:
        if values:
            self._c.exec_driver_sql(statement, values)


def save_contract(
    c: Connection, given: ContractGiven, *, new_id: NewId, now: datetime, by: str
) -> tuple[Contract, Change, Contract | None]:
    """The contract as it is now on record, what happened to it, and what it was before it changed.

    Raises:
        Problem: NOT_FOUND for an id that is not on record; CONFLICT for a key of another contract; what
            `contract_on_record` raises.
    """
    known = _known_contract(c, given)
    key = given.external_key or (known[1].external_key if known else None)
    contract = contract_on_record(known[0] if known else new_id("ctr"), given, key)
    row = contract_row(contract)
    if known is not None and known[1] == row:
        return contract, "unchanged", None
    c.exec_driver_sql(_CONTRACT if known is None else _CONTRACT_AGAIN, (store_instant(now), by, *row, contract.id))
    if known is None:
        return contract, "created", None
    if known[1].status != contract.status:
        c.exec_driver_sql(_STATUS, (contract.status, contract.id))
    return contract, "updated", read_contract(*known)


def contract_by_id(c: Connection, identity: str) -> Contract:
    """A contract on record. Raises Problem NOT_FOUND."""
    found = _contract(c, "id = ?", identity)
    if found is None:
        raise Problem("NOT_FOUND", f"There is no contract {identity}.", "Take an id from list_rights or from a report.")
    return read_contract(*found)


def _known_contract(c: Connection, given: ContractGiven) -> tuple[str, ContractRow] | None:
    key = given.external_key
    keyed = None if key is None else _contract(c, "external_key = ?", key)
    if given.id is not None:
        found = _contract(c, "id = ?", given.id)
        if found is None:
            raise not_on_record("contract", given.id)
        check_key_free("contract", key, given.id, keyed[0] if keyed else None)
        return found
    if key is not None:
        return keyed
    return _contract(c, "hash = ? AND external_key IS NULL LIMIT 1", contract_row(contract_on_record("", given)).hash)


def _contract(c: Connection, where: str, value: str) -> tuple[str, ContractRow] | None:
    found = c.exec_driver_sql(_KNOWN_CONTRACT + where, (value,)).first()
    return None if found is None else (found[0], ContractRow._make(found[1:]))


def check_key_free(what: str, key: str | None, identity: str, taken: str | None) -> None:
    """Raises Problem CONFLICT where the key belongs to another record."""
    if taken not in (None, identity):
        raise Problem(
            "CONFLICT",
            f"The external_key {key} belongs to the {what} {taken}, not to {identity}.",
            "Give it another external_key, or leave the id out.",
        )


def not_on_record(what: str, name: str) -> Problem:
    """Why something cannot be changed."""
    return Problem("NOT_FOUND", f"There is no {what} {name}.", "Leave the id out to record a new one.")


def touch(c: Connection, concerned: Iterable[str]) -> None:
    """Give these references new versions: what was read of them is read again."""
    if names := [(ref,) for ref in sorted(set(concerned))]:
        c.exec_driver_sql(_TOUCH, names)


def count(c: Connection, concerned: Iterable[str]) -> None:
    """Give these references new versions of the same records: what was read of them, with its runs, is read again."""
    if names := [(ref,) for ref in sorted(set(concerned))]:
        c.exec_driver_sql(_COUNT, names)


def records_version(version: int) -> int:
    """The part of a version that is another after each change to a right of the reference or to its contract."""
    return version >> 32


def known_by(c: Connection, column: str, values: Iterable[str]) -> Iterator[KnownRight]:
    """Rights on record, withdrawn ones too, by `id`, `external_key` or `ref`."""
    for some in in_parts(values, _AT_ONCE):
        yield from _known(c, f"{column} IN ({', '.join('?' * len(some))})", *some)


def known_like(c: Connection, contract: str, row: RightRow) -> KnownRight | None:
    """A right of the contract with just this content."""
    return next(
        iter(_known(c, "contract = ? AND hash = ? ORDER BY withdrawn_at, id LIMIT 1", contract, row.hash)), None
    )


def known_of_contract(c: Connection, contract: str) -> Iterator[KnownRight]:
    """The rights of a contract, in parts, so that those read already may be changed."""
    after = ""
    where = "contract = ? AND withdrawn_at IS NULL AND id > ? ORDER BY id LIMIT 5000"
    while some := _known(c, where, contract, after):
        yield from some
        after = some[-1].id


def known_under(c: Connection, prefix: str) -> Iterator[KnownRight]:
    """Rights on record, withdrawn ones too, whose external key begins so, in order of it."""
    after, end = prefix, prefix + "\U0010ffff"
    where = "external_key >= ? AND external_key < ? ORDER BY external_key LIMIT 5000"
    while some := _known(c, where, after, end):
        yield from some
        after = f"{some[-1].row.external_key}\0"


def _known(c: Connection, where: str, *values: str) -> list[KnownRight]:
    found = rows(c, _KNOWN + where, values)
    return [KnownRight(id_, contract, bool(gone), RightRow._make(row)) for id_, contract, gone, *row in found]


def rows(c: Connection, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What the driver answers: SQLAlchemy's own results cost more than a small look-up, and there are thousands."""
    return cast("sqlite3.Connection", c.connection.driver_connection).execute(query, values).fetchall()


def in_parts(values: Iterable[T], most: int) -> Iterator[Sequence[T]]:
    """The values, so many at a time."""
    each = iter(values)
    while some := tuple(islice(each, most)):
        yield some
