"""From an event and the schedule it meets to a plan of changes: the least disturbance that keeps every rule. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from holdback_servers.schedule.change_nouns import (
    ACTIONS,
    AssetPulled,
    BreakingNews,
    Change,
    ChangeEvent,
    ChangePlan,
    ChannelDown,
    EmbargoLifted,
)
from holdback_servers.schedule.constraints import Books, minutes_text
from holdback_servers.schedule.impact.extending import embargo_lifted
from holdback_servers.schedule.impact.leaving import Found, Leaving, breaking_news, channel_down, pulled, rights_lost
from holdback_servers.schedule.impact.places import Grid, Member, Place, Places, Unit
from holdback_servers.schedule.impact.rearranging import rearrange
from holdback_servers.schedule.impact.world import World, changed


def plan_changes(event: ChangeEvent, world: World) -> ChangePlan:
    """What is to be done about every publication that the event touches.

    What is locked, has begun or is past is never moved. What must leave its start goes to the nearest one that is free
    and cleared, together with what follows it; what finds none comes off the books. Of all ways to do that the one is
    chosen that loses fewest, then the lowest priorities, then moves them least in all, then reaches most. A plan with
    `refused` changes nothing.
    """
    found = _found(event, world)
    changes, least = [*found.changes], True
    if found.refused:
        changes = []
    else:
        for channel in sorted({each.publication.channel for each in found.leaving}):
            moved, exact = _moved(event, world, found, channel)
            changes += moved
            least &= exact
        changes = _starts_fixed(world, changes)
    touched = {each.publication for each in changes if each.action != "keep"}
    on_books = sum(len(books.placed) for books in world.books.values())
    gone = sum(1 for books in world.books.values() for each in books.placed if each.id in touched)
    return ChangePlan(
        event=event,
        changes=tuple(
            sorted(changes, key=lambda each: (ACTIONS.index(each.action), each.before[0].start, each.publication))
        ),
        unchanged=on_books - gone,
        refused=tuple(found.refused),
        least=least,
    )


def _found(event: ChangeEvent, world: World) -> Found:
    if isinstance(event, AssetPulled):
        return pulled(world, event)
    if isinstance(event, ChannelDown):
        return channel_down(world, event)
    if isinstance(event, BreakingNews):
        return breaking_news(world, event)
    if isinstance(event, EmbargoLifted):
        return embargo_lifted(world, event)
    return rights_lost(world, event)


def _moved(event: ChangeEvent, world: World, found: Found, channel: str) -> tuple[list[Change], bool]:
    """Places for all that leaves its start on a channel, or their loss.

    What is followed goes with its followers. Where there is no place for all of them it goes alone, and they stay.
    """
    leaving = [each for each in found.leaving if each.publication.channel == channel]
    alone: set[str] = set()
    while True:
        units = _units(world, leaving, alone)
        places = _places(event, world, found, channel, units)
        answer = rearrange(places)
        lost = {each.leader.id for each in units if answer.places[each.leader.id] is None and len(each.members) > 1}
        if not lost:
            break
        alone |= lost
    changes: list[Change] = []
    for each in places:
        place = answer.places[each.unit.leader.id]
        changes += [_lost(world, each)] if place is None else _placed(world, each, place)
    return changes, answer.least


def _units(world: World, leaving: Sequence[Leaving], alone: set[str]) -> list[Unit]:
    own = {each.publication.id: each for each in leaving}
    taken: set[str] = set()
    units: list[Unit] = []
    for each in sorted(leaving, key=lambda each: (each.publication.start, each.publication.id)):
        if each.publication.id in taken:
            continue
        along = [] if each.publication.id in alone else list(world.moving_along(each.publication))
        along = [one for one in along if one.id not in alone]
        members = [Member(each.publication, each.windows)]
        members += [Member(one, own[one.id].windows if one.id in own else world.windows(one)) for one in along]
        taken |= {member.publication.id for member in members}
        units.append(Unit(tuple(members), each.reason))
    return units


def _places(event: ChangeEvent, world: World, found: Found, channel: str, units: Sequence[Unit]) -> list[Places]:
    gone = {member.publication.id for unit in units for member in unit.members}
    gone |= {each.publication for each in found.changes if each.action == "cancel"}
    base = found.books.get(channel, world.books[channel])
    stays = [each for each in base.placed if each.id not in gone]
    books = Books(base.channel, [*stays, *found.added.get(channel, ())])
    grid = Grid(base, found.edges)
    earliest = _earliest(event, world.now)
    return [Places(unit, books, world.now, grid.nearest_first(unit, earliest, world.within)) for unit in units]


def _earliest(event: ChangeEvent, now: datetime) -> datetime:
    soonest = now + timedelta(microseconds=1)
    return soonest if event.not_before is None else max(soonest, event.not_before)


def _placed(world: World, places: Places, place: Place) -> list[Change]:
    unit, changes = places.unit, list[Change]()
    for member, pieces in zip(unit.members, place.pieces, strict=True):
        one = member.publication
        shift = min(piece.start for piece in pieces) - one.start
        how = f"moved {minutes_text(abs(shift))} {'later' if shift > timedelta() else 'earlier'}"
        if one.id == unit.leader.id:
            reasons = (unit.reason, f"{how}, to the nearest start that is free and cleared", *places.refused.values())
        else:
            reasons = (f"{how}, along with what it follows",)
        changes.append(changed(world, one, "move", pieces, *reasons))
    return changes


def _lost(world: World, places: Places) -> Change:
    within = minutes_text(world.within)
    reasons = (f"no start within {within} of the nearest possible one is free and cleared", *places.refused.values())
    return changed(world, places.unit.leader, "cancel", (), places.unit.reason, *reasons)


def _starts_fixed(world: World, changes: Iterable[Change]) -> list[Change]:
    """The same, and what no longer starts at the end of what it follows from now on has a start of its own."""
    by_id = {each.publication: each for each in changes}
    for each in list(by_id.values()):
        leader = world.publications[each.publication]
        for follower in world.followers(leader):
            own = by_id.get(follower.id)
            if own is not None and own.action == "cancel":
                continue
            pieces = own.after if own is not None else follower.availability
            if each.after and max(p.end or p.start for p in each.after) == min(p.start for p in pieces):
                continue
            reason = f"what it followed, {leader.title!r}, does not end then any longer: its start is its own now"
            if own is None:
                by_id[follower.id] = changed(world, follower, "keep", pieces, reason, fixes_start=True)
            else:
                by_id[follower.id] = own.model_copy(update={"fixes_start": True, "reasons": (*own.reasons, reason)})
    return _leaders_left(world, by_id)


def _leaders_left(world: World, by_id: dict[str, Change]) -> list[Change]:
    """What moves away from what it follows has a start of its own as well."""
    for each in list(by_id.values()):
        follows = world.publications[each.publication].details.follows
        if each.action == "move" and follows is not None and follows not in by_id and not each.fixes_start:
            by_id[each.publication] = each.model_copy(update={"fixes_start": True})
    return list(by_id.values())
