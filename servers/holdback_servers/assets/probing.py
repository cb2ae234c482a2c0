"""What a file says of itself, before a frame of it is decoded. Runs in the media worker."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, frames_to_timecode, timecode_to_frames

from holdback_servers.assets.model import AudioFacts, TechnicalFacts, VideoFacts
from holdback_servers.media_reading import open_media

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

_STANDARD = (
    *(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)),
    *(Fraction(n) for n in (12, 15, 24, 25, 30, 48, 50, 60, 100, 120)),
)
_MOST_PIXELS = 16384 * 8640
_STILLS = frozenset({"png_pipe", "jpeg_pipe", "webp_pipe", "tiff_pipe", "bmp_pipe"})
STILL_RATE = Rate(num=25)
"""A still picture is one frame at this rate, since frames need a rate."""


def probe(arguments: dict[str, Any], _report: object) -> dict[str, Any]:
    """Worker function: the technical facts of `path`, called `name`, from its headers alone."""
    path, name = Path(arguments["path"]), str(arguments["name"])
    with open_media(path, name) as container:
        return header_facts(container, path.stat().st_size, name).model_dump(mode="json")


def main_picture(container: "InputContainer") -> "VideoStream | None":
    """The first picture stream that is not a cover."""
    from av.stream import Disposition

    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)


def header_facts(container: "InputContainer", size_bytes: int, name: str) -> TechnicalFacts:
    """Facts as the headers tell them; frames are a promise until they have been counted.

    Raises:
        Problem: NOT_MEDIA when there is neither picture nor sound, TOO_LARGE for a picture beyond 16384 x 8640.
    """
    picture = main_picture(container)
    audio = tuple(audio_facts(stream) for stream in container.streams.audio)
    if picture is None and not audio:
        raise Problem("NOT_MEDIA", f"{name} holds neither picture nor sound.", "Give a file with media in it.")
    video = None if picture is None else video_facts(container, picture, name)
    rate = video.rate if video is not None else Rate(num=audio[0].sample_rate)
    warnings: list[str] = []
    start, drop = _start_timecode(container, rate, warnings) if video is not None else (None, False)
    return TechnicalFacts(
        container=container.format.name,
        size_bytes=size_bytes,
        frames=max(1, promised_frames(container, picture, rate)),
        rate=rate,
        start_timecode=None if start is None else frames_to_timecode(start, rate, drop=drop),
        start_frame=start or 0,
        drop_frame=drop,
        video=video,
        audio=audio,
        warnings=tuple(warnings),
    )


def promised_frames(container: "InputContainer", picture: "VideoStream | None", rate: Rate) -> int:
    """How many frames the headers promise; 0 when they do not say."""
    if picture is not None and container.format.name in _STILLS:
        return 1
    if picture is not None and picture.frames:
        return picture.frames
    stream = picture or container.streams.audio[0]
    if stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate.fraction)
    return round(Fraction(container.duration, 1_000_000) * rate.fraction) if container.duration else 0


def counts_its_frames(container: "InputContainer", picture: "VideoStream | None") -> bool:
    """Whether the promise is a count of frames, rather than a duration."""
    return picture is not None and picture.frames > 0 and container.format.name not in _STILLS


def video_facts(container: "InputContainer", stream: "VideoStream", name: str) -> VideoFacts:
    """Facts of a picture stream. Raises Problem MEDIA_DAMAGED when it has no size, TOO_LARGE when it is huge."""
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    context = stream.codec_context
    width, height = context.width, context.height
    if not width or not height or context.pix_fmt is None:
        raise Problem("MEDIA_DAMAGED", f"The picture of {name} has no size or form.", "Take it from its source again.")
    if width * height > _MOST_PIXELS:
        raise Problem("TOO_LARGE", f"The picture of {name} is {width}x{height}.", "16384x8640 is the most.")
    sample = stream.sample_aspect_ratio or Fraction(1)
    transfer = _colour(ColorTrc, context.color_trc)
    return VideoFacts(
        codec=context.name,
        profile=context.profile,
        pixel_format=context.pix_fmt,
        bit_depth=stream.format.components[0].bits,
        width=width,
        height=height,
        sample_aspect=_ratio(sample),
        display_aspect=_ratio(sample * width / height),
        rate=STILL_RATE if container.format.name in _STILLS else picture_rate(stream),
        primaries=_colour(ColorPrimaries, context.color_primaries),
        transfer=transfer,
        matrix=_colour(Colorspace, context.colorspace),
        range=_colour(ColorRange, context.color_range),
        hdr={"SMPTE2084": "PQ", "ARIB_STD_B67": "HLG"}.get(transfer or ""),  # pyright: ignore[reportArgumentType]
    )


def audio_facts(stream: "AudioStream") -> AudioFacts:
    """Facts of an audio stream."""
    context = stream.codec_context
    language = stream.language
    return AudioFacts(
        codec=context.name,
        sample_rate=max(1, context.sample_rate),
        channels=context.channels,
        layout=context.layout.name,
        language=language if language and language != "und" else None,
    )


def picture_rate(stream: "VideoStream") -> Rate:
    """The stream's frames a second; what lies within a ten-thousandth of a standard rate is that rate."""
    told = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
    near = next((each for each in _STANDARD if abs(told - each) * 10_000 <= each), told.limit_denominator(100_000))
    return Rate(num=max(1, near.numerator), den=near.denominator)


def _start_timecode(container: "InputContainer", rate: Rate, warnings: list[str]) -> tuple[int | None, bool]:
    """The start timecode as a frame and whether it is drop-frame; one that cannot exist is reported and left out."""
    told: list[Mapping[str, str]] = [container.metadata, *(stream.metadata for stream in container.streams)]
    text = next((each["timecode"] for each in told if "timecode" in each), None)
    if text is None:
        return None, False
    try:
        return timecode_to_frames(text, rate), ";" in text
    except Problem as problem:
        warnings.append(f"The start timecode is left out: {problem.message}")
        return None, False


def _ratio(value: Fraction) -> str:
    value = value.limit_denominator(1000)
    return f"{value.numerator}:{value.denominator}"


def _colour(names: Any, value: int) -> str | None:
    try:
        name = str(names(value).name)
    except ValueError:
        return None
    return None if name in ("UNSPECIFIED", "NB") else name
