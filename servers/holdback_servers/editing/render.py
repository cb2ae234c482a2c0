"""A finished file out of a timeline. Runs in the media worker.

The cut is made in chunks, on all processors, those that are kept already taken as they are; the sound is mixed and
coded meanwhile; then all is joined, and what was written is read again.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing import chunks
from holdback_servers.editing.chunks import Chunk, Look
from holdback_servers.editing.compositing.drawing import Alpha, Compositor
from holdback_servers.editing.compositing.recipes import Recipe, recipes
from holdback_servers.editing.encoding import Coded, Delivery, Form, encode_sound
from holdback_servers.editing.measuring.files import decoded_sound, read_back, require_lengths
from holdback_servers.editing.measuring.levels import Measured, bring_to, measure
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.pictures import BT709, Colours, Reader, ahead, colours_of, converted
from holdback_servers.editing.placing import size_of
from holdback_servers.editing.profiles import Profile, misses
from holdback_servers.editing.sound import Sound, mix

Report = Callable[[int, int, str], None]
"""Told how many frames are done, of how many, and what is being done."""
_MOST_WORKERS = 4
_HDR = {16: "PQ", 18: "HLG"}
"""Transfers of high dynamic range, by FFmpeg's numbers."""


def render_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Render a timeline into a new file.

    Args:
        arguments: `timeline`, `profile` (their JSON), `files` (path by sha256), `output` (path), `work` (a folder for
            chunks), `cache` (a folder of chunks that are kept, or none).

    Returns:
        What was measured in the file that was written; `made` and `kept` count frames.
    """
    job = _Job(
        timeline=Timeline.model_validate(arguments["timeline"]),
        profile=Profile.model_validate(arguments["profile"]),
        files={media: Path(path) for media, path in arguments["files"].items()},
        work=Path(arguments["work"]),
        cache=Path(arguments["cache"]) if arguments.get("cache") else None,
        report=report,
    )
    return job.run(Path(arguments["output"]))


@dataclass
class _Job:
    timeline: Timeline
    profile: Profile
    files: dict[str, Path]
    work: Path
    cache: Path | None
    report: Report
    _done: int = 0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, output: Path) -> dict[str, Any]:
        """Make what is missing, join it, and read the file again."""
        timeline, total = self.timeline, self.timeline.frames
        self.report(0, total, "planning")
        form = self._form()
        every = recipes(timeline, form.size)
        spans = chunks.split(timeline, whole=self.profile.video.codec == "mpeg2_422")
        canvas = (timeline.width, timeline.height)
        names = [chunks.key_of(every[each.in_frame : each.out_frame], canvas, form) for each in spans]
        missing = [
            (span, self.work / name)
            for span, name in zip(spans, names, strict=True)
            if not self._fetch(name, span.frames)
        ]
        self._done = total - sum(span.frames for span, _ in missing)
        kept = self._done
        sound, coded, heard = self._make(missing, every, form)
        self.report(total, total, "joining")
        looks, digest = self._join(output, [self.work / name for name in names], form, sound, coded)
        self.report(total, total, "measuring")
        found = read_back(output, self.profile, form, digest) | heard._asdict()
        require_lengths(found, timeline)
        black, still = chunks.runs(looks, timeline.rate.nominal)
        runs = {"black": [each.model_dump() for each in black], "still": [each.model_dump() for each in still]}
        if missed := misses(timeline, self.profile, found, black):
            raise _refused(missed)
        return {**found, **runs, "made": total - kept, "kept": kept}

    def _form(self) -> Form:
        profile, timeline = self.profile, self.timeline
        told = self._colours() if timeline.clips else BT709
        if profile.colour == "bt709":
            if told.transfer in _HDR:
                raise Problem(
                    "TIMELINE_INVALID",
                    f"The first clip's media is {_HDR[told.transfer]} (high dynamic range); this delivery is BT.709, "
                    "and nothing here maps one to the other.",
                    "Grade the material to BT.709 and ingest that, or render with prores_master.",
                )
            told = BT709
        return Form(profile.video, profile.size(timeline.picture), timeline.rate, told)

    def _colours(self) -> Colours:
        """Those of the first source: the others are brought to them."""
        clip = self.timeline.clips[0]
        reader = Reader(self.files[clip.media], self.timeline.rate, clip.media)
        try:
            return colours_of(reader.frame(clip.source.in_frame))
        finally:
            reader.close()

    def _fetch(self, name: str, frames: int) -> bool:
        """Whether the chunk is there; one that is kept is taken into this work, so that nothing takes it away."""
        place = self.work / name
        if not place.exists() and self.cache is not None:
            with contextlib.suppress(OSError):
                _lay(self.cache / name, place)
                os.utime(self.cache / name)
        found = chunks.read_chunk(place) if place.exists() else None
        if found is None or len(found.coded.packets) != frames:
            place.unlink(missing_ok=True)
            if self.cache is not None:
                (self.cache / name).unlink(missing_ok=True)
            return False
        return True

    def _make(
        self, missing: list[tuple[Span, Path]], every: list[Recipe], form: Form
    ) -> tuple[Sound, Coded | None, Measured]:
        workers = max(1, min(_MOST_WORKERS, os.cpu_count() or 1))
        blocks = _blocks(missing, workers)
        alone = len(blocks) < workers
        with ThreadPoolExecutor(workers) as pool:
            heard = pool.submit(self._sound)
            made = [pool.submit(self._chunks, block, every, form, alone) for block in blocks]
            try:
                for each in [*made, heard]:
                    each.result()
            except BaseException:
                self._stopped.set()
                _forget([*made, heard])
                raise
            return heard.result()

    def _sound(self) -> tuple[Sound, Coded | None, Measured]:
        """The finished sound, coded where it is coded as a whole, and what the coded sound measures."""
        sound = bring_to(mix(self.timeline, self.files), self.profile.target(self.timeline))
        if self.profile.audio.codec == "aac":
            coded = encode_sound(sound, self.profile.audio)
            return sound[:, :0], coded, measure(decoded_sound(coded, sound.shape[1]))
        return sound, None, measure(sound)

    def _chunks(self, block: list[tuple[Span, Path]], every: list[Recipe], form: Form, alone: bool) -> None:
        """Make some chunks one after the other; `alone` uses a second thread, as there is one to spare."""
        source = _Sources(self.timeline, self.files, form, threads=0 if alone else 1)
        compositor = Compositor(
            source.frame, (self.timeline.width, self.timeline.height), form.size, form.video.pixels, form.colours
        )
        try:
            for span, place in block:
                wanted = every[span.in_frame : span.out_frame]
                pictures = self._told(compositor.picture(each) for each in wanted)
                chunk = chunks.make(ahead(pictures) if alone else pictures, span.frames, form)
                self._keep(chunk, place)
        finally:
            source.close()

    def _told(self, pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        for picture in pictures:
            if self._stopped.is_set():
                raise Problem("CANCELLED", "The render was stopped.")
            yield picture
            with self._lock:
                self._done += 1
                if self._done % 24 == 0:
                    self.report(self._done, self.timeline.frames, "rendering")

    def _keep(self, chunk: Chunk, place: Path) -> None:
        chunks.write_chunk(chunk, place)
        if self.cache is not None:
            with contextlib.suppress(FileExistsError):
                _lay(place, self.cache / place.name)

    def _join(
        self, output: Path, places: Sequence[Path], form: Form, sound: Sound, coded: Coded | None
    ) -> tuple[list[Look], str]:
        """Write the file. Answers with what its pictures look like, and the hash of them as they were coded."""
        delivery = Delivery(
            output, self.profile, form, sound=sound, coded_sound=coded, start=self.profile.start(self.timeline)
        )
        looks: list[Look] = []
        try:
            for place in places:
                chunk = chunks.read_chunk(place)
                if chunk is None:
                    raise Problem("INTERNAL", "A part of the render was lost on the disk.", "Render it again.")
                delivery.add(chunk.coded)
                looks.append(chunk.look)
        finally:
            delivery.close()
        return looks, delivery.digest


def _lay(there: Path, here: Path) -> None:
    """The same bytes under another name: a link, or a copy where the file systems differ or have no links.

    Raises:
        OSError: FileExistsError when there is such a file already, FileNotFoundError when there are no bytes.
    """
    try:
        os.link(there, here)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        part = here.with_suffix(f".{os.getpid()}")
        shutil.copyfile(there, part)
        part.replace(here)


def _refused(missed: list[str]) -> Problem:
    return Problem(
        "TIMELINE_INVALID",
        f"The finished file misses its profile and was thrown away: {'; '.join(missed)}.",
        "Revise the timeline, or render it with another profile.",
        findings=missed,
    )


def _forget(futures: Sequence[Future[Any]]) -> None:
    for each in futures:
        each.cancel()


def _blocks(missing: list[tuple[Span, Path]], workers: int) -> list[list[tuple[Span, Path]]]:
    """Chunks that are made one after the other by one thread: as they are neighbours, their media is read on."""
    share = sum(span.frames for span, _ in missing) // (workers * 3)
    found: list[list[tuple[Span, Path]]] = []
    for span, place in missing:
        last = found[-1] if found else None
        if last is None or last[-1][0].out_frame != span.in_frame or sum(each.frames for each, _ in last) >= share:
            found.append([(span, place)])
        else:
            last.append((span, place))
    return found


class _Sources:
    """The media of a timeline, opened as they are needed, for one thread."""

    def __init__(self, timeline: Timeline, files: dict[str, Path], form: Form, threads: int) -> None:
        self._timeline, self._files, self._form, self._threads = timeline, files, form, threads
        self._readers: dict[str, Reader] = {}
        self._alphas: dict[int, tuple[VideoFrame, Alpha]] = {}

    def close(self) -> None:
        """Let go of all files."""
        for each in self._readers.values():
            each.close()

    def frame(self, media: str, number: int) -> tuple[VideoFrame, Alpha | None]:
        """A frame in the form of the render, and how opaque it is."""
        if media not in self._readers:
            self._readers[media] = Reader(self._files[media], self._timeline.rate, media, self._threads)
        frame = self._readers[media].frame(number)
        facts = self._timeline.facts(media)
        assert facts is not None
        if (frame.width, frame.height) != size_of(facts):
            wide, high = size_of(facts)
            raise Problem(
                "MEDIA_DAMAGED",
                f"{media} is {frame.width} x {frame.height} at frame {number}; its statement says {wide} x {high}.",
                "Ingest the media again.",
            )
        return converted(frame, self._form.video.pixels, self._form.colours), _alpha(frame)


def _alpha(frame: VideoFrame) -> Alpha | None:
    if not any(each.is_alpha for each in frame.format.components):
        return None
    width, height = frame.width // 2 * 2, frame.height // 2 * 2
    return np.ascontiguousarray(frame.to_ndarray(format="rgba")[:height, :width, 3], dtype=np.uint8)
