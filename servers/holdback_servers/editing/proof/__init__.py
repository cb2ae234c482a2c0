"""Proof that a finished file does what was promised, from its picture and its sound. Runs in the media worker.

`regions` measures what is left of a region, `sights` finds which frame of a source a frame of the cut shows, `words`
reads letters, `sounds` hears a cue under others, `stills` draws the evidence.
"""

from collections.abc import Callable
from typing import Any

from holdback_servers.editing.proof.examination import Examination
from holdback_servers.editing.proof.task import Task

Report = Callable[[int, int, str], None]


def prove_file(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Examine a finished file.

    Args:
        arguments: as `Task` reads them.

    Returns:
        `proofs`, each the JSON of a `Proof`, whose `still` is the name of a PNG in the task's folder.
    """
    examination = Examination(Task.model_validate(arguments), report)
    return {"proofs": [each.model_dump(mode="json", exclude_none=True) for each in examination.proofs()]}
