"""What is done with each decoded picture: made small once, then looked at beside the decoder.

Runs in the media worker.
"""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.lane import Lane
from holdback_servers.assets.looking.light import light_facts
from holdback_servers.assets.looking.proxy import ProxyPicture, proxy_size
from holdback_servers.assets.looking.watch import Watch
from holdback_servers.assets.probing import Headers

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_LONGEST_STEP = 10_000
"""Frames that one frame may stand, at the most, in a proxy whose source has odd times."""


class Eye:
    """Takes the frames of a stream in order.

    Args:
        promise: what the headers tell; there is a picture.
        folder: where keyframes are written.
    """

    def __init__(self, promise: Headers, folder: Path) -> None:
        from av.video.reformatter import VideoReformatter

        assert promise.video is not None
        video = promise.video
        self._rate = promise.rate
        self._size = proxy_size(video["width"], video["height"], Fraction(video["sample_aspect"].replace(":", "/")))
        self._scaler = VideoReformatter()
        self.watch = Watch(promise.rate, video["hdr"] or "SDR", folder)
        self.looking = Lane(self.watch.see)
        self._count = self._place = self._rotation = 0
        self._started: float | None = None
        self._before: float | None = None
        self._widest = 0.0
        self._light: dict[str, Any] = {}
        self._key_frames = self._longest_gop = self._last_key = 0
        self._fields: dict[str, str] = {}
        self._order: str = video["field_order"]

    def see(self, frame: "VideoFrame") -> ProxyPicture:
        """Take the next frame. Returns it small."""
        if self._count == 0:
            self._rotation = self.watch.keyframes.rotation = round(frame.rotation)
            self._light = light_facts(frame)
            if frame.interlaced_frame and self._order == "progressive":  # no header tells which field is first
                self._fields = {"field_order": "interlaced"}
        self._count_keys(frame)
        self._place_in_time(frame)
        small = self._scaler.reformat(frame, *self._size, "yuv420p", interpolation="AREA")
        small.pts, small.time_base, small.pict_type = self._place, 1 / self._rate, 0  # the encoder chooses key frames
        self._count += 1
        self.looking.put(small)
        return ProxyPicture(small, self._rotation)

    def _count_keys(self, frame: "VideoFrame") -> None:
        if frame.key_frame:
            self._longest_gop = max(self._longest_gop, self._count - self._last_key)
            self._key_frames, self._last_key = self._key_frames + 1, self._count

    def _place_in_time(self, frame: "VideoFrame") -> None:
        """Where the frame lies at a constant rate: as many frames on as its time says, at least one."""
        if frame.pts is None or frame.time_base is None:
            self._place += self._count > 0
            return
        now = float(frame.pts * frame.time_base)
        if self._before is not None:
            self._widest = max(self._widest, now - self._before)
        self._before = now
        self._started = now if self._started is None else self._started
        if self._count:
            step = round((now - self._started) * self._rate) - self._place
            self._place += min(max(step, 1), _LONGEST_STEP)

    @property
    def end(self) -> float:
        """Seconds at which the last frame ends, as the file counts."""
        return 0.0 if self._before is None else self._before + float(1 / self._rate)

    def uneven(self) -> bool:
        """Whether some step between frames is over one and a half of what the rate says."""
        return self._widest * float(self._rate) > 1.5

    def facts(self) -> dict[str, Any]:
        """What only frames tell of `VideoFacts`."""
        return (
            self._light
            | self._fields
            | {
                "variable_rate": self.uneven(),
                "rotation": self._rotation,
                "key_frames": self._key_frames,
                "longest_gop": max(self._longest_gop, self._count - self._last_key),
            }
        )
