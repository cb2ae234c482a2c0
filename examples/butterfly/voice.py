"""A synthetic voice saying one line: a small formant synthesiser after Klatt (1980).

A train of glottal pulses, and noise where the mouth makes noise, goes through resonators that move from sound to
sound as tongue and lips would. It is plainly a machine's voice, and the pack says so; nobody's voice was copied.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 48_000
"""Samples a second of the result."""
_INNER = 16_000
"""Samples a second inside the mouth; nothing above 8 kHz is needed."""
_STEP = 80
"""Samples between two states of the mouth: 5 ms."""


@dataclass(frozen=True)
class Phone:
    """One sound of speech: three resonances in hertz, how much voice, breath and hiss (0 to 1), seconds.

    The hiss has its own resonance; a stop is a closed mouth (all zero) followed by a short burst of hiss.
    """

    f1: float
    f2: float
    f3: float
    voice: float = 1.0
    hiss: float = 0.0
    hiss_at: float = 3000.0
    seconds: float = 0.09


_PHONES = {
    "ax": Phone(560, 1400, 2600, seconds=0.08),
    "ah": Phone(720, 1320, 2650, seconds=0.11),
    "ao": Phone(600, 950, 2650, seconds=0.15),
    "aa": Phone(800, 1300, 2650, seconds=0.10),
    "ih": Phone(430, 2150, 2850, seconds=0.09),
    "iy": Phone(330, 2650, 3200, seconds=0.20),
    "er": Phone(520, 1450, 1850, seconds=0.12),
    "r": Phone(380, 1250, 1750, 0.8, seconds=0.07),
    "l": Phone(380, 1100, 2800, 0.75, seconds=0.07),
    "w": Phone(320, 680, 2300, 0.8, seconds=0.10),
    "m": Phone(280, 1050, 2300, 0.45, seconds=0.09),
    "n": Phone(280, 1600, 2600, 0.45, seconds=0.08),
    "ng": Phone(280, 2100, 2600, 0.40, seconds=0.12),
    "f": Phone(400, 1100, 2300, 0.0, 0.20, 3600, 0.09),
    "b0": Phone(200, 800, 2200, 0.03, seconds=0.07),
    "b1": Phone(300, 800, 2200, 0.55, 0.28, 800, 0.012),
    "d1": Phone(350, 1700, 2700, 0.45, seconds=0.03),
    "g0": Phone(220, 2200, 2500, 0.08, seconds=0.06),
    "g1": Phone(300, 2100, 2500, 0.3, 0.50, 2200, 0.03),
    "k0": Phone(350, 1900, 2400, 0.0, seconds=0.08),
    "k1": Phone(400, 1700, 2400, 0.0, 0.9, 1900, 0.05),
    "t0": Phone(400, 1800, 2700, 0.0, seconds=0.06),
    "t1": Phone(400, 1800, 2700, 0.0, 0.35, 4200, 0.05),
}

_LINE = (
    (0.40, 1.20, "ax b0 b1 ah d1 er f l aa ih"),
    (3.30, 1.25, "ax k0 k1 w aa ih ax t0 t1"),
    (4.70, 1.25, "m ao r n ih ng"),
    (8.30, 1.35, "b0 b1 ih g0 g1"),
    (8.85, 1.35, "b0 b1 ah k0 k1"),
    (9.50, 1.35, "b0 b1 ah n iy"),
)
"""When each word group starts, in seconds; how slowly it is said; its sounds. "A butterfly. A quiet morning. Big Buck
Bunny."""
TEXT = "A butterfly. A quiet morning. Big Buck Bunny."
_SECONDS = 12.0
_PITCH = 196.0


def speak() -> Sound:
    """The whole line, mono, 12 seconds at 48 kHz, sample peak 0.5."""
    inner = np.zeros(int(_SECONDS * _INNER))
    for at, slowness, phones in _LINE:
        said = _say([_PHONES[name] for name in phones.split()], slowness)
        start = int(at * _INNER)
        inner[start : start + len(said)] += said
    spectrum = np.fft.rfft(inner)
    wide = np.fft.irfft(spectrum, len(inner) * RATE // _INNER)
    return wide * (0.5 / np.abs(wide).max())


def _say(phones: list[Phone], slowness: float) -> Sound:
    tracks = _tracks(phones, slowness)
    count = int(tracks.shape[1]) * _STEP
    states: Sound = np.arange(count // _STEP, dtype=np.float64) * _STEP

    def track(row: int) -> Sound:
        return np.asarray(np.interp(np.arange(count), states, tracks[row]), dtype=np.float64)

    time = np.linspace(0, 1, count)
    pitch = _PITCH * (1.10 - 0.26 * time + 0.05 * np.sin(2 * np.pi * time * 1.2))
    noise: Sound = np.random.default_rng(len(phones)).normal(size=count)
    source = track(3) * (_pulses(pitch) + 0.012 * noise)
    steady = np.full(count, 3900.0)
    for centre, width in ((track(0), 70.0), (track(1), 100.0), (track(2), 150.0), (steady, 300.0)):
        source = _resonate(source, centre, width)
    hissing = _resonate(noise * track(4), track(5), 900.0) * 0.25
    source = np.diff(source, prepend=0.0) + 0.35 * source
    level = np.abs(source).max() or 1.0
    return source / level + hissing


def _tracks(phones: list[Phone], slowness: float) -> Sound:
    """The mouth's states each 5 ms, smoothed over 45 ms so that sounds run into one another; closed at both ends."""
    rows: list[tuple[float, ...]] = []
    for phone in phones:
        state = (phone.f1, phone.f2, phone.f3, phone.voice, phone.hiss, phone.hiss_at)
        rows += [state] * max(1, round(phone.seconds * slowness * _INNER / _STEP))
    first, last = rows[0], rows[-1]
    rows = [(*first[:3], 0.0, 0.0, first[5])] * 6 + rows + [(*last[:3], 0.0, 0.0, last[5])] * 12
    table = np.array(rows).T
    smooth = np.hanning(11)[1:-1] / np.hanning(11).sum()
    quick = np.hanning(7)[1:-1] / np.hanning(7).sum()
    return np.array(
        [
            np.convolve(np.pad(track, 4 if n < 4 else 2, mode="edge"), smooth if n < 4 else quick, mode="valid")
            for n, track in enumerate(table)
        ]
    )


def _pulses(pitch: Sound) -> Sound:
    """Flow through the glottis, differentiated: it opens for 60 % of each period and shuts fast (Rosenberg 1971)."""
    phase = np.cumsum(pitch / _INNER) % 1.0
    opening, closing = phase / 0.4, (phase - 0.4) / 0.2
    flow = np.where(phase < 0.4, 3 * opening**2 - 2 * opening**3, np.where(phase < 0.6, 1 - closing**2, 0.0))
    return np.diff(flow, prepend=0.0)


def _resonate(source: Sound, centre: Sound, width: float) -> Sound:
    """A two-pole resonator whose centre moves; unity gain at 0 Hz."""
    c = -np.exp(-2 * np.pi * width / _INNER)
    b = (2 * np.exp(-np.pi * width / _INNER) * np.cos(2 * np.pi * centre / _INNER)).tolist()
    out: list[float] = []
    last, before = 0.0, 0.0
    for sample, turn in zip(source.tolist(), b, strict=True):
        last, before = (1 - turn - c) * sample + turn * last + c * before, last
        out.append(last)
    return np.array(out)
