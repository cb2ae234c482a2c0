"""All that is found out about the sound while it passes by. Runs in the media worker."""

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.loudness import LoudnessMeter
from holdback_servers.assets.looking.runs import Run, without
from holdback_servers.assets.looking.sound import SoundCurves, SoundListener
from holdback_servers.assets.looking.waveform import waveform_json, waveform_png

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

_SILENT_SECONDS = 2


class Listening:
    """Hears every frame of one stream once."""

    def __init__(self) -> None:
        self._meter, self._listener = LoudnessMeter(), SoundListener()
        self._curves: SoundCurves | None = None

    def hear(self, frame: "AudioFrame") -> None:
        """Take the next frame."""
        self._meter.hear(frame)
        self._listener.hear(frame)

    def finish(self) -> None:
        """All has been heard."""
        self._curves = self._listener.finish()

    def loudness(self) -> dict[str, float | None]:
        """The fields of `Loudness`."""
        return self._meter.read()

    def silence(self, rate: Fraction, frames: int, start: float) -> list[Run]:
        """Frames that are silent as a whole, for two seconds or more as FFmpeg's silencedetect has it; also before the
        sound begins and after it ends.

        Args:
            rate: frames a second, which may be the sample rate.
            frames: how many there are.
            start: seconds from the first frame to the first sample.
        """
        curves = self._curves
        if curves is None:
            return [(0, frames)]

        def frame_at(samples: int) -> Fraction:
            return (Fraction(start).limit_denominator(1_000_000) + Fraction(samples, curves.sample_rate)) * rate

        end = frame_at(curves.samples)
        spans = [(Fraction(0), frame_at(0)), (end, Fraction(frames))]
        for first, last in curves.silent:
            begin = frame_at(first * curves.window)
            stop = frame_at(min(last * curves.window, curves.samples))
            spans.append((begin, stop))
        return _whole_frames(spans, frames, shortest=math.ceil(_SILENT_SECONDS * rate))

    def write(self, folder: Path, start: float) -> list[dict[str, Any]]:
        """Write the waveform as a picture and as numbers; they are told as renditions."""
        if self._curves is None:
            return []
        made = {
            "waveform.png": (waveform_png(self._curves), {"format": "png", "width": 1200, "height": 200}),
            "waveform.json": (waveform_json(self._curves, round(start * 1000)), {"format": "json"}),
        }
        for name, (content, _) in made.items():
            (folder / name).write_bytes(content)
        return [{"purpose": "waveform", "file": name, "facts": facts} for name, (_, facts) in made.items()]


def _whole_frames(spans: list[tuple[Fraction, Fraction]], frames: int, shortest: int) -> list[Run]:
    """Spans that touch made one, cut down to frames that lie within them as a whole."""
    merged: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(spans):
        start, end = max(start, Fraction(0)), min(end, Fraction(frames))
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return without([(math.ceil(start), math.floor(end)) for start, end in merged], [], shortest)
