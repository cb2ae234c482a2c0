"""Sound of a render: exact samples of a source, and the mix of all tracks.

Sound is two rows (left, right) of 32-bit floats at 48 kHz. Runs in the media worker.
"""

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from holdback_servers.editing.parts import Clip, Track, Transition
from holdback_servers.media_reading import open_media

Sound = NDArray[np.float32]

_BLOCK = 4800
_CLICK = 240
"""Samples of fade at a cut in the sound: 5 ms, too short to hear and long enough not to click."""
_DUCK_SECONDS = 0.25
_LEAD_SECONDS = 1
"""How far before a span decoding starts, so that a codec's memory has settled."""


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
            yield position, array(done)
            position += done.samples
    for done in resampler.resample(None):
        yield position or 0, array(done)
        position = (position or 0) + done.samples


def array(frame: AudioFrame) -> Sound:
    """The samples of a frame of 32-bit floats."""
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
        with ThreadPoolExecutor(2) as pool:
            pieces = list(_pieces(timeline, track))
            read = pool.map(_read, pieces, [files[each.media] for each in pieces])
            for piece, heard in zip(pieces, read, strict=True):
                sound[:, piece.begin : piece.end] += heard
        sound *= np.float32(_factor(track.gain))
        if track.duck and track.role != "voice":
            sound *= _ducked(speech, track.duck, total, timeline.rate)
        whole += sound * _hushed(track.silences, total, timeline.rate)
    return whole


class _Piece(NamedTuple):
    """Sound of some media from this sample of it on, on samples `[begin, end)` of the cut, and its level there.

    `speed` is in percent; `ramps` are stretches of the cut over which it comes in or goes out.
    """

    media: str
    first: int
    begin: int
    end: int
    gain: int
    speed: int = 100
    ramps: "tuple[_Ramp, ...]" = ()


class _Ramp(NamedTuple):
    """A change of level over samples `[begin, end)` of the cut, upwards or downwards; silence outside it on its low
    side. Over a mixing transition the powers of both sounds add up to one, elsewhere it is a straight line."""

    begin: int
    end: int
    rises: bool
    equal_power: bool = False


def _pieces(timeline: Timeline, track: Track) -> Iterator[_Piece]:
    if track.name == "programme":
        yield from _programme(timeline)
        return
    end, rate = timeline.frames, timeline.rate
    for clip in track.clips:
        if clip.at_frame < end:
            span = Span(in_frame=clip.at_frame, out_frame=min(end, clip.record.out_frame))
            begin, stop = samples_at(span.in_frame, rate), samples_at(span.out_frame, rate)
            into, out = max(_CLICK, samples_at(clip.fade_in, rate)), max(_CLICK, samples_at(clip.fade_out, rate))
            ramps = (_Ramp(begin, begin + into, True), _Ramp(stop - out, stop, False))
            yield _Piece(clip.media, samples_at(clip.source.in_frame, rate), begin, stop, clip.gain, ramps=ramps)


def _programme(timeline: Timeline) -> Iterator[_Piece]:
    """The pictures' own sound, with its handles in transitions; a held frame is silent."""
    rate = timeline.rate
    at_cut = {each.clip: each for each in timeline.transitions}
    seen = timeline.seen()
    for number, (clip, record, span) in enumerate(seen):
        if clip.freeze:
            continue
        before = seen[number - 1][0] if number else None
        after = seen[number + 1][0] if number + 1 < len(seen) else None
        following = after.id if after else None
        ramps = (
            _ramp(at_cut.get(clip.id), record.in_frame, rate, rises=True, joins=_runs_on(before, clip)),
            _ramp(at_cut.get(following), record.out_frame, rate, rises=False, joins=_runs_on(clip, after)),
        )
        into = Fraction((span.in_frame - record.in_frame) * clip.speed, 100)
        yield _Piece(
            clip.media,
            round((clip.source.in_frame + into) / rate.fraction * SAMPLE_RATE),
            samples_at(span.in_frame, rate),
            samples_at(span.out_frame, rate),
            0,
            clip.speed,
            tuple(each for each in ramps if each),
        )


def _ramp(transition: Transition | None, cut: int, rate: Rate, *, rises: bool, joins: bool) -> _Ramp | None:
    """How a clip's sound comes in, or goes out, around a cut."""
    here = samples_at(cut, rate)
    if transition is None:
        click = _Ramp(here, here + _CLICK, rises) if rises else _Ramp(here - _CLICK, here, rises)
        return None if joins else click
    begin, end = samples_at(cut - transition.before, rate), samples_at(cut + transition.after, rate)
    if transition.mixes:
        return _Ramp(begin, end, rises, equal_power=True)
    return _Ramp(here, max(end, here + _CLICK), rises) if rises else _Ramp(min(begin, here - _CLICK), here, rises)


def _runs_on(clip: Clip | None, following: Clip | None) -> bool:
    """Whether the sound of one clip goes on unbroken in the next."""
    if clip is None or following is None or clip.media != following.media:
        return False
    plain = clip.speed == following.speed == 100 and not clip.freeze and not following.freeze
    return plain and clip.source.out_frame == following.source.in_frame


def _read(piece: _Piece, path: Path) -> Sound:
    """The sound of a piece, with its ramps and at its level."""
    count = piece.end - piece.begin
    if piece.speed == 100:
        sound = exact_sound(path, piece.first, count, piece.media)
    else:
        needed = -(-count * piece.speed // 100)
        sound = stretched(exact_sound(path, piece.first, needed, piece.media), piece.speed, count)
    for ramp in piece.ramps:
        sound *= _level_of(ramp, piece.begin, piece.end)
    return sound * np.float32(_factor(piece.gain))


def _level_of(ramp: _Ramp, begin: int, end: int) -> Sound:
    done = (np.arange(begin, end, dtype=np.float32) - ramp.begin) / np.float32(ramp.end - ramp.begin)
    risen = np.clip(done if ramp.rises else 1 - done, 0, 1)
    return np.sin(risen * np.float32(math.pi / 2)) if ramp.equal_power else risen


def stretched(sound: Sound, speed: int, count: int) -> Sound:
    """Sound at another speed (percent) and the same pitch, as so many samples."""
    tempos: list[float] = []
    left = speed / 100
    while left < _LEAST_TEMPO:
        tempos.append(_LEAST_TEMPO)
        left /= _LEAST_TEMPO
    graph = Graph()
    nodes = [graph.add_abuffer(sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=TICK)]
    nodes += [graph.add("atempo", f"{tempo:.6f}") for tempo in (*tempos, left)]
    nodes += [graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"), graph.add("abuffersink")]
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    return as_long([array(frame) for frame in through(graph, sound)], count)


_LEAST_TEMPO = 0.5
"""FFmpeg's filter stretches to twice the length at most; more is done in steps."""


def as_long(blocks: list[Sound], count: int) -> Sound:
    """The blocks as one piece of so many samples."""
    whole = np.concatenate([*blocks, np.zeros((2, 0), np.float32)], axis=1)[:, :count]
    return np.pad(whole, ((0, 0), (0, count - whole.shape[1])))


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
        here = slice(max(0, begin - ramp), max(0, min(total, end + ramp)))
        given = np.interp(np.arange(here.start, here.stop), corners, [1, low, low, 1]).astype(np.float32)
        level[here] = np.minimum(level[here], given)
    return level


TICK = Fraction(1, SAMPLE_RATE)


def through(graph: Graph, sound: Sound) -> Iterator[Any]:
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
    layout = "stereo" if len(sound) == 2 else "mono"
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate = SAMPLE_RATE
    frame.pts, frame.time_base = position, TICK
    return frame
