"""Rights in lists, and one right with its history. Plain transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdback_base.database import load_instant
from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights.answers import RightBefore, RightListed
from holdback_servers.rights.model import ContractStatus, RightKind
from holdback_servers.rights.rows import ContractRow, read_contract, read_facts, read_right
from holdback_servers.rights.store.books import marks, taken_of
from holdback_servers.rights.writing import contract_by_id

_SCANNED: Final = 20_000
"""Rights looked at for one page of a list: beyond it the page ends early."""
_LIST = "SELECT r.id, r.kind, r.facts, r.status FROM rights r WHERE {} ORDER BY r.id LIMIT ?"


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
        f" WHERE r.id IN ({marks(wanted)}) ORDER BY r.id"
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
    taken = taken_of(c, limited)
    counts = {identity: taken.get(identity, 0) for identity in limited}
    return tuple(
        each.model_copy(update={"runs_taken": counts[each.right.id]}) if each.right.id in counts else each
        for each in items
    )
