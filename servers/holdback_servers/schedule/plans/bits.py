"""The lanes of a plan as bits: a column is a bit, so that a few operations on whole numbers find a free place. Pure.

A number holds one bit for each column of a lane. What may not be, because something stands there or the day is full,
is one number; the columns that bring an option the same worth are another. Where they meet is found without looking
at columns one by one.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from holdback_servers.schedule.plans.lane import Entry, Lane
from holdback_servers.schedule.plans.tasks import Option


@dataclass(eq=False, slots=True)
class Row:
    """What stands on one lane: of each task its column, and all columns before the first far enough after it."""

    lane: Lane
    below: list[int]
    day_bits: list[int]
    room: list[int]
    """How many more each day takes; many where there is no cap."""
    there: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    full: int = 0
    titles: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    sponsors: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict[str, dict[int, tuple[int, int]]])
    blocked: dict[int, int] = field(default_factory=dict[int, int])
    """By length the columns that are too near to something; only of lengths asked for since something left."""
    days: list[int] = field(default_factory=list[int])
    lows: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By length, for each column, all before the first from which so much runs too near to it."""
    highs: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By length, for each column, all before the first that is far enough after so much."""


@dataclass(eq=False, slots=True)
class Choice:
    """An option: its lane, its edges, and its columns by what they are worth, the best first."""

    option: Option
    row: Row
    length: int
    lows: list[int]
    highs: list[int]
    open: int
    levels: list[tuple[int, int]]
    title: str
    """Empty where no other task of the lane has it."""
    sponsor: str


Spot = tuple[int, Choice, int]
"""What a task is worth in its place, its choice, and the column."""


class Slate:
    """All lanes of a plan as bits, with what stands where."""

    def __init__(self, choices: list[list[Choice]]) -> None:
        self.choices = choices
        self.where: dict[int, Spot] = {}

    @property
    def worth(self) -> int:
        """Of all that is placed, in the search's own measure."""
        return sum(spot[0] for spot in self.where.values())

    def free(self, choice: Choice) -> int:
        """The columns of a choice at which it may stand beside what is there."""
        row = choice.row
        found = row.blocked.get(choice.length)
        below = row.below
        if found is None:
            found, lows = 0, choice.lows
            for column, until in row.there.values():
                found |= until ^ lows[column]
            row.blocked[choice.length] = found
        found = choice.open & ~(found | row.full)
        if found and choice.title and (same := row.titles.get(choice.title)):
            for near in same.values():
                found &= ~near
        if found and choice.sponsor and (rivals := row.sponsors.get(choice.sponsor)):
            lows, _ = row.lane.edges(choice.length, row.lane.columns.sponsor_gap)
            for column, high in rivals.values():
                found &= ~(below[high] ^ below[lows[column]])
        return found

    def best(self, number: int, last: bool, without: Spot | None = None) -> Spot | None:
        """The free place of most worth for a task that stands nowhere; the last of equals, or else the first."""
        worth, found, at = 0, None, 0
        for choice in self.choices[number]:
            if choice.levels[0][0] <= worth:
                continue
            free = self.free(choice)
            if without is not None and without[1].row is choice.row:
                column = without[2]
                free &= ~(choice.highs[column] ^ choice.lows[column])
            if not free:
                continue
            for brings, bits in choice.levels:
                if brings <= worth:
                    break
                if here := free & bits:
                    worth, found = brings, choice
                    at = here.bit_length() - 1 if last else (here & -here).bit_length() - 1
                    break
        return None if found is None else (worth, found, at)

    def put(self, number: int, spot: Spot) -> None:
        """Place a task where it is free."""
        _, choice, column = spot
        row = choice.row
        self.where[number] = spot
        until = choice.highs[column]
        row.there[number] = (column, until)
        below, lows, blocked = row.below, row.lows, row.blocked
        for length in blocked:
            blocked[length] |= until ^ lows[length][column]
        day = row.days[column]
        row.room[day] -= 1
        if not row.room[day]:
            row.full |= row.day_bits[day]
        if choice.title:
            lows, highs = row.lane.edges(0, row.lane.columns.separation)
            row.titles.setdefault(choice.title, {})[number] = below[highs[column]] ^ below[lows[column]]
        if choice.sponsor:
            after = row.lane.edges(choice.length, row.lane.columns.sponsor_gap)[1][column]
            row.sponsors.setdefault(choice.sponsor, {})[number] = (column, after)

    def take(self, number: int) -> Spot:
        """Take a task from its place."""
        spot = self.where.pop(number)
        _, choice, column = spot
        row = choice.row
        del row.there[number]
        row.blocked.clear()
        day = row.days[column]
        if not row.room[day]:
            row.full &= ~row.day_bits[day]
        row.room[day] += 1
        if choice.title:
            del row.titles[choice.title][number]
        if choice.sponsor:
            del row.sponsors[choice.sponsor][number]
        return spot

    def restore(self, kept: dict[int, Spot]) -> None:
        """Have just these stand where they stood."""
        for number in [number for number, spot in self.where.items() if kept.get(number) is not spot]:
            self.take(number)
        for number, spot in kept.items():
            if number not in self.where:
                self.put(number, spot)


