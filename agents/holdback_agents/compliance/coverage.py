"""Whether a publication stands on a clearance, minute by minute and territory by territory. Pure.

It reads what the rights server says of the clearance and what the schedule says of the publication, and decides nothing
about rights itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holdback_base.vocabulary import TimeRange, difference, intersection, medium_within, territory_within, union

from holdback_agents.contracts import Availability
from holdback_agents.publishing_parts import Finding, Standing

OPENING = frozenset({"CLEARED", "PARTIAL"})
"""Verdicts of cells whose windows may be used."""
COMMITTED = frozenset({"approved", "scheduled", "live"})
"""States of a publication that was admitted under its clearance."""


def standing_of(
    publication: Mapping[str, Any], record: Mapping[str, Any] | None, approvals: Mapping[str, str] | None = None
) -> Standing:
    """How a publication, as get_schedule gives it, stands on a clearance, as get_clearance gives it; None is no
    clearance at all. `approvals` are how approvals stand, where that was asked."""
    findings = [*_approval(publication, approvals or {}), *_findings(publication, record)]
    return Standing(
        publication=publication["id"],
        hold=publication.get("hold"),
        title=publication["title"],
        channel=publication["channel"],
        platform=publication["platform"],
        state=publication["state"],
        start=publication["start"],
        end=publication.get("end"),
        clearance="" if record is None else record["clearance"],
        status="" if record is None else record["status"],
        stands=not findings,
        findings=tuple(findings),
    )


def clearance_standing(record: Mapping[str, Any], media: str | None) -> Standing:
    """How a clearance stands by itself, for these bytes where they are given."""
    findings = [*_bytes(record, media), *_status(record, committed=False)]
    return Standing(
        clearance=record["clearance"], status=record["status"], stands=not findings, findings=tuple(findings)
    )


def _approval(publication: Mapping[str, Any], approvals: Mapping[str, str]) -> list[Finding]:
    name = publication.get("approval") or ""
    if approvals.get(name) != "revoked":
        return []
    return [Finding(code="APPROVAL_REVOKED", text=f"The approval {name} was taken back.")]


def _findings(publication: Mapping[str, Any], record: Mapping[str, Any] | None) -> list[Finding]:
    if record is None:
        return [Finding(code="NOT_CLEARED", text="No clearance is on record for it.")]
    pieces = [Availability.model_validate(each) for each in publication["availability"]]
    return [
        *_bytes(record, publication.get("media")),
        *_status(record, committed=publication["state"] in COMMITTED),
        *_lost(record, pieces, publication["platform"]),
        *uncovered(record["cells"], pieces, publication["platform"]),
    ]


def _bytes(record: Mapping[str, Any], media: str | None) -> list[Finding]:
    if media is None or any(each["media"] == media for each in record["deliveries"]):
        return []
    text = f"The clearance {record['clearance']} is for other media than {media[:19]}."
    return [Finding(code="CLEARANCE_HASH_MISMATCH", text=text)]


def _status(record: Mapping[str, Any], *, committed: bool) -> list[Finding]:
    name, status = record["clearance"], record["status"]
    if status == "revoked":
        return [Finding(code="CLEARANCE_REVOKED", text=f"The clearance {name} was revoked: {record.get('reason')}")]
    if status == "stale":
        return [Finding(code="CLEARANCE_STALE", text=f"The clearance {name} is stale since {record.get('stale')}.")]
    if status != "expired":
        return []
    if not committed:
        return [Finding(code="CLEARANCE_EXPIRED", text=f"The clearance {name} expired at {record['expires']}.")]
    if record["rights_changed"]:  # what is committed may outlive its paper, as long as the rights are what they were
        text = f"The clearance {name} expired at {record['expires']}, and the rights under it have changed since."
        return [Finding(code="CLEARANCE_EXPIRED", text=text)]
    return []


def _lost(record: Mapping[str, Any], pieces: Sequence[Availability], platform: str) -> list[Finding]:
    """Of what the clearance lost, that which the publication would use."""
    found: list[Finding] = []
    for loss in record.get("lost", ()):
        if not any(medium_within(platform, each) for each in loss["platforms"]):
            continue
        windows = [TimeRange.model_validate(each) for each in loss["windows"]]
        places = frozenset(loss["territories"])
        for piece in pieces:
            shared = intersection([TimeRange(start=piece.start, end=piece.end)], windows)
            hit = tuple(each for each in piece.territories if territory_within(each, places))
            if shared and hit:
                text = f"No longer clear in {', '.join(hit)}, {_told(shared)}: {' '.join(loss['reasons'])}"
                found.append(Finding(code="OUTSIDE_CLEARED_WINDOW", text=text, territories=hit, windows=tuple(shared)))
    return found


def uncovered(cells: Iterable[Mapping[str, Any]], pieces: Sequence[Availability], platform: str) -> list[Finding]:
    """Where and when pieces of availability on a platform are not open by the cells of a clearance or a report."""
    opening = [
        (frozenset(cell["territories"]), [TimeRange.model_validate(each) for each in cell["windows"]])
        for cell in cells
        if cell["verdict"] in OPENING and any(medium_within(platform, each) for each in cell["platforms"])
    ]
    found: dict[tuple[str, tuple[TimeRange, ...]], list[str]] = {}
    for piece in pieces:
        for territory in piece.territories:
            windows = union(
                window for places, each in opening if territory_within(territory, places) for window in each
            )
            shut = difference([TimeRange(start=piece.start, end=piece.end)], windows)
            if shut:
                code = "OUTSIDE_CLEARED_WINDOW" if windows else "TERRITORY_NOT_CLEARED"
                found.setdefault((code, tuple(shut)), []).append(territory)
    return [
        Finding(
            code=code,
            text=f"Not cleared in {', '.join(places)} on {platform}, {_told(shut)}.",
            territories=tuple(places),
            windows=shut,
        )
        for (code, shut), places in found.items()
    ]


def _told(windows: Iterable[TimeRange]) -> str:
    return "; ".join(each.text() for each in windows)
