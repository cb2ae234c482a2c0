"""One pass over a file: every frame decoded once, for all that is to be known of it and made from it.

Runs in the media worker. The decoder, what looks at pictures, what listens, and the encoder of the proxy run side by
side; each is fed in order.
"""

import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem

from holdback_servers.assets.looking.eye import Eye
from holdback_servers.assets.looking.lane import Lane
from holdback_servers.assets.looking.listen import Listening
from holdback_servers.assets.looking.proxy import ProxyPicture, ProxySound, proxy_writer
from holdback_servers.assets.looking.runs import Run
from holdback_servers.assets.looking.watch import MOST_SHOTS
from holdback_servers.assets.probing import (
    Headers,
    check_ending,
    counts_its_frames,
    main_picture,
    main_sound,
    read_headers,
)
from holdback_servers.media_reading import looks_like_media, open_media

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

WorkerReport = Callable[[int, int, str], None]

_REPORT_EVERY = 48
_BAD_SHARE = 100
"""One damaged packet in so many is the most that passes."""
_MOST_FRAMES = 24 * 3600 * 60
"""A day at 60 frames a second."""
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
_APART = 0.5
"""Seconds by which picture and sound may end apart, unmentioned."""


def analyse(arguments: dict[str, Any], report: WorkerReport) -> dict[str, Any]:
    """Worker function: measure the file at `path`, called `name`; what is made from it is written into `folder`.

    With `proxy` a proxy is made as well.

    Returns:
        - `facts`: for `ingest.technical_facts`
        - `shots`: a list of `{in_frame, out_frame, keyframe}` that covers every frame, where keyframe is a file name in
          the folder or None; empty without a moving picture
        - `findings`: a list of `{kind, in_frame, out_frame}`
        - `hashes`: frames and the hashes of their pictures
        - `renditions`: a list of `{purpose, file, facts}`
        - `credentials`: what its content credentials say, judged by the certificates in `anchors` (PEM)

    Raises:
        Problem: as `open_media`; MEDIA_DAMAGED when the file or its sound ends early, frames are missing or many are
            broken; NOT_MEDIA when nothing can be decoded; TOO_LARGE for more frames than a day has.
    """
    import av.error

    path, name, folder = Path(arguments["path"]), str(arguments["name"]), Path(arguments["folder"])
    with path.open("rb") as file:
        head = file.read(16)
    with open_media(path, name) as container:
        check_ending(path, name, container.format.name)
        promise = read_headers(container, path.stat().st_size, name)
        passing = _Pass(container, promise, folder, report, proxy=bool(arguments.get("proxy")))
        try:
            passing.run()
            passing.check(name, looks_like_media(head))
            from holdback_servers.content_credentials import read_file  # heavy, while the proxy is still being written

            told = read_file({"path": str(path), "anchors": arguments.get("anchors", "")}, report)
            return passing.answer() | {"credentials": told}
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError) or error.errno in _NO_ROOM:
                raise
            raise Problem(
                "MEDIA_DAMAGED",
                f"{name} can be decoded, but not worked on: {error.strerror}.",
                "Its sizes or rates are odd; take it from its source again, or convert it there.",
            ) from error
        finally:
            passing.close()


