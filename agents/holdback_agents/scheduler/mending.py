"""What an event asks of the schedule, and what its answers mean, as values. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from holdback_base.vocabulary import instant_text

from holdback_agents.contracts import ApprovalQuestion, Availability, ClearanceRequest, ShownChange
from holdback_agents.phrases import claims_of
from holdback_agents.publishing_parts import RescheduleReport, ScheduleChange, ScheduleEvent

_ROOM = timedelta(days=28)
"""How far beyond what it covers now a cut is cleared again, so that it may be moved there."""


def event_arguments(event: ScheduleEvent, cells: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """The event as plan_changes takes it; `cells` instead of those it came with, where they are given."""
    shape = event.model_dump(mode="json", exclude_none=True)
    return shape if cells is None else shape | {"cells": [dict(each) for each in cells]}


def is_about_rights(event: ScheduleEvent) -> bool:
    """Whether what may be shown has changed, so that a fresh clearance helps."""
    return event.kind in ("clearance_lost", "rights_changed", "embargo_lifted")


def without_rights(event: ScheduleEvent) -> dict[str, Any]:
    """The event that touches every publication concerned: nothing of the clearance, or of the media, is open."""
    if event.kind == "clearance_lost":
        return {"kind": "clearance_lost", "clearance": event.clearance, "cells": []}
    return {"kind": "rights_changed", "media": event.media, "cells": []}


def fresh_request(publications: Sequence[Mapping[str, Any]], statement: str, now: datetime) -> ClearanceRequest | None:
    """What compliance is asked for in place of a clearance: the same cuts, wherever and whenever they are shown.

    Args:
        publications: those that rely on it, as get_schedule gives them.
        statement: the signed clearance; its purpose and languages are asked for again.
        now: from here on it may be shown as well, so that it may be moved there.

    Returns:
        None when no publication is left, or the library's entry of one of the cuts is not known.
    """
    media = tuple(dict.fromkeys(str(each.get("media", "")) for each in publications))
    assets = {name: _entries(publications, name) for name in media}
    if not publications or not all(assets.values()):
        return None
    pieces = [Availability.model_validate(piece) for each in publications for piece in each["availability"]]
    ends = [piece.end for piece in pieces]
    latest = None if None in ends else max(end for end in ends if end is not None) + _ROOM
    claims = claims_of(statement)
    return ClearanceRequest.model_validate(
        {
            "assets": tuple(dict.fromkeys(asset for name in media for asset in assets[name])),
            "media": media,
            "territories": tuple(sorted({territory for piece in pieces for territory in piece.territories})),
            "platforms": tuple(sorted({str(each["platform"]) for each in publications})),
            "window": {"start": min(now, *(piece.start for piece in pieces)), "end": latest},
            **{name: claims[name] for name in ("purpose", "languages", "undertakings") if claims.get(name)},
        }
    )


def _entries(publications: Sequence[Mapping[str, Any]], media: str) -> tuple[str, ...]:
    """The library's entries of a cut, as far as any of its publications names them: those that stand on a clearance
    before those that only hold a slot, which may name none, or another."""
    of_it = [each for each in publications if each.get("media") == media and each.get("asset")]
    committed = [each for each in of_it if each.get("clearance")]
    return tuple(dict.fromkeys(str(each["asset"]) for each in committed or of_it))


def changes_of(plan: Mapping[str, Any], made: Mapping[str, Mapping[str, Any]]) -> tuple[ScheduleChange, ...]:
    """The changes of a plan; `made` are those that were applied, as they were, by publication."""
    return tuple(
        ScheduleChange.model_validate({**made.get(each["publication"], each), "applied": each["publication"] in made})
        for each in plan["changes"]
    )


def question_of(
    changes: Sequence[Mapping[str, Any]], media: str, record: Mapping[str, Any], happened: str
) -> ApprovalQuestion:
    """What a person is asked before these publications of one cut are shown longer or somewhere else.

    Args:
        record: the fresh clearance, as get_clearance gives it.
        happened: why, in words.
    """
    lines = [change_line(ScheduleChange.model_validate(each)) for each in changes]
    elements = next(each["elements"] for each in record["deliveries"] if each["media"] == media)
    title = str(changes[0]["title"])
    return ApprovalQuestion(
        title=title,
        media=media,
        elements=elements,
        clearance=record["clearance"],
        clearance_statement=record["statement"],
        slots=(),
        publications=tuple(
            ShownChange(publication=each["publication"], channel=each["channel"], availability=each["after"])
            for each in changes
        ),
        conditions_met=tuple(f"{each['type']}: {each['text']}" for each in record.get("conditions", ()) if each["met"]),
        notes=(happened, *lines),
        text="\n".join([f"{happened} Change {title!r}, under clearance {record['clearance']}?", *lines]),
    )


def change_line(change: ScheduleChange) -> str:
    """What is done about one publication: `move pub_... 'Title' on channel: before -> after`."""
    before, after = (_pieces(pieces) for pieces in (change.before, change.after))
    return f"{change.action} {change.publication} {change.title!r} on {change.channel}: {before} -> {after}"


def left_line(change: Mapping[str, Any]) -> str:
    """What stays as it is although something is wrong with it: nobody but a person can see to it."""
    return f"See to {change['publication']} {change['title']!r} on {change['channel']}: {'; '.join(change['reasons'])}."


def _pieces(pieces: Sequence[Availability]) -> str:
    told = (
        f"{', '.join(each.territories)} {instant_text(each.start)} to "
        f"{'no end' if each.end is None else instant_text(each.end)}"
        for each in pieces
    )
    return "; ".join(told) or "nowhere"


def report_text(report: RescheduleReport, happened: str) -> str:
    """Before and after in lines: what was done, what is left, and why."""
    done = sum(each.applied for each in report.changes)
    lines = [
        f"{happened} {done} of {len(report.changes)} changes are made; {report.unchanged} others stay as they are."
    ]
    lines += [f"Cannot be done: {each}" for each in report.refused]
    for each in report.changes:
        lines.append(f"{'done' if each.applied else 'open'}: {change_line(each)}")
        lines += [f"  {reason}" for reason in each.reasons]
    if report.hold:
        lines.append(f"{report.hold} keeps the slot.")
    return "\n".join([*lines, *report.notes])


def happened_text(event: ScheduleEvent) -> str:
    """What happened, as a sentence."""
    match event.kind:
        case "clearance_lost":
            return f"The clearance {event.clearance} no longer stands."
        case "rights_changed":
            return f"The rights of {_short(event.media)} changed."
        case "embargo_lifted":
            return f"An embargo on {_short(event.media)} is lifted."
        case "asset_pulled":
            return f"{_short(event.media)} is pulled."
        case "breaking_news":
            return f"{event.title!r} must go out on {event.channel} at {instant_text(cast(Any, event.start))}."
        case "channel_down":
            return f"{event.channel} is down {event.window.text() if event.window else ''}."


def _short(media: str | None) -> str:
    return (media or "")[:19]
