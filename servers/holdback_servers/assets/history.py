"""The history of everything: what was done to what, by whom and when. Every function is part of a unit of work.

Metadata values keep their own history; what is no value (a version that came, a hold that was placed) is a happening.
Nothing here is ever changed or removed, so the newest entries of both tell whether something has changed: its etag.
"""

from collections import deque
from collections.abc import Mapping
from typing import Annotated

from holdback_base.database import load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field
from sqlalchemy import Connection, RowMapping, func, insert, select

from holdback_servers.assets.model import FieldValue
from holdback_servers.assets.tables import field_values, happenings, versions

_LARGEST = 2**31 - 1
"""The largest number of an entry that every store keeps."""
Fact = str | int | tuple[str, ...]
IfEtag = Annotated[str | None, Field(max_length=60, description="Refuse unless this is still its etag")]


class Happening(Noun):
    """An entry of a history. `what` is `value` for a metadata value, which then is in `value`."""

    target: str
    what: str
    by: str
    at: Instant
    facts: dict[str, Fact] | None = None
    value: FieldValue | None = None


class Place(Noun):
    """How far a history has been read: the oldest value and the oldest happening that were seen."""

    values: int = Field(ge=0, le=_LARGEST)
    happenings: int = Field(ge=0, le=_LARGEST)


BEGINNING = Place(values=_LARGEST, happenings=_LARGEST)
"""Before the newest entry."""


def note(connection: Connection, target: str, what: str, facts: Mapping[str, Fact], *, by: str, now: Instant) -> None:
    """Put on record that something was done to a target: an id (`ast_`, `ver_`, `wrk_` ...) or the URN of a
    configuration. `what` is a past participle such as `version_added`."""
    row = {"target": target, "what": what, "facts": dict(facts), "by": by, "at": store_instant(now)}
    connection.execute(insert(happenings).values(**row))


def etag(connection: Connection, target: str) -> str:
    """What changes whenever something about the target does; for an asset also about its versions."""
    parts = _parts(connection, target)
    newest = (
        connection.execute(select(func.max(table.c.seq)).where(table.c.target.in_(parts))).scalar()
        for table in (field_values, happenings)
    )
    return "-".join(str(each or 0) for each in newest)


def check_etag(connection: Connection, target: str, given: str | None) -> None:
    """Raises Problem CONFLICT when an etag is given and the target has changed since it was told."""
    if given is None:
        return
    current = etag(connection, target)
    if given != current:
        raise Problem(
            "CONFLICT",
            f"{target} has changed since it was read: its etag is {current}, not {given[:60]}.",
            "Read it again, decide again, and give its new etag; get_history tells what was changed.",
            etag=current,
        )


def entries(connection: Connection, target: str, after: Place, limit: int) -> tuple[list[Happening], Place | None]:
    """Values and happenings of a target in one list, newest first, and where to go on; None at the end.

    The history of an asset holds that of its versions. Each of the two is in the order it was written, whatever the
    clock did.
    """
    parts = _parts(connection, target)
    streams: list[deque[tuple[int, Happening]]] = []
    for table, seen, read in (
        (happenings, after.happenings, _happening),
        (field_values, after.values, _value),
    ):
        rows = select(table).where(table.c.target.in_(parts), table.c.seq < seen)
        rows = rows.order_by(table.c.seq.desc()).limit(limit + 1)
        streams.append(deque((row["seq"], read(row)) for row in connection.execute(rows).mappings()))
    shown: list[Happening] = []
    seen = [after.happenings, after.values]
    while len(shown) < limit and any(streams):
        which = 1 if not streams[0] or (streams[1] and streams[1][0][1].at > streams[0][0][1].at) else 0
        seen[which], entry = streams[which].popleft()
        shown.append(entry)
    return shown, Place(happenings=seen[0], values=seen[1]) if any(streams) else None


def newest(connection: Connection, target: str, what: str) -> Happening | None:
    """The last time that this was done to a target itself; None where it never was."""
    rows = select(happenings).where(happenings.c.target == target, happenings.c.what == what)
    row = connection.execute(rows.order_by(happenings.c.seq.desc()).limit(1)).mappings().first()
    return None if row is None else _happening(row)


def _parts(connection: Connection, target: str) -> list[str]:
    """The target, and with an asset its versions."""
    if not target.startswith("ast_"):
        return [target]
    return [target, *connection.execute(select(versions.c.id).where(versions.c.asset_id == target)).scalars()]


def _happening(row: RowMapping) -> Happening:
    facts = {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in row["facts"].items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
    kept = {name: row[name] for name in ("target", "what", "by")}
    return Happening.model_validate(kept | {"facts": facts or None, "at": load_instant(row["at"])})


def _value(row: RowMapping) -> Happening:
    value = FieldValue.model_validate(
        {name: row[name] for name in FieldValue.model_fields} | {"at": load_instant(row["at"])}
    )
    return Happening(target=value.target, what="value", by=value.by, at=value.at, value=value)
