"""FCPXML, read, 1.6 to 1.11: clips of assets in a spine, what hangs on them, speeds, titles, captions and markers."""

import itertools
import json
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from holdback_base.elements import Box
from holdback_base.vocabulary import Span, frames_to_timecode
from pydantic import ValidationError

from holdback_servers.editing.interchange.markup import parse, place, seconds
from holdback_servers.editing.interchange.naming import base_name, hash_in
from holdback_servers.editing.interchange.otio_reading import rate_near
from holdback_servers.editing.interchange.sheet import (
    PICTURE,
    Change,
    Lane,
    Name,
    Note,
    Piece,
    Remark,
    Sheet,
    Spoken,
    Title,
    Unreadable,
    whole_speed,
)
from holdback_servers.editing.parts import TransitionKind

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_KINDS: tuple[TransitionKind, ...] = (
    "dissolve", "wipe_left", "wipe_right", "wipe_up", "wipe_down", "dip_to_black", "dip_to_white",
)  # fmt: skip


def read(text: str) -> Sheet:
    """The first sequence of a document as a sheet. Raises Problem INVALID_ARGUMENT with the line."""
    return _Reader(parse(text, "fcpxml")).sheet()


class _Reader:
    def __init__(self, root: "Element") -> None:
        self.remarks: list[Remark] = []
        self.lanes: dict[tuple[str, str], list[Piece]] = {}
        self.changes: list[Change] = []
        self.titles: list[Title] = []
        self.notes: list[Note] = []
        self.spoken: list[Spoken] = []
        self.black = 0
        self.ids = {str(each.get("id")): each for each in root.iterfind("resources/*")}
        found = next(root.iter("sequence"), None)
        if found is None or (spine := found.find("spine")) is None:
            raise Unreadable("The file", "it has no sequence with a spine.", "Export the project.")
        self.sequence, self.spine = found, spine
        form = self.ids.get(str(found.get("format")))
        duration = seconds(form.get("frameDuration") if form is not None else None, place(found))
        if duration <= 0:
            raise Unreadable(place(found), "its format names no frameDuration.", "Export the project again.")
        self.rate, self.form = rate_near(1 / duration, place(found)), form

    def frames(self, text: str | None, element: "Element") -> int:
        """A time in whole frames. Raises Unreadable for one between two."""
        return self.whole(seconds(text, place(element)) * self.rate.fraction, element)

    def whole(self, exact: Fraction, element: "Element") -> int:
        """The frame itself. Raises Unreadable when it is between two."""
        near = round(exact)
        if abs(exact - near) > Fraction(1, 100):
            message = f"{float(exact):.3f} is between two frames at {self.rate.text()} frames a second."
            raise Unreadable(place(element), message, "Conform the clip to the sequence's rate, and export again.")
        return near

    def sheet(self) -> Sheet:
        """All of the sequence."""
        start = self.frames(self.sequence.get("tcStart"), self.sequence)
        first = next((each for each in self.spine if each.get("offset") is not None), None)
        begins = self.frames(first.get("offset"), first) if first is not None else start
        position = 0
        for item in self.spine:
            offset = item.get("offset")
            at = self.frames(offset, item) - (start if begins >= start else 0) if offset else position
            if item.tag == "transition":
                self._change(item, at)
                continue
            position = at + self.frames(item.get("duration"), item)
            self._item(item, at, position)
        lanes = [
            Lane(name=name, kind=cast("Any", kind), pieces=tuple(sorted(pieces, key=lambda each: each.at)))
            for (kind, name), pieces in sorted(self.lanes.items())
        ]
        lanes = [
            each.model_copy(update={"changes": self._settled(each)}) if each.name == PICTURE else each for each in lanes
        ]
        drop = self.sequence.get("tcFormat") == "DF" and self.rate.den == 1001 and self.rate.nominal in (30, 60)
        form = self.form
        return Sheet(
            title=str(next(self.sequence.iterancestors("project")).get("name", "Untitled")),
            rate=self.rate,
            start=frames_to_timecode(start, self.rate, drop=drop),
            width=_number(form.get("width") if form is not None else None),
            height=_number(form.get("height") if form is not None else None),
            lanes=tuple(lanes), black=self.black, titles=tuple(self.titles), notes=tuple(self.notes),
            spoken=tuple(self.spoken), facts=_told(self.sequence, "holdback.facts"), remarks=tuple(self.remarks),
        )  # fmt: skip

    def _change(self, item: "Element", at: int) -> None:
        told = _told(item, "holdback.transition").get("kind")
        known: list[TransitionKind] = [each for each in _KINDS if str(each) == told]
        if not known and "dissolve" not in str(item.get("name", "")).lower():
            message = f"The transition {str(item.get('name'))[:40]!r} becomes a dissolve."
            self.remarks.append(Remark(severity="warning", where=place(item), message=message))
        frames = self.frames(item.get("duration"), item)
        kind: TransitionKind = known[0] if known else "dissolve"
        self.changes.append(Change(kind=kind, at=at, before=0, after=frames, where=place(item)))

    def _settled(self, lane: Lane) -> tuple[Change, ...]:
        """Transitions around the cuts they cover; until here they begin at `at`."""
        cuts = [each.at for each in lane.pieces] + [each.record.out_frame for each in lane.pieces[-1:]]
        found: list[Change] = []
        for each in self.changes:
            cut = next((cut for cut in cuts if each.at <= cut <= each.at + each.after), None)
            if cut is None:
                raise Unreadable(each.where, "the transition covers no cut.", "Put it on a cut, and export again.")
            before = cut - each.at
            found.append(each.model_copy(update={"at": cut, "before": before, "after": each.after - before}))
        return tuple(found)

    def _item(self, item: "Element", at: int, end: int) -> None:
        """An item of the spine, and what hangs on it."""
        local = self.frames(item.get("start"), item)
        if item.tag == "gap":
            if item.getnext() is None:
                self.black = end - at
        elif item.tag == "asset-clip":
            self._clip(item, at, PICTURE, local)
        else:
            raise Unreadable(place(item), f"a {item.tag} in the spine is not read here.", "Break it apart, and export.")
        for each in item:
            if each.get("offset") is not None:
                self._hanging(each, at + self.frames(each.get("offset"), each) - local)
            elif each.tag == "marker":
                self._marker(each, at + self.frames(each.get("start"), each) - local)

    def _hanging(self, item: "Element", at: int) -> None:
        lane = _number(item.get("lane")) or 0
        span = Span(in_frame=max(0, at), out_frame=max(1, at + self.frames(item.get("duration"), item)))
        words = "".join(str(text) for each in item.iterfind("text") for text in each.itertext()).strip()
        if item.tag == "title":
            told = _told(item, "holdback.title")
            try:
                self.titles.append(Title.model_validate({**told, "text": words, "span": span}))
            except ValidationError:
                self.titles.append(Title(text=words, span=span))
        elif item.tag == "caption":
            language = str(item.get("role", "")).rpartition(".")[2] or "und"
            self.spoken.append(Spoken(language=language, span=span, text=words))
        elif item.tag == "asset-clip":
            self._clip(item, at, f"V{lane + 1}", self.frames(item.get("start"), item))
        else:
            raise Unreadable(place(item), f"a connected {item.tag} is not read here.", "Break it apart, and export.")

    def _marker(self, item: "Element", at: int) -> None:
        frames = max(1, self.frames(item.get("duration"), item))
        span = Span(in_frame=max(0, at), out_frame=max(0, at) + frames)
        self.notes.append(Note(span=span, name=str(item.get("value", "")), note=str(item.get("note", ""))))

    def _clip(self, item: "Element", at: int, row: str, local: int) -> None:
        told, asset = _told(item, "holdback.piece"), self.ids.get(str(item.get("ref")))
        if asset is None or asset.tag != "asset":
            raise Unreadable(place(item), f"its asset {str(item.get('ref'))[:20]!r} is not there.", "Export it again.")
        speed, held, source = self._speed(item, local)
        piece = Piece(
            name=_name(asset, item), at=at, frames=max(1, self.frames(item.get("duration"), item)),
            source=source - self.frames(asset.get("start"), asset), speed=speed, held=held, where=place(item),
            gain=_level(item), length=_whole(told.get("length")), fade_in=_whole(told.get("fade_in")) or 0,
            fade_out=_whole(told.get("fade_out")) or 0, opacity=_opacity(item), box=_box(told.get("box")),
            clip=str(told.get("clip", "")), reason=str(told.get("reason", "")),
            confidence=_whole(told.get("confidence")),
        )  # fmt: skip
        enabled = item.get("srcEnable", "all")
        if enabled != "audio" and asset.get("hasVideo") == "1":
            self.lanes.setdefault(("picture", row), []).append(piece)
        elif enabled == "video":
            raise Unreadable(place(item), "its asset has no picture.", "Check the asset, and export again.")
        if enabled != "video" and asset.get("hasAudio") == "1" and not held:
            named = str(told.get("track", "")) or (
                "programme" if row == PICTURE else str(item.get("audioRole", "effects"))
            )
            self.lanes.setdefault(("sound", named), []).append(piece)

    def _speed(self, item: "Element", local: int) -> tuple[int, bool, int]:
        """Percent, whether it is held, and the frame of the media shown first."""
        points = [
            (seconds(each.get("time"), place(item)), seconds(each.get("value"), place(item)))
            for each in item.iterfind("timeMap/timept")
        ]
        if len(points) < 2:
            return 100, False, local
        slopes = {(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(points) if b[0] > a[0]}
        if len(slopes) != 1:
            raise Unreadable(place(item), "its speed changes within the clip.", "Cut it where the speed changes.")
        slope = slopes.pop()
        value = (points[0][1] + (local / self.rate.fraction - points[0][0]) * slope) * self.rate.fraction
        source = value.__floor__()
        if slope == 0:
            return 100, True, source
        return whole_speed(slope * 100, Fraction(1, 100), place(item), self.remarks), False, source


def _name(asset: "Element", item: "Element") -> Name:
    keys = [str(each.get("value", "")) for each in asset.iterfind("metadata/md") if each.get("key") == "holdback.media"]
    rep = asset.find("media-rep")
    src = str(rep.get("src", "") if rep is not None else asset.get("src", ""))
    return Name(media=hash_in(*keys), file=base_name(src), title=str(asset.get("name") or item.get("name") or ""))


def _told(element: "Element", key: str) -> dict[str, Any]:
    for each in element.iterfind("metadata/md"):
        if each.get("key") == key:
            try:
                value = json.loads(str(each.get("value", "")))
            except ValueError:
                return {}
            return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return {}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.lstrip("-").isdecimal() and len(text) < 8 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _level(item: "Element") -> int:
    volume = item.find("adjust-volume")
    try:
        level = float(str(volume.get("amount", "0dB")).removesuffix("dB")) if volume is not None else 0.0
    except ValueError:
        level = 0.0
    if math.isnan(level):
        return 0
    return round(max(-60.0, min(20.0, level)) * 10)


def _opacity(item: "Element") -> int:
    blend = item.find("adjust-blend")
    try:
        amount = float(str(blend.get("amount", "1"))) if blend is not None else 1.0
    except ValueError:
        amount = 1.0
    return max(1, min(1000, round(amount * 1000))) if 0 <= amount <= 1 else 1000


def _box(value: Any) -> Box | None:
    try:
        return Box.model_validate(value) if isinstance(value, dict) else None
    except ValidationError:
        return None
