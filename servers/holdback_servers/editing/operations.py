"""Making a timeline, and a new one out of an old one. Pure: functions return a value or raise `Problem`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate

from holdback_servers.editing.differences import differences
from holdback_servers.editing.model import LONGEST_SECONDS, Timeline
from holdback_servers.editing.orders import (
    AddCredit,
    AddSound,
    BlurRegion,
    ClipWanted,
    InsertClip,
    MoveClip,
    MuteTrack,
    Operation,
    ReframeTo,
    RemoveClip,
    RemoveOverlay,
    ReplaceClip,
    ReplaceMusic,
    SetGain,
    SetLoudness,
    SoundWanted,
    TrimClip,
)
from holdback_servers.editing.overlays import add_credit, blur, reframe, remove_overlay, set_loudness
from holdback_servers.editing.parts import Clip
from holdback_servers.editing.sounds import add_sound, mute_track, refill, replace_music, set_gain
from holdback_servers.editing.spans import known, span_of

MOST_CLIPS = 500
MOST_OPERATIONS = 100


class Maker(NamedTuple):
    """Who makes a timeline, when, why, and the id it gets."""

    id: str
    by: str
    made: datetime
    reason: str = ""


def create(
    maker: Maker,
    *,
    title: str,
    sources: Sequence[CutFacts],
    clips: Sequence[ClipWanted],
    voice: Sequence[SoundWanted] = (),
    music: Sequence[SoundWanted] = (),
    rate: Rate | None = None,
    size: tuple[int, int] | None = None,
) -> Timeline:
    """A first revision.

    Rate and size are those of the first clip's source when they are not given.

    Raises:
        Problem: EMPTY_CUT, SPAN_OUTSIDE_MEDIA, CUT_STATEMENT_REQUIRED for media without a source, TIMELINE_INVALID for
            pictures of another rate, TOO_LARGE, INVALID_ARGUMENT.
    """
    if not clips:
        raise Problem("EMPTY_CUT", "The cut has no clips.", "Give at least one clip with at least one frame.")
    first = known(sources, clips[0].media)
    if first.width is None or first.height is None:
        raise _no_picture(first)
    width, height = size or (first.width // 2 * 2, first.height // 2 * 2)
    timeline = Timeline(
        id=maker.id,
        root=maker.id,
        revision=1,
        title=title,
        rate=rate or first.element_list.rate,
        width=width,
        height=height,
        sources=_distinct(sources),
        clips=(),
        by=maker.by,
        made=maker.made,
        reason=maker.reason,
    )
    for wanted in clips:
        timeline = _insert(timeline, InsertClip(op="insert_clip", new=wanted))
    for sound in voice:
        timeline = add_sound(timeline, AddSound(op="add_sound", track="voice", sound=sound))
    for sound in music:
        timeline = add_sound(timeline, AddSound(op="add_sound", track="music", sound=sound))
    return _bounded(timeline)


def revise(
    old: Timeline, operations: Sequence[Operation], sources: Sequence[CutFacts], maker: Maker, revision: int
) -> Timeline:
    """A new timeline made from an old one.

    Args:
        sources: statements of media the old one did not know.
        revision: its number in the family.

    Raises:
        Problem: as `create`; NOT_FOUND for a clip or overlay that is not there; CONFLICT for another statement of
            media that is known already; INVALID_ARGUMENT when there is nothing to do.
    """
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise Problem(
            "INVALID_ARGUMENT", f"A revision takes 1 to {MOST_OPERATIONS} operations.", "Say what should change."
        )
    timeline = old.model_copy(update={"sources": _distinct([*old.sources, *sources])})
    for operation in operations:
        if isinstance(operation, _CUTTING):
            timeline = _change_clips(timeline, operation)
    if not timeline.clips:
        raise Problem("EMPTY_CUT", "The cut would have no clips left.", "Leave at least one clip in.")
    timeline = refill(old, _bounded(timeline))
    for operation in operations:
        if not isinstance(operation, _CUTTING):
            timeline = _change_rest(old, timeline, operation)
    fields: dict[str, Any] = {
        "id": maker.id,
        "revision": revision,
        "parent": old.id,
        "reason": maker.reason,
        "by": maker.by,
        "made": maker.made,
        "changes": tuple(differences(old, timeline)),
    }
    return Timeline.model_validate(timeline.model_copy(update=fields).model_dump())


_CUTTING = (TrimClip, ReplaceClip, InsertClip, RemoveClip, MoveClip)


def _change_clips(
    timeline: Timeline, operation: TrimClip | ReplaceClip | InsertClip | RemoveClip | MoveClip
) -> Timeline:
    match operation:
        case TrimClip():
            return _trim(timeline, operation)
        case ReplaceClip():
            clips = list(timeline.clips)
            place = _place(timeline, operation.clip)
            clips[place] = _clip(timeline, operation.by, clips[place].id)
            return timeline.model_copy(update={"clips": tuple(clips)})
        case InsertClip():
            return _insert(timeline, operation)
        case RemoveClip():
            place = _place(timeline, operation.clip)
            return timeline.model_copy(update={"clips": timeline.clips[:place] + timeline.clips[place + 1 :]})
        case MoveClip():
            return _move(timeline, operation)


def _change_rest(old: Timeline, timeline: Timeline, operation: Operation) -> Timeline:
    if isinstance(operation, BlurRegion):
        return blur(old, timeline, operation)
    change: Callable[[Timeline, Any], Timeline] = _REST[type(operation)]
    return change(timeline, operation)


_REST: dict[type[Noun], Callable[[Timeline, Any], Timeline]] = {
    ReplaceMusic: replace_music,
    AddSound: add_sound,
    MuteTrack: mute_track,
    SetGain: set_gain,
    AddCredit: add_credit,
    ReframeTo: reframe,
    SetLoudness: set_loudness,
    RemoveOverlay: remove_overlay,
}


def _place(timeline: Timeline, clip: str) -> int:
    for place, each in enumerate(timeline.clips):
        if each.id == clip:
            return place
    there = [each.id for each in timeline.clips]
    raise Problem(
        "NOT_FOUND",
        f"There is no clip {clip[:40]!r} in {timeline.id}.",
        f"Its clips are {', '.join(there[:20])}." if there else "It has no clips left.",
        clips=there,
    )


def _clip(timeline: Timeline, wanted: ClipWanted, name: str) -> Clip:
    facts = known(timeline.sources, wanted.media)
    if facts.width is None:
        raise _no_picture(facts)
    rate = facts.element_list.rate
    if rate.fraction != timeline.rate.fraction:
        raise Problem(
            "TIMELINE_INVALID",
            f"{facts.media} runs at {rate.text()} frames a second and the timeline at {timeline.rate.text()}: "
            "rates are not mixed in one picture track.",
            "Use a version of the media at the timeline's rate, or make a timeline at the media's rate.",
            media=facts.media,
        )
    span = span_of(wanted.in_frame, wanted.out_frame, facts, facts.element_list.frames)
    return Clip(id=name, media=wanted.media, source=span, reason=wanted.reason, confidence=wanted.confidence)


def _insert(timeline: Timeline, operation: InsertClip) -> Timeline:
    place = len(timeline.clips) if operation.before is None else _place(timeline, operation.before)
    clip = _clip(timeline, operation.new, f"c{timeline.next_number}")
    clips = (*timeline.clips[:place], clip, *timeline.clips[place:])
    return timeline.model_copy(update={"clips": clips, "next_number": timeline.next_number + 1})


def _trim(timeline: Timeline, operation: TrimClip) -> Timeline:
    place = _place(timeline, operation.clip)
    clip = timeline.clips[place]
    start = clip.source.in_frame if operation.in_frame is None else operation.in_frame
    end = clip.source.out_frame if operation.out_frame is None else operation.out_frame
    facts = known(timeline.sources, clip.media)
    trimmed = clip.model_copy(update={"source": span_of(start, end, facts, facts.element_list.frames)})
    clips = (*timeline.clips[:place], trimmed, *timeline.clips[place + 1 :])
    return timeline.model_copy(update={"clips": clips})


def _move(timeline: Timeline, operation: MoveClip) -> Timeline:
    if operation.before == operation.clip:
        return timeline
    clip = timeline.clips[_place(timeline, operation.clip)]
    rest = timeline.model_copy(update={"clips": tuple(each for each in timeline.clips if each.id != clip.id)})
    place = len(rest.clips) if operation.before is None else _place(rest, operation.before)
    return rest.model_copy(update={"clips": (*rest.clips[:place], clip, *rest.clips[place:])})


def _bounded(timeline: Timeline) -> Timeline:
    longest = int(LONGEST_SECONDS * timeline.rate.fraction)
    if timeline.frames > longest or len(timeline.clips) > MOST_CLIPS:
        raise Problem(
            "TOO_LARGE",
            f"The cut has {len(timeline.clips)} clips and {timeline.frames} frames; this room cuts up to {MOST_CLIPS} "
            f"clips and {LONGEST_SECONDS} s.",
            "Make a shorter cut, or several.",
        )
    return timeline


def _distinct(sources: Sequence[CutFacts]) -> tuple[CutFacts, ...]:
    found: dict[str, CutFacts] = {}
    for facts in sources:
        before = found.setdefault(facts.media, facts)
        if before.element_list.sha256() != facts.element_list.sha256():
            raise Problem(
                "CONFLICT",
                f"Two cut statements of {facts.media} name different elements.",
                "Give one statement for each media; make a new timeline when the media's elements have been corrected.",
                media=facts.media,
            )
    return tuple(found.values())


def _no_picture(facts: CutFacts) -> Problem:
    return Problem(
        "INVALID_ARGUMENT",
        f"{facts.media} has no picture and cannot be a clip.",
        "Give it as voice or music instead.",
        media=facts.media,
    )
