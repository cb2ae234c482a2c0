"""Broken and hostile files: each ends in a clear problem or in honest facts; none crashes, hangs or fills anything.

The files are made here. What only looks at headers runs by default; the whole corpus runs in the media worker, with
its limits, among the tests of processes.
"""

import asyncio
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.problem import Problem
from holdback_servers.assets.analysis import analyse
from holdback_servers.assets.ingest import technical_facts
from holdback_servers.media_worker import Limits, run

FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"
LIMITS = Limits(memory_bytes=3 << 30, cpu_seconds=40, wall_seconds=240, file_bytes=256 << 20)
REFUSED = ("NOT_MEDIA", "MEDIA_DAMAGED", "TOO_LARGE")


@dataclass(frozen=True)
class Case:
    """A file to make, and the codes it may be refused with; with none it is taken in, perhaps with warnings."""

    make: Callable[[Path], None]
    codes: tuple[str, ...]
    quick: bool = False


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content) and None


def _bytes(make: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(make()) and None


@cache
def _clip() -> bytes:
    """A second of film with sound, as MP4 with its index first; small enough to be taken apart."""
    return _coded("mp4", "mpeg4", movflags="faststart")


def _coded(
    form: str, codec: str, size: tuple[int, int] = (160, 96), frames: int = 25, *, heard: bool = True, **options: str
) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        with av.open(str(path), "w", format=form, options=options) as out:
            picture: Any = out.add_stream(codec, rate=25)
            picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
            sound: Any = heard and out.add_stream("mp2" if form == "mpegts" else "aac", rate=48000, layout="mono")
            chance = np.random.default_rng(5)
            for _ in range(frames):
                image = chance.integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
                image = image.repeat(8, axis=0).repeat(8, axis=1)
                out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(picture.encode())
            if heard:
                tone = np.sin(np.arange(48000 * frames // 25) / 20) * 9000
                samples = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None, :], format="s16", layout="mono")
                samples.sample_rate, samples.pts, samples.time_base = 48000, 0, Fraction(1, 48000)
                out.mux(sound.encode(samples))
                out.mux(sound.encode())
        return path.read_bytes()


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name + body


def _patched(name: bytes, offset: int, new: bytes, *, which: int = 0) -> Callable[[], bytes]:
    """The clip with some bytes of its `which`-th box of that name replaced; `offset` counts from its content."""

    def make() -> bytes:
        content = bytearray(_clip())
        at = -1
        for _ in range(which + 1):
            at = content.index(name, at + 1)
        content[at + 4 + offset : at + 4 + offset + len(new)] = new
        return bytes(content)

    return make


def _png(width: int, height: int, data: bytes = b"", extra: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    text = chunk(b"zTXt", b"Comment\0\0" + extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _deflated(count: int, byte: bytes = b"\0") -> bytes:
    deflate = zlib.compressobj(9)
    parts = [deflate.compress(byte * (1 << 20)) for _ in range(count >> 20)]
    return b"".join([*parts, deflate.compress(byte * (count & 0xFFFFF)), deflate.flush()])


def _wave(rate: int, channels: int, bits: int = 16, data: bytes = b"\1\0" * 4000, size: int | None = None) -> bytes:
    block = min(0xFFFF, channels * bits // 8)
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * block) & 0xFFFFFFFF, block, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size or len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def _nested(depth: int) -> bytes:
    """Boxes within boxes: `moov` of `trak` of `trak` ..."""
    sizes = (8 * (depth - level) for level in range(depth))
    inner = b"".join(struct.pack(">I", size) + (b"trak" if level else b"moov") for level, size in enumerate(sizes))
    return _box(b"ftyp", b"isom\0\0\2\0isom") + inner


def _ebml(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + (0x0100000000000000 | len(content)).to_bytes(8) + content


def _nested_ebml(depth: int) -> bytes:
    """Tags within tags, deeper than any player would read."""
    inner = b""
    for _ in range(depth):
        inner = _ebml("67c8", inner)
    return _ebml("1a45dfa3", _ebml("4282", b"matroska")) + _ebml("18538067", _ebml("1254c367", _ebml("7373", inner)))


def _raw_matroska(width: int, height: int) -> bytes:
    """Uncompressed video that says it is huge, with one small block."""
    video = _ebml("e0", _ebml("b0", struct.pack(">I", width)) + _ebml("ba", struct.pack(">I", height)))
    track = _ebml("d7", b"\1") + _ebml("73c5", b"\1") + _ebml("83", b"\1") + _ebml("86", b"V_UNCOMPRESSED")
    tracks = _ebml("1654ae6b", _ebml("ae", track + video + _ebml("2eb524", b"I420")))
    info = _ebml("1549a966", _ebml("2ad7b1", struct.pack(">I", 1_000_000)) + _ebml("4489", struct.pack(">d", 1e300)))
    cluster = _ebml("1f43b675", _ebml("e7", b"\0") + _ebml("a3", b"\x81\0\0\x80" + bytes(64)))
    return _ebml("1a45dfa3", _ebml("4282", b"matroska")) + _ebml("18538067", info + tracks + cluster)


def _many_edits(count: int) -> bytes:
    entry = struct.pack(">IiI", 1, 3, 0x00010000)
    edits = _box(b"elst", struct.pack(">II", 0, count), entry * count)
    content = bytearray(_clip())
    old = content.index(b"edts")
    content[old : old + 4] = b"free"  # the clip's own
    return _grown(bytes(content), (b"moov", b"trak"), _box(b"edts", edits))


def _grown(clip: bytes, parents: tuple[bytes, ...], box: bytes) -> bytes:
    content, at = bytearray(clip), 0
    for parent in parents:
        at = content.index(parent, at)
        struct.pack_into(">I", content, at - 4, struct.unpack_from(">I", content, at - 4)[0] + len(box))
    content[at + 4 : at + 4] = box
    return bytes(content)


def _elsewhere() -> bytes:
    """A film whose media is said to lie in another file of the machine."""
    content = bytearray(_clip())
    at = content.index(b"url ")
    place = b"file:///etc/passwd\0"
    struct.pack_into(">I", content, at - 4, 12 + len(place))
    content[at + 4 : at + 8] = bytes(4)  # no longer "in this file"
    content[at + 8 : at + 8] = place
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        where = content.index(parent)
        struct.pack_into(">I", content, where - 4, struct.unpack_from(">I", content, where - 4)[0] + len(place))
    return bytes(content)


def _cut(share: float) -> Callable[[], bytes]:
    return lambda: _clip()[: int(len(_clip()) * share)]


def _flipped(seed: int) -> Callable[[], bytes]:
    """The clip with one byte in fifty changed."""

    def make() -> bytes:
        content, chance = bytearray(_clip()), np.random.default_rng(seed)
        for at in chance.integers(0, len(content), len(content) // 50):
            content[at] = chance.integers(256)
        return bytes(content)

    return make


def _growing() -> bytes:
    """A stream whose pictures become large half-way."""
    return _coded("mpegts", "mpeg2video") + _coded("mpegts", "mpeg2video", (1920, 1088), 12)


def _late_sound() -> bytes:
    """A stream whose sound begins long after its picture, so that no header tells of it."""
    silent = _coded("mpegts", "mpeg2video", frames=200, heard=False)
    return silent * 10 + _coded("mpegts", "mpeg2video")


PLAYLIST = (
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\nfile:///etc/passwd\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
)
DASH = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>'
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd" width="9" height="9"/></svg>'
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><svg>&c;</svg>'

CORPUS: dict[str, Case] = {
    "empty.mp4": Case(_bytes(bytes), ("NOT_MEDIA",), quick=True),
    "one byte.mov": Case(_bytes(lambda: b"\0"), ("NOT_MEDIA",), quick=True),
    "zeros.mp4": Case(_bytes(lambda: bytes(100_000)), REFUSED, quick=True),
    "letter.mp4": Case(_text("Dear editor,\nhere is the film.\n" * 50), ("NOT_MEDIA",), quick=True),
    "page.mov": Case(_text("<!doctype html><title>404</title>Not found"), ("NOT_MEDIA",), quick=True),
    "drawing.png": Case(_text(SVG), ("NOT_MEDIA",), quick=True),
    "entities.png": Case(_text(BOMB), ("NOT_MEDIA",), quick=True),
    "playlist.mp4": Case(_text(PLAYLIST), ("NOT_MEDIA",), quick=True),
    "playlist.m3u8": Case(_text(PLAYLIST), ("NOT_MEDIA",), quick=True),
    "manifest.mp4": Case(_text(DASH), ("NOT_MEDIA",), quick=True),
    "list.mp4": Case(_text("ffconcat version 1.0\nfile '/etc/passwd'\n"), ("NOT_MEDIA",), quick=True),
    "session.mp4": Case(_text("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"), ("NOT_MEDIA",), quick=True),
    "subtitles.mp4": Case(_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n"), ("NOT_MEDIA",), quick=True),
    "head.mp4": Case(_bytes(lambda: _clip()[:40]), ("MEDIA_DAMAGED",), quick=True),
    "half an index.mp4": Case(_bytes(_cut(0.01)), ("MEDIA_DAMAGED",), quick=True),
    "a third.mp4": Case(_bytes(_cut(0.33)), ("MEDIA_DAMAGED",), quick=True),
    "nearly all.mp4": Case(_bytes(_cut(0.98)), ("MEDIA_DAMAGED",), quick=True),
    "huge.png": Case(_bytes(lambda: _png(60000, 60000, _deflated(1 << 20))), REFUSED, quick=True),
    "huger.png": Case(_bytes(lambda: _png(2**31 - 1, 2**31 - 1)), REFUSED, quick=True),
    "huge.mkv": Case(_bytes(lambda: _raw_matroska(60000, 60000)), REFUSED, quick=True),
    "huge.gif": Case(
        _bytes(lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"),
        REFUSED,
    ),
    "huge.bmp": Case(
        _bytes(lambda: b"BM" + struct.pack("<IIIIiiHHIIIIII", 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0)),
        REFUSED,
    ),
    "broad.wav": Case(_bytes(lambda: _wave(48000, 65535)), REFUSED, quick=True),
    "no channels.wav": Case(_bytes(lambda: _wave(48000, 0)), REFUSED, quick=True),
    "nested.mp4": Case(_bytes(lambda: _nested(100_000)), REFUSED, quick=True),
    "nested.mkv": Case(_bytes(lambda: _nested_ebml(3000)), REFUSED, quick=True),
    "elsewhere.mov": Case(_bytes(_elsewhere), ("MEDIA_DAMAGED",)),
    "quick.wav": Case(_bytes(lambda: _wave(0xFFFFFFFF, 1)), (*REFUSED, "")),
    "slow.wav": Case(_bytes(lambda: _wave(1, 1)), (*REFUSED, "")),
    "long.wav": Case(_bytes(lambda: _wave(8000, 1, size=0x7FFFFFF0)), ("MEDIA_DAMAGED",)),
    "bomb in a comment.png": Case(
        _bytes(lambda: _png(64, 64, _deflated(64 * 193), _deflated(1 << 29))), (*REFUSED, "")
    ),
    "bomb.png": Case(_bytes(lambda: _png(16000, 8000, _deflated(8000 * 48001))), (*REFUSED, "")),
    "many edits.mp4": Case(_bytes(lambda: _many_edits(500_000)), (*REFUSED, "")),
    "many samples.mp4": Case(_bytes(_patched(b"stsz", 4, struct.pack(">II", 1, 0x7FFFFFFF))), REFUSED),
    "many chunks.mp4": Case(_bytes(_patched(b"stco", 4, struct.pack(">I", 0x7FFFFFFF))), (*REFUSED, "")),
    "many moments.mp4": Case(_bytes(_patched(b"stts", 4, struct.pack(">III", 1, 0x7FFFFFFF, 1))), (*REFUSED, "")),
    "no time.mp4": Case(_bytes(_patched(b"mdhd", 12, struct.pack(">I", 0))), (*REFUSED, "")),
    "all time.mp4": Case(_bytes(_patched(b"mdhd", 12, struct.pack(">II", 1, 0xFFFFFFFF))), (*REFUSED, "")),
    "fast.mp4": Case(_bytes(_patched(b"mdhd", 12, struct.pack(">II", 0x7FFFFFFF, 25))), (*REFUSED, "")),
    "wide.mp4": Case(_bytes(_patched(b"mp4v", 24, struct.pack(">HH", 60000, 60000), which=0)), (*REFUSED, "")),
    "growing.ts": Case(_bytes(_growing), (*REFUSED, "")),
    "late sound.ts": Case(_bytes(_late_sound), (*REFUSED, "")),
    "noise.ts": Case(
        _bytes(lambda: b"".join(b"\x47" + np.random.default_rng(n).bytes(187) for n in range(3000))), REFUSED
    ),
    "picture.mp4": Case(_bytes(lambda: _png(64, 64, _deflated(64 * 193))), ("",)),
} | {f"flipped {seed}.mp4": Case(_bytes(_flipped(seed)), (*REFUSED, "")) for seed in range(6)}


def _arguments(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    CORPUS[name].make(path)
    work = folder / "work"
    work.mkdir()
    return {"path": str(path), "name": name, "folder": str(work), "proxy": True}


def _says_what_is_wrong(problem: Problem, name: str, codes: tuple[str, ...]) -> None:
    assert problem.code in codes
    assert problem.hint
    assert problem.code == "TOO_LARGE" or name in problem.message, problem.message


@pytest.mark.parametrize("name", [name for name, case in CORPUS.items() if case.quick])
def test_a_broken_file_is_refused_and_said_why(name: str, tmp_path: Path) -> None:
    arguments = _arguments(tmp_path, name)
    with pytest.raises(Problem) as caught:
        analyse(arguments, lambda *_: None)
    _says_what_is_wrong(caught.value, name, CORPUS[name].codes)


@pytest.mark.processes
@pytest.mark.parametrize("name", list(CORPUS))
def test_the_worker_bears_it(name: str, tmp_path: Path) -> None:
    arguments = _arguments(tmp_path, name)
    began = time.monotonic()
    try:
        answer = asyncio.run(
            run("holdback_servers.assets.analysis:analyse", arguments, limits=LIMITS, roots=(tmp_path,))
        )
    except Problem as problem:
        _says_what_is_wrong(problem, name, CORPUS[name].codes)
    else:
        assert "" in CORPUS[name].codes, answer["facts"]
        assert technical_facts(answer["facts"]).frames > 0
    assert time.monotonic() - began < LIMITS.wall_seconds + 10
    assert sum(path.stat().st_size for path in (tmp_path / "work").iterdir()) < 64 << 20
