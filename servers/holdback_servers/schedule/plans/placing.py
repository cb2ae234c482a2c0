"""Where each task came to stand, in the words of people: when, where it is seen, and why there. Pure."""

from collections.abc import Iterator

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule.broadcast_time import local_text, weekday
from holdback_servers.schedule.model import Availability, availability_bounds
from holdback_servers.schedule.plan_nouns import Placement, PlannedSlot
from holdback_servers.schedule.plans.lane import Entry, Lane
from holdback_servers.schedule.plans.openings import OPEN, cut, instant
from holdback_servers.schedule.plans.tasks import Wish

_NAMED = 8


def placement(lane: Lane, entry: Entry) -> Placement:
    """The placement of what stands on a lane."""
    wish, channel = entry.option.wish, lane.columns.channel
    start = instant(entry.start)
    reach = int(lane.columns.reach[entry.column])
    availability = _availability(wish, entry.start)
    slot = PlannedSlot(
        start=start,
        end=availability_bounds(availability)[1],
        day=lane.columns.books.day_of(start),
        local_start=local_text(start, channel.zone),
        daypart=channel.daypart_at(start.astimezone(channel.zone)),
        reach=reach,
        value=wish.item.weight * reach,
        availability=availability,
        reasons=tuple(_reasons(lane, entry, availability)),
    )
    return Placement(item=wish.item.key, title=wish.item.title, channel=channel.name, slot=slot)


def _availability(wish: Wish, start: int) -> tuple[Availability, ...]:
    """Each territory from when it is open, but not before the start, for as long as it is cleared."""
    until = start + wish.length if wish.length else OPEN
    together: dict[tuple[int, int], set[str]] = {}
    for group, windows in zip(wish.opened.groups, wish.windows, strict=True):
        for window in cut(windows, start, until):
            together.setdefault(window, set()).update(group.territories)
    pieces = [
        Availability(territories=tuple(sorted(places)), start=instant(a), end=None if b == OPEN else instant(b))
        for (a, b), places in together.items()
    ]
    return tuple(sorted(pieces, key=lambda piece: (piece.start, piece.territories)))


def _reasons(lane: Lane, entry: Entry, availability: tuple[Availability, ...]) -> Iterator[str]:
    channel, wish = lane.columns.channel, entry.option.wish
    reach = int(lane.columns.reach[entry.column])
    local = instant(entry.start).astimezone(channel.zone)
    day = weekday(local.date()).title()
    yield f"reach {reach} of 100 on {day} from {local:%H}:00 ({channel.reach.source})"
    for piece in availability:
        when = "from the start" if piece.start == instant(entry.start) else f"joins {instant_text(piece.start)}"
        until = "" if piece.end is None or wish.length else f" until {instant_text(piece.end)}"
        yield f"{places_text(piece.territories)} {when}{until}"
    if (better := _better(lane, entry, reach)) is not None:
        yield better
    if wish.opened.unreached:
        yield f"not in {places_text(sorted(wish.opened.unreached))}: {channel.name} does not reach it"
    if wish.opened.shut:
        yield f"not in {places_text(sorted(wish.opened.shut))}: nothing clears it on {channel.platform}"


def _better(lane: Lane, entry: Entry, reach: int) -> str | None:
    """The best start that is open to it, when it stands elsewhere, and what has that."""
    option = entry.option
    column = option.low + int(option.worth.argmax())
    best = int(lane.columns.reach[column])
    if best <= reach:
        return None
    others = [each for each in lane.in_the_way(option, column) if each.task != entry.task]
    when = local_text(instant(lane.times[column]), lane.columns.channel.zone)
    if not others:
        return f"reach {best} on {when} was not to be had beside the others"
    named = ", ".join(sorted({repr(each.option.wish.item.title) for each in others}))
    return f"reach {best} on {when} went to {named}"


def places_text(territories: tuple[str, ...] | list[str]) -> str:
    """`DE, GB`, or the first few and how many more."""
    if len(territories) <= _NAMED:
        return ", ".join(territories)
    return f"{', '.join(territories[:6])} and {len(territories) - 6} more"
