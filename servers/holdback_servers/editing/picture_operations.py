"""Operations on the first track of picture: its clips and the transitions between them. Pure."""

import math
from typing import NoReturn

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.model import Timeline
from holdback_servers.editing.orders import (
    AddTransition,
    ClipWanted,
    FreezeFrame,
    InsertClip,
    MoveClip,
    RemoveClip,
    ReplaceClip,
    SetSpeed,
    SplitClip,
    TrimClip,
)
from holdback_servers.editing.parts import Clip, Reframe, Transition
from holdback_servers.editing.spans import known, span_of


def place_of(timeline: Timeline, clip: str) -> int:
    """Which clip of the first track that is, counted from 0. Raises Problem NOT_FOUND."""
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


def clip_of(timeline: Timeline, wanted: ClipWanted, name: str) -> Clip:
    """A clip of known media.

    Raises:
        Problem: CUT_STATEMENT_REQUIRED, INVALID_ARGUMENT for sound alone, TIMELINE_INVALID for pictures of another rate
            that are not held, SPAN_OUTSIDE_MEDIA, EMPTY_CUT.
    """
    facts = known(timeline.sources, wanted.media)
    if facts.width is None:
        raise no_picture(facts)
    if not wanted.freeze:
        _runs_at(timeline, facts)
    return Clip(
        id=name,
        media=wanted.media,
        source=span_of(wanted.in_frame, wanted.out_frame, facts, facts.element_list.frames),
        reason=wanted.reason,
        confidence=wanted.confidence,
        speed=wanted.speed,
        freeze=wanted.freeze,
    )


def _runs_at(timeline: Timeline, facts: CutFacts) -> None:
    rate = facts.element_list.rate
    if rate.fraction != timeline.rate.fraction:
        raise Problem(
            "TIMELINE_INVALID",
            f"{facts.media} runs at {rate.text()} frames a second and the timeline at {timeline.rate.text()}: "
            "rates are not mixed in one picture track.",
            "Use a version of the media at the timeline's rate, or make a timeline at the media's rate.",
            media=facts.media,
        )


def no_picture(facts: CutFacts) -> Problem:
    """What is said when sound alone is asked for as a picture."""
    return Problem(
        "INVALID_ARGUMENT",
        f"{facts.media} has no picture and cannot be a clip.",
        "Give it as voice or music instead.",
        media=facts.media,
    )


def insert(timeline: Timeline, operation: InsertClip) -> Timeline:
    """A new clip before another, or at the end."""
    place = len(timeline.clips) if operation.before is None else place_of(timeline, operation.before)
    clip = clip_of(timeline, operation.new, f"c{timeline.next_number}")
    clips = (*timeline.clips[:place], clip, *timeline.clips[place:])
    return timeline.model_copy(update={"clips": clips, "next_number": timeline.next_number + 1})


def replace(timeline: Timeline, operation: ReplaceClip) -> Timeline:
    """Other material under the same id; a centre that moved with the old material stands still."""
    place = place_of(timeline, operation.clip)
    changed = _with_clip(timeline, place, clip_of(timeline, operation.by, operation.clip))
    reframe = timeline.reframe
    if reframe is None or operation.by.media == timeline.clips[place].media:
        return changed
    centres = tuple(
        each.model_copy(update={"path": ()}) if each.clip == operation.clip else each for each in reframe.centres
    )
    return changed.model_copy(update={"reframe": reframe.model_copy(update={"centres": centres})})


def remove(timeline: Timeline, operation: RemoveClip) -> Timeline:
    """Without a clip, and without the transition at its beginning and its centre."""
    place = place_of(timeline, operation.clip)
    return timeline.model_copy(
        update={
            "clips": timeline.clips[:place] + timeline.clips[place + 1 :],
            "transitions": tuple(each for each in timeline.transitions if each.clip != operation.clip),
            "reframe": _without_centre(timeline.reframe, operation.clip),
        }
    )


def _without_centre(reframe: Reframe | None, clip: str) -> Reframe | None:
    if reframe is None:
        return None
    return reframe.model_copy(update={"centres": tuple(each for each in reframe.centres if each.clip != clip)})


def move(timeline: Timeline, operation: MoveClip) -> Timeline:
    """A clip, with the transition at its beginning, before another one or at the end."""
    if operation.before == operation.clip:
        return timeline
    clip = timeline.clips[place_of(timeline, operation.clip)]
    rest = timeline.model_copy(update={"clips": tuple(each for each in timeline.clips if each.id != clip.id)})
    place = len(rest.clips) if operation.before is None else place_of(rest, operation.before)
    return rest.model_copy(update={"clips": (*rest.clips[:place], clip, *rest.clips[place:])})


def trim(timeline: Timeline, operation: TrimClip) -> Timeline:
    """Another in or out of a clip."""
    place = place_of(timeline, operation.clip)
    clip = timeline.clips[place]
    start = clip.source.in_frame if operation.in_frame is None else operation.in_frame
    end = clip.source.out_frame if operation.out_frame is None else operation.out_frame
    facts = known(timeline.sources, clip.media)
    return _with_clip(
        timeline, place, clip.model_copy(update={"source": span_of(start, end, facts, facts.element_list.frames)})
    )


