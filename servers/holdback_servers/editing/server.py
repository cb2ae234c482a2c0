"""The cutting room's door: make a timeline, change it, look at it, render it, hand it to other programs."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Sha256
from holdback_trust.identity import Caller
from holdback_trust.statements import read_cut
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.editing import store
from holdback_servers.editing.answers import (
    CutView,
    DifferenceView,
    ExportView,
    TimelineView,
    ValidationView,
    cut_view,
    timeline_view,
)
from holdback_servers.editing.differences import differences
from holdback_servers.editing.interchange import Format, export
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import Words
from holdback_servers.editing.rendering import MEASURE, RENDER, Measure, Render, check_profile, start_timecodes
from holdback_servers.editing.validation import require_valid, validate
from holdback_servers.job_tools import add_job_tools
from holdback_servers.jobs import Job
from holdback_servers.services import Call, Services
from holdback_servers.serving import Door

_INSTRUCTIONS = """\
A timeline is never changed: revise_timeline makes a new one from it. Frames are counted from 0, spans are half-open.
Media comes in by its signed cut statement (get_asset or an earlier render) in sources; it is named by sha256.
render_timeline is long work: it answers with a job to follow with get_job; its result holds the cut statement that the
rights server accepts. Boxes are in thousandths of the picture."""

TimelineId = Annotated[str, Field(max_length=60, description="A timeline's id, tl_...")]
Sources = Annotated[
    tuple[str, ...], Field(max_length=50, description="Signed cut statements of the media, by assets or by this server")
]


class Size(Noun):
    """Width and height of the canvas in pixels; even."""

    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)


def build(services: Services, *, local: Caller | None = None) -> Door:
    """The editing MCP server.

    Args:
        local: who calls where there is no HTTP request (stdio).
    """
    door = Door(
        "editing",
        title="Holdback editing",
        description="The cutting room: timelines, revisions, renders with a signed list of what they are made of.",
        instructions=_INSTRUCTIONS,
        services=services,
        local=local,
        kept=Path(__file__).with_name("tools.json"),
    )
    services.jobs.register(RENDER, Render(services))
    services.jobs.register(MEASURE, Measure(services))
    _offer_cutting(door)
    _offer_looking(door)
    _offer_finishing(door)
    add_job_tools(door)
    return door


def _offer_cutting(door: Door) -> None:
    services = door.services

    @door.tool(title="Create a timeline", scope="editing:write", kind="write")
    async def create_timeline(
        call: Call,
        *,
        title: Words,
        sources: Sources,
        clips: Annotated[tuple[ClipWanted, ...], Field(max_length=500, description="In the order they are shown")],
        voice: Annotated[tuple[SoundWanted, ...], Field(max_length=200, description="Sounds on the voice track")] = (),
        music: Annotated[tuple[SoundWanted, ...], Field(max_length=200, description="Sounds on the music track")] = (),
        rate: Annotated[Rate | None, Field(description="Frames a second; the first clip's when left out")] = None,
        size: Annotated[Size | None, Field(description="The canvas; the first clip's when left out")] = None,
        reason: Words = "",
    ) -> CutView:
        """Cut clips of known media one after the other into a new timeline.

        The clips' own sound runs with them on the programme track; voice and music lie beside it. Answers with the
        timeline, its clips numbered c1, c2 ..., and the hash of the elements it is made of.
        """
        known = read_sources(services, sources)
        canvas = (size.width, size.height) if size else None

        def effect(_: Connection) -> Timeline:
            return create(
                _maker(call, reason),
                title=title,
                sources=known,
                clips=clips,
                voice=voice,
                music=music,
                rate=rate,
                size=canvas,
            )

        return await _keep(call, effect)

    @door.tool(title="Revise a timeline", scope="editing:write", kind="write")
    async def revise_timeline(
        call: Call,
        *,
        timeline_id: TimelineId,
        operations: Annotated[
            tuple[Operation, ...],
            Field(
                max_length=100,
                description="What to change; clips first, then sound and overlays, whatever their order here",
            ),
        ],
        sources: Sources = (),
        reason: Annotated[Words, Field(description="Why, for the history")] = "",
    ) -> CutView:
        """Make a new timeline from an old one by operations; the old one stays as it is.

        A blur takes an element's id, or a box and frames of the cut as it was before this call, and goes with the
        picture when clips change. Credits and silences take frames of the cut that results. New media needs its cut
        statement in sources. Answers with the new timeline and its changes in words.
        """
        known = read_sources(services, sources)

        def effect(c: Connection) -> Timeline:
            old = store.find(c, timeline_id)
            return revise(old, operations, known, _maker(call, reason), store.next_revision(c, old.root))

        return await _keep(call, effect)

    async def _keep(call: Call, make: Callable[[Connection], Timeline]) -> CutView:
        def unit(c: Connection) -> dict[str, Any]:
            def effect() -> dict[str, Any]:
                timeline = make(c)
                store.save(c, timeline)
                return {"timeline": timeline.id}

            return call.once(c, effect)

        kept = await services.database.write(unit)
        return cut_view(await services.database.read(lambda c: store.find(c, kept["timeline"])))


def _offer_looking(door: Door) -> None:
    services = door.services

    @door.tool(title="Get a timeline", scope="editing:read")
    async def get_timeline(
        call: Call,
        timeline_id: TimelineId,
        with_elements: Annotated[bool, Field(description="Also list what the cut is made of, unsigned")] = False,
    ) -> TimelineView:
        """A timeline as it is: clips, sound, overlays, shape, how it came about, and on request its elements."""
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        return timeline_view(timeline, with_elements=with_elements)

    @door.tool(title="Compare two timelines", scope="editing:read")
    async def diff_timelines(call: Call, before: TimelineId, after: TimelineId) -> DifferenceView:
        """What has changed from one timeline to another, in an editor's words."""
        old, new = await services.database.read(lambda c: (store.find(c, before), store.find(c, after)))
        return DifferenceView(before=before, after=after, changes=tuple(differences(old, new)))

    @door.tool(title="Validate a timeline", scope="editing:read")
    async def validate_timeline(call: Call, timeline_id: TimelineId) -> ValidationView:
        """What stops a render (errors) and what an editor should look at (warnings), without rendering.

        Finds media offline, spans beyond media, mixed rates, overlays outside the cut, credits too short to read,
        flash frames, gaps and overlaps in sound, blurs that are never seen.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        findings = tuple(validate(timeline, services.media.has))
        valid = not any(each.severity == "error" for each in findings)
        return ValidationView(timeline=timeline.id, valid=valid, findings=findings)

    @door.tool(title="Export a timeline", scope="editing:read")
    async def export_timeline(
        call: Call,
        timeline_id: TimelineId,
        format: Annotated[Format, Field(description="otio: OpenTimelineIO; edl: CMX 3600")],
        record_start: Annotated[str, Field(description="Timecode of frame 0; ; for drop-frame")] = "10:00:00:00",
    ) -> ExportView:
        """The timeline as a text that other editing programs read; media is named by sha256, no path leaves.

        Source timecodes are the media's own where its bytes are here.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        made = export(timeline, format, record_start, await start_timecodes(services, timeline))
        digest = "sha256:" + hashlib.sha256(made.text.encode()).hexdigest()
        return ExportView(filename=made.filename, media_type=made.media_type, sha256=digest, content=made.text)


