"""Reasons in words: short sentences that name the right, what it gives and what it asks. Pure."""

from datetime import datetime
from functools import lru_cache

from holdback_base.vocabulary import instant_text

from holdback_servers.rights.availability import Finding
from holdback_servers.rights.book import Entry
from holdback_servers.rights.clearance import Judged
from holdback_servers.rights.conditions import Duty
from holdback_servers.rights.model import Right
from holdback_servers.rights.moments import EventLag
from holdback_servers.rights.report import Asked
from holdback_servers.rights.tongues import grants_tongue
from holdback_servers.rights.windows import EVER, NEVER, OPEN, instant

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
        nearest = finding.entry
        return f"No grant covers {what} {part}; the nearest, {nearest.id}, gives {_scope(nearest)}."
    if not finding.entry.grants:
        return _against_text(finding, finding.entry, what)
    return _fault_text(finding, finding.entry, what, judged, asked)


def scope_text(right: Right) -> str:
    """What a right speaks of, in a few words: `linear in GB, IE from ... until ...`."""
    when = _moment("from", right.start, right.start_event) + _moment("until", right.end, right.end_event)
    return _where(right) + when


def _scope(entry: Entry) -> str:
    """The same; its record is looked up only for a window that names an event, or that is empty."""
    if entry.unresolved or entry.window == NEVER:
        return scope_text(entry.right)
    start, end = entry.window
    from_ = "" if start == EVER else f" from {_at(start)}"
    return _where(entry) + from_ + ("" if end == OPEN else f" until {_at(end)}")


def _where(scope: Right | Entry) -> str:
    where = _listed(scope.territories)
    if scope.excluded_territories:
        where += " except " + _listed(scope.excluded_territories)
    return f"{', '.join(scope.media)} in {where}"


def _moment(word: str, at: datetime | None, lag: EventLag | None) -> str:
    said = _instant(at) if at else lag.text() if lag else ""
    return f" {word} {said}" if said else ""


_instant = lru_cache(maxsize=4096)(instant_text)


@lru_cache(maxsize=4096)
def _at(point: int) -> str:
    at = instant(point)
    return "" if at is None else instant_text(at)


def duty_text(duty: Duty, what: str) -> str:
    """What a condition asks and how far the cut is from it."""
    condition = duty.condition
    frames = sum(span.frames for span in duty.spans)
    said = f" {condition.text}" if condition.text else ""
    match condition.type:
        case "credit" | "disclaimer":
            long = f" for {condition.min_seconds} s at a stretch" if condition.min_seconds else ""
            return f'{what} asks for the {condition.type} "{condition.text}"{long}; the cut does not show it.'
        case "blur":
            return f"{what} asks that {duty.ref} be obscured; in {frames} frames it is not.{said}"
        case "mute":
            return f"{what} asks that {duty.ref} be muted; in {frames} frames it is not.{said}"
        case "replace_music":
            return f"{what} asks that {duty.ref} be replaced; it is still in the cut.{said}"
        case "approval":
            return f"{what} asks for an approval of this very cut; none is recorded for it.{said}"
        case "age_gate" | "geo_block":
            gate = "an age gate" if condition.type == "age_gate" else "a geo-block"
            return f"{what} asks for {gate} where it is delivered; nobody has undertaken it.{said}"


def _listed(codes: tuple[str, ...]) -> str:
    more = len(codes) - _NAMED
    return ", ".join(codes[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _against_text(finding: Finding, entry: Entry, what: str) -> str:
    scope = _scope(entry)
    match finding.code:
        case "RIGHTS_OUT_OVERLAP":
            how = "exclusively " if entry.exclusive else "already, so not to the exclusion of others, "
            return f"{what} is licensed out {how}to {entry.contract.counterparty}: {scope}."
        case "HOLDBACK":
            return f"{what} is held back: {scope}."
        case "BLACKOUT":
            return f"{what} is blacked out: {scope}."
        case "UNRESOLVED_EVENT":
            kind = "An embargo" if entry.kind == "embargo" else f"A {entry.kind.replace('_', ' ')}"
            return (
                f"{kind} stands against {what}: {scope}. {_events(entry)} not on record, so it counts for as long "
                "as it may last; record the event to know."
            )
        case _:
            return f"{what} is under embargo: {scope}."


def _events(entry: Entry) -> str:
    names = " and ".join(entry.unresolved)
    return f"The date of {names} is"


def _fault_text(finding: Finding, entry: Entry, what: str, judged: Judged, asked: Asked) -> str:
    contract = entry.contract
    own = f"{entry.id} of {contract.title or contract.id}"
    match finding.code:
        case "CONTRACT_NOT_ACTIVE":
            said = f"names {what}, but that contract is {contract.status}"
        case "UNRESOLVED_EVENT":
            said = f"gives {what} {_scope(entry)}, once that is known. {_events(entry)} not on record"
        case "NO_EXCLUSIVE_RIGHTS_IN":
            said = f"covers {what}, but not exclusively; an exclusive grant would be enough"
        case "PURPOSE_NOT_LICENSED":
            given = ", ".join(entry.purposes) or "purposes that do not include it"
            named = "; training must be granted by name" if asked.purpose == "training" else ""
            said = f"covers {what} for {given}; not for {asked.purpose}{named}"
        case "LANGUAGE_NOT_LICENSED" if not asked.languages:
            said = f"covers {what} in {', '.join(entry.languages)} only, and the request names no language"
        case "LANGUAGE_NOT_LICENSED":
            said = f"covers {what} in {', '.join(entry.languages)}; not in {_not_covered(entry, asked)}"
        case "DERIVATIVE_NOT_ALLOWED":
            said = f"lets {what} be shown whole only, and every cut counts as a derivative; for showing it whole, ask "
            said += "check_reference with derivative=false"
        case _:
            said = _limit_text(finding, entry, what, judged, asked)
    return f"{own} {said}."


def _not_covered(entry: Entry, asked: Asked) -> str:
    missing = [each for each in asked.languages if not any(grants_tongue(own, each) for own in entry.languages)]
    return ", ".join(missing)


def _limit_text(finding: Finding, entry: Entry, what: str, judged: Judged, asked: Asked) -> str:
    limits = entry.limits
    if finding.code == "WINDOW_LIMIT":
        return f"lets {what} stay up {limits.window_days} days of 24 hours at most; asked is {asked.window.text()}"
    if finding.code == "RUNS_EXHAUSTED":
        left = max(0, (limits.max_runs or 0) - entry.taken)
        return (
            f"gives {limits.max_runs} runs of {what}, of which {entry.taken} are used or reserved; {left} are left, "
            f"{asked.runs} are asked for"
        )
    right = entry.right
    lasts = float(judged.judgement.use.seconds or 0)
    share = (
        ""
        if limits.longest == right.max_duration_seconds
        else (f" ({right.max_excerpt_percent} % of a work of {right.work_seconds} s)")
    )
    return f"lets {what} last {limits.longest} s at most{share}; in this cut it lasts {lasts:g} s"
