"""What aired, put on record, and set against the plan. Each function is part of one unit of work."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection

from holdback_servers.schedule import asruns, store
from holdback_servers.schedule.asrun_nouns import AiredItem, ListedItem, Reconciliation, Remark
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.exchanging.comparing import Compared, Taking, clashes, clashes_within, folded, too_many
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.reconciling import PLANNED, SAME_MATERIAL, reconcile

_AHEAD: Final = timedelta(minutes=1)
_PLANS: Final = 20_000


def compare_as_run(c: Connection, taking: Taking, channel: Channel, window: TimeRange) -> Compared:
    linear, items = channel.kind == "linear", taking.contents.items
    recorded = asruns.aired(c, channel.name, window)
    known = {(each.start, each.end, folded(each.title)): each for each in recorded}
    same = [known.get((each.start, each.end, folded(each.title))) for each in items]
    kept = {each.id for each in same if each is not None}
    gone = (
        tuple(each.id for each in recorded if each.id not in kept and window.contains(each.start))
        if taking.replace
        else ()
    )
    new = tuple(item for item, found in zip(items, same, strict=True) if found is None)
    standing = [
        (each.start, each.end, f"{each.title!r} on record from {each.source}, {each.place}")
        for each in recorded
        if each.id not in gone
    ]
    ahead = [
        Remark(
            place=f"{each.place}, start", message="It is in the future: it cannot have aired.", hint="Check the date."
        )
        for each in items
        if each.start > taking.now + _AHEAD
    ]
    mistakes = (
        *too_many(new, taking),
        *ahead,
        *clashes_within(items, linear=linear),
        *clashes(new, standing, linear=linear),
    )
    return Compared(new, len(items) - len(new), gone, mistakes)


def as_aired(taking: Taking, items: Iterable[ListedItem]) -> tuple[AiredItem, ...]:
    return tuple(
        AiredItem.model_validate(each.model_dump() | {"id": taking.new_id("evt"), "source": taking.name})
        for each in items
    )


def reconciled(
    c: Connection,
    channel: Channel,
    window: TimeRange,
    tolerance: timedelta,
    now: datetime,
    *,
    more: Iterable[AiredItem] = (),
    without: frozenset[str] = frozenset(),
    covered: TimeRange | None = None,
) -> Reconciliation:
    """The plan of a channel against its record of what aired, with lines and hours more and without other lines."""
    end = window.end or window.start
    around = TimeRange(start=window.start - SAME_MATERIAL, end=end + SAME_MATERIAL)
    planned = store.page(c, around, now, channel_names=[channel.name], states=sorted(PLANNED), limit=_PLANS)
    aired = [each for each in asruns.aired(c, channel.name, around) if each.id not in without]
    hours = asruns.covered(c, channel.name, window) if covered is None else [covered]
    return reconcile(channel.name, planned, [*aired, *more], window=window, covered=hours, tolerance=tolerance)


def settle(c: Connection, taking: Taking, channel: Channel, differences: Reconciliation, new: set[str]) -> None:
    """Write into the history what aired otherwise than planned.

    What aired and is over becomes live, and so uses its runs, then expires; what is still on air is the clock's. What
    did not air on a linear channel fails, and gives back the runs that nothing used; elsewhere a log that leaves
    something out does not take it down. `new` are the lines that were not on record before.
    """
    for each in differences.items:
        if each.publication is None:
            continue
        found, why = store.find_publication(c, each.publication, taking.now), f"{taking.name}: {each.text}"
        over = found.end is not None and found.end <= taking.now
        if each.outcome == "missing":
            if over and found.state != "failed" and channel.kind == "linear":
                _fail(c, taking, found, why)
        elif found.state in ("scheduled", "failed"):
            if over:
                _end(c, taking, found, why)
        elif each.outcome != "as_planned" and not new.isdisjoint(each.aired_items):
            store.put(c, found, taking.actor, why, taking.now)


def _end(c: Connection, taking: Taking, found: Publication, why: str) -> None:
    live = found.model_copy(update={"state": "live"})
    if found.clearance is not None:  # what stands on no clearance has no runs to use
        store.put(c, live, taking.actor, why, taking.now)
        why = "its end has passed"
    store.put(c, live.model_copy(update={"state": "expired"}), taking.actor, why, taking.now)


def _fail(c: Connection, taking: Taking, found: Publication, why: str) -> None:
    if found.state != "scheduled" and found.clearance is not None:
        why += " The clock had put it on air: its run stays used unless the rights server is told otherwise."
    store.put(c, found.model_copy(update={"state": "failed"}), taking.actor, why, taking.now)
