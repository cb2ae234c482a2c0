"""All that is found out about the picture while its frames pass by. Runs in the media worker."""

from array import array
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.faults import PictureFaults
from holdback_servers.assets.looking.flashing import FlashMeter, Transfer
from holdback_servers.assets.looking.grids import COLUMNS, ROWS, GridPile, Grids
from holdback_servers.assets.looking.hashes import is_flat, nine_by_eight, picture_hash
from holdback_servers.assets.looking.keyframes import Keyframes
from holdback_servers.assets.looking.motion import motion_json
from holdback_servers.assets.looking.runs import Run
from holdback_servers.assets.shots import NEIGHBOURS, ShotDetector

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_HASHES = 4
"""Hashes a second."""
_MOST_HASHES = 400_000
MOST_SHOTS = 20_000
"""Shots of one file; all that follows is one more."""


class Watch:
    """Sees every frame once, small.

    Args:
        rate: frames a second.
        transfer: how signal becomes light.
        folder: where keyframes are written.
    """

    def __init__(self, rate: Fraction, transfer: Transfer, folder: Path) -> None:
        from av.video.reformatter import VideoReformatter

        self._small = VideoReformatter()
        self._pile = GridPile()
        self._detector = ShotDetector(shortest=max(3, round(rate / 4)))
        self._faults, self._flashes = PictureFaults(rate), FlashMeter(float(rate), transfer)
        self._rate, self._scores = rate, array("f")
        self._every = max(1, round(rate / _HASHES))
        self._count = self._decided = 0
        self.keyframes = Keyframes(folder)
        self.hashes: list[tuple[int, int]] = []
        """Frames and the hashes of their pictures; pictures with nothing in them are left out."""

    def see(self, frame: "VideoFrame") -> None:
        """Take the next frame."""
        index, self._count = self._count, self._count + 1
        self.keyframes.see(frame, index, self._decided)
        small = self._small.reformat(frame, COLUMNS, ROWS, "yuv420p", interpolation="AREA", threads=1)
        grids = self._pile.add(small.to_ndarray())
        if grids is not None:
            self._look(grids)

    def finish(self) -> dict[str, list[Run]]:
        """Look at what is left. Returns the spans of `black`, `freeze` and `flashing`."""
        grids = self._pile.take()
        if grids is not None:
            self._look(grids)
        for cut in self._detector.finish():
            self._cut(cut)
        if self._count:
            self.keyframes.close(self._count)
        black, frozen = self._faults.finish()
        return {"black": black, "freeze": frozen, "flashing": self._flashes.finish()}

    def write_motion(self, folder: Path) -> dict[str, Any]:
        """Write how much moved as numbers, once all has been seen; told as a rendition."""
        cuts = (each["in_frame"] for each in self.keyframes.shots)
        (folder / "motion.json").write_bytes(motion_json(self._scores, cuts, self._rate))
        return {"purpose": "motion", "file": "motion.json", "facts": {"format": "json"}}

    def _look(self, grids: Grids) -> None:
        back = self._faults.feed(grids)
        scores = grids.scores()
        self._scores.extend(scores)
        for frame, score in enumerate(scores, grids.first):
            cut = self._detector.feed(score)
            if cut is not None:
                self._cut(cut)
            if frame in back and self._detector.begin(frame):
                self._cut(frame)
        self._decided = max(0, grids.first + len(grids) - NEIGHBOURS)
        self._flashes.feed(grids)
        first = -grids.first % self._every
        for offset in range(first, len(grids), self._every):
            small = nine_by_eight(grids.luma[offset])
            if not is_flat(small):
                self.hashes.append((grids.first + offset, picture_hash(small)))
        if len(self.hashes) > _MOST_HASHES:
            self._every *= 2
            self.hashes = [each for each in self.hashes if each[0] % self._every == 0]

    def _cut(self, frame: int) -> None:
        if len(self.keyframes.shots) < MOST_SHOTS:
            self.keyframes.close(frame)
