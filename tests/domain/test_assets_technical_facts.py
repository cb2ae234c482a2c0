"""What a file is said to be, in the words of the trade: codecs, bits, channels, fields, and how loud."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from holdback_servers.assets.analysis import analyse
from holdback_servers.assets.ingest import technical_facts
from holdback_servers.assets.model import AudioFacts, Loudness, TechnicalFacts
from PIL import Image

RATE = 8000


def _facts(path: Path) -> TechnicalFacts:
    answer = analyse({"path": str(path), "name": path.name, "folder": str(path.parent)}, lambda *_: None)
    return technical_facts(answer["facts"])


def _sound(path: Path, codec: str, form: str, layout: str, seconds: float = 1) -> tuple[AudioFacts, Loudness]:
    """A steady tone, as its facts tell of it."""
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    channels = av.AudioLayout(layout).nb_channels
    frame = av.AudioFrame.from_ndarray(np.tile(tone.astype(np.float32), (channels, 1)), format="fltp", layout=layout)
    frame.sample_rate = RATE
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE, layout=layout)
        stream.codec_context.format = form
        for each in av.AudioResampler(format=form, layout=layout, rate=RATE, frame_size=1152).resample(frame):
            out.mux(stream.encode(each))
        out.mux(stream.encode())
    facts = _facts(path)
    assert facts.loudness is not None
    return facts.audio[0], facts.loudness


@pytest.mark.parametrize(
    ("name", "codec", "form", "bits"),
    [
        ("a.wav", "pcm_s24le", "s32", 24),
        ("a.wav", "pcm_f32le", "flt", 32),
        ("a.mov", "pcm_s16be", "s16", 16),
        ("a.flac", "flac", "s32", 24),
        ("a.flac", "flac", "s16", 16),
        ("a.m4a", "alac", "s32p", 24),
        ("a.mp3", "libmp3lame", "fltp", None),
    ],
)
def test_sound_has_the_bits_that_are_stored_and_not_those_that_a_decoder_hands_out(
    tmp_path: Path, name: str, codec: str, form: str, bits: int | None
) -> None:
    assert _sound(tmp_path / name, codec, form, "stereo")[0].bit_depth == bits


def test_a_codec_has_its_own_name_and_not_that_of_the_program_that_reads_it(tmp_path: Path) -> None:
    assert _sound(tmp_path / "a.mp3", "libmp3lame", "fltp", "stereo")[0].codec == "mp3"
    Image.new("RGB", (64, 64), "red").save(tmp_path / "still.avif")
    picture = _facts(tmp_path / "still.avif").video
    assert picture is not None
    assert picture.codec == "av1"


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_one_channel_is_mono_and_two_are_stereo_where_the_file_does_not_say(tmp_path: Path, layout: str) -> None:
    assert _sound(tmp_path / "a.wav", "pcm_s16le", "s16", layout)[0].layout == layout


@pytest.mark.parametrize(("seconds", "range_lu"), [(2, None), (3, None), (3.2, None), (4, 0)])
def test_a_steady_tone_has_no_range_of_loudness_however_short(
    tmp_path: Path, seconds: float, range_lu: float | None
) -> None:
    assert _sound(tmp_path / "a.wav", "pcm_s16le", "s16", "mono", seconds)[1].range_lu == range_lu


def test_fields_are_told_by_the_frames_where_no_header_tells_of_them(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "fields.mov"), "w") as out:
        stream = out.add_stream("mpeg2video", rate=Fraction(25), options={"flags": "+ilme+ildct"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for level in range(0, 100, 10):
            picture = np.full((96, 160, 3), level, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    video = _facts(tmp_path / "fields.mov").video
    assert video is not None
    assert video.field_order == "interlaced"
