"""What the scheduler does for many cuts at once: a week or a month is planned as a whole, then held."""

from collections.abc import Mapping
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.publishing_parts import WeekItem, WeekPlan, WeekRequest
from holdback_agents.runtime.run import Run
from holdback_agents.scheduler.weekly import item_arguments, week_of

_LOST = ("stale", "revoked", "expired")


async def plan_week(run: Run, request: WeekRequest) -> WeekPlan:
    """Plan all items together on the channels, every rule kept, and hold what is placed.

    Raises:
        Problem: RANGE_INVALID when the window is over; CLEARANCE_STALE, CLEARANCE_REVOKED or CLEARANCE_EXPIRED for an
            item whose clearance no longer stands; CHANNEL_UNKNOWN; SLOT_TAKEN when somebody else was faster, unless
            what is left may be held alone.
    """
    end = request.window.end
    if end is not None and end <= run.started:
        raise Problem("RANGE_INVALID", f"{request.window.text()} is over.", "Plan a week that is still to come.")
    records = await _records(run, request.items)
    items = [item_arguments(number, each, records[each.clearance]) for number, each in enumerate(request.items)]
    await run.progress(f"Planning {len(items)} items", step="plan", of=3)
    started = await run.tool(
        "schedule.plan_publications",
        items=items,
        start=max(request.window.start, run.started),
        end=end,
        channels=request.channels or None,
    )
    job = started["id"]
    plan = await run.job("schedule", job, step="plan")
    if not request.hold or not plan["placements"]:
        return week_of(request.items, plan, None)
    await run.progress(f"Holding {len(plan['placements'])} placements", step="hold", of=3)
    held = await run.tool(
        "schedule.hold_plan", job_id=job, minutes=request.hold_minutes, partial=request.partial or None
    )
    return week_of(request.items, plan, held)


async def _records(run: Run, items: tuple[WeekItem, ...]) -> Mapping[str, dict[str, Any]]:
    """The clearances of all items, each looked up once. Raises Problem when one no longer stands."""
    records: dict[str, dict[str, Any]] = {}
    names = list(dict.fromkeys(each.clearance for each in items))
    for number, name in enumerate(names):
        await run.progress(f"Reading {name}", step="read", of=3, done=number, total=len(names), unit="clearances")
        record = await run.tool("rights.get_clearance", clearance=name)
        if record["status"] in _LOST:
            raise Problem(
                f"CLEARANCE_{record['status'].upper()}",
                f"The clearance {name} is {record['status']}.",
                "Have the cut cleared again, and plan it under the new clearance.",
                clearance=name,
            )
        records[name] = record
    return records
