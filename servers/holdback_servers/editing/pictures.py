"""Pictures of a render: exact frames of a source, regions made unrecognisable, another shape, words burnt in.

Frames are planar YUV 4:2:0 arrays (height * 3/2 rows of bytes) between the steps. Runs in the media worker.
"""

import itertools
import queue
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from numpy.typing import NDArray
from PIL import Image

from holdback_servers.editing.framing import Rectangle, View, pixels
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Blur, Clip
from holdback_servers.media_reading import open_media

Picture = NDArray[np.uint8]

_SCALING = "flags=lanczos+accurate_rnd+bitexact"
"""The flags that make scaling repeat bit for bit."""
_VIDEO, _FULL = 1, 2
"""Ranges of levels, by FFmpeg's numbers: 16 to 235, and 0 to 255."""


def exact_frames(path: Path, span: Span, rate: Rate, name: str) -> "Iterator[VideoFrame]":
    """The frames `[in, out)` of a file's picture in order, found by their time stamps.

    A frame that the file leaves out is stood in for by the one before it, as a player does.

    Raises:
        Problem: MEDIA_DAMAGED when the file ends before the span does or cannot be decoded.
    """
    wanted, held = span.in_frame, None
    try:
        for number, frame in _from(path, span.in_frame, rate, name):
            while wanted < min(number, span.out_frame):
                yield held if held is not None else frame
                wanted += 1
            held = frame
            if wanted == span.out_frame:
                return
    except FFmpegError as error:
        raise _ended(name, wanted, span) from error
    if held is None or wanted < span.out_frame - 1:
        raise _ended(name, wanted, span)
    yield held


def _ended(name: str, wanted: int, span: Span) -> Problem:
    return Problem(
        "MEDIA_DAMAGED",
        f"{name} could be read only up to frame {wanted}; the cut uses frames {span.in_frame} to {span.out_frame}.",
        "Ingest the media again.",
    )


def _from(path: Path, first: int, rate: Rate, name: str) -> Iterator[tuple[int, VideoFrame]]:
    """Frames with their numbers from the first wanted one on, or from the one before it where that is missing."""
    for seeking in (True, False) if first else (False,):
        with open_media(path, name) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            assert stream.time_base is not None
            start, step = stream.start_time or 0, stream.time_base * rate.fraction
            if seeking:
                container.seek(start + int(first / step), stream=stream, backward=True)
            decoded = (frame for frame in container.decode(stream) if frame.pts is not None)
            numbered = ((round(((frame.pts or 0) - start) * step), frame) for frame in decoded)
            before: tuple[int, VideoFrame] | None = None
            for number, frame in numbered:
                if number > first and before is None and seeking:
                    break  # the seek went too far, as it may where a container has no index: read from the beginning
                if number > first and before is not None:
                    yield before
                if number >= first:
                    yield number, frame
                    yield from numbered
                    return
                before = (number, frame)


def picture_of(frame: "VideoFrame") -> Picture:
    """A copy of the frame as planes of video levels; an odd side loses its last line."""
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    if frame.color_range == _FULL:
        frame = frame.reformat(format="yuv420p", src_color_range=_FULL, dst_color_range=_VIDEO)
    if (frame.width, frame.height) != (width, height):
        frame = frame.reformat(width=width, height=height, format="yuv420p")
    return np.asarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)


