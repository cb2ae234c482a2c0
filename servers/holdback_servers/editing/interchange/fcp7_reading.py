"""FCP7 XML (xmeml), read: the first sequence of what Premiere, Resolve and Final Cut 7 write."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from holdback_base.elements import Box
from holdback_base.vocabulary import Rate, Span, frames_to_timecode
from pydantic import ValidationError

from holdback_servers.editing.interchange.fcp7_writing import EFFECTS, ticks
from holdback_servers.editing.interchange.markup import parse, place
from holdback_servers.editing.interchange.naming import base_name, hash_in, listed
from holdback_servers.editing.interchange.otio_reading import RATES
from holdback_servers.editing.interchange.sheet import (
    PICTURE,
    Change,
    Lane,
    Name,
    Note,
    Piece,
    Remark,
    Sheet,
    Unreadable,
    whole_speed,
)
from holdback_servers.editing.parts import TransitionKind

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_KINDS: dict[str, TransitionKind] = {name.lower(): cast("TransitionKind", kind) for kind, name in EFFECTS.items()}


def read(text: str) -> Sheet:
    """The first sequence as a sheet. Raises Problem INVALID_ARGUMENT with the line."""
    root = parse(text, "xmeml")
    sequence = next(root.iter("sequence"), None)
    if sequence is None:
        raise Unreadable("The file", "it has no sequence.", "Export the sequence.")
    return _Reader(root, sequence).sheet()


class _Reader:
    def __init__(self, root: "Element", sequence: "Element") -> None:
        self.sequence, self.remarks = sequence, list[Remark]()
        self.rate = _rate(sequence)
        self.files: dict[str, Element] = {}
        for each in root.iter("file"):
            if len(each):
                self.files.setdefault(str(each.get("id")), each)

    def sheet(self) -> Sheet:
        """All tracks and markers."""
        pictures = [each for each in self.sequence.iterfind("media/video/track") if each.find("clipitem") is not None]
        sounds = [each for each in self.sequence.iterfind("media/audio/track") if each.find("clipitem") is not None]
        if not pictures:
            raise Unreadable(place(self.sequence), "it has no track of picture.", "Export the sequence with its media.")
        names = [PICTURE, *(f"V{number}" for number in range(2, len(pictures) + 1))]
        lanes = [self._lane(each, name, "picture") for each, name in zip(pictures, names, strict=True)]
        lanes += [self._lane(each, f"A{number}", "sound") for number, each in enumerate(sounds, start=1)]
        end = max(each.record.out_frame for each in lanes[0].pieces)
        drop = _text(self.sequence, "timecode/displayformat") == "DF" and self.rate.nominal in (30, 60)
        start = max(0, _number(self.sequence, "timecode/frame", 0))
        return Sheet(
            title=_text(self.sequence, "name") or "Untitled",
            rate=self.rate,
            start=frames_to_timecode(start, self.rate, drop=drop and self.rate.den == 1001),
            width=_number(self.sequence, "media/video/format/samplecharacteristics/width", 0) or None,
            height=_number(self.sequence, "media/video/format/samplecharacteristics/height", 0) or None,
            lanes=tuple(lanes),
            black=max(0, _number(self.sequence, "duration", 0) - end),
            notes=tuple(self._notes()),
            remarks=tuple(self.remarks),
        )

    def _notes(self) -> list[Note]:
        notes: list[Note] = []
        for each in self.sequence.iterfind("marker"):
            start = max(0, _number(each, "in", 0))
            span = Span(in_frame=start, out_frame=max(start + 1, _number(each, "out", 0)))
            notes.append(Note(span=span, name=_text(each, "name"), note=_text(each, "comment")))
        return notes

    def _lane(self, track: "Element", name: str, kind: Any) -> Lane:
        items = [each for each in track if each.tag in ("clipitem", "transitionitem")]
        if strange := [each for each in track if each.tag == "generatoritem"]:
            message = f"{len(strange)} generated items are left out."
            self.remarks.append(Remark(severity="warning", where=place(strange[0]), message=message))
        changes = {at: self._change(each) for at, each in enumerate(items) if each.tag == "transitionitem"}
        pieces: list[Piece] = []
        for at, each in enumerate(items):
            if each.tag == "clipitem" and _text(each, "enabled") == "FALSE":
                self._remark(each, "A clip that is switched off is left out.", "Switch it on and export again.")
            elif each.tag == "clipitem":
                self._tell_effects(each)
                piece, named = self._piece(each, changes.get(at - 1), changes.get(at + 1))
                name = named if kind == "sound" and named else name
                pieces.append(piece)
        ordered = tuple(sorted(pieces, key=lambda each: each.at))
        return Lane(name=name, kind=kind, pieces=ordered, changes=tuple(changes.values()))

    def _tell_effects(self, item: "Element") -> None:
        told = [effect for effect in item.iterfind("filter/effect") if _text(effect, "effectid") != "timeremap"]
        if names := [_text(effect, "name") or _text(effect, "effectid") for effect in told]:
            self._remark(item, f"Effects of a clip are left out: {listed(names)}.", "Make them again here.")

    def _remark(self, item: "Element", message: str, hint: str) -> None:
        self.remarks.append(Remark(severity="warning", where=place(item), message=message, hint=hint))

    def _change(self, item: "Element") -> Change:
        start, end = _number(item, "start", -1), _number(item, "end", -1)
        if start < 0 or end <= start:
            raise Unreadable(place(item), "the transition has no length.", "Export the sequence again.")
        name = _text(item, "effect/name")
        kind = _KINDS.get(name.lower())
        if kind is None and "dissolve" not in name.lower() and "fade" not in name.lower():
            message = f"The transition {name[:40]!r} becomes a dissolve."
            self.remarks.append(Remark(severity="warning", where=place(item), message=message))
        before = self._before(item, end - start)
        after = end - start - before
        return Change(kind=kind or "dissolve", at=start + before, before=before, after=after, where=place(item))

    def _before(self, item: "Element", frames: int) -> int:
        told, alignment = _number(item, "cutPointTicks", -1), _text(item, "alignment")
        if told >= 0:
            return min(frames, round(Fraction(told, ticks(1, self.rate))))
        return 0 if alignment.startswith("start") else frames if alignment.startswith("end") else frames // 2

    def _piece(self, item: "Element", into: Change | None, out: Change | None) -> tuple[Piece, str]:
        start, end, first = (_number(item, each, -1) for each in ("start", "end", "in"))
        if start < 0 and into is not None:
            start, first = into.at, first + into.before
        if end < 0 and out is not None:
            end = out.at
        if start < 0 or end <= start or first < 0:
            raise Unreadable(place(item), "it has no place in the cut.", "Export the sequence again.")
        told = _told(item)
        speed, held = self._speed(item)
        source = first if held else first * speed // 100
        exact = told.get("source", 0)
        if speed != 100 and not held and isinstance(exact, int) and round(Fraction(exact * 100, speed)) == first:
            source = exact
        piece = Piece(
            name=self._name(item), at=start, frames=end - start, source=source, speed=speed, held=held,
            where=place(item), **own(told),
        )  # fmt: skip
        return piece, str(told.get("track", ""))

    def _speed(self, item: "Element") -> tuple[int, bool]:
        for effect in item.iterfind("filter/effect"):
            if _text(effect, "effectid") != "timeremap":
                continue
            values = {_text(each, "parameterid"): _text(each, "value") for each in effect.iterfind("parameter")}
            if values.get("variablespeed", "0") not in ("0", "FALSE") or values.get("reverse", "FALSE") == "TRUE":
                raise Unreadable(place(item), "its speed changes, or it runs backwards.", "Render that shot.")
            try:
                speed = Fraction(values.get("speed", "100"))
            except (ValueError, ZeroDivisionError) as error:
                raise Unreadable(place(item), "its speed is no number.", "Export the sequence again.") from error
            if speed == 0:
                return 100, True
            return whole_speed(speed, Fraction(1, 100), place(item), self.remarks), False
        return 100, False

    def _name(self, item: "Element") -> Name:
        inner = item.find("file")
        file = self.files.get(str(inner.get("id"))) if inner is not None else None
        if file is None:
            raise Unreadable(place(item), "it names no file.", "Nested sequences are not read: flatten, and export.")
        url, name = _text(file, "pathurl"), _text(file, "name")
        media = hash_in(_text(file, "comments/mastercomment4"), url)
        return Name(
            media=media, reel=_text(file, "timecode/reel/name"), file=base_name(url) or name, title=_text(item, "name")
        )


def _rate(sequence: "Element") -> Rate:
    timebase, ntsc = _number(sequence, "rate/timebase", 0), _text(sequence, "rate/ntsc").upper() == "TRUE"
    for rate in RATES:
        if rate.nominal == timebase and (rate.den == 1001) == ntsc:
            return rate
    raise Unreadable(place(sequence), f"{timebase} frames a second, ntsc {ntsc}, is no rate here.", "Conform it.")


def _text(element: "Element", path: str) -> str:
    return str(element.findtext(path) or "").strip()


def _number(element: "Element", path: str, missing: int) -> int:
    text = _text(element, path)
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 18 else missing


def _told(item: "Element") -> Mapping[str, Any]:
    try:
        value = json.loads(_text(item, "comments/mastercomment4") or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def own(told: Mapping[str, Any]) -> dict[str, Any]:
    """What this room has written beside a clip, checked field by field."""
    found: dict[str, Any] = {}
    for name in ("length", "confidence", "fade_in", "fade_out", "gain", "opacity"):
        value = told.get(name)
        if isinstance(value, int) and -600 <= value < 10**7:
            found[name] = value
    found |= {name: told[name] for name in ("clip", "reason") if isinstance(told.get(name), str)}
    try:
        found["box"] = Box.model_validate(told["box"]) if isinstance(told.get("box"), dict) else None
    except ValidationError:
        found["box"] = None
    return found
