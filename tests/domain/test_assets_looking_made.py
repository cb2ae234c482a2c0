"""What is made in one pass: a proxy that keeps each frame and its sound in step, keyframes, a poster; what is found."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.analysis import analyse
from holdback_servers.assets.ingest import technical_facts
from holdback_servers.assets.looking.keyframes import Keyframes
from holdback_servers.assets.looking.lane import Lane
from holdback_servers.assets.looking.proxy import proxy_size
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

Paint = Callable[[int], np.ndarray]


def _stripe(frame: int) -> np.ndarray:
    """A bright column whose place tells the frame."""
    image = np.full((90, 160, 3), 40, np.uint8)
    image[:, frame * 2 : frame * 2 + 8] = 220
    return image


def _write(
    path: Path,
    frames: int,
    paint: Paint = _stripe,
    *,
    rate: Fraction = Fraction(25),
    times: Sequence[int] | None = None,
    sound: np.ndarray | None = None,
    rotation: int = 0,
    codec: str = "mpeg4",
    options: dict[str, str] | None = None,
) -> Path:
    """A film at `rate`; `times` are its frames' places at 100 times the rate. Sound is mono at 48 kHz."""
    with av.open(str(path), "w") as out:
        picture: Any = out.add_stream(codec, rate=rate, options=options or {"qscale": "2"})
        height, width = paint(0).shape[:2]
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        picture.codec_context.time_base = 1 / (100 * rate)
        if rotation:
            picture.set_display_rotation(rotation)
        tone: Any = None if sound is None else out.add_stream("pcm_s16le", rate=48000, layout="mono")
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(paint(number), format="rgb24")
            frame.pts, frame.time_base = (100 * number if times is None else times[number]), 1 / (100 * rate)
            out.mux(picture.encode(frame))
        out.mux(picture.encode())
        if sound is not None:
            heard = av.AudioFrame.from_ndarray((sound * 30000).astype(np.int16)[None, :], format="s16", layout="mono")
            heard.sample_rate = 48000
            out.mux(tone.encode(heard))
            out.mux(tone.encode())
    return path


def _analyse(path: Path, *, proxy: bool = True) -> dict[str, Any]:
    told = {"path": str(path), "name": path.name, "folder": str(path.parent), "proxy": proxy}
    return analyse(told, lambda *_: None)


def _proxy(path: Path) -> tuple[list[av.VideoFrame], np.ndarray]:
    with av.open(str(path)) as container:
        pictures = list(container.decode(video=0))
    with av.open(str(path)) as container:
        heard = [frame.to_ndarray()[0] for frame in container.decode(audio=0)] if container.streams.audio else []
    return pictures, np.concatenate(heard) if heard else np.zeros(0)


def _beeps(seconds: float, at: Sequence[float]) -> np.ndarray:
    samples = np.zeros(round(seconds * 48000))
    for start in at:
        first = round(start * 48000)
        samples[first : first + 4800] = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(4800) / 48000)
    return samples


def _starts(samples: np.ndarray) -> list[float]:
    loud = np.abs(samples) > 0.1
    return [at / 48000 for at in np.flatnonzero(loud) if not loud[max(0, at - 4000) : at].any()]


def test_a_proxy_has_every_frame_in_its_place_and_the_sound_in_step(tmp_path: Path) -> None:
    source = _write(tmp_path / "film.mov", 60, sound=_beeps(2.4, [0.4, 1.6]))
    answer = _analyse(source)
    made = next(each for each in answer["renditions"] if each["purpose"] == "proxy")
    assert made["facts"] == {"format": "mp4", "width": 160, "height": 90, "video": "h264", "audio": "aac"}
    pictures, heard = _proxy(tmp_path / made["file"])
    brightest = [int(each.to_ndarray(format="gray").mean(axis=0).argmax()) for each in pictures]
    assert len(pictures) == 60
    assert all(2 * frame <= column < 2 * frame + 8 for frame, column in enumerate(brightest))
    assert [round((each.time or 0) * 25) for each in pictures] == list(range(60))
    assert _starts(heard) == pytest.approx([0.4, 1.6], abs=0.03)


