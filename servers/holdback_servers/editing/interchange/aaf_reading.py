"""AAF, read: the first top-level composition of what Avid, Premiere, Resolve and this room write.

A stranger's binary file is opened in the media worker alone; what comes out is a sheet of plain values.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, frames_to_timecode

from holdback_servers.editing.interchange import aaf_terms as terms
from holdback_servers.editing.interchange.aaf_effects import change_of, is_plain, is_speed, name_of, speed_of
from holdback_servers.editing.interchange.aaf_sources import source_of
from holdback_servers.editing.interchange.aaf_tracks import Cut, Item, laid
from holdback_servers.editing.interchange.fcp7_reading import own
from holdback_servers.editing.interchange.naming import one_line
from holdback_servers.editing.interchange.otio_reading import rate_near
from holdback_servers.editing.interchange.sheet import (
    MOST_PIECES,
    PICTURE,
    Lane,
    Note,
    Piece,
    Remark,
    Sheet,
    Unreadable,
)

_DEEPEST = 20
_COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
"""What a compound file begins with (MS-CFB 2.2): an AAF is one, and so is an old Word document."""


def read(path: Path) -> Sheet:
    """The composition as a sheet.

    Raises:
        Problem: INVALID_ARGUMENT naming the track and clip for what is no AAF or says what a cut here cannot;
            TOO_LARGE.
    """
    with path.open("rb") as file:
        begins = file.read(len(_COMPOUND))
    if begins != _COMPOUND:
        raise Unreadable("The file", "it is no AAF: it does not begin as one.", "Check format, and export it again.")
    kind = terms.library().file.AAFFile
    file = kind.__new__(kind)  # made in two steps, as one that fails half-way leaves its file open
    try:
        file.__init__(str(path), "r")
        return _Reader(file).sheet()
    except (Problem, MemoryError):
        raise
    except Exception as error:  # the library raises what it likes for broken files
        message = f"it is damaged or cut short, and cannot be read as AAF ({type(error).__name__})."
        raise Unreadable("The file", message, "Export it again, and send the whole file.") from error
    finally:
        if hasattr(file, "f"):
            file.f.close()


class _Reader:
    def __init__(self, file: Any) -> None:
        self.remarks, self.pieces = list[Remark](), 0
        self.mob = self._top(file)
        tracks = [each for each in self.mob.slots if type(each).__name__ == "TimelineMobSlot"]
        self.tracks: dict[str, list[Any]] = {"Picture": [], "Sound": [], "Timecode": []}
        for each in tracks:
            self.tracks.setdefault(str(each.media_kind).removeprefix("Legacy"), []).append(each)
        if not self.tracks["Picture"]:
            raise Unreadable("The composition", "it has no track of picture.", "Export the sequence with its picture.")
        self.rate = rate_near(Fraction(str(self.tracks["Picture"][0].edit_rate)), "Track V1")

    def _top(self, file: Any) -> Any:
        """The composition that stands for a sequence."""
        mobs = list(file.content.compositionmobs())
        tops = [each for each in mobs if each.usage == "Usage_TopLevel"] or mobs
        if not tops:
            raise Unreadable("The file", "it has no composition.", "Export the sequence, not its media.")
        if len(tops) > 1:
            message = f"The file has {len(tops)} sequences; the first, {str(tops[0].name)[:60]!r}, is taken."
            self.remarks.append(Remark(severity="warning", where="", message=message, hint="Export one sequence."))
        return tops[0]

    def sheet(self) -> Sheet:
        """All tracks and markers."""
        pictures, length = self._pictures()
        sounds = [
            self._lane(segment, rate, name or f"A{number}", "sound")[0]
            for number, (segment, rate, name) in enumerate(self._layers("Sound"), start=1)
        ]
        told = _told(self.mob)
        size = {name: told[name] for name in ("width", "height") if isinstance(told.get(name), int)}
        return Sheet(
            title=one_line(str(self.mob.name or ""), 500) or "Untitled",
            rate=self.rate,
            start=self._start(),
            lanes=(*pictures, *(each for each in sounds if each.pieces)),
            black=max(0, length - max((each.record.out_frame for each in pictures[0].pieces), default=0)),
            notes=tuple(self._notes()),
            remarks=tuple(self.remarks),
            **size,
        )

    def _pictures(self) -> tuple[list[Lane], int]:
        """The tracks of picture that show something, and how long the first is."""
        found: list[Lane] = []
        length = 0
        for segment, rate, _ in self._layers("Picture"):
            lane, frames = self._lane(segment, rate, PICTURE if not found else f"V{len(found) + 1}", "picture")
            if lane.pieces:
                length = length if found else frames
                found.append(lane)
        if not found:
            raise Unreadable("The composition", "its tracks of picture are empty.", "Export the sequence again.")
        return found, length

    def _layers(self, kind: str) -> Iterator[tuple[Any, Fraction, str]]:
        """Each track with its rate and name; Avid keeps tracks that show through each other in one scope."""
        for slot in self.tracks[kind]:
            segment, name = slot.segment, one_line(str(slot.name or ""), 60)
            scope = type(segment).__name__ == "NestedScope"
            for each in segment.slots if scope else [segment]:
                yield each, Fraction(str(slot.edit_rate)), "" if scope else name

    def _start(self) -> str | None:
        for slot in self.tracks["Timecode"]:
            code = _first(slot.segment)
            if type(code).__name__ == "Timecode" and int(code.fps) == self.rate.nominal:
                drop = bool(code.drop) and self.rate.den == 1001 and self.rate.nominal in (30, 60)
                return frames_to_timecode(int(code.start), self.rate, drop=drop)
        return None

    def _lane(self, segment: Any, rate: Fraction, name: str, kind: Literal["picture", "sound"]) -> tuple[Lane, int]:
        """A track, and how many frames it has."""
        found = laid(list(self._items(segment, f"Track {name}", 0)), name)
        pieces: list[Piece] = []
        for place in found.pieces:
            piece = self._piece(place.item, place.head, rate, f"Track {name}, clip {len(pieces) + 1}")
            at, end = self._frames(place.at, rate), self._frames(place.at + place.frames, rate)
            if piece is not None and end > at:
                pieces.append(piece.model_copy(update={"at": at, "frames": end - at}))
        changes = tuple(
            each.model_copy(
                update={
                    "at": self._frames(each.at, rate),
                    "before": self._frames(each.before, rate),
                    "after": self._frames(each.after, rate),
                }
            )
            for each in found.changes
        )
        return Lane(name=name, kind=kind, pieces=tuple(pieces), changes=changes), self._frames(found.length, rate)

    def _frames(self, units: int, rate: Fraction) -> int:
        """Units of a track as whole frames of the cut."""
        return round(units * self.rate.fraction / rate)

    def _piece(self, item: Item, head: int, rate: Fraction, where: str) -> Piece | None:
        """What a clip shows from so many units behind its first; where it stands is still to be said."""
        source = source_of(item.clip, rate, where)
        if source is None:
            return None
        exact = source.frame * self.rate.fraction / source.rate
        first = round(exact)
        if abs(exact - first) > Fraction(1, 100):
            message = "It begins between two frames of its media; the nearest is taken."
            self.remarks.append(Remark(severity="warning", where=where, message=message))
        shift = 0 if item.held else self._frames(head, rate) * item.speed // 100
        return Piece(
            name=source.name, at=0, frames=1, source=first + shift,
            counted="timecode" if source.on_tape else "media", speed=item.speed, held=item.held, where=where,
            **own(item.told),
        )  # fmt: skip

    def _items(self, segment: Any, where: str, depth: int) -> Iterator[Item | Cut]:
        """What stands on a track, one after the other, handles and all."""
        self.pieces += 1
        if depth > _DEEPEST:
            raise Unreadable(where, "it is nested too deeply for a cut.", "Flatten the sequence, and export again.")
        if self.pieces > MOST_PIECES:
            raise Problem("TOO_LARGE", f"The file has over {MOST_PIECES} pieces.", "Export a part of it.")
        what = type(segment).__name__
        if what == "Sequence":
            for number, each in enumerate(segment.components, start=1):
                part = where if ", part" in where else f"{where}, part {number}"
                yield from self._items(each, part, depth + 1)
        elif what == "Transition":
            group = segment["OperationGroup"].value
            kind = change_of(group, where, self.remarks)
            yield Cut(int(segment.length), int(segment.cutpoint or 0), kind, str(_told(segment).get("kind", "")))
        elif what in ("Filler", "ScopeReference"):
            yield Item(int(segment.length or 0))
        elif what == "SourceClip":
            yield Item(int(segment.length or 0), segment, told=_told(segment))
        elif what == "OperationGroup":
            yield from self._effect(segment, where, depth)
        elif what == "Selector":
            yield from self._items(segment["Selected"].value, where, depth + 1)
        elif what == "EssenceGroup":
            yield from self._items(next(iter(segment["Choices"].value)), where, depth + 1)
        else:
            raise Unreadable(where, f"it holds a {what}, which is not read.", "Flatten the sequence, and export again.")

    def _effect(self, group: Any, where: str, depth: int) -> Iterator[Item | Cut]:
        """What is under an effect; speeds are taken, others left out and told."""
        length = int(group.length or 0)
        under = self._under(group, where, depth)
        if is_speed(group):
            items = [each for each in under if isinstance(each, Item) and each.frames]
            if len(items) != 1 or len(items) != len(under) or items[0].speed != 100 or items[0].held:
                raise Unreadable(where, "a speed is on more than one clip.", "Render that shot and use the render.")
            told = _told(group)
            speed, held = speed_of(group, length, told.get("held") is False, where, self.remarks)
            held = held or (told.get("held") is True and items[0].frames == length == 1)
            yield Item(length, items[0].clip, speed, held, told)
        elif len(under) == 1 and isinstance(under[0], Item):
            yield under[0]._replace(frames=length)
        else:
            yield from under

    def _under(self, group: Any, where: str, depth: int) -> list[Item | Cut]:
        """The lowest input of an effect that shows something; nothing where there is none."""
        inputs = [list(self._items(each, where, depth + 1)) for each in group.segments.value or ()]
        shown = [each for each in inputs if any(isinstance(one, Item) and one.clip is not None for one in each)]
        if len(shown) > 1:
            message = f"The effect {name_of(group)!r} lays {len(shown)} pictures over each other; the lowest is taken."
            hint = "Put them on tracks of their own, or render that shot."
            self.remarks.append(Remark(severity="warning", where=where, message=message, hint=hint))
        elif not is_speed(group) and not is_plain(group):
            self._left_out(group, where)
        return (shown or inputs or [[Item(int(group.length or 0))]])[0]

    def _left_out(self, group: Any, where: str) -> None:
        """Said once for each track."""
        message = f"The effect {name_of(group)!r} is left out."
        track = where.partition(",")[0]
        if not any(each.message == message and each.where.partition(",")[0] == track for each in self.remarks):
            self.remarks.append(Remark(severity="warning", where=where, message=message))

    def _notes(self) -> Iterator[Note]:
        for slot in self.mob.slots:
            if type(slot).__name__ != "EventMobSlot":
                continue
            rate = Fraction(str(slot.edit_rate))
            events = slot.segment.components if type(slot.segment).__name__ == "Sequence" else [slot.segment]
            for each in events:
                start = max(0, self._frames(int(each["Position"].value), rate))
                frames = max(1, self._frames(int(each["Length"].value or 1), rate))
                told = _told(each)
                name = str(told.get("name", "")) if told else one_line(str(each["Comment"].value or ""), 500)
                note = str(told.get("note", ""))
                yield Note(span=Span(in_frame=start, out_frame=start + frames), name=name, note=note)


def _first(segment: Any) -> Any:
    return next(iter(segment.components), None) if type(segment).__name__ == "Sequence" else segment


def _told(thing: Any) -> dict[str, Any]:
    """What this room has written beside something."""
    for each in thing["UserComments"].value or ():
        if each.name == terms.TOLD:
            try:
                value = json.loads(str(each.value))
            except ValueError:
                return {}
            return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {}
