"""Two small pieces of music made of arithmetic: a waltz for plucked strings and music box, and a calm morning.

Plucked strings after Karplus and Strong (1983): a burst of noise goes round a delay line that averages its neighbours.
Everything is computed from the notes below with a seeded source of noise, so the same numbers come out each time.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]
"""Samples, -1 to 1; stereo is two rows."""

RATE = 48_000
"""Samples a second."""
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

_WALTZ_TUNE = """
B4 D5 G5 | F#5:2 D5 | E5 G5 C6 | B5:2 G5 | A5 G5 E5 | F#5:2 D5 | G5 B5 D6 | A5:3
B4 D5 G5 | F#5:2 D5 | E5 G5 C6 | B5:2 D6 | C6 B5 A5 | F#5 A5 D5 | G5:3 | -:3
"""
_WALTZ_CHORDS = "G G C G Am D G D G G C G Am D G G"
_MORNING_CHORDS = "C Am F G C Am F G C"
_CHORDS = {
    "G": ("G2", "B3 D4 G4"),
    "C": ("C3", "C4 E4 G4"),
    "Am": ("A2", "C4 E4 A4"),
    "D": ("D3", "C4 D4 F#4"),
    "F": ("F2", "C4 F4 A4"),
}


def frequency(note: str) -> float:
    """Hertz of a note such as `F#5`, equal temperament at A4 = 440 Hz."""
    step = _STEPS[note[0]] + ("#" in note) + 12 * (int(note[-1]) + 1)
    return 440.0 * 2 ** ((step - 69) / 12)


@cache
def plucked(hertz: float, seconds: float, brightness: float = 0.5, ring: float = 0.997) -> Sound:
    """A plucked string; brightness 0 to 1 is how much of the noise stays at first, ring how much goes round again."""
    period = max(2, round(RATE / hertz))
    noise = np.random.default_rng(period).uniform(-1, 1, period)
    line = brightness * noise + (1 - brightness) * (noise + np.roll(noise, 1) + np.roll(noise, 2)) / 3
    turns: list[Sound] = []
    for _ in range(int(seconds * RATE / period) + 1):
        turns.append(line)
        line = ring * 0.5 * (line + np.roll(line, 1))
    return np.concatenate(turns)[: int(seconds * RATE)]


@cache
def bell(hertz: float, seconds: float) -> Sound:
    """A music box: the bar's own partials, the higher the sooner gone."""
    time = np.arange(int(seconds * RATE)) / RATE
    partials = ((1.0, 1.0, 2.2), (2.0, 0.35, 3.5), (3.01, 0.18, 6.0), (5.4, 0.10, 11.0))
    return sum(
        (size * np.sin(2 * np.pi * hertz * ratio * time) * np.exp(-fade * time) for ratio, size, fade in partials),
        start=np.zeros_like(time),
    )


@cache
def pad(hertz: float, seconds: float) -> Sound:
    """A soft held tone that swells and goes."""
    time = np.arange(int(seconds * RATE)) / RATE
    swell = np.sin(np.pi * np.clip(time / seconds, 0, 1)) ** 1.5
    tone = sum((np.sin(2 * np.pi * hertz * n * time * (1 + 0.0008 * n)) / n**2 for n in (1, 2, 3)), start=0.0 * time)
    return tone * swell


class Score:
    """Sounds laid on a stereo tape of fixed length; what goes over the end is cut."""

    def __init__(self, seconds: float) -> None:
        self.tape: Sound = np.zeros((2, int(seconds * RATE)))

    def lay(self, at: float, sound: Sound, level: float, pan: float = 0.0) -> None:
        """Lay a sound at so many seconds, at a level, panned -1 (left) to 1 (right), equal power."""
        start = int(at * RATE)
        part = sound[: self.tape.shape[1] - start] * level
        angle = (pan + 1) * np.pi / 4
        self.tape[:, start : start + len(part)] += np.array([[np.cos(angle)], [np.sin(angle)]]) * part

    def mastered(self, peak: float, fade: float) -> Sound:
        """With a small room around it, faded out at the end, at this sample peak."""
        mixed = self.tape + 0.16 * _room(self.tape)
        tail = int(fade * RATE)
        mixed[:, -tail:] *= np.linspace(1, 0, tail) ** 1.5
        return mixed * (peak / np.abs(mixed).max())


def _room(tape: Sound) -> Sound:
    seconds = 1.1
    time = np.arange(int(seconds * RATE)) / RATE
    echo = np.random.default_rng(7).normal(size=(2, len(time))) * np.exp(-5.5 * time) * 0.06
    size = 1 << (tape.shape[1] + len(time)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(tape, size) * np.fft.rfft(echo, size), size)
    return wet[:, : tape.shape[1]]


def _tune(text: str) -> Iterable[tuple[float, str, float]]:
    beat = 0.0
    for word in text.replace("|", " ").split():
        note, _, length = word.partition(":")
        beats = float(length or 1)
        if note != "-":
            yield beat, note, beats
        beat += beats


def meadow_waltz() -> Sound:
    """Meadow Waltz: 16 bars of three at 144 beats a minute, 20 seconds."""
    beat, score = 60 / 144, Score(20.0)
    for at, note, beats in _tune(_WALTZ_TUNE):
        score.lay(at * beat, bell(frequency(note), 0.9 + beats * beat), 0.5, pan=0.25)
        score.lay(at * beat, plucked(frequency(note), 1.2, 0.3), 0.25, pan=0.15)
    for bar, name in enumerate(_WALTZ_CHORDS.split()):
        bass, chord = _CHORDS[name]
        score.lay(bar * 3 * beat, plucked(frequency(bass), 1.4, 0.25, 0.998), 0.75, pan=-0.1)
        for step in (1, 2) if bar < 15 else ():
            for note in chord.split():
                score.lay((bar * 3 + step) * beat, plucked(frequency(note), 0.6, 0.4, 0.99), 0.22, pan=-0.35)
    return score.mastered(peak=0.6, fade=1.2)


def morning_field() -> Sound:
    """Morning Field: nine slow bars of four, plucked figures over held chords, 24 seconds."""
    beat, score = 60 / 96, Score(24.0)
    for bar, name in enumerate(_MORNING_CHORDS.split()):
        at, (bass, chord) = bar * 4 * beat, _CHORDS[name]
        low, middle, high = chord.split()
        score.lay(at, plucked(frequency(bass), 3.0, 0.15, 0.999), 0.6)
        for side, note in ((-0.5, low), (0.0, middle), (0.5, high)):
            score.lay(at, pad(frequency(note), 5 * beat), 0.16, pan=side)
        figure = (low, middle, high, middle, low, high, middle, high) if bar < 8 else (low, middle, high)
        for step, note in enumerate(figure):
            up = f"{note[:-1]}{int(note[-1]) + 1}"
            score.lay(at + step * beat / 2, plucked(frequency(up), 1.5, 0.3, 0.996), 0.30, pan=0.4 * (-1) ** step)
    return score.mastered(peak=0.6, fade=1.5)
