"""Finished pictures, each from its recipe alone. Runs in the media worker."""

from collections.abc import Callable
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from holdback_servers.editing.compositing.recipes import WHOLE, Card, Mix, Over, Recipe, Shown, Words
from holdback_servers.editing.framing import Rectangle, fitted
from holdback_servers.editing.lettering import Drawn, Kind, burn, draw_words
from holdback_servers.editing.parts import Placement
from holdback_servers.editing.pictures import (
    SCALING,
    Colours,
    Planes,
    blank,
    copied,
    levels_of,
    part_of,
    planes,
    shaped,
    through,
    veil,
)

Alpha = NDArray[np.uint8]
"""How opaque each sample of the luma is, from 0 to 255."""
Source = Callable[[str, int], tuple[VideoFrame, Alpha | None]]
"""Gives a frame of some media in the form that pictures are put together in, and how opaque it is where it has anything
transparent. The frame is shared."""


class Compositor:
    """Makes finished pictures from recipes, in one thread.

    Args:
        canvas: width and height that pictures are fitted into; `finished`: of what comes out.
        form: the form of pixels, planar YUV, with `colours`.
    """

    def __init__(
        self, source: Source, canvas: tuple[int, int], finished: tuple[int, int], form: str, colours: Colours
    ) -> None:
        self._source, self._canvas, self._finished, self._form, self._colours = source, canvas, finished, form, colours
        self._drawn: dict[tuple[Kind, str, Placement], Drawn] = {}
        self._last: tuple[Shown | None, VideoFrame | None] = (None, None)
        self._cards: dict[Card, VideoFrame] = {}

    def picture(self, recipe: Recipe) -> VideoFrame:
        """The finished picture; it must not be changed."""
        frame = self._under(recipe)
        if not recipe.over and not recipe.words:
            return frame
        frame = copied(frame)
        whole = planes(frame)
        for each in recipe.over:
            self._lay(whole, each)
        for each in recipe.words:
            burn(whole, self._letters(each), each.strength / WHOLE)
        return frame

    def _under(self, recipe: Recipe) -> VideoFrame:
        frame = self._shaped(recipe.under[0]) if recipe.card is None else self._card(recipe.card)
        mix = recipe.mix
        if mix is None:
            return frame
        if mix.kind.startswith("dip"):
            white = mix.kind == "dip_to_white"
            return _mixed(frame, blank(self._finished, self._form, (235 if white else 16, 128, 128)), mix.done, mix.of)
        other = self._shaped(recipe.under[1])
        return _mixed(frame, other, mix.done, mix.of) if mix.kind == "dissolve" else _wiped(frame, other, mix)

    def _shaped(self, shown: Shown) -> VideoFrame:
        if self._last[0] == shown and self._last[1] is not None:
            return self._last[1]
        frame = shaped(self._solid(shown), shown.view, self._canvas, self._finished)
        self._last = (shown, frame)
        return frame

    def _solid(self, shown: Shown) -> VideoFrame:
        """The picture, what is transparent in it black."""
        frame, alpha = self._veiled(shown)
        if alpha is None:
            return frame
        ground = blank((frame.width, frame.height), self._form)
        _blend(planes(ground), planes(frame), alpha / np.float32(255))
        return ground

    def _veiled(self, shown: Shown) -> tuple[VideoFrame, Alpha | None]:
        frame, alpha = self._source(shown.media, shown.frame)
        if shown.veils:
            frame = copied(frame)
            for each in shown.veils:
                veil(planes(frame), each.box, each.style)
        return frame, alpha

    def _lay(self, whole: Planes, over: Over) -> None:
        strength = np.float32(over.strength / WHOLE)
        if over.place is None:
            full = shaped(self._solid(over.shown), over.shown.view, self._canvas, self._finished)
            _blend(whole, planes(full), strength)
            return
        frame, alpha = self._veiled(over.shown)
        _place(whole, frame, alpha, over.place, strength)

    def _letters(self, words: Words) -> Drawn:
        key = (words.kind, words.text, words.placement)
        if key not in self._drawn:
            self._drawn[key] = draw_words(*key, self._finished)
        return self._drawn[key]

    def _card(self, card: Card) -> VideoFrame:
        if card not in self._cards:
            colour, lines, media = card
            frame, bottom = blank(self._finished, self._form, levels_of(colour, self._colours)), self._finished[1]
            if lines:
                placement: Placement = "bottom" if media else "centre"
                drawn = draw_words("card", "\n".join(lines), placement, self._finished)
                burn(planes(frame), drawn)
                bottom = drawn.top
            if media is not None:
                still, alpha = self._source(media, 0)
                _place(planes(frame), still, alpha, _above(still, self._finished, bottom), np.float32(1))
            self._cards[card] = frame
        return self._cards[card]


