"""A cut becomes a file: what is on each frame, chunks that are kept, the same bytes again, what is refused."""

import hashlib
import os
import tempfile
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import Box, CutFacts, Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing import chunks
from holdback_servers.editing.cache import cache_folder, trim
from holdback_servers.editing.chunks import split
from holdback_servers.editing.compositing.recipes import recipes
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import (
    Blur,
    CaptionLine,
    Captions,
    Centre,
    Clip,
    Credit,
    EndCard,
    KeyBox,
    KeyCentre,
    Layer,
    LayerClip,
    Reframe,
    SoundClip,
    Track,
    Transition,
)
from holdback_servers.editing.profiles import built_in
from holdback_servers.editing.render import render_file
from PIL import Image

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FILM, LOGO, MUSIC = (f"sha256:{digit * 64}" for digit in "abc")
RATE = Rate(num=25)
WIDE, HIGH, LONG = 160, 90, 100


def _film(path: Path) -> Path:
    """Each frame's luma is its number and 40; the right half is 60 brighter. A tone of 440 Hz beside it."""
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        out: Any = container
        picture = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "1", "g": "30"})
        picture.width, picture.height, picture.pix_fmt = WIDE, HIGH, "yuv420p"
        sound = out.add_stream("aac", rate=48000, layout="stereo")
        for number in range(LONG):
            planes = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
            planes[:HIGH, : WIDE // 2], planes[:HIGH, WIDE // 2 :] = 40 + number, 100 + number
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(picture.encode(frame))
            wave = (0.2 * np.sin(2 * np.pi * 440 * (number * 1920 + np.arange(1920)) / 48000)).astype(np.float32)
            heard = av.AudioFrame.from_ndarray(np.tile(wave, (2, 1)), format="fltp", layout="stereo")
            heard.sample_rate, heard.pts, heard.time_base = 48000, number * 1920, Fraction(1, 48000)
            out.mux(sound.encode(heard))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    logo = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    logo.paste((255, 255, 255, 255), (0, 0, 20, 40))
    logo.save(folder / "logo.png")
    return {FILM: _film(folder / "film.mp4"), LOGO: folder / "logo.png"}


def _facts(media: str, frames: int, width: int, height: int) -> CutFacts:
    whole = Element(id="x", kind="programme", ref="film:x", name="x", spans=(Span(in_frame=0, out_frame=frames),))
    elements = ElementList(rate=RATE, frames=frames, elements=(whole,))
    return CutFacts(media=media, element_list=elements, width=width, height=height)


def _span(start: int, end: int) -> Span:
    return Span(in_frame=start, out_frame=end)


def _clip(number: int, start: int, end: int, **fields: Any) -> Clip:
    return Clip(id=f"c{number}", media=FILM, source=_span(start, end), **fields)


def _cut(*clips: Clip, **fields: Any) -> Timeline:
    return Timeline(
        id="tl_1",
        root="tl_1",
        revision=1,
        title="T",
        rate=RATE,
        width=WIDE,
        height=HIGH,
        sources=(_facts(FILM, LONG, WIDE, HIGH), _facts(LOGO, 1, 40, 40)),
        clips=clips,
        by="person:sam",
        made=NOW,
        **fields,
    )


def _render(
    cut: Timeline,
    files: dict[str, Path],
    folder: Path,
    profile: str = "h264",
    cache: Path | None = None,
    **changes: Any,
) -> tuple[dict[str, Any], Path]:
    work = folder / "work"
    work.mkdir(parents=True)
    wanted = built_in()[profile].model_dump(mode="json", exclude_none=True) | changes
    output = folder / f"cut.{wanted['container']}"
    arguments = {
        "timeline": cut.model_dump(mode="json", exclude_none=True),
        "profile": wanted,
        "files": {media: str(path) for media, path in files.items()},
        "output": str(output),
        "work": str(work),
        "cache": str(cache) if cache else None,
    }
    return render_file(arguments, lambda done, total, text: None), output


def _lumas(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="yuv420p")[: frame.height].astype(float) for frame in container.decode(video=0)]


def _sides(path: Path) -> list[tuple[int, int]]:
    """The luma of a place in the left half and of one in the right half, of each frame."""
    return [(round(each[20:30, 30:40].mean()), round(each[20:30, -40:-30].mean())) for each in _lumas(path)]


def _near(found: list[int], wanted: list[int]) -> bool:
    return len(found) == len(wanted) and all(abs(one - two) <= 3 for one, two in zip(found, wanted, strict=True))


