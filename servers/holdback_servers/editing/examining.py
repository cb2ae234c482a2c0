"""The tools that look at pictures and sound themselves: proof that conditions are met."""

from typing import Annotated

from holdback_base.problem import Problem
from holdback_trust.statements import read_cut
from pydantic import Field

from holdback_servers.editing.cutting import Sources, read_sources
from holdback_servers.editing.evidence import ConditionWanted
from holdback_servers.editing.proving import PROVE, Prove, check_conditions
from holdback_servers.job_tools import submit
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_examining(door: Door) -> None:
    """Offer the tools that examine, and do their work."""
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
            cut = read_cut(cut_statement, services.ring, services.clock()).facts()
        except Problem as problem:
            raise Problem(problem.code, f"The cut: {problem.message}", problem.hint) from problem
        check_conditions(conditions)
        services.media.path(cut.media)
        request = {
            "cut": cut.model_dump(mode="json", exclude_none=True),
            "conditions": [each.model_dump(mode="json", exclude_none=True) for each in conditions],
            "sources": [each.model_dump(mode="json", exclude_none=True) for each in read_sources(services, sources)],
        }
        return await submit(call, PROVE, request)
