"""How long a render takes, beside one FFmpeg process that makes the same picture, and after one changed shot.

The cut is the 60 s film in twelve shots in another order, upright at 720 x 1280 and as wide as it is, with a credit and
at -14 LUFS. The other side is a script that has FFmpeg do just that: decode, scale, lay the credit over, encode with
the same settings of x264 but its own threads, and bring the sound to -14 LUFS by two passes of loudnorm. Both are fresh
processes, by turns.
"""

import asyncio
import hashlib
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from bench.figures import Figure, ratios

_FILM = Path(__file__).parent.parent / "examples" / "media" / "big-buck-bunny-60s.mp4"
_ORDER = (7, 3, 11, 0, 5, 9, 1, 8, 2, 10, 4, 6)
_SHOT = 120
_CREDIT = (0, 96)
_WORDS = "© 2008 Blender Foundation, CC BY 3.0"
_TALL, _WIDE = (720, 1280), (640, 360)


def figures(rounds: int = 3) -> list[Figure]:
    """The ratios with their bounds, and how long each render takes."""
    found: list[Figure] = []
    for size in (_TALL, _WIDE):
        ours, theirs, again = _measure(size, rounds)
        shape, bound = f"{size[0]} x {size[1]}", size == _TALL
        ratio, spread = ratios(ours, theirs)
        found.append(Figure("render", f"{shape}, to one FFmpeg process", ratio, "times", spread, 1.15))
        ratio, spread = ratios(again, ours)
        limit = 0.4 if bound else None
        found.append(Figure("render", f"{shape}, after one changed shot to the first", ratio, "times", spread, limit))
        found.append(Figure("render", f"{shape}, 60 s", sorted(ours)[len(ours) // 2], "s", (min(ours), max(ours))))
    return found


def _measure(size: tuple[int, int], rounds: int) -> tuple[list[float], list[float], list[float]]:
    ours: list[float] = []
    theirs: list[float] = []
    again: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            (home / "cache").mkdir()
            ours.append(_render(home, size, changed=False))
            theirs.append(_reference(home, size))
            again.append(_render(home, size, changed=True))
    return ours, theirs, again


def _render(home: Path, size: tuple[int, int], *, changed: bool) -> float:
    """Seconds that our render takes, in the media worker."""
    from holdback_servers import media_worker
    from holdback_servers.editing.profiles import built_in

    work = home / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    timeline, media = _timeline(size, changed=changed)
    arguments = {
        "timeline": timeline,
        "profile": built_in()["h264"].model_dump(mode="json", exclude_none=True),
        "files": {media: str(_FILM)},
        "output": str(work / "cut.mp4"),
        "work": str(work),
        "cache": str(home / "cache"),
    }
    began = time.perf_counter()
    made = asyncio.run(media_worker.run("holdback_servers.editing.render:render_file", arguments))
    took = time.perf_counter() - began
    assert made["frames"] == _SHOT * len(_ORDER)
    assert made["made"] == (_SHOT if changed else made["frames"])
    return took


def _timeline(size: tuple[int, int], *, changed: bool) -> tuple[dict[str, Any], str]:
    from holdback_base.elements import CutFacts, Element, ElementList
    from holdback_base.vocabulary import Rate, Span
    from holdback_servers.editing.model import Timeline
    from holdback_servers.editing.parts import Clip, Credit, Loudness, Reframe

    media = "sha256:" + hashlib.sha256(_FILM.read_bytes()).hexdigest()
    whole = Element(id="f", kind="programme", ref="film:f", name="f", spans=(Span(in_frame=0, out_frame=1440),))
    facts = ElementList(rate=Rate(num=24), frames=1440, elements=(whole,))
    shots = [(number * _SHOT, (number + 1) * _SHOT) for number in _ORDER]
    if changed:
        shots[5] = (shots[5][0] + _SHOT // 2, shots[5][1] + _SHOT // 2)
    timeline = Timeline(
        id="tl_bench",
        root="tl_bench",
        revision=1,
        title="Bench",
        rate=Rate(num=24),
        width=_WIDE[0],
        height=_WIDE[1],
        sources=(CutFacts(media=media, element_list=facts, width=_WIDE[0], height=_WIDE[1]),),
        clips=tuple(
            Clip(id=f"c{at}", media=media, source=Span(in_frame=start, out_frame=end))
            for at, (start, end) in enumerate(shots)
        ),
        credits=(Credit(id="t1", text=_WORDS, span=Span(in_frame=_CREDIT[0], out_frame=_CREDIT[1])),),
        reframe=Reframe(aspect="9:16", width=size[0], height=size[1]) if size == _TALL else None,
        loudness=Loudness(),
        by="bench",
        made=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return timeline.model_dump(mode="json", exclude_none=True), media


def _reference(home: Path, size: tuple[int, int]) -> float:
    """Seconds that FFmpeg takes, as one process."""
    output = home / "reference.mp4"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bench.media_render", str(output), json.dumps(size)], check=True)
    took = time.perf_counter() - began
    assert output.stat().st_size > 1_000_000
    return took


# --- the other side --------------------------------------------------------------------------------------------------


def reference(output: Path, size: tuple[int, int]) -> None:
    """The same picture and loudness, FFmpeg's way."""
    import av
    import numpy as np
    from PIL import Image, ImageDraw

    words = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(words)
    pen.rectangle((60, size[1] * 3 // 4, size[0] - 60, size[1] * 3 // 4 + 60), fill=(0, 0, 0, 150))
    pen.text((80, size[1] * 3 // 4 + 16), _WORDS, fill="white", font_size=22)
    plate: Any = av.VideoFrame.from_ndarray(np.asarray(words), format="rgba")
    shots = [(number * _SHOT, (number + 1) * _SHOT) for number in _ORDER]
    stats = output.with_suffix(".json")
    for _ in _loud(shots, f"loudnorm=I=-14:TP=-2:print_format=json:stats_file={stats}"):
        pass
    told = json.loads(stats.read_text())
    second = (
        f"loudnorm=I=-14:TP=-2:linear=true:measured_I={told['input_i']}:measured_TP={told['input_tp']}"
        f":measured_LRA={told['input_lra']}:measured_thresh={told['input_thresh']}"
    )
    with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
        out: Any = container
        picture = out.add_stream(
            "libx264", rate=24, options={"preset": "ultrafast", "crf": "21", "x264-params": "cabac=1:deblock=0,0"}
        )
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        sound = out.add_stream("aac", rate=48000, layout="stereo", options={"aac_coder": "fast"})
        sound.bit_rate = 192_000
        heard = _loud(shots, second)
        for number, frame in enumerate(_pictures(shots, size, plate)):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 24), 0
            out.mux(picture.encode(frame))
            for each in itertools.islice(heard, 2):
                out.mux(sound.encode(each))
        for each in heard:
            out.mux(sound.encode(each))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))


def _pictures(shots: list[tuple[int, int]], size: tuple[int, int], plate: Any) -> Iterator[Any]:
    from av.filter import Graph
    from av.video.format import VideoFormat

    graph = Graph()
    film = graph.add_buffer(width=_WIDE[0], height=_WIDE[1], format=VideoFormat("yuv420p"), time_base=Fraction(1, 24))
    over = graph.add_buffer(width=size[0], height=size[1], format=VideoFormat("rgba"), time_base=Fraction(1, 24))
    wide = 360 * size[0] // size[1] // 2 * 2
    scaled = graph.add("scale", f"{size[0]}:{size[1]}:flags=lanczos+accurate_rnd+bitexact")
    if size == _TALL:
        crop = graph.add("crop", f"{wide}:360")
        film.link_to(crop)
        crop.link_to(scaled)
    else:
        film.link_to(scaled)
    lay = graph.add("overlay", f"enable='lt(n,{_CREDIT[1]})':eof_action=repeat")
    sink = graph.add("buffersink")
    scaled.link_to(lay)
    over.link_to(lay, 0, 1)
    lay.link_to(sink)
    graph.configure()
    plate.pts = 0
    over.push(plate)
    over.push(None)
    for number, frame in enumerate(_cut("video", shots)):
        frame.pts, frame.time_base = number, Fraction(1, 24)
        film.push(frame)
        yield sink.pull()


def _loud(shots: list[tuple[int, int]], filters: str) -> Iterator[Any]:
    from av.filter import Graph

    graph = Graph()
    nodes = [graph.add_abuffer(sample_rate=48000, format="fltp", layout="stereo", time_base=Fraction(1, 48000))]
    for each in (filters, "aresample=48000", "aformat=sample_fmts=fltp:channel_layouts=stereo"):
        name, _, arguments = each.partition("=")
        nodes.append(graph.add(name, arguments))
    nodes.append(graph.add("abuffersink"))
    for one, other in itertools.pairwise(nodes):
        one.link_to(other)
    graph.configure()
    position: int = 0
    for frame in _cut("audio", shots):
        frame.pts, frame.time_base = position, Fraction(1, 48000)
        position += frame.samples
        graph.push(frame)
        yield from _ready(graph)
    graph.push(None)
    yield from _ready(graph)


def _ready(graph: Any) -> Iterator[Any]:
    import av.error

    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _cut(kind: str, shots: list[tuple[int, int]]) -> Iterator[Any]:
    """The frames of the shots, pictures exactly, sound to its packets."""
    import av
    from av.audio.resampler import AudioResampler

    film: Any = av.open(str(_FILM))
    with film as container:
        stream = container.streams.video[0] if kind == "video" else container.streams.audio[0]
        stream.thread_type = "AUTO"
        for start, end in shots:
            container.seek(int(Fraction(start, 24) / stream.time_base), stream=stream, backward=True)
            resampler = AudioResampler(format="fltp", layout="stereo", rate=48000)
            for frame in container.decode(stream):
                moment = frame.pts * stream.time_base
                if moment >= Fraction(end, 24):
                    break
                if moment >= Fraction(start, 24):
                    if kind == "video":
                        yield frame
                    else:
                        yield from resampler.resample(frame)


if __name__ == "__main__":
    reference(Path(sys.argv[1]), tuple(json.loads(sys.argv[2])))
