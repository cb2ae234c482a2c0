"""A finished file out of a timeline, and what a file measures. Runs in the media worker.

The same timeline and profile give the same bytes, on the same wheels and kind of processor: x264 repeats bit for bit
with `cpu-independent` and one thread, scaling with `accurate_rnd+bitexact`, the file with `bitexact`.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate

from holdback_servers.editing.lettering import burn, draw
from holdback_servers.editing.measuring import Measured, bring_to, measure
from holdback_servers.editing.model import SAMPLE_RATE, Timeline, samples_at
from holdback_servers.editing.parts import Clip
from holdback_servers.editing.pictures import Picture, Shaper, ahead, blurs_on, exact_frames, picture_of, veil
from holdback_servers.editing.placing import view_of
from holdback_servers.editing.profiles import Profile, built_in
from holdback_servers.editing.sound import Sound, as_frame, exact_sound, mix
from holdback_servers.media_reading import open_media

if TYPE_CHECKING:
    from av.container import InputContainer

Report = Callable[[int, int, str], None]
"""Told how many frames are done, of how many, and what is being done."""


def render_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Render a timeline into a new MP4 file.

    Args:
        arguments: `timeline` (its JSON), `files` (path by sha256), `output` (path), `profile` (its name).

    Returns:
        Frames, size, rate and loudness as measured in the file that was written.
    """
    timeline = Timeline.model_validate(arguments["timeline"])
    files = {media: Path(path) for media, path in arguments["files"].items()}
    output, profile = Path(arguments["output"]), built_in()[arguments["profile"]]
    total = timeline.frames
    report(0, total, "mixing sound")
    sound = bring_to(mix(timeline, files), timeline.loudness)
    finished = profile.size(timeline.picture)
    with av.open(str(output), "w", format="mp4", options=_MP4) as container:
        pictures = _told(ahead(_pictures(timeline, files, finished)), total, report)
        first = files[timeline.clips[0].media]
        _write(container, timeline.rate, profile, (finished, pictures), sound, colour=_colour(first))
    report(total, total, "measuring")
    found = measure_file({"path": str(output), "name": "the render", "decode": False}, report)
    _check_lengths(found, timeline)
    return found


_MP4 = {"fflags": "+bitexact", "movflags": "+faststart"}


def _colour(path: Path) -> dict[str, int]:
    """How the first source says its colours are to be read; a source of standard height that says nothing is BT.601,
    a higher one BT.709, as players take it. Without it a picture that changes its height would change its colours."""
    with open_media(path) as container:
        context = container.streams.video[0].codec_context
        usual = _BT709 if context.height >= 720 else _BT601
        told = (int(context.color_primaries), int(context.color_trc), int(context.colorspace))
    names = ("color_primaries", "color_trc", "colorspace")
    colour = {name: usual if value in _UNSAID else value for name, value in zip(names, told, strict=True)}
    return {**colour, "color_range": 1}


_BT709, _BT601 = 1, 6
_UNSAID = (0, 2)


def _told(pictures: Iterator[Picture], total: int, report: Report) -> Iterator[Picture]:
    for number, picture in enumerate(pictures):
        if number % 24 == 0:
            report(number, total, "rendering")
        yield picture


def _write(
    container: Any,  # an output container: PyAV leaves the types of its packets open
    rate: Rate,
    profile: Profile,
    video: tuple[tuple[int, int], Iterator[Picture]],
    sound: Sound,
    *,
    colour: dict[str, int],
) -> None:
    """Encode pictures of a size, and the sound beside each."""
    (width, height), pictures = video
    seen = container.add_stream("libx264", rate=rate.fraction, options=_x264(profile))
    seen.width, seen.height, seen.pix_fmt = width, height, "yuv420p"
    seen.codec_context.flags |= Flags.bitexact
    seen.codec_context.thread_count = 1
    for name, value in colour.items():
        setattr(seen.codec_context, name, value)
    seen.codec_context.time_base = 1 / rate.fraction
    heard = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", options={"aac_coder": "fast"})
    heard.codec_context.flags |= Flags.bitexact
    heard.bit_rate = profile.audio.bits
    for number, picture in enumerate(pictures):
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = number, 1 / rate.fraction
        container.mux(seen.encode(frame))
        begin, end = samples_at(number, rate), samples_at(number + 1, rate)
        container.mux(heard.encode(as_frame(sound[:, begin:end], begin)))
    container.mux(seen.encode(None))
    container.mux(heard.encode(None))


def _x264(profile: Profile) -> dict[str, str]:
    return {
        "preset": profile.video.preset,
        "crf": str(profile.video.crf),
        "x264-params": "cpu-independent=1:threads=1:lookahead-threads=1:cabac=1:deblock=0,0",
    }


