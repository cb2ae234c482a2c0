"""How loud sound is, and sound brought to a loudness. Runs in the media worker.

Loudness is ITU-R BS.1770 / EBU R 128. What is told of a file is what FFmpeg measures; the level that leads there is
worked out here, on pieces of a millisecond, as measuring every try would cost more than coding the picture.
"""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from holdback_servers.editing.model import SAMPLE_RATE
from holdback_servers.editing.parts import Loudness
from holdback_servers.editing.sound import TICK, Sound, array, as_long, through

Curve = NDArray[np.float64]
"""A value for each millisecond."""
_CODEC_HEADROOM = 1.0
"""Decibels by which lossy coding may raise peaks."""
_MOST_GAIN = 40.0
_SILENT = -69.0
_PIECE = SAMPLE_RATE // 1000
_LOOK_AHEAD = 6
"""Milliseconds over which the limiter goes down before a peak."""
_RELEASE = 0.12
"""Decibels a millisecond by which it comes up again."""


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

    The level goes up or down as a whole; where peaks would be too high they are held down, and the level is set so that
    what is left has the loudness. Without a target only peaks over -1 dBTP are held down; silence stays silence.
    """
    if sound.shape[1] < _PIECE:
        return sound
    with ThreadPoolExecutor(1) as pool:
        apart = pool.submit(_peaks, sound)
        power, peaks = _power(sound), apart.result()
    before = _loudness(power)
    if before is None:
        return sound
    ceiling = 10 ** (((target.peak_tenths / 10 if target else -1.0) - _CODEC_HEADROOM) / 20)
    wanted = target.lufs_tenths / 10 if target else before
    low, high = wanted - before, _MOST_GAIN
    if target is None or high <= low:
        high = low = min(low, _MOST_GAIN)
    for _ in range(_HALVINGS if _limit(peaks, low, ceiling).min() < 1 and high > low else 0):
        middle = (low + high) / 2
        reached = _loudness(power * (_limit(peaks, middle, ceiling) * 10 ** (middle / 20)) ** 2)
        low, high = (middle, high) if reached is not None and reached < wanted else (low, middle)
    held = _limit(peaks, low, ceiling)
    return sound * _each_sample(held * 10 ** (low / 20), sound.shape[1])


_HALVINGS = 14
"""Steps that bring 40 dB down to hundredths."""


def _power(sound: Sound) -> Curve:
    """The K-weighted power of each millisecond, both channels together (BS.1770-5, annex 1)."""
    graph = Graph()
    nodes = [
        graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=TICK),
        *(graph.add("biquad", ":".join(f"{name}={value!r}" for name, value in each.items())) for each in _K_WEIGHTING),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ]
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    weighted = as_long([array(frame) for frame in through(graph, sound)], sound.shape[1])
    return _pieces(np.square(weighted).sum(axis=0)).mean(axis=1, dtype=np.float64)


_K_WEIGHTING: tuple[dict[str, float], ...] = (
    {"b0": 1.53512485958697, "b1": -2.69169618940638, "b2": 1.19839281085285}
    | {"a0": 1.0, "a1": -1.69065929318241, "a2": 0.73248077421585},
    {"b0": 1.0, "b1": -2.0, "b2": 1.0, "a0": 1.0, "a1": -1.99004745483398, "a2": 0.99007225036621},
)
"""The two filters of the standard, at 48 kHz."""


def _pieces(samples: Any) -> Any:
    """Samples as rows of a millisecond, the last filled with silence."""
    rest = -len(samples) % _PIECE
    return np.pad(samples, (0, rest)).reshape(-1, _PIECE)


def _loudness(power: Curve) -> float | None:
    """LUFS, gated (BS.1770-5, annex 1); None for silence and for less than 0.4 s."""
    tenths = power[: len(power) // 100 * 100].reshape(-1, 100).mean(axis=1)
    if len(tenths) < 4:
        return None
    blocks = np.convolve(tenths, np.full(4, 0.25), mode="valid")
    for gate in (10 ** ((-70 + 0.691) / 10), None):
        floor = gate if gate is not None else blocks.mean() / 10
        blocks = blocks[blocks > floor]
        if not len(blocks):
            return None
    return float(-0.691 + 10 * np.log10(blocks.mean()))


def _peaks(sound: Sound) -> Curve:
    """The highest true peak of each millisecond, found between the samples at four times their rate."""
    highest = _pieces(np.abs(sound).max(axis=0)).max(axis=1).astype(np.float64)
    for channel in sound:
        for phase in _BETWEEN:
            there = np.abs(np.convolve(channel, phase, mode="same"))
            highest = np.maximum(highest, _pieces(there).max(axis=1))
    return highest


def _between() -> "tuple[NDArray[np.float32], ...]":
    """Filters that give the signal a quarter, a half and three quarters of a sample on."""
    taps = np.arange(-6, 7)
    window = np.hanning(len(taps) + 2)[1:-1]
    return tuple(np.asarray(np.sinc(taps - part / 4) * window, dtype=np.float32) for part in (1, 2, 3))


_BETWEEN = _between()


def _limit(peaks: Curve, gain: float, ceiling: float) -> Curve:
    """By how much each millisecond is held down at a gain in decibels: 1 is not at all."""
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks * 10 ** (gain / 20), 1e-9))
    decibels = 20 * np.log10(wanted)
    edged = np.pad(decibels, (1, _LOOK_AHEAD + 1), constant_values=0.0)
    lowest = np.lib.stride_tricks.sliding_window_view(edged, _LOOK_AHEAD + 3).min(axis=1)
    steps = np.arange(len(lowest)) * _RELEASE
    released = np.minimum.accumulate(lowest - steps) + steps
    before = np.concatenate([np.full(_LOOK_AHEAD, released[0]), released])
    smooth = np.convolve(before, np.full(_LOOK_AHEAD + 1, 1 / (_LOOK_AHEAD + 1)), mode="valid")
    return 10 ** (np.minimum(0.0, smooth) / 20)


def _each_sample(curve: Curve, count: int) -> Sound:
    """The curve for every sample, in straight lines from the middle of one millisecond to that of the next."""
    middles = np.arange(len(curve)) * _PIECE + _PIECE / 2
    return np.interp(np.arange(count), middles, curve).astype(np.float32)
