"""What the rights room reads: books of references, lists of rights; and its store's names. Plain transactions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, get_args

from holdback_base.database import load_instant
from holdback_base.elements import ElementKind
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights import reach
from holdback_servers.rights.answers import Available, RightBefore, RightListed
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.catalogue import available
from holdback_servers.rights.clearance import BLANKET
from holdback_servers.rights.clearances import clearance_status
from holdback_servers.rights.model import ContractStatus, RightKind
from holdback_servers.rights.report import Asked
from holdback_servers.rights.rows import ContractRow, Party, RightRow, entry_of, read_contract, read_facts, read_right
from holdback_servers.rights.tables import METADATA, TABLES
from holdback_servers.rights.windows import Window, window
from holdback_servers.rights.writing import contract_by_id, in_parts, records_version

__all__ = [
    "METADATA",
    "TABLES",
    "Listing",
    "Shelf",
    "available_page",
    "books",
    "clearance_status",
    "contract_refs",
    "ending",
    "list_rights",
    "the_right",
]

_KEPT: Final = 30_000
"""Weight of the books kept in memory: their entries, and a few more for each book."""
_A_BOOK: Final = 8
_SCANNED: Final = 20_000
"""Rights looked at for one page of a list: beyond it the page ends early."""
_LOOKED_AT: Final = 600
"""References looked at for one page of what is available."""
_MANY: Final = 64
"""More rights than this are not all read for one window."""
_AT_ONCE: Final = 900
_READ = (
    "SELECT r.id, r.external_key, r.ref, r.kind, r.opens, r.closes, r.facts, r.hash, r.body,"
    " c.id, c.external_key, c.status, c.hash, c.body FROM rights r CROSS JOIN contracts c ON c.id = r.contract"
)
"""A cross join is SQLite's way to say what is looked up first."""
_LIST = (
    "SELECT r.id, r.kind, r.facts, c.status FROM rights r CROSS JOIN contracts c ON c.id = r.contract"
    " WHERE {} ORDER BY r.id LIMIT ?"
)


class Shelf:
    """Books already read, each with the version it was read at. Threads may share it. It holds so many entries that
    memory stays bounded; the books used longest ago go first."""

    def __init__(self, weight: int = _KEPT) -> None:
        self._books: dict[tuple[str, Window | None], tuple[int, Book]] = {}
        self._free = weight
        self._lock = Lock()

    def get(self, ref: str, version: int, meeting: Window | None = None) -> Book | None:
        """The book, or the part of it for a window, if it is of this version."""
        with self._lock:
            for key in ((ref, None), (ref, meeting)):
                if found := self._books.pop(key, None):
                    if found[0] == version:
                        self._books[key] = found
                        return found[1]
                    self._free += _weight(found[1])
        return None

    def keep(self, ref: str, version: int, book: Book, meeting: Window | None = None) -> None:
        """Keep the book, or the part of it for a window, unless it alone is more than the shelf holds."""
        with self._lock:
            before = self._books.pop((ref, meeting), None)
            self._free += (_weight(before[1]) if before else 0) - _weight(book)
            self._books[ref, meeting] = (version, book)
            while self._free < 0:
                self._free += _weight(self._books.pop(next(iter(self._books)))[1])


def _weight(book: Book) -> int:
    return len(book.entries) + _A_BOOK


def books(c: Connection, wanted: Iterable[str], shelf: Shelf, meeting: Window | None = None) -> dict[str, Book]:
    """What is recorded for each of these references; one without any record is absent. For a question over one window,
    `meeting`, only what can decide it is read of a reference with many rights."""
    found: dict[str, Book] = {}
    missing: dict[str, int] = {}
    for some in in_parts(sorted(set(wanted)), _AT_ONCE):
        query = f"SELECT ref, version FROM refs WHERE ref IN ({_marks(some)})"  # noqa: S608 - marks only
        for ref, version in c.exec_driver_sql(query, some):
            book = shelf.get(ref, version, meeting)
            if book is None:
                missing[ref] = version
            else:
                found[ref] = book
    parts = {} if meeting is None else _parts(c, tuple(missing), meeting)
    whole = _read(c, [ref for ref in missing if ref not in parts])
    for read, within in ((parts, meeting), (whole, None)):
        for ref, entries in read.items():
            found[ref] = Book(entries, snapshot=f"version {records_version(missing[ref])}")
            shelf.keep(ref, missing[ref], found[ref], within)
    return found


