"""Words burnt into a picture: white letters on a dark plate or with a shadow. Runs in the media worker."""

import functools
import io
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
from holdback_base.vocabulary import Span
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from holdback_servers.editing.parts import Credit, Placement, WordsKind
from holdback_servers.editing.pictures import Planes, depth

_PLATE, _SHADOW = 0.6, 0.75
"""How much the dark plate, and the shadow around a title, hide of the picture behind them."""
_WHITE, _BLACK, _GREY = 235.0, 16.0, 128.0
"""Video levels (ITU-R BT.601 and BT.709)."""
_FADE_SECONDS = 0.4
_SMALLEST = 8
_ACROSS = 0.86
"""How much of the width words may take: the title-safe area."""

Kind = WordsKind | Literal["caption", "card"]
_LARGE = {"title": 0.1, "card": 0.075}
_USUAL = 0.052
"""The largest lettering of a kind, as a part of the picture's shorter side."""


@dataclass(frozen=True)
class Drawn:
    """Drawn words: how much of the picture they hide and what they show instead, in levels of 8 bits, and where."""

    left: int
    top: int
    cover: NDArray[np.float32]
    light: NDArray[np.float32]


@dataclass(frozen=True)
class Plate(Drawn):
    """Drawn words with the frames on which they stand."""

    span: Span
    fade_frames: int

    def strength(self, frame: int) -> float:
        """How strongly they stand on a frame of the cut, from 0 to 1: they fade in and out."""
        return strength_on(self.span, self.fade_frames, frame)


def strength_on(span: Span, fade_frames: int, frame: int) -> float:
    """How strongly something that fades in and out over so many frames stands on a frame of the cut, from 0 to 1."""
    edge = min(frame - span.in_frame, span.out_frame - 1 - frame) + 1
    return min(1.0, max(0, edge) / fade_frames)


def fade_of(span: Span, frames_a_second: float) -> int:
    """How many frames words take to fade in: 0.4 s, a quarter of short ones."""
    return max(1, min(round(_FADE_SECONDS * frames_a_second), span.frames // 4))


def draw(credit: Credit, size: tuple[int, int], frames_a_second: float) -> Plate:
    """Draw a credit for a picture of this width and height."""
    drawn = draw_words(credit.kind, credit.text, credit.placement, size)
    return Plate(drawn.left, drawn.top, drawn.cover, drawn.light, credit.span, fade_of(credit.span, frames_a_second))


def draw_words(kind: Kind, text: str, placement: Placement, size: tuple[int, int]) -> Drawn:
    """Draw words for a picture of this width and height; a lower third stands at the left, everything else in the
    middle."""
    width, height = size
    font, lines = _fitted(text, size, _LARGE.get(kind, _USUAL))
    step = round(font.size * 1.3)
    pad = max(2, round(font.size * 0.5))
    across = max(round(font.getlength(line)) for line in lines)
    wide = min(width // 2 * 2, _even(across + 2 * pad))
    high = min(height // 2 * 2, _even(step * len(lines) + 2 * pad - (step - round(font.size))))
    left = (width - wide) // 4 * 2
    image = Image.new("L", (wide, high), 0)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        row = pad + number * step + font.size * 0.5
        if kind == "lower_third":
            pen.text((pad, row), line, fill=255, font=font, anchor="lm")
        else:
            pen.text((wide / 2, row), line, fill=255, font=font, anchor="mm")
    if kind == "lower_third":
        left = min(left, int(width * (1 - _ACROSS) / 4) * 2)
    letters = _shares(image)
    behind = _shadow(image) if kind in _LARGE else np.full(letters.shape, _PLATE, np.float32)
    plate = np.asarray(behind * (np.float32(1) - letters), dtype=np.float32)
    return Drawn(
        left=left,
        top=_top(placement, size, high),
        cover=np.asarray(letters + plate, dtype=np.float32),
        light=np.asarray(letters * np.float32(_WHITE) + plate * np.float32(_BLACK), dtype=np.float32),
    )


def _shares(image: Image.Image) -> NDArray[np.float32]:
    """Levels from 0 to 255 as shares of one."""
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _shadow(letters: Image.Image) -> NDArray[np.float32]:
    """A soft dark edge around letters, so that they can be read on anything."""
    soft = max(1, letters.height // 24)
    wide = letters.filter(ImageFilter.MaxFilter(2 * soft + 1)).filter(ImageFilter.GaussianBlur(soft))
    return _shares(wide) * np.float32(_SHADOW)


def burn(whole: Planes, drawn: Drawn, strength: float = 1.0) -> None:
    """Put words on a picture, in place, as strongly as this: 0 is not at all."""
    if strength <= 0:
        return
    luma, *chroma = whole
    high, wide = drawn.cover.shape
    levels, strong = np.float32(depth(whole)), np.float32(strength)
    region = luma[drawn.top : drawn.top + high, drawn.left : drawn.left + wide]
    cover = drawn.cover * strong
    region[:] = np.rint(region * (1 - cover) + drawn.light * (strong * levels)).astype(region.dtype)
    across, down = luma.shape[1] // chroma[0].shape[1], luma.shape[0] // chroma[0].shape[0]
    small = cover.reshape(high // down, down, wide // across, across).mean(axis=(1, 3))
    rows = slice(drawn.top // down, (drawn.top + high) // down)
    columns = slice(drawn.left // across, (drawn.left + wide) // across)
    grey = np.float32(_GREY) * levels
    for plane in chroma:
        plane[rows, columns] = np.rint(plane[rows, columns] * (1 - small) + grey * small).astype(plane.dtype)


def _top(placement: Placement, size: tuple[int, int], high: int) -> int:
    """The plate's first row: inside the title-safe area; in a tall picture clear of the buttons that apps draw."""
    width, height = size
    tall = height > width
    if placement == "top":
        top = height * (0.12 if tall else 0.08)
    elif placement == "centre":
        top = (height - high) / 2
    else:
        top = height * (0.78 if tall else 0.92) - high
    return max(0, min(int(top) // 2 * 2, height - high))


def _even(number: int) -> int:
    return (number + 1) // 2 * 2


def _fitted(text: str, size: tuple[int, int], largest: float) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest lettering, from this part of the shorter side down, in which the words fit."""
    width, height = size
    points = max(_SMALLEST, round(min(size) * largest))
    while True:
        font = _font(points)
        lines = _balanced(text, font, round(width * _ACROSS))
        high = len(lines) * points * 1.3 + points
        fits = high <= height * 0.4 and all(font.getlength(line) <= width * _ACROSS for line in lines)
        if fits or points <= _SMALLEST:
            return font, lines
        points -= 1


def _balanced(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """As few lines as the width allows, about as long as one another."""
    lines = _wrapped(text, font, width)
    for percent in range(95, 45, -5):
        narrower = _wrapped(text, font, width * percent // 100)
        if len(narrower) > len(lines) or any(font.getlength(line) > width for line in narrower):
            break
        lines = narrower
    return lines


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


@functools.cache
def _font(points: int) -> ImageFont.FreeTypeFont:
    letters = files("holdback_servers.editing").joinpath("data", "credits.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(letters), points, layout_engine=ImageFont.Layout.BASIC)
