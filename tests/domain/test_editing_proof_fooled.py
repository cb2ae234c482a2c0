"""Proof that is not fooled: pictures laid otherwise, words that flash, sound beside the first or by another name."""

import runpy
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.evidence import judge_sound, judge_words, longest
from holdback_servers.editing.parts import Credit
from holdback_servers.editing.proof.sounds import RATE as SOUND_RATE
from holdback_servers.editing.proof.sounds import listen, waves
from holdback_servers.editing.proof.words import plate_of
from PIL import Image

made: Any = runpy.run_path(str(Path(__file__).with_name("test_editing_proof.py")))
WIDE, HIGH, FRAMES = made["WIDE"], made["HIGH"], made["FRAMES"]
RATE = Rate(num=24)


def test_a_file_without_a_timeline_whose_pictures_are_enlarged_proves_nothing(tmp_path: Path) -> None:
    def enlarged(_: int, picture: Any) -> None:
        middle = Image.fromarray(picture[20 : HIGH - 20, 60 : WIDE - 40])
        picture[:HIGH] = np.asarray(middle.resize((WIDE, HIGH), Image.Resampling.BICUBIC))

    found = made["_blurred"](tmp_path, enlarged, told=False)
    assert found["verdict"] == "not_proven", found
    assert found["failing"] == [{"in_frame": 0, "out_frame": FRAMES}]


def test_what_is_left_under_words_where_nothing_is_left_beside_them_is_for_a_person(tmp_path: Path) -> None:
    credit = Credit(id="t1", text="A name", span=Span(in_frame=0, out_frame=FRAMES), placement="centre")
    plate = plate_of(credit, (WIDE, HIGH))
    rows = slice(round(plate.top * HIGH), round(plate.bottom * HIGH))
    pictures = [each.copy() for each in made["_film"]()]
    for picture in pictures:
        before = picture.copy()
        made["_veil"](picture)
        picture[rows] = before[rows]
    made["_write"](tmp_path / "film.mp4", made["_film"]())
    made["_write"](tmp_path / "cut.mp4", pictures)
    timeline = made["_timeline"](credits=(credit,))
    found = made["_proof"](tmp_path, {"type": "blur", "ref": "logo:finch"}, timeline=timeline)
    assert found["verdict"] == "not_proven", found


def test_words_that_flash_are_not_proven_to_stand_for_the_time_they_take_together() -> None:
    flashing = [frame for start in (0, 40, 80, 120) for frame in range(start, start + 18)]
    at_once = longest(flashing, RATE)
    assert at_once == 18
    assert judge_words(len(flashing), len(flashing), RATE, 3, 30.0, at_once=at_once)[0] == "not_proven"
    missed_once = [frame for frame in range(72) if frame not in (30, 31)]
    assert longest(missed_once, RATE) == 70


def test_a_cue_is_heard_in_a_laid_sound_that_goes_by_another_name() -> None:
    old, new = made["_tune"](1, 12, SOUND_RATE), made["_tune"](2, 8, SOUND_RATE)
    mixed = new + old[3 * SOUND_RATE : 11 * SOUND_RATE] * np.float32(0.25)
    assert judge_sound(listen(mixed, old, mixed).likeness) == "contradicted"
    assert judge_sound(listen(new, old, new).likeness) == "proven"


def _sounds(path: Path, *sounds: Any) -> None:
    with av.open(str(path), "w", format="matroska") as container:
        out: Any = container
        streams = [out.add_stream("pcm_s16le", rate=48000, layout="stereo") for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            told = np.ascontiguousarray((sound.T * 32767).astype(np.int16).reshape(1, -1))
            block = av.AudioFrame.from_ndarray(told, format="s16", layout="stereo")
            block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
            out.mux(stream.encode(block))
            out.mux(stream.encode(None))


def test_every_sound_of_a_file_is_heard_and_what_its_sides_differ_by(tmp_path: Path) -> None:
    tune = made["_tune"](1, 1, 48000)
    _sounds(tmp_path / "a.mkv", np.stack([tune, tune]), np.stack([tune, -tune]), np.zeros((2, 48000)))
    found = waves(tmp_path / "a.mkv", "a")
    assert [each.apart for each in found] == [False, True]
    assert all(float(np.abs(each.sound).max()) > 0.05 for each in found)
