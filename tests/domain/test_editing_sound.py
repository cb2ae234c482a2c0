"""Sound: exact samples, cuts without clicks, silences that are silent, loudness on target."""

import itertools
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.measuring.levels import bring_to, measure
from holdback_servers.editing.model import Timeline, samples_at
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import EndCard, Loudness, SoundClip, Transition
from holdback_servers.editing.sound import exact_sound, mix, stretched
from pydantic import TypeAdapter

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, MUSIC, VOICE = (f"sha256:{digit * 64}" for digit in "abc")
RATE = Rate(num=24)
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


def _write(path: Path, sound: Any, rate: int = 48000, codec: str = "pcm_s16le") -> Path:
    with av.open(str(path), "w") as container:
        out: Any = container
        stream = out.add_stream(codec, rate=rate, layout="stereo")
        for start in range(0, sound.shape[1], 4800):
            block = np.ascontiguousarray(sound[:, start : start + 4800].astype(np.float32))
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _tone(pitch: float, seconds: float, level: float = 0.25, rate: int = 48000) -> Any:
    return np.tile(level * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate), (2, 1))


def _facts(media: str, frames: int, sound_only: bool = True) -> CutFacts:
    whole = Element(id="x", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=frames),))
    size = {} if sound_only else {"width": 64, "height": 36}
    return CutFacts(media=media, element_list=ElementList(rate=RATE, frames=frames, elements=(whole,)), **size)


def _cut(*ends: tuple[int, int], **sounds: Any) -> Timeline:
    return create(
        Maker("tl_1", "person:sam", NOW),
        title="T",
        sources=[_facts(FILM, 96, sound_only=False), _facts(MUSIC, 96), _facts(VOICE, 24)],
        clips=[ClipWanted(media=FILM, in_frame=start, out_frame=end) for start, end in ends],
        **sounds,
    )


def _revised(old: Timeline, *operations: dict[str, Any]) -> Timeline:
    return revise(old, _OPERATIONS.validate_python(operations), [], Maker("tl_2", "person:sam", NOW), 2)


def _files(folder: Path) -> dict[str, Path]:
    return {
        FILM: _write(folder / "film.wav", _tone(300, 4)),
        MUSIC: _write(folder / "music.wav", _tone(1000, 4)),
        VOICE: _write(folder / "voice.wav", _tone(200, 1)),
    }


def _level(sound: Any, start: float, end: float) -> float:
    return float(np.abs(sound[:, int(start * 48000) : int(end * 48000)]).max())


def test_samples_are_exact_at_any_place(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(-0.9, 0.9, 96000), (2, 1))
    path = _write(tmp_path / "ramp.wav", ramp)
    for first, count in ((0, 100), (1, 4799), (50001, 30000), (95000, 1000)):
        assert np.abs(exact_sound(path, first, count, "ramp") - ramp[:, first : first + count]).max() < 1e-4
    beyond = exact_sound(path, 95990, 100, "ramp")
    assert (beyond[:, 10:] == 0).all()


