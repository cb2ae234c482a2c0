"""The sign of an invented tea house, LARK & FINCH, standing in the meadow of the film's shots 6 and 8.

The board is drawn here and follows the camera, which pans until it rests at frame 437. Whatever passes in front of
the meadow (the rabbit, the butterfly, the apple) passes in front of the sign: a pixel belongs to the foreground when
it differs from the empty meadow, which is the median of many frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Picture = NDArray[np.uint8]
"""Height x width x 3, RGB."""

SHOTS = ((359, 594), (634, 834))
"""The shots with the sign: frames `[in, out)` of the film, one camera position for both."""
LEFT, TOP, WIDTH, HEIGHT = 306, 222, 104, 76
"""Where the sign stands when the camera rests, posts and all, in pixels of the 640 x 360 picture."""
_TRACK = (
    *((359, 57, 21), (365, 50, 18), (371, 42, 15), (377, 34, 12), (383, 27, 8), (389, 20, 6), (395, 15, 4)),
    *((401, 11, 3), (407, 8, 2), (413, 5, 1), (419, 3, 1), (425, 2, 0), (431, 1, 0), (437, 0, 0)),
)
"""How far right and down of its resting place the tree line stands: (frame, pixels, pixels), measured by matching."""
_INK, _BOARD, _EDGE, _WOOD = (32, 62, 48), (240, 230, 203), (121, 88, 55), (104, 76, 49)


@dataclass(frozen=True)
class Offset:
    """How far the sign stands from its resting place, in whole pixels right and down."""

    x: int
    y: int


def offset_at(frame: int) -> Offset:
    """Where the camera's pan has carried the sign at this frame of the film."""
    frames, across, down = zip(*_TRACK, strict=True)
    return Offset(round(float(np.interp(frame, frames, across))), round(float(np.interp(frame, frames, down))))


def shows_sign(frame: int) -> bool:
    """Whether the frame is in a shot with the sign."""
    return any(start <= frame < end for start, end in SHOTS)


def draw_sign() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The sign's colours and its opacity (0 to 1), drawn at four times its size and brought down."""
    scale = 4
    picture = Image.new("RGBA", (WIDTH * scale, HEIGHT * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)

    def box(x: float, y: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return (x * scale, y * scale, right * scale, bottom * scale)

    pen.ellipse(box(8, 70, 96, 76), fill=(24, 48, 16, 90))
    for post in (18, 80):
        pen.rectangle(box(post, 44, post + 6, 74), fill=(*_WOOD, 255))
    pen.rounded_rectangle(box(2, 4, 102, 52), radius=5 * scale, fill=(*_EDGE, 255))
    pen.rounded_rectangle(box(4, 6, 100, 50), radius=4 * scale, fill=(*_BOARD, 255))
    pen.text((52 * scale, 20 * scale), "LARK &", font=ImageFont.load_default(17 * scale), fill=_INK, anchor="mm")
    pen.text((52 * scale, 37 * scale), "FINCH", font=ImageFont.load_default(19 * scale), fill=_INK, anchor="mm")
    small = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.5))
    values = np.asarray(small, dtype=np.float32)
    return values[..., :3], (values[..., 3:] / 255).astype(np.float32)


def empty_meadow(frames: list[Picture]) -> NDArray[np.float32]:
    """The meadow without anybody in it: the median over frames in which the camera rests."""
    return np.median(np.stack(frames), axis=0).astype(np.float32)


def place_sign(picture: Picture, frame: int, meadow: NDArray[np.float32]) -> Picture:
    """The picture with the sign in it, behind whoever stands before the meadow."""
    colours, opacity = draw_sign()
    offset = offset_at(frame)
    rows = slice(TOP + offset.y, TOP + offset.y + HEIGHT)
    columns = slice(LEFT + offset.x, LEFT + offset.x + WIDTH)
    there = picture[rows, columns].astype(np.float32)
    ground = meadow[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    seen = opacity * (1 - _foreground(there, ground))
    placed = picture.copy()
    placed[rows, columns] = np.clip(there * (1 - seen) + colours * seen + 0.5, 0, 255).astype(np.uint8)
    return placed


def _foreground(there: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each pixel is something before the meadow, 0 to 1: by its distance from the meadow, smoothed."""
    distance = np.abs(_smooth(there) - _smooth(ground)).max(axis=2)
    return np.clip((distance - 34) / 22, 0, 1)[..., None].astype(np.float32)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    picture = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(2)), dtype=np.float32)
