"""Sound of a render: exact samples of a source, the mix, loudness measured and brought to a target.

Sound is two rows (left, right) of 32-bit floats at 48 kHz. Loudness is ITU-R BS.1770 / EBU R 128 as FFmpeg measures it.
Runs in the media worker.
"""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import BlockingIOError as NotReady
from av.error import EOFError as Ended
from av.filter import Graph
from holdback_base.vocabulary import Rate, Span
from numpy.typing import NDArray

from holdback_servers.editing.model import SAMPLE_RATE, Timeline, samples_at
from holdback_servers.editing.parts import Loudness, Track
from holdback_servers.media_reading import open_media

Sound = NDArray[np.float32]

_BLOCK = 4800
_CLICK = 240
"""Samples of fade at a cut in the sound: 5 ms, too short to hear and long enough not to click."""
_DUCK_SECONDS = 0.25
_LEAD_SECONDS = 1
"""How far before a span decoding starts, so that a codec's memory has settled."""
_CODEC_HEADROOM = 1.0
"""Decibels by which lossy coding may raise peaks."""
_MOST_GAIN = 40.0
_CLOSE = 0.1
_MOST_TRIES = 6
_LEAST_SLOPE = 0.2
"""Where peaks are limited, a decibel of gain gives less than a decibel of loudness; less than this is not followed."""
_SILENT = -69.0


class Measured(NamedTuple):
    """What was measured: LUFS integrated, LU of loudness range, dBTP; all None for silence."""

    lufs: float | None
    range_lu: float | None
    peak_dbtp: float | None


def exact_sound(path: Path, first: int, count: int, name: str) -> Sound:
    """So many samples of a file's sound from this one on, counted from the start of its picture, or of its sound where
    it has no picture. Where the file has no sound there is silence.
    """
    sound = np.zeros((2, count), np.float32)
    with open_media(path, name) as container:
        if not container.streams.audio or count <= 0:
            return sound
        stream = container.streams.audio[0]
        leader = container.streams.video[0] if container.streams.video else stream
        origin = Fraction(leader.start_time or 0) * (leader.time_base or 1)
        start = origin + Fraction(first, SAMPLE_RATE)
        assert stream.time_base is not None
        target = max(start - _LEAD_SECONDS, Fraction(stream.start_time or 0) * stream.time_base)
        container.seek(int(target / stream.time_base), stream=stream, backward=True)
        for position, block in _resampled(container.decode(stream)):
            place = position - round(start * SAMPLE_RATE)
            if place >= count:
                break
            begin, end = max(0, place), min(count, place + block.shape[1])
            if begin < end:
                sound[:, begin:end] = block[:, begin - place : end - place]
    return sound


def _resampled(frames: Iterator[AudioFrame]) -> Iterator[tuple[int, Sound]]:
    """Blocks at 48 kHz, each with its first sample's number on the file's own clock."""
    resampler = AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    position: int | None = None
    for frame in frames:
        if position is None:
            position = round((frame.pts or 0) * (frame.time_base or Fraction(1, SAMPLE_RATE)) * SAMPLE_RATE)
        for done in resampler.resample(frame):
            yield position, _array(done)
            position += done.samples
    for done in resampler.resample(None):
        yield position or 0, _array(done)
        position = (position or 0) + done.samples


def _array(frame: AudioFrame) -> Sound:
    return np.asarray(frame.to_ndarray(), dtype=np.float32)


def mix(timeline: Timeline, files: dict[str, Path]) -> Sound:
    """All tracks of the timeline together, exactly as long as the picture."""
    total = samples_at(timeline.frames, timeline.rate)
    whole = np.zeros((2, total), np.float32)
    voices = [each for each in timeline.sound_tracks if each.role == "voice" and not each.muted]
    speech = [clip.record for track in voices for clip in track.clips]
    for track in (timeline.track("programme"), *timeline.sound_tracks):
        if track.muted:
            continue
        sound = np.zeros((2, total), np.float32)
        for piece in _pieces(timeline, track):
            _lay(sound, piece, timeline.rate, files[piece.media])
        sound *= np.float32(_factor(track.gain))
        if track.duck and track.role != "voice":
            sound *= _ducked(speech, track.duck, total, timeline.rate)
        whole += sound * _hushed(track.silences, total, timeline.rate)
    return whole


class _Piece(NamedTuple):
    media: str
    source: Span
    at_frame: int
    gain: int
    fade_in: int
    fade_out: int
    joins_before: bool
    joins_after: bool


def _pieces(timeline: Timeline, track: Track) -> Iterator[_Piece]:
    if track.name != "programme":
        for clip in track.clips:
            if clip.at_frame < timeline.frames:
                yield _Piece(
                    clip.media, clip.source, clip.at_frame, clip.gain, clip.fade_in, clip.fade_out, False, False
                )
        return
    placed = timeline.placed()
    for number, (clip, record) in enumerate(placed):
        before = placed[number - 1][0] if number else None
        after = placed[number + 1][0] if number + 1 < len(placed) else None
        joins_before = before is not None and _runs_on(before.media, before.source, clip.media, clip.source)
        joins_after = after is not None and _runs_on(clip.media, clip.source, after.media, after.source)
        yield _Piece(clip.media, clip.source, record.in_frame, 0, 0, 0, joins_before, joins_after)


def _runs_on(media: str, span: Span, next_media: str, next_span: Span) -> bool:
    return media == next_media and span.out_frame == next_span.in_frame


