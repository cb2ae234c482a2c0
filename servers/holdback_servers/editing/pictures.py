"""Pictures of a render: exact frames of a source, regions made unrecognisable, another shape.

Pictures are FFmpeg frames of planar YUV; where they are touched, their planes are seen as arrays. Runs in the media
worker.
"""

import functools
import itertools
import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from av.error import FFmpegError
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from numpy.typing import NDArray
from PIL import Image

from holdback_servers.editing.framing import Rectangle, View
from holdback_servers.editing.parts import BlurStyle
from holdback_servers.media_reading import open_media

Plane = NDArray[Any]
Planes = tuple[Plane, Plane, Plane]
"""Luma and both chromas of a picture, rows first; 8 or 10 bits a sample."""

SCALING = "flags=lanczos+accurate_rnd+bitexact"
"""The flags that make scaling repeat bit for bit."""
_CAREFUL = "+full_chroma_int+full_chroma_inp"
"""Without it white is no longer white after a change of colours."""
_FULL = 2
"""FFmpeg's number of the range of levels from 0 to 255; video goes from 16 to 235."""
_FAR_SECONDS = 4
"""Reading on to a frame that near costs less than seeking."""
Made = TypeVar("Made")


class Reader:
    """The pictures of a file by their numbers, which are found by time stamps; reading forward is cheap.

    A frame that the file leaves out is stood in for by the one before it, as a player does.

    Args:
        name: what people call the file.
        threads: how many the decoder may take; 0 is as many as there are processors.
    """

    def __init__(self, path: Path, rate: Rate, name: str, threads: int = 0) -> None:
        self._path, self._rate, self._name, self._threads = path, rate, name, threads
        self._open = ExitStack()
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(())
        self._held: tuple[int, VideoFrame] | None = None
        self._next: tuple[int, VideoFrame] | None = None

    def close(self) -> None:
        """Let go of the file."""
        self._open.close()

    def frame(self, number: int) -> VideoFrame:
        """The picture that is shown at this frame of the file. It is shared: copy it before changing it.

        Raises:
            Problem: MEDIA_DAMAGED when the file ends before it or cannot be decoded that far.
        """
        far = round(_FAR_SECONDS * self._rate.fraction)
        try:
            if self._held is None or not self._held[0] <= number <= self._held[0] + far:
                self._seek(number)
            while self._next is not None and self._next[0] <= number:
                self._held, self._next = self._next, next(self._frames, None)
        except FFmpegError as error:
            raise self._ended(number) from error
        if self._held is None or (self._next is None and number > self._held[0] + 1):
            raise self._ended(number)
        return self._held[1]

    def _seek(self, number: int) -> None:
        for seeking in (True, False) if number > 0 else (False,):
            self._held, self._frames = None, self._from(number, seeking)
            self._next = next(self._frames, None)
            if self._next is not None and self._next[0] <= max(0, number):
                return  # else the seek went too far, as it may where a container has no index

    def _from(self, number: int, seeking: bool) -> Iterator[tuple[int, VideoFrame]]:
        self._open.close()
        container = self._open.enter_context(open_media(self._path, self._name))
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self._threads
        assert stream.time_base is not None
        start, step = stream.start_time or 0, stream.time_base * self._rate.fraction
        if seeking:
            container.seek(start + int(number / step), stream=stream, backward=True)
        for frame in container.decode(stream):
            if frame.pts is not None:
                yield round((frame.pts - start) * step), frame

    def _ended(self, number: int) -> Problem:
        last = self._held[0] if self._held else 0
        return Problem(
            "MEDIA_DAMAGED",
            f"{self._name} could be read only up to frame {last}; the cut uses frame {number}.",
            "Ingest the media again.",
        )


def exact_frames(path: Path, span: Span, rate: Rate, name: str) -> Iterator[VideoFrame]:
    """The frames `[in, out)` of a file's picture in order, as `Reader` gives them."""
    reader = Reader(path, rate, name)
    try:
        for number in range(span.in_frame, span.out_frame):
            yield reader.frame(number)
    finally:
        reader.close()