@pytest.mark.parametrize(("name", "codec", "rate"), [("a.m4a", "aac", 44100), ("b.mka", "libopus", 48000)])
def test_lossy_sound_of_other_rates_stays_in_place(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    bursts = np.zeros((2, rate * 4))
    for second in range(4):
        start = second * rate + rate // 2
        bursts[:, start : start + rate // 50] = _tone(1000, 0.02, 0.5, rate)
    path = _write(tmp_path / name, bursts, rate, codec)
    for first in (0, 48000, 132000):
        sound = np.abs(exact_sound(path, first, 48000, name)).max(axis=0)
        begin = int(np.argmax(sound > 0.2)) + first
        assert abs(begin % 48000 - 24000) < 150


@pytest.mark.parametrize("rate", [Rate(num=24000, den=1001), Rate(num=30000, den=1001), Rate(num=25)])
def test_frames_share_out_all_samples_without_a_rest(rate: Rate) -> None:
    ends = [samples_at(frame, rate) for frame in range(2000)]
    lengths = {later - earlier for earlier, later in itertools.pairwise(ends)}
    assert len(lengths) <= 2
    assert ends[1000] == round(48000 * 1000 / rate.fraction)


def test_a_mix_is_as_long_as_the_picture_and_a_cut_in_it_does_not_click(tmp_path: Path) -> None:
    sound = mix(_cut((0, 25), (50, 70)), _files(tmp_path))
    assert sound.shape == (2, samples_at(45, RATE))
    assert float(np.abs(np.diff(sound[0])).max()) < 0.012
    seamless = mix(_cut((0, 25), (25, 48)), _files(tmp_path))
    assert _level(seamless, 25 / 24 - 0.002, 25 / 24 + 0.002) > 0.2


def test_muted_and_silenced_tracks_are_not_heard(tmp_path: Path) -> None:
    files = _files(tmp_path)
    cut = _cut((0, 48), music=(SoundWanted(media=MUSIC),))
    silent = _revised(cut, {"op": "mute_track", "track": "programme"}, {"op": "mute_track", "track": "music"})
    assert _level(mix(silent, files), 0, 2) == 0
    gap = {"in_frame": 12, "out_frame": 24}
    partly = _revised(
        cut,
        {"op": "mute_track", "track": "programme", "span": gap},
        {"op": "mute_track", "track": "music", "span": gap},
    )
    sound = mix(partly, files)
    assert _level(sound, 0.5, 1.0) == 0
    assert _level(sound, 0.2, 0.4) > 0.3
    assert _level(sound, 1.1, 1.9) > 0.3


def test_gains_add_up_and_music_gives_way_to_the_voice(tmp_path: Path) -> None:
    files = _files(tmp_path)
    cut = _cut((0, 96), music=(SoundWanted(media=MUSIC),), voice=(SoundWanted(media=VOICE, at_frame=36),))
    only_music = _revised(
        cut,
        {"op": "mute_track", "track": "programme"},
        {"op": "set_gain", "track": "music", "gain": -60, "duck": -120},
        {"op": "set_gain", "track": "voice", "gain": -600},
    )
    sound = mix(only_music, files)
    assert _level(sound, 0.2, 1.0) == pytest.approx(0.25 * 10 ** (-6 / 20), rel=0.02)
    assert _level(sound, 1.6, 2.4) == pytest.approx(0.25 * 10 ** (-18 / 20), rel=0.05)
    assert _level(sound, 3.0, 3.6) == pytest.approx(0.25 * 10 ** (-6 / 20), rel=0.02)


def test_loudness_is_measured_as_the_standard_says() -> None:
    tone = _tone(997, 4, 10 ** (-23 / 20)).astype(np.float32)
    found = measure(tone)
    assert found.lufs == pytest.approx(-23.0, abs=0.1)
    assert found.peak_dbtp == pytest.approx(-23.0, abs=0.1)
    assert measure(np.zeros((2, 48000), np.float32)).lufs is None
    assert measure(np.zeros((2, 100), np.float32)).lufs is None


@pytest.mark.parametrize("target", [-140, -230])
def test_quiet_and_loud_sound_with_peaks_is_brought_to_its_target(target: int) -> None:
    chance = np.random.default_rng(7)
    swell = np.abs(np.sin(np.linspace(0, 12, 48000 * 6))) ** 4
    for level in (0.02, 0.9):
        sound = (np.clip(chance.normal(0, 0.3, (2, 48000 * 6)), -1, 1) * swell * level).astype(np.float32)
        done = bring_to(sound, Loudness(lufs_tenths=target, peak_tenths=-10))
        found = measure(done)
        assert found.lufs == pytest.approx(target / 10, abs=0.3)
        assert found.peak_dbtp is not None
        assert found.peak_dbtp <= -1.0
        assert done.shape == sound.shape


def test_limiting_keeps_sound_in_time() -> None:
    sound = np.zeros((2, 96000), np.float32)
    sound[:, 40000:60000] = _tone(500, 20000 / 48000, 0.9)
    sound[:, 24000:24005] = 1.0
    done = bring_to(sound, Loudness(lufs_tenths=-60, peak_tenths=-20))
    assert abs(int(np.argmax(np.abs(done[0]) > 0.3)) - 24000) <= 3


def test_silence_stays_silence() -> None:
    silence = np.zeros((2, 48000), np.float32)
    assert (bring_to(silence, Loudness()) == 0).all()


def _with(cut: Timeline, **fields: Any) -> Timeline:
    return cut.model_copy(update=fields)


def _steady(folder: Path) -> dict[str, Path]:
    """A film whose sound never changes its level, so that whatever changes it is the cut."""
    chance = np.random.default_rng(3)
    return {FILM: _write(folder / "film.wav", chance.normal(0, 0.1, (2, 48000 * 4)))}


def _power(sound: Any, start: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(sound[:, int(start * 48000) : int(end * 48000)]))))


