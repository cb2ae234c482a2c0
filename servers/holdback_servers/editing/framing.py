"""Where things stand in the picture: fitting a source into the canvas, and cutting another shape out of it. Pure.

The renderer and the element list use the same numbers, so that what is claimed is what is shown.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from holdback_base.elements import Box

from holdback_servers.editing.parts import Reframe


class Rectangle(NamedTuple):
    """Whole pixels, half-open: columns `[left, right)`, rows `[top, bottom)`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top


def fitted(source: tuple[int, int], canvas: tuple[int, int]) -> Rectangle:
    """Where a source of this width and height stands in the canvas: whole, centred, bars beside it; even numbers."""
    scale = min(Fraction(canvas[0], source[0]), Fraction(canvas[1], source[1]))
    width, height = (max(2, min(side, _even(Fraction(of) * scale))) for side, of in zip(canvas, source, strict=True))
    left, top = (_even(Fraction(side - inner, 2)) for side, inner in zip(canvas, (width, height), strict=True))
    return Rectangle(left, top, left + width, top + height)


def fitted_in(source: tuple[int, int], canvas: tuple[int, int], box: Box | None) -> Rectangle:
    """Where a layer's picture stands in the canvas: whole and centred in its box, or in all of the canvas."""
    if box is None:
        return fitted(source, canvas)
    room = pixels(box, canvas)
    inner = fitted(source, (max(2, room.width), max(2, room.height)))
    return Rectangle(inner.left + room.left, inner.top + room.top, inner.right + room.left, inner.bottom + room.top)


def cut_out(canvas: tuple[int, int], reframe: Reframe | None, clip: str, frame: int | None = None) -> Rectangle:
    """The part of the canvas that is shown: the largest of the wanted shape, as near to the centre as it can be.

    Args:
        clip: the clip of the first track whose centre counts.
        frame: the frame of its media, where its centre moves.
    """
    if reframe is None:
        return Rectangle(0, 0, *canvas)
    width = min(canvas[0], max(2, _even(Fraction(canvas[1] * reframe.width, reframe.height))))
    height = min(canvas[1], max(2, _even(Fraction(canvas[0] * reframe.height, reframe.width))))
    wanted = Fraction(reframe.centre_of(clip, frame) * canvas[0], 1000) - Fraction(width, 2)
    left = min(max(0, _even(wanted)), canvas[0] - width)
    top = _even(Fraction(canvas[1] - height, 2))
    return Rectangle(left, top, left + width, top + height)


def pixels(box: Box, size: tuple[int, int]) -> Rectangle:
    """The smallest rectangle of even pixels, as chroma is shared by two, that covers the box."""
    width, height = size
    return Rectangle(
        _even(Fraction(box.x * width, 1000)),
        _even(Fraction(box.y * height, 1000)),
        min(width, _even_up(Fraction((box.x + box.width) * width, 1000))),
        min(height, _even_up(Fraction((box.y + box.height) * height, 1000))),
    )


class View(NamedTuple):
    """How one clip's picture comes to the screen: the source's size, its place in the canvas, and the part shown."""

    source: tuple[int, int]
    place: Rectangle
    shown: Rectangle

    def in_cut(self, box: Box) -> Box | None:
        """A box of the source's picture in thousandths of the finished picture, rounded outwards; None when no part of
        it is shown."""
        return _boxed(
            *_scaled((box.x, box.width), (self.place.left, self.place.width), (self.shown.left, self.shown.width)),
            *_scaled((box.y, box.height), (self.place.top, self.place.height), (self.shown.top, self.shown.height)),
        )

    def in_source(self, box: Box) -> Box | None:
        """The way back: a box of the finished picture in thousandths of the source's, rounded outwards."""
        return _boxed(
            *_scaled((box.x, box.width), (self.shown.left, self.shown.width), (self.place.left, self.place.width)),
            *_scaled((box.y, box.height), (self.shown.top, self.shown.height), (self.place.top, self.place.height)),
        )

    def whole(self) -> bool:
        """Whether all of the source's picture is shown."""
        return self.visible_part() == Box(x=0, y=0, width=1000, height=1000)

    def visible_part(self) -> Box | None:
        """What of the source's picture is shown at all, rounded outwards."""
        return self.in_source(Box(x=0, y=0, width=1000, height=1000))


def view(
    source: tuple[int, int], canvas: tuple[int, int], reframe: Reframe | None, clip: str, frame: int | None = None
) -> View:
    """How a clip of a source of this size is shown; on a frame of its media where its centre moves."""
    return View(source, fitted(source, canvas), cut_out(canvas, reframe, clip, frame))


def intersect(one: Box, other: Box) -> Box | None:
    """What both boxes share."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right, bottom = min(one.x + one.width, other.x + other.width), min(one.y + one.height, other.y + other.height)
    return Box(x=left, y=top, width=right - left, height=bottom - top) if left < right and top < bottom else None


def around_all(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds all of these; there is at least one."""
    left, top = min(each.x for each in boxes), min(each.y for each in boxes)
    right, bottom = max(each.x + each.width for each in boxes), max(each.y + each.height for each in boxes)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def covers(outer: Box, inner: Box) -> bool:
    """Whether no part of the inner box is outside the outer one."""
    return intersect(outer, inner) == inner


def _even(number: Fraction) -> int:
    return int(number // 2) * 2


def _even_up(number: Fraction) -> int:
    return -_even(-number) if number % 2 else int(number)


def _scaled(stretch: tuple[int, int], of: tuple[int, int], to: tuple[int, int]) -> tuple[int, int]:
    """A stretch in thousandths of one row of pixels, in thousandths of another, cut at its ends, rounded outwards.

    Rows are (first pixel, length); a stretch comes as (start, length) and is answered as (start, end).
    """
    start, length = stretch
    first = (of[0] + Fraction(start * of[1], 1000) - to[0]) * 1000 / to[1]
    last = (of[0] + Fraction((start + length) * of[1], 1000) - to[0]) * 1000 / to[1]
    return max(0, first.__floor__()), min(1000, last.__ceil__())


def _boxed(left: int, right: int, top: int, bottom: int) -> Box | None:
    return Box(x=left, y=top, width=right - left, height=bottom - top) if left < right and top < bottom else None
