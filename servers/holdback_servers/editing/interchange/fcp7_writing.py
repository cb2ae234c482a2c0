"""FCP7 XML (xmeml 5), written: what Premiere, Resolve and Avid's tools read. Pure.

Positions in a clip's media are counted at the clip's own speed, as Final Cut 7 does: at 200 percent half as many. Where
that does not hit a frame, the exact one is kept in a comment.
"""

import json
from fractions import Fraction
from typing import TYPE_CHECKING

from holdback_base.vocabulary import Rate, frames_to_timecode, timecode_to_frames

from holdback_servers.editing.interchange.sheet import Change, Lane, Media, Piece, Sheet

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

TICKS = 254016000000
"""Premiere's ticks a second: every rate of the trade divides them."""
EFFECTS = {
    "dissolve": "Cross Dissolve",
    "wipe_left": "Wipe left",
    "wipe_right": "Wipe right",
    "wipe_up": "Wipe up",
    "wipe_down": "Wipe down",
    "dip_to_black": "Dip to Color Dissolve",
    "dip_to_white": "Dip to White Dissolve",
}
TOLD = ("source", "length", "clip", "reason", "confidence", "gain", "fade_in", "fade_out", "opacity", "box")


def ticks(frames: int, rate: Rate) -> int:
    """So many frames in Premiere's ticks."""
    return int(frames * TICKS / rate.fraction)


