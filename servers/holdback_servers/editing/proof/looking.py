"""Whether elements are unrecognisable wherever a file shows them. Runs in the media worker."""

from pathlib import Path
from typing import NamedTuple

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.evidence import (
    CLEAR,
    HIDDEN,
    ConditionWanted,
    Figure,
    FrameFound,
    Proof,
    Verdict,
    judge_region,
    runs,
)
from holdback_servers.editing.pictures import Reader
from holdback_servers.editing.proof.regions import WHOLE, Luma, Part, is_same, left_of, same_picture
from holdback_servers.editing.proof.sights import (
    Finder,
    Sight,
    Wanted,
    luma_of,
    settled,
    spans_frames,
    told_sights,
    wanted_of,
)
from holdback_servers.editing.proof.stills import frame_still
from holdback_servers.editing.proof.task import Task
from holdback_servers.editing.proof.words import plate_of

_MOST_COMPARED = 240
"""Frames of a source, evenly over those on which the element is, that an unknown frame is compared with."""


_SURELY, _ENOUGH = 0.5, 0.3
"""So much left words over it feign only now and then; and so much of a region, beside words, speaks for all of it."""
_DOUBTFUL = (HIDDEN + CLEAR) / 2
"""What is taken to be left where much is left under words and nothing beside them: a person must look."""


class _Seen(NamedTuple):
    found: FrameFound
    part: Part


