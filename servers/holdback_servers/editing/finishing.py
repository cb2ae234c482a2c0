"""The tools that finish a cut: render it, measure what came out."""

from typing import Annotated

from holdback_base.vocabulary import Noun, Sha256
from pydantic import Field

from holdback_servers.editing import store
from holdback_servers.editing.cutting import TimelineId
from holdback_servers.editing.profiles import Profile, find_profile, require_fit
from holdback_servers.editing.rendering import MEASURE, RENDER, Measure, Render, profiles_of
from holdback_servers.editing.validation import require_valid
from holdback_servers.job_tools import submit
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


class ProfileView(Profile):
    """A delivery profile by its name. `sizes` are width and height in pixels; without them a file is as large as the
    timeline's picture. Loudness is in tenths."""

    name: str


class ProfileList(Noun):
    """Delivery profiles by their names."""

    items: tuple[ProfileView, ...]
    next_cursor: str | None = None


def _told(name: str, profile: Profile) -> ProfileView:
    return ProfileView.model_validate({**profile.model_dump(), "name": name})


def offer_finishing(door: Door) -> None:
    """Offer the tools that render and measure, and do their work."""
    services = door.services
    services.jobs.register(RENDER, Render(services))
    services.jobs.register(MEASURE, Measure(services))

    @door.tool(title="Render a timeline", scope="editing:write", kind="write", idempotent=True)
    async def render_timeline(
        call: Call,
        timeline_id: TimelineId,
        profile: Annotated[str, Field(max_length=40, description="A delivery profile; see list_profiles")] = "h264",
    ) -> Job:
        """Render a timeline to a file in the media store; answers at once with a job to follow with get_job.

        What the profile does not take (shape, rate, length) is refused at once; a finished file that misses it
        (loudness, peaks, black) is thrown away, and the job fails with what it misses. Shots that have not changed
        since an earlier render are not made again. The job's result names the file by sha256, says what it measures
        (frames, duration, loudness), and holds the signed cut statement with the elements that this server derived from
        the sources. The same timeline and profile give the same file before it is signed.
        """
        wanted = find_profile(profile, profiles_of(services))
        timeline = await services.database.read(lambda c: store.find(c, timeline_id))
        call.require_reach(timeline.tier, timeline.title, *(each.media for each in timeline.sources))
        require_valid(timeline, services.media.has)
        require_fit(timeline, profile, wanted)
        return await submit(call, RENDER, {"timeline": timeline_id, "profile": profile})

    @door.tool(title="List delivery profiles", scope="editing:read")
    async def list_profiles(
        call: Call,
        cursor: Annotated[str | None, Field(max_length=40, description="next_cursor of the page before")] = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 50,
    ) -> ProfileList:
        """The delivery profiles that render_timeline takes, those of the house too: container, coding, shape, rates,
        length, loudness, captions beside the file, content credentials."""
        known = profiles_of(services)
        every = [(name, known[name]) for name in sorted(known) if cursor is None or name > cursor]
        page = tuple(_told(name, each) for name, each in every[:limit])
        return ProfileList(items=page, next_cursor=page[-1].name if len(every) > limit else None)

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
