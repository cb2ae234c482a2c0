"""What the cutting room's tools answer. Pure."""

from holdback_base.elements import Box, Element, Notice
from holdback_base.vocabulary import Instant, Noun, Span, frames_to_timecode

from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.differences import blur_in_cut, spoken_length
from holdback_servers.editing.model import Loudness, Reframe, Timeline, Track
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


class TimelineView(Noun):
    """One revision of a cut. Frames are at `rate`; `width` and `height` are of the finished picture."""

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
    tracks: tuple[TrackView, ...]
    blurs: tuple[BlurView, ...] = ()
    credits: tuple[CreditView, ...] = ()
    reframe: Reframe | None = None
    loudness: Loudness | None = None
    changes: tuple[str, ...] = ()
    reason: str | None = None
    by: str
    made: Instant
    elements_sha256: str
    elements: tuple[Element, ...] | None = None
    notices: tuple[Notice, ...] | None = None

    def text(self) -> str:
        """The cut as a list that an editor reads."""
        head = f"{self.id} r{self.revision} {self.title!r}: {self.length}, {self.frames} frames at {self.rate}, "
        lines = [head + f"{self.width} x {self.height}, by {self.by} at {self.made.isoformat()}"]
        if self.parent:
            lines.append(f"made from {self.parent}: {self.reason or 'no reason given'}")
        lines += [f"change: {change}" for change in self.changes]
        lines += [
            f"{clip.id}: {clip.media} frames {clip.in_frame}-{clip.out_frame} at {clip.record_in}-{clip.record_out}"
            + (f" ({clip.reason})" if clip.reason else "")
            + (f" {clip.confidence} %" if clip.confidence is not None else "")
            for clip in self.clips
        ]
        for track in self.tracks:
            extras = f" gain {track.gain}" * bool(track.gain) + f" duck {track.duck}" * bool(track.duck)
            silent = f" silent on {_frames(track.silences)}" if track.silences else ""
            lines.append(f"{track.name}: {'muted' if track.muted else 'heard'}{extras}{silent}")
            lines += [
                f"  {each.media} frames {each.in_frame}-{each.out_frame} from {each.at_frame}"
                + (f" gain {each.gain}" if each.gain else "")
                for each in track.sounds
            ]
        for blur in self.blurs:
            box = f"x {blur.box.x} y {blur.box.y} {blur.box.width} x {blur.box.height} of {blur.media}"
            lines.append(f"{blur.id}: blur {blur.element or ''} {box} on {_frames(blur.record) or 'nothing shown'}")
        lines += [
            f"{each.id}: {each.kind} {each.placement} {_frames([each.span])} {each.text}" for each in self.credits
        ]
        if self.reframe:
            single = "".join(f", {each.clip} {each.centre_x}" for each in self.reframe.centres)
            lines.append(f"reframe: {self.reframe.aspect}, centre {self.reframe.centre_x}{single}")
        if self.loudness:
            lines.append(f"loudness: {self.loudness.lufs_tenths / 10:g} LUFS, {self.loudness.peak_tenths / 10:g} dBTP")
        lines.append(f"elements: {self.elements_sha256}")
        lines += [_element_line(each) for each in self.elements or ()]
        lines += [f"  {each.kind} {_frames([each.span])} {each.text}" for each in self.notices or ()]
        return "\n".join(lines)


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


def timeline_view(timeline: Timeline, *, with_elements: bool = False) -> TimelineView:
    """A timeline as it is answered."""
    found = derive_elements(timeline)
    return TimelineView(
        id=timeline.id,
        revision=timeline.revision,
        parent=timeline.parent,
        title=timeline.title,
        rate=timeline.rate.text(),
        width=timeline.picture[0],
        height=timeline.picture[1],
        frames=timeline.frames,
        length=f"{spoken_length(timeline, timeline.frames)} ({frames_to_timecode(timeline.frames, timeline.rate)})",
        clips=tuple(
            ClipView(
                id=clip.id,
                media=clip.media,
                in_frame=clip.source.in_frame,
                out_frame=clip.source.out_frame,
                record_in=record.in_frame,
                record_out=record.out_frame,
                reason=clip.reason or None,
                confidence=clip.confidence,
            )
            for clip, record in timeline.placed()
        ),
        tracks=tuple(_track_view(each) for each in (timeline.programme, timeline.voice, timeline.music)),
        blurs=tuple(
            BlurView(
                id=blur.id,
                media=blur.media,
                box=blur.box,
                record=tuple(blur_in_cut(timeline, blur)),
                element=blur.element,
            )
            for blur in timeline.blurs
        ),
        credits=tuple(CreditView.model_validate(each.model_dump()) for each in timeline.credits),
        reframe=timeline.reframe,
        loudness=timeline.loudness,
        changes=timeline.changes,
        reason=timeline.reason or None,
        by=timeline.by,
        made=timeline.made,
        elements_sha256=found.sha256(),
        elements=found.elements if with_elements else None,
        notices=found.notices if with_elements else None,
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