def _above(still: VideoFrame, finished: tuple[int, int], bottom: int) -> Rectangle:
    """Where the still of a card stands: in the middle, above the row at which its words begin."""
    width, height = finished
    edge = height // 20 * 2
    room = (max(2, width * 8 // 20 * 2), max(2, (min(bottom, height - edge) - edge - height // 20) // 2 * 2))
    inner = fitted((still.width, still.height), room)
    left, top = (width - room[0]) // 4 * 2 + inner.left, edge + inner.top
    return Rectangle(left, top, left + inner.width, top + inner.height)


def _mixed(one: VideoFrame, other: VideoFrame, done: int, of: int) -> VideoFrame:
    """So much of the other picture over the one."""
    frame = copied(one)
    _blend(planes(frame), planes(other), np.float32(done / of))
    return frame


def _blend(whole: Planes, other: Planes, strength: Any) -> None:
    """The other planes over these, in place; `strength` is a share, or a plane of them for the luma."""
    for plane, new in zip(whole, other, strict=True):
        share = strength if np.ndim(strength) == 0 else _smaller(strength, plane.shape)
        plane[:] = np.rint(plane * (np.float32(1) - share) + new * share).astype(plane.dtype)


def _smaller(shares: Any, shape: tuple[int, ...]) -> Any:
    """Shares of the luma's samples, averaged for a plane of fewer."""
    down, across = shares.shape[0] // shape[0], shares.shape[1] // shape[1]
    return shares.reshape(shape[0], down, shape[1], across).mean(axis=(1, 3), dtype=np.float32)


def _wiped(one: VideoFrame, other: VideoFrame, mix: Mix) -> VideoFrame:
    """The other picture up to an edge that moves over the one: `wipe_left` moves left, from the right side."""
    width, height = one.width, one.height
    column, row = width * mix.done // mix.of // 2 * 2, height * mix.done // mix.of // 2 * 2
    new = {
        "wipe_left": Rectangle(width - column, 0, width, height),
        "wipe_right": Rectangle(0, 0, column, height),
        "wipe_up": Rectangle(0, height - row, width, height),
        "wipe_down": Rectangle(0, 0, width, row),
    }[mix.kind]
    frame = copied(one)
    for plane, source in zip(part_of(planes(frame), new), part_of(planes(other), new), strict=True):
        plane[:] = source
    return frame


def _place(whole: Planes, frame: VideoFrame, alpha: Alpha | None, place: Rectangle, strength: Any) -> None:
    """A picture scaled into a place of the finished one, what is outside of it left away."""
    if (frame.width, frame.height) != (place.width, place.height):
        frame = through(frame, (("scale", f"{place.width}:{place.height}:{SCALING}"),))
    height, width = whole[0].shape
    seen = Rectangle(max(0, place.left), max(0, place.top), min(width, place.right), min(height, place.bottom))
    if seen.width <= 0 or seen.height <= 0:
        return
    inner = Rectangle(seen.left - place.left, seen.top - place.top, seen.right - place.left, seen.bottom - place.top)
    share = strength
    if alpha is not None:
        small = np.asarray(Image.fromarray(alpha).resize((place.width, place.height), Image.Resampling.LANCZOS))
        share = small[inner.top : inner.bottom, inner.left : inner.right] * (strength / np.float32(255))
    _blend(part_of(whole, seen), part_of(planes(frame), inner), share)
