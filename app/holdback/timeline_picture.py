"""Where everything stands in the picture of the month: a lane for each territory and platform, in user units. Pure.

The picture shows when a cut is held back, when it is cleared but not up yet, when it can be seen, and which time nobody
asked for. The template draws it; nothing here knows SVG.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from holdback_agents.contracts import Cell
from holdback_base.vocabulary import TimeRange, difference, intersection, union

from holdback import wording
from holdback.outcome import Outcome, VersionOutcome

WIDTH, LEFT, TOP, LANE, BAR, GAP = 1000, 208, 30, 26, 18, 12
"""User units: the picture's width, where time begins, the head, a lane, its bar, the room between territories."""
_CHARACTER = 7
"""How wide a letter of a label is, at most, on average."""
_TICKS, _TICK_WIDTH = 9, 42
_UNASKED = "Not asked for"

Kind = Literal["blocked", "open", "up", "closed", "unasked"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a lane. `label` is empty where it would not fit; `words` always says all of it."""

    kind: Kind
    x: float
    width: float
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One platform in one territory; `place` is empty but on the territory's first lane."""

    y: int
    place: str
    platform: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A day on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole picture, `WIDTH` by `height`."""

    height: int
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    within: TimeRange

    @property
    def kinds(self) -> frozenset[str]:
        """What the legend must explain."""
        return frozenset(piece.kind for lane in self.lanes for piece in lane.pieces)


def picture(outcome: Outcome) -> Picture | None:
    """The picture of an outcome, or None when there is no time or no territory to show."""
    whole = _whole(outcome)
    if whole is None or not wording.asked_places(outcome) or not outcome.versions:
        return None
    scale = _Scale(whole)
    lanes: list[Lane] = []
    y = TOP
    for code in wording.asked_places(outcome):
        for number, node in enumerate(wording.asked_platforms(outcome)):
            name = "" if number else wording.place(code)
            lanes.append(Lane(y, name, wording.platform(node), tuple(_pieces(outcome, code, node, scale))))
            y += LANE
        y += GAP
    return Picture(height=y, ticks=tuple(scale.ticks()), lanes=tuple(lanes), within=whole)


def _whole(outcome: Outcome) -> TimeRange | None:
    """The requested window; without one, from when the work began until the last that was cleared or published ends."""
    if outcome.window is not None and outcome.window.end is not None:
        return outcome.window
    windows = [each for version in outcome.versions for cell in version.cells for each in cell.windows]
    pieces = [piece for publication in outcome.publications for piece in publication.availability]
    starts = [each.start for each in (*windows, *pieces)]
    ends = [each.end for each in (*windows, *pieces) if each.end is not None]
    if not starts:
        return None
    start = min(outcome.started, *starts)
    return TimeRange(start=start, end=max([*ends, max(starts) + timedelta(days=1)]))


@dataclass(frozen=True, slots=True)
class _Scale:
    whole: TimeRange

    @property
    def seconds(self) -> float:
        assert self.whole.end is not None
        return (self.whole.end - self.whole.start).total_seconds()

    def at(self, instant: datetime) -> float:
        share = (instant - self.whole.start).total_seconds() / self.seconds
        return round(LEFT + share * (WIDTH - LEFT), 1)

    def piece(self, kind: Kind, within: TimeRange, label: str, words: str) -> Piece:
        end = within.end or self.whole.end
        assert end is not None
        x, right = self.at(within.start), self.at(end)
        fits = len(label) * _CHARACTER + 9 < right - x
        return Piece(kind, x, round(right - x, 1), label if fits else "", f"{words} {wording.window(within)}".strip())

    def ticks(self) -> Iterator[Tick]:
        """Midnights, so many days apart that they can be read."""
        assert self.whole.end is not None
        step = timedelta(days=max(1, -(-int(self.seconds) // 86_400 // _TICKS)))
        first = self.whole.start.replace(hour=0, minute=0, second=0, microsecond=0)
        midnight = first if first == self.whole.start else first + timedelta(days=1)
        while midnight < self.whole.end:
            x = self.at(midnight)
            yield Tick(x, wording.day(midnight) if x + _TICK_WIDTH < WIDTH else "")
            midnight += step


def _pieces(outcome: Outcome, code: str, node: str, scale: _Scale) -> Iterator[Piece]:
    version = outcome.versions[-1]
    cell = _cell(version.cells, code, node)
    cleared = intersection(cell.windows if cell else (), [scale.whole])
    up = intersection(_published(outcome, code, node), [scale.whole])
    because = _because(outcome.versions, code, node)
    asked = [outcome.window] if outcome.window is not None and because else [scale.whole] if because else []
    if not cleared and not up:
        words = f"Not included: {(because or _UNASKED).lower()}"
        yield scale.piece("closed", scale.whole, words, words)
        return
    gaps = difference([scale.whole], union([*cleared, *up]))
    for each in intersection(gaps, asked):
        yield scale.piece("blocked", each, because, f"{because}:")
    for each in difference(gaps, asked):
        yield scale.piece("unasked", each, _UNASKED, f"{_UNASKED}:")
    for each in difference(cleared, up):
        yield scale.piece("open", each, "Cleared", "Cleared, not up:")
    for each in up:
        yield scale.piece("up", each, f"Up from {wording.day(each.start)}", "Up")


def _cell(cells: Iterable[Cell], code: str, node: str) -> Cell | None:
    return next((each for each in cells if code in each.territories and node in each.platforms), None)


def _published(outcome: Outcome, code: str, node: str) -> list[TimeRange]:
    return [
        TimeRange(start=piece.start, end=piece.end)
        for publication in outcome.publications
        if publication.platform == node
        for piece in publication.availability
        if code in piece.territories
    ]


def _because(versions: Sequence[VersionOutcome], code: str, node: str) -> str:
    """The reasons of the latest version that was judged there, those of this place only first; nothing where it is
    cleared for all that was asked, or was not asked for."""
    for version in reversed(versions):
        cell = _cell(version.cells, code, node)
        if cell is not None:
            found = [each for each in version.reasons if each.key in cell.reasons]
            found.sort(key=lambda each: len(each.territories))
            because = " · ".join(dict.fromkeys(wording.code(each.code) for each in found))
            return because or ("" if cell.verdict == "CLEARED" else wording.verdict(cell.verdict))
    return ""