def _parts(c: Connection, wanted: Sequence[str], within: Window) -> dict[str, list[Entry]]:
    """Of the references with many rights those that meet a window, where these are all that can decide about it."""
    large: list[str] = []
    for some in in_parts(wanted, _AT_ONCE):
        query = (
            f"SELECT ref FROM refs WHERE ref IN ({_marks(some)})"  # noqa: S608 - marks only
            " AND EXISTS (SELECT 1 FROM rights r WHERE r.ref = refs.ref LIMIT 1 OFFSET ?)"
        )
        large += [ref for (ref,) in c.exec_driver_sql(query, (*some, _MANY))]
    return {ref: entries for ref, entries in _read(c, large, within).items() if _decides(entries, within)}


def _decides(entries: Sequence[Entry], within: Window) -> bool:
    """Whether no other right can decide about the window, or about less of it: for each kind of element there is an
    active grant for all of it, so that the kind is known and no grant beside the window is the nearest."""
    through = [
        each
        for each in entries
        if each.kind == "grant"
        and each.status == "active"
        and each.window[0] <= within[0]
        and each.window[1] >= within[1]
    ]
    return all(any(each.about(kind) for each in through) for kind in get_args(ElementKind))


def available_page(
    c: Connection, asked: Asked, *, derivative: bool, after: str = "", limit: int = 50
) -> tuple[tuple[Available, ...], str | None]:
    """What may be shown, in order of references after `after`, and the reference to go on after, if there may be more.

    Where few of many references with grants are available the page ends before it is full.
    """
    within = window(asked.window.start, asked.window.end)
    found: list[Available] = []
    blanket = _open_books(c, [BLANKET], within)
    seen = 0
    for some in in_parts(reach.candidates(c, asked, within, after), limit + 1):
        known = _open_books(c, some, within) | blanket
        for ref in some:
            item = available(ref, known, asked, derivative=derivative)
            if item is not None and len(found) == limit:
                return tuple(found), after
            after, seen = ref, seen + 1
            if item is not None:
                found.append(item)
        if seen >= _LOOKED_AT:
            return tuple(found), after
    return tuple(found), None


def _open_books(c: Connection, wanted: Sequence[str], within: Window) -> dict[str, Book]:
    """The part of each reference's book that says something about the window. It is not kept: a look over the catalogue
    would take the place of what is asked for again."""
    return {ref: Book(entries) for ref, entries in _read(c, wanted, within).items()}


def _read(c: Connection, wanted: Sequence[str], meeting: Window | None = None) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    parties: dict[str, Party] = {}
    within = "" if meeting is None else " AND r.closes > ? AND r.opens < ?"
    for some in in_parts(wanted, _AT_ONCE):
        where = f" WHERE r.ref IN ({_marks(some)}){within} AND r.withdrawn_at IS NULL"
        rows = c.exec_driver_sql(_READ + where, (*some, *(meeting or ()))).fetchall()
        limited = [row[0] for row in rows if read_facts(row[6]).limits.max_runs is not None]
        taken = _taken(c, limited)
        for identity, key, ref, kind, opens, closes, facts, hash_, body, contract, *of_contract in rows:
            party = parties.get(contract)
            if party is None:
                party = parties[contract] = Party(contract, ContractRow._make(of_contract))
            row = RightRow(key, ref, kind, opens, closes, facts, hash_, body)
            found.setdefault(ref, []).append(entry_of(identity, row, party, taken.get(identity, 0)))
    return found


