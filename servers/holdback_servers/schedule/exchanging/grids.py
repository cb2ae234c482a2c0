"""Another system's grid on the books. Each function is part of one unit of work."""

from collections.abc import Sequence

from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection

from holdback_servers.schedule import books, store
from holdback_servers.schedule.asrun_nouns import ListedItem
from holdback_servers.schedule.books import RESERVED
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Placed
from holdback_servers.schedule.exchanging.comparing import Compared, Taking, clashes, clashes_within, folded, too_many
from holdback_servers.schedule.model import Availability, Details, Publication


def compare_grid(c: Connection, taking: Taking, channel: Channel, window: TimeRange) -> Compared:
    linear, items = channel.kind == "linear", taking.contents.items
    placed = books.read_books(c, channel, window, taking.now).placed
    known = {(each.start, each.until, folded(each.title)): each for each in placed}
    same = [known.get((each.start, each.end if linear else each.start, folded(each.title))) for each in items]
    kept = {each.id for each in same if each is not None}
    gone = _earlier(c, taking, placed, kept, window) if taking.replace else ()
    new = tuple(item for item, found in zip(items, same, strict=True) if found is None)
    standing = [
        (each.start, each.until, f"{each.title!r} on the books ({each.id})") for each in placed if each.id not in gone
    ]
    overlapping = (*clashes_within(items, linear=linear), *clashes(new, standing, linear=linear))
    mistakes = (*too_many(new, taking), *overlapping)
    return Compared(new, len(items) - len(new), gone, mistakes)


def _earlier(
    c: Connection, taking: Taking, placed: Sequence[Placed], kept: set[str], window: TimeRange
) -> tuple[str, ...]:
    """What earlier grids put into these hours, is still to come, and is not in this one."""
    known = (each for each in placed if each.title != RESERVED or not each.id.startswith(RESERVED))
    found = [each.id for each in known if window.contains(each.start) and each.id not in kept]
    gone = [store.find_publication(c, each, taking.now) for each in found]
    return tuple(
        each.id for each in gone if each.clearance is None and each.state == "scheduled" and each.start > taking.now
    )


def record_grid(c: Connection, taking: Taking, channel: Channel, found: Compared) -> None:
    for gone in found.replaced:
        old = store.find_publication(c, gone, taking.now)
        why = f"not in {taking.name} any more"
        store.put(c, old.model_copy(update={"state": "cancelled"}), taking.actor, why, taking.now)
    for item in found.new:
        publication = _publication(taking, channel, item)
        store.put(c, publication, taking.actor, f"imported from {taking.name}, {item.place}", taking.now)


def _publication(taking: Taking, channel: Channel, item: ListedItem) -> Publication:
    territories = tuple(sorted(channel.reaches(item.start)))
    return Publication(
        id=taking.new_id("pub"),
        channel=channel.name,
        platform=channel.platform,
        title=item.title,
        media=item.media,
        asset=item.reference or None,
        availability=(Availability(territories=territories, start=item.start, end=item.end),),
        start=item.start,
        end=item.end,
        state="expired" if item.end <= taking.now else "scheduled",
        by=taking.actor.by,
        on_behalf_of=taking.actor.on_behalf_of,
        reasons=(f"imported from {taking.name}, {item.place}",),
        locked=True,
        details=Details(description=item.description),
    )
