"""What the scheduler answers to *why there* and *why not there*."""

from typing import Any

from holdback_agents.publishing_parts import SlotExplanation, SlotQuestion
from holdback_agents.runtime.run import Run
from holdback_agents.scheduler.reply import explanation_of


async def explain(run: Run, question: SlotQuestion) -> SlotExplanation:
    """Have the schedule judge the start by every rule, and say what is nearest.

    Raises:
        Problem: NOT_FOUND, CHANNEL_UNKNOWN; INVALID_ARGUMENT for a publication that stands on no clearance.
    """
    record: dict[str, Any] = {}
    if question.clearance and not question.cells:
        record = await run.tool("rights.get_clearance", clearance=question.clearance, media=question.media)
    cells = [each.model_dump(mode="json", exclude_none=True) for each in question.cells] or record.get("cells")
    territories = question.territories
    if not territories and question.publication is None:
        territories = tuple(dict.fromkeys(each for cell in cells or () for each in cell["territories"]))
    title = question.title or (f"Cut cleared by {question.clearance}" if question.publication is None else None)
    answer = await run.tool(
        "schedule.explain_slot",
        channel=question.channel,
        start=question.start,
        publication=question.publication,
        title=title,
        media=question.media or (record["deliveries"][0]["media"] if record and not question.publication else None),
        territories=territories or None,
        cleared=cells or None,
        duration_seconds=question.seconds,
        until=question.until,
        after_watershed=question.after_watershed or None,
    )
    return explanation_of(answer)
