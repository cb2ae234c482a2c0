"""What is measured of footage, to be asked of any frames: how loud, how lively, where sounds and shots begin. Pure.

Loud and lively are told as a rank within the film, 0 to 100: a quiet film has its loud moments too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from holdback_base.vocabulary import Span

from holdback_agents.editing_assistant.ground import Ground, Segment, ground_of

_MUCH, _LITTLE = 70, 15
"""Ranks from which on, and up to which, it is worth saying."""


@dataclass(frozen=True)
class Curves:
    """What the library measured: a value of `energy` (dBFS) and `motion` for every `step` frames from the first, and
    the frames in which something clearly begins to sound. What is empty was not measured."""

    step: int = 1
    energy: tuple[int, ...] = ()
    motion: tuple[int, ...] = ()
    onsets: tuple[int, ...] = ()


UNMEASURED = Curves()
"""Of footage of which nothing is known but what people wrote."""


@dataclass(frozen=True)
class Evidence:
    """All that is known of the footage beside what somebody wrote about it.

    `in_words` are the frames at which a cut would fall into the middle of a word, `cuts` those at which detected shots
    begin, `edges` all in order at which something begins or ends.
    """

    ground: Ground
    in_words: frozenset[int]
    cuts: frozenset[int]
    onsets: frozenset[int]
    edges: tuple[int, ...]
    step: int = 1
    _loud: tuple[int, ...] = field(default=(), repr=False)
    _lively: tuple[int, ...] = field(default=(), repr=False)

    def loud(self, span: Span) -> int | None:
        """The mean rank of how loud these frames are; None where that was not measured."""
        return self._mean(self._loud, span)

    def lively(self, span: Span) -> int | None:
        """The mean rank of how much moves in these frames; None where that was not measured."""
        return self._mean(self._lively, span)

    def worth(self, span: Span) -> int:
        """How much happens, to eye and ear, as a rank; 50 where nothing was measured."""
        ranks = [rank for rank in (self.loud(span), self.lively(span)) if rank is not None]
        return sum(ranks) // len(ranks) if ranks else 50

    def _mean(self, sums: tuple[int, ...], span: Span) -> int | None:
        first, last = span.in_frame // self.step, min(-(-span.out_frame // self.step), len(sums) - 1)
        return (sums[last] - sums[first]) // (last - first) if first < last else None


def evidence_from(segments: Iterable[Segment], curves: Curves) -> Evidence:
    """What segments and curves tell together."""
    known = list(segments)
    ground = ground_of(known)
    cuts = frozenset(frame for each in known if each.kind == "shot" for frame in (each.in_frame, each.out_frame))
    spans = (*ground.held, *ground.silent, *ground.spoken)
    ends = (frame for span in spans for frame in (span.in_frame, span.out_frame))
    return Evidence(
        ground=ground,
        in_words=frozenset(at for word in ground.spoken for at in range(word.in_frame + 1, word.out_frame)),
        cuts=cuts,
        onsets=frozenset(curves.onsets),
        edges=tuple(sorted({*cuts, *curves.onsets, *ends})),
        step=curves.step,
        _loud=_ranks(curves.energy),
        _lively=_ranks(curves.motion),
    )


def _ranks(values: Sequence[int]) -> tuple[int, ...]:
    """Sums of the ranks of the values before each; empty where there are no values."""
    ordered = sorted(values)
    ranks = (50 * (bisect_left(ordered, each) + bisect_right(ordered, each)) // len(ordered) for each in values)
    return tuple(accumulate(ranks, initial=0)) if values else ()


def said_of(span: Span, evidence: Evidence) -> tuple[tuple[str, ...], int]:
    """What the measurements say for and against these frames, in words, and by how many percent."""
    said: list[str] = []
    worth = 0
    for rank, much, little in (
        (evidence.lively(span), "much moves", "little moves"),
        (evidence.loud(span), "loud", "quiet"),
    ):
        if rank is not None and rank >= _MUCH:
            said.append(f"{much} (more than in {rank} % of the film)")
            worth += 3
        elif rank is not None and rank <= _LITTLE:
            said.append(f"{little} (less than in {100 - rank} % of the film)")
            worth -= 3
    begins, ends = (_edge(frame, evidence) for frame in (span.in_frame, span.out_frame))
    if begins or ends:
        said.append("; ".join(filter(None, (begins and f"begins {begins}", ends and f"ends {ends}"))))
        worth += 1
    return tuple(said), worth


def _edge(frame: int, evidence: Evidence) -> str:
    if frame in evidence.cuts:
        return "with a shot"
    return "on a sound" if frame in evidence.onsets else ""
