"""Recording contracts and rights: made, replaced or left as they are, all of a call or nothing. Plain transactions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from holdback_base.canonical import canonical_sha256
from holdback_base.database import store_instant
from holdback_base.ids import NewId
from holdback_base.problem import Problem
from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from holdback_servers.rights.answers import (
    Change,
    ContractGiven,
    Recorded,
    RecordedContract,
    RecordedRight,
    RightGiven,
)
from holdback_servers.rights.model import Contract, Right, contract_on_record, right_on_record, terms_of
from holdback_servers.rights.tables import contracts, refs, rights


def record(
    c: Connection, given: ContractGiven, right_list: Sequence[RightGiven], *, new_id: NewId, now: datetime, by: str
) -> Recorded:
    """Record a contract with rights in it: made, replaced or left as they are. All of it or nothing.

    Rights of the contract that are not given stay; their windows are worked out again when the contract changes.

    Raises:
        Problem: NOT_FOUND for an id that is not on record; CONFLICT for a right of another contract; what
            `contract_on_record` and `right_on_record` raise.
    """
    stamp = {"changed_at": store_instant(now), "changed_by": by}
    contract, change = _save_contract(c, given, new_id, stamp)
    concerned: set[str] = set()
    if change == "updated":
        concerned |= _work_out_again(c, contract)
    made: list[RecordedRight] = []
    for each in right_list:
        right, what, seen = _save_right(c, each, contract, new_id, stamp)
        concerned |= seen
        made.append(RecordedRight(id=right.id, external_key=right.external_key, ref=right.ref, change=what))
    touched(c, concerned, now)
    on_record = RecordedContract(
        id=contract.id, external_key=contract.external_key, status=contract.status, change=change
    )
    return Recorded(contract=on_record, rights=tuple(made))


def _save_contract(
    c: Connection, given: ContractGiven, new_id: NewId, stamp: Mapping[str, str]
) -> tuple[Contract, Change]:
    terms = {"id", "external_key"}
    fingerprint = canonical_sha256([given.model_dump(mode="json", exclude=terms), given.external_key])
    known = _known(c, contracts, given.id, given.external_key, "contract")
    if known is None and given.external_key is None:
        query = select(contracts).where(contracts.c.fingerprint == fingerprint, contracts.c.external_key.is_(None))
        known = c.execute(query).mappings().first()
    key = given.external_key or (known["external_key"] if known else None)
    contract = contract_on_record(known["id"] if known else new_id("ctr"), given, key)
    body = contract.model_dump(mode="json")
    if known is not None and known["body"] == body:
        return contract, "unchanged"
    values = {"external_key": key, "status": contract.status, "fingerprint": fingerprint, "body": body, **stamp}
    if known is not None:
        c.execute(update(contracts).where(contracts.c.id == contract.id).values(values))
        return contract, "updated"
    c.execute(insert(contracts).values(id=contract.id, **values))
    return contract, "created"


def _work_out_again(c: Connection, contract: Contract) -> set[str]:
    """The rights of a contract that changed: a new zone moves its days. Answers with the references concerned."""
    concerned: set[str] = set()
    for row in c.execute(select(rights).where(rights.c.contract == contract.id)).mappings().all():
        right = Right.model_validate(row["body"])
        again = right_on_record(right.id, terms_of(right), contract, right.external_key)
        concerned.add(right.ref)
        if again != right:
            c.execute(update(rights).where(rights.c.id == right.id).values(_columns(again)))
    return concerned


def _save_right(
    c: Connection,
    given: RightGiven,
    contract: Contract,
    new_id: NewId,
    stamp: Mapping[str, str],
) -> tuple[Right, Change, set[str]]:
    """The right, what happened to it, and the references whose books are no longer what they were."""
    known = _known(c, rights, given.id, given.external_key, "right")
    key = given.external_key or (known["external_key"] if known else None)
    right = right_on_record(known["id"] if known else new_id("rgt"), given, contract, key)
    if known is None and key is None:
        same = rights.c.contract == contract.id, rights.c.fingerprint == _fingerprint(right)
        known = c.execute(select(rights).where(*same)).mappings().first()
        right = right if known is None else right.model_copy(update={"id": known["id"]})
    if known is None:
        c.execute(insert(rights).values(id=right.id, **_columns(right), **stamp))
        return right, "created", {right.ref}
    if known["contract"] != contract.id:
        raise Problem(
            "CONFLICT",
            f"The right {right.id} belongs to the contract {known['contract']}, not to {contract.id}.",
            "Record it under its own contract, or under another external_key.",
        )
    if known["body"] == right.model_dump(mode="json"):
        return right, "unchanged", set()
    c.execute(update(rights).where(rights.c.id == right.id).values(**_columns(right), **stamp))
    return right, "updated", {right.ref, known["ref"]}


def _known(c: Connection, table: Any, identity: str | None, key: str | None, what: str) -> RowMapping | None:
    if identity is not None:
        found = c.execute(select(table).where(table.c.id == identity)).mappings().first()
        if found is None:
            raise Problem("NOT_FOUND", f"There is no {what} {identity}.", "Leave the id out to record a new one.")
        return found
    if key is None:
        return None
    return c.execute(select(table).where(table.c.external_key == key)).mappings().first()


def _columns(right: Right) -> dict[str, Any]:
    return {
        "external_key": right.external_key,
        "contract": right.contract,
        "ref": right.ref,
        "kind": right.kind,
        "start_at": store_instant(right.start) if right.start else None,
        "end_at": store_instant(right.end) if right.end else None,
        "fingerprint": _fingerprint(right),
        "body": right.model_dump(mode="json"),
    }


def _fingerprint(right: Right) -> str:
    return canonical_sha256(right.model_dump(mode="json", exclude={"id", "external_key"}))


def touched(c: Connection, concerned: Iterable[str], now: datetime) -> None:
    """Something recorded for these references has changed: what was read of them is read again."""
    for ref in sorted(set(concerned)):
        made = upsert(refs).values(ref=ref, version=1)
        c.execute(made.on_conflict_do_update(index_elements=["ref"], set_={"version": refs.c.version + 1}))