def _offer_finishing(door: Door) -> None:
    services = door.services

    @door.tool(title="Render a timeline", scope="editing:write", kind="write", idempotent=True)
    async def render_timeline(
        call: Call,
        timeline_id: TimelineId,
        profile: Annotated[str, Field(max_length=40, description="preview (small) or h264 (delivery)")] = "h264",
    ) -> Job:
        """Render a timeline to a file in the media store; answers at once with a job to follow with get_job.

        The job's result names the file by sha256, says what it measures (frames, duration, loudness), and holds the
        signed cut statement with the elements that this server derived from the sources. The same timeline and profile
        give the same file.
        """
        check_profile(profile)
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        require_valid(timeline, services.media.has)
        return await _submit(call, RENDER, {"timeline": timeline_id, "profile": profile})

    @door.tool(title="Measure media", scope="editing:write", kind="write", idempotent=True)
    async def measure_media(
        call: Call, media: Annotated[Sha256, Field(description="The media's name in the store, sha256:...")]
    ) -> Job:
        """Measure a file of the media store by decoding all of it: frames, size, rate, duration, loudness.

        Answers at once with a job to follow with get_job; loudness is EBU R 128 in tenths of LUFS, LU and dBTP.
        """
        if not services.media.has(media):
            services.media.path(media)
        return await _submit(call, MEASURE, {"media": media})

    async def _submit(call: Call, kind: str, request: dict[str, Any]) -> Job:
        def unit(c: Connection) -> dict[str, Any]:
            def effect() -> dict[str, Any]:
                job = services.jobs.submit(c, kind, request, call.caller.person)
                return job.model_dump(mode="json", exclude_none=True)

            return call.once(c, effect)

        kept = await services.database.write(unit)
        await services.jobs.wake()
        return Job.model_validate(kept)


def read_sources(services: Services, statements: tuple[str, ...]) -> list[CutFacts]:
    """The facts of cut statements that verify.

    Raises:
        Problem: STATEMENT_INVALID naming which of them; the first that does not verify ends it.
    """
    facts: list[CutFacts] = []
    for number, statement in enumerate(statements, start=1):
        try:
            facts.append(read_cut(statement, services.ring, services.clock()).facts())
        except Problem as problem:
            raise Problem(problem.code, f"Source {number}: {problem.message}", problem.hint) from problem
    return facts


def _maker(call: Call, reason: str) -> Maker:
    caller, services = call.caller, call.services
    by = f"{caller.agent} for {caller.person}" if caller.agent else caller.person
    return Maker(services.new_id("tl"), by, services.clock(), reason)
