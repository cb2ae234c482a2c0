"""Which pieces of the footage go into the cut, by rules. Pure.

Pieces that somebody marked come first, then logged shots, then what is said or detected, of these the livelier ones;
each says why it was taken. Of footage that nobody has described, lively shots are taken from all over it. Black and
flashing pictures are never taken; a pick begins and ends with a shot or on a sound, where it can, and never in a word.
"""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from pydantic import BaseModel, ConfigDict

from holdback_agents.editing_assistant.evidence import UNMEASURED, Curves, Evidence, evidence_from, said_of
from holdback_agents.editing_assistant.ground import Ground, evidence_of
from holdback_agents.editing_assistant.placing import Room, placed

_STANDING = {"marker": 2, "log": 1, "transcript": 0, "shot": 0}
_SHORTEST = Fraction(1, 2)
"""Seconds: nobody sees what is shorter."""
_USUAL = Fraction(5, 2)
"""Seconds of a shot, where nothing says which shots matter (house rule)."""
_CALM = 1
"""Seconds: shorter shots are taken last there."""
_A_CLASS = 10
"""Ranks of liveliness that count as alike."""


class Piece(BaseModel):
    """A segment of the footage as the library lists it; frames are half-open, `focus_x` in thousandths of the width."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    in_frame: int
    out_frame: int
    text: str = ""
    tags: tuple[str, ...] = ()
    in_timecode: str | None = None
    fields: dict[str, object] | None = None

    @property
    def frames(self) -> int:
        """How many frames it holds."""
        return self.out_frame - self.in_frame

    @property
    def focus_x(self) -> int | None:
        """Where the subject stands, when somebody said so."""
        focus = (self.fields or {}).get("focus_x")
        return focus if isinstance(focus, int) and 0 <= focus <= 1000 else None


class Pick(BaseModel):
    """A piece that goes into the cut, why, and how sure that is, in percent."""

    model_config = ConfigDict(frozen=True)

    in_frame: int
    out_frame: int
    reason: str
    confidence: int
    focus_x: int | None = None

    @property
    def frames(self) -> int:
        """How many frames it holds."""
        return self.out_frame - self.in_frame


def words_of(subject: str) -> frozenset[str]:
    """The words of a subject that can be looked for, as stems, without those that only say what kind of thing it is."""
    plain = {"the", "a", "an", "of", "in", "and", "scene", "scenes", "moment", "moments", "part", "bit", "shots"}
    return frozenset(_stem(word) for word in re.findall(r"\w+", subject.lower()) if word not in plain)


def _stem(word: str) -> str:
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word.removesuffix("s")


def choose(
    pieces: Iterable[Piece],
    subject: str,
    frames: int,
    rate: Fraction,
    *,
    curves: Curves = UNMEASURED,
    beats: frozenset[int] = frozenset(),
) -> tuple[Pick, ...]:
    """Pieces about the subject, in the order of the film, that together last exactly so many frames.

    The best are taken until there is enough; then the longest lose their ends. A piece is about the subject when its
    text or tags hold one of its words.

    Args:
        curves: what was measured of the film.
        beats: frames of the cut on which the music under it has a beat.

    Raises:
        Problem: NOT_FOUND when no piece is about the subject; SPAN_OUTSIDE_MEDIA when there is too little of it.
    """
    words, known = words_of(subject), list(pieces)
    evidence = evidence_from(known, curves)

    def rank(piece: Piece) -> tuple[int, ...]:
        lively = evidence.worth(_span(piece)) // _A_CLASS
        return -_STANDING.get(piece.kind, 0), -len(_matches(piece, words)), -lively, piece.in_frame

    ranked = sorted((piece for piece in fit(known, evidence.ground, rate) if _matches(piece, words)), key=rank)
    if not ranked:
        raise Problem(
            "NOT_FOUND", f"Nothing in the footage is described as {subject!r}.", "Use words of the library's shot logs."
        )
    taken: list[Piece] = []
    for piece in ranked:
        if sum(each.frames for each in taken) >= frames:
            break
        if all(piece.out_frame <= each.in_frame or each.out_frame <= piece.in_frame for each in taken):
            taken.append(piece)
    available = sum(each.frames for each in taken)
    if available < frames:
        raise _too_short(f"The footage shows {subject!r} for", available, frames, rate)
    taken.sort(key=lambda each: each.in_frame)
    shortest = int(_SHORTEST * rate)
    lengths = trimmed([each.frames for each in taken], frames, shortest=shortest)
    rooms = [Room(_span(each), length, each.in_frame) for each, length in zip(taken, lengths, strict=True)]
    spans = placed(rooms, evidence, rate, shortest=shortest, beats=beats)
    return tuple(_pick(piece, span, words, evidence) for piece, span in zip(taken, spans, strict=True))


def _span(piece: Piece) -> Span:
    return Span(in_frame=piece.in_frame, out_frame=piece.out_frame)


def fit(pieces: Iterable[Piece], ground: Ground, rate: Fraction) -> tuple[Piece, ...]:
    """The pieces that can be shown, without their frames that are unfit."""
    shown = [each for each in pieces if each.kind in _STANDING]
    spoilt = [each for each in shown if any(_touches(each, span) for span in ground.unfit)]
    whole = [each for each in shown if each not in spoilt]
    return (*whole, *without(spoilt, ground.unfit, rate))


def _touches(piece: Piece, span: Span) -> bool:
    return piece.in_frame < span.out_frame and span.in_frame < piece.out_frame


def chosen(
    pieces: Sequence[Piece],
    subject: str,
    frames: int,
    rate: Fraction,
    film: str,
    *,
    curves: Curves = UNMEASURED,
    beats: frozenset[int] = frozenset(),
) -> tuple[tuple[Pick, ...], tuple[str, ...]]:
    """The pieces about the subject; or, of a film that nobody has described, shots from all over it, and a note for
    people that says so. Raises Problem as `choose` and `spread` do."""
    if is_described(pieces, subject):
        return choose(pieces, subject, frames, rate, curves=curves, beats=beats), ()
    picks = spread(pieces, frames, rate, curves=curves, beats=beats)
    shots = f"{len(picks)} {'shot' if len(picks) == 1 else 'shots'}"
    note = (
        f"Nobody has described the shots of {film}, so nothing says where {subject!r} is: {shots} of all of it are used"
    )
    return picks, (f"{note}; look at them.",)


def without(pieces: Iterable[Piece], spans: Iterable[Span], rate: Fraction) -> tuple[Piece, ...]:
    """What is left of the pieces outside these frames of the film; remains of less than half a second are dropped. What
    only tells of the footage, such as where it is black, stays as it is."""
    known = list(pieces)
    left = [each for each in known if each.kind in _STANDING]
    for span in spans:
        left = [part for piece in left for part in _outside(piece, span)]
    telling = (each for each in known if each.kind not in _STANDING)
    return (*(piece for piece in left if piece.frames >= _SHORTEST * rate), *telling)


def _outside(piece: Piece, span: Span) -> list[Piece]:
    ends = (
        (piece.in_frame, min(piece.out_frame, span.in_frame)),
        (max(piece.in_frame, span.out_frame), piece.out_frame),
    )
    return [piece.model_copy(update={"in_frame": start, "out_frame": end}) for start, end in ends if start < end]


def is_described(pieces: Iterable[Piece], subject: str) -> bool:
    """Whether anybody has said what is to be seen in the footage, or the subject is spoken of in it. What was measured,
    such as that it is silent, says nothing of what is to be seen."""
    words = words_of(subject)
    seen = (piece for piece in pieces if piece.kind in _STANDING)
    return any(
        bool(_matches(piece, words)) if piece.kind == "transcript" else bool(piece.text.strip() or piece.tags)
        for piece in seen
    )


def spread(
    pieces: Iterable[Piece],
    frames: int,
    rate: Fraction,
    *,
    curves: Curves = UNMEASURED,
    beats: frozenset[int] = frozenset(),
) -> tuple[Pick, ...]:
    """Shots from all over footage that nobody has described, in its order, that together last exactly so many frames.

    As many shots as give each about two and a half seconds, the liveliest of each stretch of the film, each from its
    middle where nothing says what is better; where they are too short, the longest of the others join them.

    Raises:
        Problem: SPAN_OUTSIDE_MEDIA when all shots together are shorter than that.
    """
    known = list(pieces)
    evidence = evidence_from(known, curves)
    whole = (piece for piece in fit(known, evidence.ground, rate) if piece.kind == "shot")
    shots = sorted(whole, key=lambda each: each.in_frame)
    available = sum(each.frames for each in shots)
    if available < frames:
        raise _too_short("The footage lasts", available, frames, rate)
    calm = [each for each in shots if each.frames >= _CALM * rate] or shots
    taken = _liveliest(calm, min(len(calm), max(1, round(frames / rate / _USUAL))), evidence)
    others = sorted((each for each in shots if each not in taken), key=lambda each: (-each.frames, each.in_frame))
    while sum(each.frames for each in taken) < frames:
        taken.append(others.pop(0))
    taken.sort(key=lambda each: each.in_frame)
    shortest = min(int(_SHORTEST * rate), frames // len(taken))
    lengths = trimmed([each.frames for each in taken], frames, shortest=shortest)
    rooms = [
        Room(_span(each), length, each.in_frame + (each.frames - length) // 2)
        for each, length in zip(taken, lengths, strict=True)
    ]
    spans = placed(rooms, evidence, rate, shortest=shortest, beats=beats)
    return tuple(_undescribed(shot, span, evidence) for shot, span in zip(taken, spans, strict=True))


def _liveliest(shots: Sequence[Piece], count: int, evidence: Evidence) -> list[Piece]:
    """Of so many stretches of the shots, the shot of each in which most happens; else the one in its middle."""
    taken: list[Piece] = []
    for number in range(count):
        middle = (2 * number + 1) * len(shots) // (2 * count)
        stretch = shots[number * len(shots) // count : (number + 1) * len(shots) // count]
        worths = {each.in_frame: evidence.worth(_span(each)) // _A_CLASS for each in (shots[middle], *stretch)}
        taken.append(max((shots[middle], *stretch), key=lambda each: worths[each.in_frame]))
    return taken


def _undescribed(shot: Piece, span: Span, evidence: Evidence) -> Pick:
    said, worth = said_of(span, evidence)
    reason = "a detected shot; nobody has described the film, so shots are taken from all over it"
    return Pick(
        in_frame=span.in_frame,
        out_frame=span.out_frame,
        reason="; ".join((reason, *said))[:480],
        confidence=20 + worth,
        focus_x=shot.focus_x,
    )


def _too_short(what: str, available: int, frames: int, rate: Fraction) -> Problem:
    return Problem(
        "SPAN_OUTSIDE_MEDIA",
        f"{what} {float(available / rate):.1f} s, not {float(frames / rate):.1f} s.",
        "Ask for a shorter highlight, or widen the subject.",
        available_frames=available,
    )


def trimmed(lengths: Sequence[int], total: int, *, shortest: int) -> list[int]:
    """The lengths, the longest shortened frame by frame until they add up to the total; none below the shortest.

    Raises ValueError when they are too short to begin with, or when the total leaves less than the shortest for each.
    """
    kept = list(lengths)
    excess = sum(kept) - total
    if excess < 0 or total <= 0:
        raise ValueError(f"{sum(kept)} frames cannot be trimmed to {total}")
    while excess:
        longest = max(range(len(kept)), key=lambda index: (kept[index], index))
        others = sorted(kept)[-2] if len(kept) > 1 else 0
        room = kept[longest] - max(min(others, kept[longest] - 1), 1)
        if kept[longest] <= shortest and len(kept) > 1:
            raise ValueError(f"{len(kept)} pieces do not fit into {total} frames")
        cut = min(excess, room)
        kept[longest] -= cut
        excess -= cut
    return kept


def _matches(piece: Piece, words: frozenset[str]) -> frozenset[str]:
    said = frozenset(_stem(word) for word in re.findall(r"\w+", " ".join((piece.text, *piece.tags)).lower()))
    return words & said


def _pick(piece: Piece, span: Span, words: frozenset[str], evidence: Evidence) -> Pick:
    found = _matches(piece, words)
    how = {"marker": "marked by the logger", "log": "in the shot log", "transcript": "said there"}
    beside, worth = evidence_of(span, evidence.ground)
    measured, more = said_of(span, evidence)
    told = f"{how.get(piece.kind, 'a detected shot')}: {piece.text} (found: {', '.join(sorted(found))})"[:300]
    sure = {"marker": 95, "log": 75, "transcript": 55}.get(piece.kind, 50)
    missing = len(words - found)
    return Pick(
        in_frame=span.in_frame,
        out_frame=span.out_frame,
        reason="; ".join((told, *beside, *measured))[:480],
        confidence=max(5, min(99, sure + worth + more - 3 * missing)),
        focus_x=piece.focus_x,
    )
