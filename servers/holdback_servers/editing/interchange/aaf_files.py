"""AAF across the process boundary: what the media worker runs, and how a sheet gets there and back."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

from holdback_servers import media_worker
from holdback_servers.editing.interchange.sheet import Sheet
from holdback_servers.media_worker import Limits, WorkerReport

_HERE = "holdback_servers.editing.interchange.aaf_files"


async def written(sheet: Sheet, made: datetime, limits: Limits) -> str:
    """The bytes of an AAF file, base64. Raises as `media_worker.run`."""
    arguments = {"sheet": sheet.model_dump(mode="json"), "made": made.isoformat()}
    return str((await media_worker.run(f"{_HERE}:write_file", arguments, limits=limits))["content"])


async def opened(path: Path, limits: Limits) -> Sheet:
    """What an AAF file says, read where it can do no harm.

    Raises:
        Problem: as `aaf_reading.read`; TOO_LARGE when it takes too much to read; as `media_worker.run`.
    """
    found = await media_worker.run(f"{_HERE}:read_file", {"path": str(path)}, limits=limits)
    return Sheet.model_validate(found["sheet"])


# --- in the worker -------------------------------------------------------------------------------------------------


def write_file(arguments: dict[str, Any], _: WorkerReport) -> dict[str, Any]:
    """Write a sheet."""
    from holdback_servers.editing.interchange.aaf_writing import write

    made = write(Sheet.model_validate(arguments["sheet"]), datetime.fromisoformat(arguments["made"]))
    return {"content": base64.b64encode(made).decode()}


def read_file(arguments: dict[str, Any], _: WorkerReport) -> dict[str, Any]:
    """Read a file as a sheet. Raises Problem."""
    from holdback_servers.editing.interchange.aaf_reading import read

    return {"sheet": read(Path(arguments["path"])).model_dump(mode="json")}
