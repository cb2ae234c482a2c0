"""Publications that move, and those that see less than before. Each function is part of one unit of work.

What follows a publication moves along with it. All that moves together is judged together, each as if nobody else of
them stood where it did, and is written all at once or not at all. What is locked, on air or past is never moved; it
may only be cut back, which asks nothing of anybody.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, instant_text
from sqlalchemy import Connection

from holdback_servers.schedule import run_orders, store
from holdback_servers.schedule.admission import asked_availability, check_windows, slot_problem
from holdback_servers.schedule.books import Actor, find_channel, read_books
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, obstacle, placed
from holdback_servers.schedule.model import (
    Availability,
    Publication,
    arranged,
    availability_bounds,
    extends,
    windows_of,
)
from holdback_servers.schedule.store import Admission

Moves = Mapping[str, Collection[Availability]]
"""Publications by their ids, each with the availability that it is to have."""


def moved(c: Connection, moves: Moves, now: datetime) -> list[Publication]:
    """The publications of the moves and all that follows them, as they would be; nothing is changed or judged.

    What follows and has no move of its own begins when what it follows ends.

    Raises:
        Problem: NOT_FOUND; CONFLICT for what is locked, on air, past or ended; TERRITORY_UNKNOWN;
            INVALID_ARGUMENT for what the channel cannot do.
    """
    asked = [(store.find_publication(c, name, now), pieces) for name, pieces in moves.items()]
    channels = {name: find_channel(c, name, lock=True) for name in sorted({each.channel for each, _ in asked})}
    made: dict[str, Publication] = {}
    for each, pieces in asked:
        _check_movable(each, now)
        made[each.id] = _at(each, asked_availability(channels[each.channel], pieces))
    waiting = list(made)
    while waiting:
        head = made[waiting.pop(0)]
        for each in store.followers(c, head.id, now):
            stays = each.id in made or head.end is None or each.start == head.end or each.state in store.ENDED
            if not stays and head.end is not None:
                _check_movable(each, now)
                made[each.id] = _at(each, _shifted(each.availability, head.end - each.start))
                waiting.append(each.id)
    return sorted(made.values(), key=lambda each: (each.start, each.id))


def becoming(c: Connection, moves: Moves, admissions: Mapping[str, Admission], now: datetime) -> list[Publication]:
    """The same, judged, on the verified statements of each that is committed. Changes nothing.

    Args:
        admissions: by publication, of every one in `moved` that stands on a clearance.

    Raises:
        Problem: what `moved` refuses; SLOT_TAKEN, SLOT_REFUSED, INVALID_ARGUMENT for the past; TERRITORY_NOT_CLEARED,
            OUTSIDE_CLEARED_WINDOW; APPROVAL_REQUIRED for what would see more than was approved; CONFLICT for one that
            was committed in between.
    """
    made = [_admitted(each, admissions.get(each.id)) for each in moved(c, moves, now)]
    for name in sorted({each.channel for each in made}):
        together = [each for each in made if each.channel == name]
        channel = find_channel(c, name)
        _judge(c, channel, together, now)
        for each in together:
            if each.id in admissions:
                check_windows(each, channel, admissions[each.id].clearance.cells)
    return made


def move_all(
    c: Connection,
    moves: Moves,
    admissions: Mapping[str, Admission],
    actor: Actor,
    now: datetime,
    *,
    why: str,
    reservation: run_orders.Reservation,
) -> list[Publication]:
    """Move publications, and what follows them, all at once or not at all.

    Raises:
        Problem: what `becoming` refuses; CONFLICT when their runs are no longer reserved.
    """
    made = becoming(c, moves, admissions, now)
    asked = {store.find_publication(c, name, now).id for name in moves}
    for each in made:
        before = store.find_publication(c, each.id, now)
        if each.id in admissions:
            run_orders.confirm(c, each, reservation, now)
            store.keep_papers(c, each.id, admissions[each.id].papers)
        told = f"moved from {instant_text(before.start)} to {instant_text(each.start)}"
        if before.start == each.start:
            told = f"changed from {_text(before.availability)} to {_text(each.availability)}"
        along = "" if each.id in asked else f", along with {each.details.follows}"
        store.put(c, each, actor, f"{told}{along}: {why}", now)
    return made


def cut_back(
    c: Connection,
    publication_id: str,
    availability: Collection[Availability],
    actor: Actor,
    now: datetime,
    *,
    why: str,
    even_locked: bool = False,
) -> Publication:
    """Let a publication be seen in fewer places or for less long: no statement and no person is asked.

    Where nothing is left it comes off the books. Otherwise the time that it was seen so far stays in its availability,
    and what follows it stays where it is, with a start of its own.

    Raises:
        Problem: NOT_FOUND; CONFLICT when it is ended, or locked; INVALID_ARGUMENT for more than it has, or for what the
            channel cannot do; SLOT_TAKEN or SLOT_REFUSED when it would then begin where it may not.
    """
    found = store.find_publication(c, publication_id, now)
    channel = find_channel(c, found.channel, lock=True)
    _check_standing(found)
    if not even_locked:
        store.check_unlocked(found)
    seen = _until(found.availability, now) if _began(found, now) else ()
    left = arranged((*seen, *availability))
    _check_less(found, left)
    if not any(piece.end is None or piece.end > now for piece in left):
        return store.cancel(c, found.id, why, actor, now, even_locked=even_locked)
    if not channel.geo_blocking:
        asked_availability(channel, left)
    shorter = _at(found, left)
    if shorter.start != found.start:
        store.check_free(c, channel, shorter, now)
    if shorter.end != found.end:
        store.let_go(c, shorter, actor, f"{found.id}, which it followed, was cut back", now)
    return store.put(c, shorter, actor, f"cut back to {_text(left)}: {why}", now)


def without(publication: Publication, territories: Collection[str]) -> tuple[Availability, ...]:
    """Its availability but for these territories. Raises Problem INVALID_ARGUMENT for one in which it is not seen."""
    if strange := sorted(set(territories) - set(publication.territories)):
        raise Problem(
            "INVALID_ARGUMENT",
            f"{publication.id} is not to be seen in {', '.join(strange)}.",
            f"It is to be seen in {', '.join(publication.territories)}.",
        )
    kept = [(tuple(t for t in piece.territories if t not in territories), piece) for piece in publication.availability]
    return tuple(Availability(territories=places, start=p.start, end=p.end) for places, p in kept if places)


def _admitted(publication: Publication, admission: Admission | None) -> Publication:
    """On its statements. Raises Problem APPROVAL_REQUIRED or CONFLICT."""
    if publication.clearance is None:
        return publication
    if admission is None:
        raise Problem(
            "CONFLICT", f"{publication.id} changed while its statements were read.", "Send the same call again."
        )
    grown = extends(publication.approved_for, publication.availability)
    if grown and not admission.asked_anew:
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{publication.id} would be seen longer in {', '.join(grown)} than was approved in {publication.approval}.",
            "Have a person other than the one who asks approve it again, with a clearance that covers it.",
            territories=list(grown),
        )
    return store.admitted(publication, admission)


def _judge(c: Connection, channel: Channel, together: Collection[Publication], now: datetime) -> None:
    """No rule refuses any of them. Raises Problem SLOT_TAKEN, SLOT_REFUSED or INVALID_ARGUMENT."""
    wanted = [placed(channel, each) for each in together]
    window = TimeRange(
        start=min(each.start for each in wanted), end=max(each.until for each in wanted) + timedelta(seconds=1)
    )
    ids = {each.id for each in together}
    others = [each for each in read_books(c, channel, window, now).placed if each.id not in ids]
    for each, publication in zip(wanted, together, strict=True):
        books = Books(channel, [*others, *(other for other in wanted if other.id != each.id)])
        stop = obstacle(books, each, now, after_watershed=publication.after_watershed)
        if stop is not None:
            raise slot_problem(channel, each.start, stop)


def _check_movable(publication: Publication, now: datetime) -> None:
    _check_standing(publication)
    store.check_unlocked(publication)
    if _began(publication, now):
        raise Problem(
            "CONFLICT",
            f"{publication.id} began at {instant_text(publication.start)}; what is on air is not moved.",
            "Cut it back or take it down; hold another slot for showing it again.",
        )


def _check_standing(publication: Publication) -> None:
    if publication.state in ("held", "approved", "scheduled", "live"):
        return
    raise Problem(
        "CONFLICT", f"{publication.id} is {publication.state}.", "Propose and hold a slot again; this one has ended."
    )


def _check_less(publication: Publication, left: tuple[Availability, ...]) -> None:
    given = windows_of(publication.availability)
    for territory, windows in windows_of(left).items():
        if not all(any(have.covers(window) for have in given.get(territory, ())) for window in windows):
            raise Problem(
                "INVALID_ARGUMENT",
                f"{publication.id} would be seen in {territory} when it is not now.",
                "Move it instead, or leave that out.",
                territory=territory,
            )


def _began(publication: Publication, now: datetime) -> bool:
    return publication.state == "live" or (publication.state != "held" and publication.start <= now)


def _until(pieces: Iterable[Availability], now: datetime) -> tuple[Availability, ...]:
    """What of it lies before this instant."""
    begun = [piece for piece in pieces if piece.start < now]
    return tuple(
        Availability(territories=p.territories, start=p.start, end=now if p.end is None else min(p.end, now))
        for p in begun
    )


def _at(publication: Publication, availability: tuple[Availability, ...]) -> Publication:
    start, end = availability_bounds(availability)
    return publication.model_copy(update={"availability": availability, "start": start, "end": end})


def _shifted(pieces: Iterable[Availability], by: timedelta) -> tuple[Availability, ...]:
    return arranged(
        tuple(
            Availability(territories=p.territories, start=p.start + by, end=None if p.end is None else p.end + by)
            for p in pieces
        )
    )


def _text(pieces: Iterable[Availability]) -> str:
    return "; ".join(piece.text() for piece in pieces)
