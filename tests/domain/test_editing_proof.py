"""Proof from the picture and the sound themselves: no file passes on what its timeline or its statement says of it.

Every finished file here is written by hand; the timeline and the element list beside it always claim the best.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.elements import Box, CutFacts, Element, ElementKind, ElementList, Notice
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.evidence import FrameFound, judge_region, judge_sound, judge_words, worst
from holdback_servers.editing.lettering import draw
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip, Credit, SoundClip, Track
from holdback_servers.editing.proof import prove_file
from holdback_servers.editing.proof.sounds import RATE as SOUND_RATE
from holdback_servers.editing.proof.sounds import listen
from PIL import Image

WIDE, HIGH, FRAMES = 320, 180, 18
RATE = Rate(num=24)
LOGO = Box(x=400, y=300, width=250, height=300)
FILM, CUT, OLD, NEW = (f"sha256:{digit * 64}" for digit in "abcd")
Picture = Any
Change = Callable[[int, Picture], None]


@lru_cache
def _film() -> tuple[Picture, ...]:
    """Pictures of a slow pan over a landscape of noise, with a logo that rests; luma over 128, 128."""
    chance = np.random.default_rng(7)
    coarse = Image.fromarray(chance.integers(30, 220, (24, 64), dtype=np.uint8))
    land = np.asarray(coarse.resize((WIDE + 2 * FRAMES, HIGH), Image.Resampling.BICUBIC))
    logo = np.asarray(Image.fromarray(chance.integers(0, 2, (12, 16), dtype=np.uint8) * 200 + 20).resize((80, 54), 0))
    made: list[Picture] = []
    for number in range(FRAMES):
        picture = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
        picture[:HIGH] = land[:, 2 * number : 2 * number + WIDE]
        picture[54:108, 128:208] = logo
        made.append(picture)
    return tuple(made)


def _region(picture: Picture, grown: int = 2) -> Picture:
    return picture[54 - grown : 108 + grown, 128 - grown : 208 + grown]


def _veil(picture: Picture, cells: tuple[int, int] = (3, 2)) -> None:
    region = _region(picture)
    small = Image.fromarray(region).resize(cells, Image.Resampling.BOX)
    region[:] = np.asarray(small.resize((region.shape[1], region.shape[0]), Image.Resampling.BICUBIC))


_QUICK = {"aac_coder": "fast"}


def _write(path: Path, pictures: Sequence[Picture], sound: Any = None) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        out: Any = container
        high, wide = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "21", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        heard: Any = sound is not None and out.add_stream("aac", rate=48000, layout="stereo", options=_QUICK)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard:
            assert sound is not None
            for start in range(0, len(sound), 4800):
                block = av.AudioFrame.from_ndarray(
                    np.tile(sound[start : start + 4800].astype(np.float32), (2, 1)), format="fltp", layout="stereo"
                )
                block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
                out.mux(heard.encode(block))
            out.mux(heard.encode(None))


def _element(kind: ElementKind, ref: str, *, frames: int, box: Box | None = None, hidden: bool = False) -> Element:
    span = (Span(in_frame=0, out_frame=frames),)
    return Element(id=ref.split(":")[1], kind=kind, ref=ref, name=ref, spans=span, obscured=span * hidden, box=box)


def _facts(
    media: str, *elements: Element, frames: int = FRAMES, size: tuple[int, int] | None = (WIDE, HIGH)
) -> CutFacts:
    return CutFacts(
        media=media,
        element_list=ElementList(rate=RATE, frames=frames, elements=elements),
        width=size[0] if size else None,
        height=size[1] if size else None,
    )


FILM_FACTS = _facts(FILM, _element("logo", "logo:finch", frames=FRAMES, box=LOGO))


def _timeline(**more: Any) -> Timeline:
    whole = Span(in_frame=0, out_frame=FRAMES)
    told: dict[str, Any] = {
        "id": "tl_1",
        "root": "tl_1",
        "revision": 1,
        "title": "Cut",
        "rate": RATE,
        "width": WIDE,
        "height": HIGH,
        "sources": (FILM_FACTS,),
        "clips": (Clip(id="c1", media=FILM, source=whole),),
        "by": "person:sam",
        "made": datetime(2026, 11, 22, tzinfo=UTC),
    }
    return Timeline(**(told | more))


def _proof(
    folder: Path, condition: dict[str, Any], *, timeline: Timeline | None, notices: tuple[Notice, ...] = (), **more: Any
) -> dict[str, Any]:
    claimed = ElementList(
        rate=RATE,
        frames=FRAMES,
        elements=(_element("logo", "logo:finch", frames=FRAMES, box=LOGO, hidden=True),),
        notices=notices,
    )
    arguments = {
        "media": CUT,
        "rate": RATE.model_dump(),
        "files": {CUT: str(folder / "cut.mp4"), FILM: str(folder / "film.mp4"), **more.get("files", {})},
        "elements": claimed.model_dump(mode="json", exclude_none=True),
        "sources": [each.model_dump(mode="json", exclude_none=True) for each in (FILM_FACTS, *more.get("sources", ()))],
        "timeline": timeline.model_dump(mode="json", exclude_none=True) if timeline else None,
        "conditions": [condition],
        "folder": str(folder),
    }
    (found,) = prove_file(arguments, lambda _done, _total, _text: None)["proofs"]
    return found


def _blurred(folder: Path, change: Change, *, told: bool = True, shape: slice | None = None) -> dict[str, Any]:
    """The verdict on a blur that the timeline claims, of a file in which each picture was changed like this."""
    film = _film()
    pictures = [each.copy() for each in film]
    for number, picture in enumerate(pictures):
        change(number, picture)
    if shape is not None:
        pictures = [np.ascontiguousarray(_cropped(each, shape)) for each in pictures]
    _write(folder / "film.mp4", film)
    _write(folder / "cut.mp4", pictures)
    return _proof(folder, {"type": "blur", "ref": "logo:finch"}, timeline=_timeline() if told else None)


def _cropped(picture: Picture, columns: slice) -> Picture:
    luma = picture[:HIGH, columns]
    return np.concatenate([luma, np.full((HIGH // 2, luma.shape[1]), 128, np.uint8)])


def test_a_region_that_is_veiled_on_every_frame_is_proven_with_a_still(tmp_path: Path) -> None:
    found = _blurred(tmp_path, lambda _, picture: _veil(picture))
    assert found["verdict"] == "proven", found
    with Image.open(tmp_path / found["still"]) as still:
        assert still.size == (WIDE, HIGH)


def test_a_timeline_that_says_blurred_does_not_make_it_so(tmp_path: Path) -> None:
    found = _blurred(tmp_path, lambda _number, _picture: None)
    assert found["verdict"] == "contradicted"
    assert found["failing"] == [{"in_frame": 0, "out_frame": FRAMES}]
    assert found["figures"][0]["value"] > 0.8


def test_a_blur_that_is_one_frame_short_is_contradicted_on_that_frame(tmp_path: Path) -> None:
    found = _blurred(tmp_path, lambda number, picture: None if number == FRAMES - 1 else _veil(picture))
    assert found["verdict"] == "contradicted"
    assert found["failing"] == [{"in_frame": FRAMES - 1, "out_frame": FRAMES}]


@pytest.mark.parametrize("cells", [(40, 27), (20, 14)])
def test_a_blur_that_is_too_weak_is_contradicted(tmp_path: Path, cells: tuple[int, int]) -> None:
    assert _blurred(tmp_path, lambda _, picture: _veil(picture, cells))["verdict"] == "contradicted"


def test_a_region_that_was_only_mirrored_or_inverted_is_contradicted(tmp_path: Path) -> None:
    def mirrored(number: int, picture: Picture) -> None:
        region = _region(picture, 0)
        region[:] = region[:, ::-1].copy() if number % 2 else 255 - region

    assert _blurred(tmp_path, mirrored)["verdict"] == "contradicted"


def test_a_blur_beside_the_region_is_contradicted(tmp_path: Path) -> None:
    def beside(_: int, picture: Picture) -> None:
        picture[54:108, 20:100] = 100

    assert _blurred(tmp_path, beside)["verdict"] == "contradicted"


def test_a_file_without_a_timeline_is_proven_by_finding_the_pictures_in_it(tmp_path: Path) -> None:
    assert _blurred(tmp_path, lambda _, picture: _veil(picture), told=False)["verdict"] == "proven"


def test_an_upright_cut_out_is_found_and_its_unveiled_logo_seen(tmp_path: Path) -> None:
    upright = slice(120, 222)
    found = _blurred(tmp_path, lambda _number, _picture: None, told=False, shape=upright)
    assert found["verdict"] == "contradicted", found


def test_a_file_of_other_pictures_than_its_timeline_says_proves_nothing(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    other = chance.integers(0, 255, (HIGH, WIDE), dtype=np.uint8)

    def changed(_: int, picture: Picture) -> None:
        picture[:HIGH] = other

    found = _blurred(tmp_path, changed)
    assert found["verdict"] == "not_proven", found


def test_one_frame_on_which_it_can_be_made_out_outweighs_all_others() -> None:
    found = [FrameFound(frame=number, left=0.02) for number in range(9)] + [FrameFound(frame=9, left=0.5)]
    assert judge_region(found)[0] == "contradicted"
    assert judge_region([FrameFound(frame=0, left=0.02), FrameFound(frame=1, left=0.2)])[0] == "not_proven"
    assert judge_region([FrameFound(frame=0, left=None)])[0] == "not_proven"
    twice = [FrameFound(frame=number, left=0.9, mixed=True) for number in (3, 3, 4, 4)]  # a dissolve shows it twice
    assert judge_region(twice)[1] == (Span(in_frame=3, out_frame=5),)
    assert worst(["proven", "contradicted", "not_proven"]) == "contradicted"
    assert worst([]) == "not_proven"


WORDS = "Big Buck Bunny, CC BY 3.0"


def _credited(folder: Path, burn: Change, *, text: str = WORDS, min_seconds: int = 1) -> dict[str, Any]:
    pictures = [each.copy() for each in _film()]
    for number, picture in enumerate(pictures):
        burn(number, picture)
    _write(folder / "film.mp4", _film()[:2])
    _write(folder / "cut.mp4", pictures)
    whole = Span(in_frame=0, out_frame=FRAMES)
    timeline = _timeline(credits=(Credit(id="t1", text=text, span=whole),))
    condition = {"type": "credit", "text": WORDS, "min_seconds": min_seconds}
    return _proof(folder, condition, timeline=timeline, notices=(Notice(kind="credit", text=text, span=whole),))


def _burn(picture: Picture, *, text: str = WORDS, across: int = 0, down: int = 0, strength: float = 1.0) -> None:
    plate = draw(Credit(id="t1", text=text, span=Span(in_frame=0, out_frame=99)), (WIDE, HIGH), 24.0)
    rows, columns = plate.cover.shape
    top, left = plate.top + down, plate.left + across
    region = picture[top : min(HIGH, top + rows), left : min(WIDE, left + columns)]
    shown = slice(0, region.shape[0]), slice(0, region.shape[1])
    cover, light = plate.cover[shown] * strength, plate.light[shown] * strength
    region[:] = np.rint(region * (1 - cover) + light)


def test_a_credit_that_stands_long_enough_is_proven_by_its_letters(tmp_path: Path) -> None:
    found = _credited(tmp_path, lambda _, picture: _burn(picture))
    assert found["verdict"] == "proven", found
    assert found["looked"] == [{"in_frame": 0, "out_frame": FRAMES}]
    assert (tmp_path / found["still"]).is_file()


def test_a_longer_credit_that_holds_the_words_is_proven(tmp_path: Path) -> None:
    text = f"{WORDS}, Blender Foundation"
    assert _credited(tmp_path, lambda _, picture: _burn(picture, text=text), text=text)["verdict"] == "proven"


def test_a_credit_at_another_place_and_nowhere_in_the_timeline_is_found(tmp_path: Path) -> None:
    found = _credited(tmp_path, lambda _, picture: _burn(picture, across=-20, down=-37))
    assert found["verdict"] == "proven", found


def test_a_credit_that_only_the_timeline_knows_is_contradicted(tmp_path: Path) -> None:
    found = _credited(tmp_path, lambda _number, _picture: None)
    assert found["verdict"] == "contradicted"
    assert "not in the picture" in found["text"]


def test_a_credit_half_outside_the_picture_is_contradicted(tmp_path: Path) -> None:
    assert _credited(tmp_path, lambda _, picture: _burn(picture, across=150))["verdict"] == "contradicted"


def test_a_credit_that_is_too_short_is_contradicted(tmp_path: Path) -> None:
    found = _credited(tmp_path, lambda number, picture: _burn(picture) if number < 6 else None)
    assert found["verdict"] == "contradicted"
    assert "0.25 s, not for 1 s" in found["text"]


def test_a_credit_in_the_colour_of_its_ground_is_contradicted(tmp_path: Path) -> None:
    def white(_: int, picture: Picture) -> None:
        picture[:HIGH] = 232
        plate = draw(Credit(id="t1", text=WORDS, span=Span(in_frame=0, out_frame=99)), (WIDE, HIGH), 24.0)
        rows, columns = plate.cover.shape
        region = picture[plate.top : plate.top + rows, plate.left : plate.left + columns]
        letters = (plate.cover - plate.cover.min()) / (plate.cover.max() - plate.cover.min())
        region[:] = np.rint(region + letters * 3)

    assert _credited(tmp_path, white)["verdict"] == "contradicted"


def test_a_credit_of_other_words_is_contradicted(tmp_path: Path) -> None:
    found = _credited(tmp_path, lambda _, picture: _burn(picture, text="Meadow Waltz by Orla P."))
    assert found["verdict"] == "contradicted", found


def test_words_that_are_not_found_in_a_file_of_another_house_are_not_proven() -> None:
    assert judge_words(0, 0, RATE, 2, 0.0, own_lettering=False)[0] == "not_proven"
    assert judge_words(0, 0, RATE, 2, 0.0)[0] == "contradicted"


def test_small_letters_and_faint_ones_do_not_count() -> None:
    assert judge_words(48, 48, RATE, 2, 9.0)[0] == "contradicted"
    assert judge_words(48, 20, RATE, 2, 30.0)[0] == "contradicted"
    assert judge_words(48, 40, RATE, 2, 30.0)[0] == "proven"


@lru_cache
def _tune(seed: int, seconds: float, rate: int) -> Any:
    """Plucked notes of one scale on one instrument, played by hand: other seeds make other music of the same notes."""
    chance = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * rate))
    start = 0.0
    while start < seconds:
        pitch = 220 * 2 ** (chance.choice([0, 2, 4, 7, 9, 12]) / 12)
        time = np.arange(0, min(1.2, seconds - start), 1 / rate)
        note = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 6)) * np.exp(-4 * time)
        begin = round(start * rate)
        sound[begin : begin + note.size] += note[: sound.size - begin]
        start += 0.25 + chance.uniform(-0.01, 0.01)
    return (0.1 * sound / np.sqrt((sound**2).mean())).astype(np.float32)


@pytest.mark.parametrize("decibels", [0, -26])
def test_an_old_cue_is_heard_far_under_new_music_of_the_same_notes(decibels: int) -> None:
    old, new = _tune(1, 12, SOUND_RATE), _tune(2, 8, SOUND_RATE)
    mixed = new + old[3 * SOUND_RATE : 11 * SOUND_RATE] * np.float32(10 ** (decibels / 20))
    heard = listen(mixed, old, new)
    assert judge_sound(heard.likeness) == "contradicted"
    assert heard.of - heard.at == pytest.approx(3.0, abs=0.01)


def test_new_music_of_the_same_notes_is_not_taken_for_the_old_cue() -> None:
    old, new = _tune(1, 12, SOUND_RATE), _tune(2, 8, SOUND_RATE)
    assert judge_sound(listen(new * np.float32(0.4), old, new).likeness) == "proven"
    assert judge_sound(listen(new, old).likeness, alone=True) != "contradicted"
    assert judge_sound(listen(old[SOUND_RATE:], old).likeness, alone=True) == "contradicted"
    assert listen(np.zeros(0, np.float32), old).likeness == 0


def _scored(folder: Path, sound: Any) -> dict[str, Any]:
    _write(folder / "film.mp4", _film()[:2])
    _write(folder / "cut.mp4", [_film()[0]] * FRAMES, sound)
    _write(folder / "old.mp4", [_film()[0]] * 2, _tune(1, 6, 48000))
    _write(folder / "new.mp4", [_film()[0]] * 2, _tune(2, 6, 48000))
    music = [
        _facts(media, _element("music_master", ref, frames=144), frames=144, size=None)
        for media, ref in ((OLD, "music:old"), (NEW, "music:new"))
    ]
    track = Track(name="music", clips=(SoundClip(media=NEW, source=Span(in_frame=0, out_frame=120), at_frame=0),))
    clips = (Clip(id="c1", media=FILM, source=Span(in_frame=0, out_frame=2), freeze=120),)
    timeline = _timeline(tracks=(track,), clips=clips, sources=(FILM_FACTS, *music))
    files = {OLD: str(folder / "old.mp4"), NEW: str(folder / "new.mp4")}
    condition = {"type": "replace_music", "ref": "music:old"}
    return _proof(folder, condition, timeline=timeline, files=files, sources=tuple(music))


@pytest.mark.processes
def test_music_that_was_replaced_is_proven_gone_and_music_under_the_new_is_found(tmp_path: Path) -> None:
    old, new = _tune(1, 6, 48000)[: 5 * 48000], _tune(2, 6, 48000)[: 5 * 48000]
    gone = _scored(tmp_path, new * 0.7)
    assert gone["verdict"] == "proven", gone
    under = _scored(tmp_path, new * 0.7 + old * np.float32(0.07))
    assert under["verdict"] == "contradicted", under
    assert "music:old is heard" in under["text"]
    assert (tmp_path / under["still"]).is_file()


def test_what_no_source_holds_is_not_proven(tmp_path: Path) -> None:
    _write(tmp_path / "film.mp4", _film()[:2])
    _write(tmp_path / "cut.mp4", _film()[:2])
    for condition in ({"type": "blur", "ref": "logo:other"}, {"type": "mute", "ref": "music:other"}):
        found = _proof(tmp_path, condition, timeline=None)
        assert found["verdict"] == "not_proven"
        assert "No source" in found["text"]