def write(sheet: Sheet) -> str:
    """The document."""
    from lxml import etree

    made = etree.tostring(_Writer(sheet).document(), pretty_print=True, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n{made}'


class _Writer:
    def __init__(self, sheet: Sheet) -> None:
        from lxml import etree

        self.sheet, self.etree, self.number = sheet, etree, 0
        self.media = {each.media: (f"file-{number}", each) for number, each in enumerate(sheet.media, start=1)}
        self.told: set[str] = set()

    def add(self, parent: "Element", tag: str, text: object = None, /, **attributes: str) -> "Element":
        """An element below another."""
        made = self.etree.SubElement(parent, tag, attributes)
        made.text = None if text is None else str(text)
        return made

    def document(self) -> "Element":
        """One sequence with its tracks."""
        root = self.etree.Element("xmeml", version="5")
        sequence = self.add(root, "sequence", id="sequence-1")
        self.add(sequence, "name", self.sheet.title or "Untitled")
        self.add(sequence, "duration", self.sheet.frames)
        self._rate(sequence)
        start = self.sheet.start or "00:00:00:00"
        self._timecode(sequence, timecode_to_frames(start, self.sheet.rate), ";" in start)
        media = self.add(sequence, "media")
        video = self.add(media, "video")
        shape = self.add(self.add(video, "format"), "samplecharacteristics")
        self._rate(shape)
        self.add(shape, "width", self.sheet.width or 1920)
        self.add(shape, "height", self.sheet.height or 1080)
        for lane in self.sheet.lanes_of("picture"):
            self._track(self.add(video, "track"), lane)
        audio = self.add(media, "audio")
        for lane in self.sheet.lanes_of("sound"):
            self._track(self.add(audio, "track"), lane)
        for note in self.sheet.notes:
            made = self.add(sequence, "marker")
            self.add(made, "name", note.name)
            self.add(made, "comment", note.note)
            self.add(made, "in", note.span.in_frame)
            self.add(made, "out", note.span.out_frame)
        return root

    def _rate(self, parent: "Element") -> None:
        rate = self.add(parent, "rate")
        self.add(rate, "timebase", self.sheet.rate.nominal)
        self.add(rate, "ntsc", "TRUE" if self.sheet.rate.den == 1001 else "FALSE")

    def _timecode(self, parent: "Element", frame: int, drop: bool) -> None:
        made = self.add(parent, "timecode")
        self._rate(made)
        self.add(made, "string", frames_to_timecode(frame, self.sheet.rate, drop=drop))
        self.add(made, "frame", frame)
        self.add(made, "displayformat", "DF" if drop else "NDF")

    def _track(self, track: "Element", lane: Lane) -> None:
        changes = {each.at: each for each in lane.changes}
        for piece in lane.pieces:
            if change := changes.pop(piece.at, None):
                self._change(track, change, lane)
            self._clip(track, piece, change, changes.get(piece.record.out_frame), lane)
        for change in changes.values():
            self._change(track, change, lane)
        self.add(track, "enabled", "TRUE")
        self.add(track, "locked", "FALSE")

    def _change(self, track: "Element", change: Change, lane: Lane) -> None:
        made = self.add(track, "transitionitem")
        self.add(made, "start", change.at - change.before)
        self.add(made, "end", change.at + change.after)
        self.add(made, "alignment", _alignment(change))
        self.add(made, "cutPointTicks", ticks(change.before, self.sheet.rate))
        self._rate(made)
        effect = self.add(made, "effect")
        sound = lane.kind == "sound"
        self.add(effect, "name", "Cross Fade (+3dB)" if sound else EFFECTS[change.kind])
        self.add(effect, "effectid", "KGAudioTransCrossFade3dB" if sound else EFFECTS[change.kind])
        self.add(effect, "effecttype", "transition")
        self.add(effect, "mediatype", "audio" if sound else "video")

    def _clip(self, track: "Element", piece: Piece, into: Change | None, out: Change | None, lane: Lane) -> None:
        self.number += 1
        name, media = self.media[piece.name.media]
        head, tail = (into.before if into else 0), (out.after if out else 0)
        made = self.add(track, "clipitem", id=f"clipitem-{self.number}")
        self.add(made, "name", media.title)
        self.add(made, "enabled", "TRUE")
        self.add(made, "duration", media.frames)
        self._rate(made)
        self.add(made, "start", -1 if into else piece.at)
        self.add(made, "end", -1 if out else piece.record.out_frame)
        first = piece.source if piece.held else round(Fraction(piece.source * 100, piece.speed))
        self.add(made, "in", first - head)
        self.add(made, "out", first + piece.frames + tail)
        self._file(made, name, media)
        if piece.held or piece.speed != 100:
            self._speed(made, 0 if piece.held else piece.speed)
        told = {key: value for key, value in piece.model_dump(exclude_defaults=True).items() if key in TOLD and value}
        self.add(self.add(made, "comments"), "mastercomment4", json.dumps({**told, "track": lane.name}, sort_keys=True))

    def _speed(self, clip: "Element", speed: int) -> None:
        effect = self.add(self.add(clip, "filter"), "effect")
        for tag, text in (("name", "Time Remap"), ("effectid", "timeremap"), ("effectcategory", "motion")):
            self.add(effect, tag, text)
        self.add(effect, "effecttype", "motion")
        self.add(effect, "mediatype", "video")
        for name, value in (("variablespeed", 0), ("speed", speed), ("reverse", "FALSE"), ("frameblending", "FALSE")):
            made = self.add(effect, "parameter")
            self.add(made, "parameterid", name)
            self.add(made, "name", name)
            self.add(made, "value", value)

    def _file(self, clip: "Element", name: str, media: Media) -> None:
        made = self.add(clip, "file", id=name)
        if name in self.told:
            return
        self.told.add(name)
        self.add(made, "name", media.file)
        self.add(made, "pathurl", media.file)
        self._rate(made)
        self.add(made, "duration", media.frames)
        self._timecode(made, media.start, media.drop)
        self.add(self.add(made, "comments"), "mastercomment4", media.media)
        kinds = self.add(made, "media")
        if media.width:
            shape = self.add(self.add(kinds, "video"), "samplecharacteristics")
            self.add(shape, "width", media.width)
            self.add(shape, "height", media.height)
        self.add(self.add(kinds, "audio"), "channelcount", 2)


def _alignment(change: Change) -> str:
    """Where the cut lies in a transition, in Final Cut 7's words."""
    if change.kind.startswith("dip") and not change.before:
        return "start-black"
    if change.kind.startswith("dip") and not change.after:
        return "end-black"
    return "start" if not change.before else "end" if not change.after else "center"