def set_speed(timeline: Timeline, operation: SetSpeed) -> Timeline:
    """A clip faster or slower. Raises Problem INVALID_ARGUMENT for one that is held."""
    place = place_of(timeline, operation.clip)
    clip = timeline.clips[place]
    if clip.freeze:
        raise Problem(
            "INVALID_ARGUMENT",
            f"Clip {clip.id} holds one frame and has no speed.",
            "Let it run again first, with freeze and 0 frames.",
        )
    return _with_clip(timeline, place, clip.model_copy(update={"speed": operation.speed}))


def freeze(timeline: Timeline, operation: FreezeFrame) -> Timeline:
    """One frame of a clip's media held; or the clip running again, from that frame on."""
    place = place_of(timeline, operation.clip)
    clip = timeline.clips[place]
    facts = known(timeline.sources, clip.media)
    if not operation.frames:
        _runs_at(timeline, facts)
    first = clip.source.in_frame if operation.frame is None else operation.frame
    end = clip.source.out_frame if clip.source.in_frame <= first < clip.source.out_frame else first + 1
    fields = {
        "source": span_of(first, end, facts, facts.element_list.frames),
        "freeze": operation.frames or None,
        "speed": 100 if operation.frames else clip.speed,
    }
    return _with_clip(timeline, place, clip.model_copy(update=fields))


def split(timeline: Timeline, operation: SplitClip) -> Timeline:
    """A clip in two; the second part has a new id and the first one's centre.

    Raises:
        Problem: INVALID_ARGUMENT for a clip that is held, for a frame outside it, and for one at which the speed does
            not allow a cut that changes nothing.
    """
    place, at = place_of(timeline, operation.clip), operation.at_frame
    clip = timeline.clips[place]
    if clip.freeze:
        raise Problem(
            "INVALID_ARGUMENT",
            f"Clip {clip.id} holds one frame; there is nothing to split it at.",
            "Hold it for fewer frames, and insert another clip that holds the same frame.",
        )
    start, end = clip.source.in_frame, clip.source.out_frame
    step = clip.speed // math.gcd(clip.speed, 100)
    if not start < at < end or (at - start) % step:
        _no_split(clip, at, step)
    name = f"c{timeline.next_number}"
    parts = (
        clip.model_copy(update={"source": Span(in_frame=start, out_frame=at)}),
        clip.model_copy(update={"id": name, "source": Span(in_frame=at, out_frame=end)}),
    )
    reframe = timeline.reframe
    if reframe is not None:
        copies = tuple(each.model_copy(update={"clip": name}) for each in reframe.centres if each.clip == clip.id)
        reframe = reframe.model_copy(update={"centres": (*reframe.centres, *copies)})
    clips = (*timeline.clips[:place], *parts, *timeline.clips[place + 1 :])
    return timeline.model_copy(
        update={"clips": clips, "reframe": reframe, "next_number": timeline.next_number + 1},
    )


def _no_split(clip: Clip, at: int, step: int) -> NoReturn:
    start, end = clip.source.in_frame, clip.source.out_frame
    near = min(max(start + step, start + (at - start) // step * step), start + (end - 1 - start) // step * step)
    if near <= start:
        cure = f"It is too short to be split at {clip.speed} percent; set its speed to 100 first."
    else:
        also = f" and every {step} frames from its in, for its speed is {clip.speed} percent" if step > 1 else ""
        cure = f"Give a frame between its in and its out, such as {near}{also}."
    raise Problem(
        "INVALID_ARGUMENT",
        f"Clip {clip.id}, frames {start} to {end} of its media, cannot be split at frame {at}.",
        cure,
        in_frame=start,
        out_frame=end,
    )


def _with_clip(timeline: Timeline, place: int, clip: Clip) -> Timeline:
    return timeline.model_copy(update={"clips": (*timeline.clips[:place], clip, *timeline.clips[place + 1 :])})


def add_transition(timeline: Timeline, operation: AddTransition) -> Timeline:
    """A transition at the cut where a clip begins, or at the end, in place of the one there.

    Whether it fits is looked at when the whole request is done. Raises Problem NOT_FOUND.
    """
    place = None if operation.clip is None else place_of(timeline, operation.clip)
    before, after = _lengths(timeline, operation, place)
    if before + after == 0:
        raise Problem("INVALID_ARGUMENT", "The transition lasts no frame.", "Give before or after at least 1.")
    made = Transition(
        id=f"x{timeline.next_number}", kind=operation.kind, clip=operation.clip, before=before, after=after
    )
    others = tuple(each for each in timeline.transitions if each.clip != operation.clip)
    order = {clip.id: number for number, clip in enumerate(timeline.clips)}
    ordered = sorted((*others, made), key=lambda each: order.get(each.clip or "", len(order)))
    return timeline.model_copy(update={"transitions": tuple(ordered), "next_number": timeline.next_number + 1})


def _lengths(timeline: Timeline, operation: AddTransition, place: int | None) -> tuple[int, int]:
    """Half a second in all when nothing is said, around the cut or on the one side that there is."""
    half = max(2, timeline.rate.nominal // 2)
    before, after = operation.before, operation.after
    if before is None and after is None:
        before = 0 if place == 0 else half if place is None else half // 2
        return before, half - before
    return before or 0, after or 0
