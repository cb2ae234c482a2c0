"""CMX 3600 edit decision lists, read: this room's and other programs'. Pure.

An EDL does not say its frame rate, so it is asked for. Lists of one track of picture are read, and of sounds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, frames_to_timecode, timecode_to_frames

from holdback_servers.editing.interchange.naming import base_name, hash_in
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

_EVENT = re.compile(
    r"(?P<number>\d{1,6})\s+(?P<reel>\S+)\s+(?P<channel>\S+)\s+(?P<kind>C|D|W\d{3}|K\s*[BO]?)\s+((?P<length>\d{1,4})\s+)?"
    r"(?P<times>\d\d[:;]\d\d[:;]\d\d[:;.]\d\d(\s+\d\d[:;]\d\d[:;]\d\d[:;.]\d\d){3})\s*"
)
_MOTION = re.compile(r"M2\s+(?P<reel>\S*)\s+(?P<frames>-?\d{1,4}(\.\d+)?)\s+\S+")
_SPLIT = re.compile(r"\* TRANSITION: (?P<kind>[a-z_]+) (?P<before>\d{1,6}) \+ (?P<after>\d{1,6})")
_LOCATOR = re.compile(r"\*?\s*LOC:\s*(?P<at>\d\d:\d\d:\d\d[:;]\d\d)\s*(?P<colour>[A-Z]*)\s*(?P<name>.*)")
_WIPES: dict[str, TransitionKind] = {
    "W001": "wipe_right",
    "W002": "wipe_down",
    "W101": "wipe_left",
    "W102": "wipe_up",
}
_BLACK = frozenset({"BL", "BLACK"})
_CURE = "Export the list again as CMX 3600 with one picture track."


@dataclass
class _Edit:
    """An event as it is written, with the comments under it."""

    where: str
    reel: str
    channel: str
    kind: str
    length: int
    source: tuple[int, int]
    record: tuple[int, int]
    leads: str = ""
    motion: Fraction | None = None
    name: str = ""
    media: str = ""
    file: str = ""
    reason: str = ""
    track: str = ""
    card: list[str] = field(default_factory=list[str])
    split: tuple[str, int, int] | None = None

    @property
    def black(self) -> bool:
        """Whether it is black, not media."""
        return self.reel.upper() in _BLACK


def read(text: str, rate: Rate, title: str = "") -> Sheet:
    """The list as a sheet.

    Args:
        rate: frames a second, which the list itself does not say.

    Raises:
        Problem: INVALID_ARGUMENT for what is no EDL, naming the event; TIMECODE_INVALID likewise.
    """
    reader = _Reader(rate)
    for number, line in enumerate(text.splitlines(), start=1):
        reader.take(line.strip().lstrip("\ufeff"), number)
    return reader.sheet(title)


class _Reader:
    def __init__(self, rate: Rate) -> None:
        self.rate, self.drop, self.title = rate, False, ""
        self.edits: list[_Edit] = []
        self.remarks: list[Remark] = []
        self.locators: list[tuple[str, str, str]] = []

    def take(self, line: str, number: int) -> None:
        """A line of the list."""
        match = _EVENT.fullmatch(line)
        if match is not None:
            self._event(match)
        elif line.startswith("TITLE:"):
            self.title = line[6:].strip()
        elif line.startswith("FCM:"):
            self.drop = "NON" not in line.upper()
        elif re.match(r"\d{3,}\s", line):
            raise Unreadable(f"Line {number}", f"{line[:60]!r} is no event of a CMX 3600 list.", _CURE)
        elif self.edits:
            self._comment(line, self.edits[-1])
        elif line and not line.startswith(("*", ">", "SPLIT")):
            raise Unreadable(f"Line {number}", f"{line[:60]!r} is no line of an EDL.", _CURE)

    def _event(self, match: "re.Match[str]") -> None:
        where = f"Event {match['number']}"
        kind = match["kind"]
        if kind.startswith("K"):
            raise Unreadable(where, "keys are not read here.", "Render the key in the other program.")
        codes = match["times"].split()
        plain = self._drops and codes[2][8] == ":"
        times = [self._frames(f"{each[:8]};{each[9:]}" if plain else each, where) for each in codes]
        day = timecode_to_frames("23:59:59:00", self.rate) + self.rate.nominal
        times = [end + day if end < start else end for start, end in (times[:2], times[2:]) for end in (start, end)]
        made = _Edit(
            where=where,
            reel=match["reel"],
            channel=match["channel"].upper(),
            kind=kind,
            length=int(match["length"] or 0),
            source=(times[0], times[1]),
            record=(times[2], times[3]),
        )
        last = self.edits[-1] if self.edits else None
        if kind != "C" and last is not None and last.where == where and last.record[0] == last.record[1]:
            self.edits.pop()
            made.leads = last.reel
        self.edits.append(made)

    @property
    def _drops(self) -> bool:
        """Whether the list counts drop-frame; some programs then write `:` all the same."""
        return self.drop and self.rate.den == 1001 and self.rate.nominal in (30, 60)

    def _frames(self, code: str, where: str) -> int:
        """The frame that a timecode names; the `;` may stand anywhere in it, as some programs write it."""
        text = f"{code[:8].replace(';', ':')}{';' if code[8] in ';.' else ':'}{code[9:]}"
        try:
            return timecode_to_frames(text, self.rate)
        except Problem as problem:
            raise Unreadable(where, problem.message, problem.hint, "TIMECODE_INVALID") from problem

    def _comment(self, line: str, edit: _Edit) -> None:
        if match := _MOTION.match(line):
            edit.motion = Fraction(match["frames"]) * 100 / self.rate.nominal
        elif match := _SPLIT.fullmatch(line):
            edit.split = (match["kind"], int(match["before"]), int(match["after"]))
        elif match := _LOCATOR.fullmatch(line):
            self.locators.append((match["at"], match["name"] or match["colour"], edit.where))
        else:
            _keep(edit, line.lstrip("* ").strip())

    def sheet(self, title: str) -> Sheet:
        """Everything that was taken. Raises Unreadable when there is no picture."""
        rows: dict[str, list[_Edit]] = {}
        for edit in self.edits:
            for row in _rows(edit):
                rows.setdefault(row, []).append(edit)
        if not any(not each.black for each in rows.get(PICTURE, [])):
            raise Unreadable("The list", "it has no event on the picture track V.", _CURE)
        start = rows[PICTURE][0].record[0]
        pieces = {name: _Row(self, edits, start) for name, edits in rows.items()}
        return Sheet(
            title=title or self.title,
            rate=self.rate,
            start=frames_to_timecode(start, self.rate, drop=self._drops),
            lanes=tuple(each.lane(name) for name, each in pieces.items()),
            black=pieces[PICTURE].black,
            card=tuple(pieces[PICTURE].card),
            notes=tuple(self._notes(start)),
            remarks=tuple(self.remarks),
        )

    def _notes(self, start: int) -> Iterator[Note]:
        for at, name, where in self.locators:
            frame = max(0, self._frames(at, where) - start)
            yield Note(span=Span(in_frame=frame, out_frame=frame + 1), name=name)


def _keep(edit: _Edit, comment: str) -> None:
    said, _, value = (each.strip() for each in comment.partition(":"))
    if said in ("FROM CLIP NAME", "TO CLIP NAME") and (said.startswith("TO") or not edit.name):
        edit.name = value
    elif said in ("SOURCE", "SOURCE FILE", "FROM FILE", "FROM CLIP"):
        edit.media, edit.file = hash_in(value) or edit.media, base_name(value)
    elif said == "COMMENT":
        edit.reason = value
    elif said == "TRACK":
        edit.track = value
    elif said == "END CARD":
        edit.card.append(value)


def _rows(edit: _Edit) -> list[str]:
    """The lanes on which an event is: the picture, the picture's own sound, or another track."""
    channel = edit.channel.replace("/V", "")
    rows = [PICTURE] if "V" in edit.channel else []
    if channel.startswith("V") and channel not in ("V", "V1"):
        raise Unreadable(edit.where, f"it is on the picture track {edit.channel}.", _CURE)
    if "A" in edit.channel or channel == "B":
        own = channel in ("A", "AA", "A1", "B", "A1A2") or edit.channel == "B"
        rows.append(edit.track or ("programme" if own else channel))
    return rows or [edit.track or channel]


