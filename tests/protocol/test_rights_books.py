"""Books of references with many rights: what is read of them for one window decides as all of them would."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import Any

from holdback_base.elements import CutFacts, Element, ElementKind, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.rights import recording, runs, store
from holdback_servers.rights.answers import ContractGiven
from holdback_servers.rights.clearance import BLANKET, ask, decide, refs_of
from holdback_servers.rights.deciding import Deciding
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.plans import plans
from holdback_servers.rights.report import Asked
from holdback_servers.rights.rows import RightRow, row_of
from holdback_servers.rights.store import Shelf
from holdback_servers.rights.windows import Window, window
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILM = "film:lantern-road"
BY = "person:robin"
KINDS: tuple[tuple[str, ElementKind], ...] = (("film:a", "programme"), ("music:d", "music_master"))
PLACES = ["GB", "DE", "FR", "US", "US-CA", "EU", "DACH", "WORLD"]
MEDIA = ["all", "vod", "vod.svod", "social", "social.youtube", "linear"]


@contextmanager
def catalogue() -> Generator[Connection]:
    """A connection to an empty store of rights."""
    engine = create_engine("sqlite://")
    with engine.connect() as c:
        store.METADATA.create_all(c)
        yield c
    engine.dispose()


def deal(name: str) -> ContractGiven:
    shape = {"external_key": name, "counterparty": "Harbour Pictures (invented)", "direction": "in", "status": name}
    return ContractGiven.model_validate(shape)


def row(key: str, ref: str = FILM, **terms: Any) -> RightRow:
    """A row as an import prepares it."""
    shape = {"ref": ref, "kind": "grant", "media": ["all"], "territories": ["WORLD"], **terms}
    party = contract_on_record("", deal("active"))
    return row_of(right_on_record("", RightTerms.model_validate(shape), party, key))


def record(c: Connection, *rows: tuple[str, RightRow]) -> None:
    deals = [deal(name) for name in ("active", "inactive")]
    recording.record_rows(c, deals, rows, new_id=id_maker(lambda: NOW), now=NOW, by=BY)


def years(first: int, last: int, **terms: Any) -> list[tuple[str, RightRow]]:
    """A grant for each of these years from now, one after the other."""
    begins = {n: NOW + timedelta(days=365 * n) for n in range(first, last + 1)}
    return [("active", row(f"in{n}", start=begins[n], end=begins[n + 1], **terms)) for n in range(first, last)]


def within(question: Asked) -> Window:
    return window(question.window.start, question.window.end)


def asked(*places: str, days: tuple[int, int | None] = (1, 8), **more: Any) -> Asked:
    start, end = NOW + timedelta(days=days[0]), None if days[1] is None else NOW + timedelta(days=days[1])
    return ask(places or ("GB",), more.pop("on", ("vod.svod",)), start=start, end=end, purpose="promotion", **more)


def test_of_many_rights_only_those_of_the_window_are_read_where_no_other_can_decide() -> None:
    question, shelf = asked(), Shelf()
    with catalogue() as c:
        record(c, *years(-50, 50, territories=["DE"]))
        (part,) = store.books(c, [FILM], shelf, within(question)).values()
        assert store.books(c, [FILM], shelf, within(question))[FILM] is part
        (whole,) = store.books(c, [FILM], shelf).values()
        (across,) = store.books(c, [FILM], Shelf(), within(asked(days=(360, 370)))).values()
    assert [len(each.entries) for each in (part, whole, across)] == [1, 100, 100]
    assert part.snapshot == whole.snapshot == across.snapshot


def test_a_change_beside_the_window_gives_the_part_another_snapshot_and_runs_do_not() -> None:
    question, shelf = asked(), Shelf()
    with catalogue() as c:
        record(c, *years(-50, 50, max_runs=3))
        (before,) = store.books(c, [FILM], shelf, within(question)).values()
        right = before.entries[0].id
        runs.reserve(c, "pub_1", [(right, NOW + timedelta(days=2))], now=NOW, by=BY)
        (taken,) = store.books(c, [FILM], shelf, within(question)).values()
        record(c, *years(-50, -49, territories=["GB"]))
        (after,) = store.books(c, [FILM], shelf, within(question)).values()
    assert [each.entries[0].taken for each in (before, taken, after)] == [0, 1, 1]
    assert before.snapshot == taken.snapshot != after.snapshot


def some_rights(chance: Random) -> list[tuple[str, RightRow]]:
    """Many rights of few references, of every kind, with windows of every length, near and far."""
    rows: list[tuple[str, RightRow]] = []
    through = chance.choice((0.02, 0.3))
    for n in range(chance.randrange(60, 300)):
        start = NOW + timedelta(days=chance.choice((-900, -400, -30, 5, 40, 700)), hours=chance.randrange(24))
        end = start + timedelta(hours=chance.choice((1, 24, 24 * 60, 24 * 500)))
        long = chance.random() < through
        shape = {
            "kind": chance.choice(("grant", "grant", "grant", "grant", "holdback", "embargo")),
            "media": chance.sample(MEDIA, chance.randrange(1, 3)),
            "territories": chance.sample(PLACES, chance.randrange(1, 3)),
            "start": NOW - timedelta(days=9000) if long else start,
            "end": None if long else end,
            "purposes": chance.choice(((), (), ("promotion",), ("training",))),
            "languages": chance.choice(((), (), ("de",), ("subtitle:de", "fr"))),
            "element_kinds": chance.choice(((), ("music_performance",), ("music_master", "music_publishing"))),
        }
        ref = chance.choice(("film:a", "film:a", "music:d", BLANKET))
        rows.append((chance.choice(("active", "active", "inactive")), row(f"k{n}", ref, **shape)))
    return rows


def a_cut(kinds: Sequence[tuple[str, ElementKind]]) -> CutFacts:
    whole = (Span(in_frame=0, out_frame=240),)
    elements = tuple(Element(id=ref, kind=kind, ref=ref, name=ref, spans=whole) for ref, kind in kinds)
    return CutFacts(media=f"sha256:{1:064}", element_list=ElementList(rate=Rate(num=24), frames=240, elements=elements))


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**9))
def test_a_report_on_part_of_many_rights_is_the_report_on_all_of_them(seed: int) -> None:
    chance, cut = Random(seed), a_cut(KINDS)
    first = chance.choice((-300, 0, 3, 600))
    days = (first, chance.choice((None, first + 1, first + 7, first + 400)))
    question = asked(*chance.sample(PLACES, 3), on=chance.sample(MEDIA, 2), days=days, languages=("de",))
    with catalogue() as c:
        record(c, *some_rights(chance))
        books = [store.books(c, refs_of([cut]), Shelf(), meeting) for meeting in (within(question), None)]
        decided = [decide(question, [cut], known) for known in books]
        told = [
            report(decision, plans(decision, known)).model_dump(mode="json")
            for decision, known in zip(decided, books, strict=True)
        ]
    assert told[0] == told[1]


def test_an_answer_is_kept_for_as_long_as_nothing_that_it_was_decided_by_changes() -> None:
    question, deciding, cut = asked("GB", "DE"), Deciding(Shelf()), a_cut(KINDS[:1])
    film = cut.element_list.elements[0].ref
    with catalogue() as c:
        unknown = deciding.answer(c, question, [cut])
        record(c, ("active", row("in", film, start=NOW, max_runs=1)), ("active", row("other", "film:other", start=NOW)))
        cleared = deciding.answer(c, question, [cut])
        record(c, ("active", row("other", "film:other", start=NOW, territories=["GB"])))
        assert deciding.answer(c, question, [cut]) is cleared
        assert deciding.answer(c, question, [cut], plans=False) is not cleared
        (right,) = cleared[0].books[film].entries
        runs.reserve(c, "pub_1", [(right.id, NOW + timedelta(days=2))], now=NOW, by=BY)
        exhausted = deciding.answer(c, question, [cut])
        record(c, ("active", row("in", film, start=NOW, territories=["GB"])))
        narrower = deciding.answer(c, question, [cut])
    told = [each.report.verdict for each in (unknown, cleared, exhausted)]
    assert told == ["NEEDS_HUMAN", "CLEARED", "DENIED"]
    assert {each.code for each in narrower.report.reasons} == {"NO_RIGHTS_IN"}


def test_only_the_last_few_answers_are_kept() -> None:
    deciding, cut = Deciding(Shelf()), a_cut(KINDS[:1])
    questions = [asked("GB", days=(1, n)) for n in range(2, 14)]
    with catalogue() as c:
        answers = [deciding.answer(c, each, [cut]) for each in questions]
        assert deciding.answer(c, questions[-1], [cut]) is answers[-1]
        assert deciding.answer(c, questions[0], [cut]) is not answers[0]
