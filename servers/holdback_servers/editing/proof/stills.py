"""Pictures that show what a proof rests on, as PNG files. Runs in the media worker."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from holdback_servers.editing.proof.regions import Part

_LONGEST = 960
_RED = (255, 48, 48)
_HIGH, _STEP = 160, 12
_SMALL_ENOUGH = 3
"""Of 9: a tenth larger than by default, in a third of the time."""


def frame_still(frame: VideoFrame, part: Part | None, path: Path) -> None:
    """A frame of the file with the part that matters framed in red; scaled down where it is large."""
    scale = min(1.0, _LONGEST / max(frame.width, frame.height))
    drawn: Any = frame  # PyAV leaves the type of its pictures open
    image: Image.Image = drawn.to_image(
        width=round(frame.width * scale) // 2 * 2, height=round(frame.height * scale) // 2 * 2
    )
    if part is not None:
        corners = [
            (part.left * (image.width - 1), part.top * (image.height - 1)),
            (part.right * (image.width - 1), part.bottom * (image.height - 1)),
        ]
        ImageDraw.Draw(image).rectangle(corners, outline=_RED, width=2)
    image.save(path, "PNG", compress_level=_SMALL_ENOUGH)


def course_still(values: Sequence[float], bound: float, most: float, path: Path) -> None:
    """A bar for each second, as high as it is likely that the sound is heard there, and the bound as a red line."""
    image = Image.new("RGB", (max(1, len(values)) * _STEP, _HIGH), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    for number, value in enumerate(values):
        top = round((_HIGH - 1) * (1 - min(1.0, value / most)))
        pen.rectangle([(number * _STEP + 1, top), ((number + 1) * _STEP - 2, _HIGH - 1)], fill=(60, 90, 150))
    line = round((_HIGH - 1) * (1 - min(1.0, bound / most)))
    pen.line([(0, line), (image.width, line)], fill=_RED)
    image.save(path, "PNG", compress_level=_SMALL_ENOUGH)
