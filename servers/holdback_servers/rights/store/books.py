"""Books of references, read from the store and kept while they stand. Plain transactions.

A decision looks at many rights and tells of few. What decides of the rights of a reference stands side by side in one
index, which is all that is read for a book; the record of a right is read when an answer says more of it.
"""

from collections.abc import Iterable, Sequence
from threading import Lock, local
from typing import Any, Final, cast, get_args

from holdback_base.elements import ElementKind
from sqlalchemy import Connection

from holdback_servers.rights.book import Book, Entry, mark_of
from holdback_servers.rights.model import Contract, Right
from holdback_servers.rights.rows import ContractRow, DecidingRow, entry_of, read_contract, read_right
from holdback_servers.rights.windows import Window
from holdback_servers.rights.writing import in_parts, records_version, rows

_KEPT: Final = 30_000
"""Weight of the books kept in memory: their entries, and a few more for each book."""
_A_BOOK: Final = 8
_MANY: Final = 64
"""More rights than this are not all read for one window."""
_AT_ONCE: Final = 900
_READ = (
    "SELECT ref, id, contract, kind, status, opens, closes, facts, clause FROM rights"
    " WHERE ref IN ({}) AND withdrawn_at IS NULL"
)
_MEETING = " AND closes > ? AND opens < ?"
_LARGE = (
    "SELECT ref FROM refs WHERE ref IN ({}) AND EXISTS (SELECT 1 FROM rights r WHERE r.ref = refs.ref LIMIT 1 OFFSET ?)"
)
_TAKEN = (
    "SELECT \"right\", sum(counted) FROM runs WHERE state IN ('reserved', 'used') AND \"right\" IN ({})"
    ' GROUP BY "right"'
)
_RIGHT = "SELECT external_key, body FROM rights WHERE id = ?"
_CONTRACT = "SELECT external_key, status, hash, body FROM contracts WHERE id = ?"
_HASHES = "SELECT r.hash, c.hash FROM rights r JOIN contracts c ON c.id = r.contract WHERE r.id = ?"


class Records:
    """Records of rights, read when they are asked for: by the connection of the unit of work that read the book, in its
    thread. What was read is kept until the next book is read there."""

    def __init__(self) -> None:
        self._at_work = local()

    def use(self, c: Connection) -> None:
        """From here on this thread reads records by this connection."""
        self._at_work.connection = c
        self._at_work.rights, self._at_work.contracts = {}, {}

    def right(self, entry: Entry) -> Right:
        """The right that an entry was made of."""
        known = cast(dict[str, Right], self._at_work.rights)
        found = known.get(entry.id)
        if found is None:
            ((key, body),) = rows(self._at_work.connection, _RIGHT, (entry.id,))
            found = known[entry.id] = read_right(entry.id, entry.contract_id, key, body)
        return found

    def contract(self, entry: Entry) -> Contract:
        """Its contract."""
        known = cast(dict[str, Contract], self._at_work.contracts)
        found = known.get(entry.contract_id)
        if found is None:
            (row,) = rows(self._at_work.connection, _CONTRACT, (entry.contract_id,))
            found = known[entry.contract_id] = read_contract(entry.contract_id, ContractRow._make(row))
        return found

    def mark(self, entry: Entry) -> str:
        """What changes when the right or its contract does."""
        ((own, of_contract),) = rows(self._at_work.connection, _HASHES, (entry.id,))
        return mark_of(own, of_contract)


class Shelf:
    """Books already read, each with the version it was read at. Threads may share it. It holds so many entries that
    memory stays bounded; the books used longest ago go first."""

    def __init__(self, weight: int = _KEPT) -> None:
        self._books: dict[tuple[str, Window | None], tuple[int, Book]] = {}
        self._free = weight
        self._lock = Lock()
        self.records = Records()

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
    `meeting`, only what can decide it is read of a reference with many rights.

    Their records are read by this connection too, in this thread, until books are read again.
    """
    shelf.records.use(c)
    found: dict[str, Book] = {}
    missing: dict[str, int] = {}
    for some in in_parts(sorted(set(wanted)), _AT_ONCE):
        for ref, version in rows(c, f"SELECT ref, version FROM refs WHERE ref IN ({marks(some)})", some):  # noqa: S608
            book = shelf.get(ref, version, meeting)
            if book is None:
                missing[ref] = version
            else:
                found[ref] = book
    parts = {} if meeting is None else _parts(c, tuple(missing), meeting, shelf.records)
    whole = read(c, [ref for ref in missing if ref not in parts], shelf.records)
    for some, within in ((parts, meeting), (whole, None)):
        for ref, entries in some.items():
            found[ref] = Book(entries, snapshot=f"version {records_version(missing[ref])}")
            shelf.keep(ref, missing[ref], found[ref], within)
    return found


def _parts(c: Connection, wanted: Sequence[str], within: Window, records: Records) -> dict[str, list[Entry]]:
    """Of the references with many rights those that meet a window, where these are all that can decide about it."""
    large: list[str] = []
    for some in in_parts(wanted, _AT_ONCE):
        large += [ref for (ref,) in rows(c, _LARGE.format(marks(some)), (*some, _MANY))]
    return {ref: entries for ref, entries in read(c, large, records, within).items() if _decides(entries, within)}


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


def read(
    c: Connection, wanted: Sequence[str], records: Records, meeting: Window | None = None
) -> dict[str, list[Entry]]:
    """The rights of each reference, all or those that meet a window, ready for deciding."""
    found: dict[str, list[Entry]] = {}
    for some in in_parts(wanted, _AT_ONCE):
        query = _READ.format(marks(some)) + ("" if meeting is None else _MEETING)
        limited: list[Entry] = []
        for ref, *row in rows(c, query, (*some, *(meeting or ()))):
            made = entry_of(DecidingRow._make(row), records)
            found.setdefault(ref, []).append(made)
            if made.limits.max_runs is not None:
                limited.append(made)
        taken = taken_of(c, [each.id for each in limited])
        for each in limited:
            each.taken = taken.get(each.id, 0)
    return found


def taken_of(c: Connection, wanted: Sequence[str]) -> dict[str, int]:
    """Runs used or reserved of these rights."""
    found: dict[str, int] = {}
    for some in in_parts(wanted, _AT_ONCE):
        found.update((right, count) for right, count in rows(c, _TAKEN.format(marks(some)), some))
    return found


def marks(values: Sequence[Any]) -> str:
    """A question mark for each value."""
    return ",".join("?" * len(values))