def blank(size: tuple[int, int], form: str, levels: tuple[int, int, int] = (16, 128, 128)) -> VideoFrame:
    """A picture of one colour, given in 8 bits of Y, U and V; black when left out."""
    picture = VideoFrame(*size, form)
    for plane, level in zip(planes(picture), levels, strict=True):
        plane[:] = level * (1 if plane.itemsize == 1 else 4)
    return picture


def copied(frame: VideoFrame) -> VideoFrame:
    """The same picture in memory of its own."""
    copy = VideoFrame(frame.width, frame.height, frame.format.name)
    for plane, source in zip(planes(copy), planes(frame), strict=True):
        plane[:] = source
    return copy


def planes(frame: VideoFrame) -> Planes:
    """The planes of a planar YUV picture of 8 or 10 bits, as views into it."""
    kind: Any = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    first, second, third = (_rows(plane, plane.height, kind)[:, : plane.width] for plane in frame.planes[:3])
    return first, second, third


def _rows(plane: Any, height: int, kind: Any) -> Plane:
    """The memory of a plane, which may be wider than the picture."""
    flat: Plane = np.frombuffer(plane, kind)
    return flat.reshape(height, -1)


def depth(part: Planes) -> int:
    """What a level of 8 bits is multiplied by in these planes."""
    return 1 if part[0].itemsize == 1 else 4


