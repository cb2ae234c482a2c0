"""What is wrong with a timeline before it is rendered. Pure."""

import itertools
import textwrap
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Span, timecode_to_frames

from holdback_servers.editing.differences import blur_in_cut, spoken_length, spoken_span
from holdback_servers.editing.model import Timeline, media_frames
from holdback_servers.editing.parts import Captions, Clip, Track, Transition
from holdback_servers.editing.placing import clips_end
from holdback_servers.editing.words import captions_in_cut

SHORTEST_CREDIT_SECONDS = 2
SHORTEST_CAPTION_SECONDS = Fraction(5, 6)
CAPTION_WIDTH = 42
"""Characters a line of a caption holds (Netflix Timed Text Style Guide)."""
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
        "LAYER_OVERLAP", "CAPTION_TOO_FAST", "CAPTION_TOO_SHORT", "CAPTION_TOO_LONG", "CAPTION_OVERLAP",
        "CAPTION_UNSEEN", "CAPTION_NOT_HEARD", "TIMECODE_IMPOSSIBLE",
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
        *_layers(timeline),
        *(finding for track in timeline.sound_tracks for finding in _sounds(timeline, track)),
        *_overlays(timeline),
        *(finding for captions in timeline.captions for finding in _captions(timeline, captions)),
        *_start(timeline),
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
        yield from _clip(timeline, clip)


def _clip(timeline: Timeline, clip: Clip) -> Iterator[Finding]:
    facts = timeline.facts(clip.media)
    if facts is not None:
        rate, frames = facts.element_list.rate, facts.element_list.frames
        if rate.fraction != timeline.rate.fraction and not clip.freeze:
            speeds = f"{rate.text()} in a timeline of {timeline.rate.text()} frames a second"
            yield _error("MIXED_RATES", clip.id, f"Clip {clip.id} runs at {speeds}.")
        if clip.source.out_frame > frames:
            span = f"{clip.source.in_frame} to {clip.source.out_frame}"
            message = f"Clip {clip.id} uses frames {span} of media that has {frames}."
            yield _error("SPAN_OUTSIDE_MEDIA", clip.id, message)
    if clip.frames < FLASH_FRAMES:
        yield _warning("FLASH_CLIP", clip.id, f"Clip {clip.id} lasts only {clip.frames} frames.")


def _layers(timeline: Timeline) -> Iterator[Finding]:
    end = clips_end(timeline)
    for layer in timeline.layers:
        for each, following in itertools.zip_longest(layer.clips, layer.clips[1:]):
            yield from _clip(timeline, each.clip)
            name, stands = each.clip.id, f"{each.record.in_frame} to {each.record.out_frame}"
            if each.record.out_frame > end:
                message = f"{layer.name}: {name} on {stands} goes beyond the last clip, which ends at {end}."
                yield _error("OVERLAY_OUTSIDE", name, message)
            gap = following.at_frame - each.record.out_frame if following else FLASH_FRAMES
            if gap < 0:
                yield _error("LAYER_OVERLAP", name, f"{layer.name}: {name} overlaps {following.clip.id}.")
            elif 0 < gap < FLASH_FRAMES:
                message = f"{layer.name}: only {gap} frames are between {name} and {following.clip.id}."
                yield _warning("FLASH_CLIP", name, message)


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
    card = timeline.end_card
    if card and card.lines and timeline.rate.seconds(card.frames) < _reading_seconds("\n".join(card.lines)):
        shown, needed = spoken_length(timeline, card.frames), _reading_seconds("\n".join(card.lines))
        message = f"End card {card.id} stands {shown}; reading it takes {needed:g} s."
        yield _warning("CREDIT_TOO_SHORT", card.id, message)
    for blur in timeline.blurs:
        if not blur_in_cut(timeline, blur):
            yield _warning("BLUR_UNSEEN", blur.id, f"Blur {blur.id} is on frames that the cut does not show.")
    for track in timeline.tracks:
        for span in track.silences:
            if span.overlap(Span(in_frame=0, out_frame=max(1, whole))) is None:
                yield _warning("OVERLAY_OUTSIDE", track.name, f"A silence on {track.name} is after the end of the cut.")


def _captions(timeline: Timeline, captions: Captions) -> Iterator[Finding]:
    """Against the figures that subtitling guides share (Netflix Timed Text Style Guide, general requirements)."""
    language = captions.language
    stand = captions_in_cut(timeline, language)
    if not stand:
        yield _warning("CAPTION_UNSEEN", language, f"None of the captions in {language} stands in the cut.")
    for (span, text), following in itertools.zip_longest(stand, stand[1:]):
        where = f"The caption in {language} on {spoken_span(timeline, span)}"
        seconds = timeline.rate.seconds(span.frames)
        if following and following[0].in_frame < span.out_frame:
            yield _warning("CAPTION_OVERLAP", language, f"{where} overlaps the next one.")
        if seconds < SHORTEST_CAPTION_SECONDS:
            message = f"{where} stands {spoken_length(timeline, span.frames)}; the shortest is 5/6 s."
            yield _warning("CAPTION_TOO_SHORT", language, message)
        elif len(text) > READING_SPEED * seconds:
            speed = f"{float(len(text) / seconds):.0f} characters a second; {READING_SPEED} can be read"
            yield _warning("CAPTION_TOO_FAST", language, f"{where} has {speed}.")
        if len(textwrap.wrap(text, CAPTION_WIDTH)) > 2 or text.count("\n") > 1:
            yield _warning("CAPTION_TOO_LONG", language, f"{where} takes more than two lines of {CAPTION_WIDTH}.")
    shown = {clip.media for clip in timeline.clips}
    if timeline.track("programme").muted and any(line.media in shown for line in captions.lines):
        message = f"Captions in {language} stand with pictures whose own sound is muted."
        yield _warning("CAPTION_NOT_HEARD", language, message)


def _start(timeline: Timeline) -> Iterator[Finding]:
    if timeline.start is None:
        return
    try:
        first = timecode_to_frames(timeline.start, timeline.rate)
    except Problem as problem:
        yield _error("TIMECODE_IMPOSSIBLE", timeline.id, f"The start timecode: {problem.message}")
        return
    day = timecode_to_frames(f"23:59:59{timeline.start[8]}{timeline.rate.nominal - 1:02}", timeline.rate) + 1
    if first + timeline.frames > day:
        message = f"From {timeline.start} on the cut passes midnight, where timecode starts again."
        yield _warning("TIMECODE_IMPOSSIBLE", timeline.id, message)


def _reading_seconds(text: str) -> float:
    return max(SHORTEST_CREDIT_SECONDS, len(text) / READING_SPEED)


def _silence(timeline: Timeline) -> Iterator[Finding]:
    tracks = (timeline.track("programme"), *timeline.sound_tracks)
    if all(track.muted or (track.name != "programme" and not track.clips) for track in tracks):
        yield _warning("NO_SOUND", timeline.id, "Nothing is heard: every track is muted or empty.")
