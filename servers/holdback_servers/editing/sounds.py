"""Operations on the sound tracks. Pure."""

import itertools
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.model import Timeline, joined, media_frames
from holdback_servers.editing.orders import AddSound, MuteTrack, ReplaceMusic, SetGain
from holdback_servers.editing.parts import SoundClip, TrackName
from holdback_servers.editing.spans import known, span_in_cut, span_of

MOST_REPEATS = 64
MOST_SOUNDS = 200


def with_track(timeline: Timeline, name: TrackName, **fields: Any) -> Timeline:
    """The timeline with some fields of one track changed."""
    return timeline.with_track(timeline.track(name).model_copy(update=fields))


def add_sound(timeline: Timeline, operation: AddSound) -> Timeline:
    """Lay a sound on a track; without an out frame it lasts as long as both its media and the cut."""
    wanted = operation.sound
    facts = known(timeline.sources, wanted.media)
    has = media_frames(facts, timeline.rate)
    room = timeline.frames - wanted.at_frame
    if room <= 0:
        span_in_cut(Span(in_frame=wanted.at_frame, out_frame=wanted.at_frame + 1), timeline.frames, "sound")
    end = min(has, wanted.in_frame + room) if wanted.out_frame is None else wanted.out_frame
    span = span_of(wanted.in_frame, end, facts, has)
    sound = SoundClip(
        media=wanted.media,
        source=span,
        at_frame=wanted.at_frame,
        gain=wanted.gain,
        fade_in=wanted.fade_in,
        fade_out=wanted.fade_out,
    )
    clips = tuple(sorted((*timeline.track(operation.track).clips, sound), key=lambda each: each.at_frame))
    if len(clips) > MOST_SOUNDS:
        raise Problem("TOO_LARGE", f"A track takes {MOST_SOUNDS} sounds.", "Mix some of them before.")
    return with_track(timeline, operation.track, clips=clips)


def replace_music(timeline: Timeline, operation: ReplaceMusic) -> Timeline:
    """One piece of music in place of all music, under the whole cut, and heard."""
    clips = _bed(timeline, operation.media, operation.in_frame, operation.gain, operation.fade_out)
    timeline = with_track(timeline, "music", clips=clips, muted=False, silences=())
    return with_track(timeline, "programme", muted=True) if operation.mute_programme else timeline


def _bed(timeline: Timeline, media: str, start: int, gain: int, fade_out: int) -> tuple[SoundClip, ...]:
    facts = known(timeline.sources, media)
    has = media_frames(facts, timeline.rate)
    length = timeline.frames
    first = span_of(start, max(start + 1, min(has, start + length)), facts, has)
    if has * MOST_REPEATS < length:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{media} lasts {has} frames: it would have to be repeated more than {MOST_REPEATS} times.",
            "Choose a longer piece of music.",
            media=media,
        )
    clips = [SoundClip(media=media, source=first, at_frame=0, gain=gain)]
    while (end := clips[-1].record.out_frame) < length:
        span = Span(in_frame=0, out_frame=min(has, length - end))
        clips.append(SoundClip(media=media, source=span, at_frame=end, gain=gain))
    clips[-1] = clips[-1].model_copy(update={"fade_out": min(fade_out, clips[-1].source.frames)})
    return tuple(clips)


def refill(old: Timeline, new: Timeline) -> Timeline:
    """When music lay under all of the old cut, lay it under all of the new one, which may be longer or shorter."""
    clips = new.track("music").clips
    if old.frames == new.frames or not clips:
        return new
    ends = [each.record for each in clips]
    seamless = all(one.out_frame == other.in_frame for one, other in itertools.pairwise(ends))
    one_piece = len({each.media for each in clips}) == 1
    if not (seamless and one_piece and ends[0].in_frame == 0 and ends[-1].out_frame == old.frames):
        return new
    first, last = clips[0], clips[-1]
    return with_track(new, "music", clips=_bed(new, first.media, first.source.in_frame, first.gain, last.fade_out))


def mute_track(timeline: Timeline, operation: MuteTrack) -> Timeline:
    """Silence a track, or some frames of it; or let it be heard again."""
    if operation.span is None:
        fields: dict[str, Any] = {"muted": operation.muted}
        return with_track(timeline, operation.track, **fields, **({} if operation.muted else {"silences": ()}))
    if not operation.muted:
        raise Problem(
            "INVALID_ARGUMENT", "A track is unmuted as a whole.", "Leave the span out, then mute the spans you want."
        )
    span = span_in_cut(operation.span, timeline.frames, "silence")
    silences = joined((*timeline.track(operation.track).silences, span))
    return with_track(timeline, operation.track, silences=silences)


def set_gain(timeline: Timeline, operation: SetGain) -> Timeline:
    """Set the level of a track."""
    return with_track(timeline, operation.track, gain=operation.gain, duck=operation.duck)
