"""Place many tasks: the heaviest first, then better by moves that make room and find new places for what had to go.

Every step strictly raises what the plan is worth, so the search ends; it is also bounded in steps. It knows no clock
and no chance, and the same question has the same answer. Pure.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from holdback_servers.schedule.plans.lane import Entry, Lane
from holdback_servers.schedule.plans.tasks import Lanes, Option, Task

_MANY: Final = 2000
"""More tasks than this are placed in one order only."""
_DEPTH: Final = 3
"""How many times what had to go may push something else away."""


_ORDERS: Final[tuple[tuple[str, Callable[[Task], float]], ...]] = (
    ("placing the heaviest first", lambda task: task.item.weight),
    ("placing the heaviest for their length first", lambda task: task.item.weight / task.longest),
    ("placing the heaviest for a part of their length first", lambda task: task.item.weight / task.longest**0.5),
)


@dataclass(frozen=True)
class Place:
    """Where a task could go: `net` is what it is worth there less the price of the room."""

    net: int
    worth: int
    option: Option
    column: int


@dataclass(eq=False)
class Board:
    """All lanes while they are planned."""

    lanes: Lanes
    rows: list[Lane] = field(init=False)
    where: dict[int, Entry] = field(default_factory=dict[int, Entry])
    steps: int = 0
    _journal: list[tuple[bool, Entry]] = field(default_factory=list[tuple[bool, Entry]])

    def __post_init__(self) -> None:
        self.rows = [Lane(columns) for columns in self.lanes.columns]

    @property
    def worth(self) -> int:
        """Of all that is placed, in the search's own measure."""
        return sum(each.worth for each in self.where.values())

    def best(self, task: Task, *, free: bool = False, beside: Entry | None = None) -> Place | None:
        """The best place for a task that stands nowhere; a free one only, or one not near another, if so asked."""
        found: Place | None = None
        for option in task.options:
            place = self._best(option, free, beside)
            if place is not None and (found is None or place.net > found.net):
                found = place
        return found

    def _best(self, option: Option, free: bool, beside: Entry | None) -> Place | None:
        if option.low == option.high:
            return None
        self.steps += 1
        lane = self.rows[option.wish.lane]
        costs = lane.costs(option)
        net = option.worth * (costs == 0) if free else option.worth - costs
        if beside is not None and beside.option.wish.lane == option.wish.lane:
            low, high = lane.zone(beside.column, beside.until - beside.start, option.wish.length)
            net[max(0, low - option.low) : max(0, high - option.low)] = 0
        at = int(net.argmax())
        if net[at] <= 0:
            return None
        return Place(int(net[at]), int(option.worth[at]), option, option.low + at)

    def put(self, task: Task, place: Place) -> None:
        """Place a task; what is in the way must be gone."""
        lane, wish = self.rows[place.option.wish.lane], place.option.wish
        start = lane.times[place.column]
        entry = Entry(
            task.number,
            place.option,
            place.column,
            start,
            start + wish.length,
            lane.days[place.column],
            place.worth,
            place.worth,
        )
        lane.add(entry)
        self.where[task.number] = entry
        self._journal.append((True, entry))

    def take(self, number: int) -> Entry:
        """Take a task from its place."""
        entry = self.where.pop(number)
        self.rows[entry.option.wish.lane].remove(number)
        self._journal.append((False, entry))
        return entry

    def back_to(self, mark: int) -> None:
        """Undo what was done since the journal was this long."""
        while len(self._journal) > mark:
            added, entry = self._journal.pop()
            lane = self.rows[entry.option.wish.lane]
            if added:
                lane.remove(entry.task)
                del self.where[entry.task]
            else:
                lane.add(entry)
                self.where[entry.task] = entry

    def restore(self, kept: dict[int, Entry]) -> None:
        """Have just these entries stand where they stood."""
        for number in [number for number, entry in self.where.items() if kept.get(number) is not entry]:
            self.take(number)
        for number, entry in kept.items():
            if number not in self.where:
                self.rows[entry.option.wish.lane].add(entry)
                self.where[number] = entry
        self.forget()

    @property
    def mark(self) -> int:
        """How long the journal is."""
        return len(self._journal)

    def forget(self) -> None:
        """What was done stays."""
        self._journal.clear()