class _Pass:
    def __init__(
        self, container: "InputContainer", promise: Headers, folder: Path, report: WorkerReport, *, proxy: bool
    ) -> None:
        self._container, self._promise, self._folder, self._report = container, promise, folder, report
        self._picture = main_picture(container)
        self._sound = main_sound(container)
        self._promised = promise.frames
        self._eye = None if promise.video is None else Eye(promise, folder)
        self._ear = None if self._sound is None else Listening()
        self._hearing = None if self._ear is None else Lane(self._ear.hear)
        self._proxy = proxy_writer(promise, folder) if proxy and not promise.still else None
        self._writing: Lane[ProxyPicture | ProxySound] | None = None
        if self._proxy is not None:
            self._writing = Lane(self._proxy.write)
        self._frames = self._samples = self._packets = self._damaged = 0
        self._first_picture = _start_of(self._picture)
        self._first_heard: float | None = None
        self._heard = 0.0
        self._cut_short = False

    def run(self) -> None:
        import av.error

        streams = [stream for stream in (self._picture, self._sound) if stream is not None]
        if self._picture is not None:
            self._picture.thread_type = "AUTO"
        try:
            for packet in self._demuxed(streams):
                self._packets += 1
                self._take(packet)
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            self._cut_short = True
        if self._hearing is not None:
            self._hearing.finish()
        if self._eye is not None:
            self._eye.looking.finish()

    def close(self) -> None:
        """Leave no thread behind."""
        for lane in (self._hearing, self._writing, None if self._eye is None else self._eye.looking):
            if lane is not None:
                lane.stop()

    def _demuxed(self, streams: "Sequence[Stream]") -> "Iterator[Packet[Any]]":
        while True:
            try:
                yield from self._container.demux(streams)
                return
            except IndexError:  # PyAV does not know streams that begin on the way; one packet of them is passed over
                continue

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
            if isinstance(frame, VideoFrame) and self._eye is not None:
                self._see(frame, self._eye)
            elif isinstance(frame, AudioFrame) and self._hearing is not None:
                self._hear(frame, self._hearing)

    def _see(self, frame: "VideoFrame", eye: Eye) -> None:
        small = eye.see(frame)
        if self._writing is not None:
            self._writing.put(small)
        self._frames += 1
        if self._frames % _REPORT_EVERY == 0:
            self._report(self._frames, self._promised, "looking at frames")
        if self._frames > _MOST_FRAMES:
            raise Problem("TOO_LARGE", f"It has more than {_MOST_FRAMES} frames.", "Split it into parts of a day.")

    def _hear(self, frame: "AudioFrame", hearing: "Lane[AudioFrame]") -> None:
        at = frame.time or 0.0
        hearing.put(frame)
        self._samples += frame.samples
        if self._eye is None and self._packets % _REPORT_EVERY == 0:
            self._report(self._samples, self._promised, "listening")
        self._heard = max(self._heard, at + frame.samples / frame.sample_rate)
        if self._first_heard is None:
            self._first_heard = at
        if self._writing is not None:
            self._writing.put(ProxySound(frame, at - self._first_picture))

    def check(self, name: str, looks_right: bool) -> None:
        counted = self._frames if self._picture is not None else self._samples
        if counted == 0:
            code = "MEDIA_DAMAGED" if looks_right else "NOT_MEDIA"
            raise Problem(code, f"Nothing in {name} can be decoded.", "Take the file from its source again.")
        what = self._lacks(counted)
        if what is not None:
            raise Problem(
                "MEDIA_DAMAGED",
                f"{name} is truncated or broken: {what}.",
                "Copy the file again from its source and compare sizes.",
                frames=counted,
                promised=self._promised,
            )

    def _lacks(self, counted: int) -> str | None:
        """What the file promises and does not hold."""
        if self._short(counted):
            return f"it ends after {counted} of {self._promised} frames"
        if silent := self._silent_seconds():
            return f"its last {silent:.1f} s of sound are missing"
        if self._cut_short or self._damaged * _BAD_SHARE > self._packets:
            return f"{self._damaged} packets are broken"
        return None

    def _short(self, counted: int) -> bool:
        """Whether frames are missing at the end; where only a duration is promised, its time counts, since frames need
        not be evenly spaced."""
        if self._eye is None or self._picture is None:
            return self._promised - counted > self._promised // 50 + 2 + self._promise.rate // 5
        if counts_its_frames(self._container, self._picture):
            return self._promised - counted > 2
        reached = self._eye.end - self._first_picture
        if self._picture.duration is None:  # what is promised is the length of the file, from 0 on
            reached = max(self._eye.end, self._heard)
        reached = max(round(reached * self._promise.rate), counted)
        return self._promised - reached > self._promised // 50 + 2

    def _silent_seconds(self) -> float:
        """How much sooner the sound ends than its stream promises; 0 for up to half a second and 2 % of it."""
        sound = self._sound
        if sound is None or not sound.duration or not sound.time_base:
            return 0.0
        length = float(sound.duration * sound.time_base)
        missing = float((sound.start_time or 0) * sound.time_base) + length - self._heard
        return missing if missing > 0.5 + length / 50 else 0.0

    def answer(self) -> dict[str, Any]:
        """All that was found; the proxy is finished."""
        start = 0.0 if self._first_heard is None else self._first_heard - self._first_picture
        findings: dict[str, list[Run]] = {}
        renditions: list[dict[str, Any]] = []
        if self._eye is not None:
            found = self._eye.watch.finish()
            if self._frames > 1:
                findings |= found
                renditions.append(self._eye.watch.write_motion(self._folder))
            poster = self._eye.watch.keyframes.poster
            if poster is not None:
                facts = {"format": "jpeg"} | {name: poster[name] for name in ("frame", "width", "height")}
                renditions.append({"purpose": "poster", "file": poster["file"], "facts": facts})
        if self._ear is not None:
            self._ear.finish()
            frames = self._frames if self._eye is not None else self._samples
            findings["silence"] = self._ear.silence(self._promise.rate, frames, start)
            renditions += self._ear.write(self._folder, start)
        return {
            "facts": self._facts(),
            "shots": [] if self._eye is None or self._frames < 2 else self._eye.watch.keyframes.shots,
            "findings": [
                {"kind": kind, "in_frame": first, "out_frame": end}
                for kind, runs in findings.items()
                for first, end in runs
            ],
            "hashes": [] if self._eye is None else self._eye.watch.hashes,
            "renditions": renditions + self._finish_proxy(),
        }

    def _finish_proxy(self) -> list[dict[str, Any]]:
        if self._proxy is None or self._writing is None:
            return []
        self._writing.finish()
        facts = self._proxy.finish()
        return [] if facts is None else [{"purpose": "proxy", "file": self._proxy.target.name, "facts": facts}]

    def _facts(self) -> dict[str, Any]:
        facts = self._promise.plain()
        facts["frames"] = self._frames if self._eye is not None else self._samples
        facts["loudness"] = None if self._ear is None else self._ear.loudness()
        facts["warnings"] = []
        if self._eye is not None:
            facts["video"] |= self._eye.facts()
            facts["warnings"] = self._oddities(self._eye)
        return facts

    def _oddities(self, eye: Eye) -> list[str]:
        """What did not stop the ingest, and an editor should know."""
        found: list[str] = []
        if eye.uneven():
            found.append("Frames are not evenly spaced: frame numbers count decoded frames, not time.")
        if len(eye.watch.keyframes.shots) > MOST_SHOTS:
            found.append(f"It has more than {MOST_SHOTS} shots; the last one holds all that follows.")
        if self._first_heard is not None:
            length = float(self._frames / self._promise.rate)
            apart = self._heard - self._first_picture - length
            if abs(apart) > _APART:
                found.append(f"The sound ends {abs(apart):.1f} s {'after' if apart > 0 else 'before'} the picture.")
        return found


def _start_of(picture: "Stream | None") -> float:
    """Seconds at which the picture begins, as the file counts; 0 where there is none."""
    if picture is None or picture.start_time is None or picture.time_base is None:
        return 0.0
    return float(picture.start_time * picture.time_base)
