"""Reasons in words: short sentences that name the right, what it gives and what it asks. Pure."""

from holdback_base.vocabulary import instant_text

from holdback_servers.rights.availability import Finding
from holdback_servers.rights.book import Entry
from holdback_servers.rights.clearance import Judged
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.model import Right
from holdback_servers.rights.report import Asked

_NAMED = 12
"""Codes named one by one before the rest is only counted."""


def reason_text(finding: Finding, judged: Judged | None, asked: Asked) -> str:
    """One sentence for a finding. It says nothing of the cell, so that cells alike share it."""
    if judged is None:
        return "Each element is clear for some of the window, but never all of them at once."
    return _element_text(finding, judged, asked)


def _element_text(finding: Finding, judged: Judged, asked: Asked) -> str:
    what = f"{judged.element.name} ({judged.kind.replace('_', ' ')})"
    if finding.code == "ELEMENT_UNKNOWN":
        return f"Nobody has recorded any right for {what}, {judged.element.ref}; unknown is never clear."
    if finding.entry is None:
        return f"No grant is recorded for {what}."
    if finding.duty is not None:
        return duty_text(finding.duty, what)
    if finding.code in ("NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN"):
        part = "here and then" if finding.code == "NO_RIGHTS_IN" else "for all of the window"
        nearest = finding.entry.right
        return f"No grant covers {what} {part}; the nearest, {nearest.id}, gives {scope_text(nearest)}."
    if not finding.entry.grants:
        return _against_text(finding, finding.entry, what)
    return _fault_text(finding, finding.entry, what, judged, asked)


def scope_text(right: Right) -> str:
    """What a right speaks of, in a few words: `linear in GB, IE from ... until ...`."""
    where = _listed(right.territories)
    if right.excluded_territories:
        where += " except " + _listed(right.excluded_territories)
    when = f" from {instant_text(right.start)}" if right.start else ""
    when += f" until {instant_text(right.end)}" if right.end else ""
    return f"{', '.join(right.media)} in {where}{when}"


def duty_text(duty: Duty, what: str) -> str:
    """What a condition asks and how far the cut is from it."""
    condition = duty.condition
    frames = sum(span.frames for span in duty.spans)
    said = f" {condition.text}" if condition.text else ""
    match condition.type:
        case "credit" | "disclaimer":
            long = f" for {condition.min_seconds} s in all" if condition.min_seconds else ""
            return f'{what} asks for the {condition.type} "{condition.text}"{long}; the cut does not show it.'
        case "blur":
            return f"{what} asks that {duty.ref} be obscured; in {frames} frames it is not.{said}"
        case "mute":
            return f"{what} asks that {duty.ref} be muted; in {frames} frames it is not.{said}"
        case "replace_music":
            return f"{what} asks that {duty.ref} be replaced; it is still in the cut.{said}"
        case "age_gate" | "geo_block" | "approval":
            return f"{what} asks for an {condition.type.replace('_', ' ')}, which a cut cannot show.{said}"


def _listed(codes: tuple[str, ...]) -> str:
    more = len(codes) - _NAMED
    return ", ".join(codes[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _against_text(finding: Finding, entry: Entry, what: str) -> str:
    scope = scope_text(entry.right)
    match finding.code:
        case "RIGHTS_OUT_OVERLAP":
            return f"{what} is licensed out exclusively to {entry.contract.counterparty}: {scope}."
        case "HOLDBACK":
            return f"{what} is held back: {scope}."
        case "BLACKOUT":
            return f"{what} is blacked out: {scope}."
        case _:
            return f"{what} is under embargo: {scope}."


def _fault_text(finding: Finding, entry: Entry, what: str, judged: Judged, asked: Asked) -> str:
    right, contract = entry.right, entry.contract
    match finding.code:
        case "CONTRACT_NOT_ACTIVE":
            return f"{right.id} names {what}, but its contract {contract.title or contract.id} is {contract.status}."
        case "PURPOSE_NOT_LICENSED":
            given = ", ".join(right.purposes) or "purposes that do not include it"
            return f"{right.id} covers {what} for {given}; not for {asked.purpose}."
        case "LANGUAGE_NOT_LICENSED":
            wanted = ", ".join(asked.languages) or "a language that the request does not name"
            return f"{right.id} covers {what} in {', '.join(right.languages)}; not in {wanted}."
        case "DERIVATIVE_NOT_ALLOWED":
            return f"{right.id} lets {what} be shown whole only, not cut."
        case _:
            lasts = float(judged.judgement.use.seconds or 0)
            return (
                f"{right.id} lets {what} last {right.max_duration_seconds} s at most; in this cut it lasts {lasts:g} s."
            )
