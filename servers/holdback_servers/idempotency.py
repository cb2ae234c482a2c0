"""Once is what the system of record promises: a repeated key gets the kept result, in the effect's own transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from sqlalchemy import JSON, Column, Connection, MetaData, String, Table, delete, insert, select

KEPT_FOR = timedelta(days=30)


def idempotency_table(metadata: MetaData) -> Table:
    """The table of kept results, in a room's own store."""
    return Table(
        "idempotency",
        metadata,
        Column("key", String, primary_key=True),
        Column("request_sha256", String, nullable=False),
        Column("result", JSON, nullable=False),
        Column("at", String, nullable=False, index=True),
    )


def kept(connection: Connection, table: Table, *, key: str, request_sha256: str) -> dict[str, Any] | None:
    """The result that is kept under the key, if any.

    Raises:
        Problem: CONFLICT when the key was used with another request.
    """
    found = connection.execute(select(table.c.request_sha256, table.c.result).where(table.c.key == key)).first()
    if found is None:
        return None
    if found.request_sha256 != request_sha256:
        raise Problem(
            "CONFLICT",
            "This idempotency key was used with another request.",
            "Use a new key for a new request; repeat the same arguments to get the kept result.",
        )
    return found.result


def once(
    connection: Connection,
    table: Table,
    *,
    key: str | None,
    request_sha256: str,
    now: datetime,
    effect: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Do the effect and keep its result under the key, or give the kept result.

    Raises:
        Problem: CONFLICT when the key was used with another request.
    """
    if key is None:
        return effect()
    known = kept(connection, table, key=key, request_sha256=request_sha256)
    if known is not None:
        return known
    result = effect()
    connection.execute(delete(table).where(table.c.at < store_instant(now - KEPT_FOR)))
    connection.execute(
        insert(table).values(key=key, request_sha256=request_sha256, result=result, at=store_instant(now))
    )
    return result
