"""What the store keeps of what really aired. Each function is part of one unit of work."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import TimeRange, intersection
from sqlalchemy import Connection, and_, delete, insert, select

from holdback_servers.schedule.asrun_nouns import AiredItem, ReachSample
from holdback_servers.schedule.tables import as_run, as_run_files

_SAMPLES = 20_000
_STEP = timedelta(hours=1)


def keep(c: Connection, channel: str, items: Iterable[AiredItem]) -> None:
    """Record what aired on a channel."""
    rows = [
        {
            "id": each.id,
            "channel": channel,
            "start_at": store_instant(each.start),
            "until_at": store_instant(each.end),
            "publication": each.publication or None,
            "body": each.model_dump(mode="json"),
        }
        for each in items
    ]
    if rows:
        c.execute(insert(as_run), rows)


def cover(c: Connection, channel: str, window: TimeRange, *, name: str, by: str, now: datetime) -> None:
    """Record that a file told all that aired on a channel in the window; again, and it changes nothing."""
    a, end = as_run_files.c, window.end or window.start
    place = {"channel": channel, "start_at": store_instant(window.start), "until_at": store_instant(end)}
    same = and_(a.channel == channel, a.start_at == place["start_at"], a.until_at == place["until_at"])
    if c.execute(select(a.channel).where(same)).first() is None:
        c.execute(insert(as_run_files).values(**place, name=name, at=store_instant(now), by=by))


def covered(c: Connection, channel: str, window: TimeRange) -> list[TimeRange]:
    """The hours of the window that as-run files told of, in order, touching ones joined."""
    a = as_run_files.c
    query = select(a.start_at, a.until_at).where(a.channel == channel, a.until_at > store_instant(window.start))
    if window.end is not None:
        query = query.where(a.start_at < store_instant(window.end))
    told = [TimeRange(start=load_instant(row.start_at), end=load_instant(row.until_at)) for row in c.execute(query)]
    return intersection([window], told)


def drop(c: Connection, ids: Collection[str]) -> None:
    """Take lines off the record."""
    c.execute(delete(as_run).where(as_run.c.id.in_(sorted(ids))))


def aired(c: Connection, channel: str, window: TimeRange) -> list[AiredItem]:
    """What aired on a channel at some time of the window, in order of start."""
    query = select(as_run.c.body).where(as_run.c.channel == channel, as_run.c.until_at > store_instant(window.start))
    if window.end is not None:
        query = query.where(as_run.c.start_at < store_instant(window.end))
    rows = c.execute(query.order_by(as_run.c.start_at, as_run.c.id)).scalars()
    return [AiredItem.model_validate(body) for body in rows]


def samples(c: Connection, channel: str) -> list[ReachSample]:
    """The audiences that a channel's as-run files tell, the latest first: at the start of each item, and each hour on.

    At most 20,000 items are looked at.
    """
    query = select(as_run.c.body).where(as_run.c.channel == channel)
    rows = c.execute(query.order_by(as_run.c.start_at.desc()).limit(_SAMPLES)).scalars()
    found: list[ReachSample] = []
    for item in (AiredItem.model_validate(body) for body in rows if body.get("audience") is not None):
        at = item.start
        while at < item.end and item.audience is not None:
            found.append(ReachSample(at=at, audience=item.audience))
            at += _STEP
    return found
