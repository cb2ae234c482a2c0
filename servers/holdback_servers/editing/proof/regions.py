"""What is left of a region of the picture, against the same region of its source. Runs in the media worker.

Both are brought to one size and split into bands of detail. What is left in a band is how much of the source's detail
is still there, as a share of its contrast, or of what is there now where that is more, wherever within a few pixels it
fits best, upright or mirrored: a weak blur keeps most of it, whatever covers the region with something else keeps none.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Luma = NDArray[np.uint8]
Field = NDArray[np.float32]

_SHORT, _LONG = 48, 192
"""Pixels of the shorter side on which a region is compared, and of the longer one at most."""
_BANDS = ((4, 8), (8, 16))
"""Cycles across the shorter side: what letters and faces are made of; a veil leaves about one cycle."""
_SHIFT = 4
_SURE, _REPEATING = 0.5, 0.6
"""What fits less than the first, and better elsewhere than at its own place, fits by chance; unless the source repeats
itself so much that it fits elsewhere anyhow."""
_FAINT = 1.5
"""Levels of luma: a band with less detail than this has nothing to make out."""
_INSET = 0.04
_TILES = 8
_GRID = 64
_TEXTURED = 3.0
_ALIKE, _NEAR, _ENOUGH = 0.6, 12.0, 0.7


class Part(NamedTuple):
    """A rectangle as shares of a picture's width and height: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def within(self, other: "Part") -> "Part | None":
        """What both share; None when that is next to nothing."""
        shared = Part(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        return shared if shared.right - shared.left > _THIN and shared.bottom - shared.top > _THIN else None

    def beside(self, other: "Part") -> "Part":
        """The largest part of it that is above, below, left or right of the other."""
        pieces = (
            self._replace(bottom=min(self.bottom, other.top)),
            self._replace(top=max(self.top, other.bottom)),
            self._replace(right=min(self.right, other.left)),
            self._replace(left=max(self.left, other.right)),
        )
        return max(pieces, key=lambda each: each.area)

    @property
    def area(self) -> float:
        """How much of the picture it is."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)


_THIN = 0.004


class Lie(NamedTuple):
    """How a source's picture lies in the cut: a place `u` of the source, as a share, is at `scale * u + move`."""

    scale_x: float
    move_x: float
    scale_y: float
    move_y: float

    def in_cut(self, part: Part) -> Part:
        """A part of the source as a part of the cut; it may reach beyond its edges."""
        return Part(
            self.scale_x * part.left + self.move_x,
            self.scale_y * part.top + self.move_y,
            self.scale_x * part.right + self.move_x,
            self.scale_y * part.bottom + self.move_y,
        )

    def in_source(self, part: Part) -> Part:
        """The way back."""
        return Part(
            (part.left - self.move_x) / self.scale_x,
            (part.top - self.move_y) / self.scale_y,
            (part.right - self.move_x) / self.scale_x,
            (part.bottom - self.move_y) / self.scale_y,
        )


WHOLE = Part(0.0, 0.0, 1.0, 1.0)


def sized(luma: Luma, part: Part, size: tuple[int, int]) -> Field:
    """A part of a picture, brought to so many columns and rows."""
    rows, columns = luma.shape
    box = (
        max(0.0, part.left * columns),
        max(0.0, part.top * rows),
        min(float(columns), part.right * columns),
        min(float(rows), part.bottom * rows),
    )
    return np.asarray(Image.fromarray(luma).resize(size, Image.Resampling.BILINEAR, box=box), np.float32)


def left_of(cut: Luma, source: Luma, part: Part, lie: Lie) -> float | None:
    """What share of the source's detail in this part of its picture is left in the cut; None where it has none.

    Args:
        part: of the source's picture; only what of it is shown in the cut counts.
    """
    shown = lie.in_cut(part).within(WHOLE)
    if shown is None:
        return None
    across, down = (shown.right - shown.left) * _INSET, (shown.bottom - shown.top) * _INSET
    shown = Part(shown.left + across, shown.top + down, shown.right - across, shown.bottom - down)
    size = _size((shown.right - shown.left) * cut.shape[1], (shown.bottom - shown.top) * cut.shape[0])
    now, then = sized(cut, shown, size), sized(source, lie.in_source(shown), size)
    return remaining(now, then)


def _size(width: float, height: float) -> tuple[int, int]:
    ratio = max(width, height) / max(1.0, min(width, height))
    longer = min(_LONG, round(_SHORT * ratio))
    return (longer, _SHORT) if width > height else (_SHORT, longer)


def remaining(now: Field, then: Field) -> float | None:
    """The most that is left of a region's detail in any band, as a share of its contrast then."""
    shares: list[float] = []
    for band in _bands(then.shape):
        before = _banded(then, band)
        energy = float((before**2).sum())
        if energy < _FAINT**2 * before.size:
            continue
        own = np.fft.rfft2(before)
        repeats = _near_and_far(np.fft.irfft2(own * np.conj(own), s=before.shape) / energy)[1]
        for way in (now, now[:, ::-1], now[::-1]):
            after = _banded(way, band)
            strongest = max(energy, float(np.sqrt(energy * float((after**2).sum()))))
            fit = np.fft.irfft2(np.fft.rfft2(after) * np.conj(own), s=before.shape)
            near, far = _near_and_far(fit / strongest)
            by_chance = near < far and near < _SURE and repeats < _REPEATING
            shares.append(0.0 if by_chance else near)
    return round(max(shares), 3) if shares else None


def _near_and_far(fit: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """The best fit within the few pixels allowed, and beyond twice as many."""
    rolled = np.abs(np.roll(fit, (2 * _SHIFT, 2 * _SHIFT), axis=(0, 1)))
    near = float(rolled[_SHIFT : 3 * _SHIFT + 1, _SHIFT : 3 * _SHIFT + 1].max())
    rolled[: 4 * _SHIFT + 1, : 4 * _SHIFT + 1] = 0
    return near, float(rolled.max())


def _banded(patch: Field, band: Field) -> Field:
    rows, columns = patch.shape
    edge = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]) ** 0.25
    spectrum = np.fft.rfft2((patch - patch.mean()) * edge)
    return np.asarray(np.fft.irfft2(spectrum * band, s=patch.shape), np.float32)


