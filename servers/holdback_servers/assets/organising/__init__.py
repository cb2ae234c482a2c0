"""The tools that say what material is, and how it belongs together: values, works, collections, holds, AI systems."""

from holdback_servers.assets.organising.collecting import offer_collections
from holdback_servers.assets.organising.describing import offer_describing
from holdback_servers.assets.organising.removing import offer_removing
from holdback_servers.assets.organising.systems import offer_systems
from holdback_servers.assets.organising.works import offer_works
from holdback_servers.serving import Door


def offer_organising(door: Door) -> None:
    """Offer the tools that put the library in order."""
    offer_describing(door)
    offer_removing(door)
    offer_works(door)
    offer_collections(door)
    offer_systems(door)
