"""What changed from one timeline to another, as one editor would tell another. Pure."""

from collections.abc import Iterator

from holdback_base.vocabulary import Span, frames_to_timecode

from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Blur, Clip, SoundClip


def differences(old: Timeline, new: Timeline) -> list[str]:
    """Sentences, pictures first; empty when both are the same cut."""
    return [
        *_title(old, new),
        *_clips(old, new),
        *(line for track in _track_names(old, new) for line in _track(old, new, track)),
        *_blurs(old, new),
        *_credits(old, new),
        *_shape(old, new),
        *_loudness(old, new),
    ]


def spoken_length(timeline: Timeline, frames: int) -> str:
    """Such as `2 s 12 f`."""
    seconds, rest = divmod(frames, timeline.rate.nominal)
    parts = [f"{seconds} s"] * bool(seconds) + [f"{rest} f"] * bool(rest)
    return " ".join(parts) or "0 f"


def spoken_span(timeline: Timeline, span: Span) -> str:
    """Such as `00:00:02:00 to 00:00:05:12`: the cut counts from 00:00:00:00."""
    start, end = (frames_to_timecode(frame, timeline.rate) for frame in (span.in_frame, span.out_frame))
    return f"{start} to {end}"


def name_of(timeline: Timeline, media: str) -> str:
    """The media's title in quotes, or the start of its hash."""
    facts = timeline.facts(media)
    return f'"{facts.title}"' if facts and facts.title else media[:19]


def _title(old: Timeline, new: Timeline) -> Iterator[str]:
    if old.title != new.title:
        yield f'Title "{old.title}" is now "{new.title}".'
    if old.frames != new.frames:
        yield f"Length {spoken_length(old, old.frames)} is now {spoken_length(new, new.frames)}."


def _clip_name(clip: Clip) -> str:
    return f"{clip.id} ({clip.reason})" if clip.reason else clip.id


def _clips(old: Timeline, new: Timeline) -> Iterator[str]:
    before = {clip.id: clip for clip in old.clips}
    after = {clip.id: clip for clip in new.clips}
    for clip in old.clips:
        if clip.id not in after:
            yield f"Clip {_clip_name(clip)} removed, {spoken_length(old, clip.source.frames)}."
    for clip, record in new.placed():
        was = before.get(clip.id)
        if was is None:
            yield f"Clip {_clip_name(clip)} from {name_of(new, clip.media)} inserted at {spoken_span(new, record)}."
        elif was.media != clip.media:
            yield f"Clip {clip.id} replaced by {name_of(new, clip.media)} ({clip.reason or 'no reason given'})."
        elif was.source != clip.source:
            yield f"Clip {_clip_name(clip)} trimmed: {_trimmed(new, was.source, clip.source)}."
    kept_before = [clip.id for clip in old.clips if clip.id in after]
    kept_after = [clip.id for clip in new.clips if clip.id in before]
    if kept_before != kept_after:
        yield f"Order is now {', '.join(clip.id for clip in new.clips)}."


def _trimmed(timeline: Timeline, was: Span, now: Span) -> str:
    head, tail = now.in_frame - was.in_frame, now.out_frame - was.out_frame
    if head >= was.frames or -tail >= was.frames or head <= -was.frames or tail >= was.frames:
        return f"now frames {now.in_frame} to {now.out_frame} of the media"
    parts: list[str] = []
    if head:
        parts.append(f"starts {spoken_length(timeline, abs(head))} {'later' if head > 0 else 'earlier'}")
    if tail:
        parts.append(f"ends {spoken_length(timeline, abs(tail))} {'later' if tail > 0 else 'earlier'}")
    return ", ".join(parts)


def _track_names(old: Timeline, new: Timeline) -> list[str]:
    return list(dict.fromkeys(each.name for timeline in (new, old) for each in timeline.tracks))


def _track(old: Timeline, new: Timeline, name: str) -> Iterator[str]:
    was, now = old.track(name), new.track(name)
    called = "The film's own sound" if name == "programme" else name.capitalize()
    before, after = _media(was.clips), _media(now.clips)
    if before != after:
        yield f"{called}: {_named(old, before)} is now {_named(new, after)}."
    elif was.clips != now.clips and old.frames == new.frames:
        yield f"{called}: placed or levelled otherwise."
    if was.muted != now.muted:
        yield f"{called} is {'muted' if now.muted else 'heard again'}."
    for span in now.silences:
        if span not in was.silences:
            yield f"{called} is silent on {spoken_span(new, span)}."
    if was.silences and not now.silences:
        yield f"{called} has no silences any more."
    if was.gain != now.gain:
        yield f"{called} at {now.gain / 10:+.1f} dB, was {was.gain / 10:+.1f} dB."
    if was.duck != now.duck:
        yield f"{called} at {now.duck / 10:+.1f} dB under the voice, was {was.duck / 10:+.1f} dB."


def _media(clips: tuple[SoundClip, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clip.media for clip in clips))


def _named(timeline: Timeline, media: tuple[str, ...]) -> str:
    return ", ".join(name_of(timeline, each) for each in media) or "nothing"


def blur_in_cut(timeline: Timeline, blur: Blur) -> list[Span]:
    """The frames of the cut on which a blur is seen."""
    shown = [(clip.source, record) for clip, record in timeline.placed() if clip.media == blur.media]
    return [
        Span(in_frame=start, out_frame=start + part.frames)
        for source, record in shown
        if (part := blur.span.overlap(source)) and (start := part.in_frame - source.in_frame + record.in_frame) >= 0
    ]


def _blurs(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = {each.id for each in old.blurs}, {each.id for each in new.blurs}
    for blur in new.blurs:
        if blur.id not in before:
            where = ", ".join(spoken_span(new, span) for span in blur_in_cut(new, blur)) or "frames that are not shown"
            what = f"over {blur.element}" if blur.element else f"at x {blur.box.x}, y {blur.box.y}"
            yield f"Blur {blur.id} {what}, {blur.box.width} x {blur.box.height} thousandths, on {where}."
    for blur in old.blurs:
        if blur.id not in after:
            yield f"Blur {blur.id} taken away."


def _credits(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = {each.id for each in old.credits}, {each.id for each in new.credits}
    for credit in new.credits:
        if credit.id not in before:
            kind = credit.kind.capitalize()
            yield f'{kind} {credit.id} "{credit.text}" at the {credit.placement} on {spoken_span(new, credit.span)}.'
    for credit in old.credits:
        if credit.id not in after:
            yield f'{credit.kind.capitalize()} {credit.id} "{credit.text}" taken away.'


def _shape(old: Timeline, new: Timeline) -> Iterator[str]:
    if old.reframe == new.reframe:
        return
    (wide, high), (was_wide, was_high) = new.picture, old.picture
    if new.reframe is None:
        yield f"Picture is the whole {wide} x {high} again."
    else:
        centre = f"centred at {new.reframe.centre_x} thousandths"
        single = ", ".join(f"{each.clip} at {each.centre_x}" for each in new.reframe.centres)
        yield (
            f"Picture reframed from {was_wide} x {was_high} to {new.reframe.aspect}, {wide} x {high}, {centre}"
            + (f", {single}." if single else ".")
        )


def _loudness(old: Timeline, new: Timeline) -> Iterator[str]:
    if old.loudness != new.loudness and new.loudness is not None:
        target = new.loudness
        was = f", was {old.loudness.lufs_tenths / 10:g} LUFS" if old.loudness else ""
        yield f"Loudness target {target.lufs_tenths / 10:g} LUFS, peak {target.peak_tenths / 10:g} dBTP{was}."
