"""What a channel has on its books, read from the store. Each function is part of one unit of work."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from holdback_base.database import hidden_stories, hides, load_instant, store_instant
from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection, or_, select
from sqlalchemy.sql.elements import ColumnElement

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, Placed, reach_of_rules
from holdback_servers.schedule.model import OCCUPYING
from holdback_servers.schedule.tables import STORIES, publications


def read_books(
    c: Connection, channel: Channel, window: TimeRange, now: datetime, *, without: str | None = None
) -> Books:
    """The channel's books over a window and as far around it as its rules look; lapsed holds are not on them."""
    found = read_placed(c, channel, around(channel, window), not_lapsed(now))
    return Books(channel, (each for each, _ in found if each.id != without))


def read_late(c: Connection, channel: Channel, window: TimeRange) -> frozenset[str]:
    """What on the channel's books, over the same time, is to be shown only when children are in bed."""
    if channel.watershed is None:
        return frozenset()
    late = publications.c.body["after_watershed"].as_boolean()
    return frozenset(each.id for each, _ in read_placed(c, channel, around(channel, window), late))


def around(channel: Channel, window: TimeRange) -> TimeRange:
    """The window, and as far around it as the channel's rules look."""
    far = max(reach_of_rules(channel), timedelta(minutes=2 * channel.min_gap_minutes))
    return TimeRange(start=window.start - far, end=None if window.end is None else window.end + far)


def read_placed(
    c: Connection, channel: Channel, window: TimeRange, *conditions: ColumnElement[bool]
) -> Iterator[tuple[Placed, datetime | None]]:
    """What takes up room on the channel and is there in the window, and when it lapses if it is only held."""
    p = publications.c
    query = (  # in the order of Placed; an index holds all of it
        select(p.start_at, p.id, p.until_at, p.title, p.state, p.sponsor, p.priority, p.locked, p.follows, p.expires_at)
        .where(p.channel == channel.name, p.until_at >= store_instant(window.start))
        .where(p.state.in_(sorted(OCCUPYING)), *conditions)
    )
    if window.end is not None:
        query = query.where(p.start_at < store_instant(window.end))
    hidden = hidden_stories(c)
    if hidden:  # the slots are taken for everybody
        query = query.execution_options(schema_translate_map={None: "main"})
    rows = c.execute(query).all()
    for start, key, until, title, state, sponsor, priority, locked, follows, expires in rows:
        placed = Placed(load_instant(start), key, load_instant(until), title, state, sponsor, priority, locked, follows)
        if hidden:
            placed = _as_seen(c, placed)
        yield placed, load_instant(expires) if expires is not None and state == "held" else None


RESERVED = "reserved"
"""In place of the title of what takes up room and is closed to whoever asks; their ids begin so too."""


def _as_seen(c: Connection, placed: Placed) -> Placed:
    """What takes up room, as whoever asks may know it: of what is closed to them, that and how long, and no more."""
    if placed.follows is not None and hides(c, STORIES, placed.follows):
        placed = placed._replace(follows=None)
    if not hides(c, STORIES, placed.id):
        return placed
    return placed._replace(id=f"{RESERVED}-{store_instant(placed.start)}", title=RESERVED, locked=True, follows=None)


def not_lapsed(now: datetime) -> ColumnElement[bool]:
    """Rows that are no lapsed hold."""
    p = publications.c
    return or_(p.state != "held", p.expires_at.is_(None), p.expires_at > store_instant(now))
