"""What the delivery wants of a cut beside its rights: shape, loudness, an ending, captions. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import parse_language

from holdback_agents.contracts import Brief
from holdback_agents.editing_assistant.choice import Pick, Piece

Operation = dict[str, Any]

LOUDNESS_TENTHS = -140
"""-14 LUFS integrated: what YouTube and Instagram play at (trade practice, not a norm)."""
_UPRIGHT = {"9:16": (720, 1280), "1:1": (720, 720)}
_CLOSING = Fraction(1, 2)
"""Seconds in which the last picture goes to black."""
_SAME = 120
"""Thousandths of the width between what a person logged and what was seen, up to which both mean one subject."""
_MOST_LINES = 2000


def wanted_shape(brief: Brief) -> str | None:
    """The shape that the picture is to be cut out in; None where it stays as it is."""
    return brief.aspect if brief.aspect in _UPRIGHT else None


def closing(frames: int, rate: float) -> int:
    """In how many of its last frames a cut fades out; words that must stand end before it. 0 in one of under 4 s."""
    return round(_CLOSING * Fraction(rate)) if frames >= 4 * rate else 0


def delivery_operations(
    brief: Brief,
    clips: Sequence[Mapping[str, Any]],
    picks: Sequence[Pick],
    *,
    frames: int,
    rate: float,
    suggested: Iterable[Mapping[str, Any]] = (),
) -> list[Operation]:
    """The shape and the loudness that the brief's platforms want, and a fade at the end; each clip keeps its subject in
    the picture.

    Args:
        frames: how long the cut is.
        suggested: centres that the cutting room found by looking.
    """
    operations: list[Operation] = [{"op": "set_loudness", "lufs_tenths": LOUDNESS_TENTHS}]
    if last := closing(frames, rate):
        operations.append({"op": "add_transition", "kind": "dip_to_black", "before": last, "after": 0})
    if wanted_shape(brief) is not None:
        width, height = _UPRIGHT[brief.aspect]
        seen = {str(each["clip"]): each for each in suggested}
        found = (_centre(clip["id"], pick, seen.get(clip["id"])) for clip, pick in zip(clips, picks, strict=True))
        centres = [each for each in found if each is not None]
        shape = {"op": "reframe", "aspect": brief.aspect, "width": width, "height": height}
        operations.append({**shape, "centres": centres} if centres else shape)
    return operations


def _centre(clip: str, pick: Pick, seen: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Where to cut a clip out: where a person says the subject is, on the path on which it was seen to move there; of
    what nobody logged, where something was seen."""
    if pick.focus_x is None or seen is None:
        return seen if pick.focus_x is None else {"clip": clip, "centre_x": pick.focus_x}
    path = seen.get("path") or ()
    if path and abs(sum(key["centre_x"] for key in path) // len(path) - pick.focus_x) <= _SAME:
        return seen
    return {"clip": clip, "centre_x": pick.focus_x}


def caption_operations(
    spoken: Iterable[tuple[str, Iterable[Piece]]], clips: Sequence[Mapping[str, Any]]
) -> list[Operation]:
    """Captions beside the picture, a language each, of what the library has written down of what is said.

    Args:
        spoken: media by sha256, with their segments.
        clips: of the cut; of media that it shows only what is said within them.
    """
    lines: dict[str, list[Operation]] = {}
    for media, pieces in spoken:
        shown = [(each["in_frame"], each["out_frame"]) for each in clips if each["media"] == media]
        for piece in pieces:
            inside = not shown or any(piece.in_frame < end and start < piece.out_frame for start, end in shown)
            if piece.kind == "transcript" and piece.text.strip() and inside:
                span = {"in_frame": piece.in_frame, "out_frame": piece.out_frame}
                line = {"text": " ".join(piece.text.split())[:400], "span": span, "media": media}
                lines.setdefault(_language(piece), []).append(line)
    return [
        {"op": "set_captions", "language": language, "lines": said[:_MOST_LINES]}
        for language, said in sorted(lines.items())
    ]


def _language(piece: Piece) -> str:
    """The language of what is said; `und` (undetermined, BCP 47) where the library names none that there is."""
    try:
        return parse_language(str((piece.fields or {}).get("language") or "und"))
    except Problem:
        return "und"
