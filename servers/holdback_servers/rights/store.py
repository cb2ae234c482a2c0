"""What the rights room reads: books of references, lists of rights; and its store's names. Plain transactions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any, cast

from holdback_base.database import store_instant
from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from holdback_servers.rights.answers import RightListed
from holdback_servers.rights.book import Book, entry
from holdback_servers.rights.clearances import clearance_status
from holdback_servers.rights.model import Contract, Right
from holdback_servers.rights.tables import METADATA, TABLES, contracts, refs, rights

__all__ = ["METADATA", "TABLES", "Shelf", "books", "clearance_status", "list_rights", "offered_refs"]

_KEPT = 20_000
"""Books kept in memory."""


class Shelf:
    """Books already read, each with the version it was read at. Threads may share it."""

    def __init__(self) -> None:
        self._books: dict[str, tuple[int, Book]] = {}
        self._lock = Lock()

    def get(self, ref: str, version: int) -> Book | None:
        """The book, if it is of this version."""
        found = self._books.get(ref)
        return found[1] if found is not None and found[0] == version else None

    def keep(self, ref: str, version: int, book: Book) -> None:
        """Keep the book; the ones kept longest go first."""
        with self._lock:
            self._books.pop(ref, None)
            while len(self._books) >= _KEPT:
                del self._books[next(iter(self._books))]
            self._books[ref] = (version, book)


def books(c: Connection, wanted: Iterable[str], shelf: Shelf) -> dict[str, Book]:
    """What is recorded for each of these references; one without any record is absent."""
    names = sorted(set(wanted))
    versions = {row.ref: row.version for row in c.execute(select(refs).where(refs.c.ref.in_(names)))}
    found = {ref: book for ref, version in versions.items() if (book := shelf.get(ref, version)) is not None}
    missing = [ref for ref in versions if ref not in found]
    if missing:
        for ref, book in _read_books(c, missing).items():
            shelf.keep(ref, versions[ref], book)
            found[ref] = book
    return found


def _read_books(c: Connection, wanted: Sequence[str]) -> dict[str, Book]:
    rows = c.execute(
        select(rights.c.ref, rights.c.body, contracts.c.id, contracts.c.body.label("contract_body"))
        .join(contracts, contracts.c.id == rights.c.contract)
        .where(rights.c.ref.in_(wanted))
    ).all()
    parties = {row.id: row.contract_body for row in rows}
    known = {identity: Contract.model_validate(body) for identity, body in parties.items()}
    entries = [(row.ref, entry(Right.model_validate(row.body), known[row.id])) for row in rows]
    return {ref: Book(each for found, each in entries if found == ref) for ref in wanted}


def list_rights(
    c: Connection,
    *,
    ref: str | None,
    contract: str | None,
    territory: str | None,
    status: str | None,
    after: str,
    limit: int,
) -> tuple[tuple[RightListed, ...], bool]:
    """Rights in order of ids after `after`, and whether there are more. `territory` keeps those that speak there."""
    filters = {"ref": ref, "contract": contract, "status": status}
    given = {name: value for name, value in filters.items() if value is not None}
    query, most = _listing(frozenset(given)), limit + 1 if territory is None else 500
    found: list[RightListed] = []
    while True:
        rows = c.execute(query, {**given, "after": after, "most": most}).all()
        for row in rows:
            after = row.id
            right, party = Right.model_validate(row.body), Contract.model_validate(row.contract_body)
            if territory is not None and not entry(right, party).reaches_place(territory):
                continue
            if len(found) == limit:
                return tuple(found), True
            found.append(
                RightListed(
                    right=right,
                    counterparty=party.counterparty,
                    direction=party.direction,
                    contract_status=party.status,
                )
            )
        if territory is None or len(rows) < 500:
            return tuple(found), False


@cache
def _listing(given: frozenset[str]) -> Select[Any, Any, Any]:
    """The query with these filters, built once: building it takes longer than answering it."""
    columns: dict[str, ColumnElement[Any]] = {
        "ref": rights.c.ref,
        "contract": rights.c.contract,
        "status": contracts.c.status,
    }
    return (
        select(rights.c.id, rights.c.body, contracts.c.body.label("contract_body"))
        .join(contracts, contracts.c.id == rights.c.contract)
        .where(rights.c.id > bindparam("after"), *(columns[name] == bindparam(name) for name in sorted(given)))
        .order_by(rights.c.id)
        .limit(bindparam("most"))
    )


def offered_refs(c: Connection, start: datetime, end: datetime | None, *, after: str, limit: int) -> list[str]:
    """References after `after`, in order, with a grant whose window meets `[start, end)`."""
    conditions = [rights.c.kind == "grant", rights.c.ref > after]
    conditions.append(rights.c.end_at.is_(None) | (rights.c.end_at > store_instant(start)))
    if end is not None:
        conditions.append(rights.c.start_at < store_instant(end))
    query = select(rights.c.ref).where(*conditions).distinct().order_by(rights.c.ref).limit(limit)
    return cast(list[str], list(c.execute(query).scalars()))
