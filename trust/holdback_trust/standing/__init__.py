"""Who and what no longer counts in a house, though its token is still good: suspended, revoked, ended, quarantined."""

from holdback_trust.standing.book import StandingBroken
from holdback_trust.standing.standing import Standing
from holdback_trust.standing.state import Entry, Kind

__all__ = ["Entry", "Kind", "Standing", "StandingBroken"]
