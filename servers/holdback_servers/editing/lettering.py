"""Words burnt into a picture: white letters on a dark plate, faded in and out. Runs in the media worker."""

import functools
import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from holdback_base.vocabulary import Span
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from holdback_servers.editing.parts import Credit, Placement
from holdback_servers.editing.pictures import Picture, planes

_PLATE = 0.6
"""How much the dark plate hides of the picture behind it."""
_WHITE, _BLACK, _GREY = 235.0, 16.0, 128.0
"""Video levels (ITU-R BT.601 and BT.709)."""
_FADE_SECONDS = 0.4
_SMALLEST = 8


@dataclass(frozen=True)
class Plate:
    """Drawn words: how much of the picture they hide and what they show instead, and where."""

    span: Span
    left: int
    top: int
    cover: NDArray[np.float32]
    light: NDArray[np.float32]
    fade_frames: int


def draw(credit: Credit, size: tuple[int, int], frames_a_second: float) -> Plate:
    """Draw a credit for a picture of this width and height."""
    width, height = size
    font, lines = _fitted(credit.text, size)
    step = round(font.size * 1.3)
    pad = max(2, round(font.size * 0.5))
    across = max(round(font.getlength(line)) for line in lines)
    wide = min(width // 2 * 2, _even(across + 2 * pad))
    high = min(height // 2 * 2, _even(step * len(lines) + 2 * pad - (step - round(font.size))))
    image = Image.new("L", (wide, high), 0)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((wide / 2, pad + number * step + font.size * 0.5), line, fill=255, font=font, anchor="mm")
    letters: NDArray[np.float32] = np.asarray(image, dtype=np.float32) / np.float32(255)
    plate: NDArray[np.float32] = np.float32(_PLATE) * (np.float32(1) - letters)
    return Plate(
        span=credit.span,
        left=(width - wide) // 4 * 2,
        top=_top(credit.placement, size, high),
        cover=np.asarray(letters + plate, dtype=np.float32),
        light=np.asarray(letters * np.float32(_WHITE) + plate * np.float32(_BLACK), dtype=np.float32),
        fade_frames=max(1, min(round(_FADE_SECONDS * frames_a_second), credit.span.frames // 4)),
    )


def burn(picture: Picture, plate: Plate, frame: int) -> None:
    """Put the words on a picture, in place, as they stand on this frame of the cut; outside its span nothing."""
    if not plate.span.in_frame <= frame < plate.span.out_frame:
        return
    edge = min(frame - plate.span.in_frame, plate.span.out_frame - 1 - frame) + 1
    strength = np.float32(min(1.0, edge / plate.fade_frames))
    luma, *chroma = planes(picture)
    high, wide = plate.cover.shape
    region = luma[plate.top : plate.top + high, plate.left : plate.left + wide]
    region[:] = np.rint(region * (1 - plate.cover * strength) + plate.light * strength).astype(np.uint8)
    cover = plate.cover.reshape(high // 2, 2, wide // 2, 2).mean(axis=(1, 3)) * strength
    rows, columns = slice(plate.top // 2, (plate.top + high) // 2), slice(plate.left // 2, (plate.left + wide) // 2)
    for plane in chroma:
        plane[rows, columns] = np.rint(plane[rows, columns] * (1 - cover) + np.float32(_GREY) * cover).astype(np.uint8)


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


def _fitted(text: str, size: tuple[int, int]) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest lettering, from 5.2 % of the shorter side down, in which the words fit."""
    width, height = size
    points = max(_SMALLEST, round(min(size) * 0.052))
    while True:
        font = _font(points)
        lines = _balanced(text, font, round(width * 0.86))
        high = len(lines) * points * 1.3 + points
        fits = high <= height * 0.4 and all(font.getlength(line) <= width * 0.86 for line in lines)
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
