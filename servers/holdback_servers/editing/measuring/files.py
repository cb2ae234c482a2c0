"""What media files measure, and finished files read as another program would. Runs in the media worker."""

import hashlib
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.video.stream import VideoStream
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate

from holdback_servers.editing.encoding import DECODERS, Coded, Form, decode, payload
from holdback_servers.editing.measuring.levels import Measured, measure
from holdback_servers.editing.model import SAMPLE_RATE, Timeline, samples_at
from holdback_servers.editing.profiles import Profile
from holdback_servers.editing.sound import Sound, array, as_long, exact_sound
from holdback_servers.media_reading import open_media

if TYPE_CHECKING:
    from av.container import InputContainer

Report = Callable[[int, int, str], None]


def decoded_sound(coded: Coded, count: int) -> Sound:
    """So many samples of coded sound, as another program would read them."""
    first = coded.packets[0].pts
    blocks = [array(frame) for frame in decode(coded, "aac") if isinstance(frame, AudioFrame)]
    return as_long(blocks, count - first)[:, -first:] if first < 0 else as_long(blocks, count)


def read_back(path: Path, profile: Profile, form: Form, digest: str) -> dict[str, Any]:
    """What a finished file says and holds, read as another program would.

    Raises:
        Problem: INTERNAL when a picture is missing or changed, or it is not coded as the profile says.
    """
    found = hashlib.sha256()
    with open_media(path, "the render") as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        frames = samples = 0
        for packet in container.demux(video, sound):
            if packet.stream.type == "video" and packet.size:
                frames += 1
                found.update(payload(bytes(packet), profile.video.codec, in_file=profile.container != "mxf"))
        seconds = Fraction(sound.duration or 0) * (sound.time_base or 1)
        samples = round(seconds * SAMPLE_RATE)
        rate = video.guessed_rate or video.average_rate or Fraction(0)
        said = (video.codec_context.name, (video.width, video.height), video.pix_fmt, rate, sound.codec_context.name)
        facts = {"start_timecode": _start(container)}
    wanted = (
        DECODERS[profile.video.codec], form.size, profile.video.pixels, form.rate.fraction,
        DECODERS[profile.audio.codec],
    )  # fmt: skip
    if said != wanted or found.hexdigest() != digest:
        raise Problem(
            "INTERNAL",
            f"The finished file reads as {said} instead of {wanted}, its pictures "
            f"{'as they were coded' if found.hexdigest() == digest else 'changed'}.",
            "Report this with the timeline.",
        )
    measures = {"frames": frames, "width": form.size[0], "height": form.size[1], "rate": form.rate.model_dump()}
    return {**facts, **measures, "sound_samples": samples}


def require_lengths(found: dict[str, Any], timeline: Timeline) -> None:
    """Raises Problem INTERNAL when the file is not as long as the timeline: no such file may leave."""
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
        arguments: `path`; `name` for messages.
    """
    path, name = Path(arguments["path"]), str(arguments.get("name", ""))
    facts: dict[str, Any] = {"frames": 0}
    length = 0
    with open_media(path, name) as container:
        if container.streams.video:
            report(0, 0, "reading pictures")
            stream = container.streams.video[0]
            rate = stream.guessed_rate or stream.average_rate or Fraction(25)
            facts |= {"frames": _count(container, stream, name)}
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


def _count(container: "InputContainer", stream: VideoStream, name: str) -> int:
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
