"""`holdback try`: a film of one's own with its rights sheet, from the command to the page."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import openpyxl
import pytest
from holdback.own_film import a_file, read_own_film
from holdback_base.problem import Problem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
RATE, SECONDS = 12, 6
BRIEF = "4 s vertical highlight of the harbour for YouTube in GB and DE, from tomorrow for a week"
HEAD = ("Title", "Reference", "Element", "From whom", "Contract status", "Kind", "Where", "Platforms", "From", "Until")
GRANT = ("The Harbour", "film:harbour", "film", "Northern Film", "active", "grant", "GB, DE", "social", "2026-01-01")
HOLDBACK = (None, "film:harbour", "film", "Rheinlicht", "active", "holdback", "DE", "all")
CUE = ("Slow Waltz", "music:slow-waltz", None, "Tarn Hill", "active", "grant", "GB", "linear", "2026-01-01")
ELEMENTS = (
    ("Element", "Reference", "Name", "From", "To", "Box"),
    ("film", "film:harbour", "The Harbour"),
    ("clip", "clip:archive", "A clip of 1961", 0, 2),
    ("music recording", "music:slow-waltz", "Slow Waltz", 2, 4),
)
Try = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots of two seconds, red, green and blue noise, with a tone."""
    path = tmp_path_factory.mktemp("film") / "harbour.mkv"
    chance = np.random.default_rng(7)
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        for number in range(RATE * SECONDS):
            image = chance.integers(0, 20, (90, 160, 3), dtype=np.uint8)
            image[:, :, number // (RATE * 2)] += 180
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())
        wave = 6000 * np.sin(2 * np.pi * 330 * np.arange(48000 * SECONDS) / 48000)
        tone = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None, :], format="s16", layout="mono")
        tone.sample_rate = 48000
        out.mux(sound.encode(tone))
        out.mux(sound.encode())
    return path


@pytest.fixture
def try_it(tmp_path: Path) -> Try:
    """Run `holdback try` to its end."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name("holdback")), "try", *map(str, arguments), "--yes"]
        return subprocess.run(
            [*command, "--out", str(tmp_path / "out")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def sheet(path: Path, *rights: tuple[Any, ...], elements: tuple[tuple[Any, ...], ...] = ()) -> Path:
    """A rights sheet with these lines."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Rights"
    for line in (HEAD, *rights):
        page.append(line)  # pyright: ignore[reportAttributeAccessIssue]
    if elements:
        made_of = book.create_sheet("Elements")
        for line in elements:
            made_of.append(line)
    book.save(path)
    return path


def test_what_the_sheet_forbids_is_cut_around_silenced_or_left_out_and_the_rest_is_scheduled(
    film: Path, try_it: Try, tmp_path: Path
) -> None:
    rights = sheet(tmp_path / "rights.xlsx", GRANT, HOLDBACK, CUE, elements=ELEMENTS)
    ended = try_it(film, "--rights", rights, "--brief", BRIEF)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for words in (
        "In 0.0 to 2.0 s: A clip of 1961",
        "No channels were given, so defaults are used",
        "rights: 3 new",
        "Nobody has described the shots",
        "Cutting anew without clip:archive",
        "approved and scheduled",
    ):
        assert words in ended.stdout, words
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["state"] == "scheduled"
    changes = " ".join(change for version in outcome["versions"] for change in version["changes"])
    assert "Cut anew without clip:archive." in changes
    assert "own sound is silent" in changes
    assert [piece["territories"] for each in outcome["publications"] for piece in each["availability"]] == [["GB"]]
    assert any("DE" in line and "held back" in line for line in outcome["not_included"])
    assert "Nobody has described" in outcome["notes"][0]
    _red_is_gone_and_the_waltz_is_silent(tmp_path / "out" / outcome["versions"][-1]["file"])


def _red_is_gone_and_the_waltz_is_silent(path: Path) -> None:
    strongest: list[int] = []
    loud: dict[bool, list[float]] = {True: [], False: []}
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            colours = frame.to_ndarray(format="rgb24").mean(axis=(0, 1))
            faded = colours.max() < 16  # the end fades to black
            strongest.append(strongest[-1] if faded else int(np.argmax(colours)))
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            assert frame.time is not None
            number = min(int(frame.time * len(strongest) / 4), len(strongest) - 1)
            edge = any(one != other for one, other in pairwise(strongest[max(0, number - 3) : number + 4]))
            if not edge:
                loud[strongest[number] == 1].append(float(np.abs(frame.to_ndarray().astype(float)).max()))
    assert len(strongest) == 4 * RATE
    assert set(strongest) == {1, 2}
    assert max(loud[True]) < 0.01 * max(loud[False])


