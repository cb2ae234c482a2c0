"""What a prepared file would change, and changing it. Plain transactions: all of a file or nothing.

Rights are known by their keys, so that the same file again changes nothing; `pairing` finds those that a sheet does
not name. A right recorded without a key is known by its id where a file gives that.
"""

import json
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from holdback_base.ids import NewId
from sqlalchemy import Connection, select, update

from holdback_servers.rights import recording
from holdback_servers.rights.answers import ContractGiven
from holdback_servers.rights.importing.outcome import (
    SHOWN,
    ContractChange,
    Counts,
    FieldChange,
    ImportReport,
    RightChange,
    field_changes,
    right_words,
    told,
)
from holdback_servers.rights.importing.pairing import paired
from holdback_servers.rights.importing.preparing import Prepared, PreparedRight
from holdback_servers.rights.importing.resolving import resolved
from holdback_servers.rights.importing.staying import staying
from holdback_servers.rights.importing.zones import MovedZone, zone_mistakes
from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.model import ContractTerms, contract_on_record
from holdback_servers.rights.rows import ContractRow, RightRow, contract_row
from holdback_servers.rights.tables import contracts, rights
from holdback_servers.rights.writing import KnownRight, in_parts, known_by, known_under

_PART: Final = 5_000
_AT_ONCE: Final = 900
_UNSAID: Final[dict[str, Any]] = {
    name: each.default for name, each in ContractTerms.model_fields.items() if not each.is_required()
}
"""What a contract on record leaves out."""


@dataclass
class _Comparison:
    """What a file would change, as far as it has been compared."""

    counts: Counter[str] = field(default_factory=Counter[str])
    shown: dict[str, list[RightChange]] = field(default_factory=dict[str, list[RightChange]])
    parties: Counter[str] = field(default_factory=Counter[str])
    deals: list[ContractChange] = field(default_factory=list[ContractChange])
    mistakes: list[Remark] = field(default_factory=list[Remark])
    losses: list[Remark] = field(default_factory=list[Remark])
    gone: list[str] = field(default_factory=list[str])
    moved: dict[str, MovedZone] = field(default_factory=dict[str, MovedZone])
    refs: set[str] = field(default_factory=set[str])
    keys: set[str] = field(default_factory=set[str])

    def note(self, change: RightChange, *refs: str) -> None:
        """Count a change, and show it if few of its sort are shown yet."""
        self.counts[change.change] += 1
        self.refs.update(refs)
        self.shown.setdefault(change.change, []).append(change)

    def full(self, change: str) -> bool:
        """Whether enough of this sort are shown."""
        return len(self.shown.get(change, ())) >= SHOWN

    def count(self, change: str, *refs: str) -> None:
        """Count a change without showing it."""
        self.counts[change] += 1
        self.refs.update(refs)


