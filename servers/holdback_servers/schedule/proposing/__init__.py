"""The tools that look for a slot: channels with their rules, proposals, and why something can start or not."""

from holdback_servers.schedule.proposing.explaining import offer_explaining
from holdback_servers.schedule.proposing.reaching import Curves
from holdback_servers.schedule.proposing.slots import offer_slots
from holdback_servers.serving import Door


def offer_proposing(door: Door) -> None:
    """Add them to the schedule's door."""
    curves = Curves()
    offer_slots(door, curves)
    offer_explaining(door, curves)
