"""Making a timeline, and a new one out of an old one. Pure: functions return a value or raise `Problem`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, timecode_to_frames

from holdback_servers.editing.differences import differences
from holdback_servers.editing.layering import add_layer_clip, set_end_card
from holdback_servers.editing.model import LONGEST_SECONDS, Timeline
from holdback_servers.editing.orders import (
    AddCredit,
    AddLayerClip,
    AddSound,
    AddTransition,
    BlurRegion,
    ClipWanted,
    FreezeFrame,
    InsertClip,
    MoveClip,
    MuteTrack,
    Operation,
    ReframeTo,
    RemoveClip,
    RemoveOverlay,
    ReplaceClip,
    ReplaceMusic,
    SetCaptions,
    SetEndCard,
    SetGain,
    SetLoudness,
    SetSpeed,
    SoundWanted,
    SplitClip,
    TrimClip,
)
from holdback_servers.editing.overlays import blur, reframe, remove_overlay, set_loudness
from holdback_servers.editing.picture_operations import (
    add_transition,
    freeze,
    insert,
    move,
    no_picture,
    remove,
    replace,
    set_speed,
    split,
    trim,
)
from holdback_servers.editing.sounds import add_sound, mute_track, refill, replace_music, set_gain
from holdback_servers.editing.spans import known
from holdback_servers.editing.validation import transition_findings
from holdback_servers.editing.words import add_credit, set_captions

MOST_CLIPS = 500
MOST_OPERATIONS = 100


class Maker(NamedTuple):
    """Who makes a timeline, when, why, the id it gets, and the AI configuration that took part, if one did."""

    id: str
    by: str
    made: datetime
    reason: str = ""
    ai_config: str | None = None


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
    start: str | None = None,
) -> Timeline:
    """A first revision.

    Rate and size are those of the first clip's source when they are not given; `start` is the timecode of frame 0.

    Raises:
        Problem: EMPTY_CUT, TIMECODE_INVALID, SPAN_OUTSIDE_MEDIA, CUT_STATEMENT_REQUIRED for media without a source,
            TIMELINE_INVALID for pictures of another rate, TOO_LARGE, INVALID_ARGUMENT.
    """
    if not clips:
        raise Problem("EMPTY_CUT", "The cut has no clips.", "Give at least one clip with at least one frame.")
    first = known(sources, clips[0].media)
    if first.width is None or first.height is None:
        raise no_picture(first)
    width, height = size or (first.width // 2 * 2, first.height // 2 * 2)
    timeline = Timeline(
        id=maker.id,
        root=maker.id,
        revision=1,
        title=title,
        rate=rate or first.element_list.rate,
        width=width,
        height=height,
        start=start,
        sources=_distinct(sources),
        clips=(),
        by=maker.by,
        made=maker.made,
        reason=maker.reason,
        ai_configs=_configs((), maker),
    )
    if start is not None:
        timecode_to_frames(start, timeline.rate)
    for wanted in clips:
        timeline = insert(timeline, InsertClip(op="insert_clip", new=wanted))
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
            media that is known already; TIMELINE_INVALID for a transition that does not fit; INVALID_ARGUMENT when
            there is nothing to do.
    """
    if not 1 <= len(operations) <= MOST_OPERATIONS:
        raise Problem(
            "INVALID_ARGUMENT", f"A revision takes 1 to {MOST_OPERATIONS} operations.", "Say what should change."
        )
    timeline = old.model_copy(update={"sources": _distinct([*old.sources, *sources])})
    timeline = _picture_first(old, timeline, operations)
    timeline = _checked(_then_the_rest(old, timeline, operations))
    fields: dict[str, Any] = {
        "id": maker.id,
        "revision": revision,
        "parent": old.id,
        "reason": maker.reason,
        "by": maker.by,
        "made": maker.made,
        "ai_configs": _configs(old.ai_configs, maker),
        "changes": tuple(differences(old, timeline)),
    }
    return Timeline.model_validate(timeline.model_copy(update=fields).model_dump())


def _picture_first(old: Timeline, timeline: Timeline, operations: Sequence[Operation]) -> Timeline:
    """All that says how long the cut is, in the order asked for; then music that lay under all of it does so again."""
    for operation in operations:
        if change := _PICTURE.get(type(operation)):
            timeline = change(timeline, operation)
    if not timeline.clips:
        raise Problem("EMPTY_CUT", "The cut would have no clips left.", "Leave at least one clip in.")
    return refill(old, _bounded(timeline))


def _then_the_rest(old: Timeline, timeline: Timeline, operations: Sequence[Operation]) -> Timeline:
    for operation in operations:
        if isinstance(operation, BlurRegion):
            timeline = blur(old, timeline, operation)
        elif change := _REST.get(type(operation)):
            timeline = change(timeline, operation)
    return timeline


_Change = Callable[[Timeline, Any], Timeline]
_PICTURE: dict[type[Noun], _Change] = {
    TrimClip: trim,
    ReplaceClip: replace,
    InsertClip: insert,
    RemoveClip: remove,
    MoveClip: move,
    SetSpeed: set_speed,
    FreezeFrame: freeze,
    SplitClip: split,
    SetEndCard: set_end_card,
}
_REST: dict[type[Noun], _Change] = {
    AddTransition: add_transition,
    AddLayerClip: add_layer_clip,
    ReplaceMusic: replace_music,
    AddSound: add_sound,
    MuteTrack: mute_track,
    SetGain: set_gain,
    AddCredit: add_credit,
    SetCaptions: set_captions,
    ReframeTo: reframe,
    SetLoudness: set_loudness,
    RemoveOverlay: remove_overlay,
}


def _checked(timeline: Timeline) -> Timeline:
    """The same timeline. Raises Problem TIMELINE_INVALID when a transition does not fit where it is."""
    if wrong := list(transition_findings(timeline)):
        raise Problem(
            "TIMELINE_INVALID",
            wrong[0].message,
            "Make the transition shorter with add_transition, take it away with remove_overlay, or trim the clips, in "
            "the same request.",
            findings=[each.model_dump() for each in wrong],
        )
    return timeline


def _configs(before: tuple[str, ...], maker: Maker) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, maker.ai_config))) if maker.ai_config else before


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
