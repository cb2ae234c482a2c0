"""Lines of a sheet find their rights again after they were sorted, deleted or changed, and with them the runs used."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from holdback_base.ids import id_maker
from holdback_servers.rights import runs, store
from holdback_servers.rights.exporting import chosen
from holdback_servers.rights.importing.applying import apply, preview
from holdback_servers.rights.importing.outcome import ImportReport
from holdback_servers.rights.importing.preparing import Prepared, prepare
from holdback_servers.rights.interchange.reading import read_batch
from holdback_servers.rights.store import Listing
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEW_ID = id_maker(lambda: NOW)
LINE = {
    "Reference": "film:a",
    "From whom": "Northern Film",
    "Contract": "NF-1",
    "Contract status": "active",
    "Where": "GB",
    "Platforms": "web",
    "From": "2026-01-01",
    "Max runs": "3",
}
GB, DE, FR = LINE, LINE | {"Where": "DE"}, LINE | {"Where": "FR"}


def prepared(*lines: dict[str, str]) -> Prepared:
    file = io.StringIO()
    writer = csv.DictWriter(file, list({name: None for line in lines for name in line}))
    writer.writeheader()
    writer.writerows(lines)
    return prepare(read_batch(file.getvalue().encode(), "deal.csv"), "deal.csv")


@pytest.fixture
def c() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    store.METADATA.create_all(engine)
    with engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


def take(c: Connection, *lines: dict[str, str]) -> ImportReport:
    """Record the sheet; what the preview told must be what is done, and the same sheet again must change nothing."""
    sheet = prepared(*lines)
    foretold = preview(c, sheet)
    done = apply(c, sheet, new_id=NEW_ID, now=NOW, by="person:robin")[0]
    assert done.model_copy(update={"applied": False}) == foretold
    assert preview(c, sheet).rights.model_dump() == {
        "created": 0,
        "updated": 0,
        "unchanged": len(lines),
        "withdrawn": 0,
    }
    return done


def ids(c: Connection) -> dict[str, str]:
    return {",".join(right.territories): right.id for right, _ in chosen(c, Listing(), 1000)}


def show(c: Connection, where: str) -> str:
    """Show the film there once; answers the id of the right that it was taken from."""
    right = ids(c)[where]
    runs.reserve(c, "pub_1", [(right, NOW)], now=NOW, by="person:robin")
    runs.settle(c, "pub_1", "use", None, now=NOW, by="person:robin")
    return right


def used(c: Connection) -> dict[str, int]:
    told = runs.counts(c, ids(c).values())
    return {where: told[right].used for where, right in ids(c).items()}


def test_a_used_run_stays_with_its_right_when_the_lines_are_sorted(c: Connection) -> None:
    take(c, GB, DE, FR)
    show(c, "GB")
    before = ids(c)
    assert take(c, FR, DE, GB).rights.unchanged == 3
    assert ids(c) == before
    assert used(c) == {"GB": 1, "DE": 0, "FR": 0}


def test_a_used_run_stays_with_its_right_when_the_line_before_it_is_deleted(c: Connection) -> None:
    take(c, GB, DE)
    show(c, "DE")
    done = take(c, DE)
    assert (done.rights.unchanged, done.rights.withdrawn) == (1, 1)
    assert "withdrawn grant of film:a: GB on web" in done.text()
    assert used(c) == {"DE": 1}


def test_a_line_that_is_sorted_and_changed_is_found_by_its_scope(c: Connection) -> None:
    take(c, GB, DE, FR)
    right = show(c, "DE")
    done = take(c, DE | {"Max runs": "5"}, FR | {"Until": "2027-01-01"}, GB)
    assert (done.rights.unchanged, done.rights.updated) == (1, 2)
    assert ids(c)["DE"] == right
    assert used(c) == {"GB": 0, "DE": 1, "FR": 0}


def test_lines_are_found_when_their_contract_gets_another_time_zone(c: Connection) -> None:
    first, second = GB | {"Until": "2026-12-01"}, GB | {"Until": "2027-12-01"}
    take(c, first, second)
    before = {right.last_day: right.id for right, _ in chosen(c, Listing(), 10)}
    take(c, second | {"Time zone": "Europe/Berlin"}, first)
    assert {right.last_day: right.id for right, _ in chosen(c, Listing(), 10)} == before


def test_a_line_with_another_scope_takes_the_place_of_the_one_that_is_gone(c: Connection) -> None:
    take(c, GB, DE)
    before = ids(c)
    done = take(c, DE, FR)
    assert [each.field for each in done.changes[0].fields] == ["where"]
    assert ids(c) == {"DE": before["DE"], "FR": before["GB"]}


def test_a_new_line_does_not_come_upon_the_runs_of_a_withdrawn_right(c: Connection) -> None:
    take(c, GB, DE)
    right = show(c, "GB")
    take(c, DE)
    assert take(c, FR, DE).rights.created == 1
    assert used(c) == {"DE": 0, "FR": 0}
    take(c, FR, GB, DE)
    assert ids(c)["GB"] == right
    assert used(c) == {"GB": 1, "DE": 0, "FR": 0}


def test_lines_that_name_their_right_keep_it_among_those_that_do_not(c: Connection) -> None:
    take(c, GB, DE)
    before = ids(c)
    keys = {right.id: str(right.external_key) for right, _ in chosen(c, Listing(), 10)}
    take(c, FR, DE | {"Right record": keys[before["GB"]]}, LINE | {"Where": "IE", "Line": "mine"})
    assert ids(c)["DE"] == before["GB"]
    assert ids(c)["FR"] == before["DE"]
    assert len(ids(c)) == 3


@given(order=st.permutations(range(6)), left_over=st.integers(1, 6))
def test_whatever_the_order_each_line_finds_its_right(order: list[int], left_over: int) -> None:
    lines = [LINE | {"Where": where, "Reference": f"film:{name}"} for where in ("GB", "DE", "FR") for name in "ab"]
    engine = create_engine("sqlite://")
    store.METADATA.create_all(engine)
    with engine.connect() as c, c.begin():
        apply(c, prepared(*lines), new_id=NEW_ID, now=NOW, by="person:robin")
        known = {(right.ref, right.territories): right.id for right, _ in chosen(c, Listing(), 10)}
        some = [lines[each] for each in order[:left_over]]
        take(c, *some)
        left = {(right.ref, right.territories): right.id for right, _ in chosen(c, Listing(), 10)}
        assert left == {key: known[key] for key in left}
        assert len(left) == len(some)
    engine.dispose()
