"""What may be shown earlier than it was to be: always more than a person approved, so a person is asked. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from holdback_base.vocabulary import TimeRange

from holdback_servers.schedule.change_nouns import EmbargoLifted
from holdback_servers.schedule.cleared import covering
from holdback_servers.schedule.constraints import Placed, obstacle
from holdback_servers.schedule.impact.leaving import ACTIVE, Found
from holdback_servers.schedule.impact.places import Around, Grid, Member, Place, Unit, place_at
from holdback_servers.schedule.impact.remaining import Windows, cleared_windows, movable, on_air
from holdback_servers.schedule.impact.world import World, changed, start_text
from holdback_servers.schedule.model import Availability, Publication, arranged


def embargo_lifted(world: World, event: EmbargoLifted) -> Found:
    """Territories that were to join later may join sooner, and what waited for the embargo may start sooner.

    A person may say yes to some only, so that a start that is offered and the one that it would leave both count as
    taken for what comes after it.
    """
    found, offered = Found(), dict[str, list[Placed]]()
    for each in sorted(world.publications.values(), key=lambda each: (each.start, each.id)):
        if each.media != event.media or each.state not in ACTIVE:
            continue
        windows = cleared_windows(world.channel(each), each, event.cells)
        taken = offered.setdefault(each.channel, [])
        place = _sooner(world, each, windows, event.not_before, taken)
        start = each.start
        if place is not None:
            start = place.start
            taken += place.room
        after = _joined(world, each, windows, start)
        if after == arranged(each.availability):
            continue
        reasons = _reasons(world, each, start, after)
        found.changes.append(changed(world, each, "extend", after, *reasons, needs_person=True))
    return found


def _sooner(
    world: World, publication: Publication, windows: Windows, not_before: datetime | None, taken: Sequence[Placed]
) -> Place | None:
    """The earliest free start that reaches as many as now, and that was not cleared before."""
    if not movable(publication, world.now) or publication.details.follows or world.followers(publication):
        return None
    books = world.books[publication.channel]
    channel, until_now = books.channel, world.windows(publication) or {}
    unit = Unit((Member(publication, windows),), "")
    around = Around(books, {publication.id}, taken)
    reach = channel.reach.at(publication.start.astimezone(channel.zone))
    earliest = max(world.now + timedelta(microseconds=1), not_before or world.now)
    tried = [each for each in Grid(books).nearest_first(unit, earliest, world.within) if each < publication.start]
    for start in sorted(tried):
        if channel.reach.at(start.astimezone(channel.zone)) < reach or _was_open(until_now, start):
            continue
        place = place_at(books, unit, start)
        if place is None or not _reaches_on(publication, windows, start):
            continue
        if obstacle(around, place.room[0], world.now, after_watershed=publication.after_watershed) is None:
            return place
    return None


def _was_open(windows: Windows, start: datetime) -> bool:
    return any(window.contains(start) for each in windows.values() for window in each)


def _reaches_on(publication: Publication, windows: Windows, start: datetime) -> bool:
    """Whether a territory that starts with the publication is cleared from the sooner start on without a break."""
    first = [piece for piece in publication.availability if piece.start == publication.start]
    wanted = TimeRange(start=start, end=publication.start)
    return any(covering(windows.get(each, ()), wanted) for piece in first for each in piece.territories)


def _joined(world: World, publication: Publication, windows: Windows, start: datetime) -> tuple[Availability, ...]:
    """Each territory's first window from as early as it is cleared without a break, not before the start or now."""
    if world.channel(publication).kind == "linear":
        shift = start - publication.start
        return tuple(_shifted(piece, shift) for piece in publication.availability)
    soonest = max(start, world.now) if on_air(publication, world.now) else start
    pieces: list[Availability] = []
    begun: set[str] = set()
    for piece in publication.availability:
        for territory in piece.territories:
            opens = piece.start
            if territory not in begun and piece.start > soonest:
                held = [each.start for each in windows.get(territory, ()) if each.contains(piece.start)]
                opens = min([piece.start, *(max(each, soonest) for each in held)])
            begun.add(territory)
            pieces.append(Availability(territories=(territory,), start=opens, end=piece.end))
    return arranged(tuple(pieces))


def _shifted(piece: Availability, shift: timedelta) -> Availability:
    end = None if piece.end is None else piece.end + shift
    return Availability(territories=piece.territories, start=piece.start + shift, end=end)


def _reasons(world: World, publication: Publication, start: datetime, after: tuple[Availability, ...]) -> list[str]:
    channel, reasons = world.channel(publication), list[str]()
    if start != publication.start:
        reasons.append(
            f"may start {start_text(channel, start)}, with no less reach: the embargo no longer stands there"
        )
    before = {territory: piece.start for piece in reversed(publication.availability) for territory in piece.territories}
    for piece in after:
        joiners = [each for each in piece.territories if before[each] > publication.start]
        sooner = [each for each in joiners if piece.start < before[each]]
        if sooner:
            reasons.append(f"{', '.join(sooner)} may join {start_text(channel, piece.start)}")
    return reasons
