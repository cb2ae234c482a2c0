"""The tools that look for a slot: channels with their rules, proposals, and why something can start or not."""

from holdback_servers.schedule.proposing.explaining import offer_explaining
from holdback_servers.schedule.proposing.slots import offer_slots
from holdback_servers.serving import Door


def offer_proposing(door: Door) -> None:
    """Add them to the schedule's door."""
    offer_slots(door)
    offer_explaining(door)
