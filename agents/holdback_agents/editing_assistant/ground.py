"""What is known of footage beside what somebody wrote about it: black, held and flashing pictures, silence, speech.

From the segments that the library found by itself. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from holdback_base.vocabulary import Span

_WORD = re.compile(r"(\d{1,9})-(\d{1,9}) ")
UNFIT = frozenset({"black", "flashing"})
"""Kinds of segments that nobody wants to see in a highlight; flashing may harm (ITU-R BT.1702)."""


class Segment(Protocol):
    """A segment as the library lists it; frames are half-open."""

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def in_frame(self) -> int:
        """Its first frame."""
        ...

    @property
    def out_frame(self) -> int:
        """The first frame behind it."""
        ...

    @property
    def fields(self) -> Mapping[str, object] | None:
        """Further values."""
        ...


@dataclass(frozen=True)
class Ground:
    """Frames of the footage that are unfit to be shown, on which nothing moves, silent, or within a spoken word."""

    unfit: tuple[Span, ...] = ()
    held: tuple[Span, ...] = ()
    silent: tuple[Span, ...] = ()
    spoken: tuple[Span, ...] = ()

    def splits_a_word(self, frame: int) -> bool:
        """Whether a cut at this frame would fall into the middle of a word."""
        return any(word.in_frame < frame < word.out_frame for word in self.spoken)

    def silent_frames(self, span: Span) -> int:
        """On how many frames of the span nothing is heard."""
        return _shared(self.silent, span)

    def held_frames(self, span: Span) -> int:
        """On how many frames of the span nothing moves."""
        return _shared(self.held, span)

    def spoken_frames(self, span: Span) -> int:
        """On how many frames of the span somebody speaks."""
        return _shared(self.spoken, span)


def ground_of(segments: Iterable[Segment]) -> Ground:
    """What the library's own segments say."""
    found = list(segments)
    return Ground(
        unfit=tuple(_span(each) for each in found if each.kind in UNFIT and each.in_frame < each.out_frame),
        held=tuple(_span(each) for each in found if each.kind == "freeze" and each.in_frame < each.out_frame),
        silent=tuple(_span(each) for each in found if each.kind == "silence" and each.in_frame < each.out_frame),
        spoken=tuple(word for each in found if each.kind == "transcript" for word in _words(each)),
    )


def evidence_of(span: Span, ground: Ground) -> tuple[tuple[str, ...], int]:
    """What speaks for and against these frames beside their description, in words, and by how many percent."""
    said: list[str] = []
    worth = 0
    if ground.spoken_frames(span):
        said.append("somebody speaks, and no word is cut")
        worth += 3
    if ground.splits_a_word(span.in_frame) or ground.splits_a_word(span.out_frame):
        said[-1:] = ["a word is cut, since the shot leaves no room"]
        worth -= 13
    if ground.silent_frames(span) * 2 > span.frames:
        said.append("most of it is silent")
        worth -= 10
    if ground.held_frames(span) * 2 > span.frames:
        said.append("hardly anything moves")
        worth -= 10
    return tuple(said), worth


def _span(segment: Segment) -> Span:
    return Span(in_frame=segment.in_frame, out_frame=segment.out_frame)


def _shared(spans: Sequence[Span], within: Span) -> int:
    return sum(part.frames for each in spans if (part := each.overlap(within)))


def _words(segment: Segment) -> Iterable[Span]:
    """The words of a transcript by their own frames; where those are not told, all of it is as one word."""
    told: Any = (segment.fields or {}).get("words")
    whole = [_span(segment)] if segment.in_frame < segment.out_frame else []
    if not isinstance(told, list):
        return whole
    listed: list[Any] = [*told]
    return [span for each in listed if (span := _word(each)) is not None] or whole


def _word(word: Any) -> Span | None:
    """The frames of a word that the library tells as `120-131 985 butterfly`; None for what it tells in another way."""
    told = _WORD.match(word) if isinstance(word, str) else None
    if told is None or int(told[1]) >= int(told[2]):
        return None
    return Span(in_frame=int(told[1]), out_frame=int(told[2]))
