"""Fill a gap to the frame: which fillers, how often, in which order. Exact: it is filled whenever it can be. Pure.

Sums that can be reached are the bits of a whole number, one such number for each count of pieces. Nothing goes out
twice in a row: that can be ordered just when no filler makes up more than half of the pieces, rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdback_base.problem import Problem

MOST_PIECES: Final = 60
"""How many pieces a gap is filled with at most."""
_WORK: Final = 60_000_000_000
"""Bits that are worked with at most, about two seconds."""


@dataclass(frozen=True)
class Choice:
    """A filler of so many frames. Of those with one `group` only one goes out, once; without one `at_most` of it."""

    key: str
    frames: int
    at_most: int = 1
    group: str = ""


@dataclass(frozen=True)
class Filling:
    """The keys in order, the frames that they fill, and the fewest over the gap that others would."""

    keys: tuple[str, ...]
    frames: int
    longer: int | None


def fill_gap(frames: int, choices: Sequence[Choice], at_most: int = MOST_PIECES) -> Filling:
    """The fewest pieces that fill the gap exactly, or else those that leave the fewest frames empty.

    Raises Problem TOO_LARGE when there are too many fillers for a gap of this length.
    """
    usable = [each for each in choices if each.frames <= 2 * frames]
    pieces = min(at_most, MOST_PIECES, frames // min((each.frames for each in usable), default=1) + 1)
    often = max((1 if each.group else each.at_most for each in usable), default=0)
    if sum(each.at_most for each in usable) * pieces * 2 * frames * often > _WORK:
        raise Problem(
            "TOO_LARGE",
            f"{len(usable)} fillers for a gap of {frames} frames are too many ways to try.",
            "Give fewer of them, or a smaller at_most.",
        )
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    longer: int | None = None
    for cap in range(1, often + 1):
        last = pieces if cap == often else min(pieces, 2 * cap)
        if last < 2 * cap - 1:
            break
        table = _Table(frames, usable, cap, last)
        for count in range(2 * cap - 1, last + 1):
            filled, over = table.nearest(count)
            longer = over if longer is None or (over is not None and over < longer) else longer
            if filled > best[0]:
                best = (filled, count, table.keys(count, filled))
        if best[0] == frames:
            break
    return Filling(_ordered(best[2]), best[0], longer if best[0] < frames else None)


class _Table:
    """Which sums so many pieces reach, each filler used `cap` times at most."""

    def __init__(self, frames: int, choices: Sequence[Choice], cap: int, pieces: int) -> None:
        self._frames = frames
        self._steps = _steps(choices, cap)
        self._mask = (1 << (2 * frames + 1)) - 1
        reached = [1] + [0] * pieces
        self._layers = [reached]
        for step in self._steps:
            before = reached
            reached = list(before)
            for each in step:
                for count in range(1, pieces + 1):
                    reached[count] |= (before[count - 1] << each.frames) & self._mask
            self._layers.append(reached)

    def nearest(self, count: int) -> tuple[int, int | None]:
        """The most frames within the gap, and the fewest over it, that so many pieces come to."""
        sums = self._layers[-1][count]
        within = sums & ((1 << (self._frames + 1)) - 1)
        above = sums >> (self._frames + 1)
        return max(0, within.bit_length() - 1), (above & -above).bit_length() if above else None

    def keys(self, count: int, total: int) -> tuple[str, ...]:
        """Fillers that come to this sum."""
        found: list[str] = []
        for step, before in zip(reversed(self._steps), reversed(self._layers[:-1]), strict=True):
            if before[count] >> total & 1:
                continue
            used = next(
                each for each in step if each.frames <= total and before[count - 1] >> (total - each.frames) & 1
            )
            found.append(used.key)
            count, total = count - 1, total - used.frames
        return tuple(found)


def _steps(choices: Sequence[Choice], cap: int) -> list[list[Choice]]:
    """What may be added one after another, one of each step at most."""
    groups: dict[str, list[Choice]] = {}
    steps: list[list[Choice]] = []
    for each in choices:
        if each.group:
            groups.setdefault(each.group, []).append(each)
        else:
            steps += [[each]] * min(each.at_most, cap)
    return steps + list(groups.values())


def _ordered(keys: Sequence[str]) -> tuple[str, ...]:
    """The same keys with no two alike in a row: the most frequent first, into every other place."""
    counts = {key: keys.count(key) for key in dict.fromkeys(keys)}
    together = [key for key in sorted(counts, key=lambda key: (-counts[key], key)) for _ in range(counts[key])]
    half = (len(together) + 1) // 2
    ordered = [""] * len(together)
    ordered[::2], ordered[1::2] = together[:half], together[half:]
    return tuple(ordered)
