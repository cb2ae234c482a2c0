"""The tools that hand timelines to other programs, and take theirs."""

import asyncio
import base64
from typing import Annotated

from holdback_base.canonical import bytes_sha256
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Sha256, parse_language, timecode_to_frames
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.editing import store
from holdback_servers.editing.answers import CutView, ExportView, cut_view
from holdback_servers.editing.captioning import CaptionFormat, read_captions, write_captions
from holdback_servers.editing.cutting import AiConfig, Sources, TimelineId, keep, maker, read_sources
from holdback_servers.editing.interchange import (
    LARGEST_FILE,
    Conformed,
    Exported,
    FileFormat,
    Remark,
    Sheet,
    conform,
    export,
    export_aaf,
    file_stem,
    opened,
    read,
)
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import revise
from holdback_servers.editing.orders import SetCaptions
from holdback_servers.editing.parts import Words
from holdback_servers.editing.rendering import start_timecodes
from holdback_servers.editing.words import captions_in_cut
from holdback_servers.media_worker import Limits
from holdback_servers.services import Call, Services
from holdback_servers.serving import Door

_FORMATS = "otio: OpenTimelineIO; edl: CMX 3600; fcp7: FCP7 XML; fcpxml: FCPXML 1.11; aaf: AAF, binary, as base64"
Content = Annotated[str, Field(max_length=LARGEST_FILE, description="The file's text")]
_LONGEST = LARGEST_FILE // 3 * 4 + 4


class ImportView(Noun):
    """What a file has become: the new timeline, or with preview what it would be, the media that each name in the file
    stands for, and what was not taken as it stands."""

    kept: bool
    cut: CutView
    names: dict[str, str]
    remarks: tuple[Remark, ...] = ()

    def text(self) -> str:
        """The cut, the names, and the remarks with their cures."""
        lines = ["imported" if self.kept else "a preview, not kept", self.cut.text()]
        lines += [f"{name!r} is {media}" for name, media in self.names.items()]
        lines += [" ".join(each for each in (one.where, one.message, one.hint) if each) for one in self.remarks]
        return "\n".join(lines)


def offer_exchanging(door: Door) -> None:
    """Offer the tools that exchange timelines with other programs."""
    _offer_export(door)
    _offer_import(door)
    _offer_captions(door)


