"""Works: what a film is before any file of it, and the identifiers that the world knows it by."""

from holdback_base.database import hidden_stories, load_instant, store_instant
from holdback_base.ids import is_id
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from holdback_servers.assets import history, store
from holdback_servers.assets.model import Asset, Identifier, Work
from holdback_servers.assets.tables import assets, work_identifiers, works


def find_work(connection: Connection, work_id: str) -> Work:
    """The work. Raises Problem NOT_FOUND."""
    row = connection.execute(select(works).where(works.c.id == work_id)).mappings().first()
    if row is None or _hidden(connection, work_id):
        raise store.unknown("work", work_id, "list_works gives the works there are; ids begin with wrk_.")
    return _work(row)


def save_work(connection: Connection, work: Work, *, by: str, now: Instant) -> bool:
    """Write a new work, or the new facts of a known one; whether anything changed.

    Raises:
        Problem: CONFLICT when one of its identifiers names another work.
    """
    known = connection.execute(select(works).where(works.c.id == work.id)).mappings().first()
    before = None if known is None else _work(known)
    if before == work:
        return False
    row = work.model_dump(mode="json", exclude_none=True) | {"at": store_instant(work.at)}
    row["folded"] = work.title.casefold()
    if before is None:
        connection.execute(insert(works).values(**row))
    else:
        connection.execute(update(works).where(works.c.id == work.id).values(**row))
    _name(connection, work)
    facts = {"kind": work.kind, "title": work.title, "identifiers": _texts(work.identifiers)}
    facts |= {"story": work.story} if work.story else {}
    history.note(connection, work.id, "created" if before is None else "changed", facts, by=by, now=now)
    return True


def _name(connection: Connection, work: Work) -> None:
    for each in work.identifiers:
        other = work_of_identifier(connection, each)
        if other is not None and other != work.id and _hidden(connection, other):
            raise Problem(
                "CONFLICT", f"{each.scope} {each.value} cannot be given to this work.", "Ask a librarian about it."
            )
        if other not in (None, work.id):
            raise Problem(
                "CONFLICT",
                f"{each.scope} {each.value} is the identifier of {other} already.",
                "One identifier names one work; correct it, or link the assets to that work.",
                work_id=other,
            )
    connection.execute(delete(work_identifiers).where(work_identifiers.c.work_id == work.id))
    rows = [{"scope": each.scope, "value": each.value, "work_id": work.id} for each in work.identifiers]
    if rows:
        connection.execute(insert(work_identifiers), rows)


def _texts(identifiers: tuple[Identifier, ...]) -> tuple[str, ...]:
    return tuple(f"{each.scope} {each.value}" for each in identifiers)


def work_of_identifier(connection: Connection, identifier: Identifier) -> str | None:
    """The id of the work that an identifier names."""
    query = select(work_identifiers.c.work_id).where(
        work_identifiers.c.scope == identifier.scope, work_identifiers.c.value == identifier.value
    )
    return connection.execute(query).scalar()


def works_titled(connection: Connection, title: str) -> list[Work]:
    """The works of this very title, whatever its case."""
    rows = connection.execute(select(works).where(works.c.folded == title.strip().casefold())).mappings()
    return [_work(row) for row in rows if not _hidden(connection, row["id"])][:3]


def list_works(connection: Connection, words: str, after: str, limit: int) -> list[Work]:
    """Works whose title or identifiers hold the words, in order of birth, after an id."""
    query = select(works).where(works.c.id > after)
    for word in words.split():
        named = select(work_identifiers.c.work_id).where(
            func.lower(work_identifiers.c.value).contains(word.lower(), autoescape=True)
        )
        titled = works.c.folded.contains(word.casefold(), autoescape=True)
        query = query.where(titled | works.c.id.in_(named))
    return [_work(row) for row in connection.execute(query.order_by(works.c.id).limit(limit)).mappings()]


def assets_of_work(connection: Connection, work_id: str, limit: int) -> list[Asset]:
    """The assets that are of a work, in order of birth."""
    return [store.find_asset(connection, each) for each in _members(connection, work_id)[:limit]]


def count_of_work(connection: Connection, work_id: str) -> int:
    """How many assets are of a work."""
    return len(_members(connection, work_id))


def _members(connection: Connection, work_id: str) -> list[str]:
    query = select(assets.c.id).where(assets.c.work_id == work_id).order_by(assets.c.id)
    return store.seen(connection, connection.execute(query).scalars())


def _hidden(connection: Connection, work_id: str) -> bool:
    """Whether it has assets, all of which are closed to whoever stands behind this unit."""
    if not hidden_stories(connection):
        return False
    there = connection.execute(select(assets.c.id).where(assets.c.work_id == work_id).limit(1)).first()
    return there is not None and not _members(connection, work_id)


def require_work(connection: Connection, given: str) -> str:
    """The id of a work that is known. Raises Problem INVALID_ARGUMENT for another shape, NOT_FOUND."""
    if not is_id(given, "wrk"):
        raise Problem("INVALID_ARGUMENT", f"{given[:80]!r} is not a work's id.", "Ids of works begin with wrk_.")
    return find_work(connection, given).id


def _work(row: RowMapping) -> Work:
    return Work.model_validate({name: row[name] for name in Work.model_fields} | {"at": load_instant(row["at"])})
