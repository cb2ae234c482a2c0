"""The policies of a home: read and checked when it opens, shown and explained to people."""

import json
from importlib import resources
from pathlib import Path

from holdback_trust.policy import Policies, house_policies

FOLDER = "policies"
"""Of a home: every `*.cedar` in it counts."""
ROOMS = ("assets", "editing", "rights", "schedule")


def open_policies(home: Path) -> Policies:
    """What every house has, and the home's own besides.

    Raises:
        Problem: INVALID_ARGUMENT with file, line and cure for the first policy that is not one.
    """
    folder = home / FOLDER
    if not folder.is_dir():
        return house_policies(folder)
    return house_policies(folder, capabilities())


def capabilities() -> dict[str, str]:
    """Every tool of the rooms, such as `rights.check_clearance`, and its kind: read, write or destroy."""
    found: dict[str, str] = {}
    for room in ROOMS:
        text = resources.files("holdback_servers").joinpath(room, "tools.json").read_text(encoding="utf-8")
        for tool in json.loads(text):
            hints = tool["annotations"]
            kind = "read" if hints["readOnlyHint"] else "destroy" if hints["destructiveHint"] else "write"
            found[f"{room}.{tool['name']}"] = kind
    return found
