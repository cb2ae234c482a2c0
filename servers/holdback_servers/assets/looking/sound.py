"""How sound goes through time: peaks to draw, energy and onsets to choose by, silence. Runs in the media worker."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdback_servers.assets.looking.runs import Run, Runs

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from numpy.typing import NDArray

_WINDOWS = 20
"""Windows a second for peaks; two of them make one value of energy."""
_SPECTRA = 100
"""Spectra a second for onsets."""
_SILENT = 0.001
"""-60 dBFS: FFmpeg's silencedetect."""
_SLOWEST = 4000
"""Hz; sound of a lower sample rate has no onsets."""


@dataclass(frozen=True)
class SoundCurves:
    """A stream's sound, in windows of `window` samples from its first sample on.

    Attributes:
        lows, highs: the lowest and highest sample of any channel in each window, -1 to 1.
        rms: over all channels, 0 to 1.
        silent: the runs of windows without a sample above -60 dBFS.
        flux: how much each spectrum gains on the one before, a hundred a second; `hop` samples lie between two.
    """

    sample_rate: int
    samples: int
    window: int
    lows: "NDArray[Any]"
    highs: "NDArray[Any]"
    rms: "NDArray[Any]"
    silent: list[Run]
    hop: int
    flux: "NDArray[Any]"


class SoundListener:
    """Hears all frames of a stream in order."""

    def __init__(self) -> None:
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None
        self._rate = self._window = self._block = self._hop = self._samples = 0
        self._layout = ""
        self._waiting: list[NDArray[Any]] = []
        self._waits = 0
        self._windows: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._flux: list[NDArray[Any]] = []
        self._tail: NDArray[Any] | None = None
        self._spectrum: NDArray[Any] | None = None

    def hear(self, frame: "AudioFrame") -> None:
        """Take the next frame; one of another form is made like the first."""
        for samples in self._floats(frame):
            self._waiting.append(samples)
            self._waits += samples.shape[1]
            self._samples += samples.shape[1]
        if self._waits >= self._block > 0:
            self._measure(last=False)

    def finish(self) -> SoundCurves | None:
        """The curves; None where nothing was heard."""
        import numpy

        if not self._samples:
            return None
        self._measure(last=True)
        lows, highs, rms = (numpy.concatenate(each) for each in zip(*self._windows, strict=True))
        quiet = Runs(1)
        for at, loud in enumerate((numpy.maximum(-lows, highs) > _SILENT).tolist()):
            quiet.feed(at, not loud)
        return SoundCurves(
            sample_rate=self._rate,
            samples=self._samples,
            window=self._window,
            lows=lows,
            highs=highs,
            rms=rms,
            silent=quiet.end(len(lows)),
            hop=self._hop,
            flux=numpy.concatenate(self._flux) if self._flux else numpy.zeros(0, numpy.float32),
        )

    def _floats(self, frame: "AudioFrame") -> "Iterator[NDArray[Any]]":
        from av.audio.resampler import AudioResampler

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._form is None:
            self._begin(frame)
        if form != self._form:
            self._form = form
            like = ("fltp", self._layout, self._rate)
            self._resampler = None if form == like else AudioResampler(format=like[0], layout=like[1], rate=like[2])
        for each in [frame] if self._resampler is None else self._resampler.resample(frame):
            yield each.to_ndarray()

    def _begin(self, frame: "AudioFrame") -> None:
        self._rate, self._layout = frame.sample_rate, frame.layout.name
        self._window = max(1, round(self._rate / _WINDOWS))
        self._block = self._window * _WINDOWS
        self._hop = max(1, self._rate // _SPECTRA)

    def _measure(self, *, last: bool) -> None:
        import numpy

        samples = numpy.concatenate(self._waiting, axis=1) if self._waiting else numpy.zeros((1, 0), numpy.float32)
        samples = numpy.clip(numpy.nan_to_num(samples, copy=False), -1, 1)
        whole = samples.shape[1] // self._window * self._window
        if whole:
            self._windows.append(_peaks(samples[:, :whole], self._window))
        rest = samples[:, whole:]
        if last and rest.shape[1]:
            self._windows.append(_peaks(rest, rest.shape[1]))
        self._waiting, self._waits = [rest], rest.shape[1]
        if self._rate >= _SLOWEST:
            self._gain(samples[:, :whole].mean(axis=0))

    def _gain(self, mono: "NDArray[Any]") -> None:
        """Spectral flux: where many frequencies begin to sound at once, a beat or a word begins."""
        import numpy

        if self._tail is not None:
            mono = numpy.concatenate((self._tail, mono))
        length = 1 << max(5, min(13, round(self._rate / 47).bit_length() - 1))
        count = max(0, (len(mono) - length) // self._hop + 1)
        self._tail = mono[count * self._hop :]
        if not count:
            return
        parts = numpy.lib.stride_tricks.sliding_window_view(mono, length)[:: self._hop][:count]
        spectra = numpy.log1p(100 * numpy.abs(numpy.fft.rfft(parts * _hann(length), axis=1)) / length)
        before = spectra[:1] if self._spectrum is None else self._spectrum
        gained = numpy.diff(numpy.concatenate((before, spectra)), axis=0)
        self._flux.append(numpy.maximum(gained, 0).sum(axis=1).astype(numpy.float32))
        self._spectrum = spectra[-1:]


def _peaks(samples: "NDArray[Any]", window: int) -> "tuple[NDArray[Any], NDArray[Any], NDArray[Any]]":
    import numpy

    parts = samples.reshape(samples.shape[0], -1, window)
    return parts.min(axis=(0, 2)), parts.max(axis=(0, 2)), numpy.sqrt((parts**2).mean(axis=(0, 2)))


def _hann(length: int) -> "NDArray[Any]":
    import numpy

    return numpy.hanning(length).astype(numpy.float32)
