"""What the schedule keeps of channels. Each function is part of one unit of work."""

from datetime import datetime
from difflib import get_close_matches

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from sqlalchemy import Connection, insert, select, update

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.tables import channels


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
