"""What ends soon: how near it is, what really ends with it, and who relies on it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from holdback_servers.rights.answers import EndingRight, RightsScope
from holdback_servers.rights.book import Entry, touches_medium
from holdback_servers.rights.windows import instant, point
from holdback_servers.rights.wording import scope_text

MARKS: Final = (7, 30, 90)
"""Days of 24 hours before an end at which people want to hear of it."""
DAY: Final = 86_400_000_000
"""Microseconds of 24 hours."""


def speaks_for(entry: Entry, place: str | None, medium: str | None) -> bool:
    """Whether a right gives any of this territory and this node of the media tree; absent means anywhere."""
    return (place is None or entry.area.touches(place)) and (medium is None or touches_medium(entry.media, medium))


def ending(
    entry: Entry,
    now: datetime,
    *,
    by: Sequence[Entry],
    lost: tuple[RightsScope, ...],
    exclusive: bool,
    clearances: tuple[str, ...],
) -> EndingRight:
    """A grant with an end after `now`, told.

    Args:
        by: grants that give the same from its end on, wholly or in part.
        lost: what no grant gives from its end on.
        exclusive: whether those that go on are exclusive too.
        clearances: valid ones that were decided on its reference.
    """
    right, contract = entry.right, entry.contract
    left = (entry.window[1] - point(now)) // DAY
    ends = instant(entry.window[1])
    if ends is None:
        raise ValueError(f"{entry.id} has no end")
    return EndingRight(
        right=right.id,
        ref=right.ref,
        element_kinds=right.element_kinds,
        contract=contract.id,
        counterparty=contract.counterparty,
        clause=right.clause or None,
        gives=scope_text(right),
        exclusive=right.exclusive,
        ends=ends,
        days_left=left,
        within_days=next((mark for mark in MARKS if entry.window[1] - point(now) <= mark * DAY), None),
        covered_on_by=tuple(each.id for each in by),
        lost=lost,
        exclusivity_ends=right.exclusive and bool(by) and not exclusive,
        clearances=clearances,
    )
