"""Where grants are to be found: for each place, medium and span of time, the references with a grant there.

Places and media are kept as they were recorded, a group by its name and not by its members, so a question looks under
everything that holds what it asks for. What is found is more than what is granted, never less: it is judged afterwards.
So the cost of a question follows its answer, not the catalogue.

A window lies in one or two spans of the smallest kind that is as long as it is; an open one in the span of all time.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

from holdback_base.vocabulary import groups_with
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from holdback_servers.rights.book import places_around
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.report import Asked
from holdback_servers.rights.rows import RightRow, read_facts
from holdback_servers.rights.windows import EVER, OPEN, Window

_DAY: Final = 86_400_000_000
_KINDS: Final = (64, 512, 4096)
"""Days of a span of each kind; above them stands all time."""
_APART: Final = 100_000
"""Numbers of a kind of span lie so far from those of the next; zero is in the middle, at 1970."""
_ALL_TIME: Final = len(_KINDS) * _APART
_ANYWHERE: Final = "*"
_PLACES_APART: Final = 8
"""A grant that names more places than this stands under WORLD."""
_PLACES_ASKED: Final = 8
"""A question about more places than this looks for grants anywhere."""
_FIRST_LOOK: Final = 8
_NAMED: Final[Purpose] = "training"
"""The purpose that few grants name and none includes: those that do stand under media of its own."""

_FOUND = (
    "SELECT ref FROM reach WHERE place = ? AND medium = ? AND span = ? AND ref > ? AND opens < ? AND closes > ?"
    " ORDER BY ref LIMIT ?"
)
_NEXT_SPAN = "SELECT min(span) FROM reach WHERE place = ? AND medium = ? AND span >= ? AND span <= ?"
_ADD = (
    "INSERT INTO reach (place, medium, span, ref, opens, closes, grants) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (place, medium, span, ref) DO UPDATE SET opens = min(opens, excluded.opens),"
    " closes = max(closes, excluded.closes), grants = grants + excluded.grants"
)
_TAKE = "UPDATE reach SET grants = grants - ? WHERE place = ? AND medium = ? AND span = ? AND ref = ?"
_CLEAR = "DELETE FROM reach WHERE place = ? AND medium = ? AND span = ? AND ref = ? AND grants <= 0"


Corner = tuple[str, str, int]
"""Place, medium and span of time."""


def corners(row: RightRow) -> Iterator[Corner]:
    """Where a right stands in the index: nowhere unless it is a grant whose window is known and not empty."""
    if row.kind == "grant" and row.opens < row.closes:
        spans = _spans(row.opens, row.closes)
        for place, medium in _cells(row.facts):
            for span in spans:
                yield place, medium, span


@lru_cache(maxsize=16_384)
def _cells(text: str) -> tuple[tuple[str, str], ...]:
    """Places and media of a grant with these facts."""
    facts = read_facts(text)
    if facts.unresolved:
        return ()
    many = len(facts.territories) > _PLACES_APART
    places = ("WORLD", _ANYWHERE) if many else (*facts.territories, _ANYWHERE)
    uses = [""] if facts.purposes != (_NAMED,) else []
    uses += [f" {_NAMED}"] if _NAMED in facts.purposes else []
    return tuple((place, medium + use) for place in places for medium in facts.media for use in uses)


def add(c: Connection, rows: Iterable[RightRow]) -> None:
    """Enter grants that are new. In the order of the index, which is how many are entered fast."""
    if found := list(_counted(rows)):
        c.exec_driver_sql(_ADD, found)


def take(c: Connection, rows: Iterable[RightRow]) -> None:
    """Take out grants as they were when they were entered."""
    if found := list(_counted(rows)):
        c.exec_driver_sql(_TAKE, [(number, *where) for *where, _, _, number in found])
        c.exec_driver_sql(_CLEAR, [tuple(where) for *where, _, _, _ in found])


def _counted(rows: Iterable[RightRow]) -> Iterator[tuple[str, str, int, str, int, int, int]]:
    """The index's rows for these rights, in its order: corner and reference, the days the grants there lie between,
    and how many they are."""
    found: dict[Corner, dict[str, tuple[int, int, int]]] = {}
    for row in rows:
        opens, closes = _days((row.opens, row.closes))
        for corner in corners(row):
            there = found.setdefault(corner, {})
            first, last, number = there.get(row.ref, (opens, closes, 0))
            there[row.ref] = (min(first, opens), max(last, closes), number + 1)
    for corner, there in sorted(found.items()):
        for ref, about in sorted(there.items()):
            yield (*corner, ref, *about)


def candidates(c: Connection, asked: Asked, window: Window, after: str) -> Iterator[str]:
    """References after `after`, in order, that may have a grant for one of the territories on one of the platforms in
    some of the window, for the purpose. Read as they are asked for."""
    cursor = c.connection.cursor()
    try:
        opens, closes = _days(window)
        ranges = [
            _range(cursor, (place, medium, span), after, opens, closes)
            for place in _places(asked.territories)
            for medium in _media(asked.platforms, asked.purpose)
            for span in _spans_held(cursor, place, medium, window)
        ]
        for ref, _ in groupby(heapq.merge(*ranges)):
            yield ref
    finally:
        cursor.close()


def _range(cursor: DBAPICursor, where: tuple[str, str, int], after: str, opens: int, closes: int) -> Iterator[str]:
    most = _FIRST_LOOK
    while True:
        cursor.execute(_FOUND, (*where, after, closes, opens, most))
        found = cursor.fetchall()
        for (ref,) in found:
            yield ref
        if len(found) < most:
            return
        after, most = found[-1][0], most * 4


def _places(territories: Sequence[str]) -> list[str]:
    """What may be recorded of a grant that covers one of the territories."""
    if len(territories) > _PLACES_ASKED:
        return [_ANYWHERE]
    around = {each for place in territories for each in (place, *places_around(place))}
    return sorted({"WORLD"} | around | {group for each in around for group in groups_with(each)})


def _media(platforms: Sequence[str], purpose: Purpose) -> list[str]:
    """The platforms and what stands above them in the media tree."""
    parts = (node.split(".") for node in platforms)
    nodes = {"all"} | {".".join(each[: i + 1]) for each in parts for i in range(len(each))}
    return sorted(f"{node} {_NAMED}" if purpose == _NAMED else node for node in nodes)


def _days(window: Window) -> tuple[int, int]:
    """Whole days that hold the window; what is open stays so."""
    opens, closes = window
    return (EVER if opens == EVER else opens // _DAY, OPEN if closes == OPEN else -(-closes // _DAY))


def _spans(opens: int, closes: int) -> list[int]:
    """The one or two spans that together hold the window of a grant."""
    if opens != EVER and closes != OPEN:
        first, after = _days((opens, closes))
        for kind, size in enumerate(_KINDS):
            if after - first <= size:
                return list(range(_number(kind, first // size), _number(kind, (after - 1) // size) + 1))
    return [_ALL_TIME]


def _number(kind: int, index: int) -> int:
    return kind * _APART + _APART // 2 + index


def _spans_held(cursor: DBAPICursor, place: str, medium: str, window: Window) -> Iterator[int]:
    """Spans under which something is recorded for the place and medium and which meet the window."""
    first, after = _days(window)
    for kind, size in enumerate(_KINDS):
        low = kind * _APART if first == EVER else _number(kind, first // size)
        high = (kind + 1) * _APART - 1 if after == OPEN else _number(kind, (after - 1) // size)
        while (span := _next_span(cursor, place, medium, low, high)) is not None:
            yield span
            low = span + 1
    if _next_span(cursor, place, medium, _ALL_TIME, _ALL_TIME) is not None:
        yield _ALL_TIME


def _next_span(cursor: DBAPICursor, place: str, medium: str, low: int, high: int) -> int | None:
    cursor.execute(_NEXT_SPAN, (place, medium, low, high))
    found = cursor.fetchone()
    return None if found is None else found[0]
