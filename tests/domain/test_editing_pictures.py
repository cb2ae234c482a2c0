"""Pictures: exact frames whatever the codec's structure, regions made unrecognisable, words that can be read."""

import unicodedata
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.framing import Rectangle, pixels, view
from holdback_servers.editing.lettering import burn, draw
from holdback_servers.editing.parts import Credit, Reframe
from holdback_servers.editing.pictures import (
    BT601,
    BT709,
    Reader,
    ahead,
    blank,
    converted,
    depth,
    exact_frames,
    levels_of,
    planes,
    shaped,
    veil,
)
from holdback_servers.editing.words import LETTERS
from PIL import Image, ImageFont

WIDE, HIGH = 64, 36


def _film(path: Path, frames: int, rate: Fraction, codec: str, **options: str) -> None:
    """Frames that say their number in their brightness, two values apart."""
    with av.open(str(path), "w") as container:
        out: Any = container
        stream = out.add_stream(codec, rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        stream.codec_context.time_base = 1 / rate
        for number in range(frames):
            picture = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
            picture[:HIGH] = 20 + number * 2
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _numbers(path: Path, span: Span, rate: Rate) -> list[int]:
    frames = exact_frames(path, span, rate, "a film")
    return [round((float(planes(each)[0].mean()) - 20) / 2) for each in frames]


FILES = [
    ("a.mp4", "libx264", {"crf": "4", "bf": "3", "g": "30"}, (24000, 1001)),
    ("b.mov", "libx264", {"crf": "4", "bf": "2", "g": "250"}, (25, 1)),
    ("c.mkv", "libx264", {"crf": "4", "bf": "3", "g": "12"}, (30000, 1001)),
    ("d.ts", "mpeg2video", {"b": "4000000", "bf": "2", "g": "15"}, (50, 1)),
    ("e.avi", "mpeg4", {"b": "4000000", "g": "20"}, (60, 1)),
]


@pytest.mark.parametrize(("name", "codec", "options", "speed"), FILES)
def test_every_span_gives_exactly_its_frames(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], speed: tuple[int, int]
) -> None:
    path, rate = tmp_path / name, Rate(num=speed[0], den=speed[1])
    _film(path, 90, rate.fraction, codec, **options)
    for start, end in ((0, 3), (1, 2), (29, 33), (58, 90), (89, 90), (0, 90)):
        assert _numbers(path, Span(in_frame=start, out_frame=end), rate) == list(range(start, end))


