"""The rights of a prepared file as they would be recorded: under their keys, with windows by the events known."""

from collections.abc import Iterator, Mapping
from typing import Final

from holdback_base.problem import Problem
from sqlalchemy import Connection

from holdback_servers.rights import recording
from holdback_servers.rights.importing.preparing import Prepared, PreparedRight
from holdback_servers.rights.model import Contract, contract_on_record, right_on_record, terms_of
from holdback_servers.rights.moments import Event
from holdback_servers.rights.rows import RightRow, read_right, row_of
from holdback_servers.rights.writing import in_parts

_PART: Final = 5_000


def resolved(c: Connection, prepared: Prepared, keys: Mapping[str, str] | None = None) -> Iterator[PreparedRight]:
    """The rights of the file, with windows worked out by the events on record and in the file.

    Args:
        keys: the key that a right gets instead of its own.

    Raises:
        Problem: for a right that cannot stand with an event, naming its place.
    """
    parties = {each.key: contract_on_record("", each.terms, each.key) for each in prepared.head.contracts}
    coming: dict[str, dict[str, Event]] = {}
    for event in prepared.head.events:
        coming.setdefault(event.ref, {})[event.event] = event
    for part in in_parts(prepared.rights(), _PART):
        refs = {each.row.ref for each in part if _hangs(each)}
        known = recording.known_events(c, refs) if refs else {}
        for each in part:
            happening = known.get(each.row.ref, {}) | coming.get(each.row.ref, {})
            if happening and _hangs(each):
                each = each._replace(row=_again(each, parties[each.contract], happening))
            key = (keys or {}).get(str(each.row.external_key))
            yield each if key is None else each._replace(row=each.row._replace(external_key=key))


def _hangs(given: PreparedRight) -> bool:
    return '_event":' in given.row.body


def _again(given: PreparedRight, party: Contract, happening: dict[str, Event]) -> RightRow:
    right = read_right("", "", given.row.external_key, given.row.body)
    try:
        return row_of(right_on_record("", terms_of(right), party, given.row.external_key, happening))
    except Problem as problem:
        raise Problem(problem.code, f"{given.place}: {problem.message}", problem.hint) from problem
