"""Turns results into the assistant's parts: versions, the question for approval, the outcome. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.contracts import (
    ApprovalAnswer,
    ApprovalQuestion,
    Brief,
    Cell,
    ClearanceReport,
    CommitReport,
    CutVersion,
    ExportedFile,
    Highlight,
    HighlightDraft,
    PickTold,
    PublicationPlan,
)
from holdback_agents.runtime.agent import Reply

_OPEN = ("CLEARED", "PARTIAL")


def cut_version(
    name: str, timeline: Mapping[str, Any], rendered: Mapping[str, Any], registered: Mapping[str, Any]
) -> CutVersion:
    """A rendered cut, from the timeline, what the render measured, and what the library made of it."""
    return CutVersion(
        name=name,
        timeline=timeline["id"],
        asset=registered["asset_id"],
        version=registered["version_id"],
        media=rendered["media"],
        elements=rendered["elements_sha256"],
        statement=rendered["statement"],
        width=rendered["width"],
        height=rendered["height"],
        frames=rendered["frames"],
        rate=timeline["rate"],
        lufs_tenths=rendered["loudness"]["lufs_tenths"] if rendered.get("loudness") else None,
        picks=tuple(PickTold.model_validate(each) for each in timeline.get("clips", ())),
        changes=tuple(timeline.get("changes", ())),
    )


def left_out(report: ClearanceReport) -> tuple[str, ...]:
    """What was asked for and is not included, and why, in words."""
    reasons = {reason.key: reason for reason in report.reasons}
    lines: list[str] = []
    for cell in report.cells:
        named = [reasons[key] for key in cell.reasons if key in reasons]
        why = "; ".join(f"{each.text} [{each.right}]" if each.right else each.text for each in named)
        if cell.verdict not in _OPEN:
            lines.append(f"{_places(cell)}: not shown. {why}")
        elif cell.verdict == "PARTIAL":
            when = ", ".join(window.text() for window in cell.windows)
            lines.append(f"{_places(cell)}: only {when}. {why}")
    return tuple(lines)


def _places(cell: Cell) -> str:
    return f"{', '.join(cell.territories)} on {', '.join(cell.platforms)}"


def draft_of(
    brief: Brief,
    title: str,
    versions: Sequence[CutVersion],
    notes: tuple[str, ...],
    plan: PublicationPlan | None = None,
) -> HighlightDraft:
    """How far it is, with what the last version leaves out."""
    report = versions[-1].report
    return HighlightDraft(
        title=title,
        brief=brief,
        versions=tuple(versions),
        slots=plan.slots if plan else (),
        not_included=left_out(report) if report else (),
        notes=notes,
    )


def question_of(
    title: str, final: CutVersion, report: ClearanceReport, plan: PublicationPlan, notes: tuple[str, ...] = ()
) -> ApprovalQuestion:
    """What a person is asked: these bytes, under this clearance, in these slots; and what is not included."""
    where = "; ".join(f"{slot.channel} {slot.local_start}" for slot in plan.slots)
    text = f"Publish {title!r} ({final.media[:19]}...) on {where}, under clearance {report.clearance}?"
    return ApprovalQuestion(
        title=title,
        media=final.media,
        elements=final.elements,
        clearance=report.clearance or "",
        clearance_statement=report.statement or "",
        slots=plan.slots,
        conditions_met=tuple(f"{each.type}: {each.text}" for each in report.conditions if each.met),
        not_included=left_out(report),
        notes=notes,
        text=text,
    )


def calendar_file(content: str) -> ExportedFile:
    """The schedule as a file."""
    return ExportedFile(filename="schedule.ics", media_type="text/calendar; charset=utf-8", content=content)


def highlight_of(
    draft: HighlightDraft,
    *,
    answer: ApprovalAnswer,
    committed: CommitReport,
    files: tuple[ExportedFile, ...],
) -> Highlight:
    """The outcome; the draft's last version has a clearance."""
    final = draft.versions[-1]
    assert final.report is not None
    where = ", ".join(sorted({publication.channel for publication in committed.publications}))
    return Highlight(
        title=draft.title,
        brief=draft.brief,
        asset=final.asset,
        versions=draft.versions,
        clearance=final.report.clearance or "",
        clearance_statement=final.report.statement or "",
        approval=answer,
        slots=draft.slots,
        publications=committed.publications,
        not_included=draft.not_included,
        notes=draft.notes,
        files=files,
        text=f"{draft.title} is scheduled on {where}; approved by {answer.by}.",
    )


def highlight_reply(highlight: Highlight) -> Reply:
    """The outcome as data, and in a sentence."""
    return Reply((highlight, highlight.text))
