"""Pictures and sound coded as a profile says, as packets that are joined into a file. Runs in the media worker.

The same pictures and profile give the same bytes, on the same wheels and kind of processor: x264 repeats bit for bit
with `cpu-independent` and one thread, the file with `bitexact`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.codec.codec import Codec
from av.codec.context import CodecContext, Flags
from av.packet import Packet as FilePacket
from av.video.frame import VideoFrame
from holdback_base.vocabulary import Rate

from holdback_servers.editing.model import SAMPLE_RATE, samples_at
from holdback_servers.editing.pictures import Colours
from holdback_servers.editing.profiles import Audio, Profile, Video
from holdback_servers.editing.sound import Sound, as_frame

ENCODERS = {"h264": "libx264", "mpeg2_422": "mpeg2video", "prores_hq": "prores_ks", "aac": "aac", "pcm_24": "pcm_s24le"}
DECODERS = {"h264": "h264", "mpeg2_422": "mpeg2video", "prores_hq": "prores", "aac": "aac", "pcm_24": "pcm_s24le"}
"""Coding by our names and by FFmpeg's."""


class Packet(NamedTuple):
    """A coded picture or piece of sound; times are in frames, or in samples."""

    pts: int
    dts: int
    duration: int
    key: bool
    data: bytes


class Coded(NamedTuple):
    """A run of packets that begins with a key frame and needs nothing before it, and the decoder's header."""

    header: bytes
    packets: tuple[Packet, ...]


class Form(NamedTuple):
    """What all pictures of a file share: their coding, size, rate and colours."""

    video: Video
    size: tuple[int, int]
    rate: Rate
    colours: Colours


def _configure(context: Any, form: Form, header: bool) -> None:
    context.width, context.height, context.pix_fmt = *form.size, form.video.pixels
    context.time_base, context.framerate = 1 / form.rate.fraction, form.rate.fraction
    context.sample_aspect_ratio = Fraction(1)
    context.thread_count = 1
    context.flags |= Flags.bitexact | Flags.closed_gop
    if header:
        context.flags |= Flags.global_header
    context.color_primaries, context.color_trc, context.colorspace = form.colours
    context.color_range = 1
    context.options = _options(form.video, form.rate)


def _options(video: Video, rate: Rate) -> dict[str, str]:
    """The encoder's settings. Arithmetic coding and deblocking are kept in whatever preset: with `ultrafast` they cost
    a tenth more time and halve the file."""
    gop = str(max(1, round(video.gop_ms * rate.fraction / 1000)))
    if video.codec == "prores_hq":
        return {"profile": "hq", "vendor": "apl0"}
    if video.codec == "mpeg2_422":
        bits = str(video.bits)
        steady = {"b": bits, "minrate": bits, "maxrate": bits, "bufsize": _VBV_BITS, "sc_threshold": "1000000000"}
        fine = {"dc": "10", "intra_vlc": "1", "non_linear_quant": "1", "qmin": "1", "qmax": "12"}
        return {**steady, **fine, "g": gop, "bf": str(video.b_frames or 0)}
    params = "cpu-independent=1:threads=1:lookahead-threads=1:open-gop=0:cabac=1:deblock=0,0"
    params += f":keyint={gop}" if video.gop_ms else ""
    params += "" if video.b_frames is None else f":bframes={video.b_frames}"
    return {
        "preset": video.preset,
        "crf": str(video.crf),
        "x264-params": params,
        **({"profile": video.profile} if video.profile else {}),
    }


_VBV_BITS = "36408333"
"""The decoder's buffer that XDCAM HD422 reckons with."""


def encode(pictures: Iterable[VideoFrame], form: Form) -> Coded:
    """Pictures as packets, counted from 0."""
    context: Any = CodecContext.create(ENCODERS[form.video.codec], "w")
    _configure(context, form, header=True)
    packets: list[Packet] = []
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, 1 / form.rate.fraction
        picture.pict_type = 0
        packets += [_kept(each) for each in context.encode(picture)]
    packets += [_kept(each) for each in context.encode(None)]
    return Coded(bytes(context.extradata or b""), tuple(packets))


def _kept(packet: Any) -> Packet:
    return Packet(packet.pts, packet.dts, packet.duration or 1, bool(packet.is_keyframe), bytes(packet))


def decode(coded: Coded, codec: str) -> Iterator[Any]:
    """The pictures, or the sound, of packets, as another program would read them."""
    context: Any = Codec(DECODERS[codec], "r").create()
    context.thread_count = 1
    if coded.header:
        context.extradata = coded.header
    for packet in coded.packets:
        each = FilePacket(packet.data)
        each.pts, each.dts = packet.pts, packet.dts
        yield from context.decode(each)
    yield from context.decode(None)


