"""What becomes of a slot: held, kept longer, committed, locked, given back. Each function is part of one unit of work.

A hold is a publication in the state `held`; committing turns the same row into `scheduled`, so a slot is never free in
between and never there twice. The row of the channel is locked first: whoever judges a slot judges it alone.
"""

from datetime import datetime, timedelta

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, instant_text
from sqlalchemy import Connection

from holdback_servers.schedule import run_orders
from holdback_servers.schedule.admission import check_seen, check_windows, slot_problem
from holdback_servers.schedule.books import Actor, find_channel, read_books
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import obstacle, placed
from holdback_servers.schedule.model import Hold, Publication, State
from holdback_servers.schedule.store.finding import find_hold, find_publication
from holdback_servers.schedule.store.papers import Admission, admitted, keep_papers
from holdback_servers.schedule.store.writing import put

ENDED: frozenset[State] = frozenset({"cancelled", "taken_down", "failed", "expired"})
"""States that nothing follows."""


def hold(c: Connection, publication: Publication, why: str, now: datetime) -> Hold:
    """Keep a slot for a publication in the state `held`, with its hold's id and expiry.

    Raises:
        Problem: CHANNEL_UNKNOWN, SLOT_TAKEN, SLOT_REFUSED, or INVALID_ARGUMENT for a slot in the past.
    """
    channel = find_channel(c, publication.channel, lock=True)
    check_free(c, channel, publication, now)
    put(c, publication, Actor(by=publication.by, on_behalf_of=publication.on_behalf_of), why, now)
    return Hold.model_validate({"id": publication.hold, "publication": publication, "expires": publication.expires})


def extend(c: Connection, hold_id: str, expires: datetime, actor: Actor, now: datetime) -> Hold:
    """Keep a slot until a later instant; one that is kept longer already stays so.

    Raises:
        Problem: NOT_FOUND, HOLD_EXPIRED, ALREADY_COMMITTED or CONFLICT.
    """
    held = find_hold(c, hold_id)
    find_channel(c, held.channel, lock=True)
    check_open(held, now)
    if held.expires is not None and held.expires < expires:
        held = held.model_copy(update={"expires": expires})
        put(c, held, actor, f"held until {instant_text(expires)}", now)
    return Hold.model_validate({"id": held.hold, "publication": held, "expires": held.expires})


def check_open(publication: Publication, now: datetime) -> None:
    """A hold can still be committed. Raises Problem ALREADY_COMMITTED, HOLD_EXPIRED or CONFLICT."""
    if publication.lapsed(now):
        raise Problem(
            "HOLD_EXPIRED",
            f"The hold {publication.hold} lapsed at {instant_text(publication.expires or now)}.",
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


def committable(c: Connection, hold_id: str, admission: Admission, now: datetime) -> Publication:
    """What an open hold becomes under verified statements. Changes nothing.

    Raises:
        Problem: NOT_FOUND, ALREADY_COMMITTED, HOLD_EXPIRED, CONFLICT, SLOT_TAKEN, SLOT_REFUSED, TERRITORY_NOT_CLEARED,
            OUTSIDE_CLEARED_WINDOW; APPROVAL_REQUIRED when it is not the slot that was approved; INVALID_ARGUMENT when
            its start has passed.
    """
    held = find_hold(c, hold_id)
    channel = find_channel(c, held.channel, lock=True)
    check_open(held, now)
    check_windows(held, channel, admission.clearance.cells)
    check_seen(held, admission.approval)
    check_free(c, channel, held, now)
    return admitted(held, admission).model_copy(update={"state": "scheduled", "expires": None})


def commit(
    c: Connection,
    hold_id: str,
    admission: Admission | None,
    actor: Actor,
    now: datetime,
    *,
    reservation: run_orders.Reservation,
) -> Publication:
    """Turn a hold into a scheduled publication, all at once or not at all.

    Args:
        admission: None when the hold was seen not to be open, so that nothing was verified.
        reservation: of the runs that it takes.

    Raises:
        Problem: what `committable` refuses; CONFLICT when the runs are no longer reserved.
    """
    if admission is None:
        check_open(find_hold(c, hold_id), now)
        raise Problem("CONFLICT", f"{hold_id} changed while its statements were read.", "Send the same call again.")
    committed = committable(c, hold_id, admission, now)
    run_orders.confirm(c, committed, reservation, now)
    keep_papers(c, committed.id, admission.papers)
    person = Actor(by=admission.approval.by, on_behalf_of=actor.on_behalf_of)
    approved = committed.model_copy(update={"state": "approved"})
    put(c, approved, person, f"approved in {committed.approval} with {committed.clearance}", now)
    return put(c, committed, actor, f"cleared by {committed.clearance}, approved by {admission.approval.by}", now)


def lock(c: Connection, publication_id: str, why: str, actor: Actor, now: datetime, *, locked: bool) -> Publication:
    """Lock a publication against change, or lift its lock. Raises Problem NOT_FOUND, or CONFLICT for an ended one."""
    found = find_publication(c, publication_id, now)
    find_channel(c, found.channel, lock=True)
    if found.state not in ("held", "approved", "scheduled", "live"):
        raise Problem("CONFLICT", f"{found.id} is {found.state}.", "Only what is still to come, or is up, is locked.")
    if found.locked == locked:
        return found
    return put(c, found.model_copy(update={"locked": locked}), actor, f"{'' if locked else 'un'}locked: {why}", now)


def check_unlocked(publication: Publication) -> None:
    """Nobody has locked it. Raises Problem CONFLICT."""
    if publication.locked:
        raise Problem(
            "CONFLICT",
            f"{publication.id} is locked.",
            "Unlock it first, with lock_publication; locked items are not changed silently.",
        )


def cancel(
    c: Connection, publication_id: str, why: str, actor: Actor, now: datetime, *, even_locked: bool = False
) -> Publication:
    """Take a publication off the books, by its id or its hold's.

    It becomes `cancelled`, or `taken_down` when its start has passed. What is off the books already is answered as it
    stands. Raises Problem NOT_FOUND, or CONFLICT for a locked one.
    """
    found = find_publication(c, publication_id, now)
    if found.state in ENDED:
        return found
    find_channel(c, found.channel, lock=True)
    if not even_locked:
        check_unlocked(found)
    shown = found.state == "live" or (found.state == "scheduled" and found.start <= now)
    ended = found.model_copy(update={"state": "taken_down" if shown else "cancelled"})
    return put(c, ended, actor, why, now)


def check_free(c: Connection, channel: Channel, publication: Publication, now: datetime) -> None:
    """No rule of the channel refuses it. Raises Problem SLOT_TAKEN, SLOT_REFUSED, or INVALID_ARGUMENT for the past."""
    wanted = placed(channel, publication)
    window = TimeRange(start=wanted.start, end=wanted.until + timedelta(seconds=1))
    books = read_books(c, channel, window, now, without=publication.id)
    stop = obstacle(books, wanted, now, after_watershed=publication.after_watershed)
    if stop is not None:
        raise slot_problem(channel, publication.start, stop)
