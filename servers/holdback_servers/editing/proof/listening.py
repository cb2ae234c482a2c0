"""Whether sound that must not be there is heard in a file. Runs in the media worker."""

from pathlib import Path

import numpy as np
from holdback_base.elements import CutFacts, Element
from holdback_base.vocabulary import Span
from numpy.typing import NDArray

from holdback_servers.editing.evidence import HEARD, HEARD_ALONE, ConditionWanted, Figure, Proof, judge_sound
from holdback_servers.editing.model import SAMPLE_RATE, Timeline
from holdback_servers.editing.proof.sounds import NOTHING, RATE, Heard, Heardable, Wave, listen, wave, waves
from holdback_servers.editing.proof.stills import course_still
from holdback_servers.editing.proof.task import Task
from holdback_servers.editing.sound import mix

_DECIMATION = SAMPLE_RATE // RATE


class Listening:
    """The sound of a file, decoded once for all conditions."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._cut: list[Heardable] | None = None

    def proof(self, condition: ConditionWanted, still: Path) -> Proof:
        """Whether any piece of what the condition is about is heard anywhere in the file."""
        cues = list(self._cues(condition))
        if not cues:
            text = f"No source that was given holds the sound of {condition.ref}, so there is nothing to hear it by."
            return Proof(key=condition.key, type=condition.type, ref=condition.ref, verdict="not_proven", text=text)
        if self._cut is None:
            self._cut = waves(self._task.path(self._task.media), self._task.media)
        known = self._known({media for media, _, _ in cues})
        best, start = NOTHING, 0.0
        for media, begin, seconds in cues:
            cue = wave(self._task.path(media), media, begin, seconds)
            for each in self._cut:
                heard = listen(each.sound, cue, known and known[each.apart])
                if heard.likeness > best.likeness:
                    best, start = heard, begin
        verdict = judge_sound(best.likeness, alone=known is None)
        bound = HEARD_ALONE if known is None else HEARD
        course_still(best.course, bound, 6.0, still)
        return Proof(
            key=condition.key,
            type=condition.type,
            ref=condition.ref,
            verdict=verdict,
            text=_words(condition, best, start, verdict),
            failing=() if verdict == "proven" else (self._span(best),),
            figures=(Figure(name="likeness", value=best.likeness, unit="sd", bound=bound),),
            still=still.name,
        )

    def _cues(self, condition: ConditionWanted) -> set[tuple[str, float, float]]:
        """The sound that must not be heard: media, from which second, for how many."""
        found: set[tuple[str, float, float]] = set()
        for facts in self._task.sources:
            if not self._task.has(facts.media):
                continue
            for element in facts.element_list.elements:
                if element.ref == condition.ref:
                    found.update((facts.media, *_seconds(facts, element, span)) for span in element.spans)
        return found

    def _known(self, without: set[str]) -> tuple[Wave, Wave] | None:
        """What is laid in the cut beside the media that hold the sound, by its timeline: both sides as one, and what
        they differ by; None where nothing is."""
        timeline = self._task.timeline
        if timeline is None:
            return None
        other = _without(timeline, without)
        needed = other.media_used()
        if not all(self._task.has(media) for media in needed):
            return None
        left, right = mix(other, {media: self._task.path(media) for media in needed})
        if not (left.any() or right.any()):
            return None
        return _thinned((left + right) / 2), _thinned((left - right) / 2)

    def _span(self, heard: Heard) -> Span:
        rate = self._task.rate.fraction
        first = int(heard.at * rate)
        return Span(in_frame=first, out_frame=first + max(1, round(heard.seconds * rate)))


def _thinned(sound: NDArray[np.float32]) -> Wave:
    even = sound[: sound.size // _DECIMATION * _DECIMATION]
    return np.asarray(even.reshape(-1, _DECIMATION).mean(axis=1), np.float32)


def _seconds(facts: CutFacts, element: Element, span: Span) -> tuple[float, float]:
    rate = facts.element_list.rate
    return float(rate.seconds(span.in_frame)), float(rate.seconds(span.frames))


def _without(timeline: Timeline, media: set[str]) -> Timeline:
    """The timeline with the sound of these media gone."""
    tracks = [
        track.model_copy(update={"clips": tuple(each for each in track.clips if each.media not in media)})
        for track in timeline.tracks
    ]
    quiet = timeline.model_copy(update={"tracks": tuple(tracks)})
    if any(clip.media in media for clip in timeline.clips):
        quiet = quiet.with_track(quiet.track("programme").model_copy(update={"muted": True}))
    return quiet


def _words(condition: ConditionWanted, heard: Heard, start: float, verdict: str) -> str:
    if verdict == "proven":
        return f"{condition.ref} is not heard anywhere in it."
    where = f"at {heard.at:.0f} s, there {start + heard.of:.1f} s into the source"
    if verdict == "contradicted":
        return f"{condition.ref} is heard {where}."
    return f"It is not certain whether {condition.ref} is heard {where}; a person must listen."
