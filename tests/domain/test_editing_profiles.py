"""Delivery profiles: data that is checked, what a timeline must be for them, and files that other programs can read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip, Loudness, Reframe
from holdback_servers.editing.profiles import built_in, find_profile, misfits, misses, read_profiles
from holdback_servers.editing.render import render_file
from PIL import Image

FILM = "sha256:" + "a" * 64


def _cut(frames: int, rate: Rate, size: tuple[int, int] = (1920, 1080), **fields: Any) -> Timeline:
    whole = Element(id="x", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=1),))
    elements = ElementList(rate=rate, frames=1, elements=(whole,))
    return Timeline(
        id="tl_1",
        root="tl_1",
        revision=1,
        title="T",
        rate=rate,
        width=size[0],
        height=size[1],
        sources=(CutFacts(media=FILM, element_list=elements, width=64, height=36),),
        clips=(Clip(id="c1", media=FILM, source=Span(in_frame=0, out_frame=1), freeze=frames),),
        by="person:sam",
        made=datetime(2026, 11, 22, tzinfo=UTC),
        **fields,
    )


def test_a_short_that_is_too_long_wide_or_of_a_strange_rate_is_refused_before_it_is_rendered() -> None:
    shorts = built_in()["youtube_shorts"]
    upright = Reframe(aspect="9:16", width=720, height=1280)
    assert misfits(_cut(24 * 170, Rate(num=24), reframe=upright), shorts) == []
    assert misfits(_cut(24 * 180, Rate(num=24), reframe=upright), shorts) == []
    (long,) = misfits(_cut(24 * 180 + 1, Rate(num=24), reframe=upright), shorts)
    assert "at most 180 s" in long
    (wide,) = misfits(_cut(24, Rate(num=24)), shorts)
    assert "reframe it" in wide
    (strange,) = misfits(_cut(24, Rate(num=24)), built_in()["xdcam_hd422_mxf"])
    assert "24 frames a second" in strange
    (brief,) = misfits(_cut(24, Rate(num=24), reframe=upright), built_in()["instagram_reel"])
    assert "at least 3 s" in brief


def test_a_file_is_as_large_as_its_profile_wants_and_never_smaller_than_the_picture() -> None:
    profiles = built_in()
    assert profiles["youtube_16x9"].size((640, 360)) == (1280, 720)
    assert profiles["youtube_16x9"].size((1440, 810)) == (1920, 1080)
    assert profiles["youtube_16x9"].size((4096, 2304)) == (3840, 2160)
    assert profiles["youtube_shorts"].size((720, 1280)) == (1080, 1920)
    assert profiles["h264"].size((638, 360)) == (638, 360)
    assert profiles["preview"].size((638, 362)) == (318, 180)


def test_loudness_is_missed_off_its_target_and_over_its_peak() -> None:
    broadcast, cut = built_in()["xdcam_hd422_mxf"], _cut(25, Rate(num=25))
    for lufs, peak, count in ((-23.0, -1.0, 0), (-22.5, -3.0, 0), (-22.4, -3.0, 1), (-23.0, -0.9, 1), (None, None, 0)):
        assert len(misses(cut, broadcast, {"lufs": lufs, "peak_dbtp": peak}, [])) == count
    assert misses(cut, broadcast, {"lufs": None}, [Span(in_frame=0, out_frame=50)]) == []
    assert len(misses(cut, broadcast, {"lufs": None}, [Span(in_frame=0, out_frame=51)])) == 1


def test_the_profiles_loudness_goes_before_the_timelines() -> None:
    cut = _cut(25, Rate(num=25), loudness=Loudness(lufs_tenths=-160))
    assert built_in()["prores_master"].target(cut) == Loudness(lufs_tenths=-230)
    assert built_in()["h264"].target(cut) == Loudness(lufs_tenths=-160)


def test_a_house_adds_profiles_and_takes_over_what_another_says() -> None:
    text = """
