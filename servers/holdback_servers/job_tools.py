"""The two tools that every room with long work offers, and how a tool asks for such work."""

from typing import Annotated, Any

from holdback_base.problem import Problem
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def add_job_tools(door: Door, *, cancel_scope: str | None = None, reading: frozenset[str] = frozenset()) -> None:
    """Offer `get_job` and `cancel_job` for the room's long work.

    Args:
        cancel_scope: that takes cancelling, instead of `<room>:write`.
        reading: kinds of work that only look: who may start them, with `<room>:read`, may cancel them too.
    """
    jobs = door.services.jobs
    needed = cancel_scope or f"{door.name}:write"

    @door.tool(title="Look at a job", scope=f"{door.name}:read")
    async def get_job(
        call: Call,
        job_id: Annotated[str, Field(description="The job's id, job_...")],
        wait_seconds: Annotated[float, Field(ge=0, le=25, description="How long to wait for news")] = 0,
        after_seq: Annotated[int | None, Field(description="Answer at once only if seq is over this")] = None,
    ) -> Job:
        """How far long work is, and its result once it has succeeded.

        Call it again with wait_seconds and the last seq to follow the job without polling: it answers as soon as there
        is news.
        """
        return await jobs.get(job_id, call.caller.person, after_seq=after_seq, wait_seconds=wait_seconds)

    @door.tool(title="Cancel a job", scope=f"{door.name}:read" if reading else needed, kind="destroy", idempotent=True)
    async def cancel_job(call: Call, job_id: Annotated[str, Field(description="The job's id, job_...")]) -> Job:
        """Stop long work. A job that has ended stays as it is; a cancelled one leaves nothing behind."""
        if reading and needed not in call.caller.scopes:
            job = await jobs.get(job_id, call.caller.person)
            if job.kind not in reading:
                raise Problem(
                    "PERMISSION_DENIED",
                    f"To cancel {job_id} takes the scope {needed}.",
                    "Ask whoever may start such work.",
                    scope=needed,
                )
        return await jobs.cancel(job_id, call.caller.person)


async def submit(call: Call, kind: str, request: dict[str, Any]) -> Job:
    """Queue long work of a registered kind for the caller, once for a repeated call, and wake the worker."""
    jobs = call.services.jobs

    def unit(c: Connection) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            return jobs.submit(c, kind, request, call.caller.person).model_dump(mode="json", exclude_none=True)

        return call.once(c, effect)

    kept = await call.services.database.write(unit)
    await jobs.wake()
    return Job.model_validate(kept)