class NotRecorded(Exception):  # noqa: N818 - what happened, with the report that says why
    """A mistake showed while a file was recorded: whoever runs the transaction undoes it and tells the report."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__(f"{report.file} is not recorded")
        self.report = report


def preview(c: Connection, prepared: Prepared) -> ImportReport:
    """What the file would change; nothing is written. With mistakes in the file only those are told."""
    found = _Comparison()
    if not prepared.head.mistakes:
        deque(_compared(c, prepared, _compare_contracts(c, prepared, found), found), maxlen=0)
        _compare_gone(c, prepared, found)
        found.mistakes += zone_mistakes(c, found.moved, found.keys.union(found.gone))
    return _report(c, prepared, found, applied=False)


def apply(
    c: Connection, prepared: Prepared, *, new_id: NewId, now: datetime, by: str
) -> tuple[ImportReport, frozenset[str]]:
    """Record the file, all of it, and tell what changed and which references are concerned.

    Raises:
        NotRecorded: with the report of its mistakes; the transaction must be undone.
        Problem: what `recording.record_rows` raises.
    """
    found = _Comparison()
    if prepared.head.mistakes:
        raise NotRecorded(_report(c, prepared, found, applied=False))
    _adopt(c, prepared)
    contract_ids = _compare_contracts(c, prepared, found)
    given = [ContractGiven(**each.terms.model_dump(), external_key=each.key) for each in prepared.head.contracts]
    rows = ((each.contract, each.row) for each in _compared(c, prepared, contract_ids, found))
    if found.parties["updated"]:  # recording these works out their rights again, so they are compared before it
        rows = iter(list(rows))
    written = recording.record_rows(c, given, rows, new_id=new_id, now=now, by=by, move=_moves(prepared))
    concerned = set(written.refs)
    for event in prepared.head.events:
        concerned |= recording.record_event(c, event, now, by).refs
    _compare_gone(c, prepared, found)
    found.mistakes += zone_mistakes(c, found.moved, found.keys.union(found.gone))
    if found.mistakes:
        raise NotRecorded(_report(c, prepared, found, applied=False))
    if found.gone:
        concerned |= recording.withdraw(c, found.gone, now=now, by=by).refs
    found.refs |= concerned
    return _report(c, prepared, found, applied=True), frozenset(concerned)


def _report(c: Connection, prepared: Prepared, found: _Comparison, *, applied: bool) -> ImportReport:
    head = prepared.head
    mistakes, losses = (*head.mistakes, *found.mistakes), (*head.losses, *found.losses)
    about = ImportReport(
        file=head.file, format=head.format, applied=False, losses=told(losses), losses_in_all=len(losses)
    )
    if mistakes:
        return about.model_copy(update={"mistakes": told(mistakes), "mistakes_in_all": len(mistakes)})
    stays, stay = staying(c, [each.key for each in head.contracts]) if head.format == "sheet" else ((), 0)
    shown = (each for change in ("created", "updated", "withdrawn") for each in found.shown.get(change, ()))
    return about.model_copy(
        update={
            "applied": applied,
            "contracts": Counts.model_validate(found.parties),
            "contract_changes": tuple(found.deals),
            "rights": Counts.model_validate(found.counts),
            "refs": len(found.refs),
            "changes": tuple(shown),
            "staying": stays,
            "staying_in_all": stay,
        }
    )


def _compared(
    c: Connection, prepared: Prepared, contract_ids: dict[str, str], found: _Comparison
) -> Iterator[PreparedRight]:
    """The rights of the file, each compared with what is on record before it is given on; those with a mistake are
    not."""
    for part in in_parts(resolved(c, prepared, paired(c, prepared)), _PART):
        known = _known(c, [str(each.row.external_key) for each in part])
        for each in part:
            key = str(each.row.external_key)
            found.keys.add(key)
            contract = contract_ids.get(each.contract, "")
            if _compare_right(each, known.get(key), contract, found, move=_moves(prepared)):
                yield each


def _compare_contracts(c: Connection, prepared: Prepared, found: _Comparison) -> dict[str, str]:
    """The ids of contracts on record by their keys in the file; each contract counted."""
    named = {each.key: each for each in prepared.head.contracts}
    given = {key: contract_row(contract_on_record("", each.terms, key)) for key, each in named.items()}
    on_record = {row.external_key: (identity, row) for identity, row in _contract_rows(c, list(given))}
    for key, row in given.items():
        known = on_record.get(key)
        found.parties["created" if known is None else "unchanged" if known[1] == row else "updated"] += 1
        if known is None or known[1] == row:
            continue
        before, after = _UNSAID | json.loads(known[1].body), _UNSAID | json.loads(row.body)
        if before["time_zone"] != after["time_zone"]:
            found.moved[known[0]] = MovedZone(named[key], before["time_zone"])
        if len(found.deals) < SHOWN:
            fields, place = field_changes(before, after), named[key].place
            found.deals.append(ContractChange(contract=after["counterparty"], place=place, fields=fields))
    return {str(key): identity for key, (identity, _) in on_record.items()}


def _contract_rows(c: Connection, keys: Sequence[str]) -> Iterator[tuple[str, ContractRow]]:
    columns = (contracts.c.id, contracts.c.external_key, contracts.c.status, contracts.c.hash, contracts.c.body)
    for some in in_parts(keys, _AT_ONCE):
        for row in c.execute(select(*columns).where(contracts.c.external_key.in_(some))):
            yield row.id, ContractRow(row.external_key, row.status, row.hash, row.body)
        by_id = [key for key in some if key.startswith("ctr_")]
        query = select(*columns).where(contracts.c.id.in_(by_id), contracts.c.external_key.is_(None))
        for row in c.execute(query) if by_id else ():
            yield row.id, ContractRow(row.id, row.status, row.hash, row.body)


def _known(c: Connection, keys: Sequence[str]) -> dict[str, KnownRight]:
    """Rights on record by key; those without one by their id, as if that were their key."""
    known = {str(each.row.external_key): each for each in known_by(c, "external_key", keys)}
    missing = [key for key in keys if key.startswith("rgt_") and key not in known]
    for each in known_by(c, "id", missing):
        if each.row.external_key is None:
            known[each.id] = each._replace(row=each.row._replace(external_key=each.id))
    return known


def _moves(prepared: Prepared) -> bool:
    """Whether rights may come from another contract than before: Avails name each by itself, and its deal may become
    another one, or be agreed or end."""
    return prepared.head.format in ("avails_xml", "avails_xlsx")


def _compare_right(
    given: PreparedRight, known: KnownRight | None, contract: str, found: _Comparison, *, move: bool
) -> bool:
    """Count what becomes of a right; False where that is a mistake."""
    row, key = given.row, str(given.row.external_key)
    moved = known is not None and known.contract != contract
    mistake = _mistake(given, known, elsewhere=moved and not move)
    if mistake is not None:
        found.mistakes.append(mistake)
    elif known is None or known.withdrawn:
        if found.full("created"):
            found.count("created", row.ref)
        else:
            found.note(_change("created", key, row, given.place), row.ref)
    elif known.row == row and not moved:
        found.counts["unchanged"] += 1
    elif found.full("updated"):
        found.count("updated", row.ref, known.row.ref)
    else:
        fields = field_changes(json.loads(known.row.body), json.loads(row.body))
        if moved:
            fields = (FieldChange(field="contract", before=known.contract, after=given.contract), *fields)
        change = _change("updated", key, row, given.place).model_copy(update={"fields": fields})
        found.note(change, row.ref, known.row.ref)
    return mistake is None


def _mistake(given: PreparedRight, known: KnownRight | None, *, elsewhere: bool) -> Remark | None:
    """What is wrong with a right beside what is on record, if anything."""
    ref, standing = given.row.ref, known is not None and not known.withdrawn
    if elsewhere:
        message, hint = f"{ref} is on record under another contract.", "Leave it under that, or give it another name."
    elif given.expects == "known" and not standing:
        message, hint = f"It updates {ref}, which is not on record.", "Send it as new, or as a full extract."
    elif given.expects == "new" and standing and known is not None and known.row != given.row:
        message, hint = f"It calls itself new, and {ref} is on record with other terms.", "Send it as an update."
    else:
        return None
    return Remark(place=given.place, message=message, hint=hint)


def _compare_gone(c: Connection, prepared: Prepared, found: _Comparison) -> None:
    gone: dict[str, tuple[RightRow, str]] = {}
    for prefix in prepared.head.replaces:
        for known in known_under(c, prefix):
            key = str(known.row.external_key)
            if key not in found.keys and not known.withdrawn:
                gone[key] = (known.row, "")
    places = dict(prepared.head.withdraws)
    on_record = _known(c, list(places))
    for key, place in places.items():
        known = on_record.get(key)
        if known is not None and not known.withdrawn:
            gone[key] = (known.row, place)
        else:
            what = "It takes back a right that is not on record"
            found.losses.append(Remark(place=place, message=f"{what}; nothing changes.", given=key))
    for key, (row, place) in gone.items():
        if found.full("withdrawn"):
            found.count("withdrawn", row.ref)
        else:
            found.note(_change("withdrawn", key, row, place), row.ref)
    found.gone = list(gone)


def _change(change: Any, key: str, row: RightRow, place: str) -> RightChange:
    return RightChange(change=change, key=key, right=right_words(json.loads(row.body)), place=place)


def _adopt(c: Connection, prepared: Prepared) -> None:
    """Contracts and rights without a key that the file knows by their ids take those for keys."""
    for table, keys in (
        (contracts, [each.key for each in prepared.head.contracts if each.key.startswith("ctr_")]),
        (rights, [*prepared.head.by_id, *(key for key, _ in prepared.head.withdraws if key.startswith("rgt_"))]),
    ):
        for some in in_parts(keys, _AT_ONCE):
            change = update(table).where(table.c.id.in_(some), table.c.external_key.is_(None))
            c.execute(change.values(external_key=table.c.id))
