"""The tools that finish a cut: render it, measure what came out."""

from typing import Annotated

from holdback_base.vocabulary import Sha256
from pydantic import Field

from holdback_servers.editing import store
from holdback_servers.editing.cutting import TimelineId
from holdback_servers.editing.rendering import MEASURE, RENDER, Measure, Render, check_profile
from holdback_servers.editing.validation import require_valid
from holdback_servers.job_tools import submit
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_finishing(door: Door) -> None:
    """Offer the tools that render and measure, and do their work."""
    services = door.services
    services.jobs.register(RENDER, Render(services))
    services.jobs.register(MEASURE, Measure(services))

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
        return await submit(call, RENDER, {"timeline": timeline_id, "profile": profile})

    @door.tool(title="Measure media", scope="editing:write", kind="write", idempotent=True)
    async def measure_media(
        call: Call, media: Annotated[Sha256, Field(description="The media's name in the store, sha256:...")]
    ) -> Job:
        """Measure a file of the media store by decoding all of it: frames, size, rate, duration, loudness.

        Answers at once with a job to follow with get_job; loudness is EBU R 128 in tenths of LUFS, LU and dBTP.
        """
        if not services.media.has(media):
            services.media.path(media)
        return await submit(call, MEASURE, {"media": media})
