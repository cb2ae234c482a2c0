"""The picture of each shot to look at: the frame nearest its middle. Runs in the media worker."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image

MOST = 5_000
"""Keyframes of one file; shots beyond have none."""


class Keyframes:
    """Sees small frames in order, and of each shot keeps the one nearest its middle as a JPEG.

    Args:
        folder: where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[int, VideoFrame] = {}
        self._start = self._saved = 0
        self._largest = 0
        self.rotation = 0
        """Degrees, counter-clockwise, that pictures are turned by."""
        self.shots: list[dict[str, Any]] = []
        self.poster: dict[str, Any] | None = None
        """The keyframe with the most in it: file, frame, width and height."""

    @property
    def waiting(self) -> int:
        """How many frames are kept until it is known which of them is the middle one."""
        return len(self._kept)

    def see(self, frame: "VideoFrame", index: int, decided: int) -> None:
        """Take the next frame; up to `decided` it is known where shots begin."""
        self._kept[index] = frame
        reach = index - self._start
        for at in [at for at in self._kept if at < decided]:
            offset = at - self._start
            power = offset.bit_length() - 1
            marked = offset == 0 or offset in (1 << power, 3 << max(0, power - 1))
            if not marked or offset * 4 < reach:
                del self._kept[at]  # few are kept, whatever the length of the shot

    def close(self, end: int) -> None:
        """The shot ends before this frame."""
        middle = (self._start + end - 1) / 2
        inside = [at for at in self._kept if self._start <= at < end]
        chosen = min(inside, key=lambda at: abs(at - middle))
        name = self._save(self._kept[chosen], chosen) if self._saved < MOST else None
        self.shots.append({"in_frame": self._start, "out_frame": end, "keyframe": name})
        self._kept = {at: frame for at, frame in self._kept.items() if at >= end}
        self._start = end

    def _save(self, frame: "VideoFrame", index: int) -> str:
        make: Callable[..., Image] = frame.to_image  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        image = make()
        if self.rotation % 360:
            image = image.rotate(self.rotation, expand=True)
        coded = io.BytesIO()
        image.save(coded, "JPEG", quality=85)
        name = f"keyframe-{self._saved:05}.jpg"
        (self._folder / name).write_bytes(coded.getvalue())  # Pillow's own writing does not notice a full disk
        self._saved += 1
        if coded.tell() > self._largest:
            self._largest = coded.tell()
            self.poster = {"file": name, "frame": index, "width": image.width, "height": image.height}
        return name
