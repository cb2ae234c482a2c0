"""What ends with a grant, and what goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from holdback_servers.rights.answers import EndingPage, EndingRight
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.conflicts.continuing import continued
from holdback_servers.rights.expiring import ending, speaks_for
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)


def grant(name: str, *, status: str = "active", **terms: Any) -> Entry:
    deal = contract_on_record(
        f"ctr_{name}", ContractTerms.model_validate({"counterparty": "Studio", "direction": "in", "status": status})
    )
    given = {"ref": "film:a", "kind": "grant", "media": ["all"], "territories": ["DE", "FR"],
             "start": datetime(2026, 1, 1, tzinfo=UTC)}  # fmt: skip
    return entry(right_on_record(f"rgt_{name}", RightTerms.model_validate(given | terms), deal), deal)


def told(first: Entry, *others: Entry) -> EndingRight:
    follows = continued(first, Book([first, *others]), ("programme",))
    return ending(first, NOW, by=follows.by, lost=follows.lost, exclusive=follows.exclusive, clearances=("clr_1",))


def test_a_grant_without_another_loses_all_it_gives() -> None:
    item = told(grant("a", end=END, clause="3"))

    assert (item.days_left, item.within_days, item.covered_on_by, item.clause) == (8, 30, (), "3")
    assert [each.text() for each in item.lost] == ["all in DE, FR, 2026-12-01T00:00:00Z onwards"]


def test_a_grant_that_goes_on_in_others_together_loses_nothing() -> None:
    item = told(
        grant("a", end=END), grant("b", territories=["DE"], end=None), grant("c", territories=["FR"], start=END)
    )

    assert (item.covered_on_by, item.lost) == (("rgt_b", "rgt_c"), ())


def test_a_grant_that_is_not_needed_is_not_named() -> None:
    assert told(grant("a", end=END), grant("b", territories=["DE"]), grant("c")).covered_on_by == ("rgt_c",)


def test_one_that_begins_later_leaves_a_gap() -> None:
    later = END + timedelta(days=3)
    item = told(grant("a", end=END), grant("b", start=later))

    assert item.covered_on_by == ()
    assert [each.text() for each in item.lost] == ["all in DE, FR, 2026-12-01T00:00:00Z to 2026-12-04T00:00:00Z"]


def test_what_is_pending_spent_or_for_less_does_not_go_on() -> None:
    first = grant("a", end=END)
    for other in (
        grant("b", status="pending"),
        grant("b", max_runs=0),
        grant("b", purposes=("news",)),
        grant("b", languages=("de",)),
        grant("b", derivative_allowed=False),
        grant("b", end=END),
    ):
        assert told(first, other).covered_on_by == (), other.right


def test_exclusivity_ends_where_what_goes_on_is_shared() -> None:
    assert told(grant("a", end=END, exclusive=True), grant("b")).exclusivity_ends
    assert not told(grant("a", end=END, exclusive=True), grant("b", exclusive=True)).exclusivity_ends


def test_marks_are_seven_thirty_and_ninety_days() -> None:
    ends = {7: timedelta(days=7), 30: timedelta(days=7, seconds=1), 90: timedelta(days=90), None: timedelta(days=91)}
    assert {told(grant("a", end=NOW + after)).within_days for after in ends.values()} == set(ends)


def test_filters_look_for_any_part_of_a_place_or_medium() -> None:
    entry = grant("a", territories=["US"], media=["vod.svod"])

    assert speaks_for(entry, "US-CA", "vod")
    assert not speaks_for(entry, "DE", None)
    assert not speaks_for(entry, None, "linear")


def test_the_text_is_a_table_with_what_follows_each_grant() -> None:
    text = EndingPage(items=(told(grant("a", end=END), grant("b", territories=["DE"])),)).text()

    assert text.splitlines() == [
        "ends                  days  right  reference  contract",
        "2026-12-01T00:00:00Z  8     rgt_a  film:a     ctr_a Studio",
        "    within 30 days; gives all in DE, FR from 2026-01-01T00:00:00Z until 2026-12-01T00:00:00Z",
        "    covered on in part by rgt_b",
        "    then nobody gives all in FR, 2026-12-01T00:00:00Z onwards",
        "    relied on by clr_1",
        "1 in all, no more.",
    ]


def test_where_nothing_ends_the_text_says_so_without_a_table() -> None:
    assert EndingPage(items=()).text() == "Nothing ends in this time."
    assert EndingPage(items=(), next_cursor="more").text() == "None so far.\nnext_cursor: more"
