"""Curves that were kept of a sound and a picture, read again for some frames, on one grid. Pure."""

import math
from fractions import Fraction
from typing import Annotated

from holdback_base.vocabulary import Span
from pydantic import BaseModel, ConfigDict, Field

from holdback_servers.assets.looking.motion import step_of

_FLOOR = -96
_MOST = 3_000
"""Values of one curve in one answer."""
_Energy = Annotated[int, Field(ge=_FLOOR, le=60)]


class KeptSound(BaseModel):
    """What the JSON of a waveform tells, as far as it is wanted here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sample_rate: int = Field(ge=1)
    samples_per_pixel: int = Field(ge=1)
    start_ms: int
    energy: tuple[_Energy, ...]
    onsets_ms: tuple[int, ...]


class KeptMotion(BaseModel):
    """What the JSON of a motion curve tells."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: int = Field(ge=1)
    motion: tuple[int, ...]


def grid_of(span: Span, rate: Fraction) -> int:
    """Frames that one value stands for: a tenth of a second, or as many as give at most 3000 values."""
    return max(step_of(rate), math.ceil(span.frames / _MOST))


def energy_in(sound: KeptSound, span: Span, step: int, rate: Fraction) -> tuple[int, ...]:
    """The loudest dBFS within each `step` frames of the span; -96 where there is no sound."""
    window = 2 * sound.samples_per_pixel / sound.sample_rate
    start, a_second = sound.start_ms / 1000, float(rate)

    def window_at(frame: int) -> float:
        return (frame / a_second - start) / window

    found: list[int] = []
    for first in range(span.in_frame, span.out_frame, step):
        begin, end = window_at(first), window_at(min(first + step, span.out_frame))
        heard = sound.energy[max(0, math.floor(begin)) : max(0, math.ceil(end))]
        found.append(max(heard, default=_FLOOR))
    return tuple(found)


def onsets_in(sound: KeptSound, span: Span, rate: Fraction) -> tuple[int, ...]:
    """Frames of the span in which something clearly begins to sound: beats, words, doors."""
    frames = (math.floor((each + sound.start_ms) * rate / 1000) for each in sound.onsets_ms)
    return tuple(dict.fromkeys(each for each in frames if span.in_frame <= each < span.out_frame))


def motion_in(kept: KeptMotion, span: Span, step: int) -> tuple[int, ...]:
    """The most that moves within each `step` frames of the span; 0 beyond what was kept."""

    def most(first: int) -> int:
        last = min(first + step, span.out_frame)
        return max(kept.motion[first // kept.step : -(-last // kept.step)], default=0)

    return tuple(most(first) for first in range(span.in_frame, span.out_frame, step))
