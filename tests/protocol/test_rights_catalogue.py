"""The rights store at work: bulk recording, withdrawal, events, what is found by reach, and that changes are seen."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import Any

import pytest
from holdback_base.database import Database
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_servers.rights import recording, store
from holdback_servers.rights.answers import Available, ContractGiven, RightGiven
from holdback_servers.rights.catalogue import available
from holdback_servers.rights.clearance import BLANKET, ask
from holdback_servers.rights.model import Purpose, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.moments import Event, EventLag
from holdback_servers.rights.report import Asked
from holdback_servers.rights.rows import RightRow, row_of
from holdback_servers.rights.store import Listing, Shelf
from holdback_servers.rights.tables import history, reach, refs, rights
from holdback_servers.rights.windows import EVER, OPEN
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, select

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILM = "film:lantern-road"
BY = "person:robin"


@contextmanager
def catalogue(path: Path | None = None) -> Generator[Connection]:
    """A connection to an empty store of rights."""
    engine = create_engine("sqlite://" if path is None else f"sqlite:///{path}")
    with engine.connect() as c:
        store.METADATA.create_all(c)
        yield c
    engine.dispose()


def new_id(kind: str) -> str:
    return id_maker(lambda: NOW)(kind)


def contract(key: str = "deal", **terms: Any) -> ContractGiven:
    shape = {"counterparty": "Harbour Pictures (invented)", "direction": "in", "status": "active", **terms}
    return ContractGiven.model_validate({"external_key": key, **shape})


def grant(ref: str = FILM, **terms: Any) -> RightGiven:
    shape = {"kind": "grant", "media": ["all"], "territories": ["WORLD"], "start": NOW - timedelta(days=9), **terms}
    return RightGiven.model_validate({"ref": ref, **shape})


def row(key: str, ref: str = FILM, **terms: Any) -> RightRow:
    """A row as an import prepares it."""
    given, party = grant(ref, **terms), contract_on_record("", contract())
    return row_of(right_on_record("", RightTerms.model_validate(given.model_dump(exclude={"id", "external_key"})),
                                  party, key))  # fmt: skip


def record(c: Connection, given: ContractGiven, *right_list: RightGiven, now: datetime = NOW) -> list[str]:
    done = recording.record(c, given, right_list, new_id=new_id, now=now, by=BY)
    return [each.id for each in done.rights]


def bulk(c: Connection, *rows: RightRow, given: Sequence[ContractGiven] | None = None) -> recording.Written:
    deals = [contract()] if given is None else given
    return recording.record_rows(c, deals, [("deal", each) for each in rows], new_id=new_id, now=NOW, by=BY)


def asked(
    *places: str,
    on: Sequence[str] = ("vod.svod",),
    days: tuple[int, int | None] = (1, 8),
    purpose: Purpose = "promotion",
    languages: Sequence[str] = (),
) -> Asked:
    start, end = NOW + timedelta(days=days[0]), None if days[1] is None else NOW + timedelta(days=days[1])
    return ask(places or ("GB",), on, start=start, end=end, purpose=purpose, languages=languages)


def found(c: Connection, question: Asked, limit: int = 50) -> list[str]:
    items, _ = store.available_page(c, question, derivative=True, limit=limit)
    return [each.ref for each in items]


def versions(c: Connection) -> dict[str, int]:
    return {each.ref: each.version for each in c.execute(select(refs))}


def indexed(c: Connection) -> int:
    return c.execute(select(func.count()).select_from(reach)).scalar_one()


def test_rows_recorded_again_are_left_alone_and_changed_ones_keep_what_they_were() -> None:
    with catalogue() as c:
        first = bulk(c, row("a"), row("b", "film:second"), row("c", "film:third"))
        seen = versions(c)
        again = bulk(c, row("a"), row("b", "film:second", territories=["GB"]), row("d", "film:fourth"))
        kept = c.execute(select(history)).all()
    assert (first.contracts, first.rights) == ({"created": 1}, {"created": 3})
    assert (again.contracts, again.rights) == ({"unchanged": 1}, {"unchanged": 1, "updated": 1, "created": 1})
    assert again.refs == {"film:second", "film:fourth"}
    assert [each.replaced_by for each in kept] == [BY]
    assert '"territories":["WORLD"]' in kept[0].body
    assert seen.keys() == {FILM, "film:second", "film:third"}


def test_rows_with_one_key_twice_are_refused() -> None:
    with catalogue() as c, pytest.raises(Problem, match="film:second has the key a of another row"):
        bulk(c, row("a"), row("a", "film:second"))


def test_a_row_of_a_contract_nobody_recorded_is_refused() -> None:
    with catalogue() as c, pytest.raises(Problem, match="There is no contract deal"):
        bulk(c, row("a"), given=[])


def test_a_row_may_belong_to_a_contract_on_record() -> None:
    with catalogue() as c:
        bulk(c, row("a"))
        assert bulk(c, row("b"), given=[]).rights == {"created": 1}


def test_a_key_of_another_contract_is_refused() -> None:
    with catalogue() as c:
        recording.record(c, contract("other"), [grant(external_key="a")], new_id=new_id, now=NOW, by=BY)
        with pytest.raises(Problem, match="belongs to the contract"):
            bulk(c, row("a"))


def test_what_is_withdrawn_by_prefix_is_in_no_book_and_no_list_and_comes_back_when_recorded() -> None:
    with catalogue() as c:
        bulk(c, row("avails:x:1"), row("avails:x:2", "film:second"), row("avails:y:1", "film:third"))
        before = indexed(c)
        done = recording.withdraw(c, prefix="avails:x:", now=NOW + timedelta(hours=1), by=BY)
        listed = [each.right.ref for each in store.list_rights(c, Listing())[0]]
        left, spots = store.books(c, [FILM, "film:second", "film:third"], Shelf()), indexed(c)
        once_more = recording.withdraw(c, ["avails:x:1", "unknown"], now=NOW, by=BY)
        back = bulk(c, row("avails:x:1"))
        assert found(c, asked()) == [FILM, "film:third"]
    assert (done.rights, done.refs) == ({"withdrawn": 2}, {FILM, "film:second"})
    assert listed == ["film:third"]
    assert left.keys() == {"film:third"}
    assert spots == before // 3
    assert once_more.rights == {"withdrawn": 0}
    assert back.rights == {"updated": 1}


def test_a_right_is_told_with_its_contract_and_what_it_was() -> None:
    with catalogue() as c:
        (identity,) = record(c, contract(), grant(external_key="a", clause="1"))
        record(c, contract(), grant(external_key="a", clause="2"), now=NOW + timedelta(hours=1))
        recording.withdraw(c, ["a"], now=NOW + timedelta(hours=2), by=BY)
        told = store.the_right(c, identity)
        listed, _ = store.list_rights(c, Listing(withdrawn=True))
        with pytest.raises(Problem, match="There is no right rgt_none"):
            store.the_right(c, "rgt_none")
    assert told.history is not None
    assert [each.right.clause for each in told.history] == ["2", "1"]
    assert told.history[0].until == told.withdrawn == NOW + timedelta(hours=2)
    assert told.contract is not None
    assert [each.right.id for each in listed] == [identity]


def test_an_event_moves_the_windows_that_hang_on_it_and_one_put_off_takes_them_back() -> None:
    lag = EventLag(event="theatrical", lag="P90D")
    with catalogue() as c:
        record(c, contract(time_zone="Europe/Berlin"), grant(start=None, start_event=lag), grant("film:second"))
        hidden = found(c, asked())
        done = recording.record_event(c, Event(ref=FILM, event="theatrical", day=date(2026, 8, 1)), NOW, BY)
        again = recording.record_event(c, Event(ref=FILM, event="theatrical", day=date(2026, 8, 1)), NOW, BY)
        (book,) = store.books(c, [FILM], Shelf()).values()
        opened, start = found(c, asked()), book.entries[0].right.start
        off = recording.forget_event(c, FILM, "theatrical", NOW, BY)
        (book,) = store.books(c, [FILM], Shelf()).values()
        assert found(c, asked()) == hidden == ["film:second"]
    assert (done.rights, done.refs, again.refs, off.refs) == ({"updated": 1}, {FILM}, frozenset(), {FILM})
    assert opened == [FILM, "film:second"]
    assert start == datetime(2026, 10, 29, 23, tzinfo=UTC)
    assert book.entries[0].unresolved == ("theatrical",)


def test_an_event_before_a_fixed_start_is_recorded_and_leaves_that_window_empty() -> None:
    starts = datetime(2026, 11, 1, tzinfo=UTC)
    until = EventLag(event="broadcast")
    early, late = (Event(ref=FILM, event="broadcast", day=day) for day in (date(2026, 10, 30), date(2027, 1, 5)))
    with catalogue() as c:
        holdback = grant(kind="holdback", start=starts, end_event=until)
        names = record(c, contract(), grant(), holdback, grant(start=starts, end_event=until, clause="2"))
        held = found(c, asked())
        done = recording.record_event(c, early, NOW, BY)
        again = recording.record_event(c, early, NOW, BY)
        (book,) = store.books(c, [FILM], Shelf()).values()
        opened, spots = found(c, asked()), indexed(c)
        told, _ = recording.record_telling(c, contract(), [holdback], new_id=new_id, now=NOW, by=BY)
        moved = recording.record_event(c, late, NOW, BY)
        assert (held, opened, found(c, asked())) == ([], [FILM], [])
        assert indexed(c) == 2 * spots
    assert done.empty == again.empty == tuple(sorted(names[1:]))
    assert [each.id for each in book.meeting((EVER, OPEN))] == names[:1]
    assert [(each.change, each.empty) for each in told.rights] == [("unchanged", True)]
    assert (moved.empty, moved.rights) == ((), {"updated": 2})


def test_another_zone_of_a_contract_reads_groups_again_on_the_day_a_plain_start_has_there() -> None:
    last_hour = datetime(2020, 1, 31, 23, 30, tzinfo=UTC)  # of the day on which GB left the EU
    with catalogue() as c:
        record(c, contract(), grant(territories=["EU"], start=last_hour), grant("film:second", start=last_hour))
        before = found(c, asked("GB"))
        moved, _ = recording.record_telling(c, contract(time_zone="Europe/Berlin"), [], new_id=new_id, now=NOW, by=BY)
        after = found(c, asked("GB"))
        record(c, contract(time_zone="UTC"))
        assert found(c, asked("GB")) == before == [FILM, "film:second"]
    assert moved.contract.change == "updated"
    assert after == ["film:second"]


def test_a_right_recorded_after_its_event_has_its_window_at_once() -> None:
    with catalogue() as c:
        recording.record_event(c, Event(ref=FILM, event="broadcast", at=NOW - timedelta(days=3)), NOW, BY)
        record(c, contract(), grant(start=None, start_event=EventLag(event="broadcast", lag="P1D")))
        assert found(c, asked()) == [FILM]


def test_a_right_has_the_status_of_its_contract_also_when_it_changes_and_when_the_right_moves() -> None:
    row = row_of(right_on_record("", grant(), contract_on_record("", contract()), "a"))
    with catalogue() as c:
        statuses: list[str] = []
        for given in (contract(), contract(status="draft"), contract("other", status="pending")):
            key = str(given.external_key)
            recording.record_rows(c, [given], [(key, row)], new_id=new_id, now=NOW, by=BY, move=True)
            (entry,) = store.books(c, [FILM], Shelf())[FILM].entries
            statuses += [entry.status, entry.contract.status]
    assert statuses == ["active", "active", "draft", "draft", "pending", "pending"]


def test_another_status_of_a_contract_touches_all_its_references_and_moves_no_window() -> None:
    with catalogue() as c:
        bulk(c, *(row(f"k{n}", f"film:f{n}") for n in range(30)))
        seen = versions(c)
        done = recording.record_rows(c, [contract(status="inactive")], [], new_id=new_id, now=NOW, by=BY)
        assert found(c, asked()) == []
        assert c.execute(select(func.count()).select_from(history)).scalar_one() == 0
        assert all(seen[ref] != version for ref, version in versions(c).items())
    assert len(done.refs) == 30


def test_a_shelf_keeps_so_many_entries_and_those_used_last() -> None:
    with catalogue() as c:
        bulk(c, *(row(f"{name}{n}", f"film:{name}") for name in "abc" for n in range(10)))
        shelf = Shelf(weight=40)
        first, second = (store.books(c, [f"film:{name}"], shelf)[f"film:{name}"] for name in "ab")
        assert store.books(c, ["film:a"], shelf)["film:a"] is first
        store.books(c, ["film:c"], shelf)
        assert store.books(c, ["film:a"], shelf)["film:a"] is first
        assert store.books(c, ["film:b"], shelf)["film:b"] is not second


def test_what_was_read_in_a_change_that_was_undone_is_read_again() -> None:
    shelf = Shelf()
    with catalogue() as c:
        record(c, contract(), grant(external_key="a"))
        c.commit()
        with c.begin_nested() as undone:
            record(c, contract(), grant(external_key="a", territories=["GB"]))
            store.books(c, [FILM], shelf)
            undone.rollback()
        record(c, contract(), grant(external_key="a", territories=["FR"]))
        (entry,) = store.books(c, [FILM], shelf)[FILM].entries
        assert entry.right.territories == ("FR",)


@pytest.mark.asyncio
async def test_a_change_made_through_another_opening_of_the_file_is_seen_by_the_next_decision(tmp_path: Path) -> None:
    shelf = Shelf()
    here, there = (Database(tmp_path / "rights.sqlite", store.METADATA) for _ in range(2))
    try:
        await there.write(lambda c: record(c, contract(), grant(external_key="a")))
        before = await here.read(lambda c: store.books(c, [FILM], shelf))
        await there.write(lambda c: record(c, contract(), grant(external_key="a", territories=["GB"])))
        after = await here.read(lambda c: store.books(c, [FILM], shelf))
    finally:
        here.close()
        there.close()
    assert before[FILM].entries[0].area.covers("FR")
    assert not after[FILM].entries[0].area.covers("FR")


def test_a_page_goes_on_where_the_one_before_ended() -> None:
    with catalogue() as c:
        bulk(c, *(row(f"k{n}", f"film:f{n:02}", territories=["FR"] if n % 3 else ["GB"]) for n in range(60)))
        pages: list[str] = []
        after: str | None = ""
        while after is not None:
            items, after = store.available_page(c, asked("GB"), derivative=True, after=after, limit=7)
            pages += [each.ref for each in items]
    assert pages == [f"film:f{n:02}" for n in range(0, 60, 3)]


PLACES = ["GB", "DE", "FR", "US", "US-CA", "CA", "EU", "DACH", "WORLD", "LATAM"]
MEDIA = ["all", "vod", "vod.svod", "social", "social.youtube", "linear"]


def some_grants(chance: Random) -> list[RightRow]:
    """Rights of a small catalogue, of every kind, with windows of every length, near and far."""
    rows: list[RightRow] = []
    for n in range(chance.randrange(1, 30)):
        start = NOW + timedelta(days=chance.choice((-9000, -400, -30, -3, 0, 5, 40, 700)), hours=chance.randrange(24))
        end = start + timedelta(hours=chance.choice((1, 24, 24 * 60, 24 * 500, 24 * 5000)))
        many = chance.random() < 0.2
        places = chance.sample(PLACES, chance.randrange(1, 4)) if not many else ["GB", "DE", "FR", "IT", "ES", "SE",
                                                                                 "NO", "FI", "DK", "PL"]  # fmt: skip
        rows.append(
            row(
                f"k{n}",
                chance.choice(("film:a", "film:b", "film:c", "music:d", "thing:e", BLANKET)),
                media=chance.sample(MEDIA, chance.randrange(1, 3)),
                territories=places,
                excluded_territories=["DE"] if chance.random() < 0.2 else [],
                start=start,
                end=end if chance.random() < 0.8 else None,
                kind=chance.choice(("grant", "grant", "grant", "holdback", "embargo")),
                purposes=chance.choice(((), (), ("promotion",), ("training",))),
                languages=chance.choice(((), (), ("de",), ("subtitle:de", "fr"))),
            )
        )
    return rows


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_find_available_finds_what_judging_every_reference_finds(seed: int) -> None:
    chance = Random(seed)
    with catalogue() as c:
        bulk(c, *some_grants(chance))
        if chance.random() < 0.5:
            recording.withdraw(c, [f"k{n}" for n in range(0, 30, 3)], now=NOW, by=BY)
        first = chance.choice((-300, 0, 3, 600))
        last = chance.choice((None, first + 1, first + 7, first + 2000))
        question = asked(
            *chance.sample(PLACES, chance.randrange(1, 4)),
            on=chance.sample(MEDIA, 2),
            days=(first, last),
            purpose=chance.choice(("promotion", "promotion", "training")),
            languages=chance.choice(((), ("de",), ("fr", "subtitle:de"))),
        )
        every = [each.ref for each in c.execute(select(rights.c.ref).distinct().order_by(rights.c.ref))]
        known = store.books(c, every, Shelf())
        judged = [available(ref, known, question, derivative=True) for ref in every]
        items, more = store.available_page(c, question, derivative=True)
    assert more is None
    assert _plain(items) == _plain([each for each in judged if each is not None])


def _plain(items: Sequence[Available]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in items]
