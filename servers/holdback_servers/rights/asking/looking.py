"""What the asking tools look up and work out, in one transaction each. Plain transactions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from holdback_base.elements import CutFacts, ElementKind, is_ref
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights import clearances, store
from holdback_servers.rights.answers import (
    ChangeAssessed,
    Conflict,
    ConflictsPage,
    EndingPage,
    EndingRight,
    Opening,
    ReferenceReport,
)
from holdback_servers.rights.book import Book, Entry, Given
from holdback_servers.rights.catalogue import kinds_of, limits, reference_decision
from holdback_servers.rights.clearance import BLANKET, Decision
from holdback_servers.rights.conflicts.continuing import continued
from holdback_servers.rights.conflicts.finding import LIVE, clashes
from holdback_servers.rights.conflicts.telling import tell
from holdback_servers.rights.expiring import DAY, ending, speaks_for
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import ContractStatus
from holdback_servers.rights.plans import plans as ways_out
from holdback_servers.rights.report import Asked, ClearanceReport
from holdback_servers.rights.store import Shelf
from holdback_servers.rights.windows import point, window
from holdback_servers.rights.writing import contract_by_id, in_parts
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor

_SCANNED: Final = 2_000
"""References or rights looked at for one page: beyond it the page ends early, with a cursor."""
_LAST: Final = "~"
"""Comes after every id: what ends at this very instant has ended."""
_AT_ONCE: Final = 100
"""Books read at once."""
_TOLD: Final = 100
"""Clearances named for one grant that ends."""
_ASSESSED: Final = 200
"""Clearances told of one change."""

# --- references without a cut --------------------------------------------------------------------------------------


def checked_refs(refs: Iterable[str]) -> list[str]:
    """References in order, each once. Raises Problem INVALID_ARGUMENT for one that is none, or without any."""
    named = sorted({each.strip() for each in refs})
    for each in named:
        if not is_ref(each):
            raise Problem("INVALID_ARGUMENT", f"ref {each!r} is not an element reference.", "Write kind:name in lower "
                          "case, such as film:big-buck-bunny or music:meadow-waltz.")  # fmt: skip
    if not named:
        raise Problem("INVALID_ARGUMENT", "No reference is named.", "Name at least one, such as film:big-buck-bunny.")
    return named


def reference_report(
    c: Connection, shelf: Shelf, refs: Sequence[str], asked: Asked, *, derivative: bool, plans: bool = True
) -> ReferenceReport:
    """Whether the references may be shown together, when that opens, within which limits, and what would clear it.

    Raises Problem INVALID_ARGUMENT for blanket licences, which are nothing to show.
    """

    def decide(question: Asked, _: Sequence[CutFacts], books: Mapping[str, Book]) -> Decision:
        return reference_decision(refs, books, question, derivative=derivative)

    known = store.books(c, [*refs, BLANKET], shelf, window(asked.window.start, asked.window.end))
    decision = decide(asked, (), known)
    told = report(decision, ways_out(decision, known, decide_again=decide) if plans else ())
    return ReferenceReport(refs=tuple(refs), opens=_openings(told), limits=limits(decision), report=told)


def _openings(told: ClearanceReport) -> tuple[Opening, ...]:
    return tuple(
        Opening(
            territories=each.territories,
            platforms=each.platforms,
            opens=windows[0].start if windows else None,
            once_met=bool(windows) and not each.windows,
        )
        for each in told.groups
        for windows in [each.windows or each.windows_once_met or ()]
    )


# --- what ends -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which grants that end are wanted: all that is given must hold."""

    days: int
    territory: str | None = None
    platform: str | None = None
    ref: str | None = None
    contract: str | None = None


def endings(
    c: Connection, shelf: Shelf, now: datetime, wanted: Wanted, *, cursor: str | None, limit: int
) -> EndingPage:
    """Grants that end after now and within so many days, the first to end first.

    Raises Problem NOT_FOUND for a contract that is not on record, INVALID_ARGUMENT for a reference that is none.
    """
    if wanted.contract is not None:
        contract_by_id(c, wanted.contract)
    ref = None if wanted.ref is None else checked_refs([wanted.ref])[0]
    at = decode_cursor(cursor)
    until = point(now) + wanted.days * DAY
    after: tuple[int, str] = (cursor_part(at, "closes", point(now)), cursor_part(at, "id", _LAST))
    found: list[tuple[Entry, Book, str]] = []
    seen, more = 0, False
    while not more and seen < _SCANNED:
        rows = store.ending(c, until, ref=ref, contract=wanted.contract, after=after, limit=limit + 1)
        known = store.books(c, [ref for _, _, ref in rows], shelf)
        for closes, identity, about in rows:
            entry = next(each for each in known[about].entries if each.id == identity)
            fits = speaks_for(entry, wanted.territory, wanted.platform)
            if more := fits and len(found) == limit:
                break
            after, seen = (closes, identity), seen + 1
            if fits:
                found.append((entry, known[about], about))
        if len(rows) <= limit:
            break
    else:
        more = True
    relied = clearances.relying(c, [ref for _, _, ref in found], now)
    return EndingPage(
        items=tuple(_told_ending(entry, book, ref, now, relied.get(ref, ())) for entry, book, ref in found),
        next_cursor=encode_cursor({"closes": after[0], "id": after[1]}) if more else None,
    )


