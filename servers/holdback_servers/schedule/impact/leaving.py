"""Which publications an event lets stay, which it ends or shortens, and which must leave their start. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from holdback_base.vocabulary import TimeRange, instant_text

from holdback_servers.schedule.change_nouns import (
    AssetPulled,
    BreakingNews,
    Change,
    ChannelDown,
    ClearanceLost,
    RightsChanged,
)
from holdback_servers.schedule.channel import Blackout
from holdback_servers.schedule.constraints import Books, Placed, all_obstacles
from holdback_servers.schedule.impact.remaining import Windows, cleared_windows, movable, on_air, still_cleared
from holdback_servers.schedule.impact.world import World, changed
from holdback_servers.schedule.model import Availability, Publication, arranged

ACTIVE = frozenset({"held", "approved", "scheduled", "live"})
"""States in which something is still to come of a publication."""


@dataclass(frozen=True)
class Leaving:
    """A publication that must leave its start, when it is cleared, and why it must."""

    publication: Publication
    windows: Windows | None
    reason: str


@dataclass
class Found:
    """What an event does before anything is moved; `books` are those that moves are judged by, with `added` on them."""

    changes: list[Change] = field(default_factory=list[Change])
    leaving: list[Leaving] = field(default_factory=list[Leaving])
    refused: list[str] = field(default_factory=list[str])
    books: dict[str, Books] = field(default_factory=dict[str, Books])
    added: dict[str, list[Placed]] = field(default_factory=dict[str, list[Placed]])
    edges: list[datetime] = field(default_factory=list[datetime])


def concerned(world: World, event: ClearanceLost | RightsChanged | AssetPulled) -> list[Publication]:
    """The publications that stand on what is lost, of which something is still to come, in order of start."""
    if isinstance(event, ClearanceLost):
        found = [each for each in world.publications.values() if each.clearance == event.clearance]
    else:
        found = [each for each in world.publications.values() if each.media == event.media]
    return sorted((each for each in found if each.state in ACTIVE), key=lambda each: (each.start, each.id))


def rights_lost(world: World, event: ClearanceLost | RightsChanged) -> Found:
    """Everything is cut to what is cleared now; what is not cleared at its start must leave it."""
    found = Found()
    for each in concerned(world, event):
        channel = world.channel(each)
        windows = cleared_windows(channel, each, event.cells)
        after = still_cleared(channel, each, windows, world.now)
        if after == arranged(each.availability):
            found.changes.append(changed(world, each, "keep", each.availability, "all of it is cleared"))
        elif on_air(each, world.now):
            found.changes.append(_cut_short(world, each, after))
        elif after and after[0].start == each.start:
            found.changes.append(changed(world, each, "shorten", after))
        elif movable(each, world.now):
            opens = f"it opens only {instant_text(after[0].start)}" if after else "its time is not cleared any longer"
            found.leaving.append(Leaving(each, windows, opens))
        else:
            reason = "locked, and not cleared as it stands: it does not go out; clear it again, or unlock it"
            found.changes.append(changed(world, each, "keep", each.availability, reason, needs_person=True))
    return found


def _cut_short(world: World, publication: Publication, after: tuple[Availability, ...]) -> Change:
    if all(piece.end is not None and piece.end <= world.now for piece in after):
        return changed(world, publication, "take_down", after, "nothing clears it any longer")
    return changed(world, publication, "shorten", after)


def pulled(world: World, event: AssetPulled) -> Found:
    """What is on show comes down, what has not begun is off the books, whether it is locked or not."""
    found = Found()
    for each in concerned(world, event):
        reason = "its media is pulled"
        if on_air(each, world.now):
            after = still_cleared(world.channel(each), each, {}, world.now)
            found.changes.append(changed(world, each, "take_down", after, reason))
        else:
            found.changes.append(changed(world, each, "cancel", (), reason))
    return found


def channel_down(world: World, event: ChannelDown) -> Found:
    """What would start while the channel is down must leave; what would be taken down then comes down before."""
    books = world.books[event.channel]
    shut = (*books.channel.blackouts, Blackout(window=event.window, reason="the channel is down"))
    found = Found(books={event.channel: Books(books.channel.model_copy(update={"blackouts": shut}), books.placed)})
    found.edges = [event.window.end] if event.window.end is not None else []
    linear = books.channel.kind == "linear"
    for each in sorted(world.publications.values(), key=lambda each: (each.start, each.id)):
        if each.channel != event.channel or each.state not in ACTIVE:
            continue
        window = TimeRange(start=each.start, end=each.end) if linear else None
        if (window.overlap(event.window) is None) if window else not event.window.contains(each.start):
            found.changes += [] if linear else _out_of_reach(world, each, event.window)
        elif movable(each, world.now):
            found.leaving.append(Leaving(each, world.windows(each), "the channel is down then"))
        elif linear or not on_air(each, world.now):
            held = "on air" if on_air(each, world.now) else "locked"
            reason = f"{held}: nobody can see it {event.window.text()}"
            found.changes.append(changed(world, each, "keep", each.availability, reason, needs_person=True))
    return found


def _out_of_reach(world: World, publication: Publication, window: TimeRange) -> Iterator[Change]:
    """What is to join while the channel is down joins when it is back; what is to end then ends before."""
    lead = timedelta(minutes=world.channel(publication).takedown_lead_minutes)
    pieces: list[Availability] = []
    stays: list[str] = []
    for piece in publication.availability:
        start, end = piece.start, piece.end
        if window.contains(start):
            if window.end is None or (end is not None and end <= window.end):
                continue
            start = window.end
        elif end is not None and window.contains(max(start, end - lead)) and end > world.now:
            if window.start > world.now:
                end = window.start
            else:
                stays += piece.territories
        pieces.append(Availability(territories=piece.territories, start=start, end=end))
    after = arranged(tuple(pieces))
    if after != arranged(publication.availability):
        yield changed(world, publication, "shorten", after, "the channel can be told nothing while it is down")
    elif stays:
        reason = f"it must come down in {', '.join(stays)} while the channel can be told nothing: see to it another way"
        yield changed(world, publication, "keep", publication.availability, reason, needs_person=True)


def breaking_news(world: World, event: BreakingNews) -> Found:
    """What stands in the way of the news, is of lower priority and can be moved must leave its start."""
    books = world.books[event.channel]
    length = timedelta(seconds=event.duration_seconds) if books.channel.kind == "linear" else timedelta()
    news = Placed(event.start, "", event.start + length, event.title, "scheduled", "", event.priority)
    found = Found(added={event.channel: [news]}, edges=[news.until + timedelta(minutes=books.channel.min_gap_minutes)])
    displaced: dict[str, str] = {}
    for stop in all_obstacles(books, news, world.now):
        if stop.rule == "DAILY_CAP":
            continue
        found.refused += [] if stop.others else [f"{stop.rule}: {stop.text}"]
        for other in stop.others:
            if (why := _stays(world, other, event)) is not None:
                found.refused.append(f"{stop.rule}: {stop.text}; {why}")
            else:
                displaced[other] = f"makes room for {event.title!r}: {stop.rule}"
    displaced |= _over_the_cap(world, event, news, displaced, found)
    for other, reason in displaced.items():
        publication = world.publications[other]
        found.leaving.append(Leaving(publication, world.windows(publication), reason))
    return found


def _stays(world: World, other: str, event: BreakingNews) -> str | None:
    """Why this publication does not give way, or None."""
    publication = world.publications[other]
    if publication.locked:
        return f"{publication.title!r} is locked"
    if not movable(publication, world.now):
        return f"{publication.title!r} is {'on air' if on_air(publication, world.now) else publication.state}"
    if publication.details.priority >= event.priority:
        return f"{publication.title!r} has priority {publication.details.priority}"
    if event.not_before is not None and publication.start < event.not_before:
        return f"{publication.title!r} starts before {instant_text(event.not_before)}, until when nothing is moved"
    return None


def _over_the_cap(
    world: World, event: BreakingNews, news: Placed, displaced: Iterable[str], found: Found
) -> dict[str, str]:
    """Of a full broadcast day so many more leave as are too many, those of the lowest priority, the latest first."""
    books = world.books[event.channel]
    cap, leaving = books.channel.daily_cap, frozenset(displaced)
    if cap is None:
        return {}
    rest = [each for each in books.on_day_of(news.start) if each.id not in leaving]
    able = [each for each in rest if _stays(world, each.id, event) is None]
    surplus = len(rest) + 1 - cap
    if surplus > len(able):
        text = f"the broadcast day {books.day_of(news.start)} has {len(rest)} of at most {cap}"
        found.refused.append(f"DAILY_CAP: {text}, and too few of them give way")
        return {}
    chosen = sorted(able, key=lambda each: (each.priority, -each.start.timestamp()))[: max(0, surplus)]
    return {each.id: f"makes room for {news.title!r}: DAILY_CAP" for each in chosen}