def _lay(track: Sound, piece: _Piece, rate: Rate, path: Path) -> None:
    """Add a piece to its track where it stands, with its fades."""
    begin = samples_at(piece.at_frame, rate)
    end = min(track.shape[1], samples_at(piece.at_frame + piece.source.frames, rate))
    sound = exact_sound(path, samples_at(piece.source.in_frame, rate), end - begin, piece.media)
    least_in, least_out = 0 if piece.joins_before else _CLICK, 0 if piece.joins_after else _CLICK
    _fade(sound, max(least_in, samples_at(piece.fade_in, rate)))
    _fade(sound[:, ::-1], max(least_out, samples_at(piece.fade_out, rate)))
    track[:, begin:end] += sound * np.float32(_factor(piece.gain))


def _fade(sound: Sound, samples: int) -> None:
    samples = min(samples, sound.shape[1])
    if samples:
        sound[:, :samples] *= np.linspace(0, 1, samples, endpoint=False, dtype=np.float32)


def _factor(centibels: int) -> float:
    return 10 ** (centibels / 200)


def _hushed(silences: tuple[Span, ...], total: int, rate: Rate) -> Sound:
    """1 where the track is heard, 0 on all samples of a silence, short ramps outside it."""
    level = np.ones(total, np.float32)
    ramp = np.linspace(1, 0, _CLICK, dtype=np.float32)
    for span in silences:
        begin, end = samples_at(span.in_frame, rate), min(total, samples_at(span.out_frame, rate))
        before, after = min(_CLICK, begin), max(0, min(_CLICK, total - end))
        level[begin - before : begin] = np.minimum(level[begin - before : begin], ramp[_CLICK - before :])
        level[end : end + after] = np.minimum(level[end : end + after], ramp[::-1][:after])
        level[begin:end] = 0
    return level


def _ducked(speech: list[Span], duck: int, total: int, rate: Rate) -> Sound:
    """The level of a track that gives way to the voice, with ramps of a quarter of a second."""
    level = np.ones(total, np.float32)
    low, ramp = _factor(duck), round(_DUCK_SECONDS * SAMPLE_RATE)
    for span in speech:
        begin, end = samples_at(span.in_frame, rate), samples_at(span.out_frame, rate)
        corners = [begin - ramp, begin, end, end + ramp]
        level = np.minimum(level, np.interp(np.arange(total), corners, [1, low, low, 1]).astype(np.float32))
    return level


def measure(sound: Sound, *, peaks: bool = True) -> Measured:
    """Loudness of a whole piece; without its true peak it costs a third. Shorter than 0.4 s it has none."""
    graph = Graph()
    source = graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=_TICK)
    meter = graph.add("ebur128", f"{'peak=true:' if peaks else ''}metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    last: dict[str, str] = {}
    for frame in _through(graph, sound):
        last = dict(frame.metadata) or last
    loudness, width = float(last.get("lavfi.r128.I", -70)), float(last.get("lavfi.r128.LRA", 0))
    highest = max(float(last.get(f"lavfi.r128.true_peaks_ch{channel}", 0)) for channel in (0, 1))
    if loudness <= _SILENT:
        return Measured(None, None, None)
    return Measured(round(loudness, 1), round(width, 1), round(20 * math.log10(highest), 1) if highest > 0 else None)


_TICK = Fraction(1, SAMPLE_RATE)


def _through(graph: Graph, sound: Sound) -> Iterator[Any]:
    """What comes out of a graph of sound filters."""
    for start in range(0, sound.shape[1], _BLOCK):
        graph.push(as_frame(sound[:, start : start + _BLOCK], start))
        yield from _ready(graph)
    graph.push(None)
    yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (NotReady, Ended):
            return


def as_frame(sound: Sound, position: int) -> AudioFrame:
    """Some samples as a frame that begins at this sample."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = position, _TICK
    return frame


def bring_to(sound: Sound, target: Loudness | None) -> Sound:
    """The sound at a target loudness, its peaks held under the target's peak with room for the codec.

    Measures, sets the level, limits peaks only where that is needed, and measures again, as limiting costs loudness.
    Without a target only peaks over -1 dBTP are held down; silence stays silence.
    """
    before = measure(sound)
    if before.lufs is None or before.peak_dbtp is None:
        return sound
    ceiling = (target.peak_tenths / 10 if target else -1.0) - _CODEC_HEADROOM
    wanted = target.lufs_tenths / 10 if target else before.lufs
    gain, done = min(_MOST_GAIN, wanted - before.lufs), sound
    last: tuple[float, float] | None = None
    for _ in range(_MOST_TRIES):
        done = sound * np.float32(10 ** (gain / 20))
        if before.peak_dbtp + gain > ceiling:
            done = _limited(done, ceiling)
        reached = measure(done, peaks=False).lufs or wanted
        if target is None or abs(wanted - reached) <= _CLOSE or gain >= _MOST_GAIN:
            break
        slope = (reached - last[1]) / (gain - last[0]) if last and gain != last[0] else 1.0
        last = (gain, reached)
        gain = min(_MOST_GAIN, gain + (wanted - reached) / max(slope, _LEAST_SLOPE))
    return done


def _limited(sound: Sound, ceiling: float) -> Sound:
    """Peaks held under a ceiling in dBTP, by FFmpeg's look-ahead limiter at four times the rate."""
    graph = Graph()
    nodes = [
        graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=_TICK),
        graph.add("aresample", str(4 * SAMPLE_RATE)),
        graph.add("alimiter", f"limit={10 ** (ceiling / 20):.6f}:attack=5:release=80:level=0:latency=1"),
        graph.add("aresample", str(SAMPLE_RATE)),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ]
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    blocks = [_array(frame) for frame in _through(graph, sound)]
    limited = np.concatenate(blocks, axis=1)[:, : sound.shape[1]]
    return np.pad(limited, ((0, 0), (0, sound.shape[1] - limited.shape[1])))
