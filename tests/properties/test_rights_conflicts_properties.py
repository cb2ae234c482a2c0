"""Conflicts between contracts against a brute-force oracle, point by point, on small worlds."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import NamedTuple

from holdback_base.vocabulary import expand_territories, medium_within
from holdback_servers.rights.answers import RightsScope
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.conflicts.finding import Clash, clashes
from holdback_servers.rights.conflicts.telling import tell
from holdback_servers.rights.model import ContractTerms, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.windows import point
from hypothesis import example, given
from hypothesis import strategies as st

DAY_ZERO = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 5
HORIZON = DAYS + 3  # every window that ends has ended by then, so the last day stands for all that follow
# A code stands for what it holds beside the others named here: "US" is the rest of the country.
PLACES = {
    "DE": ("DE",),
    "GB": ("GB",),
    "IE": ("IE",),
    "US": ("US",),
    "US-CA": ("US-CA", "US"),
    "US-NY": ("US-NY", "US"),
}
MEDIA = ["linear", "social", "social.youtube", "social.instagram"]
KINDS = ("music_master", "music_publishing")
USUAL = ("editorial", "news", "promotion", "advertising")
ANY = "any"


class Point(NamedTuple):
    place: str
    medium: str
    day: int
    kind: str
    purpose: str
    language: str


def day(number: int) -> datetime:
    return DAY_ZERO + timedelta(days=number)


def some_right(chance: Random, number: int) -> Entry:
    kind = chance.choice(["grant", "grant", "licence_out", "licence_out", "holdback", "blackout", "embargo"])
    wide = kind == "grant" and chance.random() < 0.6
    direction = {"grant": "in", "licence_out": "out"}.get(kind) or chance.choice(["in", "out"])
    status = chance.choice(["active", "active", "active", "pending", "draft", "inactive", "rejected"])
    party, start = chance.choice(["A", "B", "C"]), chance.randint(-1, 0 if wide else DAYS - 1)
    length = chance.choice([None, DAYS + 1] if wide else [None, 1, 2, 3])
    contract = contract_on_record(
        f"ctr_{number // 2}{direction}{status}{party}",
        ContractTerms.model_validate({"counterparty": party, "direction": direction, "status": status}),
    )
    rare = chance.random() < 0.3
    territories = ["WORLD"] if wide else chance.sample(["DE", "GB", "US", "US-CA", "US-NY", "UKI"], 2)
    terms = RightTerms.model_validate(
        {
            "ref": "music:a",
            "kind": kind,
            "element_kinds": chance.choice([KINDS, KINDS[:1], KINDS[1:]]) if rare else (),
            "media": ["all"] if wide else chance.sample(MEDIA, chance.randint(1, 2)),
            "territories": territories,
            "excluded_territories": chance.choice([[], [], [], ["US-CA"], ["US"], ["GB"]]),
            "start": day(start),
            "end": None if length is None else day(start + length),
            "exclusive": chance.random() < 0.5,
            "purposes": chance.choice([("editorial",), ("promotion", "training"), ("training",)]) if rare else (),
            "languages": chance.choice([(), ("es",), ("de", "es")]) if rare else (),
        }
    )
    return entry(right_on_record(f"rgt_{number:02}", terms, contract), contract)


def world(seed: int) -> Book:
    chance = Random(seed)
    return Book(some_right(chance, number) for number in range(chance.randint(2, 8)))


def places_of(included: Iterable[str], excluded: Iterable[str]) -> set[str]:
    inside, outside = (expand_territories(each, date(2026, 3, 1)) for each in (included, excluded))
    return {code for code, around in PLACES.items() if not inside.isdisjoint(around) and outside.isdisjoint(around)}


def media_of(nodes: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    inside = {each for each in MEDIA if any(medium_within(each, node) for node in nodes)}
    return inside - {each for each in MEDIA if any(medium_within(each, node) for node in without)}


def days_of(start: datetime | None, end: datetime | None) -> set[int]:
    return {n for n in range(HORIZON) if (start is None or start <= day(n)) and (end is None or day(n) < end)}


def points(each: Entry, *, bars: bool, languages: Iterable[str] = ()) -> set[Point]:
    right = each.right
    usual = (*USUAL, "training") if bars else USUAL
    return {
        Point(*found)
        for found in product(
            places_of(right.territories, right.excluded_territories),
            media_of(right.media),
            days_of(right.start, right.end),
            right.element_kinds or KINDS,
            right.purposes or usual,
            right.languages or languages or ("de", "es", ANY),
        )
    }


def told(clash: Clash) -> set[Point]:
    """All points of what a conflict says."""
    right = clash.entry.right
    return {
        Point(*found)
        for scope in clash.scopes
        for found in product(
            places_of(scope.territories, scope.excluded_territories),
            media_of(scope.media, scope.excluded_media),
            days_in(scope),
            clash.kinds or right.element_kinds or KINDS,
            clash.purposes or right.purposes or USUAL,
            clash.languages or right.languages or (ANY,),
        )
    }


def days_in(scope: RightsScope) -> set[int]:
    return {n for each in scope.windows for n in days_of(each.start, each.end)}


def found(book: Book, since: int, contract: str | None = None) -> list[Clash]:
    return list(
        clashes(
            book,
            contract=contract,
            since=point(day(since)),
            kinds=KINDS,
            counterparty=lambda each: each.contract.counterparty,
        )
    )


def live(book: Book) -> list[Entry]:
    return [each for each in book.entries if each.status in ("draft", "pending", "active")]


def unheld(book: Book, since: int, *, exclusively: bool) -> Iterator[tuple[Entry, set[Point], set[Point]]]:
    """Each sale with what it sells and what of it nobody holds."""
    for sale in live(book):
        if sale.kind != "licence_out" or (exclusively and not sale.exclusive):
            continue
        sold = {each for each in points(sale, bars=False, languages=(ANY,)) if each.day >= since}
        held: set[Point] = set()
        for each in book.entries:
            if each.grants and each.status == "active" and (each.exclusive or not exclusively):
                held |= points(each, bars=False)
        yield sale, sold, sold - held


def pairs(book: Book, since: int) -> Iterator[tuple[frozenset[str], str]]:
    for one, other in product(live(book), live(book)):
        if one.id >= other.id or one.contract_id == other.contract_id:
            continue
        if code := standing(one, other, since):
            yield frozenset((one.id, other.id)), code


def standing(one: Entry, other: Entry, since: int) -> str | None:
    kinds = {one.kind, other.kind}
    same = one.contract.counterparty == other.contract.counterparty
    bars = [each for each in (one, other) if not each.grants and each.kind != "licence_out"]
    if kinds == {"grant"}:
        code, clash = "RIGHTS_IN_OVERLAP", one.exclusive and other.exclusive and not same
        shared = points(one, bars=False) & points(other, bars=False)
    elif kinds == {"licence_out"}:
        code, clash = "RIGHTS_OUT_OVERLAP", (one.exclusive or other.exclusive) and not same
        shared = points(one, bars=True) & points(other, bars=False) if one.exclusive else set[Point]()
        shared |= points(one, bars=False) & points(other, bars=True) if other.exclusive else set[Point]()
    elif "licence_out" in kinds and bars:
        code, clash = bars[0].kind.upper(), not (same and bars[0].contract.direction == "out")
        sale = one if one.kind == "licence_out" else other
        shared = points(bars[0], bars=True) & points(sale, bars=False)
    else:
        return None
    return code if clash and any(each.day >= since for each in shared) else None


@example(8388608, 0)  # what is missing is no product of kinds and purposes
@given(st.integers(0, 10**9), st.integers(0, 2))
def test_what_is_sold_and_not_held_is_told_exactly(seed: int, since: int) -> None:
    book = world(seed)
    answers = found(book, since)
    for sale, sold, missing in unheld(book, since, exclusively=False):
        mine = [each for each in answers if each.entry is sale and each.code in ("NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN")]
        assert {spot for each in mine for spot in told(each)} == missing
        assert {each.code for each in mine} <= {"NO_RIGHTS_IN" if sold == missing else "PARTIAL_RIGHTS_IN"}


@given(st.integers(0, 10**9))
def test_what_is_sold_exclusively_and_not_held_so_is_told_exactly(seed: int) -> None:
    book = world(seed)
    answers = found(book, 0)
    open_ = {sale.id: missing for sale, _, missing in unheld(book, 0, exclusively=False)}
    for sale, _, missing in unheld(book, 0, exclusively=True):
        mine = [each for each in answers if each.entry is sale and each.code == "NO_EXCLUSIVE_RIGHTS_IN"]
        assert {spot for each in mine for spot in told(each)} == missing - open_[sale.id]
        assert all(each.other is not None and not each.other.exclusive for each in mine)


@given(st.integers(0, 10**9), st.integers(0, 2))
def test_two_rights_conflict_exactly_where_they_share_a_point(seed: int, since: int) -> None:
    book = world(seed)
    met = [each for each in found(book, since) if each.code not in (
        "NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN", "NO_EXCLUSIVE_RIGHTS_IN")]  # fmt: skip
    assert all(each.scopes and each.other is not None for each in met)
    answers = [(frozenset((each.entry.id, each.other.id if each.other else "")), each.code) for each in met]
    assert set(answers) == set(pairs(book, since))
    assert len(answers) == len(set(answers)), "each pair is told once"


@given(st.integers(0, 10**9))
def test_a_contract_is_told_the_conflicts_of_its_rights_and_no_others(seed: int) -> None:
    book = world(seed)
    every = {(each.code, frozenset(filter(None, (each.entry.id, each.other and each.other.id))), each.scopes)
             for each in found(book, 0)}  # fmt: skip
    for contract in {each.contract_id for each in book.entries}:
        mine = {each.id for each in book.entries if each.contract_id == contract}
        answers = found(book, 0, contract)
        assert all(each.entry.id in mine for each in answers)
        told_here = {(each.code, frozenset(filter(None, (each.entry.id, each.other and each.other.id))), each.scopes)
                     for each in answers}  # fmt: skip
        assert told_here <= every
        left = {each for each in every - told_here if each[1] & mine}
        assert all(code.endswith("RIGHTS_IN") for code, _, _ in left), "only as the grant beside somebody's sale"


@given(st.integers(0, 10**9))
def test_every_conflict_can_be_said(seed: int) -> None:
    for each in found(world(seed), 0):
        conflict = tell(each)
        assert conflict.right.right in conflict.change or conflict.code in ("NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN")
        assert conflict.text.endswith(".")
        assert conflict.change.endswith(".")


@given(st.integers(0, 10**9))
def test_the_order_of_rights_never_matters(seed: int) -> None:
    book = world(seed)
    assert found(Book(reversed(book.entries)), 0) == found(book, 0)