def test_a_film_that_is_held_back_everywhere_ends_with_why_on_a_page_and_in_the_outcome(
    film: Path, try_it: Try, tmp_path: Path
) -> None:
    rights = sheet(tmp_path / "rights.xlsx", GRANT, (*HOLDBACK[:6], "WORLD", "all"))
    ended = try_it(film, "--rights", rights, "--brief", BRIEF, "--json")
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome == json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert (outcome["state"], outcome["ended"]["code"], outcome["audit"]["ok"]) == ("failed", "NOT_CLEARED", True)
    assert [each["code"] for each in outcome["versions"][0]["reasons"]] == ["HOLDBACK"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Why nothing was published" in page
    assert (tmp_path / "out" / "v1.mp4").is_file()


def test_what_is_on_no_line_of_the_sheet_needs_a_person_and_the_outcome_names_it(
    film: Path, try_it: Try, tmp_path: Path
) -> None:
    elements = (*ELEMENTS[:2], ("voice or talent", "talent:sailor", "A sailor"))
    rights = sheet(tmp_path / "rights.xlsx", GRANT, elements=elements)
    ended = try_it(film, "--rights", rights, "--brief", BRIEF)
    assert ended.returncode == 1
    assert "Nobody has recorded any right for A sailor" in ended.stdout
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["versions"][-1]["verdict"] == "NEEDS_HUMAN"
    assert "talent:sailor" in {each["ref"] for each in outcome["versions"][-1]["reasons"]}


def test_the_example_of_the_docs_ends_well(try_it: Try, tmp_path: Path) -> None:
    own = ROOT / "examples" / "own-film"
    words = "15 s vertical highlight of the meadow for YouTube and Instagram in GB and DE, from Monday"
    master = ROOT / "examples" / "butterfly" / "butterfly-master.mp4"
    ended = try_it(master, "--rights", own / "rights.xlsx", "--brief", words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcome = json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert {each["platform"] for each in outcome["publications"]} == {"social.youtube", "social.instagram"}
    places = {
        place for each in outcome["publications"] for piece in each["availability"] for place in piece["territories"]
    }
    assert places == {"GB"}
    assert any("Blur" in each for each in outcome["versions"][-1]["changes"])


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("text.mp4", "NOT_MEDIA", "not media of an accepted format"),
        ("cut.mkv", "MEDIA_DAMAGED", "truncated"),
        ("sound.wav", "NOT_MEDIA", "no moving picture"),
    ],
)
def test_a_film_that_cannot_be_used_is_named_with_the_cure(
    film: Path, tmp_path: Path, name: str, code: str, words: str
) -> None:
    given = tmp_path / name
    if name == "text.mp4":
        given.write_text("not a film", encoding="utf-8")
    elif name == "cut.mkv":
        whole = film.read_bytes()
        given.write_bytes(whole[: len(whole) // 2])
    else:
        _sound(given)
    with pytest.raises(Problem) as refused:
        asyncio.run(read_own_film(a_file(given, "film"), sheet(tmp_path / "rights.xlsx", GRANT), None))
    assert refused.value.code == code
    assert words in refused.value.message
    assert refused.value.hint


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as out:
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        quiet = av.AudioFrame.from_ndarray(np.zeros((1, 48000), dtype=np.int16), format="s16", layout="mono")
        quiet.sample_rate = 48000
        out.mux(sound.encode(quiet))
        out.mux(sound.encode())


def test_a_sheet_with_mistakes_stops_before_anything_is_made(film: Path, try_it: Try, tmp_path: Path) -> None:
    wrong = (*GRANT[:6], "UK", "youtub", "2026-13-01")
    ended = try_it(film, "--rights", sheet(tmp_path / "rights.xlsx", wrong), "--brief", BRIEF)
    assert ended.returncode == 1
    assert "rights.xlsx has 3 mistakes" in ended.stderr
    assert "Rights!G2 (Where)" in ended.stderr
    assert "Did you mean GB?" in ended.stderr
    assert not (tmp_path / "out").exists()
