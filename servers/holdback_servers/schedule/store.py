"""What the schedule keeps: channels, publications and their history. Each function is part of one unit of work.

A hold is a publication in the state `held`; committing turns the same row into `scheduled`, so a slot is never free in
between and never there twice. The row of the channel is locked first: whoever judges a slot judges it alone.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, TimeRange, instant_text
from sqlalchemy import (
    Connection,
    and_,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from holdback_servers.schedule import run_orders, showings
from holdback_servers.schedule.admission import ApprovalFacts, ClearanceFacts, check_windows, slot_problem
from holdback_servers.schedule.books import Actor, find_channel, not_lapsed, read_books
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import obstacle, placed
from holdback_servers.schedule.model import HistoryRow, Hold, Publication, State
from holdback_servers.schedule.tables import METADATA as METADATA
from holdback_servers.schedule.tables import TABLES as TABLES
from holdback_servers.schedule.tables import history, publications


class Admission(Noun):
    """The verified statements under which a hold is committed."""

    clearance: ClearanceFacts
    approval: ApprovalFacts


def put(c: Connection, publication: Publication, actor: Actor, why: str, now: datetime) -> Publication:
    """Write a publication as it now is, with who changed it and why: the one way to change the books.

    It judges nothing. Whoever does, locks the channel first (`find_channel` with `lock`) and puts in the same unit.

    Raises:
        Problem: CHANNEL_UNKNOWN.
    """
    channel = find_channel(c, publication.channel)
    row = _row(publication, channel)
    changed = c.execute(update(publications).where(publications.c.id == publication.id).values(**row))
    if changed.rowcount == 0:
        c.execute(insert(publications).values(id=publication.id, **row))
    _remember(c, publication, actor, why, now)
    showings.arrange(c, publication, channel, now)
    run_orders.order(c, publication, now)
    return publication


def hold(c: Connection, publication: Publication, why: str, now: datetime) -> Hold:
    """Keep a slot for a publication in the state `held`, with its hold's id and expiry.

    Raises:
        Problem: CHANNEL_UNKNOWN, SLOT_TAKEN, SLOT_REFUSED, or INVALID_ARGUMENT for a slot in the past.
    """
    channel = find_channel(c, publication.channel, lock=True)
    _check_free(c, channel, publication, now)
    put(c, publication, Actor(by=publication.by, on_behalf_of=publication.on_behalf_of), why, now)
    return Hold.model_validate({"id": publication.hold, "publication": publication, "expires": publication.expires})


def find_hold(c: Connection, hold_id: str) -> Publication:
    """The publication that a hold keeps a slot for, whatever became of it. Raises Problem NOT_FOUND."""
    body = c.execute(select(publications.c.body).where(publications.c.hold == hold_id)).scalar_one_or_none()
    if body is None:
        raise Problem("NOT_FOUND", f"There is no hold {hold_id}.", "Hold a slot first; hold_slot answers with the id.")
    return Publication.model_validate(body)


def check_open(publication: Publication, now: datetime) -> None:
    """A hold can still be committed. Raises Problem ALREADY_COMMITTED, HOLD_EXPIRED or CONFLICT."""
    if publication.lapsed(now):
        raise Problem(
            "HOLD_EXPIRED",
            f"The hold {publication.hold} lapsed at {_at(publication.expires)}.",
            "Propose and hold a slot again; others may have taken this one.",
        )
    if publication.state == "held":
        return
    if publication.state in ("cancelled", "failed"):
        raise Problem("CONFLICT", f"{publication.id} is {publication.state}.", "Propose and hold a slot again.")
    raise Problem(
        "ALREADY_COMMITTED",
        f"{publication.id} is {publication.state} already, for {instant_text(publication.start)}.",
        "Nothing is left to do; cancel it first if it must change.",
        publication=publication.id,
    )


def commit(c: Connection, hold_id: str, admission: Admission | None, actor: Actor, now: datetime) -> Publication:
    """Turn a hold into a scheduled publication, all at once or not at all.

    `admission` is None when the hold was seen not to be open, so that nothing was verified.

    Raises:
        Problem: NOT_FOUND, ALREADY_COMMITTED, HOLD_EXPIRED, CONFLICT, SLOT_TAKEN, SLOT_REFUSED, TERRITORY_NOT_CLEARED,
            OUTSIDE_CLEARED_WINDOW; INVALID_ARGUMENT when its start has passed.
    """
    held = find_hold(c, hold_id)
    channel = find_channel(c, held.channel, lock=True)
    check_open(held, now)
    if admission is None:
        raise Problem("CONFLICT", f"{held.id} changed while its statements were read.", "Send the same call again.")
    check_windows(held, channel, admission.clearance.cells)
    _check_free(c, channel, held, now)
    committed = held.model_copy(
        update={
            "state": "scheduled",
            "expires": None,
            "clearance": admission.clearance.id,
            "approval": admission.approval.id,
        }
    )
    return put(c, committed, actor, f"cleared by {committed.clearance}, approved by {admission.approval.by}", now)


def find_publication(c: Connection, publication_id: str, now: datetime) -> Publication:
    """The publication of this id, or that a hold of this id is for, as it stands. Raises Problem NOT_FOUND."""
    p = publications.c
    body = c.execute(select(p.body).where(or_(p.id == publication_id, p.hold == publication_id))).scalar_one_or_none()
    if body is None:
        raise Problem("NOT_FOUND", f"There is no publication {publication_id}.", "get_schedule lists them.")
    return as_of(Publication.model_validate(body), now)


def cancel(c: Connection, publication_id: str, why: str, actor: Actor, now: datetime) -> Publication:
    """Take a publication off the books, by its id or its hold's.

    It becomes `cancelled`, or `taken_down` when its start has passed. What is off the books already is answered as it
    stands. Raises Problem NOT_FOUND, or CONFLICT for a locked one.
    """
    found = find_publication(c, publication_id, now)
    if found.state in ("cancelled", "taken_down", "failed", "expired"):
        return found
    if found.locked:
        raise Problem("CONFLICT", f"{found.id} is locked.", "Unlock it first; locked items are not changed silently.")
    shown = found.state == "live" or (found.state == "scheduled" and found.start <= now)
    ended = found.model_copy(update={"state": "taken_down" if shown else "cancelled"})
    return put(c, ended, actor, why, now)


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
    return [as_of(Publication.model_validate(body), now) for body in rows]


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


def _check_free(c: Connection, channel: Channel, publication: Publication, now: datetime) -> None:
    wanted = placed(channel, publication)
    window = TimeRange(start=wanted.start, end=wanted.until + timedelta(seconds=1))
    books = read_books(c, channel, window, now, without=publication.id)
    stop = obstacle(books, wanted, now, after_watershed=publication.after_watershed)
    if stop is not None:
        raise slot_problem(channel, publication.start, stop)


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


def _in_states(states: Collection[State], now: datetime) -> ColumnElement[bool]:
    """Rows whose state, with lapsed holds counted as cancelled, is one of these."""
    p = publications.c
    wanted = and_(p.state.in_(sorted(states)), not_lapsed(now))
    if "cancelled" not in states:
        return wanted
    return or_(wanted, and_(p.state == "held", p.expires_at <= store_instant(now)))


def _at(moment: datetime | None) -> str:
    return "" if moment is None else instant_text(moment)
