"""What compliance does over time: hears what ends, sees what no longer stands, and has the schedule mended."""

from collections.abc import Sequence
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.compliance.checking import standings
from holdback_agents.compliance.coverage import COMMITTED
from holdback_agents.compliance.endings import ending_publications, report_text
from holdback_agents.publishing_parts import (
    ExpiryReport,
    ExpiryWatch,
    RescheduleReport,
    RescheduleRequest,
    ScheduleEvent,
    Standing,
)
from holdback_agents.runtime.run import Run

_PAGE = 200
_MOST_PAGES = 50
"""Of the schedule, and of grants that end: 10,000 of each."""
_MOST_CLEARANCES = 150
"""How many clearances one watch asks about; those of what ends first come first."""
_MOST_MENDED = 80
"""For how many lost clearances one watch has the schedule mended: a task may take only so many steps."""
_FIRST = "1970-01-01T00:00:00Z"
"""What is live may have begun long ago."""


async def watch_expiry(run: Run, request: ExpiryWatch) -> ExpiryReport:
    """Report what ends within the days and what is at risk; with `act`, have the schedule mended for what is lost.

    Raises:
        Problem: CHANNEL_UNKNOWN; PERMISSION_DENIED when it shall act for a person who may not change the schedule.
    """
    await run.progress("Reading the schedule", step="read", of=3)
    publications = await _pages(
        run,
        "schedule.get_schedule",
        channels=request.channels or None,
        start=_FIRST,
        states=sorted(COMMITTED | {"held"}),
    )
    ending = await _pages(run, "rights.report_expiring", days=request.days)
    endings = ending_publications(publications, ending, run.started, request.days)
    await run.progress(
        f"{len({each.publication for each in endings})} publications end within {request.days} days", step="check", of=3
    )
    watched, unchecked = _watched(publications)
    risky = tuple(each for each in await standings(run, watched) if not each.stands)
    report = ExpiryReport(endings=endings, at_risk=risky, unchecked=unchecked)
    if request.act and risky:
        await run.artifact("found", report.model_copy(update={"text": report_text(report, request.days)}))
        done, failed = await _mended(run, risky)
        report = report.model_copy(update={"rescheduled": done, "failed": failed})
    return report.model_copy(update={"text": report_text(report, request.days)})


async def _pages(run: Run, capability: str, **arguments: Any) -> list[dict[str, Any]]:
    """All pages of a list. Raises Problem TOO_LARGE for a list of more than 10,000."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await run.tool(capability, limit=_PAGE, cursor=cursor, **arguments)
        items += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return items
    raise Problem(
        "TOO_LARGE",
        f"{capability} lists more than {_PAGE * _MOST_PAGES}.",
        "Watch some channels at a time, or fewer days.",
    )


def _watched(publications: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Publications with a clearance, what ends first first; and clearances that are one too many."""
    found = [each for each in publications if each.get("clearance")]
    found.sort(key=lambda each: (each.get("end") is None, each.get("end") or "", each["id"]))
    names = list(dict.fromkeys(each["clearance"] for each in found))
    kept = frozenset(names[:_MOST_CLEARANCES])
    return [each for each in found if each["clearance"] in kept], tuple(names[_MOST_CLEARANCES:])


async def _mended(run: Run, risky: Sequence[Standing]) -> tuple[tuple[RescheduleReport, ...], tuple[str, ...]]:
    """The scheduler's reports, one a lost clearance, and what it failed of; nobody is asked, so nothing is extended."""
    lost = dict.fromkeys(each.clearance for each in risky if each.status != "valid" and each.state in COMMITTED)
    done: list[RescheduleReport] = []
    failed: list[str] = []
    for number, clearance in enumerate(list(lost)):
        if number >= _MOST_MENDED:
            failed.append(f"{clearance}: not tried, for {_MOST_MENDED} others are lost too; watch again.")
            continue
        await run.progress(
            f"Having the schedule mended for {clearance}", step="act", of=3, done=number, total=len(lost)
        )
        request = RescheduleRequest(
            event=ScheduleEvent(kind="clearance_lost", clearance=clearance),
            reason=f"compliance found that {clearance} no longer stands",
            ask=False,
        )
        try:
            done.append(await run.delegate("reschedule", request, RescheduleReport))
        except Problem as problem:
            if problem.code in ("PERMISSION_DENIED", "CANCELLED"):
                raise
            failed.append(f"{clearance}: {problem.line()}")
    return tuple(done), tuple(failed)
