"""One pass over real and made media: frames, shots against a list by eye, timecode, loudness, damage."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.analysis import analyse
from holdback_servers.assets.ingest import technical_facts
from holdback_servers.assets.model import TechnicalFacts
from PIL import Image

FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"
BY_EYE: list[int] = json.loads((Path(__file__).parent / "data" / "shots" / "big-buck-bunny-60s.json").read_text())[
    "first_frames"
]


def _analyse(path: Path, folder: Path) -> tuple[TechnicalFacts, list[dict[str, Any]]]:
    answer = analyse({"path": str(path), "name": path.name, "folder": str(folder)}, lambda *_: None)
    return technical_facts(answer["facts"]), answer["shots"]


def _clip(path: Path, rate: Fraction, *, frames: int = 48, timecode: str | None = None) -> Path:
    """Moving noise that changes its colour every 24 frames, with a tone."""
    chance = np.random.default_rng(7)
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=rate)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        if timecode is not None:
            picture.metadata["timecode"] = timecode
        sound = out.add_stream("aac", rate=48000)
        for number in range(frames):
            image = chance.integers(0, 20, (90, 160, 3), dtype=np.uint8)
            image[:, :, (number // 24) % 3] += 180
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())
        wave = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(round(48000 * frames / rate)) / 48000)
        tone = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None, :], format="fltp", layout="mono")
        tone.sample_rate = 48000
        out.mux(sound.encode(tone))
        out.mux(sound.encode())
    return path


@pytest.mark.processes
def test_the_film_has_the_shots_that_the_eye_sees(tmp_path: Path) -> None:
    facts, shots = _analyse(FILM, tmp_path)
    assert [shot["in_frame"] for shot in shots] == BY_EYE
    assert [shot["out_frame"] for shot in shots] == [*BY_EYE[1:], 1440]
    assert (facts.frames, facts.rate.text(), facts.start_timecode) == (1440, "24", "10:00:00:00")
    assert facts.loudness is not None
    assert facts.loudness.integrated_lufs == pytest.approx(-38.2, abs=0.3)
    assert facts.loudness.true_peak_dbtp == pytest.approx(-11.5, abs=0.2)
    for shot in shots:
        with Image.open(tmp_path / shot["keyframe"]) as keyframe:
            assert (keyframe.format, keyframe.size) == ("JPEG", (640, 360))


@pytest.mark.parametrize(
    ("rate", "timecode", "start"),
    [
        (Fraction(24000, 1001), "01:00:00:00", 86400),
        (Fraction(25), "10:00:00:00", 900000),
        (Fraction(30000, 1001), "00:01:00;02", 1800),
        (Fraction(30000, 1001), "00:01:00:00", 1800),
        (Fraction(50), None, 0),
        (Fraction(60000, 1001), "00:10:00;00", 35964),
    ],
)
def test_rate_and_start_timecode_are_read_exactly(
    tmp_path: Path, rate: Fraction, timecode: str | None, start: int
) -> None:
    facts, shots = _analyse(_clip(tmp_path / "clip.mov", rate, timecode=timecode), tmp_path)
    assert (facts.rate.fraction, facts.frames) == (rate, 48)
    assert (facts.start_timecode, facts.start_frame) == (timecode, start)
    assert facts.drop_frame == (timecode is not None and ";" in timecode)
    assert [shot["in_frame"] for shot in shots] == [0, 24]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "mov"])
def test_containers_tell_the_same_frames(tmp_path: Path, suffix: str) -> None:
    facts, shots = _analyse(_clip(tmp_path / f"clip.{suffix}", Fraction(25)), tmp_path)
    assert (facts.frames, facts.rate.text(), len(shots)) == (48, "25", 2)
    assert facts.video is not None
    assert not facts.video.variable_rate
    assert [audio.sample_rate for audio in facts.audio] == [48000]


def test_sound_alone_counts_samples_and_has_no_shots(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "tone.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48000, layout="stereo")
        tone = (8000 * np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
    facts, shots = _analyse(tmp_path / "tone.wav", tmp_path)
    assert (facts.frames, facts.rate.num, facts.video, shots) == (96000, 48000, None, [])
    assert facts.timecode(0) is None
    assert facts.loudness is not None
    assert facts.loudness.integrated_lufs == pytest.approx(-12.2, abs=0.3)


def test_silence_has_no_integrated_loudness(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "silence.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
    facts, _ = _analyse(tmp_path / "silence.wav", tmp_path)
    assert facts.loudness is not None
    assert facts.loudness.integrated_lufs is None


def test_a_still_is_one_frame(tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), "red").save(tmp_path / "still.png")
    facts, shots = _analyse(tmp_path / "still.png", tmp_path)
    assert (facts.frames, facts.loudness, shots) == (1, None, [])


def test_a_film_cut_short_behind_its_index_is_damaged(tmp_path: Path) -> None:
    whole = _clip(tmp_path / "clip.mkv", Fraction(25), frames=240).read_bytes()
    (tmp_path / "part.mkv").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem) as caught:
        _analyse(tmp_path / "part.mkv", tmp_path)
    assert caught.value.code == "MEDIA_DAMAGED"
    assert "part.mkv" in caught.value.message


@pytest.mark.processes
def test_a_film_with_a_hole_in_it_is_damaged(tmp_path: Path) -> None:
    content = bytearray(FILM.read_bytes())
    content[500_000:1_500_000] = bytes(1_000_000)
    (tmp_path / "hole.mp4").write_bytes(content)
    with pytest.raises(Problem) as caught:
        _analyse(tmp_path / "hole.mp4", tmp_path)
    assert caught.value.code == "MEDIA_DAMAGED"


def test_random_bytes_are_not_media(tmp_path: Path) -> None:
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(3).bytes(200_000))
    with pytest.raises(Problem) as caught:
        _analyse(tmp_path / "noise.mp3", tmp_path)
    assert caught.value.code in ("NOT_MEDIA", "MEDIA_DAMAGED")
