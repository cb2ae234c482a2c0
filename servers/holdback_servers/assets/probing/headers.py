"""What the headers of a file tell, as plain values. Runs in the media worker."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem

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
_STILL_RATE = Fraction(25)
"""A still picture is one frame at this rate, since frames need a rate."""
_UNNAMED_LAYOUTS = {1: "mono", 2: "stereo"}
"""What so many channels are where a file, as most WAVE files, does not say how they lie."""
_PCM = re.compile(r"pcm_[suf](8|16|20|24|32|64)(?:le|be|_planar|le_planar|be_planar)?")
_STREAMINFO, _COOKIE = 34, 36
_FIELD_ORDERS = {2: "top_first", 3: "bottom_first", 4: "bottom_first", 5: "top_first"}
"""FFmpeg's AVFieldOrder; of two fields coded in one order and shown in another, what is shown counts."""


@dataclass(frozen=True)
class Headers:
    """What the headers tell. `frames` are a promise until they have been counted, 0 when nothing is promised.

    `rate` counts frames a second, or samples where there is no picture; `timecode` is the start timecode as written.
    """

    container: str
    size_bytes: int
    frames: int
    rate: Fraction
    timecode: str | None
    video: dict[str, Any] | None
    audio: list[dict[str, Any]]

    @property
    def still(self) -> bool:
        """Whether it is a picture that never moves."""
        return self.container in _STILLS

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "container": self.container,
            "size_bytes": self.size_bytes,
            "frames": self.frames,
            "rate": _plain_rate(self.rate),
            "start_timecode": self.timecode,
            "video": self.video,
            "audio": self.audio,
        }


def main_picture(container: "InputContainer") -> "VideoStream | None":
    """The first picture stream that is not a cover, and whose codec is known."""
    from av.stream import Disposition

    pictures = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return next((s for s in pictures if _known(s)), None)


def main_sound(container: "InputContainer") -> "AudioStream | None":
    """The first stream of sound whose codec is known."""
    return next((s for s in container.streams.audio if _known(s)), None)


def _known(stream: "VideoStream | AudioStream") -> bool:
    context: Any = stream.codec_context
    return context is not None  # as it is for a codec that FFmpeg does not know


def read_headers(container: "InputContainer", size_bytes: int, name: str) -> Headers:
    """What the headers tell.

    Raises:
        Problem: NOT_MEDIA when there is neither picture nor sound, TOO_LARGE for a picture beyond 16384 x 8640.
    """
    picture = main_picture(container)
    audio = [audio_facts(stream) for stream in container.streams.audio if _known(stream)]
    if picture is None and not audio:
        raise Problem("NOT_MEDIA", f"{name} holds neither picture nor sound.", "Give a file with media in it.")
    if picture is None:
        rate = Fraction(audio[0]["sample_rate"])
    else:
        rate = _STILL_RATE if container.format.name in _STILLS else picture_rate(picture)
    told: list[Mapping[str, str]] = [container.metadata, *(stream.metadata for stream in container.streams)]
    return Headers(
        container=container.format.name,
        size_bytes=size_bytes,
        frames=promised_frames(container, picture, rate),
        rate=rate,
        timecode=None if picture is None else next((each["timecode"] for each in told if "timecode" in each), None),
        video=None if picture is None else video_facts(picture, rate, name),
        audio=audio,
    )


def promised_frames(container: "InputContainer", picture: "VideoStream | None", rate: Fraction) -> int:
    """How many frames the headers promise; 0 when they do not say."""
    if picture is not None and container.format.name in _STILLS:
        return 1
    if picture is not None and picture.frames:
        return picture.frames
    stream = picture or main_sound(container)
    if stream is not None and stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    return round(Fraction(container.duration, 1_000_000) * rate) if container.duration else 0


def counts_its_frames(container: "InputContainer", picture: "VideoStream | None") -> bool:
    """Whether the promise is a count of frames, rather than a duration."""
    return picture is not None and picture.frames > 0 and container.format.name not in _STILLS


def video_facts(stream: "VideoStream", rate: Fraction, name: str) -> dict[str, Any]:
    """The fields of `VideoFacts`. Raises MEDIA_DAMAGED for a picture without a size, TOO_LARGE for a huge one."""
    from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

    context = stream.codec_context
    width, height = context.width, context.height
    if not width or not height or context.pix_fmt is None:
        what = "has no size or form that can be read: none is told, or one beyond all bounds"
        raise Problem("MEDIA_DAMAGED", f"The picture of {name} {what}.", "Take it from its source again.")
    if width * height > _MOST_PIXELS:
        raise Problem("TOO_LARGE", f"The picture of {name} is {width}x{height}.", "16384x8640 is the most.")
    sample = stream.sample_aspect_ratio or Fraction(1)
    transfer = _colour(ColorTrc, context.color_trc)
    return {
        "codec": context.codec.canonical_name,
        "profile": context.profile,
        "level": context.level if context.level > 0 else None,
        "field_order": _FIELD_ORDERS.get(context.field_order, "progressive"),
        "pixel_format": context.pix_fmt,
        "bit_depth": stream.format.components[0].bits,
        "width": width,
        "height": height,
        "sample_aspect": _ratio(sample),
        "display_aspect": _ratio(sample * width / height),
        "rate": _plain_rate(rate),
        "primaries": _colour(ColorPrimaries, context.color_primaries),
        "transfer": transfer,
        "matrix": _colour(Colorspace, context.colorspace),
        "range": _colour(ColorRange, context.color_range),
        "hdr": {"SMPTE2084": "PQ", "ARIB_STD_B67": "HLG"}.get(transfer or ""),
        "bit_rate": context.bit_rate or None,
    }


def audio_facts(stream: "AudioStream") -> dict[str, Any]:
    """The fields of `AudioFacts`."""
    context, language, layout = stream.codec_context, stream.language, stream.layout.name
    return {
        "codec": context.codec.canonical_name,
        "sample_rate": max(1, context.sample_rate),
        "channels": context.channels,
        "layout": _UNNAMED_LAYOUTS.get(context.channels, layout) if layout.endswith(" channels") else layout,
        "language": language if language and language != "und" else None,
        "bit_depth": _sound_bits(context.codec.canonical_name, context.extradata or b""),
        "bit_rate": context.bit_rate or None,
    }


def _sound_bits(codec: str, told: bytes) -> int | None:
    """Bits of a sample as stored, which the decoder hands out in 16 or 32; None where sound is coded with loss.

    Of FLAC they stand in its STREAMINFO (RFC 9639, 8.2), of ALAC in its magic cookie.
    """
    if codec == "flac" and len(told) == _STREAMINFO:
        return ((told[12] & 1) << 4 | told[13] >> 4) + 1
    if codec == "alac" and len(told) == _COOKIE:
        return told[17]
    written = _PCM.fullmatch(codec)
    return int(written[1]) if written else None


def picture_rate(stream: "VideoStream") -> Fraction:
    """The stream's frames a second; what lies within a ten-thousandth of a standard rate is that rate."""
    told = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
    near = next((each for each in _STANDARD if abs(told - each) * 10_000 <= each), told.limit_denominator(100_000))
    return max(near, Fraction(1, 100_000))


def _plain_rate(rate: Fraction) -> dict[str, int]:
    return {"num": rate.numerator, "den": rate.denominator}


def _ratio(value: Fraction) -> str:
    value = value.limit_denominator(1000)
    return f"{value.numerator}:{value.denominator}"


def _colour(names: Any, value: int) -> str | None:
    try:
        name = str(names(value).name)
    except ValueError:
        return None
    return None if name in ("UNSPECIFIED", "NB") else name
