"""The tools that promise: a slot is held, held longer, committed, locked, moved, given back or taken down."""

from holdback_servers.schedule.booking.binding import offer_cancelling, offer_committing, offer_locking
from holdback_servers.schedule.booking.holding import offer_holding
from holdback_servers.schedule.booking.shifting import offer_moving
from holdback_servers.schedule.ports import Outside
from holdback_servers.serving import Door


def offer_booking(door: Door, outside: Outside) -> None:
    """Add them to the schedule's door."""
    offer_holding(door)
    offer_committing(door, outside)
    offer_locking(door)
    offer_moving(door, outside)
    offer_cancelling(door, outside)
