"""Clearances as they are kept: issued, read, revoked, asked about. Plain transactions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from holdback_base.canonical import canonical_sha256
from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_trust.keys import KeyPair, sign_jws
from sqlalchemy import Connection, RowMapping, insert, select, update

from holdback_servers.rights.answers import ClearanceRecord, ClearanceState, Delivery, IssuedClearance, Revoked
from holdback_servers.rights.book import Book
from holdback_servers.rights.issuing import ISSUER, STATUS, STATUS_SECONDS, open_cells
from holdback_servers.rights.report import ClearanceReport
from holdback_servers.rights.tables import clearances

Standing = Literal["valid", "revoked", "unknown"]


def keep(
    c: Connection, report: ClearanceReport, refs: Sequence[str], claims: Mapping[str, Any], statement: str
) -> IssuedClearance:
    """Keep a signed clearance and answer with it. `refs` are the references it was decided on."""
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    relied_on = {key for each in open_cells(report) for key in each.conditions}
    body = {
        "deliveries": [{"media": each.media, "elements": each.elements} for each in report.cuts],
        "cells": [each.model_dump(mode="json", exclude={"reasons"}) for each in open_cells(report)],
        "conditions": [each.model_dump(mode="json") for each in report.conditions if each.key in relied_on],
        "rights_snapshot": report.rights_snapshot,
        "refs": sorted(set(refs)),
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
        )
    )
    return IssuedClearance(clearance=claims["jti"], statement=statement, expires=expires, report=report)


def read(
    c: Connection,
    identity: str,
    now: datetime,
    books: Callable[[Sequence[str]], Mapping[str, Book]],
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
    return ClearanceRecord(
        clearance=identity,
        status=_state(row, now),
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
        rights_changed=snapshot(row["body"]["refs"], books) != row["body"]["rights_snapshot"],
    )


def snapshot(refs: Sequence[str], books: Callable[[Sequence[str]], Mapping[str, Book]]) -> str:
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
    """Whether this server issued the clearance and has not taken it back; validity in time is in the statement."""
    row = c.execute(select(clearances.c.revoked_at).where(clearances.c.id == identity)).first()
    if row is None:
        return "unknown"
    return "valid" if row.revoked_at is None else "revoked"


def status_statement(keys: KeyPair, identity: str, status: Standing, now: datetime) -> str:
    """The answer to whoever asks how a clearance stands: a signed `status+jwt`, good for a minute."""
    issued = int(now.timestamp())
    claims = {"iss": ISSUER, "sub": identity, "status": status, "iat": issued, "exp": issued + STATUS_SECONDS}
    return sign_jws(keys, STATUS, claims)


def _row(c: Connection, identity: str) -> RowMapping:
    row = c.execute(select(clearances).where(clearances.c.id == identity)).mappings().first()
    if row is None:
        raise Problem("NOT_FOUND", f"There is no clearance {identity}.", "Use the id that issue_clearance gave.")
    return row


def _state(row: RowMapping, now: datetime) -> ClearanceState:
    if row["revoked_at"]:
        return "revoked"
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
