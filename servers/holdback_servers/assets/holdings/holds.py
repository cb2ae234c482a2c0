"""Legal holds: what a court, a regulator or a lawyer wants kept is neither removed nor archived until it is released.

The register is never shortened: a hold that was released stays in it, with who released it, when, and why.
"""

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from holdback_servers.assets import history, store
from holdback_servers.assets.tables import legal_holds


class LegalHold(Noun):
    """One hold on one asset; open until it is released. An asset may be under several."""

    id: str
    asset_id: str
    reason: str = Field(min_length=1, max_length=2000)
    by: str
    at: Instant
    released_by: str | None = None
    released_at: Instant | None = None
    release_reason: str | None = None


def place_hold(connection: Connection, hold: LegalHold) -> None:
    """Put an asset under a hold. Raises Problem NOT_FOUND."""
    store.find_asset(connection, hold.asset_id)
    row = hold.model_dump(exclude={"released_by", "released_at", "release_reason"}) | {"at": store_instant(hold.at)}
    connection.execute(insert(legal_holds).values(**row))
    facts = {"hold": hold.id, "reason": hold.reason}
    history.note(connection, hold.asset_id, "hold_placed", facts, by=hold.by, now=hold.at)


def release_hold(connection: Connection, hold_id: str, reason: str, *, by: str, now: Instant) -> LegalHold:
    """End a hold; one that was released stays as it is, with who released it first. Raises Problem NOT_FOUND."""
    hold = find_hold(connection, hold_id)
    if hold.released_at is not None:
        return hold
    change = update(legal_holds).where(legal_holds.c.id == hold_id)
    connection.execute(change.values(released_by=by, released_at=store_instant(now), release_reason=reason))
    history.note(connection, hold.asset_id, "hold_released", {"hold": hold_id, "reason": reason}, by=by, now=now)
    return find_hold(connection, hold_id)


def find_hold(connection: Connection, hold_id: str) -> LegalHold:
    """The hold. Raises Problem NOT_FOUND."""
    row = connection.execute(select(legal_holds).where(legal_holds.c.id == hold_id)).mappings().first()
    if row is None or store.hides_target(connection, row["asset_id"]):
        raise store.unknown("legal hold", hold_id, "list_holds gives the register; ids begin with hold_.")
    return _hold(row)


def list_holds(
    connection: Connection, asset_id: str | None, *, released: bool, after: str, limit: int
) -> list[LegalHold]:
    """The register in order of time, after an id: of one asset or of all, with released ones or without."""
    query = select(legal_holds).where(legal_holds.c.id > after)
    if asset_id is not None:
        query = query.where(legal_holds.c.asset_id == asset_id)
    if not released:
        query = query.where(legal_holds.c.released_at.is_(None))
    return [_hold(row) for row in connection.execute(query.order_by(legal_holds.c.id).limit(limit)).mappings()]


def count_open(connection: Connection, asset_id: str) -> int:
    """How many holds an asset is under."""
    is_open = (legal_holds.c.asset_id == asset_id, legal_holds.c.released_at.is_(None))
    return connection.execute(select(func.count()).where(*is_open)).scalar_one()


def check_not_held(connection: Connection, asset_id: str, what: str) -> None:
    """Raises Problem LEGAL_HOLD when an asset is under a hold; `what` is what may therefore not be done."""
    held = list_holds(connection, asset_id, released=False, after="", limit=1)
    if held:
        raise Problem(
            "LEGAL_HOLD",
            f"{asset_id} is under a legal hold since {held[0].at.date()} ({held[0].reason[:200]}); {what}.",
            "Leave it as it is, or have a librarian release the hold (release_hold) when the reason is gone.",
            hold=held[0].id,
        )


def _hold(row: RowMapping) -> LegalHold:
    released = None if row["released_at"] is None else load_instant(row["released_at"])
    kept = {name: row[name] for name in LegalHold.model_fields}
    return LegalHold.model_validate(kept | {"at": load_instant(row["at"]), "released_at": released})
