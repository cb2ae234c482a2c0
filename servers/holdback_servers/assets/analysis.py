"""One pass over a file: every frame decoded once, for its count, shots, keyframes and loudness.

Runs in the media worker.
"""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from holdback_base.problem import Problem

from holdback_servers.assets.probing import Headers, check_ending, counts_its_frames, main_picture, read_headers
from holdback_servers.assets.shots import NEIGHBOURS, ShotDetector
from holdback_servers.media_reading import looks_like_media, open_media

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.filter import Graph
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from PIL.Image import Image

WorkerReport = Callable[[int, int, str], None]

_GRID = (96, 54)
_KEYFRAME_WIDTH = 640
_REPORT_EVERY = 48
_BAD_SHARE = 100
"""One damaged packet in so many is the most that passes."""


def analyse(arguments: dict[str, Any], report: WorkerReport) -> dict[str, Any]:
    """Worker function: measure the file at `path`, called `name`; keyframes are written into `folder`.

    Returns:
        `facts` (for `ingest.technical_facts`), and `shots`: a list of `{in_frame, out_frame, keyframe}` that covers
        every frame, where keyframe is a file name in the folder; empty without a moving picture.

    Raises:
        Problem: as `open_media`; MEDIA_DAMAGED when the file or its sound ends early, frames are missing or many are
            broken; NOT_MEDIA when nothing can be decoded.
    """
    path, name, folder = Path(arguments["path"]), str(arguments["name"]), Path(arguments["folder"])
    with path.open("rb") as file:
        head = file.read(16)
    with open_media(path, name) as container:
        check_ending(path, name, container.format.name)
        promise = read_headers(container, path.stat().st_size, name)
        passing = _Pass(container, promise, folder, report)
        passing.run()
        passing.check(name, looks_like_media(head))
        return {"facts": passing.facts(), "shots": passing.shots()}