class _Row:
    """The events of one lane put one behind the other, transitions taken apart."""

    def __init__(self, reader: _Reader, edits: list[_Edit], start: int) -> None:
        self.reader, self.start = reader, start
        self.pieces: list[Piece] = []
        self.changes: list[Change] = []
        self.card: list[str] = []
        self.black = 0
        self._dark: _Edit | None = None
        for edit in sorted(edits, key=lambda each: each.record):
            self._take(edit)
        self._end()

    def lane(self, name: str) -> Lane:
        """What came of it."""
        kind = "picture" if name == PICTURE else "sound"
        return Lane(name=name, kind=kind, pieces=tuple(self.pieces), changes=tuple(self.changes))

    def _take(self, edit: _Edit) -> None:
        if edit.record[0] < self.start:
            raise Unreadable(edit.where, "it begins before the first event.", "Put the events in order of record time.")
        if edit.black:
            self.card += edit.card
            self._dark = self._darkness(edit)
            return
        if edit.record[1] <= edit.record[0]:
            return
        change = self._change(edit)
        before = change.before if change and not change.kind.startswith("dip") else 0
        at = edit.record[0] - self.start + before
        if change is not None:
            self._lengthen(change.at)
            self.changes.append(change)
        self._check(edit, at)
        self.pieces.append(self._piece(edit, at, before))
        self._dark = None

    def _darkness(self, edit: _Edit) -> _Edit:
        """The black that is there now; where it goes on behind a fade, all of it, with that fade."""
        fade = self._dark
        if fade is None or fade.kind != "D" or edit.kind != "C" or fade.record[1] != edit.record[0]:
            return edit
        return replace(fade, record=(fade.record[0], edit.record[1]))

    def _change(self, edit: _Edit) -> Change | None:
        at = edit.record[0] - self.start
        dark = self._dark
        if dark is not None and dark.record == (edit.record[0] - dark.length, edit.record[0]) and dark.kind == "D":
            return self._dip(edit, at, dark.length)
        if edit.kind == "C":
            return None
        if edit.leads.upper() in _BLACK or (not self.pieces and not edit.leads):
            return self._dip(edit, at, 0)
        kind: TransitionKind = "dissolve"
        if edit.kind != "D":
            kind = _WIPES.get(edit.kind) or "dissolve"
            if edit.kind not in _WIPES:
                self._remark(edit, f"The wipe {edit.kind} becomes a dissolve.", "Choose a wipe after the import.")
        before = edit.split[1] if edit.split and edit.split[1] + edit.split[2] == edit.length else 0
        before = min(before, edit.record[1] - edit.record[0] - 1)
        return Change(kind=kind, at=at + before, before=before, after=edit.length - before, where=edit.where)

    def _dip(self, edit: _Edit, at: int, before: int) -> Change | None:
        after = edit.length if edit.kind != "C" else 0
        white = edit.split is not None and edit.split[0] == "dip_to_white"
        kind: TransitionKind = "dip_to_white" if white else "dip_to_black"
        return Change(kind=kind, at=at, before=before, after=after, where=edit.where) if before + after else None

    def _lengthen(self, to: int) -> None:
        """Let the last piece go on to the cut; its handle is counted from there."""
        if self.pieces and self.pieces[-1].record.out_frame < to:
            last = self.pieces.pop()
            self.pieces.append(last.model_copy(update={"frames": to - last.at, "length": None}))

    def _check(self, edit: _Edit, at: int) -> None:
        end = self.pieces[-1].record.out_frame if self.pieces else at
        if at < end:
            raise Unreadable(edit.where, f"it begins {end - at} frames before the event before it ends.", _CURE)

    def _piece(self, edit: _Edit, at: int, before: int) -> Piece:
        frames = edit.record[1] - self.start - at
        used = edit.source[1] - edit.source[0]
        held = edit.motion == 0
        speed = 100
        if edit.motion is not None and not held:
            slack = Fraction(100, self.reader.rate.nominal) / 20 + Fraction(1, 1000)
            speed = whole_speed(edit.motion, slack, edit.where, self.reader.remarks)
        elif not held and used != frames + before:
            message = f"its source lasts {used} frames and its record {frames + before}, without a speed (M2)."
            raise Unreadable(edit.where, message, "Export the list again with its motion effects.")
        return Piece(
            name=Name(media=edit.media, reel="" if edit.reel == "AX" else edit.reel, file=edit.file, title=edit.name),
            at=at,
            frames=frames,
            source=edit.source[0] - (0 if held else -before * speed // 100),
            counted="timecode",
            length=None if before or held else used,
            speed=speed,
            held=held,
            reason=edit.reason,
            where=edit.where,
        )

    def _end(self) -> None:
        """Black behind the last piece: where it comes by a dissolve, the end fades out into it."""
        dark = self._dark
        if dark is None or not self.pieces:
            return
        end = self.pieces[-1].record.out_frame + self.start
        if dark.kind == "D" and dark.record[0] == end:
            at = dark.record[0] + dark.length - self.start
            self._lengthen(at)
            said, _, after = dark.split or ("", 0, 0)
            kind: TransitionKind = "dip_to_white" if said == "dip_to_white" else "dip_to_black"
            after = max(0, min(after, dark.record[1] - self.start - at))
            self.changes.append(Change(kind=kind, at=at, before=dark.length, after=after, where=dark.where))
        self.black = max(0, dark.record[1] - self.start - self.pieces[-1].record.out_frame)

    def _remark(self, edit: _Edit, message: str, hint: str) -> None:
        self.reader.remarks.append(Remark(severity="warning", where=edit.where, message=message, hint=hint))
