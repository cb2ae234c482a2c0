"""The picture and the numbers of a sound: a PNG to look at, and JSON for players and for those who choose by ear.

The JSON is that of BBC audiowaveform, version 2 (`data` holds a lowest and a highest sample for each of `length`
windows of `samples_per_pixel` samples, -128 to 127), with more beside it that such readers pass over:

- `rms`: of each window, in dBFS, whole numbers, -96 the lowest
- `energy`: dBFS of every two windows, about ten a second
- `onset`: how strongly something begins to sound in the same two windows, 0 to 1000 (the strongest of this sound)
- `onsets_ms`: where it clearly does: beats, words, doors
- `start_ms`: how long after the first picture the first sample is heard; negative before it
"""

import io
import json
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.sound import SoundCurves

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_WINDOWS = 100_000
_SIZE = (1200, 200)
_INK, _BODY, _GROUND = (46, 110, 180), (120, 175, 230), (255, 255, 255)
_FLOOR = -96
_NEAR = 5
"""Spectra on each side than which an onset is stronger."""
_AROUND = 50
_CLEAR = 1.6
"""How far an onset stands above the mean of a second around it."""
_LEAST, _LEAST_SHARE = 0.5, 0.05
"""An onset gains at least so much, and at least this share of what the strongest gains."""


def waveform_json(curves: SoundCurves, start_ms: int) -> bytes:
    """The numbers, compact; at most 100,000 windows, longer ones for long sound."""
    lows, highs, rms, window = curves.lows, curves.highs, curves.rms, curves.window
    while len(lows) > _MOST_WINDOWS:
        lows, highs, rms, window = *_halved(lows, highs, rms), window * 2
    numbers: dict[str, Any] = {
        "version": 2,
        "channels": 1,
        "sample_rate": curves.sample_rate,
        "samples_per_pixel": window,
        "bits": 8,
        "length": len(lows),
        "data": _interleaved(lows, highs),
        "rms": _decibels(rms),
        "start_ms": start_ms,
        "energy": _decibels(_pairs(rms)),
        "onset": _strengths(curves, 2 * window, (len(rms) + 1) // 2),
        "onsets_ms": _onsets(curves),
    }
    return json.dumps(numbers, separators=(",", ":")).encode()


def waveform_png(curves: SoundCurves) -> bytes:
    """A picture of 1200 by 200 pixels: from lowest to highest sample, and the RMS within."""
    import numpy
    from PIL import Image

    across, down = _SIZE
    place = numpy.linspace(0, len(curves.lows), across + 1).astype(int)[:-1]
    high, low = numpy.maximum.reduceat(curves.highs, place), numpy.minimum.reduceat(curves.lows, place)
    body = numpy.sqrt(numpy.maximum.reduceat(curves.rms**2, place))
    level = 1 - 2 * (numpy.arange(down)[:, None] + 0.5) / down
    line = 1.5 / down
    picture = numpy.full((down, across, 3), _GROUND, numpy.uint8)
    picture[(level <= high + line) & (level >= low - line)] = _INK
    picture[numpy.abs(level) <= body] = _BODY
    coded = io.BytesIO()
    Image.fromarray(picture).save(coded, "PNG", optimize=True)
    return coded.getvalue()


def _halved(*series: "NDArray[Any]") -> "tuple[NDArray[Any], NDArray[Any], NDArray[Any]]":
    import numpy

    lows, highs, rms = (each if len(each) % 2 == 0 else numpy.append(each, each[-1]) for each in series)
    return lows.reshape(-1, 2).min(axis=1), highs.reshape(-1, 2).max(axis=1), _pairs(rms)


def _pairs(rms: "NDArray[Any]") -> "NDArray[Any]":
    import numpy

    even = rms if len(rms) % 2 == 0 else numpy.append(rms, rms[-1])
    return numpy.sqrt((even.reshape(-1, 2) ** 2).mean(axis=1))


def _interleaved(lows: "NDArray[Any]", highs: "NDArray[Any]") -> list[int]:
    import numpy

    both = numpy.stack((lows, highs), axis=1).reshape(-1)
    return numpy.clip(numpy.rint(both * 128), -128, 127).astype(int).tolist()


def _decibels(rms: "NDArray[Any]") -> list[int]:
    import numpy

    return numpy.rint(20 * numpy.log10(numpy.maximum(rms, 10 ** (_FLOOR / 20)))).astype(int).tolist()


def _strengths(curves: SoundCurves, samples: int, count: int) -> list[int]:
    import numpy

    if not len(curves.flux):
        return [0] * count
    edges = numpy.arange(count) * samples // curves.hop
    inside = numpy.minimum(edges, len(curves.flux) - 1)
    strongest = numpy.maximum.reduceat(curves.flux, inside)
    return numpy.rint(1000 * strongest / max(float(curves.flux.max()), 1e-9)).astype(int).tolist()


def _onsets(curves: SoundCurves) -> list[int]:
    """Milliseconds of spectra that gain more than any near them, and clearly more than those around."""
    import numpy

    flux = curves.flux
    if len(flux) < 2 * _NEAR + 1:
        return []
    padded = numpy.pad(flux, _NEAR)
    near = numpy.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1).max(axis=1)
    sums = numpy.concatenate(([0], numpy.cumsum(flux, dtype=numpy.float64)))
    ends = numpy.minimum(numpy.arange(len(flux)) + _AROUND + 1, len(flux))
    starts = numpy.maximum(numpy.arange(len(flux)) - _AROUND, 0)
    around = (sums[ends] - sums[starts]) / (ends - starts)
    least = max(_LEAST, _LEAST_SHARE * float(flux.max()))
    found = numpy.flatnonzero((flux >= near) & (flux > _CLEAR * around) & (flux > least))
    return (found * curves.hop * 1000 // curves.sample_rate).tolist()
