"""What the schedule keeps of channels, and what each has on its books. Each function is part of one unit of work."""

from datetime import datetime, timedelta
from difflib import get_close_matches

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, TimeRange
from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, Placed, reach_of_rules
from holdback_servers.schedule.model import OCCUPYING
from holdback_servers.schedule.tables import channels, publications


class Actor(Noun):
    """Who changes something: the agent or person that acts, and the person it is done for."""

    by: str
    on_behalf_of: str


def save_channel(c: Connection, channel: Channel, actor: Actor, now: datetime) -> bool:
    """Record a channel; answers whether one of the same name was replaced. Raises Problem TERRITORY_UNKNOWN."""
    channel.reaches(now)
    body = channel.model_dump(mode="json", exclude_none=True)
    row = {"platform": channel.platform, "body": body, "changed_at": store_instant(now), "changed_by": actor.by}
    changed = c.execute(update(channels).where(channels.c.name == channel.name).values(**row))
    if changed.rowcount == 0:
        c.execute(insert(channels).values(name=channel.name, **row))
    return changed.rowcount > 0


def all_channels(c: Connection) -> list[Channel]:
    """Every channel, by name."""
    rows = c.execute(select(channels.c.body).order_by(channels.c.name))
    return [Channel.model_validate(body) for (body,) in rows]


def find_channel(c: Connection, name: str, *, lock: bool = False) -> Channel:
    """The channel of this name. Raises Problem CHANNEL_UNKNOWN with near names."""
    query = select(channels.c.body).where(channels.c.name == name)
    body = c.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if body is not None:
        return Channel.model_validate(body)
    known = list(c.execute(select(channels.c.name).order_by(channels.c.name)).scalars())
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = f"The channels are {', '.join(known)}." if known else "None is recorded yet; record_channel adds one."
    raise Problem("CHANNEL_UNKNOWN", f"There is no channel {name!r}.", hint, given=name, known=known)


def read_books(
    c: Connection, channel: Channel, window: TimeRange, now: datetime, *, without: str | None = None
) -> Books:
    """The channel's books over a window and as far around it as its rules look; lapsed holds are not on them."""
    p = publications.c
    around = max(reach_of_rules(channel), timedelta(minutes=2 * channel.min_gap_minutes))
    query = (  # in the order of Placed; an index holds all of it
        select(p.start_at, p.id, p.until_at, p.title, p.state, p.sponsor, p.priority, p.locked, p.follows)
        .where(p.channel == channel.name, p.until_at >= store_instant(window.start - around))
        .where(p.state.in_(sorted(OCCUPYING)), not_lapsed(now))
    )
    if window.end is not None:
        query = query.where(p.start_at < store_instant(window.end + around))
    return Books(
        channel,
        (
            Placed(load_instant(start), key, load_instant(until), title, state, sponsor, priority, locked, follows)
            for start, key, until, title, state, sponsor, priority, locked, follows in c.execute(query).all()
            if key != without
        ),
    )


def not_lapsed(now: datetime) -> ColumnElement[bool]:
    """Rows that are no lapsed hold."""
    p = publications.c
    return or_(p.state != "held", p.expires_at.is_(None), p.expires_at > store_instant(now))
