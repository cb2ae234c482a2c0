"""Where in their pieces of footage picks begin and end: on shots or sounds, never in a word. Pure.

Lengths may move by up to a quarter of a second, as long as all together last what they should; among all such ways the
one that costs least is taken.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from holdback_base.vocabulary import Span

from holdback_agents.editing_assistant.evidence import Evidence

_SPLIT, _FLASH, _DULL = 1000, 300, 50
"""What an end within a word costs, one that leaves a scrap of another shot, and each tenth that is silent or held."""
_ON_SOUND, _ANYWHERE = 4, 10
"""What an end on a sound costs, and one that falls on nothing; with a shot it costs nothing."""
_OFF_BEAT = 6
"""What a cut costs that is not on a beat of the music that is laid under it."""
_A_SECOND_OFF = 2
"""What each second costs by which a pick begins away from where it best would."""
_SCRAP = Fraction(1, 3)
"""Seconds of another shot that are seen as a flash and no more."""


@dataclass(frozen=True)
class Room:
    """Frames of the film that a pick may use, how long it should be, and where it would best begin."""

    span: Span
    frames: int
    home: int


def placed(
    rooms: Sequence[Room], evidence: Evidence, rate: Fraction, *, shortest: int, beats: frozenset[int] = frozenset()
) -> tuple[Span, ...]:
    """A span for each room, in their order; together they last what the rooms' lengths add up to.

    Args:
        rate: frames a second.
        shortest: frames that a pick keeps at least, unless its room gives less.
        beats: frames of the cut on which the music under it has a beat.
    """
    sway = round(rate / 4)
    ways: dict[int, tuple[float, tuple[Span, ...]]] = {0: (0, ())}
    record = 0
    for room in rooms:
        record += room.frames
        lengths = range(max(min(shortest, room.frames), room.frames - sway), room.frames + sway + 1)
        options = [_best(room, length, evidence, rate) for length in lengths if length <= room.span.frames]
        reached: dict[int, tuple[float, tuple[Span, ...]]] = {}
        for before, (cost, spans) in ways.items():
            for more, span in options:
                off = before + span.frames - room.frames
                total = cost + more + (_OFF_BEAT if beats and record + off not in beats else 0)
                if abs(off) <= sway and (off not in reached or total < reached[off][0]):
                    reached[off] = total, (*spans, span)
        ways = reached
    return ways[0][1]


def _best(room: Room, length: int, evidence: Evidence, rate: Fraction) -> tuple[float, Span]:
    first, last = room.span.in_frame, room.span.out_frame - length
    home = min(max(room.home, first), last)
    starts = {home, first, last, *range(first, last, max(1, round(rate / 2)))}
    starts |= set(_between(evidence.edges, first, last))
    starts |= {edge - length for edge in _between(evidence.edges, first + length, last + length)}
    swayed = abs(length - room.frames)

    def cost(start: int) -> float:
        span = Span(in_frame=start, out_frame=start + length)
        away = abs(start - home)
        near = 0 if start == home else 1 + _A_SECOND_OFF * away / rate
        return _cost(span, room, evidence, rate) + float(near) + swayed / 4

    start = min(sorted(starts), key=cost)
    return cost(start), Span(in_frame=start, out_frame=start + length)


def _between(frames: Sequence[int], first: int, last: int) -> Sequence[int]:
    return frames[bisect_left(frames, first) : bisect_right(frames, last)]


def _cost(span: Span, room: Room, evidence: Evidence, rate: Fraction) -> float:
    ground = evidence.ground
    dull = ground.silent_frames(span) + ground.held_frames(span)
    cost = _DULL * -(-10 * dull // span.frames) - evidence.worth(span) / 5
    for frame, own in ((span.in_frame, room.home), (span.out_frame, room.span.out_frame)):
        cost += _SPLIT * (frame in evidence.in_words)
        if frame in evidence.cuts or frame == own:
            continue
        cost += _ON_SOUND if frame in evidence.onsets else _ANYWHERE
    return cost + _FLASH * _scraps(span, evidence, rate)


def _scraps(span: Span, evidence: Evidence, rate: Fraction) -> int:
    """At how many of its ends a scrap of another shot is seen."""
    scrap = min(int(_SCRAP * rate), span.frames)
    begins = any(frame in evidence.cuts for frame in range(span.in_frame + 1, span.in_frame + scrap))
    ends = any(frame in evidence.cuts for frame in range(span.out_frame - scrap + 1, span.out_frame))
    return begins + ends
