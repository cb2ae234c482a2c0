"""Runs of frames for which something holds. Pure."""

from collections.abc import Iterable

Run = tuple[int, int]
"""Frames `[in, out)`."""


class Runs:
    """Fed frame by frame, keeps the runs that are long enough.

    Args:
        shortest: frames; a shorter run is not kept.
    """

    def __init__(self, shortest: int) -> None:
        self._shortest = max(1, shortest)
        self._start: int | None = None
        self._found: list[Run] = []

    def feed(self, frame: int, holds: bool) -> bool:
        """Say whether it holds for the next frame. Returns whether a run that is long enough ended with the last."""
        if holds and self._start is None:
            self._start = frame
        elif not holds and self._start is not None:
            before = len(self._found)
            return len(self.end(frame)) > before
        return False

    def end(self, frame: int) -> list[Run]:
        """End at this frame, which is no part of it any more. Returns all that was found."""
        if self._start is not None and frame - self._start >= self._shortest:
            self._found.append((self._start, frame))
        self._start = None
        return self._found


def joined(runs: Iterable[Run]) -> list[Run]:
    """Runs in order, those that touch or overlap made one."""
    whole: list[Run] = []
    for start, end in sorted(runs):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((start, end))
    return whole


def without(runs: Iterable[Run], taken: Iterable[Run], shortest: int = 1) -> list[Run]:
    """What is left of runs outside others, as far as it is long enough."""
    left = list(runs)
    for start, end in taken:
        left = [part for run in left for part in ((run[0], min(run[1], start)), (max(run[0], end), run[1]))]
        left = [part for part in left if part[1] > part[0]]
    return [part for part in left if part[1] - part[0] >= shortest]
