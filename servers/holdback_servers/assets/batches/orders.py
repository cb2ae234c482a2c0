"""What is to be done with one file: taken in, and put among the works with what its sheet says of it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.identity import StoryName
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets import store
from holdback_servers.assets.edits import Editor, NewValue, record_values
from holdback_servers.assets.holdings import works
from holdback_servers.assets.model import AssetKind, FieldName, Identifier, Work
from holdback_servers.assets.papers import IngestRequest, Registered
from holdback_servers.assets.sheets.rows import SheetRow
from holdback_servers.jobs import Report
from holdback_servers.services import Services

log = logging.getLogger(__name__)
TakeIn = Callable[[dict[str, Any], Report], Awaitable[dict[str, Any]]]
"""Takes one file in: what ingest jobs do."""


class FileOrder(Noun):
    """One file to take in. `problem` is why it cannot be; `work`, `identifiers` and `fields` are what its sheet says of
    it besides."""

    ingest: IngestRequest
    work: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    fields: dict[FieldName, str | int] = Field(default={})
    problem: dict[str, Any] | None = None


class Ways(Noun):
    """How the files of a folder are taken in where a sheet says nothing else, and for whom."""

    kind: AssetKind = "master"
    tags: tuple[str, ...] = ()
    story: StoryName | None = None
    tier: int = Field(default=1, ge=1, le=3)
    by: str


def order_of(path: str, row: SheetRow | None, ways: Ways) -> FileOrder:
    """The order for a file and its row; mistakes in the row keep the file out."""
    if row is None:
        closed = {"story": ways.story, "tier": ways.tier}
        plain = {"path": path, "kind": ways.kind, "tags": ways.tags, "by": ways.by}
        return FileOrder(ingest=IngestRequest.model_validate({**plain, **closed}))
    request = {
        "path": path,
        "title": row.title,
        "kind": row.kind or ways.kind,
        "ref": row.ref,
        "elements": row.elements,
        "segments": row.log,
        "tags": tuple(dict.fromkeys((*ways.tags, *row.tags))),
        "description": row.description,
        "story": ways.story,
        "tier": ways.tier,
        "by": ways.by,
    }
    return FileOrder(
        ingest=IngestRequest.model_validate(request),
        work=row.work,
        identifiers=row.identifiers,
        fields=row.fields,
        problem=_mistaken(row).as_dict() if row.mistakes else None,
    )


def _mistaken(row: SheetRow) -> Problem:
    first, more = row.mistakes[0], len(row.mistakes) - 1
    further = f" (and {more} more)" if more else ""
    return Problem(
        "INVALID_ARGUMENT",
        f"{first.place}: {first.message}{further}",
        first.hint,
        mistakes=[each.model_dump(exclude_defaults=True) for each in row.mistakes],
    )


async def carry_out(services: Services, take_in: TakeIn, order: FileOrder, report: Report) -> Registered:
    """Take a file in and say of it what its sheet says. Bytes that are known get only what nobody said yet.

    Raises:
        Problem: whatever is wrong with the file or its row.
    """
    if order.problem is not None:
        raise Problem.from_dict(order.problem)
    came = Registered.model_validate(await take_in(order.ingest.model_dump(mode="json"), report))
    asset = await services.database.read(lambda c: store.find_asset(c, came.asset_id))
    if asset.status == "removed":
        raise Problem(
            "CONFLICT",
            f"These bytes are {asset.title} ({asset.id}), which was removed.",
            "Bring it back with restore_asset, or take the file out of the folder.",
            asset_id=asset.id,
        )
    if order.work is None and not order.fields:
        return came
    editor = Editor(order.ingest.by, services.clock(), services.new_id)
    await services.database.write(lambda c: say_more(c, came.asset_id, order, editor))
    return came


def say_more(connection: Connection, asset_id: str, order: FileOrder, editor: Editor) -> None:
    """Record the work and the fields of an order on its asset, where nothing was said yet."""
    told: dict[str, str | int] = dict(order.fields)
    if order.work is not None:
        told["work"] = work_for(connection, order, editor)
    fresh = [name for name in told if store.current_value(connection, asset_id, name) is None]
    values = [NewValue(field=name, value=told[name], method="imported") for name in fresh]
    if values:
        record_values(connection, asset_id, values, editor)


def work_for(connection: Connection, order: FileOrder, editor: Editor) -> str:
    """The id of the work that an order names by id, by identifier or by title; one that is not on record is made.

    Raises:
        Problem: NOT_FOUND for an unknown id; CONFLICT when several works fit.
    """
    given = order.work or ""
    if given.startswith("wrk_"):
        return works.require_work(connection, given)
    named = {works.work_of_identifier(connection, each) for each in order.identifiers} - {None}
    titled = {each.id for each in works.works_titled(connection, given)}
    fitting = sorted(str(each) for each in named or titled)
    if len(fitting) > 1:
        raise Problem(
            "CONFLICT",
            f"{given} may be any of the works {', '.join(fitting)}.",
            "Write the id of the right one (wrk_...) in the column work.",
        )
    if not fitting:
        work = Work(id=editor.new_id("wrk"), title=given, identifiers=order.identifiers, at=editor.now)
    else:
        known = works.find_work(connection, fitting[0])
        both = tuple(dict.fromkeys((*known.identifiers, *order.identifiers)))
        work = known.model_copy(update={"identifiers": both})
    works.save_work(connection, work, by=editor.by, now=editor.now)
    return work.id


def failure(error: Exception, path: str) -> dict[str, Any]:
    """What is kept of a file that failed: a problem as it is; for anything else, that the server failed."""
    if isinstance(error, Problem):
        return error.as_dict()
    log.error("taking in %s failed", path, exc_info=error)
    told = Problem("INTERNAL", f"Taking in {path} failed inside the server.", "See the server's log, then retry.")
    return told.as_dict()
