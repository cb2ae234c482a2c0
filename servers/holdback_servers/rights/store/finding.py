"""What is found over the whole catalogue: what may be shown, what ends. Plain transactions."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from holdback_servers.rights import reach
from holdback_servers.rights.answers import Available
from holdback_servers.rights.book import Book
from holdback_servers.rights.catalogue import available
from holdback_servers.rights.clearance import BLANKET
from holdback_servers.rights.report import Asked
from holdback_servers.rights.store.books import Records, read
from holdback_servers.rights.windows import Window, window
from holdback_servers.rights.writing import in_parts

_LOOKED_AT: Final = 600
"""References looked at for one page of what is available."""


def available_page(
    c: Connection, asked: Asked, *, derivative: bool, after: str = "", limit: int = 50
) -> tuple[tuple[Available, ...], str | None]:
    """What may be shown, in order of references after `after`, and the reference to go on after, if there may be more.

    Where few of many references with grants are available the page ends before it is full.
    """
    within = window(asked.window.start, asked.window.end)
    found: list[Available] = []
    records = Records()
    records.use(c)
    blanket = _open_books(c, [BLANKET], within, records)
    seen = 0
    for some in in_parts(reach.candidates(c, asked, within, after), limit + 1):
        known = _open_books(c, some, within, records) | blanket
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


def _open_books(c: Connection, wanted: Sequence[str], within: Window, records: Records) -> dict[str, Book]:
    """The part of each reference's book that says something about the window. It is not kept: a look over the catalogue
    would take the place of what is asked for again."""
    return {ref: Book(entries) for ref, entries in read(c, wanted, records, within).items()}


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
