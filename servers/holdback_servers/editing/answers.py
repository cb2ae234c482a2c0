"""What the cutting room's tools answer. Pure."""

from typing import Any

from holdback_base.elements import Box, Element, Notice
from holdback_base.vocabulary import Instant, Noun, Span, frames_to_timecode, instant_text

from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.differences import blur_in_cut, spoken_length
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip, Loudness, Reframe, Track
from holdback_servers.editing.validation import Finding


class ClipView(Noun):
    """A clip: frames of its media, and where it stands in the cut."""

    id: str
    media: str
    in_frame: int
    out_frame: int
    record_in: int
    record_out: int
    reason: str | None = None
    confidence: int | None = None


class SoundView(Noun):
    """A sound on a track."""

    media: str
    in_frame: int
    out_frame: int
    at_frame: int
    gain: int | None = None


class TrackView(Noun):
    """A track of sound; silences are frames of the cut. The programme track is the film's own sound."""

    name: str
    muted: bool
    sounds: tuple[SoundView, ...] = ()
    silences: tuple[Span, ...] | None = None
    gain: int | None = None
    duck: int | None = None


class BlurView(Noun):
    """A blur: a box of its media's picture, and the frames of the cut on which it is seen."""

    id: str
    media: str
    box: Box
    record: tuple[Span, ...]
    element: str | None = None


class CreditView(Noun):
    """Words burnt in."""

    id: str
    kind: str
    text: str
    span: Span
    placement: str


class CutView(Noun):
    """One revision of a cut, in short. Frames are at `rate`; `width` and `height` are of the finished picture."""

    id: str
    revision: int
    parent: str | None = None
    title: str
    rate: str
    width: int
    height: int
    frames: int
    length: str
    clips: tuple[ClipView, ...]
    changes: tuple[str, ...] = ()
    reason: str | None = None
    by: str
    made: Instant
    elements_sha256: str

    def text(self) -> str:
        """The cut as a list that an editor reads."""
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        head = f"{self.id} r{self.revision} {self.title!r}: {self.length}, {self.frames} frames at {self.rate}, "
        lines = [head + f"{self.width} x {self.height}, by {self.by} at {instant_text(self.made)}"]
        if self.parent or self.reason:
            lines.append(f"made from {self.parent or 'nothing'}: {self.reason or 'no reason given'}")
        lines += [f"change: {change}" for change in self.changes]
        lines += [
            f"{clip.id}: {clip.media} frames {clip.in_frame}-{clip.out_frame} at {clip.record_in}-{clip.record_out}"
            + (f" ({clip.reason})" if clip.reason else "")
            + (f" {clip.confidence} %" if clip.confidence is not None else "")
            for clip in self.clips
        ]
        return [*lines, f"elements: {self.elements_sha256}"]


class TimelineView(CutView):
    """One revision of a cut with its sound, overlays and shape, and on request what it is made of."""

    tracks: tuple[TrackView, ...]
    blurs: tuple[BlurView, ...] = ()
    credits: tuple[CreditView, ...] = ()
    reframe: Reframe | None = None
    loudness: Loudness | None = None
    elements: tuple[Element, ...] | None = None
    notices: tuple[Notice, ...] | None = None

    def _lines(self) -> list[str]:
        lines = super()._lines()
        for track in self.tracks:
            lines += _track_lines(track)
        for blur in self.blurs:
            box = f"x {blur.box.x} y {blur.box.y} {blur.box.width} x {blur.box.height} of {blur.media}"
            lines.append(f"{blur.id}: blur {blur.element or ''} {box} on {_frames(blur.record) or 'nothing shown'}")
        for words in self.credits:
            lines.append(f"{words.id}: {words.kind} {words.placement} {_frames([words.span])} {words.text}")
        if self.reframe:
            single = "".join(f", {each.clip} {each.centre_x}" for each in self.reframe.centres)
            lines.append(f"reframe: {self.reframe.aspect}, centre {self.reframe.centre_x}{single}")
        if self.loudness:
            lines.append(f"loudness: {self.loudness.lufs_tenths / 10:g} LUFS, {self.loudness.peak_tenths / 10:g} dBTP")
        lines += [_element_line(each) for each in self.elements or ()]
        lines += [f"  {each.kind} {_frames([each.span])} {each.text}" for each in self.notices or ()]
        return lines


