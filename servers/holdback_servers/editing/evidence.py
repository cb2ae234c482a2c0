"""Whether a finished file does what was promised for it: the promise, what was found, and the verdict. Pure.

A proof is made from the picture and the sound of the file. The timeline only says where to look first.
"""

from collections.abc import Sequence
from typing import Literal

from holdback_base.elements import Box
from holdback_base.vocabulary import Noun, Rate, Sha256, Span
from pydantic import Field

Verdict = Literal["proven", "not_proven", "contradicted"]
ProvableType = Literal["blur", "mute", "replace_music", "credit", "disclaimer"]
PROVABLE: frozenset[str] = frozenset({"blur", "mute", "replace_music", "credit", "disclaimer"})
"""The types of conditions that can be seen or heard in a file; the others are papers."""

HIDDEN, CLEAR = 0.15, 0.3
"""What may be left of a region's detail: up to the first share of its contrast nothing can be made out, from the second
on it can be recognised (house rule; between them a person must look)."""
HEARD, PERHAPS_HEARD = 3.5, 2.8
"""Likeness of sound over three seconds, beyond what the other known sounds of the cut explain, in standard deviations
of what chance gives, each second counted with 6 at most. Other music of the same notes and instruments was measured at
2.0, a cue 26 dB under another at 6.0, 32 dB under it at 4.2."""
HEARD_ALONE, PERHAPS_HEARD_ALONE = 5.7, 3.0
"""The same over six seconds where nothing is known of what else is in the cut: such other music was measured
up to 5.2 there, so that little is certain."""
LEGIBLE_CONTRAST = 3.0
"""Of large letters on their ground (WCAG 2.2, 1.4.3)."""
LEGIBLE_HEIGHT = 15
"""Thousandths of the picture's shorter side that letters must be high (house rule)."""
FADE_ALLOWANCE = 0.25
"""Seconds of fading in and out in which words cannot be seen yet and are counted all the same."""


class ConditionWanted(Noun):
    """A condition of a right, as the rights server tells it, that shall be proven.

    `ref` is what must be unrecognisable, silent or gone; `text` the words that must stand in the picture; `key` is how
    the asker calls it.
    """

    key: str = Field(default="", max_length=60)
    type: ProvableType
    ref: str | None = Field(default=None, max_length=200, description="blur, mute, replace_music: what it is about")
    text: str = Field(default="", max_length=4000, description="credit, disclaimer: the words that must be shown")
    min_seconds: int | None = Field(default=None, ge=0, le=86_400)


class Figure(Noun):
    """A measured value: of what, how much, in which unit, and the bound that it is held against, if any."""

    name: str
    value: float
    unit: str = ""
    bound: float | None = None


class Proof(Noun):
    """What was found about one condition. Spans are frames of the finished file, half-open.

    `looked` are frames that could be judged; `failing` those that speak against it; `still` is a PNG in the media store
    that shows the frame which decides, or the course of the sound.
    """

    key: str
    type: ProvableType
    ref: str | None = None
    verdict: Verdict
    text: str
    looked: tuple[Span, ...] = ()
    failing: tuple[Span, ...] = ()
    figures: tuple[Figure, ...] = ()
    box: Box | None = None
    still: str | None = None


class ProofReport(Noun):
    """All proofs about a file, and the cutting room's signed word on them. The verdict is that of the worst."""

    media: Sha256
    rate: Rate
    frames: int
    verdict: Verdict
    proofs: tuple[Proof, ...]
    statement: str = ""


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of several together."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "not_proven" if "not_proven" in verdicts or not verdicts else "proven"


class FrameFound(Noun):
    """A region on one frame: `left` is the share of its detail that is left; None where it has none to begin with, so
    that there is nothing to make out. `aligned` is whether the picture round it is surely that frame of the source."""

    frame: int
    left: float | None
    aligned: bool = True
    mixed: bool = False


def judge_region(found: Sequence[FrameFound]) -> tuple[Verdict, tuple[Span, ...], float]:
    """The verdict on a region that shall be unrecognisable, the frames against it, and the most that is left.

    One frame on which it can be made out contradicts. It is proven when nothing is left wherever it is shown; frames in
    the middle of a transition, where two pictures are mixed, are judged by what is left alone.
    """
    told = [(each, each.left) for each in found if each.left is not None]
    most = max((left for _, left in told), default=0.0)
    clear = [each.frame for each, left in told if left >= CLEAR]
    if clear:
        return "contradicted", runs(sorted(set(clear))), most
    doubtful = [each.frame for each, left in told if left > HIDDEN]
    doubtful += [each.frame for each in found if not each.aligned and not each.mixed]
    if doubtful or not any(each.aligned for each, _ in told):
        return "not_proven", runs(sorted(set(doubtful))), most
    return "proven", (), most


def judge_sound(likeness: float, *, alone: bool = False) -> Verdict:
    """The verdict on sound that shall not be there, from the most likeness; `alone` where nothing is known of the other
    sounds of the cut."""
    heard, perhaps = (HEARD_ALONE, PERHAPS_HEARD_ALONE) if alone else (HEARD, PERHAPS_HEARD)
    if likeness >= heard:
        return "contradicted"
    return "not_proven" if likeness >= perhaps else "proven"


def judge_words(
    stands: int,
    legible: int,
    rate: Rate,
    min_seconds: int | None,
    height: float,
    *,
    own_lettering: bool = True,
    at_once: int | None = None,
) -> tuple[Verdict, str]:
    """The verdict on words, and why, from the frames on which they stand and can be read, and their height in
    thousandths of the shorter side; in a file of another house they may stand in another lettering. `at_once` are the
    most frames on which they stand without going away, where that is not all of them."""
    wanted, seconds = min_seconds or 0, float(rate.seconds(stands))
    if not stands:
        if own_lettering:
            return "contradicted", "the words are not in the picture"
        return "not_proven", "the words are not in the picture in this house's lettering; a person must look"
    if seconds + FADE_ALLOWANCE < wanted:
        return "contradicted", f"the words stand for {seconds:.2f} s, not for {wanted} s"
    if height < LEGIBLE_HEIGHT:
        return "contradicted", f"the letters are {height:.0f} thousandths of the picture high, too small to read"
    if legible * 4 < stands * 3:
        return "contradicted", f"the words have too little contrast on {stands - legible} of {stands} frames"
    return _at_once(seconds, seconds if at_once is None else float(rate.seconds(at_once)), wanted)


def _at_once(seconds: float, together: float, wanted: int) -> tuple[Verdict, str]:
    if together + FADE_ALLOWANCE < wanted:
        return "not_proven", f"the words stand for {seconds:.2f} s in all, but for {together:.2f} s at a time at most"
    return "proven", f"the words stand for {seconds:.2f} s and can be read"


def longest(frames: Sequence[int], rate: Rate) -> int:
    """The most frames of these, in order, that follow each other but for gaps no longer than a fade."""
    gap, most, count = FADE_ALLOWANCE * float(rate.fraction), 0, 0
    before: int | None = None
    for frame in frames:
        count = count + 1 if before is not None and frame - before - 1 <= gap else 1
        most, before = max(most, count), frame
    return most


def runs(frames: Sequence[int]) -> tuple[Span, ...]:
    """Frames in order as spans."""
    spans: list[Span] = []
    for frame in frames:
        if spans and spans[-1].out_frame == frame:
            spans[-1] = Span(in_frame=spans[-1].in_frame, out_frame=frame + 1)
        else:
            spans.append(Span(in_frame=frame, out_frame=frame + 1))
    return tuple(spans)
