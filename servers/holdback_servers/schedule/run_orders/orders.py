"""The run orders as they are kept. Each function is part of one unit of work."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from sqlalchemy import Connection, Update, and_, insert, or_, select, update

from holdback_servers.schedule import showings
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.run_orders.transmissions import Asked, Order, Reservation, Run, runs_of, wanted_runs
from holdback_servers.schedule.tables import publications, run_orders

_IN_FLIGHT = timedelta(seconds=60)
"""How long a change may take from its intent to its transaction."""
_LONGEST_WAIT = timedelta(minutes=5)
_FORGOTTEN: Mapping[str, Any] = MappingProxyType({"intended": None, "done": False})


def order(c: Connection, publication: Publication, now: datetime) -> None:
    """Write down what runs a publication, as it now is, is to have. Part of the unit that changes it."""
    found = _find(c, publication.id)
    wanted = wanted_runs(publication, () if found is None else found.wanted, _seen(c, publication.id), now)
    if found is None and not wanted:
        return
    if found is not None and (found.wanted, found.clearance) == (wanted, publication.clearance):
        return
    row = {"clearance": publication.clearance, "wanted": _listed(wanted), "done": False, "next_at": _next(wanted)}
    _save(c, publication.id, found, row | {"attempts": 0, "try_at": store_instant(now)}, now)


def ready(c: Connection, publication: str) -> bool:
    """Whether the keeper is known to hold the runs of a committed publication; until then it does not go out."""
    found = _find(c, publication)
    return found is not None and found.intended is None and found.done


def intend(c: Connection, publication: Publication, now: datetime) -> int:
    """The revision under which the change may be confirmed; the same change asked for twice shares one."""
    found, asked = _find(c, publication.id), Asked(clearance=publication.clearance, runs=runs_of(publication))
    row: dict[str, Any] = {"intended": _plain(asked), "done": False, "try_at": store_instant(now)}
    if found is not None and found.intended == asked:
        c.execute(_this(publication.id).values(changed_at=store_instant(now)))
        return found.revision
    if found is None:
        row |= {"wanted": [], "attempts": 0}
    return _save(c, publication.id, found, row, now)


def confirm(c: Connection, publication: Publication, reservation: Reservation, now: datetime) -> None:
    """Take what was reserved for a change that is made in this unit; `publication` is what it becomes.

    Raises:
        Problem: CONFLICT when the intent was given back or replaced in between.
    """
    found, asked = _find(c, publication.id), Asked(clearance=publication.clearance, runs=runs_of(publication))
    if found is None or found.intended != asked or found.revision != reservation.get(publication.id):
        raise Problem(
            "CONFLICT",
            f"The runs that were reserved for {publication.id} were given back, or are reserved for another change.",
            "Send the same call again.",
        )
    row = {"clearance": asked.clearance, "wanted": _listed(asked.runs), "intended": None, "done": True}
    _save(c, publication.id, found, row | {"secured": _plain(asked), "next_at": _next(asked.runs)}, now)


def forget(c: Connection, reservation: Reservation, now: datetime) -> None:
    """Intents that no change will confirm; those that were replaced or confirmed stay as they are."""
    for publication, revision in reservation.items():
        found = _find(c, publication)
        if found is not None and found.intended is not None and found.revision == revision:
            _save(c, publication, found, _FORGOTTEN, now)


def due(c: Connection, now: datetime) -> list[str]:
    """Publications of which the keeper has something to hear by now; what waits for longer than anything may wait was
    written before the clock went back, and waits no more."""
    o, at, latest = run_orders.c, store_instant(now), store_instant(now + _LONGEST_WAIT)
    opened = and_(publications.c.state == "live", o.next_at <= at)
    untold = and_(o.done.is_(False), or_(o.try_at <= at, o.try_at > latest))
    query = select(o.publication).join(publications, publications.c.id == o.publication)
    return list(c.execute(query.where(or_(untold, opened))).scalars())


def take(c: Connection, publication: str, now: datetime) -> Order | None:
    """What the keeper is to be told of it, an intent that nobody will confirm forgotten; None when there is nothing."""
    body = c.execute(select(publications.c.body).where(publications.c.id == publication)).scalar_one_or_none()
    found = _find(c, publication)
    if body is None or found is None or (found.intended is not None and _in_flight(found, now)):
        return None
    if found.intended is not None:
        _save(c, publication, found, _FORGOTTEN, now)
    order(c, Publication.model_validate(body), now)
    found = _find(c, publication)
    if found is None or found.done:
        return None
    wait = min(timedelta(seconds=2 ** min(found.attempts, 10)), _LONGEST_WAIT)
    c.execute(_this(publication).values(attempts=found.attempts + 1, try_at=store_instant(now + wait)))
    return found


def _in_flight(found: Order, now: datetime) -> bool:
    """Whether the change that asked for the runs may still come; one of the future is of before the clock went back."""
    return now - _IN_FLIGHT < found.changed_at <= now + _IN_FLIGHT


def heard(c: Connection, told: Order, now: datetime) -> None:
    """The keeper knows; but what changed while it was told is told again, since nobody knows which came last."""
    found = _find(c, told.publication)
    if found is None:
        return
    if found.revision == told.revision:
        known = Asked(clearance=told.clearance, runs=told.reserved)
        c.execute(_this(told.publication).values(done=True, secured=_plain(known), attempts=0))
    else:
        _save(c, told.publication, found, {"done": False, "try_at": store_instant(now)}, now)


def _seen(c: Connection, publication: str) -> Collection[str]:
    showing = showings.find(c, publication)
    return () if showing is None else showing.perhaps


def _find(c: Connection, publication: str) -> Order | None:
    row = c.execute(select(run_orders).where(run_orders.c.publication == publication)).mappings().first()
    if row is None:
        return None
    kept = {name: row[name] for name in Order.model_fields}
    return Order.model_validate(kept | {"changed_at": load_instant(row["changed_at"])})


def _save(c: Connection, publication: str, found: Order | None, row: Mapping[str, Any], now: datetime) -> int:
    revision = 1 if found is None else found.revision + 1
    values = {**row, "revision": revision, "changed_at": store_instant(now)}
    made = insert(run_orders).values(publication=publication, **values)
    c.execute(made if found is None else _this(publication).values(**values))
    return revision


def _this(publication: str) -> Update:
    return update(run_orders).where(run_orders.c.publication == publication)


def _listed(runs: Iterable[Run]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in runs]


def _plain(asked: Asked) -> dict[str, Any]:
    return asked.model_dump(mode="json")


def _next(runs: Iterable[Run]) -> str | None:
    return min((store_instant(each.at) for each in runs if not each.used), default=None)
