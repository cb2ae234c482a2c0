"""A cut in chunks that are coded by themselves, kept by what they show, and joined again. Runs in the media worker.

A chunk's name is the hash of everything that makes it: the recipes of its frames, the coding, and the code itself. So a
chunk that is there need not be made again, whichever cut it was made for, and a file joined from kept chunks has the
same bytes as one made anew.
"""

import functools
import hashlib
import itertools
import json
import os
import platform
import struct
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import PIL
from av.video.frame import VideoFrame
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from PIL import Image

from holdback_servers.editing.compositing.recipes import Recipe
from holdback_servers.editing.encoding import Coded, Form, Packet, decode, encode
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.pictures import planes
from holdback_servers.editing.placing import clips_end

_LONGEST = 96
"""Frames of a chunk: a change costs at least so much, and a key frame comes at least so often."""
_SHORTEST = 24
_MAKERS = ("chunks.py", "encoding.py", "pictures.py", "lettering.py", "framing.py", "data/credits.ttf")
_MAGIC = b"holdback chunk 1\n"


class Look(NamedTuple):
    """What the coded pictures of a chunk look like, decoded again: whether each is black, whether each is the same as
    the one before it in the chunk, and small versions of the first and last."""

    black: tuple[bool, ...]
    still: tuple[bool, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]


class Chunk(NamedTuple):
    """Coded pictures, and what they look like."""

    coded: Coded
    look: Look


def split(timeline: Timeline, whole: bool = False) -> list[Span]:
    """The chunks of a cut: it is cut where shots and transitions begin and end, and long shots on a grid of their
    media's frames, so that a shot that is trimmed keeps its middle. With `whole` there is only one."""
    total = timeline.frames
    if whole:
        return [Span(in_frame=0, out_frame=total)]
    edges = {0, clips_end(timeline), total}
    begins = {clip.id: record.in_frame for clip, record in timeline.placed()}
    edges.update(begins.values())
    for each in timeline.transitions:
        cut = clips_end(timeline) if each.clip is None else begins[each.clip]
        edges.update({max(0, cut - each.before), min(total, cut + each.after)})
    for clip, record in timeline.placed():
        start = clip.source.in_frame if clip.speed == 100 and not clip.freeze else 0
        first = record.in_frame + (-start) % _LONGEST
        bounds = sorted(edge for edge in edges if record.in_frame <= edge <= record.out_frame)
        for one, other in itertools.pairwise(bounds):
            grid = range(first, other, _LONGEST)
            edges.update(at for at in grid if at - one >= _SHORTEST and other - at >= _SHORTEST)
    edges.update(range(clips_end(timeline), total, _LONGEST))
    return [Span(in_frame=one, out_frame=other) for one, other in itertools.pairwise(sorted(edges))]