def test_a_file_that_ends_too_early_is_named_damaged(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    _film(path, 20, Fraction(24), "libx264", crf="4")
    with pytest.raises(Problem) as refused:
        _numbers(path, Span(in_frame=10, out_frame=30), Rate(num=24))
    assert refused.value.code == "MEDIA_DAMAGED"
    assert "frame 20" in refused.value.message or "frame 19" in refused.value.message


def _letters(text: str, form: str = "yuv420p") -> av.VideoFrame:
    from PIL import ImageDraw

    image = Image.new("L", (320, 180), 60)
    ImageDraw.Draw(image).text((60, 60), text, fill=230, font_size=40)
    frame = blank((320, 180), form)
    planes(frame)[0][:] = np.asarray(image).astype(np.uint16) * depth(planes(frame))
    return frame


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize("style", ["blur", "pixelate", "fill"])
def test_what_is_veiled_cannot_be_told_from_something_else_and_the_rest_is_untouched(style: Any, form: str) -> None:
    box = Rectangle(50, 50, 280, 120)
    one, other = _letters("ACME COLA", form), _letters("NOVA TEAS", form)
    before = planes(one)[0].copy().astype(float)
    veil(planes(one), box, style)
    veil(planes(other), box, style)
    region, levels = (slice(50, 120), slice(50, 280)), depth(planes(one))
    mine, theirs = (planes(each)[0].astype(float) for each in (one, other))
    assert float(np.abs(mine[region] - theirs[region]).mean()) < 20 * levels
    assert (
        float(np.abs(np.diff(mine[region], axis=1)).mean()) < float(np.abs(np.diff(before[region], axis=1)).mean()) / 8
    )
    outside = mine.copy()
    outside[region] = before[region]
    assert (outside == before).all()
    if style != "fill":
        assert abs(float(mine[region].mean()) - float(before[region].mean())) < 3 * levels


def test_a_blur_covers_every_pixel_that_its_box_touches() -> None:
    for x in range(0, 990, 7):
        box = pixels(Box(x=x, y=3, width=9, height=11), (640, 360))
        assert box.left <= x * 640 / 1000
        assert box.right >= (x + 9) * 640 / 1000
        assert (box.left % 2, box.top % 2, box.width % 2, box.height % 2) == (0, 0, 0, 0)


@pytest.mark.parametrize("size", [(640, 360), (720, 1280), (1920, 1080), (720, 720)])
@pytest.mark.parametrize("placement", ["bottom", "centre", "top"])
def test_a_credit_stands_inside_the_picture_and_can_be_read(size: tuple[int, int], placement: Any) -> None:
    text = "Big Buck Bunny © 2008 Blender Foundation, CC BY 3.0: Größe, Łódź, Ελλάδα"
    credit = Credit(id="t1", text=text, span=Span(in_frame=10, out_frame=60), placement=placement)
    plate = draw(credit, size, 24.0)
    high, wide = plate.cover.shape
    assert 0 <= plate.left <= plate.left + wide <= size[0]
    assert 0 <= plate.top <= plate.top + high <= size[1]
    for form in ("yuv420p", "yuv422p10le"):
        whole = planes(blank(size, form, (200, 128, 128)))
        burn(whole, plate)
        luma = whole[0] / depth(whole)
        region = luma[plate.top : plate.top + high, plate.left : plate.left + wide]
        assert float(region.max()) >= 230
        assert float(region.min()) <= 95
        assert (luma[: plate.top] == 200).all()


def test_a_credit_fades_and_is_gone_outside_its_span() -> None:
    credit = Credit(id="t1", text="Film", span=Span(in_frame=10, out_frame=60))
    plate = draw(credit, (640, 360), 24.0)
    strengths: list[float] = []
    for frame in (9, 10, 14, 35, 59, 60):
        whole = planes(blank((640, 360), "yuv420p", (200, 128, 128)))
        burn(whole, plate, plate.strength(frame))
        strengths.append(float(np.abs(whole[0].astype(float) - 200).mean()))
    assert strengths[0] == strengths[-1] == 0
    assert 0 < strengths[1] < strengths[2] < strengths[3]
    assert strengths[4] == strengths[1]


def test_the_lettering_has_every_letter_that_a_credit_may_have() -> None:
    from importlib.resources import files

    font = ImageFont.truetype(str(files("holdback_servers.editing").joinpath("data", "credits.ttf")), 24)
    missing = bytes(font.getmask("\uffff"))
    lacking = [
        chr(code)
        for first, last in LETTERS
        for code in range(first, last + 1)
        if chr(code).isprintable() and chr(code) != " " and bytes(font.getmask(chr(code))) == missing
    ]
    assert lacking == []
    assert unicodedata.name("ß")


def test_a_reframe_shows_the_part_around_its_centre() -> None:
    frame = blank((640, 360), "yuv420p")
    planes(frame)[0][:] = np.tile((np.arange(640) // 4 + 40).astype(np.uint8), (360, 1))
    for centre in (0, 300, 500, 1000):
        shape = Reframe(aspect="9:16", width=72, height=128, centre_x=centre)
        seen = planes(shaped(frame, view((640, 360), (640, 360), shape, "c1"), (640, 360), (72, 128)))[0]
        middle = min(max(centre * 640 / 1000, 101), 539)
        assert seen.shape == (128, 72)
        assert abs(float(seen[64, 36]) - (middle / 4 + 40)) < 3


def test_a_narrower_source_gets_bars_and_stays_in_proportion() -> None:
    frame = blank((48, 48), "yuv420p", (200, 128, 128))
    row = planes(shaped(frame, view((48, 48), (64, 36), None, "c1"), (64, 36), (64, 36)))[0][18]
    assert row[4] == 16
    assert row[32] == 200
    assert [int(np.argmax(row > 100)), int(np.argmax(row[::-1] > 100))] == [14, 14]


def test_pictures_made_ahead_come_in_order_and_their_errors_come_through() -> None:
    made = [np.full((3, 2), number, np.uint8) for number in range(30)]
    assert [int(each[0, 0]) for each in ahead(iter(made))] == list(range(30))

    def broken() -> Any:
        yield made[0]
        raise Problem("MEDIA_DAMAGED", "It broke.")

    with pytest.raises(Problem, match="It broke"):
        list(ahead(broken()))
    first = ahead(iter(made))
    next(first)
    first.close()  # pyright: ignore


@pytest.mark.parametrize("wanted", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize(
    ("form", "levels", "white"), [("yuv420p", 1, 235), ("yuv420p", 2, 255), ("yuvj420p", 2, 255), ("rgb24", 0, 255)]
)
def test_white_is_white_whatever_range_the_source_counts_in(form: str, levels: int, white: int, wanted: str) -> None:
    shape = (36, 64, 3) if form == "rgb24" else (54, 64)
    picture = np.full(shape, white, np.uint8)
    if form != "rgb24":
        picture[36:] = 128
    frame = av.VideoFrame.from_ndarray(picture, format=form)
    frame.color_range = levels
    for colours in (BT601, BT709):
        luma, *chroma = planes(converted(frame, wanted, colours))
        scale = 4 if luma.itemsize == 2 else 1
        assert abs(int(luma[10, 10]) - 235 * scale) <= scale
        assert [abs(int(each[5, 5]) - 128 * scale) <= scale for each in chroma] == [True, True]


def test_a_source_of_other_colours_is_brought_to_those_of_the_cut() -> None:
    red = blank((64, 36), "yuv420p", levels_of("#ff0000", BT601))
    red.colorspace = 6
    there = [int(each[5, 5]) for each in planes(converted(red, "yuv420p", BT709))]
    assert there == pytest.approx(levels_of("#ff0000", BT709), abs=2)
    assert [int(each[5, 5]) for each in planes(converted(red, "yuv420p", BT601))] == list(levels_of("#ff0000", BT601))


def test_a_picture_is_held_by_a_reader_as_long_as_the_file_holds_it_and_going_back_works(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    _film(path, 90, Fraction(24), "libx264", crf="4", g="30")
    reader = Reader(path, Rate(num=24), "a film")
    wanted = [5, 5, 80, 7, 8, 60, 0, 89]
    seen = [round((float(planes(reader.frame(number))[0].mean()) - 20) / 2) for number in wanted]
    reader.close()
    assert seen == wanted
