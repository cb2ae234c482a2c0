"""The tools that make timelines: a first one, and a new one out of an old one."""

from collections.abc import Callable
from typing import Annotated, Any

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.editing import store
from holdback_servers.editing.answers import CutView, cut_view
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.operations import Maker, create, revise
from holdback_servers.editing.orders import ClipWanted, Operation, SoundWanted
from holdback_servers.editing.parts import Words
from holdback_servers.services import Call
from holdback_servers.serving import Door

TimelineId = Annotated[str, Field(max_length=60, description="A timeline's id, tl_...")]
Sources = Annotated[
    tuple[str, ...], Field(max_length=50, description="Signed cut statements of the media, by assets or by this server")
]
AiConfig = Annotated[
    str | None,
    Field(
        pattern=r"^urn:[a-z0-9][a-z0-9-]{1,31}:[A-Za-z0-9][A-Za-z0-9:._/@+-]{0,180}$",
        description="The AI configuration that chose this, as recorded by assets; kept with the timeline",
    ),
]


class Size(Noun):
    """Width and height of the canvas in pixels; even."""

    width: int = Field(ge=16, le=4096, multiple_of=2)
    height: int = Field(ge=16, le=4096, multiple_of=2)


def offer_cutting(door: Door) -> None:
    """Offer the tools that make timelines."""

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
        start: Annotated[
            str | None, Field(max_length=11, description="Timecode of frame 0, such as 10:00:00:00; ; for drop-frame")
        ] = None,
        reason: Words = "",
        ai_config: AiConfig = None,
    ) -> CutView:
        """Cut clips of known media one after the other into a new timeline.

        The clips' own sound runs with them on the programme track; voice and music lie beside it. Answers with the
        timeline, its clips numbered c1, c2 ..., and the hash of the elements it is made of.
        """
        known = read_sources(call, sources)
        canvas = (size.width, size.height) if size else None

        def effect(_: Connection) -> Timeline:
            return create(
                maker(call, reason, ai_config),
                title=title,
                sources=known,
                clips=clips,
                voice=voice,
                music=music,
                rate=rate,
                size=canvas,
                start=start,
            )

        return await keep(call, effect)

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
        ai_config: AiConfig = None,
    ) -> CutView:
        """Make a new timeline from an old one by operations; the old one stays as it is.

        A blur takes an element's id, or a box and frames of the cut as it was before this call, and goes with the
        picture when clips change. Words, silences and layers take frames of the cut that results, and stay on them when
        it is changed later. A transition goes with the clip it comes before; it is refused where handles are missing.
        New media needs its cut statement in sources. Answers with the new timeline and its changes in words.
        """
        known = read_sources(call, sources)

        def effect(c: Connection) -> Timeline:
            old = store.find(c, timeline_id)
            return revise(old, operations, known, maker(call, reason, ai_config), store.next_revision(c, old.root))

        return await keep(call, effect)


async def keep(call: Call, make: Callable[[Connection], Timeline]) -> CutView:
    """Keep the timeline that is made in one unit of work, once for a repeated call, and answer with it in short."""
    database = call.services.database

    def unit(c: Connection) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            timeline = make(c)
            call.require_reach(timeline.tier, timeline.title, *(each.media for each in timeline.sources))
            store.save(c, timeline)
            return {"timeline": timeline.id}

        return call.once(c, effect)

    kept = await database.write(unit)
    return cut_view(await database.read(lambda c: store.find(c, kept["timeline"])))


def read_sources(call: Call, statements: tuple[str, ...]) -> list[CutFacts]:
    """The facts of cut statements that verify. What has come to belong to a closed story since its statement was signed
    belongs to it.

    Raises:
        Problem: STATEMENT_INVALID, or NOT_FOUND for one of a closed story that the caller may not know of, naming which
            of them; the first that does not verify ends it.
    """
    facts: list[CutFacts] = []
    for number, statement in enumerate(statements, start=1):
        try:
            facts.append(call.read_cut(statement).facts())
        except Problem as problem:
            raise Problem(problem.code, f"Source {number}: {problem.message}", problem.hint) from problem
    return facts


def maker(call: Call, reason: str, ai_config: str | None = None) -> Maker:
    """Who makes a timeline in this call, and its new id."""
    caller, services = call.caller, call.services
    by = f"{caller.agent} for {caller.person}" if caller.agent else caller.person
    return Maker(services.new_id("tl"), by, services.clock(), reason, ai_config)
