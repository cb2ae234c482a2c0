"""A file that broke off is refused wherever it broke off; a whole one is not, whatever its container."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.analysis import analyse
from holdback_servers.assets.probing import check_ending, probe

EXAMPLES = Path(__file__).parents[2] / "examples"
FILM = EXAMPLES / "media" / "big-buck-bunny-60s.mp4"
MASTER = EXAMPLES / "butterfly" / "butterfly-master.mp4"
GOOD = [FILM, *sorted(EXAMPLES.glob("butterfly/*.m[4p][4a]"))]
FTYP = struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0")


def _cut(whole: Path, length: int, folder: Path) -> Path:
    part = folder / f"part{whole.suffix}"
    part.write_bytes(whole.read_bytes()[:length])
    return part


def _code(path: Path, work: Path) -> str:
    with pytest.raises(Problem) as caught:
        analyse({"path": str(path), "name": path.name, "folder": str(work)}, lambda *_: None)
    assert caught.value.hint
    return caught.value.code


def test_a_film_whose_picture_begins_late_is_whole(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "late.mkv"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 9 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = 25 + number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    given = {"path": str(tmp_path / "late.mkv"), "name": "late.mkv", "folder": str(tmp_path)}
    assert analyse(given, lambda *_: None)["facts"]["frames"] == 25


@pytest.mark.parametrize(
    ("whole", "length"),
    [
        (MASTER, 3_425_029),
        (MASTER, 3_424_000),
        (MASTER, 3_390_000),
        (MASTER, 1_700_000),
        (MASTER, 32_040),
        (MASTER, 32_035),
        (MASTER, 32_032),
        (MASTER, 20_000),
        (FILM, 2_646_240),
        (FILM, 2_646_000),
        (FILM, 2_598_760),
        (FILM, 2_598_752),
        (FILM, 1_300_000),
        (FILM, 36),
    ],
)
def test_a_film_that_broke_off_is_damaged(tmp_path: Path, whole: Path, length: int) -> None:
    assert _code(_cut(whole, length, tmp_path), tmp_path) == "MEDIA_DAMAGED"


def test_headers_alone_tell_that_a_film_broke_off(tmp_path: Path) -> None:
    part = _cut(MASTER, 3_424_000, tmp_path)
    with pytest.raises(Problem, match="ends at byte 3425030, the file at byte 3424000") as caught:
        probe({"path": str(part), "name": "Monday's film.mp4"}, None)
    assert (caught.value.code, caught.value.details["promised"]) == ("MEDIA_DAMAGED", 3_425_030)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
@pytest.mark.processes
def test_every_file_of_the_examples_is_whole(tmp_path: Path, path: Path) -> None:
    assert analyse({"path": str(path), "name": path.name, "folder": str(tmp_path)}, lambda *_: None)["facts"]


def _made(path: Path, *, frames: int = 50) -> Path:
    """Noise in pictures, 25 a second, and two seconds of a tone."""
    chance = np.random.default_rng(5)
    with av.open(str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mov" else {}) as out:
        picture = None if path.suffix == ".wav" else out.add_stream("mpeg4", rate=25)
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
            for _ in range(frames):
                image = chance.integers(0, 255, (90, 160, 3), dtype=np.uint8)
                out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(picture.encode())
        tone = (8000 * np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)).astype(np.int16)
        for start in range(0, 96000, 1920):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1920], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            out.mux(sound.encode(frame))
    return path


@pytest.mark.parametrize("suffix", ["mov", "mkv", "wav", "avi"])
@pytest.mark.parametrize("missing", [2, 1000, 0.1, 0.5])
def test_other_containers_that_broke_off_are_damaged_and_whole_they_are_not(
    tmp_path: Path, suffix: str, missing: float
) -> None:
    whole = _made(tmp_path / f"whole.{suffix}")
    analyse({"path": str(whole), "name": whole.name, "folder": str(tmp_path)}, lambda *_: None)
    size = whole.stat().st_size
    lost = int(missing if missing > 1 else size * missing)
    assert _code(_cut(whole, size - lost, tmp_path), tmp_path) == "MEDIA_DAMAGED"


def test_sound_that_ends_before_its_promise_is_damaged_though_every_picture_is_there(tmp_path: Path) -> None:
    content = _made(tmp_path / "whole.mov", frames=25).read_bytes()
    at = content.rindex(b"mdat") - 4
    part = content[:-80_000]  # most of the second without a picture, which stands last
    part = part[:at] + struct.pack(">I", len(part) - at) + part[at + 4 :]
    (tmp_path / "part.mov").write_bytes(part)
    arguments = {"path": str(tmp_path / "part.mov"), "name": "part.mov", "folder": str(tmp_path)}
    with pytest.raises(Problem, match="s of sound are missing") as caught:
        analyse(arguments, lambda *_: None)
    assert caught.value.code == "MEDIA_DAMAGED"


@pytest.mark.parametrize(
    ("content", "container", "whole"),
    [
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100), "mov,mp4", True),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(99), "mov,mp4", False),
        (FTYP + struct.pack(">I4sQ", 1, b"mdat", 1 << 40) + bytes(99), "mov,mp4", False),
        (FTYP + struct.pack(">I4s", 1, b"mdat") + bytes(4), "mov,mp4", False),
        (FTYP + struct.pack(">I4s", 0, b"mdat") + bytes(99), "mov,mp4", True),
        (FTYP + struct.pack(">I4s", 8, b"free") + bytes(3), "mov,mp4", True),
        (FTYP + b"\0\0\0\x10mo", "mov,mp4", False),
        (FTYP + b"\x7f\0\0\0d\x0f\xff\xfe a camera's own notes", "mov,mp4", True),
        (b"RIFF" + struct.pack("<I", 13) + bytes(13), "wav", True),
        (b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + bytes(13), "wav", True),
        (b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQ", 28, 60) + bytes(40), "wav", True),
        (b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQ", 28, 60) + bytes(39), "wav", False),
        (b"\x1a\x45\xdf\xa3\x81\0\x18\x53\x80\x67\x01" + b"\xff" * 7 + bytes(9), "matroska,webm", True),
        (b"\x1a\x45\xdf\xa3\x81\0\x18\x53\x80\x67\x8a" + bytes(9), "matroska,webm", False),
        (bytes(100), "mpegts", True),
    ],
)
def test_sizes_of_every_form_are_read(tmp_path: Path, content: bytes, container: str, whole: bool) -> None:
    (tmp_path / "file").write_bytes(content)
    if whole:
        check_ending(tmp_path / "file", "file", container)
        return
    with pytest.raises(Problem) as caught:
        check_ending(tmp_path / "file", "file", container)
    assert caught.value.code == "MEDIA_DAMAGED"
