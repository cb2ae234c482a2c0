"""The tools that hand timelines to other programs, and take theirs."""

import hashlib
from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Sha256, parse_language, timecode_to_frames
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.editing import store
from holdback_servers.editing.answers import CutView, ExportView, cut_view
from holdback_servers.editing.captioning import CaptionFormat, read_captions, write_captions
from holdback_servers.editing.cutting import AiConfig, Sources, TimelineId, keep, maker, read_sources
from holdback_servers.editing.interchange import Conformed, Exported, Format, Remark, conform, export, file_stem, read
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import revise
from holdback_servers.editing.orders import SetCaptions
from holdback_servers.editing.parts import Words
from holdback_servers.editing.rendering import start_timecodes
from holdback_servers.editing.words import captions_in_cut
from holdback_servers.services import Call
from holdback_servers.serving import Door

_FORMATS = "otio: OpenTimelineIO; edl: CMX 3600; fcp7: FCP7 XML; fcpxml: FCPXML 1.11"
Content = Annotated[str, Field(max_length=16 << 20, description="The file's text")]


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
            Format | CaptionFormat, Field(description=f"{_FORMATS}; srt, vtt: the captions, SubRip or WebVTT")
        ],
        record_start: Annotated[
            str | None,
            Field(description="Timecode of frame 0, ; for drop-frame; the timeline's own, else 10:00:00:00"),
        ] = None,
        language: Annotated[str | None, Field(description="Of the captions; needed where there are several")] = None,
    ) -> ExportView:
        """The timeline as a text that other editing programs read, to the frame; no path leaves.

        Media is named by sha256 and by title; source timecodes are the media's own where its bytes are here. Says in
        losses what the format cannot carry. Captions are timed from the first frame of the cut.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        if format == "srt" or format == "vtt":  # noqa: PLR1714 - so that its kind is known
            return _view(_captions(timeline, format, language))
        starts = await start_timecodes(services, timeline.media_used(), timeline.rate)
        return _view(export(timeline, format, record_start or timeline.start or "10:00:00:00", starts))


def _view(made: Exported) -> ExportView:
    digest = "sha256:" + hashlib.sha256(made.text.encode()).hexdigest()
    return ExportView(
        filename=made.filename, media_type=made.media_type, sha256=digest, content=made.text, losses=made.losses
    )


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
        content: Content,
        format: Annotated[Format, Field(description=_FORMATS)],
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
        known = read_sources(services, sources)
        pictures = [each for each in known if each.width is not None]
        sheet = read(content, format, rate or (pictures[0].element_list.rate if pictures else None))
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
