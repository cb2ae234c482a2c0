"""Timelines for other people's programs: OpenTimelineIO, and CMX 3600 edit decision lists. No path leaves the house.

The EDL is written here, because the adapter of OpenTimelineIO starts every record at 00:00:00:00 and writes no FCM
line; the tests read what is written with that adapter. Media is named by its hash, reels by eight letters.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Literal, NamedTuple

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, frames_to_timecode, timecode_to_frames

from holdback_servers.editing.differences import blur_in_cut
from holdback_servers.editing.model import Timeline, media_frames, moved
from holdback_servers.editing.parts import SoundClip, Track

Format = Literal["otio", "edl"]
MOST_EVENTS = 999
"""An event has three digits in CMX 3600."""
MOST_FRAMES_A_SECOND = 60
_LINE = 74


class Exported(NamedTuple):
    """A text to save under a name."""

    filename: str
    media_type: str
    text: str


def export(timeline: Timeline, form: Format, record_start: str, starts: Mapping[str, str]) -> Exported:
    """The timeline in another format. The timeline must have frames.

    Args:
        record_start: timecode of the first frame of the cut: 10:00:00:00 in Europe, 01:00:00:00 in America; `;` before
            the frames counts drop-frame.
        starts: timecode of the first frame of each media; 00:00:00:00 where none is named.

    Raises:
        Problem: TIMECODE_INVALID; TOO_LARGE for an EDL of more than 999 events.
    """
    starting = timecode_to_frames(record_start, timeline.rate)
    if form == "otio":
        return Exported(f"{_file_name(timeline)}.otio", "application/json", _otio(timeline, starting, starts))
    text = _edl(timeline, starting, drop=";" in record_start, starts=starts)
    return Exported(f"{_file_name(timeline)}.edl", "text/plain", text)


def _file_name(timeline: Timeline) -> str:
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in timeline.title.lower())
    words = "-".join(part for part in kept.split("-") if part)[:60]
    return f"{words or 'timeline'}-r{timeline.revision}"


# --- CMX 3600 --------------------------------------------------------------------------------------------------------


class _Event(NamedTuple):
    media: str
    channel: str
    source: Span
    record: Span
    note: str


def _edl(timeline: Timeline, starting: int, *, drop: bool, starts: Mapping[str, str]) -> str:
    if timeline.rate.nominal > MOST_FRAMES_A_SECOND:
        raise Problem("INVALID_ARGUMENT", "An EDL counts at most 60 frames a second.", "Export OTIO.")
    events = list(_events(timeline))
    if len(events) > MOST_EVENTS:
        raise Problem("TOO_LARGE", f"The cut has {len(events)} events; an EDL holds {MOST_EVENTS}.", "Export OTIO.")
    reels = _reels(timeline)
    lines = [f"TITLE: {_one_line(timeline.title)}", f"FCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}", ""]
    for number, event in enumerate(events, start=1):
        begins = starts.get(event.media, "00:00:00:00")
        offset, source_drop = timecode_to_frames(begins, timeline.rate), ";" in begins
        source = _timecodes(moved(event.source, offset), timeline.rate, drop=source_drop)
        record = _timecodes(moved(event.record, starting), timeline.rate, drop=drop)
        lines.append(f"{number:03}  {reels[event.media]:<8} {event.channel:<5} C        {source} {record}")
        facts = timeline.facts(event.media)
        lines.append(f"* FROM CLIP NAME: {_one_line(facts.title if facts and facts.title else event.media[7:19])}")
        lines.append(f"* SOURCE: {event.media}")
        if event.note:
            lines.append(f"* COMMENT: {_one_line(event.note)}")
    return "\n".join(lines) + "\n"


def _events(timeline: Timeline) -> Iterator[_Event]:
    channel = "V" if timeline.track("programme").muted else "AA/V"
    for clip, record in timeline.placed():
        yield _Event(clip.media, channel, clip.source, record, clip.reason)
    for track, channel in ((timeline.track("voice"), "A3"), (timeline.track("music"), "A4")):
        for sound, record in _heard(timeline, track):
            used = Span(in_frame=sound.source.in_frame, out_frame=sound.source.in_frame + record.frames)
            yield _Event(sound.media, channel, used, record, "")


def _heard(timeline: Timeline, track: Track) -> Iterator[tuple[SoundClip, Span]]:
    """Sounds of a track that is not muted, cut at the end of the picture."""
    whole = Span(in_frame=0, out_frame=timeline.frames)
    for sound in () if track.muted else track.clips:
        if record := sound.record.overlap(whole):
            yield sound, record


def _timecodes(span: Span, rate: Rate, *, drop: bool) -> str:
    return " ".join(frames_to_timecode(frame, rate, drop=drop) for frame in (span.in_frame, span.out_frame))


def _reels(timeline: Timeline) -> dict[str, str]:
    """A name of at most eight letters and digits for each media, no two alike."""
    reels: dict[str, str] = {}
    for media in timeline.media_used():
        facts = timeline.facts(media)
        kept = "".join(each for each in (facts.title if facts else "").upper() if each.isascii() and each.isalnum())
        name = kept[:8] or media[7:15].upper()
        if name in reels.values():
            name = media[7:15].upper()
        reels[media] = name
    return reels


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LINE]


# --- OpenTimelineIO --------------------------------------------------------------------------------------------------


def _otio(timeline: Timeline, starting: int, starts: Mapping[str, str]) -> str:
    desk = _Desk(timeline, starts)
    schema = desk.otio.schema
    whole = schema.Timeline(name=timeline.title, global_start_time=desk.at(starting))
    whole.metadata["holdback"] = _facts(timeline)
    picture = schema.Track(name="V1", kind=schema.TrackKind.Video)
    for clip, _ in timeline.placed():
        facts: dict[str, Any] = {"clip": clip.id, "reason": clip.reason, "confidence": clip.confidence}
        picture.append(desk.clip(clip.media, clip.source, facts))
    for marker in _markers(desk):
        picture.markers.append(marker)
    whole.tracks.append(picture)
    if not timeline.track("programme").muted:
        own = schema.Track(name="programme", kind=schema.TrackKind.Audio)
        for clip, _ in timeline.placed():
            own.append(desk.clip(clip.media, clip.source, {"clip": clip.id}))
        whole.tracks.append(own)
    for track in timeline.sound_tracks:
        if list(_heard(timeline, track)):
            whole.tracks.append(_sound_track(desk, track))
    return str(desk.otio.adapters.write_to_string(whole, "otio_json"))


def _library() -> Any:
    """OpenTimelineIO, which has no types of its own; imported when it is needed, as a server must answer fast."""
    return import_module("opentimelineio")


class _Desk:
    """What each part of an export needs: the timeline, its clock, and where each media's timecode begins."""

    def __init__(self, timeline: Timeline, starts: Mapping[str, str]) -> None:
        self.otio, self.timeline = _library(), timeline
        self._starts, self._speed = starts, float(timeline.rate.fraction)

    def at(self, frame: int) -> Any:
        """A point in time."""
        return self.otio.opentime.RationalTime(frame, self._speed)

    def range(self, span: Span) -> Any:
        """A stretch of time."""
        return self.otio.opentime.TimeRange(self.at(span.in_frame), self.at(span.frames))

    def clip(self, media: str, source: Span, facts: Mapping[str, Any]) -> Any:
        """A piece of media, in the media's own timecode."""
        known = self.timeline.facts(media)
        offset = timecode_to_frames(self._starts.get(media, "00:00:00:00"), self.timeline.rate)
        frames = media_frames(known, self.timeline.rate) if known else 0
        available = Span(in_frame=offset, out_frame=offset + max(frames, source.out_frame))
        said = {name: each for name, each in facts.items() if each not in (None, "")}
        return self.otio.schema.Clip(
            name=known.title if known and known.title else media[7:19],
            media_reference=self.otio.schema.ExternalReference(
                target_url=f"urn:{media}", available_range=self.range(available)
            ),
            source_range=self.range(moved(source, offset)),
            metadata={"holdback": {"media": media, **said}},
        )


