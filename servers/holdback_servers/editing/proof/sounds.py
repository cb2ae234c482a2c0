"""Whether a piece of sound is heard in another, under whatever else is heard with it. Runs in the media worker.

Both are taken apart into frequencies, of which only the phase is kept: so loud sound does not hide soft sound. A second
of the cut fits a place of the cue when their phases agree. Music that is not the cue may share notes with it, and
single seconds then fit somewhere; only where the cue is really heard do seconds one after the other fit at one and the
same distance. What a known sound of the cut fits there by itself is taken off.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from holdback_servers.editing.evidence import HEARD_ALONE
from holdback_servers.media_reading import open_media

Wave = NDArray[np.float32]

RATE = 12_000
"""Samples a second: all that music is told apart by."""
_SECOND = RATE
_TOGETHER, _ALONE = 3, 6
"""Seconds in a row that must fit at one distance, and where no other sound of the cut is known."""
_MOST = 6.0
_ALLOWED = np.float32(1.3)
"""How much better than a known sound does by itself the cut must fit, before the rest counts."""
_SLACK = 3
"""Samples by which a known sound's fit may lie beside."""
_APART = 1e-3
"""Sides that differ by less than this share of the sound's energy are the same but for the coding."""
_SECTION = 30
"""Seconds of the cut, and of the cue twice as many, that are compared at once: bounds the memory taken."""


class Heard(NamedTuple):
    """The best fit: its likeness, where it begins in the cut and in the cue, in seconds, and for how many seconds; and
    `course`, how well each second of the cut round it fits at that distance."""

    likeness: float
    at: float
    of: float
    seconds: int
    course: tuple[float, ...] = ()


NOTHING = Heard(0.0, 0.0, 0.0, 0)


def wave(path: Path, name: str, start: float = 0.0, seconds: float | None = None) -> Wave:
    """The first sound of a file, all channels as one, at `RATE`; from a second on, for so many. Empty where it has
    none."""
    found = _decoded(path, name, 0, None if seconds is None else round((start + seconds) * RATE))
    both = found.mean(axis=0, dtype=np.float32)
    return both[round(start * RATE) : None if seconds is None else round((start + seconds) * RATE)]


class Heardable(NamedTuple):
    """Something that can be heard in a file: all channels of a sound as one, or what its two sides differ by."""

    sound: Wave
    apart: bool = False


def waves(path: Path, name: str) -> list[Heardable]:
    """Everything that can be heard in a file, of all its sounds; silence is left out."""
    with open_media(path, name) as container:
        count = len(container.streams.audio)
    found: list[Heardable] = []
    for number in range(count):
        left, right = _decoded(path, name, number, None)
        both, apart = (left + right) / 2, (left - right) / 2
        if both.any():
            found.append(Heardable(both))
        if float((apart**2).sum()) > _APART * float((both**2).sum()):
            found.append(Heardable(apart, apart=True))
    return found


def _decoded(path: Path, name: str, number: int, until: int | None) -> Wave:
    """Two channels of one of the sounds of a file, up to a sample."""
    blocks: list[Wave] = []
    with open_media(path, name) as container:
        if number >= len(container.streams.audio):
            return np.zeros((2, 0), np.float32)
        resampler = AudioResampler(format="fltp", layout="stereo", rate=RATE)
        done = 0
        for frame in container.decode(container.streams.audio[number]):
            for piece in resampler.resample(frame):
                blocks.append(np.asarray(piece.to_ndarray(), np.float32))
                done += piece.samples
            if until is not None and done >= until:
                break
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32)


def listen(cut: Wave, cue: Wave, known: Wave | None = None) -> Heard:
    """How surely a cue is heard in a cut, at its best place.

    Args:
        known: what else is in the cut, as long as it: sounds that are not the cue and are laid there.
    """
    best = NOTHING
    if not cut.size or not cue.size:
        return best
    cut = np.pad(cut, (0, max(0, _SECOND - cut.size)))
    step = (_SECTION - _ALONE) * _SECOND
    for begin in range(0, max(1, cut.size - _ALONE * _SECOND + 1), step):
        piece = cut[begin : begin + _SECTION * _SECOND]
        beside = None if known is None else _as_long(known, cut.size)[begin : begin + piece.size]
        for first, part in _cue_parts(cue):
            found = _best(piece, part, beside)
            if found.likeness > best.likeness:
                best = found._replace(at=found.at + begin / RATE, of=found.of + first / RATE)
    return best


def _as_long(sound: Wave, size: int) -> Wave:
    return np.pad(sound, (0, max(0, size - sound.size)))


def _cue_parts(cue: Wave) -> Iterator[tuple[int, Wave]]:
    length = 2 * _SECTION * _SECOND
    for first in range(0, max(1, cue.size - _ALONE * _SECOND), length - _ALONE * _SECOND):
        yield first, cue[first : first + length]


def _best(cut: Wave, cue: Wave, known: Wave | None) -> Heard:
    fits = np.abs(_fits(cut, cue))
    plain = _steadiest(np.clip(fits, 0, np.float32(_MOST)), _ALONE, cue.size)
    if known is None or (len(fits) >= _ALONE and plain.likeness >= HEARD_ALONE):
        return plain  # what is surely heard is not explained by a sound that holds it
    explained = np.abs(_fits(known, cue))
    fits -= _ALLOWED * np.max([np.roll(explained, move, axis=1) for move in range(-_SLACK, _SLACK + 1)], axis=0)
    return _steadiest(np.clip(fits, 0, np.float32(_MOST)), _TOGETHER, cue.size)


def _steadiest(fits: NDArray[np.float32], seconds: int, cue: int) -> Heard:
    """The best of so many seconds in a row at one distance, to a cue of so many samples."""
    together = min(seconds, len(fits))
    total = np.cumsum(np.concatenate([np.zeros_like(fits[:1]), fits]), axis=0)
    means = (total[together:] - total[:-together]) / together
    second, place = np.unravel_index(int(means.argmax()), means.shape)
    distance = int(place) if place < cue else int(place) - fits.shape[1]
    return Heard(
        likeness=round(float(means[second, place]), 2),
        at=float(second),
        of=round(float(second) + distance / RATE, 3),
        seconds=together,
        course=tuple(round(float(each), 2) for each in fits[:, place]),
    )


def _fits(cut: Wave, cue: Wave) -> NDArray[np.float32]:
    """For each second of the cut and each distance to the cue, how well they agree, in standard deviations. A distance
    is cue minus cut; negative ones stand at the end."""
    size = 1 << int(np.ceil(np.log2(cut.size + cue.size)))
    phases = _phases(np.pad(cue, (0, size - cue.size)))
    rows: list[NDArray[np.float32]] = []
    window = np.hanning(_SECOND).astype(np.float32)
    for begin in range(0, cut.size - _SECOND + 1, _SECOND):
        second = np.zeros(size, np.float32)
        second[begin : begin + _SECOND] = cut[begin : begin + _SECOND] * window
        fit = np.fft.irfft(np.conj(_phases(second)) * phases, size)
        spread = float(fit.std())
        rows.append(np.asarray(fit / spread if spread > 0 else fit, np.float32))
    return np.stack(rows)


def _phases(sound: Wave) -> NDArray[np.complex64]:
    spectrum = np.fft.rfft(sound)
    strength = np.abs(spectrum)
    most = float(strength.max())
    return np.asarray(spectrum / (strength + 1e-3 * most) if most > 0 else spectrum, np.complex64)
