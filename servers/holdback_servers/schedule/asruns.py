"""What the store keeps of what really aired. Each function is part of one unit of work."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from holdback_base.database import store_instant
from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection, delete, insert, select

from holdback_servers.schedule.asrun_nouns import AiredItem, ReachSample
from holdback_servers.schedule.tables import as_run

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