def part_of(whole: Planes, box: Rectangle) -> Planes:
    """The region in each of the three planes, as views. Its sides are even."""
    luma, first, second = whole
    across, down = luma.shape[1] // first.shape[1], luma.shape[0] // first.shape[0]
    half = (slice(box.top // down, box.bottom // down), slice(box.left // across, box.right // across))
    return luma[box.top : box.bottom, box.left : box.right], first[half], second[half]


def veil(whole: Planes, box: Rectangle, style: BlurStyle = "blur") -> None:
    """Make a region unrecognisable, in place: nothing is left of it but averages over squares of half its shorter side,
    softly joined, or as squares (`pixelate`), or nothing at all (`fill`)."""
    cell = max(4, min(box.width, box.height) // 2)
    grid = (max(1, box.width // cell), max(1, box.height // cell))
    for plane, black in zip(part_of(whole, box), (16, 128, 128), strict=True):
        if style == "fill":
            plane[:] = black * depth(whole)
            continue
        way = Image.Resampling.BICUBIC if style == "blur" else Image.Resampling.NEAREST
        image = Image.fromarray(np.ascontiguousarray(plane) if plane.itemsize == 1 else plane.astype(np.float32))
        back = np.asarray(
            image.resize(grid, Image.Resampling.BOX).resize((plane.shape[1], plane.shape[0]), way), dtype=np.float32
        )
        plane[:] = np.clip(np.rint(back), 0, 256 * depth(whole) - 1).astype(plane.dtype)


class Colours(NamedTuple):
    """How levels are to be read, by FFmpeg's numbers: primaries, transfer, matrix."""

    primaries: int
    transfer: int
    matrix: int


BT709, BT601 = Colours(1, 1, 1), Colours(6, 6, 6)
_UNSAID = (0, 2)
_MATRICES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


def levels_of(colour: str, colours: Colours) -> tuple[int, int, int]:
    """Y, U and V, in 8 bits, of a colour such as `#0a1f44` (ITU-R BT.601 and BT.709)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    of_red, of_blue = (0.299, 0.114) if _MATRICES.get(colours.matrix) == "bt601" else (0.2126, 0.0722)
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    first, second = (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)
    return round(16 + 219 * luma), round(128 + 224 * first), round(128 + 224 * second)


def colours_of(frame: VideoFrame) -> Colours:
    """How a frame says its colours are to be read; one of standard height that says nothing is BT.601, a higher one
    BT.709, as players take it."""
    usual = BT709 if frame.height >= 720 else BT601
    told = (int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace))
    return Colours(*(own if said in _UNSAID else said for own, said in zip(usual, told, strict=True)))


def converted(frame: VideoFrame, form: str, colours: Colours) -> VideoFrame:
    """The frame in another form of pixels, at video levels, for other colours; an odd side loses its last line.

    It may be the frame itself.
    """
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    steps: list[tuple[str, str]] = []
    if (width, height) != (frame.width, frame.height):
        steps.append(("crop", f"{width}:{height}:0:0:exact=1"))
    rgb = frame.format.name.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "pal"))
    full, own = frame.color_range == _FULL or frame.format.name.startswith("yuvj"), _MATRICES.get(_matrix(frame))
    wanted = _MATRICES.get(colours.matrix, "bt709")
    if frame.format.name != form or full or (own != wanted and not frame.format.name.startswith("gray")):
        said = "" if rgb else f":in_range={'full' if full else 'limited'}:in_color_matrix={own or wanted}"
        steps.append(
            ("scale", f"{width}:{height}:{SCALING}{_CAREFUL}{said}:out_range=limited:out_color_matrix={wanted}")
        )
        steps.append(("format", form))
    if not steps:
        return frame
    return through(frame, tuple(steps))


def _matrix(frame: VideoFrame) -> int:
    return colours_of(frame).matrix


def through(frame: VideoFrame, steps: tuple[tuple[str, str], ...]) -> VideoFrame:
    """The frame after some filters, each a name and its arguments.

    Filters are told only by their arguments how the frame's colours are to be read: else they would bring each frame to
    the colours of the first one that they saw.
    """
    graph = _graph(threading.get_ident(), frame.width, frame.height, frame.format.name, steps)
    said = (frame.color_range, frame.colorspace)
    frame.color_range, frame.colorspace = _UNSAID
    graph.push(frame)
    frame.color_range, frame.colorspace = said
    pulled: Any = graph.pull()
    pulled.color_range, pulled.colorspace = _UNSAID
    return pulled


@functools.lru_cache(maxsize=64)
def _graph(thread: int, width: int, height: int, form: str, steps: tuple[tuple[str, str], ...]) -> Graph:
    """A graph for pictures of this kind; each thread has its own."""
    graph = Graph()
    graph.threads = 1
    nodes = [graph.add_buffer(width=width, height=height, format=VideoFormat(form), time_base=Fraction(1, 24))]
    nodes += [graph.add(name, arguments) for name, arguments in steps]
    nodes.append(graph.add("buffersink"))
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    return graph


def shaped(frame: VideoFrame, view: View, canvas: tuple[int, int], finished: tuple[int, int]) -> VideoFrame:
    """A source's picture brought into the canvas, what is shown of it cut out and scaled to the finished size."""
    place, shown = view.place, view.shown
    steps: list[tuple[str, str]] = []
    if (place.width, place.height) != (frame.width, frame.height):
        steps.append(("scale", f"{place.width}:{place.height}:{SCALING}"))
    if (place.width, place.height) != canvas:
        steps.append(("pad", f"{canvas[0]}:{canvas[1]}:{place.left}:{place.top}"))
    if steps:
        frame = through(frame, tuple(steps))
    if (shown.width, shown.height) != canvas:
        frame = _cropped(frame, shown)
    if (shown.width, shown.height) != finished:
        frame = through(frame, (("scale", f"{finished[0]}:{finished[1]}:{SCALING}"),))
    return frame


def _cropped(frame: VideoFrame, shown: Rectangle) -> VideoFrame:
    """A part of the picture. It is copied, as what is shown may move from frame to frame."""
    part = VideoFrame(shown.width, shown.height, frame.format.name)
    for plane, source in zip(planes(part), part_of(planes(frame), shown), strict=True):
        plane[:] = source
    return part


def ahead(made: Iterator[Made], most: int = 8) -> Iterator[Made]:
    """The same things, made in a thread of their own while those before them are used."""
    waiting: queue.Queue[Made | BaseException | None] = queue.Queue(most)
    stopped = threading.Event()

    def make() -> None:
        try:
            for each in made:
                if stopped.is_set():
                    return
                waiting.put(each)
            waiting.put(None)
        except BaseException as error:  # it is raised again where the things are used
            waiting.put(error)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while (each := waiting.get()) is not None:
            if isinstance(each, BaseException):
                raise each
            yield each
    finally:
        stopped.set()
        while not waiting.empty():
            waiting.get_nowait()
        maker.join()