def _track_lines(track: TrackView) -> list[str]:
    extras = f" gain {track.gain}" * bool(track.gain) + f" duck {track.duck}" * bool(track.duck)
    silent = f" silent on {_frames(track.silences)}" if track.silences else ""
    lines = [f"{track.name}: {'muted' if track.muted else 'heard'}{extras}{silent}"]
    for each in track.sounds:
        gain = f" gain {each.gain}" if each.gain else ""
        lines.append(f"  {each.media} frames {each.in_frame}-{each.out_frame} from {each.at_frame}{gain}")
    return lines


def _frames(spans: "tuple[Span, ...] | list[Span]") -> str:
    return ", ".join(f"{span.in_frame}-{span.out_frame}" for span in spans)


def _element_line(element: Element) -> str:
    hidden = f", obscured on {_frames(element.obscured)}" if element.obscured else ""
    box = element.box
    place = f", at x {box.x} y {box.y} {box.width} x {box.height}" if box else ""
    return f"  {element.id}: {element.kind} {element.ref} {element.name!r} on {_frames(element.spans)}{hidden}{place}"


class DifferenceView(Noun):
    """What an editor would say has changed; empty when both are the same cut."""

    before: str
    after: str
    changes: tuple[str, ...]


class ValidationView(Noun):
    """What stops a render (errors) or wants a look (warnings)."""

    timeline: str
    valid: bool
    findings: tuple[Finding, ...]


class ExportView(Noun):
    """A text to save under `filename`; `sha256` is of its UTF-8 bytes."""

    filename: str
    media_type: str
    sha256: str
    content: str

    def text(self) -> str:
        """Name and hash, then the content as it is."""
        return f"{self.filename} ({self.media_type}, {self.sha256})\n\n{self.content}"


def cut_view(timeline: Timeline) -> CutView:
    """A timeline in short, as it is answered when it is made."""
    return CutView.model_validate(_short(timeline))


def timeline_view(timeline: Timeline, *, with_elements: bool = False) -> TimelineView:
    """A timeline as it is answered when somebody looks at it."""
    found = derive_elements(timeline) if with_elements else None
    tracks = (timeline.track("programme"), *timeline.sound_tracks)
    overlays = {
        "tracks": tuple(_track_view(each) for each in tracks),
        "blurs": tuple(
            BlurView(**each.model_dump(exclude={"span"}), record=tuple(blur_in_cut(timeline, each)))
            for each in timeline.blurs
        ),
        "credits": tuple(CreditView(**each.model_dump()) for each in timeline.credits),
        "reframe": timeline.reframe,
        "loudness": timeline.loudness,
        "elements": found.elements if found else None,
        "notices": found.notices if found else None,
    }
    return TimelineView.model_validate({**_short(timeline), **overlays})


def _short(timeline: Timeline) -> dict[str, Any]:
    width, height = timeline.picture
    length = f"{spoken_length(timeline, timeline.frames)} ({frames_to_timecode(timeline.frames, timeline.rate)})"
    return {
        "id": timeline.id,
        "revision": timeline.revision,
        "parent": timeline.parent,
        "title": timeline.title,
        "rate": timeline.rate.text(),
        "width": width,
        "height": height,
        "frames": timeline.frames,
        "length": length,
        "clips": tuple(_clip_view(clip, record) for clip, record in timeline.placed()),
        "changes": timeline.changes,
        "reason": timeline.reason or None,
        "by": timeline.by,
        "made": timeline.made,
        "elements_sha256": derive_elements(timeline).sha256(),
    }


def _clip_view(clip: Clip, record: Span) -> ClipView:
    return ClipView(
        id=clip.id,
        media=clip.media,
        in_frame=clip.source.in_frame,
        out_frame=clip.source.out_frame,
        record_in=record.in_frame,
        record_out=record.out_frame,
        reason=clip.reason or None,
        confidence=clip.confidence,
    )


def _track_view(track: Track) -> TrackView:
    sounds = tuple(
        SoundView(
            media=each.media,
            in_frame=each.source.in_frame,
            out_frame=each.source.out_frame,
            at_frame=each.at_frame,
            gain=each.gain or None,
        )
        for each in track.clips
    )
    return TrackView(
        name=track.name,
        muted=track.muted,
        sounds=sounds,
        silences=track.silences or None,
        gain=track.gain or None,
        duck=track.duck or None,
    )
