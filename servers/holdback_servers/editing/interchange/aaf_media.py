"""The media of an AAF file: for each one a master mob, a file mob for its picture and its sound, and a tape.

Files are named by name alone, tapes by their reel; the tape carries the timecode. No essence, no path, no machine.
"""

from datetime import datetime
from typing import Any, Literal

from holdback_servers.editing.interchange import aaf_terms as terms
from holdback_servers.editing.interchange.sheet import Media, Sheet

_SLOTS = {"picture": 1, "sound": 2}
_SAMPLES = 48000


class MediaMobs:
    """What clips of the composition point at; made when it is first used."""

    def __init__(self, sheet: Sheet, file: Any, made: datetime) -> None:
        self.sheet, self.file, self.made = sheet, file, made
        self.rate = terms.rational(sheet.rate)
        self.known = {each.media: each for each in sheet.media}
        self.masters: dict[str, Any] = {}
        self.tapes: dict[str, Any] = {}
        self.slots: set[tuple[str, str]] = set()

    def clip(self, media: str, kind: Literal["picture", "sound"], first: int, frames: int) -> Any:
        """So many frames of some media, from one counted from its first."""
        master = self._master(self.known[media])
        if (media, kind) not in self.slots:
            self.slots.add((media, kind))
            self._linked(self.known[media], master, kind)
        return self._reference(master, kind, first, frames)

    def _reference(self, mob: Any, kind: str, first: int, frames: int) -> Any:
        made = self.file.create.SourceClip(start=first, length=frames, media_kind=kind, slot_id=_SLOTS[kind])
        made.mob = mob
        return made

    def _mob(self, made: Any, what: str, media: Media) -> Any:
        made.mob_id = terms.mob_id(what, media.media)
        made["CreationTime"].value = made["LastModified"].value = self.made
        self.file.content.mobs.append(made)
        return made

    def _master(self, media: Media) -> Any:
        if media.media not in self.masters:
            made = self._mob(self.file.create.MasterMob(media.title), "master", media)
            made.comments[terms.HASH] = media.media
            self.masters[media.media] = made
        return self.masters[media.media]

    def _linked(self, media: Media, master: Any, kind: str) -> None:
        """The chain from a track of a master mob to the tape."""
        source = self.file.create.SourceMob(media.file)
        source.descriptor = self._picture(media) if kind == "picture" else self._sound(media)
        locator = self.file.create.NetworkLocator()
        locator["URLString"].value = media.file
        source.descriptor["Locator"].append(locator)
        file = self._mob(source, f"file {kind}", media)
        tape = self._tape(media)
        day = 24 * 3600 * self.sheet.rate.nominal
        tape.create_empty_slot(self.rate, kind, _SLOTS[kind]).segment.length = day
        slot = file.create_timeline_slot(self.rate, _SLOTS[kind])
        slot.segment = self._reference(tape, kind, media.start, media.frames)
        slot = master.create_timeline_slot(self.rate, _SLOTS[kind])
        slot.name = "V1" if kind == "picture" else "A1"
        slot["PhysicalTrackNumber"].value = 1
        slot.segment = self._reference(file, kind, 0, media.frames)

    def _tape(self, media: Media) -> Any:
        if media.media not in self.tapes:
            source = self.file.create.SourceMob(media.reel)
            source.descriptor = self.file.create.TapeDescriptor()
            made = self._mob(source, "tape", media)
            nominal = self.sheet.rate.nominal
            slot = made.create_timeline_slot(self.rate, 3)
            slot.segment = self.file.create.Timecode(nominal, drop=media.drop, length=24 * 3600 * nominal)
            slot["PhysicalTrackNumber"].value = 1
            self.tapes[media.media] = made
        return self.tapes[media.media]

    def _picture(self, media: Media) -> Any:
        made = self.file.create.CDCIDescriptor()
        width, height = media.width or 1920, media.height or 1080
        made["StoredWidth"].value, made["StoredHeight"].value = width, height
        made["ImageAspectRatio"].value = f"{width}/{height}"
        made["FrameLayout"].value = "FullFrame"
        made["VideoLineMap"].value = [0, 0]
        made["ComponentWidth"].value = 8
        made["HorizontalSubsampling"].value = 2
        made["SampleRate"].value = self.rate
        made.length = media.frames
        return made

    def _sound(self, media: Media) -> Any:
        made = self.file.create.PCMDescriptor()
        made["AudioSamplingRate"].value = made["SampleRate"].value = _SAMPLES
        made["Channels"].value, made["QuantizationBits"].value = 2, 24
        made["BlockAlign"].value = 6
        made["AverageBPS"].value = _SAMPLES * 6
        made.length = int(media.frames * _SAMPLES / self.sheet.rate.fraction)
        return made
