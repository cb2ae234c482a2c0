"""CMX 3600 edit decision lists, written. Pure.

Form: the CMX 3600 notes of the trade; wipes by their SMPTE numbers as SMIL's barWipe lists them (1 from left to right,
2 from top to bottom), 100 more for the other way. A dissolve's event begins where the transition begins.
"""

from collections.abc import Iterator
from typing import NamedTuple

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, frames_to_timecode, timecode_to_frames

from holdback_servers.editing.interchange.naming import one_line
from holdback_servers.editing.interchange.sheet import PICTURE, Change, Lane, Media, Note, Piece, Sheet

MOST_EVENTS = 999
"""An event has three digits in CMX 3600."""
MOST_FRAMES_A_SECOND = 60
WIPES = {"wipe_right": "W001", "wipe_down": "W002", "wipe_left": "W101", "wipe_up": "W102"}
SOUND_CHANNELS = ("A3", "A4")
_BLACK = "BL"


class _Event(NamedTuple):
    """One edit: `piece` none is black; `lead` what is seen before it where it begins with a transition."""

    channel: str
    record: Span
    piece: Piece | None
    offset: int
    change: Change | None = None
    length: int = 0
    lead: tuple[Piece | None, int] | None = None
    comments: tuple[str, ...] = ()


def write(sheet: Sheet) -> str:
    """The list. Raises Problem TOO_LARGE for more than 999 events, INVALID_ARGUMENT above 60 frames a second."""
    if sheet.rate.nominal > MOST_FRAMES_A_SECOND:
        raise Problem("INVALID_ARGUMENT", "An EDL counts at most 60 frames a second.", "Export OTIO.")
    events = list(_events(sheet))
    if len(events) > MOST_EVENTS:
        raise Problem("TOO_LARGE", f"The cut has {len(events)} events; an EDL holds {MOST_EVENTS}.", "Export OTIO.")
    drop = ";" in (sheet.start or "")
    lines = [f"TITLE: {one_line(sheet.title)}", f"FCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}", ""]
    clock = _Clock(sheet)
    for number, event in enumerate(events, start=1):
        lines += clock.lines(number, event)
    return "\n".join(lines) + "\n"


def _events(sheet: Sheet) -> Iterator[_Event]:
    first = next(each for each in sheet.lanes if each.name == PICTURE)
    own = next((each for each in sheet.lanes if each.name == "programme"), None)
    together = own is not None and _alike(first, own)
    yield from _lane(first, "AA/V" if together else "V")
    end = first.pieces[-1].record.out_frame
    if sheet.black:
        words = tuple(f"* END CARD: {one_line(line)}" for line in sheet.card)
        yield _Event("V", Span(in_frame=end, out_frame=end + sheet.black), None, 0, comments=words)
    if own is not None and not together:
        yield from _lane(own, "AA", "* TRACK: programme")
    for lane, channel in zip(others(sheet), SOUND_CHANNELS, strict=False):
        yield from _lane(lane, channel, f"* TRACK: {lane.name}")


def others(sheet: Sheet) -> list[Lane]:
    """The lanes of sound beside the picture's own."""
    return [each for each in sheet.lanes_of("sound") if each.name != "programme"]


def _alike(picture: Lane, sound: Lane) -> bool:
    def told(lane: Lane) -> list[tuple[int, int, int]]:
        return [(each.at, each.frames, each.source) for each in lane.pieces]

    return told(picture) == told(sound) and picture.changes == sound.changes


def _lane(lane: Lane, channel: str, comment: str = "") -> Iterator[_Event]:
    changes = {each.at: each for each in lane.changes}
    said = (comment,) if comment else ()
    before: Piece | None = None
    for piece in lane.pieces:
        if before is not None and before.record.out_frame != piece.at:
            before = None
        change, leaving = changes.get(piece.at), changes.get(piece.record.out_frame)
        end = piece.record.out_frame - (leaving.before if leaving else 0)
        yield from _dip_out(channel, change, before)
        yield _entering(channel, piece, end, change, before, said)
        before = piece
    if before is not None and (last := changes.get(before.record.out_frame)):
        yield from _dip_out(channel, last, before, (_told(last),))


def _dip_out(channel: str, change: Change | None, before: Piece | None, said: tuple[str, ...] = ()) -> Iterator[_Event]:
    """The picture going to black, where a dip begins with it."""
    if change is None or not change.kind.startswith("dip") or not change.before or before is None:
        return
    record = Span(in_frame=change.at - change.before, out_frame=change.at)
    lead = (before, record.in_frame - before.at)
    yield _Event(channel, record, None, 0, change, change.before, lead, said)


