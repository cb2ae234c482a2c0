"""OpenTimelineIO, written: the whole cut, and in its metadata what OpenTimelineIO has no words for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from holdback_base.vocabulary import Span, timecode_to_frames

from holdback_servers.editing.interchange.sheet import PICTURE, Change, Lane, Piece, Sheet

KINDS = {"dissolve": "SMPTE_Dissolve"}


def library() -> Any:
    """OpenTimelineIO, which has no types of its own; imported when it is needed, as a server must answer fast."""
    return import_module("opentimelineio")


def write(sheet: Sheet) -> str:
    """The cut as OTIO JSON."""
    return str(library().adapters.write_to_string(timeline_of(sheet), "otio_json"))


def timeline_of(sheet: Sheet) -> Any:
    """The cut as an OpenTimelineIO timeline, one track a lane, V1 first."""
    desk = Desk(sheet)
    start = timecode_to_frames(sheet.start or "00:00:00:00", sheet.rate)
    whole = desk.schema.Timeline(name=sheet.title, global_start_time=desk.at(start))
    canvas = {"width": sheet.width, "height": sheet.height, "start": sheet.start}
    whole.metadata["holdback"] = {**sheet.facts, **canvas}
    for lane in sheet.lanes:
        whole.tracks.append(desk.track(lane))
    return whole


class Desk:
    """What each part needs: the sheet, its clock, and where each media's timecode begins."""

    def __init__(self, sheet: Sheet) -> None:
        self.otio, self.sheet = library(), sheet
        self.schema = self.otio.schema
        self.media = {each.media: each for each in sheet.media}
        self._speed = float(sheet.rate.fraction)

    def at(self, frame: int) -> Any:
        """A point in time."""
        return self.otio.opentime.RationalTime(frame, self._speed)

    def range(self, start: int, frames: int) -> Any:
        """A stretch of time."""
        return self.otio.opentime.TimeRange(self.at(start), self.at(frames))

    def track(self, lane: Lane) -> Any:
        """A lane, with gaps where it has nothing, and markers on the first."""
        kind = self.schema.TrackKind.Video if lane.kind == "picture" else self.schema.TrackKind.Audio
        made = self.schema.Track(name=lane.name, kind=kind)
        changes = {each.at: each for each in lane.changes}
        position = 0
        for piece in lane.pieces:
            if piece.at > position:
                made.append(self.gap(piece.at - position))
            if piece.at in changes:
                made.append(self._change(changes[piece.at]))
            made.append(self.clip(piece))
            position = piece.record.out_frame
        if lane.pieces and position in changes:
            made.append(self._change(changes[position]))
        if lane.name == PICTURE:
            self._finish(made)
        return made

    def gap(self, frames: int) -> Any:
        """Nothing for so many frames."""
        return self.schema.Gap(source_range=self.range(0, frames))

    def _change(self, change: Change) -> Any:
        return self.schema.Transition(
            name=change.kind,
            transition_type=KINDS.get(change.kind, "Custom_Transition"),
            in_offset=self.at(change.before),
            out_offset=self.at(change.after),
            metadata={"holdback": {"kind": change.kind}},
        )

    def clip(self, piece: Piece) -> Any:
        """A piece of media, in the media's own timecode; its source lasts as long as it lasts in the cut, and an effect
        says at which speed the media runs there, as OpenTimelineIO has it."""
        known = self.media[piece.name.media]
        available = max(known.frames, piece.source + (piece.length or piece.frames))
        effects: list[Any] = []
        if piece.held:
            effects.append(self.schema.FreezeFrame())
        elif piece.speed != 100:
            effects.append(self.schema.LinearTimeWarp(time_scalar=piece.speed / 100))
        return self.schema.Clip(
            name=known.title,
            media_reference=self.schema.ExternalReference(
                target_url=f"urn:{known.media}", available_range=self.range(known.start, available)
            ),
            source_range=self.range(known.start + piece.source, piece.frames),
            effects=effects,
            metadata={"holdback": self._told(piece)},
        )

    def _told(self, piece: Piece) -> Mapping[str, Any]:
        told: dict[str, Any] = {"media": piece.name.media, "clip": piece.clip, "reason": piece.reason}
        told |= {"confidence": piece.confidence, "length": piece.length, "gain_centibels": piece.gain}
        told |= {"fade_in": piece.fade_in, "fade_out": piece.fade_out}
        told |= {"box": piece.box.model_dump() if piece.box else None}
        told |= {"opacity": piece.opacity if piece.opacity != 1000 else None}
        return {name: value for name, value in told.items() if value not in (None, "", 0)}

    def _finish(self, made: Any) -> None:
        if self.sheet.black:
            made.append(self.gap(self.sheet.black))
        for title in self.sheet.titles:
            facts = {"text": title.text, "kind": title.kind, "placement": title.placement}
            self._mark(made, f"{title.kind}: {title.text}", title.span, {"words": facts})
        for note in self.sheet.notes:
            self._mark(made, note.name, note.span, {"note": note.note})
        for line in self.sheet.spoken:
            self._mark(made, line.text, line.span, {"caption": {"language": line.language}})

    def _mark(self, made: Any, name: str, span: Span, facts: dict[str, Any]) -> None:
        marked = self.range(span.in_frame, span.frames)
        made.markers.append(self.schema.Marker(name=name, marked_range=marked, metadata={"holdback": facts}))
