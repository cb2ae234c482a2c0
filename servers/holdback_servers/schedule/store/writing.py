"""The one way to change a publication. Each function is part of one unit of work."""

from datetime import datetime
from typing import Any

from holdback_base.database import put_into_stories, store_instant, stories_of
from sqlalchemy import Connection, func, insert, select, update

from holdback_servers.schedule import run_orders, showings
from holdback_servers.schedule.books import Actor, find_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import placed
from holdback_servers.schedule.model import OCCUPYING, Publication
from holdback_servers.schedule.store.finding import followers
from holdback_servers.schedule.tables import STORIES, TABLES, history, publications


def put(c: Connection, publication: Publication, actor: Actor, why: str, now: datetime) -> Publication:
    """Write a publication as it now is, with who changed it and why: the one way to change the books.

    It judges nothing. Whoever does, locks the channel first (`find_channel` with `lock`) and puts in the same unit.
    What follows a publication that is no longer on the books stays where it is, with a start of its own.

    Raises:
        Problem: CHANNEL_UNKNOWN.
    """
    channel = find_channel(c, publication.channel)
    row = _row(publication, channel)
    changed = c.execute(update(publications).where(publications.c.id == publication.id).values(**row))
    if changed.rowcount == 0:
        c.execute(insert(publications).values(id=publication.id, **row))
    if stories := _stories(c, publication.media, publication.story):
        put_into_stories(c, STORIES, publication.id, stories)
    _remember(c, publication, actor, why, now)
    if publication.state not in OCCUPYING:
        let_go(c, publication, actor, f"{publication.id}, which it followed, is {publication.state}", now)
    showings.arrange(c, publication, channel, now)
    run_orders.order(c, publication, now)
    return publication


def follow(c: Connection, media: str) -> None:
    """Have the publications of bytes, and the jobs that plan some, belong to the closed stories of the bytes now."""
    p, jobs = publications.c, TABLES.jobs.c
    for key, said in c.execute(select(p.id, p.body["story"].as_string()).where(p.media == media)).all():
        put_into_stories(c, STORIES, key, _stories(c, media, said))
    planned = func.json_each(jobs.request, "$.items").table_valued("value")
    about = select(1).select_from(planned).where(func.json_extract(planned.c.value, "$.media") == media)
    for key, request in c.execute(select(jobs.id, jobs.request).where(about.exists())).all():
        stories = frozenset[str]().union(*(_stories(c, each.get("media")) for each in request["items"]))
        put_into_stories(c, STORIES, key, stories)


def _stories(c: Connection, media: str | None, said: str | None = None) -> frozenset[str]:
    """The closed stories that something of these bytes belongs to: theirs, as the schedule has heard, or that said."""
    heard = frozenset[str]() if media is None else stories_of(c, STORIES, media)
    return heard or (frozenset() if said is None else frozenset({said}))


def let_go(c: Connection, followed: Publication, actor: Actor, why: str, now: datetime) -> None:
    """What follows a publication stays where it is, and starts at a time of its own."""
    for each in followers(c, followed.id, now):
        details = each.details.model_copy(update={"start_mode": "fixed", "follows": None})
        put(c, each.model_copy(update={"details": details}), actor, f"starts at a time of its own: {why}", now)


def _row(publication: Publication, channel: Channel) -> dict[str, Any]:
    return {
        "channel": publication.channel,
        "title": publication.title,
        "state": publication.state,
        "start_at": store_instant(publication.start),
        "until_at": store_instant(placed(channel, publication).until),
        "expires_at": None if publication.expires is None else store_instant(publication.expires),
        "hold": publication.hold,
        "sponsor": publication.details.sponsor,
        "follows": publication.details.follows,
        "priority": publication.details.priority,
        "locked": publication.locked,
        "media": publication.media,
        "clearance": publication.clearance,
        "body": publication.model_dump(mode="json", exclude_none=True, exclude={"history"}),
    }


def _remember(c: Connection, publication: Publication, actor: Actor, why: str, now: datetime) -> None:
    row = {"publication": publication.id, "at": store_instant(now), "state": publication.state, "why": why}
    c.execute(insert(history).values(**row, by=actor.by, on_behalf_of=actor.on_behalf_of))
