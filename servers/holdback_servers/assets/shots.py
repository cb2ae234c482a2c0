"""Where shots begin: an adaptive detector over the difference between neighbouring pictures. Pure.

A cut is a frame that differs from the one before far more than its neighbours do from theirs. So a fast pan, where all
frames differ, is no cut, and a flash, where two frames in a row differ, is none either. A fade through black is no cut
to it; who sees the picture come back says so with `begin`. Dissolves are not found. (The idea is that of
PySceneDetect's AdaptiveDetector; scale and figures are our own.)
"""

from collections import deque
from collections.abc import Iterable

NEIGHBOURS = 2
"""Frames on each side that a frame is compared with; a decision comes so many frames late."""
_RATIO = 3.0
_ALONE = 1.5
"""How far above each single neighbour a cut stands: both edges of a flash are alike."""
_LEAST = 9.0
"""Summed mean difference of Y, U and V, each 0 to 255."""
_CALM = 0.6
"""A floor under the neighbours' mean, so that noise in a still picture is no cut."""


class ShotDetector:
    """Feed it one score a frame; it answers with each cut, `NEIGHBOURS` frames after it.

    Args:
        shortest: frames; a cut so soon after another is not counted.
    """

    def __init__(self, shortest: int = 6) -> None:
        self._shortest = max(1, shortest)
        self._window: deque[float] = deque(maxlen=2 * NEIGHBOURS + 1)
        self._fed = 0
        self._last = 0

    def feed(self, score: float) -> int | None:
        """Take the score of the next frame (0 for the first); the frame at which a shot begins, or None."""
        self._window.append(score)
        self._fed += 1
        return self._decide(self._fed - 1 - NEIGHBOURS, len(self._window) - 1 - NEIGHBOURS)

    def begin(self, frame: int) -> bool:
        """A shot begins at this frame, one of the last that were fed, for another reason.

        Returns:
            Whether it counts: not when a cut lies too near before it.
        """
        if frame - self._last < self._shortest:
            return False
        self._last = frame
        return True

    def finish(self) -> list[int]:
        """The cuts among the last frames, which have fewer neighbours."""
        length = len(self._window)
        places = range(max(0, length - NEIGHBOURS), length)
        found = [self._decide(self._fed - length + place, place) for place in places]
        return [cut for cut in found if cut is not None]

    def _decide(self, frame: int, place: int) -> int | None:
        if frame < 1 or place < 0 or frame - self._last < self._shortest:
            return None
        score = self._window[place]
        around = [s for at, s in enumerate(self._window) if at != place and abs(at - place) <= NEIGHBOURS]
        mean = max(sum(around) / max(1, len(around)), _CALM)
        if score < _LEAST or score < _RATIO * mean or score < _ALONE * max(around, default=0.0):
            return None
        self._last = frame
        return frame


def find_cuts(scores: Iterable[float], shortest: int = 6) -> list[int]:
    """The frames at which a new shot begins, from the difference of each frame to the one before it."""
    detector = ShotDetector(shortest)
    found = [cut for score in scores if (cut := detector.feed(score)) is not None]
    return found + detector.finish()