def test_the_index_of_a_proxy_comes_before_its_media(tmp_path: Path) -> None:
    _analyse(_write(tmp_path / "film.mov", 30))
    content = (tmp_path / "proxy.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_a_proxy_of_uneven_frames_keeps_all_and_their_times(tmp_path: Path) -> None:
    times = [100 * each for each in [*range(10), *range(40, 60)]]
    answer = _analyse(_write(tmp_path / "film.mkv", 30, times=times))
    pictures, _ = _proxy(tmp_path / "proxy.mp4")
    assert len(pictures) == 30
    rate = technical_facts(answer["facts"]).rate.fraction
    assert [float(each.time or 0) for each in pictures] == pytest.approx(
        [each / 2500 for each in times], abs=float(1 / rate)
    )
    assert answer["facts"]["video"]["variable_rate"]
    assert any("evenly" in warning for warning in answer["facts"]["warnings"])


def test_a_turned_picture_is_turned_in_its_keyframe_and_its_proxy(tmp_path: Path) -> None:
    answer = _analyse(_write(tmp_path / "film.mov", 30, rotation=90))
    assert answer["facts"]["video"]["rotation"] in (90, -90)
    with Image.open(tmp_path / answer["shots"][0]["keyframe"]) as keyframe:
        assert keyframe.size == (90, 160)
    with av.open(str(tmp_path / "proxy.mp4")) as container:
        assert next(container.decode(video=0)).rotation == answer["facts"]["video"]["rotation"]


def test_sound_alone_has_a_proxy_to_listen_to(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "voice.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        samples = (_beeps(3, [0.5, 2.0]) * 30000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
    answer = _analyse(tmp_path / "voice.wav")
    assert [each["purpose"] for each in answer["renditions"]] == ["waveform", "waveform", "proxy"]
    assert answer["renditions"][-1]["facts"] == {"format": "m4a", "audio": "aac"}
    with av.open(str(tmp_path / "proxy.m4a")) as container:
        heard = np.concatenate([each.to_ndarray()[0] for each in container.decode(audio=0)])
    assert _starts(heard) == pytest.approx([0.5, 2.0], abs=0.03)


def test_a_still_has_a_poster_and_a_hash_and_nothing_else(tmp_path: Path) -> None:
    Image.fromarray(np.repeat(_stripe(20), 8, axis=0).repeat(8, axis=1)).save(tmp_path / "still.png")
    answer = _analyse(tmp_path / "still.png")
    assert [each["purpose"] for each in answer["renditions"]] == ["poster"]
    assert answer["renditions"][0]["facts"] == {"format": "jpeg", "frame": 0, "width": 640, "height": 360}
    assert [frame for frame, _ in answer["hashes"]] == [0]
    assert (answer["shots"], answer["findings"]) == ([], [])


def test_without_a_proxy_the_rest_is_made(tmp_path: Path) -> None:
    answer = _analyse(_write(tmp_path / "film.mov", 30), proxy=False)
    assert [each["purpose"] for each in answer["renditions"]] == ["motion", "poster"]
    assert not (tmp_path / "proxy.mp4").exists()


def test_faults_are_told_with_their_kind_and_frames(tmp_path: Path) -> None:
    def paint(frame: int) -> np.ndarray:
        if 20 <= frame < 40:
            return np.zeros((90, 160, 3), np.uint8)
        if 60 <= frame < 120:
            return _stripe(30)
        return _stripe(frame if frame < 60 else 45 + frame // 12)

    answer = _analyse(_write(tmp_path / "film.mov", 150, paint, sound=_beeps(6, [k / 10 for k in range(30)])))
    found = {each["kind"]: (each["in_frame"], each["out_frame"]) for each in answer["findings"]}
    assert found["black"] == (20, 40)
    assert found["freeze"][0] in range(58, 70)
    assert found["freeze"][1] in range(118, 122)
    assert found["silence"] == (75, 150)
    assert "flashing" not in found


def test_pictures_four_times_a_second_have_hashes_but_not_flat_ones(tmp_path: Path) -> None:
    def paint(frame: int) -> np.ndarray:
        return _stripe(frame) if frame < 24 else np.full((90, 160, 3), 90, np.uint8)

    hashes = _analyse(_write(tmp_path / "film.mov", 48, paint))["hashes"]
    assert [frame for frame, _ in hashes] == [0, 6, 12, 18]
    assert all(-(2**63) <= value < 2**63 for _, value in hashes)


def test_headers_and_frames_tell_level_fields_groups_of_pictures_and_depth(tmp_path: Path) -> None:
    options = {"g": "12", "sc_threshold": "0", "bf": "0", "x264-params": "tff=1:scenecut=0"}
    sound = _beeps(1.2, [0.1])
    source = _write(
        tmp_path / "film.mov", 30, lambda at: _stripe(at)[:88], codec="libx264", options=options, sound=sound
    )
    facts = technical_facts(_analyse(source, proxy=False)["facts"])
    assert facts.video is not None
    assert (facts.video.codec, facts.video.field_order) == ("h264", "top_first")
    assert facts.video.level is not None
    assert (facts.video.key_frames, facts.video.longest_gop) == (3, 12)
    assert [(audio.codec, audio.bit_depth) for audio in facts.audio] == [("pcm_s16le", 16)]


def test_hdr_tells_its_curve_and_the_light_it_was_graded_for(tmp_path: Path) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    parameters = f"colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:master-display={display}:max-cll=900,350"
    with av.open(str(tmp_path / "film.mp4"), "w") as out:
        stream: Any = out.add_stream("libx265", rate=25, options={"x265-params": f"{parameters}:log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p10le"
        for number in range(4):
            out.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(_stripe(number)[:, :, :].repeat(2, axis=0)[:96], format="rgb24")
                )
            )
        out.mux(stream.encode())
    video = technical_facts(_analyse(tmp_path / "film.mp4", proxy=False)["facts"]).video
    assert video is not None
    assert (video.hdr, video.bit_depth, video.mastering) == ("PQ", 10, "0.0050-1000")
    assert (video.max_cll, video.max_fall) == (900, 350)


def test_sound_that_ends_long_before_the_picture_is_mentioned(tmp_path: Path) -> None:
    facts = _analyse(_write(tmp_path / "film.mov", 75, sound=_beeps(1.0, [0.2])), proxy=False)["facts"]
    assert [warning for warning in facts["warnings"] if "2.0 s before the picture" in warning]


def test_a_start_timecode_that_cannot_be_is_a_warning(tmp_path: Path) -> None:
    told = _analyse(_write(tmp_path / "film.mov", 10), proxy=False)["facts"]
    for code in ("00:01:00;00", "10:00:00:25", "00:00:61:00"):
        facts = technical_facts(told | {"start_timecode": code})
        assert (facts.start_timecode, facts.start_frame) == (None, 0)
        assert len(facts.warnings) == 1


def test_what_fails_in_a_lane_is_raised_to_who_feeds_it() -> None:
    def fail(thing: int) -> None:
        raise Problem("MEDIA_DAMAGED", f"{thing} is broken.")

    def feed(lane: Lane[int]) -> None:
        for _ in range(100_000):
            lane.put(1)

    lane = Lane(fail)
    with pytest.raises(Problem, match="1 is broken"):
        feed(lane)
    lane.stop()
    lane = Lane(fail)
    lane.put(2)
    with pytest.raises(Problem, match="2 is broken"):
        lane.finish()


def test_a_lane_that_is_stopped_leaves_the_rest_undone() -> None:
    done: list[int] = []
    lane = Lane(done.append)
    for number in range(10):
        lane.put(number)
    lane.finish()
    assert done == list(range(10))
    lane.stop()
    assert done == list(range(10))


def test_shots_without_end_have_few_frames_in_memory(tmp_path: Path) -> None:
    keyframes = Keyframes(tmp_path)
    frame = av.VideoFrame(32, 32, "yuv420p")
    for index in range(20_000):
        keyframes.see(frame, index, max(0, index - 26))
        assert keyframes.waiting < 60
    keyframes.close(20_000)
    assert keyframes.poster is not None
    assert abs(keyframes.poster["frame"] - 10_000) < 5_000


@given(st.integers(1, 16384), st.integers(1, 8640), st.fractions(Fraction(1, 10), Fraction(10), max_denominator=100))
def test_a_proxy_is_small_and_even_and_keeps_its_shape(width: int, height: int, aspect: Fraction) -> None:
    across, down = proxy_size(width, height, aspect)
    assert across % 2 == down % 2 == 0
    assert 16 <= across <= 640
    assert 16 <= down <= 640
    shape = width * aspect / height
    if 1 / 8 <= shape <= 8 and min(width * aspect, height) >= 64:
        assert across / down == pytest.approx(float(shape), rel=0.03)


def test_a_photograph_with_notes_of_its_camera_is_taken_in(tmp_path: Path) -> None:
    notes = Image.Exif()
    notes[0x0110] = "A camera"
    Image.fromarray(_stripe(10)).save(tmp_path / "photo.jpg", exif=notes)
    answer = _analyse(tmp_path / "photo.jpg")
    assert [each["purpose"] for each in answer["renditions"]] == ["poster"]


def test_a_fade_through_black_begins_a_shot_where_the_picture_comes_back(tmp_path: Path) -> None:
    def paint(frame: int) -> np.ndarray:
        light = max(0.0, 1 - frame / 20) if frame < 40 else min(1.0, (frame - 28) / 20 - 0.5)
        return (_stripe(30 if frame < 30 else 60) * max(0.0, light)).astype(np.uint8)

    answer = _analyse(_write(tmp_path / "film.mov", 80, paint), proxy=False)
    black = [(each["in_frame"], each["out_frame"]) for each in answer["findings"] if each["kind"] == "black"]
    assert len(black) == 1
    assert [shot["in_frame"] for shot in answer["shots"]] == [0, black[0][1]]
