"""Small pictures, one a frame, looked at many at a time: that costs a tenth of looking at each. Pure.

A grid is the picture in 96 by 54 fields of luma and 48 by 27 of each difference of colour, 0 to 255 with black at 16
and white at 235 (Recommendation ITU-R BT.709), whatever its size and shape.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS, ROWS = 96, 54
LUMA = COLUMNS * ROWS
CHROMA = LUMA // 4
AT_ONCE = 24
"""Grids that are looked at together."""


@dataclass(frozen=True)
class Grids:
    """Neighbouring frames from `first` on.

    Attributes:
        planes: uint8, a row of `LUMA + 2 * CHROMA` values for each frame.
        apart: uint8, by how much each value differs from the frame before; 0 for the first frame of all.
    """

    first: int
    planes: "NDArray[Any]"
    apart: "NDArray[Any]"

    def __len__(self) -> int:
        return len(self.planes)

    @property
    def luma(self) -> "NDArray[Any]":
        """Frames, rows, columns."""
        return self.planes[:, :LUMA].reshape(-1, ROWS, COLUMNS)

    @property
    def chroma(self) -> "tuple[NDArray[Any], NDArray[Any]]":
        """Cb and Cr, each frames, rows, columns."""
        blue, red = self.planes[:, LUMA : LUMA + CHROMA], self.planes[:, LUMA + CHROMA :]
        return blue.reshape(-1, ROWS // 2, COLUMNS // 2), red.reshape(-1, ROWS // 2, COLUMNS // 2)

    def scores(self) -> list[float]:
        """For the shot detector: the mean difference of luma, and twice that of both colours."""
        luma = self.apart[:, :LUMA].mean(axis=1)
        return (luma + 2 * self.apart[:, LUMA:].mean(axis=1)).tolist()


class GridPile:
    """Collects grids until there are enough to look at."""

    def __init__(self) -> None:
        import numpy

        self._piled = numpy.empty((AT_ONCE + 1, LUMA + 2 * CHROMA), numpy.uint8)
        self._count, self._first = 0, 0

    def add(self, grid: "NDArray[Any]") -> Grids | None:
        """Take the next frame's grid; all that are piled, once they are enough. They are to be used at once."""
        self._count += 1
        self._piled[self._count] = grid.reshape(-1)
        return self.take() if self._count == AT_ONCE else None

    def take(self) -> Grids | None:
        """All that are piled, if any."""
        import numpy

        if not self._count:
            return None
        count, piled = self._count, self._piled
        if self._first == 0:
            piled[0] = piled[1]
        now, before = piled[1 : count + 1], piled[:count]
        grids = Grids(self._first, now.copy(), numpy.maximum(now, before) - numpy.minimum(now, before))
        piled[0] = piled[count]
        self._first += count
        self._count = 0
        return grids
