"""EBU R 128 over one audio stream, through FFmpeg's ebur128. Runs in the media worker."""

import math
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.filter import Graph

_SILENCE = -70
"""LUFS of the gate that nothing has passed."""
_FEWEST = 5
"""Short-term loudnesses, of three seconds each, that a range is told from; of fewer FFmpeg says 20 LU."""


class LoudnessMeter:
    """Hears all frames of a stream in order; those of another form than the first are left out."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[str, str, int] | None = None
        self._last: dict[str, str] = {}
        self._heard = 0

    def hear(self, frame: "AudioFrame") -> None:
        """Take the next frame."""
        import av.error

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None:
            self._graph, self._form = _graph_for(frame), form
        if form != self._form:
            return
        self._graph.push(frame)
        while True:
            try:
                self._last = cast("AudioFrame", self._graph.pull()).metadata
                self._heard += float(self._last.get("lavfi.r128.S", _SILENCE)) > _SILENCE
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    def read(self) -> dict[str, float | None]:
        """The fields of `Loudness`; FFmpeg tells true peaks as factors, not in dB."""
        peaks = [float(value) for name, value in self._last.items() if name.startswith("lavfi.r128.true_peaks_ch")]
        integrated = float(self._last.get("lavfi.r128.I", _SILENCE))
        peak = max(peaks, default=0.0)
        return {
            "integrated_lufs": None if integrated <= _SILENCE else round(integrated, 1),
            "range_lu": None if self._heard < _FEWEST else round(float(self._last["lavfi.r128.LRA"]), 1),
            "true_peak_dbtp": round(20 * math.log10(peak), 1) if peak > 0 else None,
        }


def _graph_for(frame: "AudioFrame") -> "Graph":
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
