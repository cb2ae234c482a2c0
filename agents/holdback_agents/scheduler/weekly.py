"""Items of a week as the schedule takes them, and its plan as the scheduler's part. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.publishing_parts import Unplaced, WeekItem, WeekPlan, WeekSlot


def item_arguments(number: int, item: WeekItem, record: Mapping[str, Any]) -> dict[str, Any]:
    """An item as plan_publications takes it; its key is its number.

    Args:
        record: its clearance, as get_clearance gives it: media, cells and territories that the item leaves out.
    """
    cells = [each.model_dump(mode="json", exclude_none=True) for each in item.cells] or list(record["cells"])
    named = dict.fromkeys(territory for cell in cells for territory in cell["territories"])
    optional: dict[str, Any] = {
        "asset": item.asset,
        "earliest": item.earliest,
        "latest": item.latest,
        "until": item.until,
        "channels": item.channels,
        "platforms": item.platforms,
    }
    return {
        "key": str(number),
        "title": item.title,
        "media": item.media or record["deliveries"][0]["media"],
        "duration_seconds": item.seconds,
        "territories": item.territories or tuple(named),
        "cleared": cells,
        "after_watershed": item.after_watershed,
        "copies": item.copies,
        "weight": item.weight,
        "details": {"priority": item.priority, "duration_seconds": item.seconds},
        **{name: value for name, value in optional.items() if value},
    }


def week_of(items: Sequence[WeekItem], plan: Mapping[str, Any], held: Mapping[str, Any] | None) -> WeekPlan:
    """The plan with its holds.

    Args:
        items: what was asked.
        plan: the result of the planning job.
        held: what hold_plan answered; None when nothing was to be held.
    """
    holds = {(each["item"], each["channel"]): each for each in (held or {}).get("held", ())}
    placements: list[WeekSlot] = []
    for each in plan["placements"]:
        slot, hold = each["slot"], holds.get((each["item"], each["channel"]), {})
        placements.append(
            WeekSlot(
                item=int(each["item"]),
                title=each["title"],
                channel=each["channel"],
                start=slot["start"],
                local_start=slot["local_start"],
                reach=slot["reach"],
                availability=slot["availability"],
                reasons=tuple(slot.get("reasons", ())),
                hold=hold.get("hold"),
                expires=hold.get("expires"),
            )
        )
    unplaced = tuple(
        Unplaced(
            item=int(each["item"]),
            title=each["title"],
            channel=each.get("channel") or "",
            text=each["text"],
            cures=tuple(cure["text"] for cure in each.get("cures", ())),
        )
        for each in plan.get("unplaced", ())
    )
    week = WeekPlan(
        placements=tuple(placements),
        unplaced=unplaced,
        not_held=tuple(str(each["text"]) for each in (held or {}).get("not_held", ())),
        value=plan["value"],
    )
    return week.model_copy(update={"text": week_text(week, len(items))})


def week_text(week: WeekPlan, wanted: int) -> str:
    """The week in lines, by channel; then what did not fit, why, and what would make it fit."""
    held = sum(each.hold is not None for each in week.placements)
    lines = [f"{wanted} items: {len(week.placements)} placements, {held} held; {len(week.unplaced)} did not fit."]
    channel = ""
    for each in week.placements:
        if each.channel != channel:
            channel = each.channel
            lines.append(channel)
        hold = f"  {each.hold}" if each.hold else ""
        lines.append(f"  {each.local_start}  {each.title}  reach {each.reach}{hold}")
    lines += [f"Not held: {each}" for each in week.not_held]
    for each in week.unplaced:
        lines.append(f"Not placed: {each.title} {f'on {each.channel}' if each.channel else ''}: {each.text}")
        lines += [f"  {cure}" for cure in each.cures]
    return "\n".join(lines)
