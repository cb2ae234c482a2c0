"""The last step of a render: content credentials, signed by the house and checked before the file leaves."""

import asyncio
import base64
import mmap
from pathlib import Path

from holdback_base.problem import Problem

from holdback_servers import media_worker
from holdback_servers.content_credentials import Credentials, anchors
from holdback_servers.editing import store
from holdback_servers.editing.credentials.house import house_signer
from holdback_servers.editing.credentials.writing import marker
from holdback_servers.editing.model import Timeline
from holdback_servers.media_worker import Limits
from holdback_servers.services import Services


async def sign_delivery(services: Services, unsigned: Path, timeline: Timeline, work: Path) -> Path:
    """A copy of a finished MP4 or MOV file in the workspace `work`, with the house's signed content credentials.

    The file must not be changed afterwards: one byte makes the credentials Invalid. Two calls give different bytes,
    since each manifest has a name of its own.

    Raises:
        Problem: INVALID_ARGUMENT for a file that cannot carry credentials; INTERNAL when what was written does not
            verify; and as `media_worker.run`.
    """
    settings = services.settings
    signer = await asyncio.to_thread(house_signer, settings.home / "keys" / "credentials", services.clock())
    believed = await asyncio.to_thread(anchors, settings)  # the signer's own authority is kept by now
    output = work / f"signed{unsigned.suffix}"
    limits = Limits(settings.worker_memory, settings.worker_seconds, settings.worker_seconds)
    answer = await media_worker.run(
        "holdback_servers.editing.credentials.writing:write_unsigned",
        {
            "timeline": timeline.model_dump(mode="json", exclude_none=True),
            "changes": await services.database.read(lambda c: store.changes_so_far(c, timeline)),
            "files": {media: str(services.media.path(media)) for media in timeline.media_used()},
            "unsigned": str(unsigned),
            "output": str(output),
            "chain": signer.chain,
            "anchors": believed,
        },
        limits=limits,
        roots=(services.media.root,),
    )
    to_sign = base64.b64decode(answer["to_sign"])
    await asyncio.to_thread(_put_signature, output, marker(to_sign), signer.sign(to_sign))
    await _check(output, signer.authority, limits)
    return output


def _put_signature(path: Path, mark: bytes, signature: bytes) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        at = content.find(mark)
        if at < 0 or content.find(mark, at + 1) >= 0:
            raise Problem("INTERNAL", "The place of the signature in the delivery was not found.")
        content[at : at + len(mark)] = signature


async def _check(path: Path, authority: str, limits: Limits) -> None:
    """Read the finished file as a stranger would who trusts the house."""
    told = await media_worker.run(
        "holdback_servers.content_credentials:read_file",
        {"path": str(path), "anchors": authority},
        limits=limits,
        roots=(path.parent,),
    )
    found = Credentials.model_validate(told)
    if found.state != "Trusted":
        why = "; ".join(found.problems) or found.state
        raise Problem("INTERNAL", f"The content credentials of the delivery do not verify: {why}.")
