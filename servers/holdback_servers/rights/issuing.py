"""A clearance as a statement: what may be signed, what the statement says, and how it stands later. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from holdback_servers.rights.report import CellGroup, ClearanceReport

ISSUER = "mcp:rights"
STATUS = "status+jwt"
VALID_FOR = timedelta(days=7)
"""A decision on rights grows stale: whoever has not committed by then asks again."""
STATUS_SECONDS = 60
_OPENING = ("CLEARED", "PARTIAL")


def open_cells(report: ClearanceReport) -> tuple[CellGroup, ...]:
    """The groups a statement may hold: clear now, every condition met."""
    return tuple(each for each in report.groups if each.verdict in _OPENING)


def refusal(report: ClearanceReport, *, accept_partial: bool, sign_refusal: bool) -> str | None:
    """Why no statement is signed for this report, if none is."""
    if sign_refusal and not open_cells(report):
        return None
    if not open_cells(report):
        return "no cell is clear as the cut stands; see the reasons, and the plans for what would clear it"
    if report.verdict != "CLEARED" and not accept_partial:
        return "not every cell is clear for all of the window; ask with accept_partial to have what is clear signed"
    return None


def claims(report: ClearanceReport, identity: str, now: datetime, by: Sequence[str], person: str) -> dict[str, Any]:
    """The claims of the signed clearance. `deliveries` are all sha256 it covers; the first is the subject. A refusal on
    record has no cells.

    `delivery_elements` gives each delivery's own element hash. `cells` hold only what is clear. `runs` are the
    transmissions it was decided for. `conditions` are those it relies on; `undertakings` name those among them that
    whoever delivers must keep. `exp` is seven days on, or the end of the last window where that is sooner.
    """
    cells = open_cells(report)
    relied_on = {key for each in cells for key in each.conditions}
    return {
        "iss": ISSUER,
        "sub": report.cuts[0].media,
        "elements": report.cuts[0].elements,
        "deliveries": [each.media for each in report.cuts],
        "delivery_elements": {each.media: each.elements for each in report.cuts},
        "verdict": report.verdict,
        "purpose": report.asked.purpose,
        "languages": list(report.asked.languages),
        "runs": report.asked.runs,
        "exclusive": report.asked.exclusive,
        "undertakings": list(report.asked.undertakings),
        "cells": [
            each.model_dump(mode="json", include={"territories", "platforms", "verdict", "windows"}, exclude_none=True)
            for each in cells
        ],
        "conditions": [
            each.model_dump(mode="json", include={"type", "text", "ref", "right"}, exclude_none=True)
            for each in report.conditions
            if each.met and each.key in relied_on
        ],
        "rights_snapshot": report.rights_snapshot,
        "by": list(by),
        "for": person,
        "iat": int(now.timestamp()),
        "exp": int(expiry(cells, now).timestamp()),
        "jti": identity,
    }


def expiry(cells: Sequence[CellGroup], now: datetime) -> datetime:
    """When a clearance over these cells lapses, in whole seconds."""
    latest = now + VALID_FOR
    ends = [window.end for each in cells for window in each.windows]
    last = max((end for end in ends if end is not None), default=latest)
    return (latest if None in ends else min(latest, last)).replace(microsecond=0)
