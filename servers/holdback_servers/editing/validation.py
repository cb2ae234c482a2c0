"""What is wrong with a timeline before it is rendered. Pure."""

from collections.abc import Callable, Iterator
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Span

from holdback_servers.editing.differences import blur_in_cut, spoken_length
from holdback_servers.editing.model import Timeline, media_frames
from holdback_servers.editing.parts import Clip, Track, Transition

SHORTEST_CREDIT_SECONDS = 2
READING_SPEED = 20
"""Characters a second that an adult reads off a screen (the upper limit of subtitling guides)."""
FLASH_FRAMES = 6
"""A clip shorter than this reads as a mistake."""


class Finding(Noun):
    """Something wrong. An `error` stops a render; a `warning` is for an editor to judge."""

    code: Literal[
        "EMPTY_CUT", "SPAN_OUTSIDE_MEDIA", "MIXED_RATES", "MEDIA_OFFLINE", "NO_STATEMENT", "OVERLAY_OUTSIDE",
        "CREDIT_TOO_SHORT", "SOUND_OVERLAP", "SOUND_GAP", "SOUND_PAST_END", "BLUR_UNSEEN", "FLASH_CLIP", "NO_SOUND",
        "TRANSITION_MISPLACED", "TRANSITION_OVERLAP", "MISSING_HANDLES",
    ]  # fmt: skip
    severity: Literal["error", "warning"]
    where: str
    message: str


def validate(timeline: Timeline, has_media: Callable[[str], bool]) -> list[Finding]:
    """All findings, errors first.

    Args:
        has_media: whether the bytes of some media are at hand.
    """
    found = [
        *_media(timeline, has_media),
        *_clips(timeline),
        *transition_findings(timeline),
        *(finding for track in timeline.sound_tracks for finding in _sounds(timeline, track)),
        *_overlays(timeline),
        *_silence(timeline),
    ]
    return sorted(found, key=lambda each: each.severity != "error")


def require_valid(timeline: Timeline, has_media: Callable[[str], bool]) -> None:
    """Raises Problem when something stops a render: MEDIA_OFFLINE when that is all, else TIMELINE_INVALID."""
    errors = [each for each in validate(timeline, has_media) if each.severity == "error"]
    if errors:
        offline = all(each.code == "MEDIA_OFFLINE" for each in errors)
        raise Problem(
            "MEDIA_OFFLINE" if offline else "TIMELINE_INVALID",
            f"{timeline.id} cannot be rendered: {errors[0].message}"
            + (f" And {len(errors) - 1} more." if len(errors) > 1 else ""),
            "Ingest the media again." if offline else "Revise the timeline; validate_timeline names all findings.",
            findings=[each.model_dump() for each in errors],
        )


def _error(code: str, where: str, message: str) -> Finding:
    return Finding.model_validate({"code": code, "severity": "error", "where": where, "message": message})


def _warning(code: str, where: str, message: str) -> Finding:
    return Finding.model_validate({"code": code, "severity": "warning", "where": where, "message": message})


def _media(timeline: Timeline, has_media: Callable[[str], bool]) -> Iterator[Finding]:
    for media in timeline.media_used():
        if timeline.facts(media) is None:
            yield _error("NO_STATEMENT", media, f"No cut statement tells what {media} is made of.")
        if not has_media(media):
            yield _error("MEDIA_OFFLINE", media, f"The bytes of {media} are not in the media store.")


def _clips(timeline: Timeline) -> Iterator[Finding]:
    if not timeline.clips:
        yield _error("EMPTY_CUT", timeline.id, "The cut has no frames.")
    for clip in timeline.clips:
        facts = timeline.facts(clip.media)
        if facts is None:
            continue
        rate, frames = facts.element_list.rate, facts.element_list.frames
        if rate.fraction != timeline.rate.fraction:
            speeds = f"{rate.text()} in a timeline of {timeline.rate.text()} frames a second"
            yield _error("MIXED_RATES", clip.id, f"Clip {clip.id} runs at {speeds}.")
        if clip.source.out_frame > frames:
            span = f"{clip.source.in_frame} to {clip.source.out_frame}"
            yield _error(
                "SPAN_OUTSIDE_MEDIA", clip.id, f"Clip {clip.id} uses frames {span} of media that has {frames}."
            )
        if clip.source.frames < FLASH_FRAMES:
            yield _warning("FLASH_CLIP", clip.id, f"Clip {clip.id} lasts only {clip.source.frames} frames.")


def transition_findings(timeline: Timeline) -> Iterator[Finding]:
    """Transitions that do not fit where they are; all of them are errors."""
    places = {clip.id: number for number, clip in enumerate(timeline.clips)}
    at_cut: dict[int, Transition] = {}
    for each in timeline.transitions:
        place = len(timeline.clips) if each.clip is None else places.get(each.clip)
        if place is None or place in at_cut:
            why = "no clip of that id is there" if place is None else "there is one already"
            yield _error("TRANSITION_MISPLACED", each.id, f"{_called(each)} cannot stand there: {why}.")
            continue
        at_cut[place] = each
        yield from _misplaced(timeline, each, place)
        if each.mixes and 0 < place < len(timeline.clips):
            yield from _handles(timeline, each, timeline.clips[place - 1], timeline.clips[place])
    for place, clip in enumerate(timeline.clips):
        into, out = at_cut.get(place), at_cut.get(place + 1)
        taken = (into.after if into else 0) + (out.before if out else 0)
        if taken > clip.frames:
            where = " and ".join(each.id for each in (into, out) if each)
            message = f"Clip {clip.id} has {clip.frames} frames; its transitions {where} take {taken} of them."
            yield _error("TRANSITION_OVERLAP", clip.id, message)