def test_over_a_dissolve_both_sounds_are_heard_at_equal_power(tmp_path: Path) -> None:
    cut = _cut((0, 24), (48, 72))
    over = Transition(id="x1", kind="dissolve", clip=cut.clips[1].id, before=6, after=6)
    sound = mix(_with(cut, transitions=(over,)), _steady(tmp_path))
    levels = [_power(sound, start, start + 0.1) for start in (0.3, 0.8, 0.95, 1.1, 1.6)]
    assert levels == pytest.approx([0.1] * 5, rel=0.12)


def test_over_a_dip_the_sound_goes_out_until_the_cut_and_comes_in_behind_it(tmp_path: Path) -> None:
    cut = _cut((0, 24), (48, 72))
    dips = (
        Transition(id="x1", kind="dip_to_black", clip=cut.clips[0].id, before=0, after=12),
        Transition(id="x2", kind="dip_to_black", clip=cut.clips[1].id, before=6, after=6),
        Transition(id="x3", kind="dip_to_black", before=12, after=0),
    )
    sound = mix(_with(cut, transitions=dips), _steady(tmp_path))
    assert _level(sound, 0, 0.001) < 0.01
    assert _power(sound, 0.2, 0.25) == pytest.approx(0.045, rel=0.2)
    assert _power(sound, 0.98, 1.02) < 0.01
    assert _power(sound, 1.3, 1.45) == pytest.approx(0.1, rel=0.1)
    assert _level(sound, 1.999, 2) < 0.01


@pytest.mark.parametrize("speed", [25, 50, 150, 200])
def test_sound_at_another_speed_keeps_its_pitch_and_fills_its_frames(tmp_path: Path, speed: int) -> None:
    files = {FILM: _write(tmp_path / "film.wav", _tone(300, 4))}
    cut = _cut((0, 48))
    slow = cut.clips[0].model_copy(update={"speed": speed})
    sound = mix(_with(cut, clips=(slow,)), files)
    assert sound.shape[1] == samples_at(48 * 100 // speed, RATE)
    middle = sound[0, 4800 : sound.shape[1] - 4800]
    crossings = int(np.sum(np.diff(np.signbit(middle).astype(int)) != 0))
    assert crossings / 2 / (len(middle) / 48000) == pytest.approx(300, rel=0.03)
    assert _power(sound, 0.1, sound.shape[1] / 48000 - 0.1) == pytest.approx(0.25 / 2**0.5, rel=0.1)


def test_stretched_sound_stays_in_its_place() -> None:
    sound = np.zeros((2, 96000), np.float32)
    sound[:, 48000:48480] = _tone(1000, 0.01, 0.5)
    for speed, place in ((50, 96000), (200, 24000)):
        there = np.abs(stretched(sound, speed, 96000 * 100 // speed)).max(axis=0)
        assert abs(int(np.argmax(there > 0.2)) - place) < 48000 * 0.05


def test_a_held_frame_is_silent_and_its_neighbours_do_not_run_on_into_it(tmp_path: Path) -> None:
    cut = _cut((0, 24), (24, 25), (25, 49))
    held = cut.clips[1].model_copy(update={"freeze": 24})
    sound = mix(_with(cut, clips=(cut.clips[0], held, cut.clips[2])), _steady(tmp_path))
    assert _level(sound, 1.0, 2.0) == 0
    assert _power(sound, 0.5, 0.9) == pytest.approx(_power(sound, 2.1, 2.9), rel=0.1)


def test_behind_the_last_clip_the_music_goes_on_under_an_end_card(tmp_path: Path) -> None:
    cut = _cut((0, 24), music=(SoundWanted(media=MUSIC),))
    longer = SoundWanted(media=MUSIC).model_dump(exclude_none=True) | {"source": Span(in_frame=0, out_frame=48)}
    longer.pop("in_frame")
    music = cut.track("music").model_copy(update={"clips": (SoundClip.model_validate(longer),)})
    sound = mix(_with(cut, end_card=EndCard(id="e1", frames=24)).with_track(music), _files(tmp_path))
    assert sound.shape[1] == 96000
    assert _level(sound, 1.2, 1.9) == pytest.approx(0.25, rel=0.02)
