"""The tools that look at pictures and sound themselves: proof of conditions, regions and subjects followed."""

import asyncio
from typing import Annotated, Literal

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Sha256, Span
from holdback_trust.statements import read_proof
from pydantic import Field

from holdback_servers.editing import store
from holdback_servers.editing.cutting import Sources, TimelineId, read_sources
from holdback_servers.editing.evidence import ConditionWanted
from holdback_servers.editing.following import REFRAME, TRACK, SuggestReframe, Track
from holdback_servers.editing.proving import PROVE, ProofStill, Prove, check_conditions, still_of
from holdback_servers.job_tools import submit
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_examining(door: Door) -> None:
    """Offer the tools that examine, and do their work."""
    _offer_proving(door)
    _offer_following(door)


def _offer_proving(door: Door) -> None:
    services = door.services
    services.jobs.register(PROVE, Prove(services))

    @door.tool(title="Prove conditions", scope="editing:read", kind="write", idempotent=True)
    async def prove_conditions(
        call: Call,
        *,
        cut_statement: Annotated[str, Field(description="The signed cut statement of the finished file")],
        conditions: Annotated[
            tuple[ConditionWanted, ...],
            Field(
                min_length=1, max_length=50, description="As check_clearance tells them: type, ref, text, min_seconds"
            ),
        ],
        sources: Annotated[
            Sources,
            Field(description="Statements of media to compare with, beside those that the file was rendered from here"),
        ] = (),
    ) -> Job:
        """Prove from the picture and the sound of a finished file that conditions are met; answers with a job.

        Its result holds a proof for each condition: proven, not_proven (a person must look) or contradicted, with the
        frames and figures that say so and a PNG in the media store; and the signed proof statement. A blur is measured
        against the source's own picture, music is listened for under all other sound, words are read by their letters.
        Only music and speech at its own speed is recognised, and words in this server's own lettering.
        """
        try:
            cut = call.read_cut(cut_statement).facts()
        except Problem as problem:
            raise Problem(problem.code, f"The cut: {problem.message}", problem.hint) from problem
        check_conditions(conditions)
        services.media.path(cut.media)
        request = {
            "cut": cut.model_dump(mode="json", exclude_none=True),
            "conditions": [each.model_dump(mode="json", exclude_none=True) for each in conditions],
            "sources": [each.model_dump(mode="json", exclude_none=True) for each in read_sources(call, sources)],
        }
        return await submit(call, PROVE, request)

    @door.tool(title="Get a proof's still", scope="editing:read")
    async def get_proof_still(
        call: Call,
        *,
        proof_statement: Annotated[str, Field(description="The signed proof statement, as prove_conditions gave it")],
        still: Annotated[Sha256, Field(description="A still that one of its proofs names")],
    ) -> ProofStill:
        """The picture of a finished file that a proof rests on, as a PNG: for a person, or a model that sees, to judge.

        Whoever holds the signed proof may see its stills, and no other bytes.
        """
        claims = read_proof(proof_statement, services.ring, services.clock())
        return await asyncio.to_thread(still_of, services, claims, still)


def _offer_following(door: Door) -> None:
    services = door.services
    services.jobs.register(TRACK, Track(services))
    services.jobs.register(REFRAME, SuggestReframe(services))

    @door.tool(title="Track a region", scope="editing:write", kind="write", idempotent=True)
    async def track_region(
        call: Call,
        *,
        media: Annotated[Sha256, Field(description="The media whose picture it is in")],
        rate: Annotated[Rate, Field(description="Of the timeline: frames are counted at it")],
        frame: Annotated[int, Field(ge=0, description="A frame on which the box is right")],
        box: Annotated[Box, Field(description="The region on that frame, in thousandths of the media's picture")],
        span: Annotated[Span, Field(description="Frames of the media to follow it through, both ways")],
    ) -> Job:
        """Follow a region through the frames of some media; answers with a job to follow with get_job.

        Its result holds the path that the blur operation takes, and the frames on which the region was lost: look at
        those. It follows what keeps its size; it does not turn with it.
        """
        _check_region(frame, box, span)
        services.media.path(media)
        request = {
            "name": media,
            "rate": rate.model_dump(),
            "frame": frame,
            "box": box.model_dump(),
            "span": span.model_dump(),
        }
        return await submit(call, TRACK, request)

    @door.tool(title="Suggest a reframe", scope="editing:write", kind="write", idempotent=True)
    async def suggest_reframe(
        call: Call,
        timeline_id: TimelineId,
        aspect: Annotated[Literal["9:16", "1:1", "4:5"], Field(description="The shape that is wanted")] = "9:16",
    ) -> Job:
        """Look where the subject of each clip stands, so that another shape keeps it; answers with a job.

        Its result holds the centres that the reframe operation takes. It goes by what moves and by detail, smoothly and
        never faster than a quarter of the width in a second; a person who knows the subject knows better.
        """
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        for clip in timeline.clips:
            services.media.path(clip.media)
        return await submit(call, REFRAME, {"timeline": timeline_id, "aspect": aspect})


_LONGEST_TRACK = 3000


def _check_region(frame: int, box: Box, span: Span) -> None:
    if not span.in_frame <= frame < span.out_frame:
        raise Problem(
            "INVALID_ARGUMENT",
            f"Frame {frame} is outside the span {span.in_frame} to {span.out_frame}.",
            "Give a frame of the span on which the box is right.",
        )
    if span.frames > _LONGEST_TRACK:
        raise Problem(
            "TOO_LARGE", f"The span has {span.frames} frames.", f"Follow at most {_LONGEST_TRACK} frames at a time."
        )
    if box.x + box.width > 1000 or box.y + box.height > 1000:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The box at x {box.x}, y {box.y}, {box.width} wide and {box.height} high goes outside the picture.",
            "Boxes are in thousandths of the picture: x + width and y + height are at most 1000.",
        )