def key_of(recipes: Sequence[Recipe], canvas: tuple[int, int], form: Form) -> str:
    """The name of a chunk: 64 hex digits."""
    coding = [form.video.model_dump(), form.size, form.rate.model_dump(), form.colours, canvas]
    told = json.dumps([_code(), coding, recipes], separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


@functools.cache
def _code() -> str:
    """The hash of the code, the lettering and the libraries that make pixels."""
    here = files("holdback_servers.editing")
    digest = hashlib.sha256()
    for name in (*_MAKERS, "compositing/recipes.py", "compositing/drawing.py"):
        digest.update(here.joinpath(*name.split("/")).read_bytes())
    versions = [av.__version__, sorted(av.library_versions.items()), np.__version__, PIL.__version__]
    digest.update(json.dumps([*versions, platform.machine()]).encode())
    return digest.hexdigest()


def make(pictures: Iterator[VideoFrame], count: int, form: Form) -> Chunk:
    """Code pictures and read them again.

    Raises:
        Problem: INTERNAL when what was coded is not what was shown: no such chunk may be used.
    """
    shown: list[int] = []

    def noted() -> Iterator[VideoFrame]:
        for picture in pictures:
            shown.append(_mean(picture))
            yield picture

    coded = encode(noted(), form)
    read = [_small(frame) for frame in decode(coded, form.video.codec)]
    far = max((abs(round(small.mean()) - mean) for small, mean in zip(read, shown, strict=False)), default=0)
    if len(coded.packets) != count or len(read) != count or far > _FAR_OFF:
        raise Problem(
            "INTERNAL",
            f"A part of {count} frames was coded as {len(coded.packets)} and read again as {len(read)}, "
            f"{far} levels off.",
            "Report this with the timeline.",
        )
    apart = [int(np.abs(one - other).max()) for one, other in itertools.pairwise(read)]
    look = Look(
        black=tuple(bool(small.max() <= _BLACK) for small in read),
        still=(False, *(each <= _SAME for each in apart)),
        first=tuple(int(each) for each in read[0].flat),
        last=tuple(int(each) for each in read[-1].flat),
    )
    return Chunk(coded, look)


_BLACK = 24
"""The brightest part of a black picture, in levels of 8 bits where black is 16."""
_SAME = 0
_FAR_OFF = 6
_GRID = (16, 9)


def _mean(frame: VideoFrame) -> int:
    return round(float(_small(frame).mean()))


def _small(frame: VideoFrame) -> "np.ndarray[Any, np.dtype[np.int32]]":
    """A picture of 16 by 9 averages over some of the luma, in levels of 8 bits."""
    luma = planes(frame)[0]
    part = luma[:: max(1, luma.shape[0] // 90), :: max(1, luma.shape[1] // 160)]
    image = Image.fromarray(np.ascontiguousarray(part if part.itemsize == 1 else part >> 2, dtype=np.uint8))
    return np.asarray(image.resize(_GRID, Image.Resampling.BOX), dtype=np.int32)


def runs(looks: Sequence[Look], shortest: int) -> tuple[list[Span], list[Span]]:
    """The stretches of black, and of a picture that does not move for at least so many frames, over all chunks."""
    black: list[bool] = []
    still: list[bool] = []
    before: tuple[int, ...] | None = None
    for look in looks:
        black += look.black
        joins = before is not None and max(abs(one - two) for one, two in zip(before, look.first, strict=True)) <= _SAME
        still += [joins, *look.still[1:]]
        before = look.last
    held = [Span(in_frame=max(0, each.in_frame - 1), out_frame=each.out_frame) for each in _true(still)]
    return _true(black), [each for each in held if each.frames >= shortest]


def _true(flags: Sequence[bool]) -> list[Span]:
    found: list[Span] = []
    at = 0
    for flag, group in itertools.groupby(flags):
        length = sum(1 for _ in group)
        if flag:
            found.append(Span(in_frame=at, out_frame=at + length))
        at += length
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def write_chunk(chunk: Chunk, path: Path) -> None:
    """Write a chunk to a new file, whole or not at all."""
    coded = chunk.coded
    head = json.dumps(
        {
            "header": coded.header.hex(),
            "packets": [[*each[:4], len(each.data)] for each in coded.packets],
            "look": chunk.look,
        }
    ).encode()
    body = struct.pack(">I", len(head)) + head + b"".join(each.data for each in coded.packets)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(_MAGIC + hashlib.sha256(body).digest() + body)
    part.replace(path)


def read_chunk(path: Path) -> Chunk | None:
    """A chunk from its file; None when there is none, or one whose bytes have changed."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    start = len(_MAGIC) + 32
    body = whole[start:]
    if not whole.startswith(_MAGIC) or hashlib.sha256(body).digest() != whole[len(_MAGIC) : start]:
        return None
    (length,) = struct.unpack(">I", body[:4])
    head: dict[str, Any] = json.loads(body[4 : 4 + length])
    at, packets = 4 + length, list[Packet]()
    for pts, dts, duration, key, size in head["packets"]:
        packets.append(Packet(pts, dts, duration, bool(key), body[at : at + size]))
        at += size
    look = Look(*(tuple(each) for each in head["look"]))
    return Chunk(Coded(bytes.fromhex(head["header"]), tuple(packets)), look)