def veil(picture: Picture, box: Rectangle) -> None:
    """Make a region unrecognisable, in place: nothing is left of it but averages over squares of half its shorter side,
    softly joined."""
    short = min(box.width, box.height)
    cell = max(4, short // 2)
    grid = (max(1, box.width // cell), max(1, box.height // cell))
    for plane in _parts(picture, box):
        small = Image.fromarray(plane).resize(grid, Image.Resampling.BOX)
        plane[:] = np.asarray(small.resize((plane.shape[1], plane.shape[0]), Image.Resampling.BICUBIC))


def _parts(picture: Picture, box: Rectangle) -> list[Picture]:
    """The region in each of the three planes, as views."""
    luma, first, second = planes(picture)
    half = (slice(box.top // 2, box.bottom // 2), slice(box.left // 2, box.right // 2))
    return [luma[box.top : box.bottom, box.left : box.right], first[half], second[half]]


def planes(picture: Picture) -> tuple[Picture, Picture, Picture]:
    """Y, U and V as views of the array. Width and height of the picture are even."""
    rows, width = picture.shape
    height = rows * 2 // 3
    flat = picture.reshape(-1)
    size, quarter = width * height, width * height // 4
    return (
        flat[:size].reshape(height, width),
        flat[size : size + quarter].reshape(height // 2, width // 2),
        flat[size + quarter : size + 2 * quarter].reshape(height // 2, width // 2),
    )


class Shaper:
    """Brings a source's pictures into the canvas and cuts out what is shown, scaled to the finished size."""

    def __init__(self, view: View, canvas: tuple[int, int], finished: tuple[int, int], rate: Rate) -> None:
        steps = _steps(view, canvas, finished)
        self._graph: Graph | None = None
        self._finished = finished
        if not steps:
            return
        width, height = (side // 2 * 2 for side in view.source)
        graph = Graph()
        nodes = [
            graph.add_buffer(width=width, height=height, format=VideoFormat("yuv420p"), time_base=Fraction(1, rate.num))
        ]
        nodes += [graph.add(name, arguments) for name, arguments in steps]
        nodes.append(graph.add("buffersink"))
        for one, other in itertools.pairwise(nodes):
            one.link_to(other)
        graph.configure()
        self._graph = graph

    def shape(self, picture: Picture) -> Picture:
        """One picture of the source's size as one of the finished size."""
        if self._graph is None:
            return picture
        self._graph.push(VideoFrame.from_ndarray(picture, format="yuv420p"))
        pulled: Any = self._graph.pull()
        return pulled.to_ndarray(format="yuv420p")


def _steps(view: View, canvas: tuple[int, int], finished: tuple[int, int]) -> list[tuple[str, str]]:
    source = (view.source[0] // 2 * 2, view.source[1] // 2 * 2)
    place, shown = view.place, view.shown
    steps: list[tuple[str, str]] = []
    if (place.width, place.height) != source:
        steps.append(("scale", f"{place.width}:{place.height}:{_SCALING}"))
    if (place.width, place.height) != canvas:
        steps.append(("pad", f"{canvas[0]}:{canvas[1]}:{place.left}:{place.top}"))
    if (shown.width, shown.height) != canvas:
        steps.append(("crop", f"{shown.width}:{shown.height}:{shown.left}:{shown.top}"))
    if (shown.width, shown.height) != finished:
        steps.append(("scale", f"{finished[0]}:{finished[1]}:{_SCALING}"))
    return steps


def blurs_on(timeline: Timeline, clip: Clip, size: tuple[int, int]) -> list[tuple[Span, Rectangle]]:
    """The regions of a clip's source to veil, with the frames of the source, in pixels of a picture of this size."""
    blurs: list[Blur] = [each for each in timeline.blurs if each.media == clip.media]
    return [(each.span, pixels(each.box, size)) for each in blurs if each.span.overlap(clip.source)]


def ahead(pictures: Iterator[Picture], most: int = 8) -> Iterator[Picture]:
    """The same pictures, made in a thread of their own while those before them are encoded."""
    waiting: queue.Queue[Picture | BaseException | None] = queue.Queue(most)
    stopped = threading.Event()

    def make() -> None:
        try:
            for picture in pictures:
                if stopped.is_set():
                    return
                waiting.put(picture)
            waiting.put(None)
        except BaseException as error:  # it is raised again where the pictures are used
            waiting.put(error)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while (picture := waiting.get()) is not None:
            if isinstance(picture, BaseException):
                raise picture
            yield picture
    finally:
        stopped.set()
        while not waiting.empty():
            waiting.get_nowait()
        maker.join()