def test_speeds_and_held_frames_show_the_frames_that_the_timeline_says(files: dict[str, Path], tmp_path: Path) -> None:
    cut = _cut(_clip(1, 10, 20, speed=50), _clip(2, 30, 31, freeze=5), _clip(3, 40, 60, speed=200))
    _, output = _render(cut, files, tmp_path)
    wanted = [clip.source_frame(offset) + 40 for clip, record in cut.placed() for offset in range(record.frames)]
    assert _near([left for left, _ in _sides(output)], wanted)
    assert len(wanted) == 35


def test_a_dissolve_mixes_both_pictures_from_their_handles_and_a_wipe_moves_its_edge(
    files: dict[str, Path], tmp_path: Path
) -> None:
    over = (
        Transition(id="x1", kind="dissolve", clip="c2", before=2, after=3),
        Transition(id="x2", kind="wipe_left", clip="c3", before=4, after=4),
    )
    cut = _cut(_clip(1, 0, 10), _clip(2, 80, 90), _clip(3, 20, 30), transitions=over)
    _, output = _render(cut, files, tmp_path)
    seen = _lumas(output)
    for at in range(8, 13):
        done = (at - 8 + 1) / 6
        wanted = (40 + at) * (1 - done) + (40 + 80 + at - 10) * done
        assert abs(seen[at][20:30, 30:40].mean() - wanted) <= 3
    middle = seen[19]
    edge = WIDE - WIDE * 4 // 9
    assert abs(middle[20:30, : WIDE // 2 - 4].mean() - (40 + 89)) <= 3
    assert abs(middle[20:30, edge + 4 :].mean() - (100 + 19)) <= 3
    assert abs(middle[20:30, WIDE // 2 + 2 : edge - 4].mean() - (100 + 89)) <= 3


def test_dips_go_out_to_the_colour_and_come_in_from_it(files: dict[str, Path], tmp_path: Path) -> None:
    dips = (
        Transition(id="x1", kind="dip_to_black", clip="c1", before=0, after=4),
        Transition(id="x2", kind="dip_to_white", clip="c2", before=4, after=4),
        Transition(id="x3", kind="dip_to_black", before=4, after=0),
    )
    found, output = _render(_cut(_clip(1, 50, 70), _clip(2, 50, 70), transitions=dips), files, tmp_path)
    left = [side for side, _ in _sides(output)]
    assert (left[0], left[39]) == (16, 16)
    assert left[19] >= 232
    assert left[20] >= 232
    assert left[1] < left[2] < left[3] < left[4]
    assert found["black"] == [{"in_frame": 0, "out_frame": 1}, {"in_frame": 39, "out_frame": 40}]


def test_a_layer_stands_in_its_box_with_what_is_transparent_in_it_left_away(
    files: dict[str, Path], tmp_path: Path
) -> None:
    held = Clip(id="l1", media=LOGO, source=_span(0, 1), freeze=10)
    box = Box(x=500, y=0, width=500, height=1000)
    layer = Layer(name="V2", clips=(LayerClip(clip=held, at_frame=5, box=box, opacity=500),))
    _, output = _render(_cut(_clip(1, 40, 60), layers=(layer,)), files, tmp_path)
    before, during = _lumas(output)[4], _lumas(output)[10]
    assert abs(during[40:50, 90:110].mean() - (150 + 235) / 2) <= 4
    assert abs(during[40:50, 130:150].mean() - 150) <= 3
    assert abs(before[40:50, 90:110].mean() - 144) <= 3


@pytest.mark.processes
def test_a_layer_without_a_box_hides_all_that_is_under_it(files: dict[str, Path], tmp_path: Path) -> None:
    held = Clip(id="l1", media=LOGO, source=_span(0, 1), freeze=20)
    layer = Layer(name="V2", clips=(LayerClip(clip=held, at_frame=0),))
    _, output = _render(_cut(_clip(1, 40, 60), layers=(layer,)), files, tmp_path)
    seen = _lumas(output)[10]
    assert abs(seen[:, :30].mean() - 16) <= 2
    assert abs(seen[:, -30:].mean() - 16) <= 2


@pytest.mark.processes
@pytest.mark.parametrize("style", ["blur", "pixelate", "fill"])
def test_a_moving_veil_is_where_its_path_says(files: dict[str, Path], tmp_path: Path, style: Any) -> None:
    boxes = [Box(x=at, y=0, width=250, height=1000) for at in (0, 350, 700)]
    path = (KeyBox(frame=10, box=boxes[0]), KeyBox(frame=30, box=boxes[2]))
    whole = Box(x=0, y=0, width=1000, height=1000)
    blur = Blur(id="b1", media=FILM, span=_span(10, 31), box=whole, style=style, path=path)
    _, output = _render(_cut(_clip(1, 0, 40), blurs=(blur,)), files, tmp_path)
    seen = _lumas(output)
    edges = [float(np.abs(seen[at][45, WIDE // 2 + 1] - seen[at][45, WIDE // 2 - 2])) for at in (9, 20, 31)]
    assert edges[0] > 55
    assert edges[2] > 55
    assert edges[1] < 45


@pytest.mark.processes
def test_a_moving_reframe_follows_its_path(files: dict[str, Path], tmp_path: Path) -> None:
    path = (KeyCentre(frame=0, centre_x=0), KeyCentre(frame=40, centre_x=1000))
    shape = Reframe(aspect="9:16", width=72, height=128, centres=(Centre(clip="c1", centre_x=500, path=path),))
    _, output = _render(_cut(_clip(1, 0, 41), reframe=shape), files, tmp_path)
    seen = _lumas(output)
    assert seen[0].shape == (128, 72)
    assert _near([round(seen[0].mean()), round(seen[40].mean())], [40, 140])
    assert seen[20][64, 5] < seen[20][64, 66] - 50


@pytest.mark.processes
def test_burnt_captions_titles_and_an_end_card_are_seen(files: dict[str, Path], tmp_path: Path) -> None:
    lines = (CaptionLine(text="Spoken words", span=_span(5, 15)),)
    captions = (Captions(language="en", lines=lines, burnt=True), Captions(language="de", lines=lines))
    title = Credit(id="t1", kind="title", text="Title", span=_span(0, 20), placement="centre")
    card = EndCard(id="e1", lines=("The end",), frames=10, colour="#ffffff", media=LOGO)
    cut = _cut(_clip(1, 0, 20), captions=captions, credits=(title,), end_card=card)
    found, output = _render(cut, files, tmp_path)
    seen = _lumas(output)
    assert found["frames"] == 30
    assert seen[10][70:85].max() > 225
    assert seen[3][70:85].max() < 225
    assert seen[10][35:55].max() > 225
    assert seen[25][0, 0] >= 233
    assert seen[25].min() < 80


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_cut_gives_the_same_bytes_with_and_without_kept_chunks(files: dict[str, Path], tmp_path: Path) -> None:
    cut = _cut(_clip(1, 0, 60), _clip(2, 60, 100), credits=(Credit(id="t1", text="© Film", span=_span(0, 20)),))
    cache = cache_folder(tmp_path)
    first, one = _render(cut, files, tmp_path / "1", cache=cache)
    again, two = _render(cut, files, tmp_path / "2", cache=cache)
    bare, three = _render(cut, files, tmp_path / "3")
    assert _sha(one) == _sha(two) == _sha(three)
    assert (first["kept"], again["kept"], bare["kept"]) == (0, 100, 0)
    assert again["made"] == 0


@pytest.mark.processes
def test_after_a_change_only_what_shows_it_is_made_again(files: dict[str, Path], tmp_path: Path) -> None:
    cache = cache_folder(tmp_path)
    shots = [_clip(1, 0, 25), _clip(2, 25, 50), _clip(3, 50, 75), _clip(4, 75, 100)]
    _render(_cut(*shots), files, tmp_path / "1", cache=cache)
    other = _cut(shots[0], _clip(5, 30, 50), *shots[2:])
    changed, one = _render(other, files, tmp_path / "2", cache=cache)
    assert (changed["made"], changed["kept"]) == (20, 75)
    _, two = _render(other, files, tmp_path / "3")
    assert _sha(one) == _sha(two)
    blur = Blur(id="b1", media=FILM, span=_span(80, 85), box=Box(x=0, y=0, width=500, height=500))
    veiled, _ = _render(_cut(*shots, blurs=(blur,)), files, tmp_path / "4", cache=cache)
    assert (veiled["made"], veiled["kept"]) == (25, 75)


@pytest.mark.processes
def test_a_kept_chunk_that_the_disk_has_spoiled_is_made_again(files: dict[str, Path], tmp_path: Path) -> None:
    cache, cut = cache_folder(tmp_path), _cut(_clip(1, 0, 30))
    _, one = _render(cut, files, tmp_path / "1", cache=cache)
    (kept,) = cache.iterdir()
    spoiled = bytearray(kept.read_bytes())
    spoiled[-100] ^= 1
    kept.unlink()
    kept.write_bytes(spoiled)
    found, two = _render(cut, files, tmp_path / "2", cache=cache)
    after, _ = _render(cut, files, tmp_path / "3", cache=cache)
    assert found["made"] == 30
    assert after["made"] == 0
    assert _sha(one) == _sha(two)


@pytest.mark.processes
def test_chunks_are_kept_on_another_file_system_than_the_media(files: dict[str, Path], tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here")
    cut = _cut(_clip(1, 0, 30))
    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        cache = cache_folder(Path(elsewhere))
        first, one = _render(cut, files, tmp_path / "1", cache=cache)
        again, two = _render(cut, files, tmp_path / "2", cache=cache)
    assert (first["made"], again["made"]) == (30, 0)
    assert _sha(one) == _sha(two)


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    folder = cache_folder(tmp_path)
    for age, name in enumerate("abcd"):
        (folder / name).write_bytes(b"x" * 100)
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert trim(folder, 250) == 200
    assert sorted(each.name for each in folder.iterdir()) == ["a", "b"]
    assert trim(folder, 250) == 200


def test_a_trimmed_shot_keeps_its_middle() -> None:
    long = _facts(FILM, 1000, WIDE, HIGH)

    def names(start: int, end: int) -> set[str]:
        cut = _cut(_clip(1, start, end)).model_copy(update={"sources": (long,)})
        every = recipes(cut, (WIDE, HIGH))
        return {str(every[each.in_frame : each.out_frame]) for each in split(cut)}

    assert len(names(10, 900) & names(50, 800)) >= 6
    assert all(each.frames <= 120 for each in split(_cut(_clip(1, 10, 900))))


def test_chunks_cover_the_cut_once_and_meet_at_shots_and_transitions() -> None:
    over = (Transition(id="x1", kind="dissolve", clip="c2", before=6, after=4),)
    cut = _cut(_clip(1, 0, 50), _clip(2, 20, 90), transitions=over, end_card=EndCard(id="e1", frames=200))
    spans = split(cut)
    assert [each.in_frame for each in spans] == [0, *(each.out_frame for each in spans[:-1])]
    assert spans[-1].out_frame == cut.frames
    assert {44, 54, 120} <= {each.in_frame for each in spans}
    assert split(cut, whole=True) == [_span(0, cut.frames)]


@pytest.mark.processes
def test_what_a_chunk_file_holds_comes_back_and_nothing_else(files: dict[str, Path], tmp_path: Path) -> None:
    cache = cache_folder(tmp_path)
    _render(_cut(_clip(1, 0, 12)), files, tmp_path / "1", cache=cache)
    (place,) = cache.iterdir()
    chunk = chunks.read_chunk(place)
    assert chunk is not None
    chunks.write_chunk(chunk, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == place.read_bytes()
    (tmp_path / "copy").write_bytes(place.read_bytes()[:-1])
    assert chunks.read_chunk(tmp_path / "copy") is None
    assert chunks.read_chunk(tmp_path / "none") is None


def _silent_then_loud(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """One click in silence: no level brings it to a programme's loudness under its peak."""
    path = folder / "click.wav"
    with av.open(str(path), "w") as container:
        out: Any = container
        stream = out.add_stream("pcm_s16le", rate=48000, layout="stereo")
        sound = np.zeros((2, 48000 * 4), np.float32)
        sound[:, 20000:20003] = 0.9
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return {**files, MUSIC: path}


@pytest.mark.processes
def test_a_file_that_misses_its_profile_is_refused_with_what_it_misses(files: dict[str, Path], tmp_path: Path) -> None:
    sound = SoundClip(media=MUSIC, source=_span(0, 100), at_frame=0)
    cut = _cut(_clip(1, 0, 100), tracks=(Track(name="programme", muted=True), Track(name="music", clips=(sound,))))
    cut = cut.model_copy(update={"sources": (*cut.sources, _facts(MUSIC, 100, WIDE, HIGH))})
    loud = {"loudness": {"lufs_tenths": -140, "peak_tenths": -10}}
    with pytest.raises(Problem) as refused:
        _render(cut, _silent_then_loud(files, tmp_path), tmp_path / "1", **loud)
    assert refused.value.code == "TIMELINE_INVALID"
    assert "wanted are -14 LUFS" in refused.value.message
    dark = _cut(_clip(1, 0, 10), end_card=EndCard(id="e1", frames=60))
    with pytest.raises(Problem, match=r"black for 2\.4 s from frame 10"):
        _render(dark, files, tmp_path / "2", most_black_ms=2000)
