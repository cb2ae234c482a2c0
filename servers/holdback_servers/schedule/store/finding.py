"""Publications as they are found: by their own ids or a hold's, page by page, with their history. Plain reads."""

from collections.abc import Collection
from datetime import datetime

from holdback_base.database import hides, load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from holdback_servers.schedule.books import not_lapsed
from holdback_servers.schedule.model import OCCUPYING, HistoryRow, Publication, State
from holdback_servers.schedule.tables import STORIES, history, publications


def find_hold(c: Connection, hold_id: str) -> Publication:
    """The publication that a hold keeps a slot for, whatever became of it. Raises Problem NOT_FOUND."""
    body = c.execute(select(publications.c.body).where(publications.c.hold == hold_id)).scalar_one_or_none()
    if body is None or hides(c, STORIES, body["id"]):
        raise Problem("NOT_FOUND", f"There is no hold {hold_id}.", "Hold a slot first; hold_slot answers with the id.")
    return Publication.model_validate(body)


def find_publication(c: Connection, publication_id: str, now: datetime) -> Publication:
    """The publication of this id, or that a hold of this id is for, as it stands. Raises Problem NOT_FOUND."""
    p = publications.c
    body = c.execute(select(p.body).where(or_(p.id == publication_id, p.hold == publication_id))).scalar_one_or_none()
    if body is None or hides(c, STORIES, body["id"]):
        raise Problem("NOT_FOUND", f"There is no publication {publication_id}.", "get_schedule lists them.")
    return as_of(Publication.model_validate(body), now)


def followers(c: Connection, publication_id: str, now: datetime) -> list[Publication]:
    """What starts when this publication ends and is still on the books, in order of start."""
    p = publications.c
    query = select(p.body).where(p.follows == publication_id, p.state.in_(sorted(OCCUPYING)), not_lapsed(now))
    return [Publication.model_validate(body) for body in c.execute(query.order_by(p.start_at, p.id)).scalars()]


def page(
    c: Connection,
    window: TimeRange,
    now: datetime,
    *,
    channel_names: Collection[str] = (),
    states: Collection[State] = (),
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> list[Publication]:
    """Publications that start in the window, in order of start and id, as they stand now.

    Args:
        after: the stored start and id of the last one of the page before.
    """
    p = publications.c
    query = select(p.body).where(p.start_at >= store_instant(window.start))
    if window.end is not None:
        query = query.where(p.start_at < store_instant(window.end))
    if channel_names:
        query = query.where(p.channel.in_(sorted(channel_names)))
    if states:
        query = query.where(_in_states(states, now))
    if after is not None:
        query = query.where(or_(p.start_at > after[0], and_(p.start_at == after[0], p.id > after[1])))
    rows = c.execute(query.order_by(p.start_at, p.id).limit(limit)).scalars()
    return [as_of(Publication.model_validate(body), now) for body in rows if not hides(c, STORIES, body["id"])]


def place_of(publication: Publication) -> dict[str, str]:
    """Where a publication stands in the order of `page`."""
    return {"start": store_instant(publication.start), "id": publication.id}


def with_history(c: Connection, found: Collection[Publication]) -> list[Publication]:
    """The same publications, each with what was done to it, oldest first."""
    ids = sorted(each.id for each in found)
    rows: dict[str, list[HistoryRow]] = {}
    for row in c.execute(select(history).where(history.c.publication.in_(ids)).order_by(history.c.seq)):
        rows.setdefault(row.publication, []).append(
            HistoryRow(at=load_instant(row.at), state=row.state, by=row.by, on_behalf_of=row.on_behalf_of, why=row.why)
        )
    return [each.model_copy(update={"history": (*rows.get(each.id, ()), *each.history)}) for each in found]


def as_of(publication: Publication, now: datetime) -> Publication:
    """The publication as it stands: a hold whose time is over is cancelled by the clock, without anybody writing it."""
    if not publication.lapsed(now) or publication.expires is None:
        return publication
    row = HistoryRow(
        at=publication.expires, state="cancelled", by="clock", on_behalf_of=publication.on_behalf_of, why="hold lapsed"
    )
    return publication.model_copy(update={"state": "cancelled", "history": (*publication.history, row)})


def _in_states(states: Collection[State], now: datetime) -> ColumnElement[bool]:
    """Rows whose state, with lapsed holds counted as cancelled, is one of these."""
    p = publications.c
    wanted = and_(p.state.in_(sorted(states)), not_lapsed(now))
    if "cancelled" not in states:
        return wanted
    return or_(wanted, and_(p.state == "held", p.expires_at <= store_instant(now)))
