"""Regions followed through pictures, and the cut-out that keeps what moves."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import Box
from holdback_base.vocabulary import Span
from holdback_servers.editing.parts import Blur
from holdback_servers.editing.tracking import centres_of, settled_path, track_file, watch_file

WIDE, HIGH, FRAMES = 320, 180, 24


def _place(number: int) -> tuple[int, int]:
    """Where the sign's corner is: it comes in on a curve."""
    return 20 + 6 * number, 30 + round(40 * np.sin(number / 8))


def _film(path: Path, *, hidden: range = range(0)) -> None:
    chance = np.random.default_rng(5)
    land = np.kron(chance.integers(90, 150, (18, 32)), np.ones((10, 10)))
    sign = np.kron(chance.integers(0, 2, (5, 6)) * 200 + 20, np.ones((6, 8)))
    with av.open(str(path), "w", format="mp4") as container:
        out: Any = container
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "21", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
            picture[:HIGH] = land
            left, top = _place(number)
            if number not in hidden:
                picture[top : top + 30, left : left + 48] = sign
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _tracked(path: Path, start: int) -> dict[str, Any]:
    left, top = _place(start)
    box = Box(x=left * 1000 // WIDE, y=top * 1000 // HIGH, width=150, height=167)
    arguments = {
        "path": str(path),
        "name": "film",
        "rate": {"num": 24},
        "frame": start,
        "box": box.model_dump(),
        "span": {"in_frame": 0, "out_frame": FRAMES},
    }
    return track_file(arguments, lambda _done, _total, _text: None)


@pytest.mark.parametrize("start", [0, 12, FRAMES - 1])
def test_a_region_is_followed_both_ways_to_within_a_hundredth_of_the_picture(tmp_path: Path, start: int) -> None:
    _film(tmp_path / "film.mp4")
    found = _tracked(tmp_path / "film.mp4", start)
    whole = Span(in_frame=0, out_frame=FRAMES)
    blur = Blur(
        id="b1", media="sha256:" + "a" * 64, span=whole, box=Box(x=0, y=0, width=9, height=9), path=found["path"]
    )
    assert found["lost"] == []
    assert len(found["path"]) < FRAMES
    for number in range(FRAMES):
        left, top = _place(number)
        box = blur.box_at(number)
        assert abs(box.x - left * 1000 / WIDE) <= 10
        assert abs(box.y - top * 1000 / HIGH) <= 15


def test_a_region_that_goes_away_is_lost_and_the_frames_are_told(tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4", hidden=range(16, FRAMES))
    assert _tracked(tmp_path / "film.mp4", 4)["lost"] == list(range(16, FRAMES))


def test_the_cut_out_goes_with_what_moves_and_no_faster_than_it_may(tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4")
    arguments = {
        "path": str(tmp_path / "film.mp4"),
        "name": "film",
        "rate": {"num": 24},
        "spans": [{"in_frame": 0, "out_frame": FRAMES}],
        "keep": 0.32,
    }
    (path,) = watch_file(arguments, lambda _done, _total, _text: None)["paths"]
    assert path[0]["frame"] == 0
    assert path[-1]["centre_x"] > path[0]["centre_x"] + 100
    for one, other in pairwise(path):
        assert abs(other["centre_x"] - one["centre_x"]) <= 250 * (other["frame"] - one["frame"]) / 24 + 1


def test_the_subject_stays_in_the_cut_out_and_a_still_picture_has_one_centre() -> None:
    still = np.full((36, 64), 100, np.float32)
    still[10:20, 40:48] = np.kron(np.eye(2), np.ones((5, 4))) * 90 + 20
    centres = centres_of([still] * 5, 0.32, 40)
    assert len(set(centres)) == 1
    assert centres[0] - 160 <= 40 * 1000 / 64
    assert centres[0] + 160 >= 48 * 1000 / 64
    assert len(settled_path([(4 * number, each) for number, each in enumerate(centres)])) == 1
    assert centres_of([np.zeros((36, 64), np.float32)], 1.0, 40) == [500]
