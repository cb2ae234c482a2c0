"""Recording contracts, rights and events: made, replaced, withdrawn or left as they are, all of a call or nothing.

Plain transactions. Each tells the references it concerned, whose books and clearances are no longer what they were.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from holdback_base.database import store_instant
from holdback_base.elements import is_ref
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from holdback_base.vocabulary import groups
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from holdback_servers.rights.answers import (
    Change,
    ContractGiven,
    Recorded,
    RecordedContract,
    RecordedRight,
    RightGiven,
)
from holdback_servers.rights.model import Contract, Right, RightTerms, check_places, right_on_record, terms_of
from holdback_servers.rights.moments import Event
from holdback_servers.rights.rows import RightRow, read_right, row_of
from holdback_servers.rights.tables import contracts, events
from holdback_servers.rights.windows import NEVER
from holdback_servers.rights.writing import (
    KnownRight,
    Writer,
    check_key_free,
    contract_by_id,
    in_parts,
    known_by,
    known_like,
    known_of_contract,
    known_under,
    not_on_record,
    save_contract,
    touch,
)

_PART: Final = 20_000
"""Rows that are compared and written together."""
_ROOM: Final = 65_536
"""Kibibytes of pages kept in memory while many rows are written; SQLite's usual 2,000 would write pages many times."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of rows: how many contracts and rights of each change, and the references concerned.

    `empty` are rights, by id, whose window is empty by the event that was recorded.
    """

    contracts: Mapping[Change, int]
    rights: Mapping[Change | Literal["withdrawn"], int]
    refs: frozenset[str]
    empty: tuple[str, ...] = ()


def record(
    c: Connection, given: ContractGiven, right_list: Sequence[RightGiven], *, new_id: NewId, now: datetime, by: str
) -> Recorded:
    """Record a contract with rights in it, as `record_telling` does, without the references."""
    return record_telling(c, given, right_list, new_id=new_id, now=now, by=by)[0]


def record_telling(
    c: Connection, given: ContractGiven, right_list: Sequence[RightGiven], *, new_id: NewId, now: datetime, by: str
) -> tuple[Recorded, frozenset[str]]:
    """Record a contract with rights in it: made, replaced or left as they are; answers with the references concerned.

    Rights of the contract that are not given stay; their windows are worked out again when the contract changes.

    Raises:
        Problem: NOT_FOUND for an id that is not on record; CONFLICT for a right of another contract or a key of
            another record; what `contract_on_record` and `right_on_record` raise.
    """
    writer = Writer(c, now, by)
    contract, change, before = save_contract(c, given, new_id=new_id, now=now, by=by)
    _contract_changed(c, before, contract, writer)
    made: list[RecordedRight] = []
    for number, each in enumerate(right_list):
        try:
            identity, row, what = _save_right(c, each, contract, writer, new_id)
        except Problem as problem:
            raise _at_right(number, each, problem) from problem
        writer.write()
        made.append(_told(identity, row, what))
    touched(c, writer.refs, now)
    on_record = RecordedContract(
        id=contract.id, external_key=contract.external_key, status=contract.status, change=change
    )
    return Recorded(contract=on_record, rights=tuple(made)), frozenset(writer.refs)


def record_rows(
    c: Connection,
    given: Iterable[ContractGiven],
    rows: Iterable[tuple[str, RightRow]],
    *,
    new_id: NewId,
    now: datetime,
    by: str,
    move: bool = False,
) -> Written:
    """Record many rights by their external keys: new ones are made, others replaced, the same left as they are.

    Args:
        given: contracts with their external keys.
        rows: each with the external key of its contract, which is given or on record.
        move: whether a right may come from another contract than the one on record; else that is a CONFLICT.

    Raises:
        Problem: INVALID_ARGUMENT for a row without a key and for a key that comes twice; NOT_FOUND for a contract that
            is neither given nor on record; CONFLICT for a right of another contract.
    """
    writer = Writer(c, now, by)
    parties: dict[str, str] = {}
    saved: Counter[Change] = Counter()
    changes: Counter[Change | Literal["withdrawn"]] = Counter()
    seen: set[str] = set()
    usual = c.exec_driver_sql("PRAGMA cache_size").scalar_one()
    c.exec_driver_sql(f"PRAGMA cache_size = -{_ROOM}")
    try:
        for each in given:
            contract, change, before = save_contract(c, each, new_id=new_id, now=now, by=by)
            _contract_changed(c, before, contract, writer)
            parties[str(each.external_key)] = contract.id
            saved[change] += 1
        for part in in_parts(rows, _PART):
            _check_keys(part, seen)
            _find_parties(c, {key for key, _ in part}, parties)
            known = {each.row.external_key: each for each in known_by(c, "external_key", _keys(part))}
            for key, row in part:
                found = known.get(row.external_key)
                identity = new_id("rgt") if found is None else found.id
                changes[_save_row(found, identity, parties[key], row, writer, move=move)] += 1
            writer.write()
        touched(c, writer.refs, now)
    finally:
        c.exec_driver_sql(f"PRAGMA cache_size = {usual}")
    return Written(saved, changes, frozenset(writer.refs))


def withdraw(c: Connection, keys: Iterable[str] = (), *, prefix: str | None = None, now: datetime, by: str) -> Written:
    """Take rights back, by their external keys or by what their keys begin with: they are in no book and no list any
    more, and stay in `history`. Keys that are not on record change nothing. Recording one again brings it back."""
    writer = Writer(c, now, by)
    chosen = list(known_by(c, "external_key", keys))
    if prefix is not None:
        chosen += known_under(c, prefix)
    gone = {each.id: each for each in chosen if not each.withdrawn}
    for each in gone.values():
        writer.withdraw(each)
    writer.write()
    touched(c, writer.refs, now)
    return Written({}, {"withdrawn": len(gone)}, frozenset(writer.refs))


def record_event(c: Connection, event: Event, now: datetime, by: str) -> Written:
    """Record when something happens to a reference, and work out again the windows that hang on it. One that would end
    before it begins is empty: its right is kept and speaks at no time.

    Raises:
        Problem: INVALID_ARGUMENT for a reference that is none; RANGE_INVALID where a window leaves the calendar.
    """
    if not is_ref(event.ref):
        raise Problem("INVALID_ARGUMENT", f"ref {event.ref!r} is not an element reference.", "Write kind:name in lower "
                      "case, such as film:big-buck-bunny.")  # fmt: skip
    body = event.model_dump_json(exclude_defaults=True)
    where = {"ref": event.ref, "event": event.event}
    if c.execute(select(events.c.body).filter_by(**where)).scalar() == body:
        return Written({}, {}, frozenset(), _empty(c, event))
    stamp = {"body": body, "changed_at": store_instant(now), "changed_by": by}
    made = upsert(events).values(**where, **stamp)
    c.execute(made.on_conflict_do_update(index_elements=["ref", "event"], set_=stamp))
    return replace(_windows_again(c, event.ref, now, by), empty=_empty(c, event))


def forget_event(c: Connection, ref: str, event: str, now: datetime, by: str) -> Written:
    """An event is put off to nobody knows when: windows that hang on it are unresolved again."""
    if not c.execute(delete(events).where(events.c.ref == ref, events.c.event == event)).rowcount:
        return Written({}, {}, frozenset())
    return _windows_again(c, ref, now, by)


def known_events(c: Connection, names: Collection[str]) -> dict[str, dict[str, Event]]:
    """What is known to happen to these references, by reference and by name."""
    found: dict[str, dict[str, Event]] = {}
    for some in in_parts(sorted(names), 900):
        for body in c.execute(select(events.c.body).where(events.c.ref.in_(some))).scalars():
            event = Event.model_validate_json(body)
            found.setdefault(event.ref, {})[event.event] = event
    return found


def touched(c: Connection, concerned: Iterable[str], now: datetime) -> None:
    """Something recorded for these references has changed: what was read of them is read again."""
    touch(c, concerned)


def _contract_changed(c: Connection, before: Contract | None, contract: Contract, writer: Writer) -> None:
    """All its references are concerned; where its zone or direction changed, its rights are worked out again."""
    if before is None:
        return
    query = "SELECT DISTINCT ref FROM rights WHERE contract = ? AND withdrawn_at IS NULL"
    writer.refs.update(ref for (ref,) in c.exec_driver_sql(query, (contract.id,)))
    turned = before.direction != contract.direction
    if turned or before.time_zone != contract.time_zone:
        for part in in_parts(known_of_contract(c, contract.id), 5000):
            _work_out_again(c, [each for each in part if turned or _zoned(each.row)], contract, writer)
            writer.write()


def _told(identity: str, row: RightRow, change: Change) -> RecordedRight:
    empty = True if _never_open(row) else None
    return RecordedRight(id=identity, external_key=row.external_key, ref=row.ref, change=change, empty=empty)


def _never_open(row: RightRow) -> bool:
    """Whether its window is empty."""
    return (row.opens, row.closes) == NEVER


def hangs(row: RightRow) -> bool:
    """Whether its window hangs on days or events."""
    return '_day":' in row.body or '_event":' in row.body


def _zoned(row: RightRow) -> bool:
    """Whether anything of it hangs on the contract's zone: its window, or the day on which its groups are read."""
    return hangs(row) or ('"start":' in row.body and any(f'"{each}"' in row.body for each in groups()))


