"""Perceptual hashes: what stays of a picture when it is scaled, graded a little and coded again. Pure.

A difference hash: does brightness rise from each place to its right neighbour? Pictures alike lie within about 10 of 64
bits; unrelated ones lie about 32 apart.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, COLUMNS = 8, 9
_FLAT = 8.0
"""Steps of luma, 0 to 255, between the darkest and the brightest of 72 places."""


def picture_hash(luma: "NDArray[Any]") -> int:
    """The hash of a picture.

    Args:
        luma: its luma at 8 rows of 9 columns, such as `nine_by_eight` makes; any numeric type.

    Returns:
        64 bits as a signed integer, row by row from the top left, the first bit the highest.

    Raises:
        ValueError: for an array of another shape.
    """
    import numpy

    if luma.shape != (ROWS, COLUMNS):
        raise ValueError(f"a hash is made of 8 rows of 9 columns, not of {luma.shape}")
    rising = luma[:, 1:] > luma[:, :-1]
    return int.from_bytes(numpy.packbits(rising).tobytes(), signed=True)


def nine_by_eight(luma: "NDArray[Any]") -> "NDArray[Any]":
    """The means of luma over 8 rows of 9 equal fields, whatever the size of the picture (2-dimensional, rows first)."""
    rows, columns = luma.shape
    return _fields(rows, ROWS) @ luma @ _fields(columns, COLUMNS).T


def is_flat(small: "NDArray[Any]") -> bool:
    """Whether there is so little in a picture of 8 rows of 9 columns that its hash says nothing: it would be noise, and
    near to that of any other flat picture."""
    return float(small.max()) - float(small.min()) < _FLAT


def bits_apart(one: int, other: int) -> int:
    """In how many of 64 bits two hashes differ."""
    return ((one ^ other) & 0xFFFFFFFFFFFFFFFF).bit_count()


@lru_cache(maxsize=8)
def _fields(length: int, parts: int) -> "NDArray[Any]":
    """The weight of each of `length` places in each of `parts` equal fields."""
    import numpy

    edges = numpy.linspace(0, length, parts + 1)
    places = numpy.arange(length)
    inside = numpy.minimum(edges[1:, None], places + 1) - numpy.maximum(edges[:-1, None], places)
    return numpy.clip(inside, 0, 1) / (length / parts)
