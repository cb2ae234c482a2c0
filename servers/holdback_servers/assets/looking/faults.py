"""Faults of a picture that can be seen in small: black, and a picture that stands still. Pure.

Thresholds are those of FFmpeg's blackdetect and freezedetect, on grids; black is reported from a fifth of a second on,
since a cut that jumps to black shows even then.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.grids import LUMA, Grids
from holdback_servers.assets.looking.runs import Run, Runs, joined, without

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLACK_LUMA = 16 + 219 // 10
"""A tenth of the way from black to white."""
_BLACK_SHARE = 0.98
_BLACK_SECONDS = Fraction(1, 5)
_STILL_MEAN = 0.255
"""Mean difference to the first picture of a freeze, of 255; coding noise stays below."""
_STILL_MOST = 10
"""A field that differs by more moves, however small it is in the picture."""
_STILL_SECONDS = Fraction(2)


class PictureFaults:
    """Fed all grids in order, finds black and frozen spans.

    Args:
        rate: frames a second.
    """

    def __init__(self, rate: Fraction) -> None:
        self._black = Runs(max(2, round(rate * _BLACK_SECONDS)))
        self._shortest_freeze = max(2, round(rate * _STILL_SECONDS))
        self._frozen: list[Run] = []
        self._held: tuple[int, NDArray[Any]] | None = None
        self._last: NDArray[Any] | None = None
        self._fed = 0

    def feed(self, grids: Grids) -> list[int]:
        """Look at the next frames. Returns those at which a picture comes back after black."""
        dark = (grids.planes[:, :LUMA] <= _BLACK_LUMA).mean(axis=1) >= _BLACK_SHARE
        back = [
            grids.first + offset
            for offset, black in enumerate(dark.tolist())
            if self._black.feed(grids.first + offset, black)
        ]
        calm = (grids.apart.mean(axis=1) <= _STILL_MEAN) & (grids.apart.max(axis=1) <= _STILL_MOST)
        for offset, still in enumerate(calm.tolist()):
            self._hold(grids.first + offset, grids.planes[offset], still)
        self._fed = grids.first + len(grids)
        return back

    def finish(self) -> tuple[list[Run], list[Run]]:
        """The black spans and the frozen ones; what is black is not called frozen too."""
        self._release(self._fed)
        black = self._black.end(self._fed)
        return black, without(joined(self._frozen), black, self._shortest_freeze)

    def _hold(self, frame: int, planes: "NDArray[Any]", still: bool) -> None:
        """Compare with the first picture of the freeze, so that what drifts slowly is none."""
        if self._held is None and still and self._last is not None:
            self._held = (frame - 1, self._last)
        if self._held is not None and not (still and _same(planes, self._held[1])):
            self._release(frame)
        self._last = planes

    def _release(self, frame: int) -> None:
        if self._held is not None and frame - self._held[0] >= self._shortest_freeze:
            self._frozen.append((self._held[0], frame))
        self._held = None


def _same(one: "NDArray[Any]", other: "NDArray[Any]") -> bool:
    import numpy

    apart = numpy.maximum(one, other) - numpy.minimum(one, other)
    return bool(apart.mean() <= _STILL_MEAN and apart.max() <= _STILL_MOST)