def _work_out_again(c: Connection, known: Sequence[KnownRight], contract: Contract, writer: Writer) -> int:
    """Window by window; answers with how many moved."""
    moved = 0
    happening = known_events(c, {each.row.ref for each in known if '_event":' in each.row.body})
    for each in known:
        right = read_right(each.id, each.contract, each.row.external_key, each.row.body)
        terms, occasions = terms_of(right), happening.get(right.ref)
        again = row_of(right_on_record(right.id, terms, contract, right.external_key, occasions))
        if again != each.row:
            writer.replace(each, again)
            moved += 1
    return moved


def _windows_again(c: Connection, ref: str, now: datetime, by: str) -> Written:
    writer = Writer(c, now, by)
    moved = 0
    hanging = [each for each in known_by(c, "ref", [ref]) if '_event":' in each.row.body and not each.withdrawn]
    for identity in sorted({each.contract for each in hanging}):
        contract = contract_by_id(c, identity)
        moved += _work_out_again(c, [each for each in hanging if each.contract == identity], contract, writer)
    writer.write()
    touched(c, writer.refs, now)
    return Written({}, {"updated": moved}, frozenset(writer.refs))


def _empty(c: Connection, event: Event) -> tuple[str, ...]:
    """Rights whose window hangs on the event and is empty."""
    never = [each for each in known_by(c, "ref", [event.ref]) if _never_open(each.row) and not each.withdrawn]
    read = (read_right(each.id, each.contract, each.row.external_key, each.row.body) for each in never)
    lags = ((right.id, lag) for right in read for lag in (right.start_event, right.end_event) if lag)
    return tuple(sorted({identity for identity, lag in lags if lag.event == event.event}))


