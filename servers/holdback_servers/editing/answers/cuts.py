"""What the cutting room's tools answer. Pure."""

from collections.abc import Iterator

from holdback_base.elements import Element, Notice
from holdback_base.vocabulary import Instant, Noun, instant_text

from holdback_servers.editing.answers.pieces import (
    BlurView,
    CaptionsView,
    ClipView,
    CreditView,
    EndCardView,
    LayerClipView,
    TrackView,
    TransitionView,
    clip_line,
    element_line,
    in_frames,
    track_lines,
)
from holdback_servers.editing.parts import Loudness, Marker, Reframe
from holdback_servers.editing.validation import Finding


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
    start: str | None = None
    ai_configs: tuple[str, ...] | None = None
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
        lines += [f"with {each}" for each in self.ai_configs or ()]
        lines += [clip_line(clip) for clip in self.clips]
        return [*lines, f"elements: {self.elements_sha256}"]


class TimelineView(CutView):
    """One revision of a cut with its sound, overlays and shape, and on request what it is made of."""

    tracks: tuple[TrackView, ...]
    transitions: tuple[TransitionView, ...] = ()
    layers: tuple[LayerClipView, ...] = ()
    end_card: EndCardView | None = None
    captions: tuple[CaptionsView, ...] = ()
    markers: tuple[Marker, ...] = ()
    blurs: tuple[BlurView, ...] = ()
    credits: tuple[CreditView, ...] = ()
    reframe: Reframe | None = None
    loudness: Loudness | None = None
    elements: tuple[Element, ...] | None = None
    notices: tuple[Notice, ...] | None = None

    def _lines(self) -> list[str]:
        lines = [*super()._lines(), *self._picture_lines()]
        for track in self.tracks:
            lines += track_lines(track)
        for blur in self.blurs:
            box = f"x {blur.box.x} y {blur.box.y} {blur.box.width} x {blur.box.height} of {blur.media}"
            moves = f" along {len(blur.path)} places" if blur.path else ""
            seen = in_frames(blur.record) or "nothing shown"
            lines.append(f"{blur.id}: {blur.style} {blur.element or ''} {box}{moves} on {seen}")
        for words in self.credits:
            lines.append(f"{words.id}: {words.kind} {words.placement} {in_frames([words.span])} {words.text}")
        if self.reframe:
            single = "".join(
                f", {each.clip} {each.centre_x}{' and moving' if each.path else ''}" for each in self.reframe.centres
            )
            lines.append(f"reframe: {self.reframe.aspect}, centre {self.reframe.centre_x}{single}")
        if self.loudness:
            lines.append(f"loudness: {self.loudness.lufs_tenths / 10:g} LUFS, {self.loudness.peak_tenths / 10:g} dBTP")
        lines += [element_line(each) for each in self.elements or ()]
        lines += [f"  {each.kind} {in_frames([each.span])} {each.text}" for each in self.notices or ()]
        return lines

    def _picture_lines(self) -> Iterator[str]:
        for each in self.transitions:
            where = f"into {each.clip}" if each.clip else "at the end"
            yield f"{each.id}: {each.kind} {where} {in_frames([each.record])}"
        for layer in self.layers:
            box = layer.box
            place = f"x {box.x} y {box.y} {box.width} x {box.height}" if box else "all of the picture"
            yield f"{layer.layer} {clip_line(layer)} over {place}, opacity {layer.opacity / 10:g} %"
        if card := self.end_card:
            yield f"{card.id}: end card {in_frames([card.span])} {' / '.join(card.lines)} {card.media or ''}".rstrip()
        for captions in self.captions:
            how = "burnt in" if captions.burnt else "beside the picture"
            yield f"captions {captions.language}, {how}: {len(captions.shown)} shown of {captions.lines} lines"
            for line in captions.shown:
                yield f"  {in_frames([line.span])} {line.text}"
        for marker in self.markers:
            yield f"marker {in_frames([marker.span])} {marker.name} {marker.note}".rstrip()


class RenderView(Noun):
    """A file that was rendered from a timeline."""

    profile: str
    media: str


class ListedTimeline(Noun):
    """A revision in a list: what it is, who made it when and why, what changed, and what was rendered from it."""

    id: str
    root: str
    revision: int
    parent: str | None = None
    title: str
    rate: str
    frames: int
    length: str
    clips: int
    changes: tuple[str, ...] = ()
    reason: str | None = None
    by: str
    made: Instant
    ai_configs: tuple[str, ...] | None = None
    renders: tuple[RenderView, ...] = ()


class TimelineList(Noun):
    """A page of timelines, newest first."""

    items: tuple[ListedTimeline, ...]
    next_cursor: str | None = None

    def text(self) -> str:
        """A line for each, with its changes and renders under it."""
        lines: list[str] = []
        for each in self.items:
            head = f"{each.id} r{each.revision} {each.title!r}: {each.length}, {each.clips} clips"
            lines.append(f"{head}, by {each.by} at {instant_text(each.made)}")
            lines += [f"  {each.reason}"] if each.reason else []
            lines += [f"  change: {change}" for change in each.changes]
            lines += [f"  rendered as {one.profile}: {one.media}" for one in each.renders]
        more = [f"more with cursor {self.next_cursor}"] if self.next_cursor else []
        return "\n".join([*lines, *more]) or "There are none."


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
    """A file to save under `filename`: its text, or its bytes as base64 where `base64` says so.

    `sha256` is of the file's bytes, a text's in UTF-8. `losses` are what the format cannot carry.
    """

    filename: str
    media_type: str
    sha256: str
    base64: bool = False
    content: str
    losses: tuple[str, ...] = ()

    def text(self) -> str:
        """Name, hash and losses, then the content as it is; of bytes only where they are."""
        head = "\n".join((f"{self.filename} ({self.media_type}, {self.sha256})", *self.losses))
        return f"{head}\n\n{'The bytes are in content, base64.' if self.base64 else self.content}"