def _sound_track(desk: _Desk, track: Track) -> Any:
    """Sounds in order with gaps between them; what overlaps begins where the one before it ends."""
    made = desk.otio.schema.Track(name=track.name, kind=desk.otio.schema.TrackKind.Audio)
    position = 0
    for sound, record in _heard(desk.timeline, track):
        start = max(position, record.in_frame)
        if start >= record.out_frame:
            continue
        if start > position:
            gap = Span(in_frame=0, out_frame=start - position)
            made.append(desk.otio.schema.Gap(source_range=desk.range(gap)))
        first = sound.source.in_frame + start - record.in_frame
        span = Span(in_frame=first, out_frame=first + record.out_frame - start)
        made.append(desk.clip(sound.media, span, {"gain_centibels": sound.gain or None}))
        position = record.out_frame
    return made


def _markers(desk: _Desk) -> Iterator[Any]:
    marker = desk.otio.schema.Marker
    for credit in desk.timeline.credits:
        facts: dict[str, Any] = {"credit": credit.text, "kind": credit.kind, "placement": credit.placement}
        name = f"{credit.kind}: {credit.text}"
        yield marker(name=name, marked_range=desk.range(credit.span), metadata={"holdback": facts})
    for blur in desk.timeline.blurs:
        for span in blur_in_cut(desk.timeline, blur):
            facts = {"blur": blur.id, "box_of_source": blur.box.model_dump()}
            yield marker(name="blur", marked_range=desk.range(span), metadata={"holdback": facts})


def _facts(timeline: Timeline) -> dict[str, Any]:
    facts: dict[str, Any] = {"timeline": timeline.id, "revision": timeline.revision, "by": timeline.by}
    for name in ("reframe", "loudness"):
        value = getattr(timeline, name)
        if value is not None:
            facts[name] = value.model_dump(mode="json", exclude_none=True)
    return facts
