"""The tools that fill a schedule: many items planned at once and held, gaps filled to the frame."""

from holdback_servers.job_tools import add_job_tools
from holdback_servers.schedule.filling.gaps import offer_gaps
from holdback_servers.schedule.filling.many import offer_many
from holdback_servers.serving import Door


def offer_filling(door: Door) -> None:
    """Add them to the schedule's door, and those for its jobs."""
    offer_many(door)
    offer_gaps(door)
    add_job_tools(door, cancel_scope="schedule:plan")
