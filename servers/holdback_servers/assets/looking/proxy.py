"""A proxy: the same frames and sound in a form that any player shows and any network carries. Runs in the media worker.

H.264 of at most 640 pixels on the longer side with square pixels, 4:2:0 and 8 bits, a key frame at least every two
seconds; AAC in stereo or mono; MP4 whose index comes first. Frame N of the proxy is frame N of the source. Colour is
tagged as the source's is and not converted: HDR looks flat on a display that does not know it.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.probing import Headers

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.video.frame import VideoFrame

LONGEST_SIDE = 640
SOUND_RATE = 48000
PICTURE_OPTIONS = {"preset": "superfast", "crf": "28", "threads": "2", "x264-params": "subme=0"}
"""Of libx264. Without the refinement of motion it takes two thirds of the time, for a seventh more bytes."""
SOUND_OPTIONS = {"aac_coder": "fast"}
"""Of FFmpeg's AAC: its own default takes three times as long, longer than the picture does."""
_SMALLEST_SIDE = 16
_KEY_SECONDS = 2
_GAP, _LONGEST_GAP = 0.1, 60.0
"""Seconds by which sound may come late and is moved; beyond, the times of the source are not believed."""


@dataclass(frozen=True)
class ProxyPicture:
    """A small frame with its time, and how far a player turns it."""

    frame: "VideoFrame"
    rotation: int = 0


@dataclass(frozen=True)
class ProxySound:
    """A decoded frame of sound, and when it is heard, in seconds after the first picture."""

    frame: "AudioFrame"
    seconds: float


def proxy_size(width: int, height: int, sample_aspect: Fraction) -> tuple[int, int]:
    """The size of a proxy: the picture in square pixels, made smaller as needed but never larger, both sides even."""
    across = width * sample_aspect
    scale = min(Fraction(1), Fraction(LONGEST_SIDE) / max(across, height))
    return _even(across * scale), _even(height * scale)


def _even(side: Fraction) -> int:
    return min(LONGEST_SIDE, max(_SMALLEST_SIDE, round(side / 2) * 2))


class ProxyWriter:
    """Writes a proxy frame by frame.

    Args:
        target: the file, whose name ends in `.mp4` or, for sound alone, `.m4a`.
        rate: frames a second; None where there is no picture.
        channels: of the sound; 0 where there is none.
    """

    def __init__(self, target: Path, rate: Fraction | None, channels: int) -> None:
        self.target = target
        self._rate = rate
        self._layout = "mono" if channels == 1 else "stereo" if channels else None
        self._out: Any = None
        self._picture: Any = None
        self._sound: Any = None
        self._early: list[ProxySound] = []
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._next = 0
        self.width = self.height = 0

    def write(self, item: ProxyPicture | ProxySound) -> None:
        """Take the next picture or sound."""
        if isinstance(item, ProxyPicture):
            self._show(item)
        elif self._rate is not None and self._out is None:
            self._early.append(item)  # the file is opened with the first picture, which tells its form
        else:
            self._play(item)

    def finish(self) -> dict[str, str | int] | None:
        """Write what is left, and the index. Returns what matters of it; None when nothing came."""
        if self._out is None:
            return None
        if self._picture is not None:
            self._out.mux(self._picture.encode())
        if self._sound is not None and self._form is not None:
            for frame in [] if self._resampler is None else self._resampler.resample(None):
                self._encode(frame)
            self._out.mux(self._sound.encode())
        self._out.close()
        facts: dict[str, str | int] = {"format": self.target.suffix[1:]}
        if self._picture is not None:
            facts |= {"width": self.width, "height": self.height, "video": "h264"}
        return facts | ({"audio": "aac"} if self._sound is not None else {})

    def _open(self, first: ProxyPicture | None) -> Any:
        import av

        out: Any = av.open(str(self.target), "w", format="mp4", options={"movflags": "faststart"})
        self._out = out
        if first is not None and self._rate is not None:
            self._picture = self._add_picture(out, first, self._rate)
        if self._layout is not None:
            self._sound = out.add_stream("aac", rate=SOUND_RATE, layout=self._layout, options=SOUND_OPTIONS)
            self._sound.bit_rate = 64_000 if self._layout == "mono" else 96_000
        return out

    def _add_picture(self, out: Any, first: ProxyPicture, rate: Fraction) -> Any:
        stream = out.add_stream("libx264", rate=rate, options=PICTURE_OPTIONS)
        self.width, self.height = first.frame.width, first.frame.height
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        context = stream.codec_context
        context.gop_size = max(1, round(rate * _KEY_SECONDS))
        context.time_base = 1 / rate
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(first.frame, name))
        if first.rotation % 360:
            stream.set_display_rotation(first.rotation)
        return stream

    def _show(self, item: ProxyPicture) -> None:
        out = self._out or self._open(item)
        out.mux(self._picture.encode(item.frame))
        for early in self._early:
            self._play(early)
        self._early = []

    def _play(self, item: ProxySound) -> None:
        from av.audio.resampler import AudioResampler

        if self._out is None:
            self._open(None)
        frame = item.frame
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            first = self._form is None
            self._form = form
            self._resampler = AudioResampler(format="fltp", layout=self._layout, rate=SOUND_RATE)
            self._next = round(item.seconds * SOUND_RATE) if first else self._next
        late = item.seconds - self._next / SOUND_RATE
        if _GAP < late < _LONGEST_GAP:
            self._next = round(item.seconds * SOUND_RATE)
        assert self._resampler is not None
        for each in self._resampler.resample(frame):
            self._encode(each)

    def _encode(self, frame: "AudioFrame") -> None:
        frame.pts, frame.time_base = self._next, Fraction(1, SOUND_RATE)
        self._next += frame.samples
        self._out.mux(self._sound.encode(frame))


def proxy_writer(promise: Headers, folder: Path) -> ProxyWriter:
    """A writer for what the headers tell: `proxy.mp4` or, for sound alone, `proxy.m4a`."""
    told = promise.audio[0]["channels"] if promise.audio else None
    channels = 0 if told is None else told or 2  # sound that begins late: no header tells its form
    if promise.video is None:
        return ProxyWriter(folder / "proxy.m4a", None, channels)
    return ProxyWriter(folder / "proxy.mp4", promise.rate, channels)
