"""Conflicts between contracts: what is sold without being held, sold twice, or sold against what binds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from holdback_servers.rights.answers import Conflict
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.conflicts.finding import clashes
from holdback_servers.rights.conflicts.telling import tell
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.windows import point

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def entry_of(name: str, kind: str, party: str, *, status: str = "active", contract: str = "", **terms: Any) -> Entry:
    direction = "out" if kind == "licence_out" else "in"
    deal = contract_on_record(
        f"ctr_{contract or name}",
        ContractTerms.model_validate({"counterparty": party, "direction": direction, "status": status}),
    )
    given = {
        "ref": "film:a",
        "kind": kind,
        "media": ["all"],
        "territories": ["WORLD"],
        "start": datetime(2026, 1, 1, tzinfo=UTC),
    } | terms
    return entry(right_on_record(f"rgt_{name}", RightTerms.model_validate(given), deal), deal)


def found(*entries: Entry, contract: str | None = None) -> list[Conflict]:
    clash = clashes(
        Book(entries),
        contract=contract,
        since=point(NOW),
        kinds=("programme",),
        counterparty=lambda each: each.contract.counterparty,
    )
    return [tell(each) for each in clash]


HELD = entry_of("held", "grant", "Studio", territories=["EU", "GB"], clause="2.1")


def test_a_sale_within_what_is_held_has_no_conflict() -> None:
    assert found(HELD, entry_of("sale", "licence_out", "Buyer", territories=["DE"])) == []


def test_a_sale_of_what_nobody_gave_names_the_nearest_grant_and_what_to_do() -> None:
    conflict = found(HELD, entry_of("sale", "licence_out", "Buyer", territories=["US"], clause="4"))[0]

    assert (conflict.code, conflict.right.right, conflict.right.clause) == ("NO_RIGHTS_IN", "rgt_sale", "4")
    assert conflict.other is not None
    assert (conflict.other.right, conflict.other.clause) == ("rgt_held", "2.1")
    assert conflict.scopes[0].territories == ("US",)
    assert conflict.change == "Acquire what is missing from Studio, or take it out of rgt_sale."


def test_a_sale_of_more_than_is_held_says_what_is_missing_where_and_when() -> None:
    held = entry_of("held", "grant", "Studio", territories=["US"], excluded_territories=["US-CA"], media=["vod"],
                    end=datetime(2027, 1, 1, tzinfo=UTC))  # fmt: skip
    sale = entry_of("sale", "licence_out", "Buyer", territories=["US"], media=["vod.svod", "linear"])
    conflict = found(held, sale)[0]

    assert conflict.code == "PARTIAL_RIGHTS_IN"
    assert [each.text() for each in conflict.scopes] == [
        "linear in US except US-CA, 2026-11-22T00:00:00Z onwards",
        "vod.svod in US except US-CA, 2027-01-01T00:00:00Z onwards",
        "linear, vod.svod in US-CA, 2026-11-22T00:00:00Z onwards",
    ]


def test_a_pending_contract_holds_nothing_yet_and_is_named_as_the_way_out() -> None:
    pending = entry_of("held", "grant", "Studio", status="pending")
    conflict = found(pending, entry_of("sale", "licence_out", "Buyer", territories=["US"]))[0]

    assert conflict.code == "NO_RIGHTS_IN"
    assert "of a contract that is pending" in conflict.text
    assert conflict.change.startswith("Have ctr_held made active")


def test_a_grant_that_hangs_on_an_unknown_event_holds_nothing() -> None:
    hanging = entry_of("held", "grant", "Studio", start=None, start_event={"event": "theatrical", "lag": "P90D"})
    conflict = found(hanging, entry_of("sale", "licence_out", "Buyer", territories=["US"]))[0]

    assert conflict.code == "NO_RIGHTS_IN"
    assert "theatrical" in conflict.text


def test_an_exclusive_sale_of_what_is_held_without_exclusivity() -> None:
    conflict = found(HELD, entry_of("sale", "licence_out", "Buyer", territories=["DE"], exclusive=True))[0]

    assert (conflict.code, conflict.scopes[0].territories) == ("NO_EXCLUSIVE_RIGHTS_IN", ("DE",))
    assert "without exclusivity" in conflict.change


@pytest.mark.parametrize(
    ("first", "second", "conflicts"), [(True, True, 1), (True, False, 1), (False, True, 1), (False, False, 0)]
)
def test_two_sales_conflict_where_one_is_exclusive(first: bool, second: bool, conflicts: int) -> None:
    held = entry_of("held", "grant", "Studio", exclusive=True)
    earlier = entry_of("a", "licence_out", "One", territories=["DE", "FR"], exclusive=first,
                       end=datetime(2027, 1, 1, tzinfo=UTC))  # fmt: skip
    later = entry_of("b", "licence_out", "Two", territories=["DACH"], exclusive=second, status="draft")
    overlaps = [each for each in found(held, earlier, later) if each.code == "RIGHTS_OUT_OVERLAP"]

    assert len(overlaps) == conflicts
    for each in overlaps:
        assert each.right.right == "rgt_b", "the draft is the one to change"
        assert each.scopes[0].territories == ("DE",)
        assert each.change.startswith("Begin rgt_b at 2027-01-01T00:00:00Z, take it out of rgt_b")


def test_two_sales_to_one_buyer_or_in_one_contract_are_no_conflict() -> None:
    held = entry_of("held", "grant", "Studio", exclusive=True)
    one = entry_of("a", "licence_out", "One", exclusive=True)

    assert found(held, one, entry_of("b", "licence_out", "One", exclusive=True)) == []
    assert found(held, one, entry_of("b", "licence_out", "Two", exclusive=True, contract="a")) == []


def test_a_sale_against_what_a_licensor_holds_back() -> None:
    bar = entry_of("bar", "holdback", "Studio", media=["vod"], territories=["DE"], clause="7")
    conflict = found(HELD, bar, entry_of("sale", "licence_out", "Buyer", territories=["DE", "FR"]), contract="ctr_sale")

    assert [each.code for each in conflict] == ["HOLDBACK"]
    assert conflict[0].scopes[0].text() == "vod in DE, 2026-11-22T00:00:00Z onwards"
    assert conflict[0].other is not None
    assert conflict[0].other.clause == "7"


def test_two_licensors_cannot_both_give_the_same_exclusively() -> None:
    one = entry_of("a", "grant", "One", exclusive=True, territories=["WORLD"])
    other = entry_of("b", "grant", "Two", exclusive=True, territories=["WORLD"], excluded_territories=["DE"])
    conflict = found(one, other)[0]

    assert conflict.code == "RIGHTS_IN_OVERLAP"
    assert (conflict.scopes[0].territories, conflict.scopes[0].excluded_territories) == (("WORLD",), ("DE",))


def test_what_is_over_and_what_is_rejected_never_conflict() -> None:
    over = entry_of("a", "licence_out", "One", exclusive=True, end=datetime(2026, 11, 22, tzinfo=UTC))
    rejected = entry_of("b", "licence_out", "Two", exclusive=True, status="rejected")

    assert found(over, rejected, entry_of("held", "grant", "Studio", exclusive=True)) == []


def test_music_sold_without_its_publishing_says_so() -> None:
    held = entry_of("held", "grant", "Label", element_kinds=["music_master"])
    sale = entry_of("sale", "licence_out", "Buyer", element_kinds=["music_master", "music_publishing"])
    conflict = found(held, sale)[0]

    assert (conflict.code, conflict.element_kinds) == ("PARTIAL_RIGHTS_IN", ("music_publishing",))
    assert "music publishing" in conflict.text
