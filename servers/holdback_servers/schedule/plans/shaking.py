"""Get out of a plan that no single move betters: take out neighbours, put back what is missing in another order. Pure.

After J. Christiaens and G. Vanden Berghe, Slack Induction by String Removals (Transportation Science 54, 2020): strings
of neighbours are removed and put back greedily with blinks, and what is a little worse is accepted for a while.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from holdback_servers.schedule.plans.lane import Entry
from holdback_servers.schedule.plans.search import Search
from holdback_servers.schedule.plans.tasks import Task

_STRING: Final = 6
"""How many neighbours are taken out at most."""
_STRAYS: Final = 3
"""How many others of the same channel are taken out with them at most."""
_NEWCOMERS: Final = 6
"""How many of what stands nowhere are tried beside them."""
_BLINK: Final = 0.1
"""How often the best place is overlooked."""
_HOT, _COLD = 0.05, 0.001
"""What may be lost for a while, at first and at last, as a share of what an average placement is worth."""


@dataclass(eq=False)
class Shaking:
    """Shakes a plan; the same seed makes the same chances."""

    search: Search
    seed: int = 0

    def shake(self, limit: int) -> None:
        """Shake until the limit of steps, and leave the best plan that was found."""
        board, chance = self.search.board, np.random.default_rng(self.seed)
        worth = best = board.worth
        kept = dict(board.where)
        first, mean = board.steps, worth / max(1, len(board.where))
        while board.steps < limit and board.where:
            share = (board.steps - first) / max(1, limit - first)
            heat = mean * _HOT * (_COLD / _HOT) ** share
            mark = board.mark
            after = worth + self._once(chance)
            if after < worth - heat * chance.exponential():
                board.back_to(mark)
                continue
            worth = after
            board.forget()
            if worth > best:
                best, kept = worth, dict(board.where)
        if worth < best:
            board.restore(kept)

    def _once(self, chance: np.random.Generator) -> int:
        """Take a string out and put back; what that changed in worth."""
        board = self.search.board
        gone = self._string(chance)
        for entry in gone:
            board.take(entry.task)
        change = -sum(entry.worth for entry in gone)
        missing = [self.search.tasks[entry.task] for entry in gone] + self._newcomers(chance, gone)
        for task in sorted(missing, key=_order(chance)):
            change += self._put_back(task, chance)
        return change

    def _put_back(self, task: Task, chance: np.random.Generator) -> int:
        board = self.search.board
        place = board.best(task, free=True)
        if place is None:
            return 0
        board.put(task, place)
        if chance.random() < _BLINK:
            overlooked = board.take(task.number)
            place = board.best(task, free=True, beside=overlooked) or place
            board.put(task, place)
        return place.worth

    def _string(self, chance: np.random.Generator) -> list[Entry]:
        """Neighbours on a lane, one in two of a longer string when chance will have it."""
        board = self.search.board
        numbers = list(board.where)
        seed = board.where[numbers[int(chance.integers(len(numbers)))]]
        lane = board.rows[seed.option.wish.lane]
        wanted = int(chance.integers(1, _STRING + 1))
        step = 1 + int(chance.random() < 0.3)
        at = lane.order.index((seed.start, seed.task))
        low = max(0, at - int(chance.integers(wanted)) * step)
        picked = dict.fromkeys(number for _, number in lane.order[low : low + wanted * step : step])
        strays = chance.integers(len(lane.order), size=max(0, int(chance.integers(-_STRAYS, _STRAYS + 1))))
        picked |= dict.fromkeys(lane.order[int(n)][1] for n in strays)
        return [lane.entries[number] for number in picked]

    def _newcomers(self, chance: np.random.Generator, gone: list[Entry]) -> list[Task]:
        board, tasks = self.search.board, self.search.tasks
        out = {entry.task for entry in gone}
        lane = gone[0].option.wish.lane
        missing = [number for number in self.search.by_lane[lane] if number not in board.where and number not in out]
        if len(missing) > _NEWCOMERS:
            picked = chance.choice(len(missing), _NEWCOMERS, replace=False)
            missing = [missing[int(n)] for n in picked]
        return [tasks[number] for number in missing]


def _order(chance: np.random.Generator) -> Callable[[Task], tuple[float, int]]:
    """The heaviest first, the heaviest for its length first, the longest first, or any order."""
    kind = int(chance.integers(6))
    if kind < 2:
        return lambda task: (-task.item.weight, task.number)
    if kind < 4:
        return lambda task: (-task.item.weight / task.longest, task.number)
    if kind == 4:
        return lambda task: (-task.longest, task.number)
    return lambda task: (chance.random(), task.number)
