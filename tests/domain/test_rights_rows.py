"""Rows of rights: an entry made of a row decides as one made of the record, and the record comes back whole."""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pytest
from holdback_base.vocabulary import membership_since
from holdback_servers.rights.book import Entry, Given, entry
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from holdback_servers.rights.rows import (
    DecidingRow,
    contract_row,
    entry_of,
    facts_text,
    read_contract,
    read_facts,
    read_right,
    row_of,
)

CONTRACT = contract_on_record(
    "ctr_1",
    ContractTerms(counterparty="Harbour Pictures (invented)", direction="in", status="active", time_zone="Asia/Tokyo"),
    "deal",
)
PLAIN: dict[str, Any] = {
    "ref": "film:lantern-road",
    "kind": "grant",
    "media": ["vod", "linear"],
    "territories": ["DACH", "FR", "US-CA"],
    "start": datetime(2026, 1, 1, tzinfo=UTC),
}
RICH: dict[str, Any] = {
    **PLAIN,
    "start": None,
    "first_day": "2019-05-01",
    "last_day": "2030-12-31",
    "territories": ["EU"],
    "excluded_territories": ["MT"],
    "element_kinds": ["programme"],
    "exclusive": True,
    "purposes": ["promotion"],
    "languages": ["subtitle:de", "es-419"],
    "derivative_allowed": False,
    "max_excerpt_percent": 10,
    "work_seconds": 1000,
    "max_runs": 3,
    "reruns": {"repeats": 2, "hours": 48},
    "window_max_days": 30,
    "conditions": [{"type": "credit", "text": "Ein Film, groß", "min_seconds": 2}, {"type": "blur", "ref": "logo:x"}],
    "clause": 'says "so"',
    "carried": [["avails:Term[SRP]", "4.99 EUR"]],
}
HANGING: dict[str, Any] = {**PLAIN, "start": None, "start_event": {"event": "theatrical", "lag": "P90D"}}


def a_right(terms: dict[str, Any], contract: Contract = CONTRACT) -> Right:
    return right_on_record("rgt_1", RightTerms.model_validate(terms), contract, "key")


def from_row(right: Right, contract: Contract = CONTRACT, taken: int = 0) -> Entry:
    row = row_of(right)
    window = (row.opens, row.closes)
    deciding = DecidingRow(right.id, contract.id, row.kind, contract.status, *window, row.facts, row.clause)
    return entry_of(deciding, Given(right, contract), taken)


@pytest.mark.parametrize("terms", [PLAIN, RICH, HANGING], ids=["plain", "rich", "hanging"])
def test_an_entry_of_a_row_decides_by_the_same_facts_as_one_of_the_record(terms: dict[str, Any]) -> None:
    right = a_right(terms)
    told, read = entry(right, CONTRACT, 2), from_row(right, taken=2)
    deciding = [each.name for each in fields(Entry) if each.name not in ("record", "area")]
    assert {name: getattr(read, name) for name in deciding} == {name: getattr(told, name) for name in deciding}
    assert (read.area.included, read.area.excluded) == (told.area.included, told.area.excluded)


@pytest.mark.parametrize("terms", [PLAIN, RICH, HANGING], ids=["plain", "rich", "hanging"])
def test_the_record_comes_back_whole(terms: dict[str, Any]) -> None:
    right = a_right(terms)
    row = row_of(right)
    assert read_right(right.id, CONTRACT.id, row.external_key, row.body) == right
    assert read_contract(CONTRACT.id, contract_row(CONTRACT)) == CONTRACT


def test_the_hash_of_a_row_does_not_depend_on_ids() -> None:
    other = a_right(PLAIN).model_copy(update={"id": "rgt_2", "contract": "ctr_2", "external_key": None})
    assert row_of(other).hash == row_of(a_right(PLAIN)).hash
    assert row_of(a_right({**PLAIN, "clause": "2"})).hash != row_of(other).hash


def test_a_mark_changes_with_the_right_and_with_its_contract() -> None:
    right, inactive = a_right(PLAIN), CONTRACT.model_copy(update={"status": "inactive"})
    entries = (from_row(right), from_row(right, inactive), from_row(a_right(RICH)))
    marks = {each.record.mark(each) for each in entries}
    assert len(marks) == 3


def test_rights_of_one_scope_share_their_facts_whatever_their_windows() -> None:
    later = a_right({**PLAIN, "start": datetime(2027, 3, 1, tzinfo=UTC)})
    assert facts_text(later) == facts_text(a_right(PLAIN))
    assert read_facts(facts_text(later)) is read_facts(facts_text(a_right(PLAIN)))


def test_a_group_means_its_members_on_the_day_of_the_right() -> None:
    before, after = (a_right({**PLAIN, "territories": ["EU"], "start": datetime(year, 6, 1, tzinfo=UTC)})
                     for year in (2019, 2021))  # fmt: skip
    assert from_row(before).area.covers("GB")
    assert not from_row(after).area.covers("GB")


def test_a_group_of_a_restriction_without_a_day_means_all_that_ever_were_members() -> None:
    right = a_right({**PLAIN, "kind": "embargo", "territories": ["EU"], "start": None})
    assert from_row(right).area is entry(right, CONTRACT).area
    assert from_row(right).area.touches("GB")


def test_membership_is_the_same_since_its_last_change() -> None:
    assert membership_since(["EU"], date(2026, 1, 1)) == date(2020, 2, 1)
    assert membership_since(["EU"], date(2020, 1, 31)) == date(2013, 7, 1)
    assert membership_since(["FR", "WORLD"], date.max) == date.min