def _offer_export(door: Door) -> None:
    services = door.services

    @door.tool(title="Export a timeline", scope="editing:read")
    async def export_timeline(
        call: Call,
        timeline_id: TimelineId,
        format: Annotated[
            FileFormat | CaptionFormat,
            Field(description=f"{_FORMATS}; srt, vtt: the captions, SubRip or WebVTT"),
        ],
        record_start: Annotated[
            str | None,
            Field(description="Timecode of frame 0, ; for drop-frame; the timeline's own, else 10:00:00:00"),
        ] = None,
        language: Annotated[str | None, Field(description="Of the captions; needed where there are several")] = None,
    ) -> ExportView:
        """The timeline as a file that other editing programs read, to the frame; no path leaves.

        Media is named by sha256 and by title; source timecodes are the media's own where its bytes are here. Says in
        losses what the format cannot carry. Captions are timed from the first frame of the cut. An AAF is bytes: base64
        is true, and content is its bytes as base64.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        if format == "srt" or format == "vtt":  # noqa: PLR1714 - so that its kind is known
            return _view(_captions(timeline, format, language))
        starts = await start_timecodes(services, timeline.media_used(), timeline.rate)
        start = record_start or timeline.start or "10:00:00:00"
        if format == "aaf":
            return _view(await export_aaf(timeline, start, starts, _limits(services)))
        return _view(export(timeline, format, start, starts))


def _view(made: Exported) -> ExportView:
    whole = base64.b64decode(made.text) if made.base64 else made.text.encode()
    return ExportView(
        filename=made.filename,
        media_type=made.media_type,
        sha256=bytes_sha256(whole),
        base64=made.base64,
        content=made.text,
        losses=made.losses,
    )


def _limits(services: Services) -> Limits:
    """A cut is small: what takes longer or more was not made to be read."""
    settings = services.settings
    seconds = min(settings.worker_seconds, 60)
    return Limits(min(settings.worker_memory, 1 << 30), seconds, seconds, LARGEST_FILE, 32)


def _captions(timeline: Timeline, form: CaptionFormat, language: str | None) -> Exported:
    """The captions of a language. Raises Problem NOT_FOUND, INVALID_ARGUMENT where several may be meant."""
    there = [each.language for each in timeline.captions]
    wanted = parse_language(language) if language else there[0] if len(there) == 1 else None
    if wanted is None and there:
        raise Problem(
            "INVALID_ARGUMENT", f"{timeline.id} has captions in {', '.join(there)}.", "Say which with language."
        )
    lines = captions_in_cut(timeline, wanted) if wanted else []
    if wanted is None or not lines:
        raise Problem(
            "NOT_FOUND",
            f"{timeline.id} shows no captions{f' in {wanted}' if wanted else ''}.",
            f"It has captions in {', '.join(there)}." if there else "Set captions with revise_timeline first.",
        )
    media_type = "text/vtt" if form == "vtt" else "application/x-subrip"
    text = write_captions(lines, timeline.rate, form)
    return Exported(f"{file_stem(timeline)}.{wanted}.{form}", media_type, text)


def _offer_import(door: Door) -> None:
    services = door.services

    @door.tool(title="Import a timeline", scope="editing:write", kind="write")
    async def import_timeline(
        call: Call,
        *,
        content: Annotated[
            str | None, Field(max_length=_LONGEST, description="The file's text; of an AAF its bytes as base64")
        ] = None,
        file: Annotated[
            Sha256 | None, Field(description="In place of content: the file in the media store, up to 16 MiB")
        ] = None,
        format: Annotated[FileFormat, Field(description=_FORMATS)],
        sources: Sources,
        media: Annotated[
            dict[str, Sha256],
            Field(max_length=500, description="The media for reels, files or names in the file that are not found"),
        ] = {},  # noqa: B006 - a default of a schema; never changed
        rate: Annotated[
            Rate | None, Field(description="Frames a second of an EDL; those of the first source when left out")
        ] = None,
        preview: Annotated[bool, Field(description="Only tell what it would be; nothing is kept")] = False,
        reason: Words = "",
        ai_config: AiConfig = None,
    ) -> ImportView:
        """Make a new timeline from another program's file, to the frame.

        Names in the file are found among the sources by hash, file, reel or title; paths in it are not followed. What
        cannot be taken as it stands is told with its event or line; what this room cannot cut, such as gaps in the
        picture or reverse motion, is refused.
        """
        known = read_sources(call, sources)
        pictures = [each for each in known if each.width is not None]
        near = rate or (pictures[0].element_list.rate if pictures else None)
        sheet = await _sheet(services, await asyncio.to_thread(_bytes, services, content, file, format), format, near)
        starts = await start_timecodes(services, [each.media for each in known], sheet.rate)
        frames = {each: timecode_to_frames(code, sheet.rate) for each, code in starts.items()}

        def made() -> Conformed:
            return conform(sheet, known, maker(call, reason, ai_config), given=media, starts=frames)

        found = made()
        if preview:
            cut = cut_view(found.timeline)
        else:
            cut = await keep(call, lambda _: found.timeline)
        return ImportView(kept=not preview, cut=cut, names=found.names, remarks=found.remarks)


def _bytes(services: Services, content: str | None, file: str | None, form: str) -> bytes:
    """The file that is meant.

    Raises:
        Problem: INVALID_ARGUMENT for neither, both, or what is no base64; MEDIA_OFFLINE; TOO_LARGE.
    """
    if (content is None) == (file is None):
        raise Problem(
            "INVALID_ARGUMENT", "Give the file once.", "Give content, or the sha256 of a stored file in file."
        )
    if file is not None:
        size = services.media.size(file)
        if size > LARGEST_FILE:
            raise Problem("TOO_LARGE", f"{file} has {size} bytes; {LARGEST_FILE} are read.", "Export one cut.")
        return services.media.path(file).read_bytes()
    text = content or ""
    try:
        return base64.b64decode("".join(text.split()), validate=True) if form == "aaf" else text.encode()
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"content is no base64: {error}.", "An AAF is binary: give its bytes as base64."
        ) from error


async def _sheet(services: Services, whole: bytes, form: FileFormat, rate: Rate | None) -> Sheet:
    """What the file says. Raises Problem INVALID_ARGUMENT, naming the place."""
    if form != "aaf":
        try:
            return read(whole.decode("utf-8-sig"), form, rate)
        except UnicodeDecodeError as error:
            raise Problem(
                "INVALID_ARGUMENT", f"The file is no UTF-8 text: byte {error.start}.", "Check format; save it as UTF-8."
            ) from error
    with services.media.workspace() as work:
        path = work / "cut.aaf"
        await asyncio.to_thread(path.write_bytes, whole)
        return await opened(path, _limits(services))


def _offer_captions(door: Door) -> None:
    @door.tool(title="Import captions", scope="editing:write", kind="write")
    async def import_captions(
        call: Call,
        *,
        timeline_id: TimelineId,
        content: Content,
        format: Annotated[CaptionFormat, Field(description="srt: SubRip; vtt: WebVTT")],
        language: Annotated[str, Field(max_length=35, description="BCP 47")],
        burnt: Annotated[bool, Field(description="Burn them into the picture; else they go beside it")] = False,
        reason: Words = "",
    ) -> CutView:
        """A new revision with the captions of a SubRip or WebVTT file, in place of those of the language.

        Times count from the first frame of the cut; marks of style are left out.
        """

        def effect(c: Connection) -> Timeline:
            old = store.find(c, timeline_id)
            lines = tuple(read_captions(content, format, old.rate))
            order = SetCaptions(op="set_captions", language=language, lines=lines, burnt=burnt)
            return revise(old, [order], [], maker(call, reason), store.next_revision(c, old.root))

        return await keep(call, effect)