def _told_ending(entry: Entry, book: Book, ref: str, now: datetime, relied: tuple[str, ...]) -> EndingRight:
    follows = continued(entry, book, kinds_of(ref, book))
    return ending(
        entry,
        now,
        by=follows.by,
        lost=follows.lost,
        exclusive=follows.exclusive,
        clearances=relied[:_TOLD],
    )


# --- conflicts -----------------------------------------------------------------------------------------------------


def conflicts(
    c: Connection, shelf: Shelf, contract: str | None, ref: str | None, *, since: int, cursor: str | None, limit: int
) -> ConflictsPage:
    """Conflicts in order of reference.

    Raises Problem NOT_FOUND for a contract that is not on record, INVALID_ARGUMENT without any question and for a
    contract that is rejected or inactive.
    """
    if contract is None and ref is None:
        raise Problem("INVALID_ARGUMENT", "Neither a contract nor a reference is named.", "Give contract, ref or both.")
    if contract is not None and (status := contract_by_id(c, contract).status) not in LIVE:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The contract {contract} is {status}: it neither gives nor bars anything.",
            "Ask for one that is draft, pending or active.",
        )
    at = decode_cursor(cursor)
    begin, skip = cursor_part(at, "ref", ""), cursor_part(at, "n", 0)
    refs = checked_refs([ref]) if ref else store.contract_refs(c, contract or "", begin=begin, limit=_SCANNED + 1)
    found: list[Conflict] = []
    for each, book in _in_order(c, shelf, refs[:_SCANNED]):
        kinds = _sold_kinds(each, book)
        clash_list = clashes(
            book, contract=contract, since=since, kinds=kinds, counterparty=lambda one: one.contract.counterparty
        )
        for n, clash in enumerate(clash_list):
            if each == begin and n < skip:
                continue
            if len(found) == limit:
                return ConflictsPage(items=tuple(found), next_cursor=encode_cursor({"ref": each, "n": n}))
            found.append(tell(clash))
    if len(refs) > _SCANNED:
        return ConflictsPage(items=tuple(found), next_cursor=encode_cursor({"ref": refs[_SCANNED], "n": 0}))
    return ConflictsPage(items=tuple(found))


def _in_order(c: Connection, shelf: Shelf, refs: Sequence[str]) -> Iterator[tuple[str, Book]]:
    for some in in_parts(refs, _AT_ONCE):
        known = store.books(c, some, shelf)
        yield from ((each, known.get(each, Book(()))) for each in some)


def _sold_kinds(ref: str, book: Book) -> tuple[ElementKind, ...]:
    """What a licence out passes on that names no kind: of music not the performing, which is licensed on the spot."""
    kinds = kinds_of(ref, book)
    return tuple(each for each in kinds if each != "music_performance") or kinds


# --- a change not yet made -----------------------------------------------------------------------------------------


def assessed(
    c: Connection,
    shelf: Shelf,
    now: datetime,
    *,
    rights: Sequence[str],
    contract: str | None,
    status: ContractStatus,
    ref: str | None,
) -> ChangeAssessed:
    """What one of these changes would do to valid clearances. Raises Problem NOT_FOUND, or INVALID_ARGUMENT unless
    exactly one is given."""
    if sum(map(bool, (rights, contract, ref))) != 1:
        raise Problem("INVALID_ARGUMENT", "That is not one change.", "Give one of rights, contract and ref.")
    if contract is not None:
        party = contract_by_id(c, contract)
        change = f"If {contract} ({party.title or party.counterparty}) became {status}"
        refs = store.contract_refs(c, contract)
        as_if = _with_status(contract, status)
    elif ref is not None:
        refs = checked_refs([ref])
        change, as_if = f"If nothing were recorded for {refs[0]}", _emptied(refs[0])
    else:
        change = f"If {', '.join(rights)} were withdrawn"
        refs = [store.the_right(c, each).right.ref for each in rights]
        as_if = _less(frozenset(rights))

    def read(names: Sequence[str]) -> Mapping[str, Book]:
        return {name: as_if(name, book) for name, book in store.books(c, names, shelf).items()}

    touched = sorted(clearances.at_risk(c, refs, read, now), key=lambda each: (not each.lost, each.clearance))
    return ChangeAssessed(
        change=change,
        losing=sum(bool(each.lost) for each in touched),
        relying=len(touched),
        clearances=tuple(touched[:_ASSESSED]),
    )


def _less(ids: frozenset[str]) -> Callable[[str, Book], Book]:
    return lambda _, book: Book(each for each in book.entries if each.id not in ids)


def _emptied(ref: str) -> Callable[[str, Book], Book]:
    return lambda name, book: Book(()) if name == ref else book


def _with_status(contract: str, status: ContractStatus) -> Callable[[str, Book], Book]:
    def turned(each: Entry) -> Entry:
        right, party = each.right, each.contract
        then = party.model_copy(update={"status": status})
        return replace(each, status=status, record=Given(right, then))

    return lambda _, book: Book(turned(each) if each.contract_id == contract else each for each in book.entries)
