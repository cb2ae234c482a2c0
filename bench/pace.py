"""CPU time on a machine whose speed changes from one moment to the next.

A shared machine runs the same code at its best or at half of that, for milliseconds or for minutes. What was added to
a batch by others is never taken away by them, so what the code costs is at the low end of what many batches took
(`timeit` says the same of its lowest). The first decile is told rather than the lowest one, which may be a batch whose
work fell into its neighbour.
"""

import statistics
from collections.abc import Awaitable, Callable, Mapping


async def by_turns(measures: Mapping[str, Callable[[], Awaitable[float]]], batches: int) -> dict[str, list[float]]:
    """What each gave in so many batches: they take turns, so that whatever disturbs meets all."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(batches):
        for name, measure in measures.items():
            found[name].append(await measure())
    return found


def undisturbed(values: list[float]) -> float:
    """The first decile."""
    return statistics.quantiles(values, n=10, method="inclusive")[0]


def added(full: list[float], bare: list[float]) -> tuple[float, tuple[float, float]]:
    """What one takes more than the other, undisturbed; and as the lowest of each and their medians say."""
    lowest, middle = min(full) - min(bare), statistics.median(full) - statistics.median(bare)
    return undisturbed(full) - undisturbed(bare), (min(lowest, middle), max(lowest, middle))
