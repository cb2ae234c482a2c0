"""AAF, written: a composition of tracks, whose clips lead through master mobs and file mobs to tapes with timecode.

What overlaps in a transition belongs to both clips here, so clips are longer than what is seen of them. A dip is two
dissolves with nothing between them, as every program can show it. A held frame is one frame at the speed that fills it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from holdback_base.vocabulary import timecode_to_frames

from holdback_servers.editing.interchange import aaf_terms as terms
from holdback_servers.editing.interchange.aaf_media import MediaMobs
from holdback_servers.editing.interchange.fcp7_writing import TOLD
from holdback_servers.editing.interchange.naming import one_line
from holdback_servers.editing.interchange.sheet import Change, Lane, Note, Piece, Sheet

Kind = Literal["picture", "sound"]


class _Part(NamedTuple):
    """What stands on a lane between two cuts; nothing where there is no piece."""

    at: int
    frames: int
    piece: Piece | None


def write(sheet: Sheet, made: datetime) -> bytes:
    """The file. The same sheet and time give the same objects.

    Args:
        made: when the cut was made, which the file tells of everything in it.
    """
    file = terms.library().file.AAFFile(None, "w")
    _Writer(sheet, file, made.astimezone(UTC).replace(tzinfo=None)).compose()
    file.save()
    file.manager.remove_temp()
    file.cfb.close()
    return bytes(file.f.getvalue())


class _Writer:
    def __init__(self, sheet: Sheet, file: Any, made: datetime) -> None:
        self.sheet, self.file, self.made = sheet, file, made
        self.rate = terms.rational(sheet.rate)
        self.media = MediaMobs(sheet, file, made)
        self.effects = _Effects(file)

    def compose(self) -> None:
        """One composition with its tracks, after what it is made of."""
        self._signed()
        sheet = self.sheet
        mob = self.file.create.CompositionMob(one_line(sheet.title, 200) or "Untitled")
        mob.mob_id = terms.mob_id("composition", sheet.model_dump_json())
        mob.usage = "Usage_TopLevel"
        mob["CreationTime"].value = mob["LastModified"].value = self.made
        self.file.content.mobs.append(mob)
        value = self.file.create.TaggedValue(terms.TOLD, json.dumps({"width": sheet.width, "height": sheet.height}))
        mob["UserComments"].append(value)
        self._start(mob)
        for kind in ("picture", "sound"):
            for number, lane in enumerate(sheet.lanes_of(kind), start=1):
                slot = mob.create_timeline_slot(self.rate)
                slot.name = lane.name
                slot["PhysicalTrackNumber"].value = number
                slot.segment = self._sequence(lane)
        if sheet.notes:
            self._notes(mob)

    def _signed(self) -> None:
        """Who wrote the file and when; nothing of the machine."""
        header = self.file.header
        header["LastModified"].value = self.made
        told = next(iter(header["IdentificationList"].value))
        told["ProductName"].value = told["CompanyName"].value = "Holdback"
        told["ProductVersionString"].value = "1"
        told["Platform"].value = "any"
        told["Date"].value = self.made
        told["GenerationAUID"].value = terms.mob_id("file", self.sheet.model_dump_json()).material

    def _start(self, mob: Any) -> None:
        start = self.sheet.start or "00:00:00:00"
        slot = mob.create_timeline_slot(self.rate)
        slot.name = "TC1"
        slot["PhysicalTrackNumber"].value = 1
        code = self.file.create.Timecode(self.sheet.rate.nominal, drop=";" in start, length=self.sheet.frames)
        code.start = timecode_to_frames(start, self.sheet.rate)
        slot.segment = code

    def _notes(self, mob: Any) -> None:
        slot = self.file.create.EventMobSlot(len(mob.slots) + 1, "Markers")
        slot.edit_rate = self.rate
        slot["PhysicalTrackNumber"].value = 1
        events = self.file.create.Sequence("DescriptiveMetadata")
        for note in self.sheet.notes:
            events.components.append(self._marker(note))
        slot.segment = events
        mob.slots.append(slot)

    def _marker(self, note: Note) -> Any:
        made = self.file.create.DescriptiveMarker()
        made["Position"].value = note.span.in_frame
        made["Length"].value = note.span.frames
        made["Comment"].value = one_line(" - ".join(each for each in (note.name, note.note) if each), 500)
        made["DescribedSlots"].value = {2}
        self._tell(made, {"name": note.name, "note": note.note})
        return made

    def _tell(self, component: Any, told: dict[str, Any]) -> None:
        value = self.file.create.TaggedValue(terms.TOLD, json.dumps(told, sort_keys=True))
        component["UserComments"].append(value)

    def _sequence(self, lane: Lane) -> Any:
        made = self.file.create.Sequence(lane.kind)
        length = 0
        for component in self._components(lane):
            made.components.append(component)
            length += component.length if component.class_id != self.effects.transition else -component.length
        made.length = length
        return made

    def _components(self, lane: Lane) -> Iterator[Any]:
        parts = list(_parts(lane, self.sheet.frames))
        changes = {each.at: each for each in lane.changes if each.frames}
        into = changes.pop(0, None)
        if into is not None:
            yield from self._dip(into, lane.kind)
        head = 0
        for number, part in enumerate(parts):
            change = changes.pop(part.at + part.frames, None)
            dips = change is not None and (change.kind.startswith("dip") or number + 1 == len(parts))
            tail = change.after if change and not dips else 0
            yield self._part(part, head, tail, lane)
            head = change.before if change and not dips else 0
            if change is not None:
                yield from self._dip(change, lane.kind) if dips else [self._change(change, lane.kind)]

    def _part(self, part: _Part, head: int, tail: int, lane: Lane) -> Any:
        frames = head + part.frames + tail
        if part.piece is None:
            return self.file.create.Filler(lane.kind, frames)
        piece = part.piece
        first = piece.source - (0 if piece.held else head * piece.speed // 100)
        clip = self._clip(piece, lane.kind, first, frames)
        told = {key: value for key, value in piece.model_dump(exclude_defaults=True).items() if key in TOLD and value}
        told.pop("source", None)
        self._tell(clip, {**told, "held": piece.held})
        return clip

    def _clip(self, piece: Piece, kind: Kind, first: int, frames: int) -> Any:
        if not piece.held and piece.speed == 100:
            return self.media.clip(piece.name.media, kind, first, frames)
        used = 1 if piece.held else (frames - 1) * piece.speed // 100 + 1
        ratio = Fraction(frames) if piece.held else Fraction(100, piece.speed)
        return self.effects.speed(kind, frames, ratio, self.media.clip(piece.name.media, kind, first, used))

    def _dip(self, change: Change, kind: Kind) -> Iterator[Any]:
        """Out to nothing until the cut, and in from it."""
        if change.before:
            out = Change(kind="dissolve", at=change.at, before=change.before, after=0)
            yield self._change(out, kind, change.kind)
        yield self.file.create.Filler(kind, change.frames)
        if change.after:
            into = Change(kind="dissolve", at=change.at, before=0, after=change.after)
            yield self._change(into, kind, change.kind)

    def _change(self, change: Change, kind: Kind, meant: str = "") -> Any:
        made = self.file.create.Transition(kind, change.frames)
        made["CutPoint"].value = change.before
        made["OperationGroup"].value = self.effects.change(change.kind, kind, change.frames)
        self._tell(made, {"kind": meant or change.kind})
        return made


def _parts(lane: Lane, frames: int) -> Iterator[_Part]:
    """The pieces, and nothing wherever there is none, from the first frame of the cut to its last."""
    position = 0
    for piece in lane.pieces:
        if piece.at > position:
            yield _Part(position, piece.at - position, None)
        yield _Part(piece.at, piece.frames, piece)
        position = piece.record.out_frame
    if position < frames:
        yield _Part(position, frames - position, None)


class _Effects:
    """Transitions and speeds, each defined once in the file, when it is first used."""

    def __init__(self, file: Any) -> None:
        self.file, self.defined = file, dict[str, Any]()
        self.transition = terms.library().components.Transition.class_id

    def change(self, what: str, kind: Kind, frames: int) -> Any:
        """What mixes two clips over so many frames."""
        if kind == "sound":
            return self._mixing(terms.SOUND_DISSOLVE, "Audio Dissolve", kind, frames)
        if what not in terms.WIPES:
            return self._mixing(terms.DISSOLVE, "Video Dissolve", kind, frames)
        made = self._mixing(terms.WIPE, "SMPTE Video Wipe", kind, frames)
        number, reverse = terms.WIPES[what]
        made.parameters.append(self._constant(terms.WIPE_NUMBER, "SMPTEWipeNumber", "aafUInt16", number))
        made.parameters.append(self._constant(terms.WIPE_REVERSE, "SMPTEReverse", "Boolean", reverse))
        return made

    def speed(self, kind: Kind, frames: int, ratio: Fraction, clip: Any) -> Any:
        """A clip that lasts `ratio` times as long as its media, as Avid's Motion Control."""
        made = self._group(terms.SPEED, "Motion Control", kind, frames, 1)
        value = f"{ratio.numerator}/{ratio.denominator}"
        made.parameters.append(self._constant(terms.SPEED_RATIO, "SpeedRatio", "Rational", value))
        made.segments.append(clip)
        return made

    def _mixing(self, identity: str, name: str, kind: Kind, frames: int) -> Any:
        made = self._group(identity, name, kind, frames, 2)
        if "linear" not in self.defined:
            linear = terms.library().misc.LinearInterp
            self.defined["linear"] = self.file.create.InterpolationDef(linear, "LinearInterp", "Linear")
            self.file.dictionary.register_def(self.defined["linear"])
        parameter = self._parameter(terms.LEVEL, "Level", "Rational")
        level = self.file.create.VaryingValue(parameter, self.defined["linear"])
        for time in ("0/1", "1/1"):
            point = self.file.create.ControlPoint()
            point["EditHint"].value = "Proportional"
            point["ControlPointSource"].value = 2
            point.value, point.time = time, time
            level["PointList"].append(point)
        made.parameters.append(level)
        return made

    def _group(self, identity: str, name: str, kind: Kind, frames: int, inputs: int) -> Any:
        key = f"{name} {kind}"
        if key not in self.defined:
            made = self.file.create.OperationDef(identity, name)
            made.media_kind = kind
            made["IsTimeWarp"].value = identity == terms.SPEED
            made["Bypass"].value = 0
            made["NumberInputs"].value = inputs
            made["OperationCategory"].value = "OperationCategory_Effect"
            if identity not in self.defined:
                self.file.dictionary.register_def(made)
                self.defined[identity] = made
            self.defined[key] = self.defined[identity]
        return self.file.create.OperationGroup(self.defined[key], frames, kind)

    def _constant(self, identity: str, name: str, form: str, value: Any) -> Any:
        parameter = self._parameter(identity, name, form)
        return self.file.create.ConstantValue(parameter, value)

    def _parameter(self, identity: str, name: str, form: str) -> Any:
        if name not in self.defined:
            self.defined[name] = self.file.create.ParameterDef(identity, name, "", form)
            self.file.dictionary.register_def(self.defined[name])
        return self.defined[name]
