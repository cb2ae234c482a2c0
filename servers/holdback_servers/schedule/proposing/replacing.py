"""What a channel cannot become while something stands on its books. Each function is part of one unit of work.

What is committed was cleared and approved for a platform, in exactly the territories that see it; what is on show comes
down only through the publisher and account that put it up.
"""

from collections.abc import Sequence
from datetime import datetime

from holdback_base.database import hides
from holdback_base.problem import Problem
from sqlalchemy import Connection, or_, select

from holdback_servers.schedule import showings
from holdback_servers.schedule.books import RESERVED, not_lapsed
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.tables import STORIES, channels, publications
from holdback_servers.schedule.tables import showings as showings_table

_TOLD = 5
"""How many publications are named in words."""


def check_replacing(c: Connection, channel: Channel, now: datetime) -> None:
    """The channel of this name may become this one.

    While something is held, committed or live its kind and platform stay, and where it cannot be kept out of a
    territory its reach too. While something may be on show its publisher and account stay.

    Raises:
        Problem: CONFLICT, naming what would change and the publications; TERRITORY_UNKNOWN.
    """
    query = select(channels.c.body).where(channels.c.name == channel.name).with_for_update()
    body = c.execute(query).scalar_one_or_none()
    if body is None:
        return
    before = Channel.model_validate(body)
    if changed := _promised(before, channel, now):
        _refuse(channel, changed, _standing(c, channel.name, now), "has ended or was cancelled")
    telling = [name for name in ("publisher", "account") if getattr(before, name) != getattr(channel, name)]
    if telling:
        _refuse(channel, telling, _on_show(c, channel.name), "was taken down")


def _promised(before: Channel, channel: Channel, now: datetime) -> list[str]:
    """What changes of all that the papers of its publications are about."""
    changed = [name for name in ("kind", "platform") if getattr(before, name) != getattr(channel, name)]
    if channel.geo_blocking:
        return changed
    if before.geo_blocking:
        return [*changed, "geo_blocking"]
    return changed if before.reaches(now) == channel.reaches(now) else [*changed, "territories"]


def _standing(c: Connection, name: str, now: datetime) -> list[str]:
    """What is held, committed or live; what was taken over from a grid and is past binds nobody."""
    p = publications.c
    there = p.state.in_(("held", "approved", "scheduled", "live"))
    bodies = c.execute(select(p.body).where(p.channel == name, there, not_lapsed(now)).order_by(p.start_at)).scalars()
    found = [Publication.model_validate(body) for body in bodies]
    to_come = (each.id for each in found if each.state == "live" or each.end is None or each.end > now)
    return [RESERVED if hides(c, STORIES, each) else each for each in to_come]


def _on_show(c: Connection, name: str) -> list[str]:
    """What its publisher was told to put up and has not confirmed to have taken down."""
    p, told = publications.c, showings_table.c
    query = select(p.id).join(showings_table, told.publication == p.id).where(p.channel == name)
    some = query.where(or_(p.state == "live", told.next_at.is_not(None))).order_by(p.start_at)
    seen = (key for key in c.execute(some).scalars() if showings.may_be_seen(c, key))
    return [RESERVED if hides(c, STORIES, each) else each for each in seen]


def _refuse(channel: Channel, changed: Sequence[str], concerned: Sequence[str], over: str) -> None:
    if not concerned:
        return
    named = ", ".join(concerned[:_TOLD])
    more = f" and {len(concerned) - _TOLD} more" if len(concerned) > _TOLD else ""
    raise Problem(
        "CONFLICT",
        f"{channel.name} cannot change its {' and '.join(changed)} under {named}{more}.",
        f"Record it under another name, or again when each of these {over}.",
        changed=list(changed),
        publications=list(concerned[:200]),
    )