class RegionWatch:
    """Looks at each frame of a file for what must be unrecognisable in it."""

    def __init__(self, task: Task, condition: ConditionWanted) -> None:
        self._task, self._condition = task, condition
        self._wanted: dict[str, list[Wanted]] = {}
        for facts in task.sources:
            elements = [each for each in facts.element_list.elements if each.ref == condition.ref]
            if elements and facts.width is not None and task.has(facts.media):
                self._wanted[facts.media] = wanted_of(facts, elements, task.rate)
        self._readers: dict[str, Reader] = {}
        self._finders: list[tuple[str, Finder]] | None = None
        self._told = told_sights(task.timeline) if task.timeline else {}
        self._seen: list[_Seen] = []
        self._looked: list[int] = []
        self._strange: list[int] = []
        self._words: list[tuple[Span, Part]] | None = None
        self._claimed = [span for each in task.elements.elements if each.ref == condition.ref for span in each.spans]

    def see(self, number: int, luma: Luma) -> None:
        """The next frame of the file."""
        if not self._wanted:
            return
        self._looked.append(number)
        told = self._told.get(number, [])
        surely = [(each, self._is_shown(luma, each)) for each in told]
        for sight, sure in surely:
            self._measure(number, luma, sight, sure=sure)
        if not any(sure or sight.mixed for sight, sure in surely) and not self._search(number, luma):
            self._strange.append(number)

    def _is_shown(self, luma: Luma, sight: Sight) -> bool:
        source = self._source(sight.media, sight.frame)
        if source is None:
            return False
        parts = tuple(each.part for each in self._wanted.get(sight.media, ()) if each.on(sight.frame))
        return is_same(same_picture(luma, source, sight.lie, parts))

    def _measure(self, number: int, luma: Luma, sight: Sight, *, sure: bool) -> None:
        for wanted in self._wanted.get(sight.media, ()):
            if not wanted.on(sight.frame):
                continue
            shown = sight.lie.in_cut(wanted.part).within(WHOLE)
            source = self._source(sight.media, sight.frame)
            if shown is None or source is None:
                continue
            left = self._left(number, luma, source, sight, shown)
            found = FrameFound(frame=number, left=left, aligned=sure, mixed=sight.mixed)
            self._seen.append(_Seen(found, shown))

    def _left(self, number: int, luma: Luma, source: Luma, sight: Sight, shown: Part) -> float | None:
        """What is left of a part of the cut. Beside words that stand over it that is told better than under them."""
        whole = left_of(luma, source, sight.lie.in_source(shown), sight.lie)
        rest = shown
        for words in self._words_on(number, luma):
            if rest.within(words):
                rest = rest.beside(words)
        if whole is None or rest == shown or rest.area < _ENOUGH * shown.area:
            return whole
        beside = left_of(luma, source, sight.lie.in_source(rest), sight.lie)
        if whole < _SURELY or beside is None:
            return beside if whole < _SURELY else whole
        return max(beside, _DOUBTFUL)

    def _words_on(self, number: int, luma: Luma) -> list[Part]:
        if self._words is None:
            credits = self._task.timeline.credits if self._task.timeline else ()
            self._words = [(each.span, plate_of(each, (luma.shape[1], luma.shape[0]))) for each in credits]
        return [part for span, part in self._words if span.in_frame <= number < span.out_frame]

    def _search(self, number: int, luma: Luma) -> bool:
        """Look for the element's frames in a frame of which it is not known what it shows; whether one was found."""
        known = False
        for media, finder in self._searched(luma):
            sight = finder.find(luma)
            source = self._source(media, sight.frame) if sight else None
            if sight is None or source is None:
                continue
            sight = settled(luma, source, sight)
            parts = tuple(each.part for each in self._wanted[media] if each.on(sight.frame))
            if is_same(same_picture(luma, source, sight.lie, parts)):
                self._measure(number, luma, sight, sure=True)
                known = True
        return known

    def _searched(self, luma: Luma) -> list[tuple[str, Finder]]:
        if self._finders is None:
            self._finders = []
            for media, wanted in self._wanted.items():
                facts = self._task.facts(media)
                assert facts is not None
                finder = Finder(media, (luma.shape[1], luma.shape[0]), (facts.width or 16, facts.height or 9))
                for frame in spans_frames(wanted, _MOST_COMPARED):
                    source = self._source(media, frame)
                    if source is not None:
                        finder.add(frame, source)
                self._finders.append((media, finder))
        return self._finders

    def _source(self, media: str, frame: int) -> Luma | None:
        """A picture of a source; None where its bytes are not here or end before it."""
        if not self._task.has(media):
            return None
        if media not in self._readers:
            self._readers[media] = Reader(self._task.path(media), self._task.rate, media)
        try:
            return luma_of(self._readers[media].frame(frame))
        except Problem:
            return None

    def proof(self, still: Path) -> Proof:
        """What was found, after the last frame."""
        for reader in self._readers.values():
            reader.close()
        if not self._wanted:
            return self._unknown()
        found = [each.found for each in self._seen]
        verdict, failing, most = judge_region(found)
        missed = self._missed({each.frame for each in found})
        if verdict == "proven" and missed:
            verdict, failing = "not_proven", missed
        if self._task.timeline is None and self._strange and verdict != "contradicted":
            verdict, failing = "not_proven", runs(self._strange)
        elif not found and not self._claimed:
            verdict = "proven"
        worst = max(self._seen, key=lambda each: each.found.left or 0.0, default=None)
        if worst is not None:
            frame_still(self._task.frame(worst.found.frame), worst.part, still)
        return Proof(
            key=self._condition.key,
            type=self._condition.type,
            ref=self._condition.ref,
            verdict=verdict,
            text=self._told_in_words(verdict, failing, most),
            looked=runs(self._looked),
            failing=failing,
            figures=(
                Figure(name="detail left", value=round(most, 3), unit="share of the contrast", bound=HIDDEN),
                Figure(name="recognisable from", value=CLEAR, unit="share of the contrast"),
                Figure(name="frames that show it", value=len({each.frame for each in found}), unit="frames"),
            ),
            box=box_of(worst.part) if worst else None,
            still=still.name if worst else None,
        )

    def _missed(self, seen: set[int]) -> tuple[Span, ...]:
        """Frames on which the statement has the element and on which it was not found."""
        there = {frame for span in self._claimed for frame in range(span.in_frame, span.out_frame)}
        return runs(sorted(there - seen))

    def _unknown(self) -> Proof:
        ref = self._condition.ref
        return Proof(
            key=self._condition.key,
            type=self._condition.type,
            ref=ref,
            verdict="not_proven",
            text=f"No source that was given has {ref} in its picture, so that there is nothing to compare with.",
        )

    def _told_in_words(self, verdict: Verdict, failing: tuple[Span, ...], most: float) -> str:
        ref, frames = self._condition.ref, sum(span.frames for span in failing)
        if verdict == "contradicted":
            first = failing[0].in_frame
            return f"{ref} can be made out on {frames} frames, first on {first}: {most:.0%} of its detail is left."
        if verdict == "not_proven":
            return f"On {frames} frames it could not be seen whether {ref} can be made out; a person must look."
        if not self._seen:
            return f"None of the frames shows {ref}."
        return (
            f"{ref} cannot be made out on any of the {len(self._seen)} places where it is; at most {most:.0%} is left."
        )


def box_of(part: Part) -> Box:
    """A part of a picture in thousandths."""
    left, top = int(part.left * 1000), int(part.top * 1000)
    return Box(
        x=left,
        y=top,
        width=max(1, min(1000, round(part.right * 1000)) - left),
        height=max(1, min(1000, round(part.bottom * 1000)) - top),
    )
