"""`holdback plan`: a folder of channels and items is planned at once by the planner of the schedule, and drawn."""

import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from holdback_base.ids import system_clock
from holdback_servers.schedule import plans
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, conflicts, placed
from holdback_servers.schedule.model import Publication, availability_bounds
from holdback_servers.schedule.plan_nouns import ManyPlan, Placement, PlanRequest

from holdback.pack import load_channels, read_table
from holdback.week_page import ChannelWeek, channel_week, render_week, write_page
from holdback.week_picture import Days

_DAY = timedelta(days=1)
CHANNELS, ITEMS = "channels.toml", "items.toml"


def run_plan(folder: Path, out: Path, *, as_json: bool) -> None:
    """Plan what `items.toml` holds on the channels of `channels.toml`, print the plan and write the page.

    Dates in the files may be counted from today. Nothing is held: no home is needed and none is changed.

    Raises:
        Problem: FILE_MISSING, or INVALID_ARGUMENT and its kin, each naming the file and the key.
    """
    now = system_clock()
    channels = load_channels(folder / CHANNELS, now.date())
    request = read_table(folder, ITEMS, PlanRequest, now.date())
    made = plans.plan({each.name: Books(each) for each in channels}, request, now)
    write_page(render_week([_week(each, made, now) for each in channels], now), out)
    sys.stdout.write(made.model_dump_json(indent=2, exclude_none=True) if as_json else made.text())
    sys.stdout.write("\n" if as_json else f"\n\nDrawn in {out}\n")


def _week(channel: Channel, made: ManyPlan, now: datetime) -> ChannelWeek:
    first = datetime.combine(made.start.astimezone(channel.zone).date(), time(12), UTC)
    days = max(1, min(31, -(-(made.end - made.start) // _DAY)))
    publications = [_proposed(channel, made, each) for each in made.placements if each.channel == channel.name]
    books = Books(channel, [placed(channel, each) for each in publications])
    return channel_week(Days.holding(channel, first, days, now), publications, conflicts(books), complete=True)


def _proposed(channel: Channel, made: ManyPlan, placement: Placement) -> Publication:
    start, end = availability_bounds(placement.slot.availability)
    return Publication(
        id=f"{placement.channel}/{placement.item}",
        channel=channel.name,
        platform=channel.platform,
        title=placement.title,
        availability=placement.slot.availability,
        start=start,
        end=end,
        state="proposed",
        by="holdback plan",
        on_behalf_of="",
        reasons=placement.slot.reasons,
    )