@lru_cache(maxsize=64)
def _bands(shape: tuple[int, int]) -> tuple[Field, ...]:
    rows, columns = shape
    cycles = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]) * min(shape)
    return tuple(((cycles >= low) & (cycles < high)).astype(np.float32) for low, high in _BANDS)


def same_picture(cut: Luma, source: Luma, lie: Lie, without: tuple[Part, ...] = ()) -> float:
    """How much of the cut's picture is that of the source, as a share of fields; without these parts of the source."""
    shown = lie.in_cut(WHOLE).within(WHOLE)
    if shown is None:
        return 0.0
    one, other = _tiles(sized(cut, shown, (_GRID, _GRID))), _tiles(sized(source, lie.in_source(shown), (_GRID, _GRID)))
    means = np.abs(one.mean(axis=1) - other.mean(axis=1))
    a, b = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    strength = np.sqrt((a**2).mean(axis=1)), np.sqrt((b**2).mean(axis=1))
    likeness = (a * b).mean(axis=1) / np.maximum(strength[0] * strength[1], 1e-6)
    textured = np.maximum(*strength) > _TEXTURED
    good = (textured & (likeness > _ALIKE)) | (~textured & (means < _NEAR))
    counted = ~_within_parts(tuple(lie.in_cut(each) for each in without), shown)
    return float(good[counted].mean()) if counted.any() else 0.0


def is_same(share: float) -> bool:
    """Whether so many fields of a picture make it that of the source."""
    return share >= _ENOUGH


def _tiles(picture: Field) -> Field:
    side = _GRID // _TILES
    return picture.reshape(_TILES, side, _TILES, side).swapaxes(1, 2).reshape(_TILES * _TILES, side * side)


def _within_parts(parts: tuple[Part, ...], shown: Part) -> NDArray[np.bool_]:
    """Which fields of the shown part touch one of these parts of the cut."""
    inside = np.zeros((_TILES, _TILES), bool)
    columns = shown.left + (shown.right - shown.left) * np.arange(_TILES + 1) / _TILES
    rows = shown.top + (shown.bottom - shown.top) * np.arange(_TILES + 1) / _TILES
    for part in parts:
        across = (columns[1:] > part.left) & (columns[:-1] < part.right)
        down = (rows[1:] > part.top) & (rows[:-1] < part.bottom)
        inside |= down[:, None] & across[None]
    return inside.reshape(-1)