def encode_sound(sound: Sound, audio: Audio) -> Coded:
    """AAC packets of the whole sound, counted in samples."""
    context: Any = CodecContext.create("aac", "w")
    _configure_sound(context, audio)
    packets: list[Packet] = []
    for start in range(0, sound.shape[1], _BLOCK):
        packets += [_kept(each) for each in context.encode(as_frame(sound[:, start : start + _BLOCK], start))]
    packets += [_kept(each) for each in context.encode(None)]
    return Coded(bytes(context.extradata or b""), tuple(packets))


_BLOCK = 1024 * 16


def _configure_sound(context: Any, audio: Audio) -> None:
    context.sample_rate = SAMPLE_RATE
    context.flags |= Flags.bitexact | Flags.global_header
    if audio.codec == "aac":
        context.layout, context.format, context.bit_rate = "stereo", "fltp", audio.bits
        context.options = {"aac_coder": "fast"}
    else:
        context.layout, context.format = ("mono" if audio.mono_tracks else "stereo"), "s32"


class Delivery:
    """A file being written: packets of pictures in order, with the sound beside each.

    Args:
        start: the timecode of the first frame, where one is written.
        coded_sound: what `encode_sound` made, for AAC; else `sound` is written as it is.
    """

    def __init__(
        self,
        path: Path,
        profile: Profile,
        form: Form,
        *,
        sound: Sound,
        coded_sound: Coded | None,
        start: str | None,
    ) -> None:
        self._form, self._audio, self._sound = form, profile.audio, sound
        fast = {"movflags": "+faststart"} if profile.container != "mxf" else {}
        self._file: Any = av.open(str(path), "w", format=profile.container, options={"fflags": "+bitexact", **fast})
        if start is not None:
            self._file.metadata["timecode"] = start
        self._pictures = self._file.add_stream(ENCODERS[form.video.codec], rate=form.rate.fraction)
        _configure(self._pictures.codec_context, form, header=profile.container != "mxf")
        self._sounds = [
            self._file.add_stream(ENCODERS[profile.audio.codec], rate=SAMPLE_RATE) for _ in range(self._tracks)
        ]
        for stream in self._sounds:
            _configure_sound(stream.codec_context, profile.audio)
        self._waiting = list(reversed(coded_sound.packets)) if coded_sound else None
        self._number, self._digest = 0, hashlib.sha256()

    @property
    def digest(self) -> str:
        """The hash of all pictures as they were coded, to be found again in the finished file."""
        return self._digest.hexdigest()

    @property
    def _tracks(self) -> int:
        return self._audio.mono_tracks or 1

    def add(self, coded: Coded) -> None:
        """Write a run of pictures behind those before it."""
        offset, tick = self._number, 1 / self._form.rate.fraction
        for packet in coded.packets:
            self._file.mux(_file_packet(packet, offset, tick, self._pictures))
            self._digest.update(payload(packet.data, self._form.video.codec, in_file=False))
            self._add_sound(self._number)
            self._number += 1

    def close(self) -> None:
        """Write what is left of the sound, and the end of the file."""
        while self._waiting:
            self._file.mux(_file_packet(self._waiting.pop(), 0, Fraction(1, SAMPLE_RATE), self._sounds[0]))
        for stream in self._sounds if self._waiting is None else ():
            self._file.mux(stream.encode(None))
        self._file.close()

    def _add_sound(self, number: int) -> None:
        begin, end = samples_at(number, self._form.rate), samples_at(number + 1, self._form.rate)
        if self._waiting is not None:
            while self._waiting and self._waiting[-1].pts < end:
                self._file.mux(_file_packet(self._waiting.pop(), 0, Fraction(1, SAMPLE_RATE), self._sounds[0]))
            return
        for channel, stream in enumerate(self._sounds):
            self._file.mux(stream.encode(self._pcm(channel, begin, end)))

    def _pcm(self, channel: int, begin: int, end: int) -> Any:
        part = self._sound[:, begin:end]
        if not self._audio.mono_tracks:
            return as_frame(part, begin)
        return as_frame(part[channel : channel + 1] if channel < 2 else part[:1] * 0, begin)


def _file_packet(packet: Packet, offset: int, tick: Fraction, stream: Any) -> Any:
    each: Any = FilePacket(packet.data)
    each.pts, each.dts, each.duration = packet.pts + offset, packet.dts + offset, packet.duration
    each.time_base, each.stream, each.is_keyframe = tick, stream, packet.key
    return each


def payload(data: bytes, codec: str, in_file: bool) -> bytes:
    """What of a packet must be found again in the file; H.264 is packed in another way there than it comes out of the
    encoder, so its units are taken by themselves."""
    if codec != "h264":
        return data
    if not in_file:
        return b"".join(unit.rstrip(b"\0") for unit in data.split(b"\0\0\1"))
    units: list[bytes] = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        units.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return b"".join(units)
