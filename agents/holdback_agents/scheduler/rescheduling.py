"""What the scheduler does when the world moves: what must come down comes down, the rest moves as little as it can."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.contracts import ClearanceReport, ClearanceRequest
from holdback_agents.publishing_parts import RescheduleReport, RescheduleRequest, ScheduleEvent
from holdback_agents.runtime.run import Run
from holdback_agents.scheduler.mending import (
    changes_of,
    event_arguments,
    fresh_request,
    happened_text,
    is_about_rights,
    left_line,
    question_of,
    report_text,
    without_rights,
)

_TRIES = 3
"""How often it is planned anew when the schedule changed meanwhile."""
_PAGE = 200
_AT_ONCE = 1000
"""Changes in one call."""


@dataclass
class _Mending:
    """One event on its way: the fresh clearance if there is one, what was done, and what a person should know."""

    event: ScheduleEvent
    reason: str
    clearance: str | None = None
    statement: str = ""
    cells: list[dict[str, Any]] | None = None
    plan: dict[str, Any] = field(default_factory=lambda: {"changes": [], "unchanged": 0})
    made: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    hold: str | None = None
    approvals: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def report(self) -> RescheduleReport:
        found = RescheduleReport(
            event=self.event,
            changes=changes_of(self.plan, self.made),
            hold=self.hold,
            unchanged=self.plan["unchanged"],
            refused=tuple(self.plan.get("refused", ())),
            clearance=self.clearance,
            approvals=tuple(self.approvals),
            notes=tuple(self.notes),
        )
        return found.model_copy(update={"text": report_text(found, happened_text(self.event))})


async def reschedule(run: Run, request: RescheduleRequest) -> RescheduleReport:
    """Plan what the event changes and do it: first what needs nobody, then, once a person said yes, what is extended.

    Where a clearance is lost or rights changed, compliance is asked for a fresh clearance of the same cuts; without one
    everything that stood on the old one comes down.

    Raises:
        Problem: CONFLICT when the clearance named is valid, or the schedule changes faster than it can be planned; and
            whatever else the schedule refuses.
    """
    mending = _Mending(request.event, request.reason or happened_text(request.event))
    if is_about_rights(request.event) and not await _knows_what_is_clear(run, mending, renew=request.apply):
        return mending.report()
    await _apply_what_needs_nobody(run, mending, apply=request.apply)
    if request.event.kind == "asset_pulled" and not mending.plan["changes"]:
        mending.notes.append("Nothing that is on show or still to come has these bytes; see whether the hash is right.")
    if mending.plan.get("refused") or not request.apply:
        return mending.report()
    await _apply_what_a_person_decides(run, mending, ask=request.ask)
    report = mending.report()
    await run.progress(f"{len(mending.made)} of {len(report.changes)} changes are made", step="apply", of=4)
    return report


async def _knows_what_is_clear(run: Run, mending: _Mending, *, renew: bool) -> bool:
    """Have compliance clear the cuts concerned again; what it opens is kept with the event.

    Returns:
        False when it is not known what is clear, and the event by itself takes nothing away, so that nothing is done.
    """
    event = mending.event
    old = await _old_clearance(run, event)
    is_lost = bool(old) and (old["status"] != "expired" or old["rights_changed"])  # what only expired may stand
    await run.progress("Looking for what is concerned", step="impact", of=4)
    concerned = await run.tool("schedule.plan_changes", event=without_rights(event))
    publications = await _publications(run, [each["publication"] for each in concerned["changes"]])
    if publications and (event.cells is None or renew):
        named = next((each["clearance"] for each in publications if each.get("clearance")), "")
        if not old and named:
            old = await run.tool("rights.get_clearance", clearance=named)
        asked = fresh_request(publications, str(old.get("statement", "")), run.started)
        await _cleared_again(run, mending, asked, renew=renew)
    if is_lost or event.cells is not None or mending.cells is not None:
        return True
    mending.notes.append("Nothing was changed: nothing is planned of it, or it is not known what is clear now.")
    return False


async def _cleared_again(run: Run, mending: _Mending, asked: ClearanceRequest | None, *, renew: bool) -> None:
    """Ask compliance; where the person may not have clearances issued, what is clear is asked without one."""
    if asked is None:
        mending.notes.append("No fresh clearance can be asked for: the library's entry of a cut is not on the books.")
        return
    await run.progress("Asking compliance for a fresh clearance", step="clear", of=4)
    report: ClearanceReport | None = None
    for issue in (True, False) if renew else (False,):
        try:
            request = asked.model_copy(update={"issue": issue})
            report = await run.delegate("clear-rights", request, ClearanceReport)
            break
        except Problem as problem:
            if problem.code == "CANCELLED":
                raise
            mending.notes.append(f"No fresh clearance: {problem.line()}")
            if problem.code != "PERMISSION_DENIED":
                return
    if report is None:
        return
    mending.notes.append(report.summary)
    mending.cells = [each.model_dump(mode="json", exclude_none=True) for each in report.cells]
    if report.statement and report.open_territories():
        mending.clearance, mending.statement = report.clearance, report.statement


async def _old_clearance(run: Run, event: ScheduleEvent) -> dict[str, Any]:
    """The clearance that an event names. Raises Problem CONFLICT when nothing is wrong with it."""
    if event.kind != "clearance_lost":
        return {}
    record = await run.tool("rights.get_clearance", clearance=event.clearance)
    if record["status"] == "valid":
        raise Problem(
            "CONFLICT",
            f"The clearance {event.clearance} is valid: nothing that stands on it is lost.",
            "Revoke it first if it must not count any more, or say that the rights of the media changed.",
        )
    return record


async def _publications(run: Run, ids: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for first in range(0, len(ids), _PAGE):
        page = await run.tool("schedule.get_schedule", publications=ids[first : first + _PAGE])
        found += page["items"]
    return found


async def _apply_what_needs_nobody(run: Run, mending: _Mending, *, apply: bool) -> None:
    """Plan, and do all that no person must decide; plan anew when the schedule changed between the two."""
    for attempt in range(1, _TRIES + 1):
        await run.progress("Working out the least that changes", step="plan", of=4)
        arguments = event_arguments(mending.event, mending.cells)
        mending.plan = await run.tool("schedule.plan_changes", event=arguments)
        free = [each for each in mending.plan["changes"] if not each["needs_person"]]
        holds = mending.event.kind == "breaking_news" and mending.event.media is not None
        if not apply or not (free or holds) or mending.plan.get("refused"):
            return
        await run.progress(f"Making {len(free)} changes", step="apply", of=4)
        try:
            await _made(run, mending, free, event=arguments if holds else None)
        except Problem as problem:
            if problem.code != "CONFLICT" or attempt == _TRIES:
                raise
        else:
            return


async def _made(
    run: Run,
    mending: _Mending,
    changes: Sequence[dict[str, Any]],
    approvals: Sequence[str] = (),
    event: dict[str, Any] | None = None,
) -> None:
    """Make the changes, what shows less first; a thousand at once, or all of them where they are fewer."""
    for first in range(0, max(len(changes), 1), _AT_ONCE):
        answer = await run.tool(
            "schedule.apply_changes",
            changes=changes[first : first + _AT_ONCE],
            event=event,
            reason=mending.reason,
            clearances=[mending.statement] if mending.statement else [],
            approvals=list(approvals),
        )
        mending.made |= {each["publication"]: each for each in answer["changes"]}
        if answer.get("hold"):
            mending.hold = answer["hold"]["id"]


async def _apply_what_a_person_decides(run: Run, mending: _Mending, *, ask: bool) -> None:
    """Ask about each cut that would be shown longer or somewhere else, and do what was approved."""
    waiting = [each for each in mending.plan["changes"] if each["needs_person"]]
    open_changes = [each for each in waiting if each["action"] == "extend"]
    mending.notes += [left_line(each) for each in waiting if each["action"] != "extend"]
    if not open_changes:
        return
    if not ask or not mending.clearance:
        why = "a clearance that gives it" if not mending.clearance else "a person's yes"
        mending.notes.append(f"{len(open_changes)} changes show more than was approved; they wait for {why}.")
        return
    await run.artifact("so-far", mending.report())
    record = await run.tool("rights.get_clearance", clearance=mending.clearance)
    shown = {each["id"]: each for each in await _publications(run, [each["publication"] for each in open_changes])}
    for media in dict.fromkeys(shown[each["publication"]]["media"] for each in open_changes):
        changes = [each for each in open_changes if shown[each["publication"]]["media"] == media]
        answer = await run.ask(question_of(changes, media, record, happened_text(mending.event)))
        if answer.decision != "approved":
            mending.notes.append(
                f"{answer.by} did not approve {len(changes)} changes: {answer.comment or 'no reason'}."
            )
            continue
        mending.approvals.append(answer.approval)
        try:
            await _made(run, mending, changes, [answer.statement])
        except Problem as problem:  # much may have happened while the person thought; what was done stays done
            if problem.code == "CANCELLED":
                raise
            mending.notes.append(f"{len(changes)} approved changes are not made: {problem.line()}")
