"""What the scheduler does: the best slot on each channel is held, and held slots are committed, all or none."""

from collections.abc import Sequence

from holdback_base.problem import Problem

from holdback_agents.contracts import (
    Cell,
    CommitReport,
    CommitRequest,
    Publication,
    PublicationPlan,
    PublicationRequest,
    Slot,
)
from holdback_agents.phrases import claims_of
from holdback_agents.publishing_parts import MOST_CHECKED, PublicationCheck, PublicationStanding, Standing
from holdback_agents.runtime.run import Run
from holdback_agents.scheduler.reply import committed, free_slots, plan_of, slot_of

_TRIED = 3
"""Slots asked for on each channel: the best may be one that displaces something."""
_UNSURE = frozenset({"UNAVAILABLE", "INTERNAL"})
"""Answers after which something may have been committed all the same."""


async def plan_publication(run: Run, request: PublicationRequest) -> PublicationPlan:
    """Propose on every channel of the platforms, hold the best slot of each, and say what was refused.

    Raises:
        Problem: NOT_CLEARED when no channel has a slot that keeps every rule.
    """
    request = await _with_what_is_cleared(run, request)
    await run.progress("Looking for slots", step="propose", of=2)
    proposal = await run.tool(
        "schedule.propose_slots",
        title=request.title,
        media=request.media,
        territories=request.territories,
        cleared=[cell.model_dump(mode="json", exclude_none=True) for cell in request.cells],
        duration_seconds=request.seconds,
        platforms=request.platforms,
        earliest=request.window.start,
        latest=request.window.end,
        until=request.window.end,
        count=_TRIED,
    )
    channels = [each for each in map(free_slots, proposal["channels"]) if each["slots"]]
    if not channels:
        raise Problem(
            "NOT_CLEARED",
            f"No channel has a slot for {request.title!r} that keeps every rule.",
            "Ask for other platforms, more time, or wait until more is cleared.",
            refused=[each.get("refused", [])[:1] for each in proposal["channels"]],
        )
    slots: list[Slot] = []
    for number, channel in enumerate(channels):
        best = channel["slots"][0]
        text = f"Holding {best['local_start']} on {channel['channel']}"
        await run.progress(text, step="hold", of=2, done=number, total=len(channels), unit="slots")
        hold = await run.tool(
            "schedule.hold_slot",
            channel=channel["channel"],
            title=request.title,
            media=request.media,
            availability=best["availability"],
            asset=request.asset,
            minutes=request.hold_minutes,
            reasons=best["reasons"][:20],
        )
        slots.append(slot_of(channel, best, hold))
    await run.progress(f"{len(slots)} slots held", step="hold", of=2, done=len(slots), total=len(slots), unit="slots")
    return plan_of(slots)


async def _with_what_is_cleared(run: Run, request: PublicationRequest) -> PublicationRequest:
    """The request with what it leaves out taken from the clearance on record."""
    if request.media and request.territories and request.cells:
        return request
    record = await run.tool("rights.get_clearance", clearance=request.clearance, media=request.media)
    cells = request.cells or tuple(Cell.model_validate(each) for each in record["cells"])
    named = (territory for cell in cells for territory in cell.territories)
    return request.model_copy(
        update={
            "media": request.media or record["deliveries"][0]["media"],
            "territories": request.territories or tuple(dict.fromkeys(named)),
            "cells": cells,
        }
    )


async def commit_publication(run: Run, request: CommitRequest) -> CommitReport:
    """Commit the held slots under the clearance and the approval, all or none: when one is refused, or the task is
    cancelled meanwhile, the others are taken back.

    Before that compliance is asked once more whether the clearance still stands for each of them. What was committed
    before this is never taken back.

    Raises:
        Problem: what compliance or the schedule refused, such as CLEARANCE_STALE, APPROVAL_HASH_MISMATCH or
            OUTSIDE_CLEARED_WINDOW.
    """
    if request.release:
        return await _released(run, request.holds)
    holds = tuple(dict.fromkeys(request.holds))
    held = await _require_standing(run, request)
    done: list[Publication] = []
    for number, hold in enumerate(holds):
        if hold in held:
            reason = "Taken back: not all that was to be committed with it could be."
            run.undo(hold, "schedule.cancel_publication", "schedule:commit", publication=hold, reason=reason)
        await run.progress(f"Committing {hold}", done=number, total=len(holds), unit="publications")
        try:
            answer = await run.tool(
                "schedule.commit_publication",
                hold=hold,
                clearance=request.clearance_statement,
                approval=request.approval_statement,
            )
        except Problem as problem:
            if problem.code not in _UNSURE:
                run.keep(hold)  # it was refused: its slot is as it was
            raise
        done.append(committed(answer))
    channels = sorted({each.channel for each in done})
    calendar = await run.tool("schedule.export_schedule", format="ical", channels=channels)
    return CommitReport(publications=tuple(done), calendar="".join(each["content"] for each in calendar["files"]))


async def _require_standing(run: Run, request: CommitRequest) -> frozenset[str]:
    """Those of the slots that are only held yet; compliance says that the clearance stands for every one of them.

    Raises Problem with the first thing that it found.
    """
    clearance = claims_of(request.clearance_statement).get("jti")
    if not isinstance(clearance, str):
        raise Problem(
            "STATEMENT_INVALID", "The clearance is no signed statement.", "Pass the clearance as rights issued it."
        )
    items: list[Standing] = []
    for first in range(0, len(request.holds), MOST_CHECKED):
        check = PublicationCheck(publications=request.holds[first : first + MOST_CHECKED], clearance=clearance)
        items += (await run.delegate("check-publication", check, PublicationStanding)).items
    for each in items:
        if not each.stands:
            first = each.findings[0]
            raise Problem.from_dict(
                {
                    "code": first.code,
                    "message": f"{each.hold or each.publication} cannot be committed: {first.text}",
                    "hint": "Have the cut cleared again, and hold slots within what is clear.",
                    "details": {"findings": [finding.model_dump(mode="json") for finding in each.findings]},
                }
            )
    only_held = [each for each in items if each.state == "held"]
    return frozenset(name for each in only_held for name in (each.hold, each.publication) if name)


async def _released(run: Run, holds: Sequence[str]) -> CommitReport:
    """Give held slots back."""
    for hold in holds:
        await run.tool("schedule.cancel_publication", publication=hold, reason="Not approved.")
    await run.progress(f"{len(holds)} slots given back")
    return CommitReport(publications=())
