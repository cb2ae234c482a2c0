"""Clearances as they are kept: issued, read, looked at again, revoked, asked about. Plain transactions.

A clearance stands on rights as they were. When one of them changes it is decided again, on the question and the cuts
that were kept with it, in the transaction of the change: where a window that it opened is no longer wholly clear it is
stale for good, and nobody relies on it any more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from holdback_base.canonical import canonical_sha256
from holdback_base.database import hides, load_instant, put_into_stories, store_instant
from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_trust.keys import KeyPair, sign_jws
from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from holdback_servers.rights.answers import (
    ClearanceLoss,
    ClearanceRecord,
    ClearanceState,
    Delivery,
    IssuedClearance,
    Revoked,
    StaleClearance,
)
from holdback_servers.rights.book import Book
from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.issuing import ISSUER, STATUS, STATUS_SECONDS, losses, open_cells
from holdback_servers.rights.report import Asked, CellGroup, ClearanceReport
from holdback_servers.rights.tables import STORIES, clearance_cuts, clearance_refs, clearances
from holdback_servers.services import stories_of_cuts

Standing = Literal["valid", "stale", "revoked", "unknown"]
"""How a clearance stands with its issuer. Only `valid` may be relied on."""
Books = Callable[[Sequence[str]], Mapping[str, Book]]
"""Reads what is recorded for references."""
_AT_ONCE: Final = 500
"""References in one query."""
_FOR_EVER: Final = "9999-12-31T23:59:59.999999Z"
_ADVICE: Final[Mapping[ClearanceState, str]] = {
    "stale": "Have the cuts cleared again: what is still clear can be signed anew. Take down what is out where it is "
    "no longer clear.",
    "expired": "Have the cuts cleared again: a clearance holds for seven days.",
    "revoked": "Ask whoever revoked it, then have the cuts cleared again.",
}


def keep(
    c: Connection, decision: Decision, report: ClearanceReport, claims: Mapping[str, Any], statement: str
) -> IssuedClearance:
    """Keep a signed clearance and answer with it. The question and the cuts are kept to decide again."""
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    relied_on = {key for each in open_cells(report) for key in each.conditions}
    body = {
        "deliveries": [{"media": each.media, "elements": each.elements} for each in report.cuts],
        "cells": [each.model_dump(mode="json", exclude={"reasons"}) for each in open_cells(report)],
        "conditions": [each.model_dump(mode="json") for each in report.conditions if each.key in relied_on],
        "question": report.asked.model_dump(mode="json"),
        "cuts": [each.model_dump(mode="json", exclude_defaults=True) for each in decision.cuts],
        "rights_snapshot": report.rights_snapshot,
        "refs": sorted(decision.books),
        "by": claims["by"][0] if claims["by"] else claims["for"],
        "for": claims["for"],
    }
    c.execute(
        insert(clearances).values(
            id=claims["jti"],
            media=claims["sub"],
            statement=statement,
            body=body,
            issued_at=store_instant(datetime.fromtimestamp(claims["iat"], UTC)),
            expires_at=store_instant(expires),
            opens_until=_opens_until(report),
        )
    )
    put_into_stories(c, STORIES, claims["jti"], stories_of_cuts(c, STORIES, decision.cuts))
    c.execute(insert(clearance_cuts), [{"media": each.media, "clearance": claims["jti"]} for each in decision.cuts])
    c.execute(insert(clearance_refs), [{"ref": ref, "clearance": claims["jti"]} for ref in sorted(decision.books)])
    return IssuedClearance(clearance=claims["jti"], statement=statement, expires=expires, report=report)


def follow(c: Connection, media: str) -> None:
    """Have the clearances of these bytes belong to the closed stories that their cuts belong to now."""
    of_it = select(clearances.c.id, clearances.c.body).join(clearance_cuts).where(clearance_cuts.c.media == media)
    for identity, body in c.execute(of_it).all():
        cuts = [CutFacts.model_validate(each) for each in body["cuts"]]
        put_into_stories(c, STORIES, identity, stories_of_cuts(c, STORIES, cuts))


def _opens_until(report: ClearanceReport) -> str:
    """When the last window that it opens ends: what was published under it may be up until then."""
    ends = [window.end for each in open_cells(report) for window in each.windows]
    return _FOR_EVER if None in ends else max((store_instant(end) for end in ends if end is not None), default="")


def at_risk(c: Connection, refs: Iterable[str], books: Books, now: datetime) -> tuple[StaleClearance, ...]:
    """Clearances decided on any of these references, each with what it loses by what `books` says now.

    One counts as long as a window that it opened lasts, also when nothing may be committed under it any more: what was
    may be up.

    Runs are not asked for again: those that a publication takes are reserved, and the reservation holds them. Nothing
    is changed.
    """
    return tuple(
        _look(row, losses(Asked.model_validate(row["body"]["question"]), cuts, cells, books(row["body"]["refs"]), now))
        for row in _standing(c, refs, now)
        for cuts in [tuple(CutFacts.model_validate(each) for each in row["body"]["cuts"])]
        for cells in [tuple(CellGroup.model_validate(each) for each in row["body"]["cells"])]
    )


def look_again(c: Connection, refs: Iterable[str], books: Books, now: datetime) -> tuple[StaleClearance, ...]:
    """Make those stale that lost anything by a change to these references, and tell them. Call it in the transaction
    of the change, once the references are raised."""
    found = tuple(each for each in at_risk(c, refs, books, now) if each.lost)
    for each in found:
        c.execute(
            update(clearances)
            .where(clearances.c.id == each.clearance)
            .values(stale_at=store_instant(now), stale_reason=each.model_dump_json())
        )
    return found


def relying(c: Connection, refs: Iterable[str], now: datetime) -> dict[str, tuple[str, ...]]:
    """Ids of the clearances that were decided on each of these references and still stand for something, oldest first:
    neither revoked nor stale, with a window that has not ended."""
    found: dict[str, list[str]] = {}
    names = sorted(set(refs))
    for begin in range(0, len(names), _AT_ONCE):
        query = (
            select(clearance_refs.c.ref, clearances.c.id)
            .join(clearances, clearances.c.id == clearance_refs.c.clearance)
            .where(clearance_refs.c.ref.in_(names[begin : begin + _AT_ONCE]), *_standing_for_something(now))
            .order_by(clearances.c.id)
        )
        for row in c.execute(query):
            found.setdefault(row.ref, []).append(row.id)
    return {ref: tuple(ids) for ref, ids in found.items()}


def read(
    c: Connection,
    identity: str,
    now: datetime,
    books: Books,
    *,
    media: str | None = None,
    elements: str | None = None,
) -> ClearanceRecord:
    """A clearance as it stands now; with `media` or `elements` only if it covers them.

    Raises Problem NOT_FOUND, or CLEARANCE_HASH_MISMATCH naming what it covers.
    """
    row = _row(c, identity)
    deliveries = tuple(Delivery.model_validate(each) for each in row["body"]["deliveries"])
    _check_covers(identity, deliveries, media, elements)
    status = _state(row, now)
    stale = StaleClearance.model_validate_json(row["stale_reason"]) if row["stale_at"] else None
    return ClearanceRecord(
        clearance=identity,
        status=status,
        deliveries=deliveries,
        cells=row["body"]["cells"],
        conditions=row["body"]["conditions"],
        statement=row["statement"],
        issued=load_instant(row["issued_at"]),
        expires=load_instant(row["expires_at"]),
        issued_by=row["body"]["by"],
        on_behalf_of=row["body"]["for"],
        revoked=load_instant(row["revoked_at"]) if row["revoked_at"] else None,
        reason=row["reason"],
        stale=load_instant(row["stale_at"]) if row["stale_at"] else None,
        stale_reason=stale.reason if stale else None,
        lost=stale.lost if stale else (),
        advice=_ADVICE.get(status),
        rights_changed=snapshot(row["body"]["refs"], books) != row["body"]["rights_snapshot"],
    )


def opened(c: Connection, identity: str, now: datetime) -> tuple[Asked, tuple[CutFacts, ...], tuple[CellGroup, ...]]:
    """The question, the cuts and the open cells of a clearance that may be relied on.

    Raises Problem NOT_FOUND; CLEARANCE_REVOKED, CLEARANCE_EXPIRED or CLEARANCE_STALE.
    """
    row = _row(c, identity)
    status = _state(row, now)
    if status != "valid":
        raise Problem(f"CLEARANCE_{status.upper()}", f"The clearance {identity} is {status}.", _ADVICE[status])
    body = row["body"]
    cuts = tuple(CutFacts.model_validate(each) for each in body["cuts"])
    return Asked.model_validate(body["question"]), cuts, tuple(CellGroup.model_validate(each) for each in body["cells"])


def snapshot(refs: Sequence[str], books: Books) -> str:
    """The hash of all that is recorded for these references now."""
    found, empty = books(refs), Book(())
    return canonical_sha256({ref: found.get(ref, empty).snapshot for ref in refs})


def revoke(c: Connection, identity: str, reason: str, now: datetime, by: str) -> Revoked:
    """From now on the clearance counts no more; revoking it again changes nothing. Raises Problem NOT_FOUND."""
    row = _row(c, identity)
    if row["revoked_at"]:
        return Revoked(clearance=identity, revoked=load_instant(row["revoked_at"]), reason=row["reason"])
    c.execute(
        update(clearances)
        .where(clearances.c.id == identity)
        .values(revoked_at=store_instant(now), revoked_by=by, reason=reason)
    )
    return Revoked(clearance=identity, revoked=now, reason=reason)


def clearance_status(c: Connection, identity: str) -> Standing:
    """Whether this server issued the clearance, has not taken it back, and the rights under it still give what it
    opened; validity in time is in the statement."""
    columns = (clearances.c.revoked_at, clearances.c.stale_at)
    row = c.execute(select(*columns).where(clearances.c.id == identity)).first()
    if row is None:
        return "unknown"
    return "revoked" if row.revoked_at else "stale" if row.stale_at else "valid"


def status_statement(keys: KeyPair, identity: str, status: Standing, now: datetime) -> str:
    """The answer to whoever asks how a clearance stands: a signed `status+jwt`, good for a minute."""
    issued = int(now.timestamp())
    claims = {"iss": ISSUER, "sub": identity, "status": status, "iat": issued, "exp": issued + STATUS_SECONDS}
    return sign_jws(keys, STATUS, claims)


def _row(c: Connection, identity: str) -> RowMapping:
    row = c.execute(select(clearances).where(clearances.c.id == identity)).mappings().first()
    if row is None or hides(c, STORIES, identity):
        raise Problem("NOT_FOUND", f"There is no clearance {identity}.", "Use the id that issue_clearance gave.")
    return row


def _standing_for_something(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        clearances.c.opens_until > store_instant(now),
        clearances.c.revoked_at.is_(None),
        clearances.c.stale_at.is_(None),
    )


def _standing(c: Connection, refs: Iterable[str], now: datetime) -> list[RowMapping]:
    """The rows of `relying`, oldest first."""
    ids = sorted({each for found in relying(c, refs, now).values() for each in found})
    rows: list[RowMapping] = []
    for begin in range(0, len(ids), _AT_ONCE):
        query = select(clearances).where(clearances.c.id.in_(ids[begin : begin + _AT_ONCE])).order_by(clearances.c.id)
        rows += c.execute(query).mappings().all()
    return rows


def _look(row: RowMapping, lost: Sequence[ClearanceLoss]) -> StaleClearance:
    deliveries = tuple(each["media"] for each in row["body"]["deliveries"])
    return StaleClearance(clearance=row["id"], deliveries=deliveries, lost=tuple(lost))


def _state(row: RowMapping, now: datetime) -> ClearanceState:
    if row["revoked_at"]:
        return "revoked"
    if row["stale_at"]:
        return "stale"
    return "expired" if now >= load_instant(row["expires_at"]) else "valid"


def _check_covers(identity: str, deliveries: Sequence[Delivery], media: str | None, elements: str | None) -> None:
    fitting = [each for each in deliveries if media is None or each.media == media]
    if not fitting:
        covered = ", ".join(each.media for each in deliveries)
        raise Problem(
            "CLEARANCE_HASH_MISMATCH",
            f"The clearance {identity} is for {covered}, not for {media}.",
            "Have the new cut cleared: a clearance holds for the exact bytes it was issued for.",
            clearance=identity,
            covered=[each.media for each in deliveries],
            given=media,
        )
    if elements is not None and all(each.elements != elements for each in fitting):
        raise Problem(
            "CLEARANCE_HASH_MISMATCH",
            f"The clearance {identity} is for another element list than {elements}.",
            "Have the cut cleared again with its present element list.",
            clearance=identity,
            covered=[each.elements for each in fitting],
            given=elements,
        )
