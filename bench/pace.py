"""CPU time on a machine whose speed changes from one second to the next: what was measured while it was slow is not
kept.

A shared machine runs the same code at its best or at half of that, for seconds at a time. A fixed loop of additions
tells which, before, within and after each batch. The figure is then what the code costs at the machine's best speed,
as near as this machine shows it; how many batches were kept is told beside it.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from bench.figures import Figure

_ADDITIONS, _TRIES = 2_000, 3
_SLOWER = 1.15
"""How much longer than at its best the loop may take."""
_FEWEST = 5


class Pace:
    """Looks at how fast the machine runs. One a bench: its best is the best it has seen."""

    def __init__(self) -> None:
        self._best = min(_loop() for _ in range(2_000))
        self._slow = False
        self.kept = self.tried = 0

    def look(self) -> None:
        """Look now; what is being measured is not kept when the machine is slow."""
        took = min(_loop() for _ in range(_TRIES))  # one alone may have been interrupted
        self._best = min(self._best, took)
        self._slow |= took > self._best * _SLOWER

    async def by_turns(
        self, measures: Mapping[str, Callable[[], Awaitable[float]]], wanted: int, most: int
    ) -> dict[str, list[float]]:
        """What each gave while the machine ran at its best: `wanted` values of each, or as many as came of `most`
        turns. Raises RuntimeError for fewer than 5: then the machine has nothing to say."""
        found: dict[str, list[float]] = {name: [] for name in measures}
        for _ in range(most):
            for name, measure in measures.items():
                if len(found[name]) == wanted:
                    continue
                self._slow = False
                self.look()
                value = await measure()
                self.look()
                self.tried += 1
                if not self._slow:
                    self.kept += 1
                    found[name].append(value)
            if all(len(values) == wanted for values in found.values()):
                break
        for name, values in found.items():
            if len(values) < _FEWEST:
                raise RuntimeError(f"{name}: the machine ran at its best in {len(values)} of {most} batches")
        return found

    def figure(self, bench: str, of: str) -> Figure:
        """How many of the batches were kept."""
        return Figure(bench, f"{of}: batches at full speed", 100 * self.kept / max(self.tried, 1), "%")


def added(full: list[float], bare: list[float]) -> tuple[float, tuple[float, float]]:
    """What one thing takes more than another: the difference of their medians, and of single batches, in order."""
    each = [more - less for more, less in zip(full, bare, strict=False)]
    return statistics.median(full) - statistics.median(bare), (min(each), max(each))


def _loop() -> int:
    began, number = time.thread_time_ns(), 0
    for each in range(_ADDITIONS):
        number += each
    return time.thread_time_ns() - began
