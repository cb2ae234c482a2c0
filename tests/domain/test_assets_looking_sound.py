"""What is heard: peaks, energy, onsets and silence, at their times; and the waveform that is made of them."""

import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_servers.assets.looking.listen import Listening
from holdback_servers.assets.looking.sound import SoundCurves, SoundListener
from holdback_servers.assets.looking.waveform import waveform_json, waveform_png
from PIL import Image

RATE = 48000


def _frames(samples: np.ndarray, *, rate: int = RATE, layout: str = "mono", size: int = 1000) -> list[av.AudioFrame]:
    """Frames of float samples, shaped (channels, samples)."""
    frames: list[av.AudioFrame] = []
    for start in range(0, samples.shape[1], size):
        part = np.ascontiguousarray(samples[:, start : start + size], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        frames.append(frame)
    return frames


def _curves(frames: Sequence[av.AudioFrame]) -> SoundCurves:
    listener = SoundListener()
    for frame in frames:
        listener.hear(frame)
    curves = listener.finish()
    assert curves is not None
    return curves


def _heard(samples: np.ndarray) -> Listening:
    listening = Listening()
    for frame in _frames(samples):
        listening.hear(frame)
    listening.finish()
    return listening


def _tone(seconds: float, level: float = 0.5, hertz: float = 440, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)[None, :]


def _silence(seconds: float) -> np.ndarray:
    return np.zeros((1, round(seconds * RATE)))


def _clicks(seconds: float, at: Sequence[float]) -> np.ndarray:
    """Short noisy knocks over a low hum."""
    samples = _tone(seconds, 0.02, 60)
    chance = np.random.default_rng(5)
    for start in at:
        first = round(start * RATE)
        knock = chance.normal(0, 0.4, 2400) * np.exp(-np.arange(2400) / 400)
        samples[0, first : first + 2400] += knock
    return samples


def test_peaks_and_energy_are_those_of_each_window() -> None:
    curves = _curves(_frames(np.concatenate([_tone(1, 0.5), _tone(1, 0.05)], axis=1)))
    assert (curves.window, len(curves.lows)) == (2400, 40)
    assert curves.highs[:20] == pytest.approx(0.5, abs=0.01)
    assert curves.lows[20:] == pytest.approx(-0.05, abs=0.001)
    assert curves.rms[:20] == pytest.approx(0.3536, abs=0.01)


@pytest.mark.parametrize("size", [100, 777, 1024, 100_000])
def test_how_sound_is_cut_into_frames_does_not_matter(size: int) -> None:
    samples = _clicks(1.27, [0.3, 0.9])
    whole, cut = _curves(_frames(samples, size=4096)), _curves(_frames(samples, size=size))
    assert whole.samples == cut.samples
    assert np.allclose(whole.rms, cut.rms)
    assert np.allclose(whole.flux, cut.flux, rtol=1e-3, atol=1e-3)


def test_channels_that_cancel_are_not_silent() -> None:
    left = _tone(3)
    curves = _curves(_frames(np.concatenate([left, -left]), layout="stereo"))
    assert curves.silent == []
    assert curves.highs.max() == pytest.approx(0.5, abs=0.01)


def test_samples_that_are_no_numbers_are_silence() -> None:
    curves = _curves(_frames(np.full((1, RATE), np.nan)))
    assert curves.rms.max() == 0


def test_a_change_of_form_on_the_way_is_heard_in_the_first_form() -> None:
    frames = [*_frames(_tone(1)), *_frames(np.repeat(_tone(1, rate=24000), 2, axis=0), rate=24000, layout="stereo")]
    curves = _curves(frames)
    assert curves.sample_rate == RATE
    assert curves.samples == pytest.approx(2 * RATE, abs=200)


def test_silence_is_told_in_whole_frames_with_what_comes_before_and_after_the_sound() -> None:
    listening = _heard(np.concatenate([_tone(1), _silence(3), _tone(1), _silence(1.9), _tone(0.1)], axis=1))
    assert listening.silence(Fraction(25), 175, 0.0) == [(25, 100)]
    late = listening.silence(Fraction(25), 300, 2.5)
    assert late == [(0, 62), (88, 162), (238, 300)]
    assert listening.silence(Fraction(25), 200, 1.0) == [(50, 125)]


def test_a_sound_of_no_samples_is_all_silence() -> None:
    listening = Listening()
    listening.finish()
    assert listening.silence(Fraction(25), 100, 0.0) == [(0, 100)]
    assert listening.write(Path("/nowhere"), 0.0) == []


def test_silence_where_frames_are_samples_is_told_in_samples() -> None:
    found = _heard(np.concatenate([_silence(2.5), _tone(1)], axis=1)).silence(Fraction(RATE), round(3.5 * RATE), 0.0)
    assert found == [(0, round(2.5 * RATE))]


def test_onsets_are_where_something_begins_to_sound() -> None:
    times = [0.5, 1.0, 1.75, 2.2, 3.1]
    found = _json(_curves(_frames(_clicks(4, times))))["onsets_ms"]
    assert found == pytest.approx([1000 * each for each in times], abs=25)


def test_a_steady_tone_has_no_onsets() -> None:
    found = _json(_curves(_frames(_tone(4))))["onsets_ms"]
    assert [each for each in found if each > 100] == []


def _json(curves: SoundCurves, start_ms: int = 0) -> dict[str, Any]:
    return json.loads(waveform_json(curves, start_ms))


def test_the_numbers_are_those_of_audiowaveform_and_more() -> None:
    told = _json(_curves(_frames(np.concatenate([_tone(1, 0.5), _silence(1.02)], axis=1))), start_ms=-40)
    assert (told["version"], told["channels"], told["bits"], told["sample_rate"]) == (2, 1, 8, RATE)
    assert told["samples_per_pixel"] * told["length"] >= 2.02 * RATE
    assert len(told["data"]) == 2 * told["length"]
    assert told["data"][:2] == [-64, 64]
    assert told["start_ms"] == -40
    assert (len(told["rms"]), len(told["energy"]), len(told["onset"])) == (41, 21, 21)
    assert told["energy"][:9] == [-9] * 9
    assert told["energy"][11:] == [-96] * 10
    assert max(told["onset"]) == 1000


def test_long_sound_keeps_its_shape_in_few_numbers() -> None:
    count = 120_001
    ramp = np.linspace(0, 1, count).astype(np.float32)
    curves = SoundCurves(RATE, count * 2400, 2400, -ramp, ramp, ramp / 2, [], 480, np.ones(count * 5, np.float32))
    told = _json(curves)
    assert told["length"] <= 100_000
    assert told["samples_per_pixel"] == 2 * 2400
    assert told["samples_per_pixel"] * told["length"] >= curves.samples
    assert told["data"][-1] == 127
    assert len(told["energy"]) == len(told["onset"])


@pytest.mark.parametrize("seconds", [0.01, 0.2, 3, 20])
def test_the_picture_has_its_size_however_long_the_sound(seconds: float) -> None:
    with Image.open(io.BytesIO(waveform_png(_curves(_frames(_tone(seconds), size=RATE))))) as picture:
        assert picture.size == (1200, 200)
        assert len(picture.convert("RGB").getcolors() or []) >= 2