def _taken(c: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """Runs used or reserved of these rights."""
    found: dict[str, int] = {}
    for some in in_parts(wanted, _AT_ONCE):
        query = (
            'SELECT "right", sum(counted) FROM runs'  # noqa: S608 - marks only
            f" WHERE state IN ('reserved', 'used') AND \"right\" IN ({_marks(some)}) GROUP BY \"right\""
        )
        found.update((right, count) for right, count in c.exec_driver_sql(query, some))
    return found


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


@dataclass(frozen=True, slots=True)
class Listing:
    """Which rights to list: all that is given must hold. `territory` keeps those that speak there, `status` is the
    contract's; `withdrawn` lists those taken back too."""

    ref: str | None = None
    contract: str | None = None
    kind: RightKind | None = None
    territory: str | None = None
    status: ContractStatus | None = None
    withdrawn: bool = False

    def where(self) -> tuple[str, list[str]]:
        """What the store can look for, and the values."""
        given = {"r.ref": self.ref, "r.contract": self.contract, "+r.kind": self.kind}
        values = {name: value for name, value in given.items() if value is not None}
        open_ = [] if self.withdrawn else ["r.withdrawn_at IS NULL"]
        return " AND ".join(["r.id > ?", *(f"{name} = ?" for name in values), *open_]), list(values.values())

    def holds(self, kind: str, facts: str, status: str) -> bool:
        """Whether a right is wanted, as far as the store cannot tell. A grant speaks for all of a place, a restriction
        for any of it."""
        if self.status not in (None, status):
            return False
        if self.territory is None:
            return True
        area = read_facts(facts).area
        return area.covers(self.territory) if kind == "grant" else area.touches(self.territory)


def list_rights(
    c: Connection, listing: Listing, *, after: str = "", limit: int = 50
) -> tuple[tuple[RightListed, ...], str | None]:
    """Rights in order of ids after `after`, and the id to go on after, if there may be more.

    Where few of many rights are wanted the page ends before it is full.
    """
    where, values = listing.where()
    result = c.exec_driver_sql(_LIST.format(where), (after, *values, _SCANNED))
    found: list[str] = []
    seen = 0
    while batch := result.fetchmany(limit + 1):
        for identity, kind, facts, status in batch:
            if len(found) == limit:
                result.close()
                return _listed(c, found), after
            if listing.holds(kind, facts, status):
                found.append(identity)
            after, seen = identity, seen + 1
    return _listed(c, found), after if seen == _SCANNED else None


def the_right(c: Connection, identity: str) -> RightListed:
    """One right with its whole contract and its history, whether withdrawn or not. Raises Problem NOT_FOUND."""
    found = _listed(c, [identity])
    if not found:
        raise Problem("NOT_FOUND", f"There is no right {identity}.", "Take an id from list_rights or from a report.")
    query = 'SELECT until, body, replaced_by FROM history WHERE "right" = ? ORDER BY until DESC'
    right = found[0].right
    before = tuple(
        RightBefore(
            until=load_instant(until),
            right=read_right(right.id, right.contract, right.external_key, body),
            replaced_by=by,
        )
        for until, body, by in c.exec_driver_sql(query, (identity,))
    )
    return found[0].model_copy(update={"contract": contract_by_id(c, right.contract), "history": before})


def _listed(c: Connection, wanted: Sequence[str]) -> tuple[RightListed, ...]:
    query = (
        "SELECT r.id, r.external_key, r.body, r.withdrawn_at, c.id, c.external_key, c.status, c.hash, c.body"  # noqa: S608
        " FROM rights r JOIN contracts c ON c.id = r.contract"
        f" WHERE r.id IN ({_marks(wanted)}) ORDER BY r.id"
    )
    items: list[RightListed] = []
    for identity, key, body, withdrawn, contract, *of_contract in c.exec_driver_sql(query, tuple(wanted)):
        party = read_contract(contract, ContractRow._make(of_contract))
        items.append(
            RightListed(
                right=read_right(identity, contract, key, body),
                counterparty=party.counterparty,
                direction=party.direction,
                contract_status=party.status,
                withdrawn=load_instant(withdrawn) if withdrawn else None,
            )
        )
    limited = [each.right.id for each in items if each.right.max_runs is not None]
    taken = _taken(c, limited)
    counts = {identity: taken.get(identity, 0) for identity in limited}
    return tuple(
        each.model_copy(update={"runs_taken": counts[each.right.id]}) if each.right.id in counts else each
        for each in items
    )


def contract_refs(c: Connection, contract: str, *, begin: str = "", limit: int = -1) -> list[str]:
    """References that rights of a contract are about, in order, from `begin` on; as many as there are by default."""
    query = (
        "SELECT DISTINCT ref FROM rights WHERE contract = ? AND ref >= ? AND withdrawn_at IS NULL ORDER BY ref LIMIT ?"
    )
    return [ref for (ref,) in c.exec_driver_sql(query, (contract, begin, limit))]


def ending(
    c: Connection, until: int, *, ref: str | None, contract: str | None, after: tuple[int, str], limit: int
) -> list[tuple[int, str, str]]:
    """Grants of active contracts that end no later than `until`: their end in microseconds, id and reference, in that
    order after an end and an id."""
    given = {"r.ref": ref, "r.contract": contract}
    values = {name: value for name, value in given.items() if value is not None}
    narrowed = "".join(f" AND {name} = ?" for name in values)
    kind = "+r.kind" if values else "r.kind"  # a reference or a contract has fewer rights than a season has ends
    query = (
        "SELECT r.closes, r.id, r.ref FROM rights r CROSS JOIN contracts c ON c.id = r.contract"  # noqa: S608
        f" WHERE {kind} = 'grant' AND r.closes >= ? AND r.closes <= ? AND (r.closes, r.id) > (?, ?)"
        f" AND r.withdrawn_at IS NULL AND c.status = 'active'{narrowed} ORDER BY r.closes, r.id LIMIT ?"
    )
    found = c.exec_driver_sql(query, (after[0], until, *after, *values.values(), limit))
    return [(closes, identity, about) for closes, identity, about in found]