def _called(transition: Transition) -> str:
    where = f"at {transition.clip}" if transition.clip else "at the end"
    return f"{transition.kind.replace('_', ' ').capitalize()} {transition.id} {where}"


def _misplaced(timeline: Timeline, each: Transition, place: int) -> Iterator[Finding]:
    card = timeline.end_card.frames if timeline.end_card else 0
    if each.mixes and place in (0, len(timeline.clips)):
        why = "there is only one clip; a dip fades it in or out"
    elif place == 0 and each.before:
        why = f"nothing is before the first clip, and it begins {each.before} frames before"
    elif place == len(timeline.clips) and each.after > card:
        why = f"it goes on {each.after} frames after the last clip, and {card} follow"
    else:
        return
    yield _error("TRANSITION_MISPLACED", each.id, f"{_called(each)} cannot stand there: {why}.")


def _handles(timeline: Timeline, each: Transition, going: Clip, coming: Clip) -> Iterator[Finding]:
    """Missing frames of the outgoing media behind its out, and of the incoming media before its in (a held frame needs
    none)."""
    facts = timeline.facts(going.media)
    if facts is not None and not going.freeze:
        left = facts.element_list.frames - going.source.in_frame
        has = max(0, (left * 100 - 1) // going.speed - (going.frames - 1))
        if has < each.after:
            message = (
                f"{_called(each)} needs {each.after} frames of {going.id}'s media behind its out; {has} are there."
            )
            yield _error("MISSING_HANDLES", each.id, message)
    has = coming.source.in_frame * 100 // coming.speed
    if not coming.freeze and has < each.before:
        message = f"{_called(each)} needs {each.before} frames of {coming.id}'s media before its in; {has} are there."
        yield _error("MISSING_HANDLES", each.id, message)


def _sounds(timeline: Timeline, track: Track) -> Iterator[Finding]:
    for number, clip in enumerate(track.clips):
        facts = timeline.facts(clip.media)
        if facts is not None and clip.source.out_frame > media_frames(facts, timeline.rate):
            yield _error("SPAN_OUTSIDE_MEDIA", track.name, f"A sound on {track.name} goes beyond {clip.media}.")
        if clip.record.out_frame > timeline.frames:
            over = spoken_length(timeline, clip.record.out_frame - timeline.frames)
            yield _warning(
                "SOUND_PAST_END", track.name, f"{track.name} is cut off: it goes on {over} after the picture."
            )
        following = track.clips[number + 1].at_frame if number + 1 < len(track.clips) else timeline.frames
        if following < clip.record.out_frame and number + 1 < len(track.clips):
            yield _warning("SOUND_OVERLAP", track.name, f"Two sounds on {track.name} overlap at frame {following}.")
        if following > clip.record.out_frame and track.role == "music":
            gap = spoken_length(timeline, following - clip.record.out_frame)
            yield _warning("SOUND_GAP", track.name, f"No music for {gap} from frame {clip.record.out_frame}.")


def _overlays(timeline: Timeline) -> Iterator[Finding]:
    whole = timeline.frames
    for credit in timeline.credits:
        if credit.span.out_frame > whole:
            stands = f"{credit.span.in_frame} to {credit.span.out_frame}"
            yield _error("OVERLAY_OUTSIDE", credit.id, f"Credit {credit.id} on {stands} is outside the {whole} frames.")
        if timeline.rate.seconds(credit.span.frames) < _reading_seconds(credit.text):
            shown, needed = spoken_length(timeline, credit.span.frames), _reading_seconds(credit.text)
            yield _warning(
                "CREDIT_TOO_SHORT", credit.id, f"Credit {credit.id} stands {shown}; reading it takes {needed:g} s."
            )
    for blur in timeline.blurs:
        if not blur_in_cut(timeline, blur):
            yield _warning("BLUR_UNSEEN", blur.id, f"Blur {blur.id} is on frames that the cut does not show.")
    for track in timeline.tracks:
        for span in track.silences:
            if span.overlap(Span(in_frame=0, out_frame=max(1, whole))) is None:
                yield _warning("OVERLAY_OUTSIDE", track.name, f"A silence on {track.name} is after the end of the cut.")


def _reading_seconds(text: str) -> float:
    return max(SHORTEST_CREDIT_SECONDS, len(text) / READING_SPEED)


def _silence(timeline: Timeline) -> Iterator[Finding]:
    tracks = (timeline.track("programme"), *timeline.sound_tracks)
    if all(track.muted or (track.name != "programme" and not track.clips) for track in tracks):
        yield _warning("NO_SOUND", timeline.id, "Nothing is heard: every track is muted or empty.")
