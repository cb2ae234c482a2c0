"""What a file says of itself, before a frame of it is decoded. Runs in the media worker.

Answers in plain values: the worker starts in half the time without pydantic, and what it says is checked on the other
side of the pipe anyway (`ingest.technical_facts`).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from holdback_base.problem import Problem

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
_STILL_RATE = Fraction(25)
"""A still picture is one frame at this rate, since frames need a rate."""
_FIELD_ORDERS = {2: "top_first", 3: "bottom_first", 4: "bottom_first", 5: "top_first"}
"""FFmpeg's AVFieldOrder; of two fields coded in one order and shown in another, what is shown counts."""
Part = tuple[str, int]
"""The name of an outermost part, and the byte behind its last."""
_EBML_ID, _EBML_SIZE = 4, 8
_WAVE_STREAMED = (0, 0xFFFFFFFF)
"""Sizes that a writer leaves that could not go back to the start: they promise nothing."""


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


def probe(arguments: dict[str, Any], _report: object) -> dict[str, Any]:
    """Worker function: what the headers of `path`, called `name`, tell."""
    path, name = Path(arguments["path"]), str(arguments["name"])
    with open_media(path, name) as container:
        check_ending(path, name, container.format.name)
        return read_headers(container, path.stat().st_size, name).plain()


def main_picture(container: "InputContainer") -> "VideoStream | None":
    """The first picture stream that is not a cover."""
    from av.stream import Disposition

    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)


def read_headers(container: "InputContainer", size_bytes: int, name: str) -> Headers:
    """What the headers tell.

    Raises:
        Problem: NOT_MEDIA when there is neither picture nor sound, TOO_LARGE for a picture beyond 16384 x 8640.
    """
    picture = main_picture(container)
    audio = [audio_facts(stream) for stream in container.streams.audio]
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
    stream = picture or container.streams.audio[0]
    if stream.duration and stream.time_base:
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
        raise Problem("MEDIA_DAMAGED", f"The picture of {name} has no size or form.", "Take it from its source again.")
    if width * height > _MOST_PIXELS:
        raise Problem("TOO_LARGE", f"The picture of {name} is {width}x{height}.", "16384x8640 is the most.")
    sample = stream.sample_aspect_ratio or Fraction(1)
    transfer = _colour(ColorTrc, context.color_trc)
    return {
        "codec": context.name,
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
    context, language = stream.codec_context, stream.language
    return {
        "codec": context.name,
        "sample_rate": max(1, context.sample_rate),
        "channels": context.channels,
        "layout": context.layout.name,
        "language": language if language and language != "und" else None,
        "bit_depth": stream.format.bits if context.name.startswith(("pcm_", "flac", "alac")) else None,
        "bit_rate": context.bit_rate or None,
    }


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


def check_ending(path: Path, name: str, container: str) -> None:
    """Compare the outermost parts of a file with its length: boxes, RIFF chunks, Matroska segments.

    A decoder does not notice: sound or the last pictures are missing, and all before decodes well.

    Args:
        container: FFmpeg's name of the format; of any other nothing is known here, and nothing is said.

    Raises:
        Problem: MEDIA_DAMAGED when a part ends beyond the file.
    """
    parts = next((parts for format_name, parts in _PARTS.items() if format_name in container.split(",")), None)
    if parts is None:
        return
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        for part, end in parts(file, length):
            if end > length:
                raise Problem(
                    "MEDIA_DAMAGED",
                    f"{name} is truncated: its part {part!r} ends at byte {end}, the file at byte {length}.",
                    "Copy the file again from its source and compare sizes.",
                    bytes=length,
                    promised=end,
                )


def _boxes(file: BinaryIO, length: int) -> Iterator[Part]:
    """ISO/IEC 14496-12, 4.2: a 32-bit size; 1 says that 64 bits follow, 0 that the box goes to the end of the file."""
    at = 0
    while at < length:
        head = _read(file, at, 16)
        if len(head) < 8:
            if any(head):  # else padding
                yield _name(head[4:]), at + 8
            return
        size, least = int.from_bytes(head[:4]), 8
        if size == 1:
            size, least = int.from_bytes(head[8:16]), 16
            if len(head) < 16:
                yield _name(head[4:8]), at + 16
                return
        if size < least:  # to the end of the file, or no box
            return
        at += size
        yield _name(head[4:8]), at


def _chunks(file: BinaryIO, length: int) -> Iterator[Part]:
    """RIFF, and RF64 of EBU Tech 3306, whose 64-bit size stands in its first chunk. The pad byte may be left out."""
    at = 0
    while at + 8 <= length:
        head = _read(file, at, 28)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] == b"RF64" and head[12:16] == b"ds64":
            size = int.from_bytes(head[20:28], "little")
        if head[:4] not in (b"RIFF", b"RF64") or size in _WAVE_STREAMED:
            return
        yield _name(head[:4]), at + 8 + size - size % 2
        at += 8 + size + size % 2


def _elements(file: BinaryIO, length: int) -> Iterator[Part]:
    """EBML, RFC 8794: an id and a size of variable length; a size of ones only is unknown."""
    at = 0
    while at < length:
        head = _read(file, at, _EBML_ID + _EBML_SIZE)
        id_length = 9 - head[0].bit_length()
        size_at = head[id_length] if id_length < len(head) else 0
        size_length = 9 - size_at.bit_length()
        if id_length > _EBML_ID or size_length > _EBML_SIZE:
            return
        ones = (1 << 7 * size_length) - 1
        size = int.from_bytes(head[id_length : id_length + size_length]) & ones
        if size == ones:
            return
        at += id_length + size_length + size
        yield head[:id_length].hex(), at


_PARTS: dict[str, Callable[[BinaryIO, int], Iterator[Part]]] = {
    "mov": _boxes,
    "matroska": _elements,
    "wav": _chunks,
    "avi": _chunks,
}


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _name(code: bytes) -> str:
    return code.decode("ascii", "replace")
