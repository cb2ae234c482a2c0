"""Make the media of the butterfly pack again: `python examples/butterfly/make_media.py [FOLDER]`.

Needs only what the project itself needs (av, numpy, pillow) and `../media/big-buck-bunny-60s.mp4`. The made files are
part of the pack, so nobody has to run this; the same wheels on the same kind of processor make the same bytes again.

- `butterfly-master.mp4`: the film with the sign of an invented tea house in shots 6 and 8, and the film's own sound.
- `cue-meadow-waltz.m4a`, `replacement-morning-field.m4a`: synthesised music.
- `voice.m4a`: a synthetic voice.
"""

# PyAV leaves the types of a stream's options and of its packets open.
# pyright: reportUnknownMemberType=false

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from music import RATE, Sound, meadow_waltz, morning_field
from sign import SHOTS, Picture, empty_meadow, place_sign, shows_sign
from voice import TEXT, speak

HERE = Path(__file__).parent
FILM = HERE.parent / "media" / "big-buck-bunny-60s.mp4"
FRAME_RATE = 24
START_TIMECODE = "10:00:00:00"
CREDIT = "Big Buck Bunny (c) 2008 Blender Foundation, CC BY 3.0"
INVENTED = "Made by arithmetic for the butterfly example of Holdback; parties are invented"
_BT709 = 1
"""ITU-T H.273: BT.709 colours and curve."""
_BLOCK = 1024
"""Samples that AAC codes together."""
_EXACT = {"fflags": "+bitexact"}
_X264 = {"crf": "24", "preset": "slow", "threads": "1", "x264-params": "cpu-independent=1:keyint=48"}


def main(folder: Path) -> None:
    """Make all four files in the folder, and say how large they are."""
    folder.mkdir(parents=True, exist_ok=True)
    tags = {"artist": INVENTED}
    write_sound(folder / "cue-meadow-waltz.m4a", meadow_waltz(), {"title": "Meadow Waltz", **tags})
    write_sound(folder / "replacement-morning-field.m4a", morning_field(), {"title": "Morning Field", **tags})
    write_sound(folder / "voice.m4a", speak()[None, :], {"title": f"Synthetic voice: {TEXT}", **tags})
    write_master(folder / "butterfly-master.mp4")
    for file in sorted(folder.glob("*.m[p4]*")):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


def write_master(path: Path) -> None:
    """The film with the sign, 640x360 at 24 frames a second, start timecode 10:00:00:00, the film's sound copied."""
    at_rest = {*range(440, SHOTS[0][1], 7), *range(*SHOTS[1], 5)}
    meadow = empty_meadow([as_rgb(frame) for number, frame in read_pictures() if number in at_rest])
    with av.open(FILM) as film, av.open(path, "w", options=_EXACT | {"movflags": "+faststart"}) as made:
        made.metadata.update(title="Butterfly master", copyright=CREDIT, comment="Changed: a sign was added")
        stream = made.add_stream("libx264", rate=FRAME_RATE, options=_X264)
        stream.width, stream.height, stream.pix_fmt = (
            film.streams.video[0].width,
            film.streams.video[0].height,
            "yuv420p",
        )
        coder = stream.codec_context
        coder.colorspace, coder.color_primaries, coder.color_trc = Colorspace.ITU709, _BT709, _BT709
        coder.color_range, coder.flags = ColorRange.MPEG, coder.flags | Flags.bitexact
        stream.metadata["timecode"] = START_TIMECODE
        sound = made.add_stream_from_template(film.streams.audio[0])
        for packet in film.demux(film.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = sound
                made.mux(packet)
        for number, frame in read_pictures():
            shown = as_frame(place_sign(as_rgb(frame), number, meadow)) if shows_sign(number) else frame
            shown.pts, shown.time_base, shown.pict_type = number, Fraction(1, FRAME_RATE), PictureType.NONE
            made.mux(stream.encode(shown))
        made.mux(stream.encode(None))


def read_pictures() -> Iterator[tuple[int, av.VideoFrame]]:
    """Every frame of the film, numbered from 0."""
    with av.open(FILM) as film:
        yield from enumerate(film.decode(video=0))


def as_rgb(frame: av.VideoFrame) -> Picture:
    """A frame as red, green and blue."""
    return frame.to_ndarray(format="rgb24").astype(np.uint8)


def as_frame(picture: Picture) -> av.VideoFrame:
    """A picture in the film's own colours: BT.709, studio range."""
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p",
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )


def write_sound(path: Path, sound: Sound, tags: dict[str, str]) -> None:
    """A sound of one or two channels at 48 kHz as AAC in an MPEG-4 file; the last block is filled up with silence, so
    that decoders count the same samples."""
    layout, bits = ("mono", 64_000) if len(sound) == 1 else ("stereo", 112_000)
    with av.open(path, "w", format="ipod", options=_EXACT | {"movflags": "+faststart"}) as made:
        made.metadata.update(tags)
        stream = made.add_stream("aac", rate=RATE, layout=layout)
        stream.bit_rate = bits
        stream.codec_context.flags |= Flags.bitexact
        samples = np.pad(sound, ((0, 0), (0, -sound.shape[1] % _BLOCK))).astype(np.float32)
        for start in range(0, samples.shape[1], _BLOCK):
            block = np.ascontiguousarray(samples[:, start : start + _BLOCK])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