def _pictures(timeline: Timeline, files: dict[str, Path], finished: tuple[int, int]) -> Iterator[Picture]:
    """Every finished picture in order."""
    plates = [draw(credit, finished, float(timeline.rate.fraction)) for credit in timeline.credits]
    number = 0
    for clip, _ in timeline.placed():
        for picture in _clip_pictures(timeline, clip, files[clip.media], finished):
            for plate in plates:
                burn(picture, plate, number)
            yield picture
            number += 1


def _clip_pictures(timeline: Timeline, clip: Clip, path: Path, finished: tuple[int, int]) -> Iterator[Picture]:
    facts = timeline.facts(clip.media)
    assert facts is not None
    view = view_of(timeline, clip, facts)
    source = (view.source[0] // 2 * 2, view.source[1] // 2 * 2)
    shaper = Shaper(view, (timeline.width, timeline.height), finished, timeline.rate)
    veils = blurs_on(timeline, clip, source)
    numbers = itertools.count(clip.source.in_frame)
    frames = exact_frames(path, clip.source, timeline.rate, clip.media)
    for number, frame in zip(numbers, frames, strict=False):
        if (frame.width, frame.height) != view.source:
            raise Problem(
                "MEDIA_DAMAGED",
                f"{clip.media} is {frame.width} x {frame.height} at frame {number}; its statement says "
                f"{view.source[0]} x {view.source[1]}.",
                "Ingest the media again.",
            )
        picture = picture_of(frame)
        for span, region in veils:
            if span.in_frame <= number < span.out_frame:
                veil(picture, region)
        yield shaper.shape(picture)


def _check_lengths(found: dict[str, Any], timeline: Timeline) -> None:
    """Raises Problem INTERNAL when the file is not what was asked for: no such file may leave."""
    apart = abs(found["sound_samples"] - samples_at(timeline.frames, timeline.rate))
    if found["frames"] != timeline.frames or apart > SAMPLE_RATE / timeline.rate.fraction:
        raise Problem(
            "INTERNAL",
            f"The render has {found['frames']} frames and {found['sound_samples']} samples of sound instead of "
            f"{timeline.frames} frames and as much sound.",
            "Report this with the timeline.",
        )


def measure_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Frames, size, rate, and loudness of a media file.

    Args:
        arguments: `path`; `name` for messages; `decode` (true) reads every picture, else packets are counted, which is
            as good for a file that this room has just written.
    """
    path, name = Path(arguments["path"]), str(arguments.get("name", ""))
    facts: dict[str, Any] = {"frames": 0}
    length = 0
    with open_media(path, name) as container:
        if container.streams.video:
            report(0, 0, "reading pictures")
            stream = container.streams.video[0]
            rate = stream.guessed_rate or stream.average_rate or Fraction(25)
            facts |= {"frames": _count(container, stream, bool(arguments.get("decode", True)), name)}
            facts |= {"width": stream.width, "height": stream.height}
            facts["start_timecode"] = _start(container)
            facts |= {"rate": Rate(num=rate.numerator, den=rate.denominator).model_dump()}
        if container.streams.audio:
            sound = container.streams.audio[0]
            seconds = Fraction(sound.duration or 0) * (sound.time_base or 1) or Fraction(container.duration or 0, 10**6)
            length = round(seconds * SAMPLE_RATE)
    if length > _LONGEST_SOUND:
        raise Problem("TOO_LARGE", f"{name} lasts longer than an hour.", "Measure a shorter piece.")
    report(0, 0, "measuring sound")
    found = measure(exact_sound(path, 0, length, name)) if length else Measured(None, None, None)
    return {**facts, "sound_samples": length, **found._asdict()}


_LONGEST_SOUND = 3600 * SAMPLE_RATE


def _count(container: "InputContainer", stream: VideoStream, decode: bool, name: str) -> int:
    if not decode:
        return sum(1 for packet in container.demux(stream) if packet.size)
    stream.thread_type = "AUTO"
    try:
        return sum(1 for _ in container.decode(stream))
    except FFmpegError as error:
        raise Problem("MEDIA_DAMAGED", f"{name} cannot be decoded to its end.", "Ingest it again.") from error


def start_timecodes(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """The timecode of the first frame of each file that tells one.

    Args:
        arguments: `files` (path by sha256).
    """
    starts: dict[str, str] = {}
    for media, path in arguments["files"].items():
        with open_media(Path(path), media) as container:
            if (start := _start(container)) is not None:
                starts[media] = start
    return {"starts": starts}


def _start(container: "InputContainer") -> str | None:
    """A timecode that a track or the file itself carries, if it is one."""
    told = [stream.metadata.get("timecode") for stream in container.streams] + [container.metadata.get("timecode")]
    return next((each for each in told if each and _TIMECODE.fullmatch(each)), None)


_TIMECODE = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")
