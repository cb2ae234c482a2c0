"""FCPXML 1.11, written: its times are exact fractions of seconds, so every frame keeps its place. Pure."""

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from holdback_base.vocabulary import timecode_to_frames

from holdback_servers.editing.interchange.sheet import PICTURE, Lane, Media, Piece, Sheet

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

ROLES = {"programme": "dialogue", "voice": "dialogue", "music": "music", "effects": "effects"}
_BASIC_TITLE = ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti"
_TOLD = ("track", "clip", "reason", "confidence", "length", "gain", "fade_in", "fade_out", "opacity", "box")


def write(sheet: Sheet) -> str:
    """The document."""
    from lxml import etree

    made = etree.tostring(_Writer(sheet).document(), pretty_print=True, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{made}'


class _Writer:
    def __init__(self, sheet: Sheet) -> None:
        from lxml import etree

        self.sheet, self.etree = sheet, etree
        self.start = timecode_to_frames(sheet.start or "00:00:00:00", sheet.rate)
        self.media = {each.media: (f"a{number}", each) for number, each in enumerate(sheet.media, start=1)}
        self.first = next(each for each in sheet.lanes if each.name == PICTURE)
        own = next((each for each in sheet.lanes if each.name == "programme"), None)
        self.together = own is not None and _alike(self.first, own)

    def time(self, frames: int | Fraction) -> str:
        """Frames as exact seconds."""
        exact = Fraction(frames) / self.sheet.rate.fraction
        return f"{exact.numerator}/{exact.denominator}s" if exact.denominator != 1 else f"{exact.numerator}s"

    def document(self) -> "Element":
        """Resources, then one project with one sequence."""
        root = self.etree.Element("fcpxml", version="1.11")
        self._resources(self.add(root, "resources"))
        event = self.add(self.add(root, "library"), "event", name=self.sheet.title or "Holdback")
        sequence = self.add(
            self.add(event, "project", name=self.sheet.title or "Untitled"), "sequence", format="r1",
            duration=self.time(self.sheet.frames), tcStart=self.time(self.start),
            tcFormat="DF" if ";" in (self.sheet.start or "") else "NDF", audioLayout="stereo", audioRate="48k",
        )  # fmt: skip
        self._spine(self.add(sequence, "spine"))
        self.told(sequence, "holdback.facts", self.sheet.facts)
        return root

    def add(self, parent: "Element", tag: str, text: str | None = None, /, **attributes: str) -> "Element":
        """An element below another."""
        made = self.etree.SubElement(parent, tag, attributes)
        made.text = text
        return made

    def told(self, parent: "Element", key: str, value: Any) -> None:
        """What only this room reads, as metadata."""
        if value:
            self.add(self.add(parent, "metadata"), "md", key=key, value=json.dumps(value, sort_keys=True))

    def _resources(self, parent: "Element") -> None:
        canvas = {"width": str(self.sheet.width or 1920), "height": str(self.sheet.height or 1080)}
        self.add(parent, "format", id="r1", frameDuration=self.time(1), **canvas)
        for name, each in self.media.values():
            self._asset(parent, name, each)
        if self.sheet.titles:
            self.add(parent, "effect", id="r2", name="Basic Title", uid=_BASIC_TITLE)

    def _asset(self, parent: "Element", name: str, media: Media) -> None:
        seen = {"hasVideo": "1", "videoSources": "1", "format": "r1"} if media.width else {}
        sound = {"hasAudio": "1", "audioSources": "1", "audioChannels": "2", "audioRate": "48000"}
        times = {"start": self.time(media.start), "duration": self.time(media.frames)}
        asset = self.add(parent, "asset", id=name, name=media.title, **times, **seen, **sound)
        self.add(asset, "media-rep", kind="original-media", src=media.file)
        self.add(self.add(asset, "metadata"), "md", key="holdback.media", value=media.media)

    def _spine(self, spine: "Element") -> None:
        changes = {each.at: each for each in self.first.changes}
        end = 0
        for piece in self.first.pieces:
            self._change(spine, changes.get(piece.at))
            enabled = "all" if self.together else "video"
            self._clip(spine, piece, {"offset": self.time(self.start + piece.at), "srcEnable": enabled}, True)
            end = piece.record.out_frame
        self._change(spine, changes.get(end))
        if self.sheet.black:
            times = {"offset": self.time(self.start + end), "start": "0s", "duration": self.time(self.sheet.black)}
            gap = self.add(spine, "gap", name="End card", **times)
            self._hanging(gap, 0, end, self.sheet.frames)
            self._markers(gap, 0, end, self.sheet.frames)

    def _change(self, spine: "Element", change: Any) -> None:
        if change is not None:
            times = {"offset": self.time(self.start + change.at - change.before), "duration": self.time(change.frames)}
            made = self.add(spine, "transition", name=change.kind.replace("_", " ").title(), **times)
            self.told(made, "holdback.transition", {"kind": change.kind})

    def _clip(
        self, parent: "Element", piece: Piece, attributes: dict[str, str], carries: bool, track: str = ""
    ) -> None:
        name, media = self.media[piece.name.media]
        source, retimed = media.start + piece.source, piece.held or piece.speed != 100
        local = 0 if retimed else source
        made = self.add(
            parent, "asset-clip", ref=name, name=media.title, start=self.time(local), duration=self.time(piece.frames),
            tcFormat="DF" if media.drop else "NDF", **attributes,
        )  # fmt: skip
        if retimed:
            last = source if piece.held else source + Fraction(piece.frames * piece.speed, 100)
            points = self.add(made, "timeMap", frameSampling="floor")
            self.add(points, "timept", time="0s", value=self.time(source), interp="linear")
            self.add(points, "timept", time=self.time(piece.frames), value=self.time(last), interp="linear")
        self._composed(made, piece)
        if carries:
            self._hanging(made, local, piece.at, piece.record.out_frame)
            self._markers(made, local, piece.at, piece.record.out_frame)
        told = {**piece.model_dump(exclude_defaults=True), "track": track}
        self.told(made, "holdback.piece", {key: told[key] for key in _TOLD if told.get(key)})

    def _composed(self, made: "Element", piece: Piece) -> None:
        if piece.box is not None:
            box, shape = piece.box, Fraction(self.sheet.width or 16, self.sheet.height or 9)
            scale = min(box.width, box.height) / 1000
            across = float((Fraction(2 * box.x + box.width, 2) - 500) * shape / 10)
            up = (500 - box.y - box.height / 2) / 10
            self.add(made, "adjust-transform", position=f"{across:g} {up:g}", scale=f"{scale:g} {scale:g}")
        if piece.opacity != 1000:
            self.add(made, "adjust-blend", amount=f"{piece.opacity / 1000:g}")
        if piece.gain:
            self.add(made, "adjust-volume", amount=f"{piece.gain / 10:g}dB")

    def _hanging(self, parent: "Element", local: int, start: int, end: int) -> None:
        """What begins over a clip of the first track hangs on it, in that clip's own time."""
        for number, lane in enumerate(self.sheet.lanes_of("picture")[1:], start=1):
            self._lane(parent, lane, number, "video", (local, start, end))
        sounds = [each for each in self.sheet.lanes_of("sound") if not (self.together and each.name == "programme")]
        for number, lane in enumerate(sounds, start=1):
            self._lane(parent, lane, -number, "audio", (local, start, end))
        top = len(self.sheet.lanes_of("picture"))
        for title in self.sheet.titles:
            if start <= title.span.in_frame < end:
                times = self._times(local + title.span.in_frame - start, title.span.frames, top)
                made = self.add(parent, "title", ref="r2", name=title.text[:60], **times)
                self.add(self.add(made, "text"), "text-style", title.text)
                self.told(made, "holdback.title", {"kind": title.kind, "placement": title.placement})
        for line in self.sheet.spoken:
            if start <= line.span.in_frame < end:
                times = self._times(local + line.span.in_frame - start, line.span.frames, top + 1)
                role = f"SRT?captionFormat=SRT.{line.language}"
                made = self.add(parent, "caption", name=line.text[:60], role=role, **times)
                self.add(self.add(made, "text"), "text-style", line.text)

    def _times(self, offset: int, frames: int, lane: int) -> dict[str, str]:
        return {"lane": str(lane), "offset": self.time(offset), "duration": self.time(frames)}

    def _lane(self, parent: "Element", lane: Lane, number: int, enabled: str, span: tuple[int, int, int]) -> None:
        local, start, end = span
        for piece in lane.pieces:
            if start <= piece.at < end:
                attributes = {"lane": str(number), "offset": self.time(local + piece.at - start), "srcEnable": enabled}
                if enabled == "audio":
                    attributes["audioRole"] = ROLES.get(lane.name.rstrip(".23456789"), "effects")
                self._clip(parent, piece, attributes, False, lane.name)

    def _markers(self, parent: "Element", local: int, start: int, end: int) -> None:
        for note in self.sheet.notes:
            if start <= note.span.in_frame < end:
                times = {
                    "start": self.time(local + note.span.in_frame - start),
                    "duration": self.time(note.span.frames),
                }
                said = {"note": note.note} if note.note else {}
                self.add(parent, "marker", value=note.name or "Marker", **times, **said)


def _alike(picture: Lane, sound: Lane) -> bool:
    def told(lane: Lane) -> list[tuple[int, int, int]]:
        return [(each.at, each.frames, each.source) for each in lane.pieces]

    return told(picture) == told(sound) and all(each.gain == 0 for each in sound.pieces)