[house_wide]
extends = "youtube_16x9"
title = "Our wide one"
rates = ["25"]
[house_small]
extends = "house_wide"
title = "Our small one"
sizes = [[640, 360]]
"""
    own = read_profiles(text, "profiles.toml", built_in())
    assert own["house_small"].sizes == ((640, 360),)
    assert own["house_small"].rates == own["house_wide"].rates == ("25",)
    assert own["house_small"].loudness == built_in()["youtube_16x9"].loudness


WRONG = [
    ("[h264]\ntitle = 'x'", "comes with Holdback"),
    ("[a]\nextends = 'nothing'", "there is no profile 'nothing'"),
    ("[a]\nextends = 'h264'\nsize = 3", "size"),
    ("[a]\nextends = 'h264'\ncontainer = 'mxf'", "mxf takes"),
    ("[a]\nextends = 'xdcam_hd422_mxf'\ncredentials = true", "cannot be written into mxf"),
    ("[a]\nextends = 'h264'\nrates = ['25/0']", "25/0"),
    ("[a]\nextends = 'youtube_16x9'\nsizes = [[101, 100]]", "even numbers"),
    ("[a]\nextends = 'xdcam_hd422_mxf'\nvideo = { codec = 'mpeg2_422' }", "bits a second"),
    ("a = 3", "no table"),
    ("[a", "not valid TOML"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_profile_that_is_wrong_is_named_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        read_profiles(text, "profiles.toml", built_in())
    assert refused.value.code == "INVALID_ARGUMENT"
    assert said in refused.value.message
    assert "profiles.toml" in refused.value.message


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(Problem, match="no profile 'vhs'") as refused:
        find_profile("vhs", built_in())
    assert "prores_master" in refused.value.hint


def _rendered(folder: Path, profile: str, cut: Timeline) -> tuple[dict[str, Any], Path]:
    Image.fromarray(np.full((36, 64, 3), (200, 40, 40), np.uint8)).save(folder / "still.png")
    work = folder / "work"
    work.mkdir()
    wanted = built_in()[profile]
    output = folder / f"cut.{wanted.container}"
    arguments = {
        "timeline": cut.model_dump(mode="json", exclude_none=True),
        "profile": wanted.model_dump(mode="json", exclude_none=True),
        "files": {FILM: str(folder / "still.png")},
        "output": str(output),
        "work": str(work),
    }
    return render_file(arguments, lambda done, total, text: None), output


@pytest.mark.processes
def test_broadcast_is_mpeg2_422_in_mxf_with_eight_tracks_and_a_timecode(tmp_path: Path) -> None:
    found, output = _rendered(tmp_path, "xdcam_hd422_mxf", _cut(25, Rate(num=25)))
    assert found["start_timecode"] == "10:00:00:00"
    with av.open(str(output)) as container:
        picture = container.streams.video[0]
        assert (picture.codec_context.name, picture.pix_fmt) == ("mpeg2video", "yuv422p")
        assert (picture.width, picture.height, picture.average_rate) == (1920, 1080, 25)
        tracks = [(each.codec_context.name, each.codec_context.channels) for each in container.streams.audio]
        assert tracks == [("pcm_s24le", 1)] * 8
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(picture)]
    assert len(frames) == 25
    assert np.abs(frames[12][500, 960].astype(int) - (200, 40, 40)).max() <= 6
    assert abs(output.stat().st_size * 8 - 50_000_000 - 8 * 24 * 48000) < 10_000_000


@pytest.mark.processes
def test_a_master_is_prores_hq_of_ten_bits_with_a_timecode(tmp_path: Path) -> None:
    found, output = _rendered(tmp_path, "prores_master", _cut(12, Rate(num=24), (640, 360), start="02:00:00:00"))
    assert found["start_timecode"] == "02:00:00:00"
    with av.open(str(output)) as container:
        picture = container.streams.video[0]
        assert (picture.codec_context.name, picture.pix_fmt) == ("prores", "yuv422p10le")
        assert picture.codec_context.codec_tag == "apch"
        assert container.streams.audio[0].codec_context.name == "pcm_s24le"
        assert len(list(container.decode(picture))) == 12


@pytest.mark.processes
def test_a_delivery_for_youtube_has_closed_groups_of_half_a_second(tmp_path: Path) -> None:
    _, output = _rendered(tmp_path, "youtube_16x9", _cut(50, Rate(num=25), (640, 360)))
    with av.open(str(output)) as container:
        picture = container.streams.video[0]
        assert (picture.width, picture.height) == (1280, 720)
        packets = [each for each in container.demux(picture) if each.size]
        keys = sorted(each.pts for each in packets if each.is_keyframe)
        assert picture.time_base is not None
        assert max(np.diff([float(each * picture.time_base) for each in keys])) <= 0.5
        assert [round(each.pts * picture.time_base * 25) for each in sorted(packets, key=lambda e: e.pts)] == list(
            range(50)
        )
