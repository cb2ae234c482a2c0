"""The schedule's tools for other systems: files out and in, what aired against the plan, calendars that subscribe."""

from holdback_servers.schedule.exchanging.exporting import offer_exporting
from holdback_servers.schedule.exchanging.feeding import offer_feeding
from holdback_servers.schedule.exchanging.importing import offer_importing
from holdback_servers.serving import Door


def offer_exchanging(door: Door) -> None:
    """Add them to the schedule's door."""
    offer_exporting(door)
    offer_importing(door)
    offer_feeding(door)
