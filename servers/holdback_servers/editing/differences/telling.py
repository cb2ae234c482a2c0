"""What changed from one timeline to another, as one editor would tell another. Pure."""

from collections.abc import Iterator

from holdback_base.vocabulary import Span, frames_to_timecode

from holdback_servers.editing.differences.recognising import recognised
from holdback_servers.editing.model import Timeline, joined
from holdback_servers.editing.parts import Blur, Clip, Credit, LayerClip, SoundClip, Transition
from holdback_servers.editing.placing import frames_showing, pictures


def differences(old: Timeline, new: Timeline) -> list[str]:
    """Sentences, pictures first; empty when both are the same cut. Ids are those of the new one."""
    if old.root != new.root:
        old = recognised(old, new)
    return [
        *_title(old, new),
        *_clips(old, new),
        *_transitions(old, new),
        *_layers(old, new),
        *_end_card(old, new),
        *(line for track in _track_names(old, new) for line in _track(old, new, track)),
        *_blurs(old, new),
        *_credits(old, new),
        *_captions(old, new),
        *_markers(old, new),
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
    splits = dict(_splits(before, new))
    further = {each.id for parts in splits.values() for each in parts}
    for clip in old.clips:
        if clip.id not in after:
            yield f"Clip {_clip_name(clip)} removed, {spoken_length(old, clip.frames)}."
    for clip, record in new.placed():
        was = before.get(clip.id)
        if was is not None:
            yield from _changed(new, was, clip, splits)
        elif clip.id not in further:
            where = f"{spoken_span(new, record)}{_how_shown(new, clip)}"
            yield f"Clip {_clip_name(clip)} from {name_of(new, clip.media)} inserted at {where}."
    kept_before = [clip.id for clip in old.clips if clip.id in after]
    kept_after = [clip.id for clip in new.clips if clip.id in before]
    if kept_before != kept_after:
        now, was = (", ".join(clip.id for clip in timeline.clips) for timeline in (new, old))
        yield f"Order is now {now}; it was {was}."


def _splits(before: dict[str, Clip], new: Timeline) -> Iterator[tuple[str, list[Clip]]]:
    """Clips that are now several, each with its further parts."""
    for place, clip in enumerate(new.clips):
        was = before.get(clip.id)
        parts = [clip]
        for each in new.clips[place + 1 :]:
            if each.id in before or not _goes_on(parts[-1], each):
                break
            parts.append(each)
        whole = Span(in_frame=clip.source.in_frame, out_frame=max(each.source.out_frame for each in parts))
        if was is not None and len(parts) > 1 and (was.media, was.source) == (clip.media, whole):
            yield clip.id, parts[1:]


def _goes_on(one: Clip, other: Clip) -> bool:
    touch = (one.media, one.speed, one.source.out_frame) == (other.media, other.speed, other.source.in_frame)
    return touch and not one.freeze and not other.freeze


def _changed(new: Timeline, was: Clip, clip: Clip, splits: dict[str, list[Clip]]) -> Iterator[str]:
    if was.media != clip.media:
        how = _how_shown(new, clip)
        yield f"Clip {clip.id} replaced by {name_of(new, clip.media)} ({clip.reason or 'no reason given'}){how}."
        return
    if clip.id in splits:
        parts = splits[clip.id]
        at = ", ".join(str(each.source.in_frame) for each in parts)
        follow = f"{', '.join(each.id for each in parts)} {'follows' if len(parts) == 1 else 'follow'}"
        yield f"Clip {_clip_name(clip)} split at frame {at} of its media; {follow}."
    elif clip.freeze and (was.freeze, was.source.in_frame) != (clip.freeze, clip.source.in_frame):
        held = f"holds frame {clip.source.in_frame} of its media for {spoken_length(new, clip.freeze)}"
        yield f"Clip {_clip_name(clip)} {held}, without sound; it lasted {spoken_length(new, was.frames)}."
    elif was.freeze and not clip.freeze:
        yield f"Clip {_clip_name(clip)} runs again, from frame {clip.source.in_frame} of its media."
    elif was.source != clip.source and not clip.freeze:
        yield f"Clip {_clip_name(clip)} trimmed: {_trimmed(new, was.source, clip.source)}."
    if was.speed != clip.speed and not clip.freeze:
        now = f"at {clip.speed} percent of its speed, was {was.speed}"
        yield f"Clip {_clip_name(clip)} runs {now}: it lasts {spoken_length(new, clip.frames)}."


def _how_shown(timeline: Timeline, clip: Clip) -> str:
    if clip.freeze:
        return f", holding frame {clip.source.in_frame} for {spoken_length(timeline, clip.freeze)}"
    return f", at {clip.speed} percent of its speed" if clip.speed != 100 else ""


def spoken_transition(timeline: Timeline, each: Transition) -> str:
    """Such as `Dissolve x4 into c2, 12 f (6 f before the cut)`."""
    kind = each.kind.replace("_", " ").capitalize()
    first = timeline.clips[0].id if timeline.clips else None
    where = "at the end" if each.clip is None else "at the beginning" if each.clip == first else f"into {each.clip}"
    length = spoken_length(timeline, each.before + each.after)
    split = f" ({spoken_length(timeline, each.before)} before the cut)" if each.before and each.after else ""
    return f"{kind} {each.id} {where}, {length}{split}"


def _transitions(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = {each.id for each in old.transitions}, {each.id for each in new.transitions}
    for each in new.transitions:
        if each.id not in before:
            yield f"{spoken_transition(new, each)}."
    for each in old.transitions:
        if each.id not in after:
            yield f"{spoken_transition(old, each)}, taken away."


def _layers(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = dict(_layer_clips(old)), dict(_layer_clips(new))
    for name, (layer, each) in after.items():
        if name not in before:
            where = "over all of the picture" if each.box is None else f"at x {each.box.x}, y {each.box.y}"
            what = f"{layer}: {_clip_name(each.clip)} from {name_of(new, each.clip.media)} {where}"
            yield f"{what} on {spoken_span(new, each.record)}{_how_shown(new, each.clip)}."
    for name, (layer, each) in before.items():
        if name not in after:
            yield f"{layer}: {_clip_name(each.clip)} taken away."
        elif after[name] != (layer, each):
            yield f"{layer}: {_clip_name(each.clip)} changed."


def _layer_clips(timeline: Timeline) -> Iterator[tuple[str, tuple[str, LayerClip]]]:
    for layer in timeline.layers:
        for each in layer.clips:
            yield each.clip.id, (layer.name, each)


def _end_card(old: Timeline, new: Timeline) -> Iterator[str]:
    was, now = old.end_card, new.end_card
    if now is not None and now != was:
        still = f" with a still of {name_of(new, now.media)}" if now.media else ""
        words = f' "{" / ".join(now.lines)}"' if now.lines else ""
        yield f"End card {now.id}{words}{still} for {spoken_length(new, now.frames)}."
    elif was is not None and now is None:
        yield f"End card {was.id} taken away."


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
    """The frames of the cut on which a blur is seen, in handles and layers too; disjoint, in order."""
    shown = [each for each in pictures(timeline) if each.clip.media == blur.media]
    return list(joined([part for each in shown if (part := frames_showing(each, blur.span))]))


def _blurs(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = {each.id for each in old.blurs}, {each.id for each in new.blurs}
    for blur in new.blurs:
        if blur.id not in before:
            where = ", ".join(spoken_span(new, span) for span in blur_in_cut(new, blur)) or "frames that are not shown"
            what = f"over {blur.element}" if blur.element else f"at x {blur.box.x}, y {blur.box.y}"
            moves = f", moving along {len(blur.path)} places" if blur.path else ""
            called = {"blur": "Blur", "pixelate": "Pixelation", "fill": "Filled box"}[blur.style]
            yield f"{called} {blur.id} {what}, {blur.box.width} x {blur.box.height} thousandths{moves}, on {where}."
    for blur in old.blurs:
        if blur.id not in after:
            yield f"Blur {blur.id} taken away."


def _credits(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = {each.id for each in old.credits}, {each.id for each in new.credits}
    for credit in new.credits:
        if credit.id not in before:
            where = f"at the {credit.placement} on {spoken_span(new, credit.span)}"
            yield f'{_kind(credit)} {credit.id} "{credit.text}" {where}.'
    for credit in old.credits:
        if credit.id not in after:
            yield f'{_kind(credit)} {credit.id} "{credit.text}" taken away.'


def _kind(credit: Credit) -> str:
    return credit.kind.replace("_", " ").capitalize()


def _captions(old: Timeline, new: Timeline) -> Iterator[str]:
    before, after = ({each.language: each for each in timeline.captions} for timeline in (old, new))
    for language, now in after.items():
        if before.get(language) != now:
            how = "burnt into the picture" if now.burnt else "delivered beside the picture"
            lines = "1 line" if len(now.lines) == 1 else f"{len(now.lines)} lines"
            yield f"Captions in {language}: {lines}, {how}."
    for language in before:
        if language not in after:
            yield f"Captions in {language} taken away."


def _markers(old: Timeline, new: Timeline) -> Iterator[str]:
    for each in new.markers:
        if each not in old.markers:
            yield f'Marker "{each.name or each.note}" on {spoken_span(new, each.span)}.'
    for each in old.markers:
        if each not in new.markers:
            yield f'Marker "{each.name or each.note}" taken away.'


def _shape(old: Timeline, new: Timeline) -> Iterator[str]:
    if old.reframe == new.reframe:
        return
    (wide, high), (was_wide, was_high) = new.picture, old.picture
    if new.reframe is None:
        yield f"Picture is the whole {wide} x {high} again."
    else:
        centre = f"centred at {new.reframe.centre_x} thousandths"
        single = ", ".join(
            f"{each.clip} followed along {len(each.path)} places" if each.path else f"{each.clip} at {each.centre_x}"
            for each in new.reframe.centres
        )
        yield (
            f"Picture reframed from {was_wide} x {was_high} to {new.reframe.aspect}, {wide} x {high}, {centre}"
            + (f", {single}." if single else ".")
        )


def _loudness(old: Timeline, new: Timeline) -> Iterator[str]:
    if old.loudness != new.loudness and new.loudness is not None:
        target = new.loudness
        was = f", was {old.loudness.lufs_tenths / 10:g} LUFS" if old.loudness else ""
        yield f"Loudness target {target.lufs_tenths / 10:g} LUFS, peak {target.peak_tenths / 10:g} dBTP{was}."