class Search:
    """The search over a board; `step` is called now and then with how far it is, and may end it by raising."""

    def __init__(self, board: Board, step: Callable[[int, int, str], None]) -> None:
        self.board, self._step = board, step
        self.tasks = board.lanes.tasks
        self.by_lane: list[list[int]] = [[] for _ in board.rows]
        """Which tasks may go on each lane."""
        for task in self.tasks:
            for option in task.options:
                if option.low < option.high:
                    self.by_lane[option.wish.lane].append(task.number)
        self._most = [_most(task) for task in self.tasks]

    @property
    def perfect(self) -> bool:
        """Whether everything stands where it is worth most."""
        where = self.board.where
        return len(where) == len(self.tasks) and all(each.worth == self._most[each.task] for each in where.values())

    def greedy(self) -> None:
        """Each in its best free place: the heaviest first, or the heaviest for their length, whichever gives more."""
        kept: dict[int, Entry] = {}
        best = -1
        for text, weight in _ORDERS if len(self.tasks) <= _MANY else _ORDERS[-1:]:
            self.board.restore({})
            self._fill(sorted(self.tasks, key=lambda task: (-weight(task), _width(task), task.number)), text)
            if self.board.worth > best:
                best, kept = self.board.worth, dict(self.board.where)
        self.board.restore(kept)

    def _fill(self, order: list[Task], text: str) -> None:
        for done, task in enumerate(order):
            if done % 100 == 0:
                self._step(done, len(order), text)
            place = self.board.best(task, free=True)
            if place is not None:
                self.board.put(task, place)
        self.board.forget()

    def improve(self, limit: int) -> None:
        """Better it by rounds until nothing is found, or the limit of steps is reached."""
        rounds = 0
        while self.board.steps < limit:
            self.price()
            rounds += 1
            if not self._round(self._worst_first(), limit, rounds):
                return

    def _round(self, tasks: Iterable[Task], limit: int, rounds: int) -> int:
        better = 0
        for done, task in enumerate(tasks):
            if done % 50 == 0:
                self._step(done, len(self.tasks), f"looking for better, round {rounds}: {better} found")
                if self.board.steps >= limit:
                    break
            better += self.try_better(task)
        return better

    def _worst_first(self) -> list[Task]:
        """Those that lose most where they are, or by being nowhere."""

        def lacking(task: Task) -> int:
            entry = self.board.where.get(task.number)
            return self._most[task.number] - (0 if entry is None else entry.worth)

        return sorted(self.tasks, key=lambda task: (-lacking(task), task.number))

    def price(self) -> None:
        """Say of each that is placed what is lost by moving it to the best free place that is not near."""
        board = self.board
        for entry in list(board.where.values()):
            lane = board.rows[entry.option.wish.lane]
            lane.remove(entry.task)
            other = board.best(self.tasks[entry.task], free=True, beside=entry)
            lane.add(entry)
            lane.reprice(entry, max(1, entry.worth - (0 if other is None else other.worth)))

    def try_better(self, task: Task) -> bool:
        """Move a task to where it is worth more than what it costs others; whether that was found."""
        board = self.board
        mark, old = board.mark, 0
        if task.number in board.where:
            old = board.take(task.number).worth
        if self._settle(task, _DEPTH) > old:
            board.forget()
            return True
        board.back_to(mark)
        return False

    def _settle(self, task: Task, depth: int) -> int:
        """Place a task at its best, and what had to go for it elsewhere; what all that is worth, losses taken off."""
        board = self.board
        place = board.best(task, free=depth == 0)
        if place is None:
            return 0
        lane = board.rows[place.option.wish.lane]
        gone = lane.in_the_way(place.option, place.column)
        for each in gone:
            board.take(each.task)
        board.put(task, place)
        total = place.worth - sum(each.worth for each in gone)
        for each in sorted(gone, key=lambda each: (-each.worth, each.task)):
            total += self._settle(self.tasks[each.task], depth - 1)
        return total


def _width(task: Task) -> int:
    return sum(int(np.count_nonzero(option.worth > 0)) for option in task.options)


def _most(task: Task) -> int:
    """What a task would bring at its very best column."""
    return max((int(option.worth.max()) for option in task.options if option.low < option.high), default=0)