def _entering(  # noqa: PLR0917 - an event's parts
    channel: str, piece: Piece, end: int, change: Change | None, before: Piece | None, said: tuple[str, ...]
) -> _Event:
    """A piece coming in: by a cut, out of what was before it, or out of black."""
    if change is None:
        return _Event(channel, Span(in_frame=piece.at, out_frame=end), piece, 0, comments=said)
    told = (*said, _told(change))
    if change.kind.startswith("dip"):
        record, lead = Span(in_frame=piece.at, out_frame=end), (None, 0)
        return _Event(channel, record, piece, 0, change, change.after, lead if change.after else None, told)
    start = piece.at - change.before
    lead = (before, start - before.at) if before else (None, 0)
    record = Span(in_frame=start, out_frame=end)
    return _Event(channel, record, piece, -change.before, change, change.frames, lead, told)


def _told(change: Change) -> str:
    return f"* TRANSITION: {change.kind} {change.before} + {change.after}"


class _Clock:
    """Writes the lines of events, with the timecodes of the record and of each media."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.drop = sheet, ";" in (sheet.start or "")
        self.start = timecode_to_frames(sheet.start or "00:00:00:00", sheet.rate)
        self.media: dict[str, Media] = {each.media: each for each in sheet.media}
        self._noted: set[Note] = set()

    def record(self, frame: int) -> str:
        """The timecode of a frame of the cut."""
        return frames_to_timecode(frame + self.start, self.sheet.rate, drop=self.drop)

    def source(self, piece: Piece | None, frame: int) -> str:
        """The timecode of a frame of a piece's media; black has none of its own."""
        if piece is None:
            return frames_to_timecode(frame, self.sheet.rate)
        known = self.media[piece.name.media]
        return frames_to_timecode(frame + known.start, self.sheet.rate, drop=known.drop)

    def lines(self, number: int, event: _Event) -> Iterator[str]:
        """An event and its comments."""
        span = _used(event)
        times = " ".join((self.source(event.piece, span[0]), self.source(event.piece, span[1])))
        records = f"{self.record(event.record.in_frame)} {self.record(event.record.out_frame)}"
        kind, length = "C", "   "
        if event.lead is not None and event.change is not None:
            piece, offset = event.lead
            point = self.source(piece, piece.source_at(offset) if piece else 0)
            now = self.record(event.record.in_frame)
            yield f"{number:03}  {self._reel(piece):<8} {event.channel:<5} C        {point} {point} {now} {now}"
            kind, length = WIPES.get(event.change.kind, "D"), f"{event.length:03}"
        line = f"{number:03}  {self._reel(event.piece):<8} {event.channel:<5} {kind:<4} {length} {times} {records}"
        yield line
        yield from self._comments(event, span[0])

    def _reel(self, piece: Piece | None) -> str:
        return self.media[piece.name.media].reel if piece else _BLACK

    def _comments(self, event: _Event, first: int) -> Iterator[str]:
        piece = event.piece
        if piece is not None:
            known = self.media[piece.name.media]
            if piece.held or piece.speed != 100:
                frames = 0 if piece.held else self.sheet.rate.nominal * piece.speed / 100
                yield f"M2   {known.reel:<8}       {frames:05.1f}                {self.source(piece, first)}"
            if piece.held:
                yield "* FREEZE FRAME"
            yield f"* FROM CLIP NAME: {known.title}"
            yield f"* SOURCE: {known.media}"
            if piece.reason:
                yield f"* COMMENT: {one_line(piece.reason)}"
        yield from event.comments
        if "V" in event.channel:
            yield from self._locators(event.record)

    def _locators(self, record: Span) -> Iterator[str]:
        for note in self.sheet.notes:
            if note not in self._noted and record.in_frame <= note.span.in_frame < record.out_frame:
                self._noted.add(note)
                yield f"* LOC: {self.record(note.span.in_frame)} GREEN   {one_line(note.name or note.note, 40)}"


def _used(event: _Event) -> tuple[int, int]:
    """The frames of the media that an event uses."""
    piece = event.piece
    if piece is None:
        return 0, event.record.frames
    start = piece.source_at(event.offset)
    if piece.held:
        return start, start + 1
    if event.record == piece.record and piece.length:
        return start, piece.source + piece.length
    return start, piece.source_at(event.offset + event.record.frames - 1) + 1
