"""OpenTimelineIO timelines, read: this room's, and those of other programs and adapters."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, frames_to_timecode, timecode_to_frames
from pydantic import ValidationError

from holdback_servers.editing.interchange.naming import base_name, hash_in
from holdback_servers.editing.interchange.otio_writing import library
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

_KINDS: tuple[TransitionKind, ...] = (
    "dissolve", "wipe_left", "wipe_right", "wipe_up", "wipe_down", "dip_to_black", "dip_to_white",
)  # fmt: skip
RATES = tuple(
    Rate(num=num, den=den)
    for num, den in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1))
)
_DEEPEST = 60


def read(text: str) -> Sheet:
    """OTIO JSON as a sheet. Raises Problem INVALID_ARGUMENT for what is no OTIO timeline."""
    if _depth(text) > _DEEPEST:
        raise Unreadable("The file", "it is nested too deeply for a cut.", "Export one timeline, flattened.")
    try:
        json.loads(text)
        made = library().adapters.read_from_string(text, "otio_json")
    except Exception as error:
        raise Unreadable("The file", f"it is no OpenTimelineIO: {_first_line(error)}.", "Export it again.") from error
    return sheet_of(made)


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def sheet_of(made: Any) -> Sheet:
    """An OpenTimelineIO timeline as a sheet. Raises Problem INVALID_ARGUMENT, naming track and clip."""
    otio = library()
    if isinstance(made, otio.schema.SerializableCollection):
        made = next(iter(made.find_children(descended_from_type=otio.schema.Timeline)), made)
    if not isinstance(made, otio.schema.Timeline):
        raise Unreadable("The file", f"it holds a {type(made).__name__}, not a timeline.", "Export the timeline.")
    return _Reader(otio, made).sheet()


class _Reader:
    def __init__(self, otio: Any, made: Any) -> None:
        self.otio, self.made = otio, made
        self.remarks: list[Remark] = []
        self.rate = self._rate()

    def _rate(self) -> Rate:
        first = next(iter(self.made.find_clips()), None)
        if first is None:
            raise Unreadable("The file", "its timeline has no clips.", "Export the timeline with its tracks.")
        return rate_near(Fraction(first.trimmed_range().duration.rate).limit_denominator(100_000), "The first clip")

    def frames(self, time: Any, where: str) -> int:
        """A point in time in whole frames. Raises Unreadable for one between two frames."""
        exact = Fraction(time.value).limit_denominator(10**6)
        own = Fraction(time.rate).limit_denominator(100_000)
        if abs(own - self.rate.fraction) > Fraction(1, 100):
            exact = exact / own * self.rate.fraction
        near = round(exact)
        if abs(exact - near) > Fraction(1, 100):
            message = f"{float(exact):.3f} is between two frames at {self.rate.text()} frames a second."
            raise Unreadable(where, message, "Conform the clip to the timeline's rate, and export again.")
        return near

    def sheet(self) -> Sheet:
        """All tracks, and what stands in the metadata."""
        facts = _told(self.made)
        kinds = self.otio.schema.TrackKind
        tracks = [each for each in self.made.tracks if isinstance(each, self.otio.schema.Track)]
        pictures = [each for each in tracks if each.kind == kinds.Video and len(each)]
        sounds = [each for each in tracks if each.kind == kinds.Audio and len(each)]
        if not pictures:
            raise Unreadable("The file", "it has no track of picture.", "Export the timeline with its tracks.")
        names = [PICTURE, *(f"V{number}" for number in range(2, len(pictures) + 1))]
        black = self._black(pictures[0])
        lanes = [self.lane(each, name, "picture") for each, name in zip(pictures, names, strict=True)]
        lanes += [self.lane(each, each.name or f"A{number}", "sound") for number, each in enumerate(sounds, start=1)]
        marks = list(self._marks([self.made.tracks, *tracks]))
        return Sheet(
            title=self.made.name or "Untitled",
            rate=self.rate,
            start=self._start(facts),
            width=_number(facts.get("width")),
            height=_number(facts.get("height")),
            lanes=tuple(lanes),
            black=black,
            titles=tuple(each for each in marks if isinstance(each, Title)),
            notes=tuple(each for each in marks if isinstance(each, Note)),
            spoken=tuple(each for each in marks if isinstance(each, Spoken)),
            facts=facts,
            remarks=tuple(self.remarks),
        )

    def _start(self, facts: dict[str, Any]) -> str | None:
        time = self.made.global_start_time
        if time is None:
            return None
        frame, told = self.frames(time, "The start"), facts.get("start")
        if isinstance(told, str):
            try:
                if timecode_to_frames(told, self.rate) == frame:
                    return told
            except Problem:
                pass  # the frame that stands there is then told without drop-frame
        return frames_to_timecode(frame, self.rate)

    def _black(self, track: Any) -> int:
        """Frames of nothing behind the last clip."""
        black = 0
        for each in reversed(list(track)):
            if not isinstance(each, self.otio.schema.Gap):
                break
            black += self.frames(each.duration(), f"The end of {track.name}")
        return black

    def lane(self, track: Any, name: str, kind: Any) -> Lane:
        """A track: its clips where they stand, and the transitions between them."""
        pieces: list[Piece] = []
        changes: list[Change] = []
        position = 0
        for number, item in enumerate(track, start=1):
            where = f"Track {track.name or name}, item {number}"
            if isinstance(item, self.otio.schema.Transition):
                changes.append(self._change(item, position, where))
                continue
            frames = self.frames(item.duration(), where)
            if isinstance(item, self.otio.schema.Clip):
                if frames > 0 and not self._empty(item):
                    pieces.append(self._piece(item, position, frames, where))
            elif not isinstance(item, self.otio.schema.Gap):
                raise Unreadable(where, f"a nested {type(item).__name__} is not read here.", "Flatten it, and export.")
            position += frames
        return Lane(name=name, kind=kind, pieces=tuple(pieces), changes=tuple(changes))

    def _empty(self, clip: Any) -> bool:
        return isinstance(clip.media_reference, self.otio.schema.GeneratorReference)

    def _change(self, item: Any, at: int, where: str) -> Change:
        told = _told(item).get("kind")
        known: list[TransitionKind] = [each for each in _KINDS if str(each) == told]
        kind: TransitionKind = known[0] if known else "dissolve"
        if kind != told and item.transition_type != "SMPTE_Dissolve":
            message = f"The transition {str(item.name or item.transition_type)[:40]!r} becomes a dissolve."
            self.remarks.append(Remark(severity="warning", where=where, message=message))
        before, after = self.frames(item.in_offset, where), self.frames(item.out_offset, where)
        return Change(kind=kind, at=at, before=before, after=after, where=where)

    def _piece(self, clip: Any, at: int, frames: int, where: str) -> Piece:
        told, reference = _told(clip), clip.media_reference
        available = reference.available_range if reference is not None else None
        source = self.frames(clip.trimmed_range().start_time, where)
        begins = self.frames(available.start_time, where) if available is not None else 0
        speed, held = self._speed(clip, where)
        url = str(getattr(reference, "target_url", "") or "")
        title = str(clip.name or (reference.name if reference is not None else "") or "")
        return Piece(
            name=Name(media=hash_in(url, str(told.get("media", ""))), file=base_name(url), title=title),
            at=at,
            frames=frames,
            source=source - begins,
            counted="media" if available is not None else "timecode",
            length=_number(told.get("length")),
            speed=speed,
            held=held,
            gain=_number(told.get("gain_centibels")) or 0,
            fade_in=max(0, _number(told.get("fade_in")) or 0),
            fade_out=max(0, _number(told.get("fade_out")) or 0),
            opacity=min(1000, max(1, _number(told.get("opacity")) or 1000)),
            box=_box(told.get("box")),
            clip=str(told.get("clip", "")),
            reason=str(told.get("reason", "")),
            confidence=_percent(told.get("confidence")),
            where=where,
        )

    def _speed(self, clip: Any, where: str) -> tuple[int, bool]:
        speed, held = Fraction(100), False
        for effect in clip.effects:
            if isinstance(effect, self.otio.schema.FreezeFrame):
                held = True
            elif isinstance(effect, self.otio.schema.LinearTimeWarp):
                speed *= Fraction(effect.time_scalar).limit_denominator(10_000)
            else:
                message = f"The effect {str(effect.name or effect.effect_name)[:40]!r} is left out."
                self.remarks.append(Remark(severity="warning", where=where, message=message))
        if held or speed == 0:
            return 100, True
        return whole_speed(speed, Fraction(1, 100), where, self.remarks), False

    def _marks(self, items: list[Any]) -> Iterator[Title | Note | Spoken]:
        for item in items:
            for mark in item.markers:
                where = f"Marker {str(mark.name)[:30]!r}"
                start = max(0, self.frames(mark.marked_range.start_time, where))
                span = Span(in_frame=start, out_frame=start + max(1, self.frames(mark.marked_range.duration, where)))
                told = _told(mark)
                words, caption = _dict(told.get("words")), _dict(told.get("caption"))
                if words is not None:
                    yield _title(words, span)
                elif caption is not None:
                    yield Spoken(language=str(caption.get("language", "und")), span=span, text=str(mark.name))
                else:
                    yield Note(span=span, name=str(mark.name), note=str(told.get("note", "")))


def rate_near(exact: Fraction, where: str) -> Rate:
    """The rate of the trade that is meant. Raises Unreadable when none is near."""
    for rate in RATES:
        if abs(rate.fraction - exact) < Fraction(1, 200):
            return rate
    raise Unreadable(where, f"{float(exact):g} frames a second is no rate of the trade.", "Conform it to one that is.")


def _title(words: dict[str, Any], span: Span) -> Title:
    try:
        return Title.model_validate({**words, "span": span})
    except ValidationError:
        return Title(text=str(words.get("text", ""))[:200], span=span)


def _told(item: Any) -> dict[str, Any]:
    """What this room has written beside it, as plain values."""
    told = item.metadata.get("holdback")
    if told is None:
        return {}
    return _dict(json.loads(library().core.serialize_json_to_string(told))) or {}


def _dict(value: Any) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _percent(value: Any) -> int | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 100 else None


def _box(value: Any) -> Box | None:
    try:
        return Box.model_validate(value) if isinstance(value, dict) else None
    except ValidationError:
        return None
