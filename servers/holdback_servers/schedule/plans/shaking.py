"""Get out of a plan that no single move betters: take out neighbours, put back what is missing in another order. Pure.

After J. Christiaens and G. Vanden Berghe, Slack Induction by String Removals (Transportation Science 54, 2020): strings
of neighbours are removed and put back greedily with blinks, and what is a little worse is accepted for a while.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np

from holdback_servers.schedule.plans.bits import Row, Slate, Spot, entry_of, slate_of
from holdback_servers.schedule.plans.search import Board
from holdback_servers.schedule.plans.tasks import Task

_STRING: Final = 4
"""How many neighbours are taken out at most."""
_STRAYS: Final = 3
"""How many others of the same channel are taken out with them at most."""
_NEWCOMERS: Final = 5
"""How many of what stands nowhere are tried beside them."""
_BLINK: Final = 0.15
"""How often the best place is overlooked."""
_HOT, _COLD = 0.2, 0.005
"""What may be lost for a while, at first and at last, as a share of what an average placement is worth."""
_LOOK: Final = 250
"""After so many turns it is told how far the shaking is."""
_ORDERS: Final[tuple[Callable[[Task], float], ...]] = (
    lambda task: -task.item.weight,
    lambda task: -task.item.weight / task.longest,
    lambda task: -task.longest,
)
"""In which orders things are put back: the heaviest first, the heaviest for its length, the longest."""
_CHANCES: Final = (0, 0, 1, 1, 2, None)
"""Which of them, each as likely as the other; None is any order."""


def shake(board: Board, turns: int, step: Callable[[int, int, str], None], seed: int = 0) -> None:
    """Shake the plan on a board so many times, and leave the best that was found there."""
    slate = slate_of(board.rows, [task.options for task in board.lanes.tasks], board.where)
    shaking = Shaking(slate, board.lanes.tasks, step, seed)
    if slate.where and shaking.shake(turns):
        same = {n: board.where[n] for n, spot in slate.where.items() if n in board.where and stands(board, n, spot)}
        board.restore({n: same.get(n) or entry_of(n, spot) for n, spot in slate.where.items()})


def stands(board: Board, number: int, spot: Spot) -> bool:
    """Whether the task stands on the board just there."""
    entry = board.where[number]
    return entry.option is spot[1].option and entry.column == spot[2]


@dataclass(eq=False)
class Shaking:
    """Shakes a plan in which something stands; the same seed makes the same chances.

    `step` is called now and then with how far it is, and may end it by raising.
    """

    slate: Slate
    tasks: list[Task]
    step: Callable[[int, int, str], None]
    seed: int = 0
    _chance: Callable[[], float] = field(init=False)
    _ranks: list[list[int]] = field(init=False)
    _missing: set[int] = field(init=False)
    _of_row: dict[int, set[int]] = field(init=False)
    """Which tasks may go on each row, by its identity."""

    def __post_init__(self) -> None:
        self._chance = _chances(self.seed).__next__
        self._ranks = [_ranks(self.tasks, order) for order in _ORDERS]
        self._of_row = {}
        for number, choices in enumerate(self.slate.choices):
            for choice in choices:
                self._of_row.setdefault(id(choice.row), set()).add(number)
        possible = (task.number for task in self.tasks if self.slate.choices[task.number])
        self._missing = {number for number in possible if number not in self.slate.where}

    def shake(self, turns: int) -> bool:
        """Shake so many times, and leave the best plan that was found; whether it is better than it was."""
        slate, chance = self.slate, self._chance
        first = worth = best = slate.worth
        kept, mean = dict(slate.where), worth / len(slate.where)
        for turn in range(turns):
            if turn % _LOOK == 0:
                self.step(turn, turns, "shaking the plan for a better one")
            heat = mean * _HOT * (_COLD / _HOT) ** (turn / turns)
            worth += self._turn(heat * log(1.0 - chance()))
            if worth > best:
                best, kept = worth, dict(slate.where)
        slate.restore(kept)
        return best > first

    def _turn(self, least: float) -> int:
        """Take a string out and put back; what that changed in worth, nothing when it is undone as less than `least`.

        The string holds something, as long as anything stands; what is put back brings at least a part of it.
        """
        slate = self.slate
        row, gone = self._string()
        lost = sum(slate.take(number)[0] for number in gone)
        placed = self._put_back([*gone, *self._newcomers(row)])
        change = sum(slate.where[number][0] for number in placed) - lost
        if change < least:
            for number in placed:
                slate.take(number)
            for number, spot in gone.items():
                slate.put(number, spot)
            return 0
        self._missing.update(gone)
        self._missing.difference_update(placed)
        return change

    def _put_back(self, numbers: list[int]) -> list[int]:
        """Place these where they are worth most, in some order; which of them found a place."""
        slate, chance = self.slate, self._chance
        kind = _CHANCES[int(chance() * len(_CHANCES))]
        numbers.sort(key=(lambda _: chance()) if kind is None else self._ranks[kind].__getitem__)
        placed: list[int] = []
        last = chance() < 0.5
        for number in numbers:
            spot = slate.best(number, last)
            if spot is None:
                continue
            if chance() < _BLINK:
                spot = slate.best(number, last, spot) or spot
            slate.put(number, spot)
            placed.append(number)
        return placed

    def _string(self) -> tuple[Row, dict[int, Spot]]:
        """Neighbours on a lane, one in two of a longer string when chance will have it, and some strays."""
        where, chance = self.slate.where, self._chance
        numbers = list(where)
        first = numbers[int(chance() * len(numbers))]
        row: Row = where[first][1].row
        order = sorted((column, number) for number, (column, _) in row.there.items())
        at = order.index((row.there[first][0], first))
        wanted, step = 1 + int(chance() * _STRING), 1 + (chance() < 0.3)
        low = max(0, at - int(chance() * wanted) * step)
        picked = {number: where[number] for _, number in order[low : low + wanted * step : step]}
        for _ in range(int(chance() * (2 * _STRAYS + 1)) - _STRAYS):
            _, stray = order[int(chance() * len(order))]
            picked[stray] = where[stray]
        return row, picked

    def _newcomers(self, row: Row) -> list[int]:
        missing = sorted(self._missing & self._of_row[id(row)])
        if len(missing) <= _NEWCOMERS:
            return missing
        return [missing.pop(int(self._chance() * len(missing))) for _ in range(_NEWCOMERS)]


def _chances(seed: int) -> Iterator[float]:
    """Numbers from 0 to 1 without end, the same for the same seed; drawn many at once, which is faster."""
    drawn = np.random.default_rng(seed)
    while True:
        yield from drawn.random(1024).tolist()


def _ranks(tasks: list[Task], order: Callable[[Task], float]) -> list[int]:
    """The place of each task in the order."""
    ranks = [0] * len(tasks)
    for rank, task in enumerate(sorted(tasks, key=lambda task: (order(task), task.number))):
        ranks[task.number] = rank
    return ranks
