"""What a file measures, and sound brought to a loudness. Runs in the media worker.

Loudness is ITU-R BS.1770 / EBU R 128 as FFmpeg measures it.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from av.filter import Graph

from holdback_servers.editing.model import SAMPLE_RATE
from holdback_servers.editing.parts import Loudness
from holdback_servers.editing.sound import TICK, Sound, array, as_long, through

_CODEC_HEADROOM = 1.0
"""Decibels by which lossy coding may raise peaks."""
_MOST_GAIN = 40.0
_CLOSE = 0.1
_MOST_TRIES = 6
_LEAST_SLOPE = 0.2
"""Where peaks are limited, a decibel of gain gives less than a decibel of loudness; less than this is not followed."""
_SILENT = -69.0


class Measured(NamedTuple):
    """What was measured: LUFS integrated, LU of loudness range, dBTP; all None for silence."""

    lufs: float | None
    range_lu: float | None
    peak_dbtp: float | None


def measure(sound: Sound, *, peaks: bool = True) -> Measured:
    """Loudness of a whole piece; without its true peak it costs a third. Shorter than 0.4 s it has none."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=TICK)
    meter = graph.add("ebur128", f"{'peak=true:' if peaks else ''}metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    last: dict[str, str] = {}
    for frame in through(graph, sound):
        last = dict(frame.metadata) or last
    loudness, width = float(last.get("lavfi.r128.I", -70)), float(last.get("lavfi.r128.LRA", 0))
    highest = max(float(last.get(f"lavfi.r128.true_peaks_ch{channel}", 0)) for channel in (0, 1))
    if loudness <= _SILENT:
        return Measured(None, None, None)
    return Measured(round(loudness, 1), round(width, 1), round(20 * math.log10(highest), 1) if highest > 0 else None)


def bring_to(sound: Sound, target: Loudness | None) -> Sound:
    """The sound at a target loudness, its peaks held under the target's peak with room for the codec.

    Measures, sets the level, limits peaks only where that is needed, and measures again, as limiting costs loudness.
    Without a target only peaks over -1 dBTP are held down; silence stays silence.
    """
    before = measure(sound)
    if before.lufs is None or before.peak_dbtp is None:
        return sound
    ceiling = (target.peak_tenths / 10 if target else -1.0) - _CODEC_HEADROOM
    wanted = target.lufs_tenths / 10 if target else before.lufs
    gain, done = min(_MOST_GAIN, wanted - before.lufs), sound
    last: tuple[float, float] | None = None
    for _ in range(_MOST_TRIES):
        done = sound * np.float32(10 ** (gain / 20))
        if before.peak_dbtp + gain > ceiling:
            done = _limited(done, ceiling)
        reached = measure(done, peaks=False).lufs or wanted
        if target is None or abs(wanted - reached) <= _CLOSE or gain >= _MOST_GAIN:
            break
        slope = (reached - last[1]) / (gain - last[0]) if last and gain != last[0] else 1.0
        last = (gain, reached)
        gain = min(_MOST_GAIN, gain + (wanted - reached) / max(slope, _LEAST_SLOPE))
    return done


def _limited(sound: Sound, ceiling: float) -> Sound:
    """Peaks held under a ceiling in dBTP, by FFmpeg's look-ahead limiter at four times the rate."""
    graph = Graph()
    nodes = [
        graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=TICK),
        graph.add("aresample", str(4 * SAMPLE_RATE)),
        graph.add("alimiter", f"limit={10 ** (ceiling / 20):.6f}:attack=5:release=80:level=0:latency=1"),
        graph.add("aresample", str(SAMPLE_RATE)),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ]
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    return as_long([array(frame) for frame in through(graph, sound)], sound.shape[1])
