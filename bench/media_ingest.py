"""How fast media comes in: the 60 s film against real time, and against the bare FFmpeg steps that it needs.

The bare steps are one script on PyAV that does nothing but decode, scale, measure loudness with ebur128 and encode the
proxy, with the same settings and FFmpeg's own threads. The ingest does that and finds shots, faults and hashes, draws
the waveform, hashes and keeps the files, and writes to its store. Both start a fresh Python, by turns.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, ratios
from bench.processes import ROOT, environment

if TYPE_CHECKING:
    from holdback_servers.assets.intake import Ingest
    from holdback_servers.services import Services

FILM = ROOT / "examples" / "media" / "big-buck-bunny-60s.mp4"
BY_EYE = ROOT / "tests" / "domain" / "data" / "shots" / "big-buck-bunny-60s.json"
_ROUNDS = 5
_SECONDS = 60
_NEAR = 1
"""Frames that a cut may lie off."""


@dataclass(frozen=True)
class _Took:
    wall: float
    cpu: float


def figures() -> list[Figure]:
    """What is measured, with its bounds."""
    ours: list[_Took] = []
    bare: list[_Took] = []
    found: list[int] = []
    for _ in range(_ROUNDS):
        took, found = _ingest()
        ours.append(took)
        bare.append(_bare_steps())
    speeds = [_SECONDS / each.wall for each in ours]
    wall, walls = ratios([each.wall for each in ours], [each.wall for each in bare])
    cpu, cpus = ratios([each.cpu for each in ours], [each.cpu for each in bare])
    exact = f1(found, json.loads(BY_EYE.read_text())["first_frames"])
    spread = (min(speeds), max(speeds))
    return [
        Figure("ingest", "seconds of film a second", statistics.median(speeds), "s", spread, 8, at_least=True),
        Figure("ingest", "time to that of the bare FFmpeg steps", wall, "times", walls, 1.3),
        Figure("ingest", "the same in CPU seconds", cpu, "times", cpus),
        Figure("ingest", "CPU", statistics.median(each.cpu for each in ours), "s"),
        Figure("ingest", "F1 of shots against a list by eye", exact, "", None, 0.95, at_least=True),
    ]


def f1(found: list[int], by_eye: list[int]) -> float:
    """The harmonic mean of precision and recall of cuts; the first frame is no cut."""
    told, real = [frame for frame in found if frame], [frame for frame in by_eye if frame]
    left = list(told)
    hits = 0
    for cut in real:
        near = min(left, key=lambda frame: abs(frame - cut), default=None)
        if near is not None and abs(near - cut) <= _NEAR:
            left.remove(near)
            hits += 1
    return 2 * hits / max(1, len(told) + len(real))


def _ingest() -> tuple[_Took, list[int]]:
    """One ingest into a fresh library, from the copy to the written papers."""
    from holdback_servers.assets import intake, store

    with tempfile.TemporaryDirectory() as folder:
        services = _library(Path(folder))
        try:
            took, answer = _measured(lambda: asyncio.run(_take_in(intake.Ingest(services))))
            segments = asyncio.run(
                services.database.read(lambda c: store.segments_of(c, answer["version_id"], "shot", limit=1000))
            )
        finally:
            services.database.close()
            services.audit.close()
    return took, [each.in_frame for each in segments]


async def _take_in(ingest: "Ingest") -> dict[str, Any]:
    def report(_done: int, _total: int, _unit: str, _text: str) -> None:
        pass

    return await ingest({"path": FILM.name, "title": "Big Buck Bunny", "by": "person:bench"}, report)


def _library(home: Path) -> "Services":
    from holdback_base.database import Database
    from holdback_base.ids import id_maker, system_clock
    from holdback_servers.assets import tables
    from holdback_servers.services import open_services
    from holdback_servers.settings import Settings
    from holdback_trust.audit import AuditLog
    from holdback_trust.keys import KeyPair, KeyRing

    keys = KeyPair.generate()
    return open_services(
        Database(home / "db" / "assets.sqlite", tables.METADATA),
        tables.TABLES,
        settings=Settings(home=home, library_roots=(FILM.parent,)),
        clock=system_clock,
        new_id=id_maker(system_clock),
        keys=keys,
        ring=KeyRing({}),
        audit=AuditLog(home / "audit", keys, system_clock),
    )


def _bare_steps() -> _Took:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.media_ingest", str(Path(folder) / "proxy.mp4")]
        took, _ = _measured(lambda: subprocess.run(command, check=True, cwd=ROOT, env=environment()))
    return took


def _measured(work: Any) -> tuple[_Took, Any]:
    cpu, wall = _cpu(), time.perf_counter()
    answer = work()
    return _Took(time.perf_counter() - wall, _cpu() - cpu), answer


def _cpu() -> float:
    """CPU seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _bare(target: str) -> None:
    """The bare steps, as anybody would write them."""
    import av
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from holdback_servers.assets.looking.proxy import PICTURE_OPTIONS, SOUND_OPTIONS, SOUND_RATE

    out: Any = av.open(target, "w", options={"movflags": "faststart"})
    with av.open(str(FILM)) as film, out:
        film.streams.video[0].thread_type = "AUTO"
        picture: Any = out.add_stream("libx264", rate=24, options=PICTURE_OPTIONS)
        picture.width, picture.height, picture.pix_fmt = 640, 360, "yuv420p"
        picture.codec_context.gop_size = 48
        sound: Any = out.add_stream("aac", rate=SOUND_RATE, layout="stereo", options=SOUND_OPTIONS)
        sound.bit_rate = 96_000
        proxy, grid, meter = VideoReformatter(), VideoReformatter(), None
        for frame in film.decode(film.streams.video[0], film.streams.audio[0]):
            if isinstance(frame, VideoFrame):
                small = proxy.reformat(frame, 640, 360, "yuv420p", interpolation="AREA")
                grid.reformat(small, 96, 54, "yuv420p", interpolation="AREA")
                small.pict_type = 0
                out.mux(picture.encode(small))
            else:
                meter = meter or _meter(frame)
                _hear(meter, frame)
                out.mux(sound.encode(frame))
        out.mux(picture.encode())
        out.mux(sound.encode())


def _meter(frame: Any) -> Any:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name, time_base=frame.time_base
    )
    meter = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph


def _hear(graph: Any, frame: Any) -> None:
    import av.error

    graph.push(frame)
    while True:
        try:
            graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


if __name__ == "__main__":
    _bare(sys.argv[1])