def slate_of(lanes: list[Lane], options: list[tuple[Option, ...]], where: dict[int, Entry]) -> Slate:
    """The lanes with the options of every task by its number, and what stands where, as bits."""
    rows = [_row(lane) for lane in lanes]
    titles, sponsors = _shared(options, "title"), _shared(options, "sponsor")
    levels: dict[tuple[int, int, int], tuple[int, list[tuple[int, int]]]] = {}
    choices: list[list[Choice]] = [[] for _ in options]
    for number, option in (
        (n, option) for n, some in enumerate(options) for option in some if option.low < option.high
    ):
        wish, row = option.wish, rows[option.wish.lane]
        columns = row.lane.columns
        key = (wish.lane, option.low, id(option.worth))
        if key not in levels:
            levels[key] = _levels(option)
        if wish.length not in row.lows:
            lows, highs = row.lane.edges(wish.length, columns.gap)
            row.lows[wish.length] = [row.below[column] for column in lows]
            row.highs[wish.length] = [row.below[column] for column in highs]
        lows, highs = row.lows[wish.length], row.highs[wish.length]
        title = wish.title if columns.separation and (wish.lane, wish.title) in titles else ""
        sponsor = wish.sponsor if columns.sponsor_gap and (wish.lane, wish.sponsor) in sponsors else ""
        choices[number].append(Choice(option, row, wish.length, lows, highs, *levels[key], title, sponsor))
    slate = Slate(choices)
    for number, entry in where.items():
        choice = next(choice for choice in choices[number] if choice.option is entry.option)
        slate.put(number, (entry.worth, choice, entry.column))
    return slate


def _row(lane: Lane) -> Row:
    columns = lane.columns
    below = [(1 << n) - 1 for n in range(columns.count + 1)]
    bounds: list[int] = np.searchsorted(columns.times, columns.day_starts).tolist()
    day_bits = [below[high] ^ below[low] for low, high in pairwise(bounds)]
    taken = columns.fixed_by_day.tolist()
    room = [columns.count + 1 if lane.cap is None else lane.cap - each for each in taken]
    return Row(lane, below, day_bits, room, days=lane.days)


def _shared(known: list[tuple[Option, ...]], name: str) -> set[tuple[int, str]]:
    """The titles, or sponsors, that more than one task has, by lane."""
    counts: dict[tuple[int, str], int] = {}
    for options in known:
        for option in options:
            if word := str(getattr(option.wish, name)):
                key = (option.wish.lane, word)
                counts[key] = counts.get(key, 0) + 1
    return {key for key, count in counts.items() if count > 1}


def _levels(option: Option) -> tuple[int, list[tuple[int, int]]]:
    """All open columns, and by worth those that bring it, the best first."""
    found: list[tuple[int, int]] = []
    every = 0
    for worth in np.unique(option.worth)[::-1].tolist():
        if worth > 0:
            bits = int.from_bytes(np.packbits(option.worth == worth, bitorder="little").tobytes(), "little")
            found.append((worth, bits << option.low))
            every |= bits << option.low
    return every, found


def entry_of(number: int, spot: Spot) -> Entry:
    """The same as an entry of a lane."""
    worth, choice, column = spot
    lane = choice.row.lane
    start = lane.times[column]
    return Entry(number, choice.option, column, start, start + choice.length, lane.days[column], worth, worth)
