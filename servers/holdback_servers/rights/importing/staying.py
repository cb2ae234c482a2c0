"""Contracts that came in by a rights sheet and that this one does not name. Plain reading.

A sheet speaks for the contracts it names only, so their rights stay: those of another sheet should, and those of a
contract that was renamed or whose lines were deleted should not. Nobody but the person who sends it can tell.
"""

import json
from collections.abc import Collection
from itertools import islice

from sqlalchemy import Connection

from holdback_servers.rights.importing.outcome import SHOWN, ContractStays
from holdback_servers.rights.interchange.sheet_contracts import PREFIX

_STANDING = "SELECT count(*) FROM rights WHERE contract = ? AND withdrawn_at IS NULL"
_CONTRACTS = (
    "SELECT id, external_key, body FROM contracts WHERE external_key >= ? AND external_key < ? AND EXISTS"
    " (SELECT 1 FROM rights WHERE contract = contracts.id AND withdrawn_at IS NULL) ORDER BY external_key"
)


def staying(c: Connection, named: Collection[str]) -> tuple[tuple[ContractStays, ...], int]:
    """Contracts of sheets with rights that stand, without those `named` by their keys: the first, and how many."""
    keys = set(named)
    found = [row for row in c.exec_driver_sql(_CONTRACTS, (PREFIX, PREFIX + "\U0010ffff")) if row[1] not in keys]
    told: list[ContractStays] = []
    for identity, _, text in islice(found, SHOWN):
        body = json.loads(text)
        rights = c.exec_driver_sql(_STANDING, (identity,)).scalar_one()
        told.append(ContractStays(contract=body.get("title") or body["counterparty"], rights=rights))
    return tuple(told), len(found)
