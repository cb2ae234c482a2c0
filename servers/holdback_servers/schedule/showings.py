"""What the store keeps of showings: what each publisher was told, and when the clock must look again.

Each function is part of one unit of work. Nothing here judges; `playout` does.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from holdback_base.database import load_instant, store_instant
from sqlalchemy import Connection, Row, func, insert, select, update

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.playout import OnShow, Receipt, Showing, next_look
from holdback_servers.schedule.tables import publications, showings


def arrange(c: Connection, publication: Publication, channel: Channel, now: datetime) -> None:
    """Work out when the clock must look at a publication that was just written; at once when something is owed."""
    known = find(c, publication.id)
    showing = known or Showing(publication.id)
    look = next_look(publication, channel, showing, now)
    if known is not None:
        _put_off(c, publication.id, look)
    elif look is not None:
        c.execute(insert(showings).values(_row(replace(showing, next_at=look))))


def find(c: Connection, publication: str) -> Showing | None:
    """What is kept of a publication's showing; None when it never had to be shown."""
    row = c.execute(select(showings).where(showings.c.publication == publication)).first()
    return None if row is None else _showing(row)


def may_be_seen(c: Connection, publication: str) -> bool:
    """Whether it is on show somewhere, as far as its publisher confirmed it or was told without an answer."""
    showing = find(c, publication)
    return showing is not None and bool(showing.perhaps)


def due(c: Connection, now: datetime, limit: int) -> list[str]:
    """Publications that the clock must look at by now, the longest waiting first."""
    s = showings.c
    query = select(s.publication).where(s.next_at <= store_instant(now)).order_by(s.next_at, s.publication).limit(limit)
    return list(c.execute(query).scalars())


def next_due(c: Connection, after: datetime) -> datetime | None:
    """The earliest instant after this one at which the clock must look at something."""
    query = select(func.min(showings.c.next_at)).where(showings.c.next_at > store_instant(after))
    return _moment(c.execute(query).scalar_one())


def look_again(c: Connection, now: datetime, channel: str | None = None) -> None:
    """Have the clock look now at all that it would look at some time, or at all of one channel whose rules changed."""
    query = update(showings).where(showings.c.next_at.is_not(None))
    if channel is not None:
        its = select(publications.c.id).where(publications.c.channel == channel)
        query = query.where(showings.c.publication.in_(its))
    c.execute(query.values(next_at=store_instant(now)))


def postpone(c: Connection, publication: str, until: datetime) -> None:
    """Leave a publication alone until then, because looking at it failed."""
    _put_off(c, publication, until)


def last_seen(c: Connection) -> datetime | None:
    """The latest instant by which any publisher was told something."""
    return _moment(c.execute(select(func.max(showings.c.seen_at))).scalar_one())


def save(c: Connection, showing: Showing) -> None:
    """Write what is kept of a showing as it now is."""
    row = _row(showing)
    if c.execute(update(showings).where(showings.c.publication == showing.publication).values(row)).rowcount == 0:
        c.execute(insert(showings).values(row))


def _put_off(c: Connection, publication: str, until: datetime | None) -> None:
    c.execute(update(showings).where(showings.c.publication == publication).values(next_at=_instant(until)))


def _row(showing: Showing) -> dict[str, Any]:
    return {
        "publication": showing.publication,
        "revision": showing.revision,
        "shown": _stored(showing.shown),
        "sending": None if showing.sending is None else _stored(showing.sending),
        "lease_until": _instant(showing.lease_until),
        "attempts": showing.attempts,
        "seen_at": _instant(showing.seen_at),
        "next_at": _instant(showing.next_at),
        "failure": showing.failure,
        "receipts": [each.model_dump(mode="json") for each in showing.receipts],
    }


def _showing(row: Row[Any]) -> Showing:
    return Showing(
        publication=row.publication,
        revision=row.revision,
        shown=_loaded(row.shown),
        sending=None if row.sending is None else _loaded(row.sending),
        attempts=row.attempts,
        lease_until=_moment(row.lease_until),
        seen_at=_moment(row.seen_at),
        next_at=_moment(row.next_at),
        failure=row.failure,
        receipts=tuple(Receipt.model_validate(each) for each in row.receipts),
    )


def _stored(on: OnShow) -> dict[str, str | None]:
    return {territory: _instant(end) for territory, end in sorted(on.items())}


def _loaded(stored: dict[str, str | None]) -> dict[str, datetime | None]:
    return {territory: _moment(end) for territory, end in stored.items()}


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else store_instant(moment)


def _moment(stored: str | None) -> datetime | None:
    return None if stored is None else load_instant(stored)