class _Pass:
    def __init__(self, container: "InputContainer", promise: Headers, folder: Path, report: WorkerReport) -> None:
        self._container, self._promise, self._report = container, promise, report
        self._picture = main_picture(container)
        self._sound = next(iter(container.streams.audio), None)
        self._promised = promise.frames
        self._watch = None if promise.video is None else _Watch(promise, folder)
        self._meter = None if self._sound is None else _Meter()
        self._frames = self._samples = self._packets = self._damaged = 0
        self._heard = 0.0
        self._cut_short = False

    def run(self) -> None:
        import av.error

        streams = [stream for stream in (self._picture, self._sound) if stream is not None]
        if self._picture is not None:
            self._picture.thread_type = "AUTO"
        try:
            for packet in self._container.demux(streams):
                self._packets += 1
                self._take(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self._cut_short = True
        if self._watch is not None:
            self._watch.finish()

    def _take(self, packet: "Packet[Any]") -> None:
        import av.error
        from av.audio.frame import AudioFrame
        from av.video.frame import VideoFrame

        try:
            decoded: list[Any] = packet.decode()
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self._damaged += 1
            return
        for frame in decoded:
            if isinstance(frame, VideoFrame) and self._watch is not None:
                self._watch.see(frame, self._frames)
                self._frames += 1
                if self._frames % _REPORT_EVERY == 0:
                    self._report(self._frames, self._promised, "looking at frames")
            elif isinstance(frame, AudioFrame) and self._meter is not None:
                self._meter.hear(frame)
                self._samples += frame.samples
                self._heard = max(self._heard, (frame.time or 0.0) + frame.samples / frame.sample_rate)

    def check(self, name: str, looks_right: bool) -> None:
        counted = self._frames if self._picture is not None else self._samples
        if counted == 0:
            code = "MEDIA_DAMAGED" if looks_right else "NOT_MEDIA"
            raise Problem(code, f"Nothing in {name} can be decoded.", "Take the file from its source again.")
        slack = 2 if self._container and counts_its_frames(self._container, self._picture) else self._promised // 50 + 2
        if self._promise.video is None:
            slack += self._promise.rate // 5
        short = self._promised - counted > slack
        silent = self._silent_seconds()
        if short or silent or self._cut_short or self._damaged * _BAD_SHARE > self._packets:
            what = (
                f"it ends after {counted} of {self._promised} frames"
                if short
                else f"its last {silent:.1f} s of sound are missing"
                if silent
                else f"{self._damaged} packets are broken"
            )
            raise Problem(
                "MEDIA_DAMAGED",
                f"{name} is truncated or broken: {what}.",
                "Copy the file again from its source and compare sizes.",
                frames=counted,
                promised=self._promised,
            )

    def _silent_seconds(self) -> float:
        """How much sooner the sound ends than its stream promises; 0 for up to half a second and 2 % of it."""
        sound = self._sound
        if sound is None or not sound.duration or not sound.time_base:
            return 0.0
        length = float(sound.duration * sound.time_base)
        missing = float((sound.start_time or 0) * sound.time_base) + length - self._heard
        return missing if missing > 0.5 + length / 50 else 0.0

    def facts(self) -> dict[str, Any]:
        facts = self._promise.plain()
        facts["frames"] = self._frames if self._watch is not None else self._samples
        facts["loudness"] = None if self._meter is None else self._meter.read()
        if self._watch is not None:
            facts["video"] |= {"variable_rate": self._watch.uneven(), "rotation": self._watch.rotation}
        return facts

    def shots(self) -> list[dict[str, Any]]:
        return [] if self._watch is None or self._frames < 2 else self._watch.shots


class _Watch:
    """Compares each picture with the one before, and keeps for every shot the frame nearest its middle."""

    def __init__(self, headers: Headers, folder: Path) -> None:
        from av.video.reformatter import VideoReformatter

        assert headers.video is not None
        self._aspect: str = headers.video["sample_aspect"]
        self._rate, self._folder = headers.rate, folder
        self._small = VideoReformatter()
        self._detector = ShotDetector(shortest=max(3, round(headers.rate / 4)))
        self._before: Any = None
        self._start = self._count = 0
        self._kept: dict[int, VideoFrame] = {}
        self._times: tuple[float, float] | None = None
        self._widest = 0.0
        self.rotation = 0
        self.shots: list[dict[str, Any]] = []

    def see(self, frame: "VideoFrame", index: int) -> None:
        self._count = index + 1
        if index == 0:
            self.rotation = round(frame.rotation)
        self._note_time(frame)
        cut = self._detector.feed(self._score(frame))
        self._kept[index] = frame
        if cut is not None:
            self._close(cut)
        self._forget(index)

    def finish(self) -> None:
        for cut in self._detector.finish():
            self._close(cut)
        if self._count > self._start:
            self._close(self._count)

    def uneven(self) -> bool:
        """Whether some step between frames is over one and a half of what the rate says."""
        return self._widest * float(self._rate) > 1.5

    def _score(self, frame: "VideoFrame") -> float:
        import numpy

        width, height = _GRID
        picture = self._small.reformat(frame, width, height, "yuv420p", interpolation="AREA", threads=1).to_ndarray()
        before, self._before = self._before, picture
        if before is None:
            return 0.0
        apart = numpy.maximum(picture, before) - numpy.minimum(picture, before)
        return float(apart[:height].mean() + 2 * apart[height:].mean())

    def _note_time(self, frame: "VideoFrame") -> None:
        if frame.pts is None or frame.time_base is None:
            return
        now = float(frame.pts * frame.time_base)
        if self._times is not None:
            self._widest = max(self._widest, now - self._times[0])
        self._times = (now, now)

    def _forget(self, index: int) -> None:
        """Keep the frames not yet decided, and of the rest those from which a middle can be chosen: few, whatever the
        length of the shot."""
        reach = index - self._start
        for at in [at for at in self._kept if at < index - NEIGHBOURS]:
            offset = at - self._start
            power = offset.bit_length() - 1
            marked = offset == 0 or offset in (1 << power, 3 << max(0, power - 1))
            if not marked or offset * 4 < reach:
                del self._kept[at]

    def _close(self, end: int) -> None:
        middle = (self._start + end - 1) / 2
        inside = [at for at in self._kept if self._start <= at < end]
        chosen = min(inside, key=lambda at: abs(at - middle))
        keyframe = f"keyframe-{len(self.shots):05}.jpg"
        self._save(self._kept[chosen], self._folder / keyframe)
        self.shots.append({"in_frame": self._start, "out_frame": end, "keyframe": keyframe})
        self._kept = {at: frame for at, frame in self._kept.items() if at >= end}
        self._start = end

    def _save(self, frame: "VideoFrame", target: Path) -> None:
        across, down = (int(part) for part in self._aspect.split(":"))
        width = frame.width * across / down
        scale = min(1.0, _KEYFRAME_WIDTH / width)
        size = max(2, round(width * scale)), max(2, round(frame.height * scale))
        make: Callable[..., Image] = frame.to_image  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        image = make(width=size[0], height=size[1])
        if self.rotation % 360:
            image = image.rotate(self.rotation, expand=True)
        coded = io.BytesIO()
        image.save(coded, "JPEG", quality=85)
        target.write_bytes(coded.getvalue())  # Pillow's own writing does not notice a full disk


class _Meter:
    """EBU R 128 over one audio stream, through FFmpeg's ebur128."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[str, str, int] | None = None
        self._last: dict[str, str] = {}

    def hear(self, frame: "AudioFrame") -> None:
        import av.error

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None:
            self._graph, self._form = _meter_for(frame), form
        if form != self._form:
            return
        self._graph.push(frame)
        while True:
            try:
                self._last = cast("AudioFrame", self._graph.pull()).metadata
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    def read(self) -> dict[str, float | None]:
        """The fields of `Loudness`."""
        peaks = [float(value) for name, value in self._last.items() if name.startswith("lavfi.r128.true_peaks_ch")]
        integrated = float(self._last.get("lavfi.r128.I", "-70"))
        peak = max(peaks, default=0.0)
        return {
            "integrated_lufs": None if integrated <= -70 else round(integrated, 1),
            "range_lu": round(float(self._last.get("lavfi.r128.LRA", "0")), 1),
            "true_peak_dbtp": round(20 * math.log10(peak), 1) if peak > 0 else None,
        }


def _meter_for(frame: "AudioFrame") -> "Graph":
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name, time_base=frame.time_base
    )
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph
