"""Whether one start keeps every rule of its channel, and in words why not. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from holdback_servers.schedule.broadcast_time import local_text, outside_hours, wall_time
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints.placing import Books, Obstacle, Placed, widest_separation

_OF_PAIRS = ("SLOT_TAKEN", "TITLE_SEPARATION", "SPONSOR_SEPARATION", "MIN_GAP")
"""The order of the rules that two publications can break together."""


def obstacle(books: Books, wanted: Placed, now: datetime, *, after_watershed: bool = False) -> Obstacle | None:
    """The first rule of the channel that refuses this start, or None when it is free."""
    channel = books.channel
    return (
        past(channel, wanted, now)
        or blackout(channel, wanted)
        or (watershed(channel, wanted) if after_watershed else None)
        or (follow(books, wanted) if wanted.follows else None)
        or next(iter(too_near(books, wanted)), None)
        or over_cap(books, wanted)
    )


def all_obstacles(books: Books, wanted: Placed, now: datetime, *, after_watershed: bool = False) -> list[Obstacle]:
    """Everything that refuses this start, each rule with each publication in the way; `obstacle` is the first."""
    channel = books.channel
    alone = (
        past(channel, wanted, now),
        blackout(channel, wanted),
        watershed(channel, wanted) if after_watershed else None,
        follow(books, wanted) if wanted.follows else None,
    )
    found = (*alone, *too_near(books, wanted), over_cap(books, wanted))
    return [each for each in found if each is not None]


def past(channel: Channel, wanted: Placed, now: datetime) -> Obstacle | None:
    """IN_THE_PAST: what starts now is past as well."""
    if wanted.start > now:
        return None
    return Obstacle(rule="IN_THE_PAST", text=f"{local_text(wanted.start, channel.zone)} is past")


def blackout(channel: Channel, wanted: Placed) -> Obstacle | None:
    """BLACKOUT: nothing starts in one, and no transmission runs into one."""
    for each in channel.blackouts:
        begun = each.window.start <= wanted.start or each.window.start < wanted.until
        if begun and (each.window.end is None or wanted.start < each.window.end):
            return Obstacle(rule="BLACKOUT", text=f"blackout: {each.reason} ({each.window.text()})")
    return None


def watershed(channel: Channel, wanted: Placed) -> Obstacle | None:
    """WATERSHED: the start, and every instant of a transmission, lies in the hours that allow it."""
    if channel.watershed is None:
        return None
    opens, closes = wall_time(channel.watershed.start), wall_time(channel.watershed.end)
    until = max(wanted.until, wanted.start + timedelta.resolution)
    if next(outside_hours(wanted.start, until, channel.zone, opens, closes), None) is None:
        return None
    text = f"only after the watershed, {channel.watershed.start} to {channel.watershed.end} {channel.time_zone}"
    return Obstacle(rule="WATERSHED", text=text)


def follow(books: Books, wanted: Placed) -> Obstacle | None:
    """FOLLOW: what follows another publication starts at its end, on a channel that shows one thing at a time."""
    if books.channel.kind != "linear":
        return Obstacle(rule="FOLLOW", text=f"{books.channel.name} is not linear; only a fixed start is possible")
    before = books.by_id.get(wanted.follows or "")
    if before is None:
        return Obstacle(rule="FOLLOW", text=f"it follows {wanted.follows}, which is not on the books near this start")
    if wanted.start == before.until:
        return None
    text = f"it follows {before.title!r}, which ends {local_text(before.until, books.channel.zone)}"
    return Obstacle(rule="FOLLOW", text=text, others=(before.id,))


def too_near(books: Books, wanted: Placed) -> list[Obstacle]:
    """SLOT_TAKEN and the separations: in the order of the rules, then of what stands in the way."""
    near = books.near(wanted.start, wanted.until, widest_separation(books.channel))
    found = [each for other in near for each in between(books.channel, wanted, other)]
    return sorted(found, key=lambda each: _OF_PAIRS.index(each.rule))


def between(channel: Channel, wanted: Placed, other: Placed) -> Iterator[Obstacle]:
    """Every rule that two publications break together, told of the first; what takes the slot breaks that one only."""
    if wanted.start == other.start or (wanted.start < other.until and other.start < wanted.until):
        yield Obstacle(rule="SLOT_TAKEN", text=f"taken by {other.title!r} ({other.state})", others=(other.id,))
        return
    gap = max(wanted.start - other.until, other.start - wanted.until)
    side = "after" if wanted.start > other.start else "before"
    apart = abs(wanted.start - other.start)
    separation = channel.title_separation_hours
    if apart < timedelta(hours=separation) and wanted.title.casefold() == other.title.casefold():
        text = f"{minutes_text(apart)} {side} the same title; it needs {separation} h"
        yield Obstacle(rule="TITLE_SEPARATION", text=text, others=(other.id,))
    if gap < timedelta(minutes=channel.sponsor_separation_minutes) and compete(wanted, other):
        text = f"{minutes_text(gap)} {side} {other.title!r}, also of a sponsor of {wanted.sponsor!r}"
        text = f"{text}; it needs {channel.sponsor_separation_minutes} min"
        yield Obstacle(rule="SPONSOR_SEPARATION", text=text, others=(other.id,))
    if gap < timedelta(minutes=channel.min_gap_minutes):
        text = f"{minutes_text(gap)} {side} {other.title!r}; the channel needs {channel.min_gap_minutes} min"
        yield Obstacle(rule="MIN_GAP", text=text, others=(other.id,))


def compete(one: Placed, other: Placed) -> bool:
    """Whether both have a sponsor, of the same category."""
    return bool(one.sponsor) and one.sponsor.casefold() == other.sponsor.casefold()


def over_cap(books: Books, wanted: Placed) -> Obstacle | None:
    """DAILY_CAP: the broadcast day has as many starts as it may."""
    cap = books.channel.daily_cap
    if cap is None:
        return None
    same_day = books.on_day_of(wanted.start)
    if len(same_day) < cap:
        return None
    text = f"the broadcast day {books.day_of(wanted.start)} already has {len(same_day)} of at most {cap}"
    return Obstacle(rule="DAILY_CAP", text=text, others=tuple(sorted(each.id for each in same_day)))


def minutes_text(apart: timedelta) -> str:
    """`40 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes = int(apart.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    hours = minutes // 60
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