def _save_right(
    c: Connection, given: RightGiven, contract: Contract, writer: Writer, new_id: NewId
) -> tuple[str, RightRow, Change]:
    known = _known_right(c, given)
    key = given.external_key or (known.row.external_key if known else None)
    row = row_of(_on_record(c, given, contract, key))
    if known is None and key is None and (known := known_like(c, contract.id, row)) is not None:
        row = row._replace(external_key=known.row.external_key)
    identity = new_id("rgt") if known is None else known.id
    return identity, row, _save_row(known, identity, contract.id, row, writer)


def _on_record(c: Connection, terms: RightTerms, contract: Contract, key: str | None) -> Right:
    lags = terms.start_event or terms.end_event
    happening = known_events(c, [terms.ref]).get(terms.ref) if lags else None
    right = right_on_record("", terms, contract, key, happening)
    check_places(right)
    return right


def _at_right(number: int, given: RightGiven, problem: Problem) -> Problem:
    """The problem with the place of the right it is in."""
    at = f"rights.{number}"
    named = given.external_key or given.id or given.ref
    return Problem(problem.code, f"{at} ({named}): {problem.message}", problem.hint, **{**problem.details, "at": at})


def _known_right(c: Connection, given: RightGiven) -> KnownRight | None:
    found = None
    if given.external_key is not None:
        found = next(known_by(c, "external_key", [given.external_key]), None)
    if given.id is None:
        return found
    known = next(known_by(c, "id", [given.id]), None)
    if known is None:
        raise not_on_record("right", given.id)
    check_key_free("right", given.external_key, known.id, found.id if found else None)
    return known


def _save_row(
    known: KnownRight | None, identity: str, contract: str, row: RightRow, writer: Writer, *, move: bool = False
) -> Change:
    if known is None:
        writer.make(identity, contract, row)
        return "created"
    if known.contract != contract and move:
        writer.move(known, contract, row)
        return "updated"
    if known.contract != contract:
        raise Problem(
            "CONFLICT",
            f"The right {row.external_key or known.id} belongs to the contract {known.contract}, not to {contract}.",
            "Record it under its own contract, or under another external_key.",
        )
    if known.row == row and not known.withdrawn:
        return "unchanged"
    writer.replace(known, row)
    return "updated"


def _check_keys(part: Sequence[tuple[str, RightRow]], seen: set[str]) -> None:
    for _, row in part:
        if row.external_key is None or row.external_key in seen:
            how = "has no key" if row.external_key is None else f"has the key {row.external_key} of another row"
            raise Problem("INVALID_ARGUMENT", f"A right for {row.ref} {how}.", "Give each right a key of its own.")
        seen.add(row.external_key)


def _keys(part: Sequence[tuple[str, RightRow]]) -> list[str]:
    return [row.external_key for _, row in part if row.external_key is not None]


def _find_parties(c: Connection, keys: Collection[str], parties: dict[str, str]) -> None:
    for some in in_parts(sorted(set(keys) - parties.keys()), 900):
        query = select(contracts.c.external_key, contracts.c.id).where(contracts.c.external_key.in_(some))
        parties.update({row.external_key: row.id for row in c.execute(query)})
    if missing := sorted(set(keys) - parties.keys()):
        raise not_on_record("contract", missing[0])
