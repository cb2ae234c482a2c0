"""The schedule's door: where and when something may be published, and the promise that it will be."""

from pathlib import Path

from holdback_trust.identity import Caller

from holdback_servers.schedule import store
from holdback_servers.schedule.booking import offer_booking
from holdback_servers.schedule.changing import offer_changing
from holdback_servers.schedule.exchanging import offer_exchanging
from holdback_servers.schedule.filling import offer_filling
from holdback_servers.schedule.ports import Outside
from holdback_servers.schedule.proposing import offer_proposing
from holdback_servers.schedule.publishing import offer_publishing
from holdback_servers.schedule.reading import offer_reading
from holdback_servers.schedule.ticking import Playout
from holdback_servers.services import Services
from holdback_servers.serving import Door

_INSTRUCTIONS = """\
Publishing goes in steps: propose_slots, hold_slot, have the cut cleared and approved, commit_publication.
A proposal needs the cells of a clearance; a commit needs the signed clearance and a signed approval of the same sha256.
Times are UTC with a Z; ranges are half-open."""


def build(services: Services, outside: Outside, *, local: Caller | None = None, ticking: bool = True) -> Door:
    """The schedule's MCP server.

    Args:
        outside: what it asks of the world: whether a clearance stands, runs, and who delivers.
        local: who calls where there is no HTTP request (stdio).
        ticking: whether the clock runs while the door is open; not where nothing may be changed.
    """
    door = Door(
        "schedule",
        title="Holdback schedule",
        description="Channels, slots and publications: proposes, holds, and commits only what is cleared and approved.",
        instructions=_INSTRUCTIONS,
        services=services,
        local=local,
        kept=Path(__file__).with_name("tools.json"),
    )
    services.follow_stories(store.STORIES, store.follow)
    offer_reading(door, outside)
    offer_proposing(door)
    offer_booking(door, outside)
    offer_filling(door)
    offer_exchanging(door)
    offer_changing(door, outside)
    playout = Playout(services, outside)
    offer_publishing(door, playout.wake)
    if ticking:
        door.run_beside(playout.running)
    return door
