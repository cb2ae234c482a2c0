"""A sheet from somebody's file made into a timeline of known media. Pure.

Everything goes through the operations an editor has, so an imported cut obeys the same rules. Names in a file are text:
they are looked up among the sources, and what is not found, or unclear, is told with its place in the file.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate

from holdback_servers.editing.interchange.extras import with_extras
from holdback_servers.editing.interchange.hearing import with_sound
from holdback_servers.editing.interchange.naming import listed, matching, one_line
from holdback_servers.editing.interchange.sheet import MOST_PIECES, PICTURE, Lane, Piece, Remark, Sheet
from holdback_servers.editing.layering import add_layer_clip
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create
from holdback_servers.editing.orders import AddLayerClip, AddTransition, ClipWanted
from holdback_servers.editing.picture_operations import add_transition
from holdback_servers.editing.validation import transition_findings

MOST_LAYERS = 8


class Conformed(NamedTuple):
    """A timeline from a file, which media each name stands for, and what the reader should know."""

    timeline: Timeline
    names: dict[str, str]
    remarks: tuple[Remark, ...]


def conform(
    sheet: Sheet,
    sources: Sequence[CutFacts],
    maker: Maker,
    *,
    given: Mapping[str, str],
    starts: Mapping[str, int],
) -> Conformed:
    """The cut that a file tells, of these sources.

    Args:
        given: media for names in the file, where the caller says so.
        starts: the first frame of each media in its own timecode, for files that count in it; 0 when left out.

    Raises:
        Problem: NOT_FOUND for names that no source has, CONFLICT for unclear ones, TIMELINE_INVALID for what this room
            cannot cut: gaps, reverse motion; what the operations raise, with the place in the file before it.
    """
    if sum(len(lane.pieces) for lane in sheet.lanes) > MOST_PIECES:
        raise Problem("TOO_LARGE", f"The file has over {MOST_PIECES} pieces.", "Import a part of it.")
    names, media = _resolved(sheet, sources, given)
    lanes = [_placed(lane, media, starts, sheet.rate) for lane in sheet.lanes]
    remarks = list(sheet.remarks)
    first = next((each for each in lanes if each.name == PICTURE), None)
    if first is None or not first.pieces:
        raise Problem("EMPTY_CUT", "The file has no picture on its first track.", "Export the track with the cut.")
    timeline, begins = _picture(sheet, first, sources, maker, remarks)
    timeline = _changes(timeline, first, begins)
    timeline = _layers(timeline, lanes, remarks)
    timeline = with_sound(timeline, lanes, remarks)
    timeline = with_extras(timeline, sheet, first, remarks)
    findings = [each for each in transition_findings(timeline) if each.severity == "error"]
    if findings:
        raise Problem(
            "TIMELINE_INVALID",
            f"A transition in the file does not fit: {findings[0].message}",
            "Shorten it in the other program, or use media with longer handles.",
            findings=[each.model_dump() for each in findings],
        )
    return Conformed(Timeline.model_validate(timeline.model_dump()), names, tuple(remarks))


@contextmanager
def told_where(where: str) -> Generator[None]:
    """Puts the place in the file before what is wrong."""
    try:
        yield
    except Problem as problem:
        said = f"{where}: {problem.message}" if where else problem.message
        raise Problem(problem.code, said, problem.hint, **{**problem.details, "where": where}) from problem


def _resolved(
    sheet: Sheet, sources: Sequence[CutFacts], given: Mapping[str, str]
) -> tuple[dict[str, str], dict[tuple[str, ...], str]]:
    """Names for people and for pieces, each with its media."""
    found: dict[tuple[str, ...], str] = {}
    missing: dict[str, str] = {}
    for piece in (each for lane in sheet.lanes for each in lane.pieces):
        words = piece.name.words()
        if words in found:
            continue
        media = matching(piece.name, sources, given)
        if len(media) > 1:
            raise Problem(
                "CONFLICT",
                f"{piece.where or 'The file'}: {listed(words[:1])} may be {len(media)} of the sources.",
                "Say which with media: give the name in the file and the media's sha256.",
                name=words[0],
                candidates=media,
            )
        if media:
            found[words] = media[0]
        else:
            missing[words[0] if words else "a clip without a name"] = piece.where
    if missing:
        raise Problem(
            "NOT_FOUND",
            f"The sources have no media that the file calls {listed(missing)} ({next(iter(missing.values()))}).",
            "Add its cut statement to sources, or say with media which sha256 the name stands for.",
            names=list(missing),
        )
    return {words[0]: media for words, media in found.items()}, found


def _placed(lane: Lane, media: Mapping[tuple[str, ...], str], starts: Mapping[str, int], rate: Rate) -> Lane:
    """The lane with media named by hash and counted from its first frame."""
    day = 24 * 3600 * rate.nominal
    pieces: list[Piece] = []
    for piece in lane.pieces:
        known = media[piece.name.words()]
        source = piece.source
        if piece.counted == "timecode":
            source -= starts.get(known, 0)
            source += day if source < -day // 2 else 0
        name = piece.name.model_copy(update={"media": known})
        pieces.append(piece.model_copy(update={"name": name, "source": source, "counted": "media"}))
    return lane.model_copy(update={"pieces": tuple(pieces)})


def _picture(
    sheet: Sheet, lane: Lane, sources: Sequence[CutFacts], maker: Maker, remarks: list[Remark]
) -> tuple[Timeline, dict[int, int]]:
    """The first track, and which clip begins on which frame."""
    wanted: list[ClipWanted] = []
    begins: dict[int, int] = {}
    position = 0
    for piece in lane.pieces:
        if piece.at != position:
            what = "a gap before it" if piece.at > position else "the one before it under it"
            raise Problem(
                "TIMELINE_INVALID",
                f"{piece.where}: the picture on frame {piece.at} has {what} of {abs(piece.at - position)} frames.",
                "The first track of picture has no gaps here: fill it in the other program and export again.",
                frame=position,
            )
        begins[position] = len(wanted)
        wanted += _clips(piece, remarks)
        position += piece.frames
    size = _size(sheet)
    start = lane.pieces[0]
    with told_where(start.where):
        timeline = create(
            maker, title=one_line(sheet.title, 500), sources=sources, clips=wanted[:1], rate=sheet.rate, size=size
        )
    return _appended(timeline, lane, begins, wanted, sources, sheet, maker, size), begins


def _appended(  # noqa: PLR0917 - what a timeline is created from
    timeline: Timeline,
    lane: Lane,
    begins: dict[int, int],
    wanted: list[ClipWanted],
    sources: Sequence[CutFacts],
    sheet: Sheet,
    maker: Maker,
    size: tuple[int, int] | None,
) -> Timeline:
    """All clips; when one of them is refused, its place in the file is told."""
    try:
        return create(
            maker, title=timeline.title, sources=sources, clips=wanted, rate=sheet.rate, size=size
        ).model_copy(update={"start": sheet.start})
    except Problem:
        for piece in lane.pieces:
            first = begins[piece.at]
            with told_where(piece.where):
                create(maker, title="", sources=sources, clips=wanted[first : first + 1], rate=sheet.rate, size=size)
        raise


def _size(sheet: Sheet) -> tuple[int, int] | None:
    if sheet.width is None or sheet.height is None:
        return None
    width, height = (each // 2 * 2 for each in (sheet.width, sheet.height))
    return (width, height) if all(16 <= each <= 4096 for each in (width, height)) else None


def _clips(piece: Piece, remarks: list[Remark]) -> Iterator[ClipWanted]:
    """A piece as clips that fill exactly its frames.

    At a speed under 100 percent a clip of whole frames of media cannot fill every number of frames of the cut; the rest
    is held, on the very frames that would be shown.
    """
    said = {"media": piece.name.media, "reason": one_line(piece.reason, 500), "confidence": piece.confidence}
    if piece.held:
        yield _clip(said, piece.source, 1, freeze=piece.frames)
        return
    used = _frames_used(piece)
    filled = used * 100 // piece.speed
    if used:
        yield _clip(said, piece.source, used, speed=piece.speed)
    if filled < piece.frames:
        message = f"The last {piece.frames - filled} frames of a clip at {piece.speed} percent are held, without sound."
        remarks.append(Remark(severity="warning", where=piece.where, message=message, hint="Give it an even length."))
    while filled < piece.frames:
        shown = piece.source_at(filled)
        run = next((k for k in range(filled, piece.frames) if piece.source_at(k) != shown), piece.frames) - filled
        yield _clip(said, shown, 1, freeze=run)
        filled += run


def _frames_used(piece: Piece) -> int:
    """How many frames of media fill the piece, or as much of it as whole frames can."""
    if piece.length and piece.length > 0 and max(1, piece.length * 100 // piece.speed) == piece.frames:
        return piece.length
    used = -(-piece.frames * piece.speed // 100)
    return used if max(1, used * 100 // piece.speed) == piece.frames else used - 1


def _clip(
    said: Mapping[str, Any], start: int, frames: int, *, speed: int = 100, freeze: int | None = None
) -> ClipWanted:
    return ClipWanted(**said, in_frame=start, out_frame=start + frames, speed=speed, freeze=freeze)


def _changes(timeline: Timeline, lane: Lane, begins: Mapping[int, int]) -> Timeline:
    end = lane.pieces[-1].record.out_frame
    for change in sorted(lane.changes, key=lambda each: each.at):
        if change.at != end and change.at not in begins:
            raise Problem(
                "TIMELINE_INVALID",
                f"{change.where}: a transition stands around frame {change.at}, where there is no cut.",
                "Put it on a cut in the other program, and export again.",
            )
        clip = None if change.at == end else timeline.clips[begins[change.at]].id
        with told_where(change.where):
            order = AddTransition(
                op="add_transition", clip=clip, kind=change.kind, before=change.before, after=change.after
            )
            timeline = add_transition(timeline, order)
    return timeline


def _layers(timeline: Timeline, lanes: Sequence[Lane], remarks: list[Remark]) -> Timeline:
    above = [each for each in lanes if each.kind == "picture" and each.name != PICTURE and each.pieces]
    if len(above) > MOST_LAYERS:
        raise Problem("TOO_LARGE", f"The file has {len(above)} tracks of picture above the first.", "Use at most 8.")
    for number, lane in enumerate(above, start=2):
        _no_changes(lane, remarks)
        for piece in lane.pieces:
            timeline = _layer_piece(timeline, f"V{number}", piece, remarks)
    return timeline


def _no_changes(lane: Lane, remarks: list[Remark]) -> None:
    for change in lane.changes:
        message = f"A transition on {lane.name} is left out: layers have fades, not transitions."
        remarks.append(Remark(severity="warning", where=change.where, message=message))


def _layer_piece(timeline: Timeline, layer: str, piece: Piece, remarks: list[Remark]) -> Timeline:
    at = piece.at
    for wanted in _clips(piece, remarks):
        with told_where(piece.where):
            order = AddLayerClip(
                op="add_layer_clip", layer=layer, new=wanted, at_frame=at, box=piece.box, opacity=piece.opacity
            )
            timeline = add_layer_clip(timeline, order)
        at = next(each for each in timeline.layers if each.name == layer).clips[-1].record.out_frame
    return _faded(timeline, layer, piece)


def _faded(timeline: Timeline, layer: str, piece: Piece) -> Timeline:
    """With the fades of a piece on the first and the last clip that it has become."""
    if not piece.fade_in and not piece.fade_out:
        return timeline
    layers = list(timeline.layers)
    place = next(number for number, each in enumerate(layers) if each.name == layer)
    clips = list(layers[place].clips)
    for number, each in enumerate(clips):
        if each.at_frame == piece.at:
            clips[number] = each.model_copy(update={"fade_in": min(piece.fade_in, each.record.frames)})
    for number, each in enumerate(clips):
        if each.record.out_frame == piece.record.out_frame:
            room = each.record.frames - each.fade_in
            clips[number] = each.model_copy(update={"fade_out": min(piece.fade_out, room)})
    layers[place] = layers[place].model_copy(update={"clips": tuple(clips)})
    return timeline.model_copy(update={"layers": tuple(layers)})
