"""The statements that changes stand on: those that publications were committed with, or newer ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdback_base.vocabulary import difference
from holdback_trust import statements
from sqlalchemy import Connection

from holdback_servers.schedule import store
from holdback_servers.schedule.admission import clearance_facts
from holdback_servers.schedule.booking.authority import require_admitted
from holdback_servers.schedule.change_nouns import Change
from holdback_servers.schedule.changing.judging import applied, as_of_now
from holdback_servers.schedule.committing import readmit
from holdback_servers.schedule.model import Publication, windows_of
from holdback_servers.schedule.ports import Outside, Status
from holdback_servers.services import Call, Services


@dataclass(frozen=True)
class Statements:
    """The signed statements that came with the changes."""

    clearances: Sequence[str] = ()
    approvals: Sequence[str] = ()


async def admissions_for(
    call: Call, outside: Outside, changes: Sequence[Change], given: Statements, now: datetime
) -> dict[str, store.Admission]:
    """What publications stand on after their change, where that must be known, by their ids.

    What comes down needs nothing. What is kept or shortened stands on a newer clearance of its media where one is
    given. What moves to where it was not to be on show, and what is extended, is admitted again.

    Raises:
        Problem: what `readmit` refuses; PERMISSION_DENIED for an agent that moves or extends what is above its level.
    """
    services = call.services
    renewed = _media_of(services, given, now)
    found = await services.database.read(lambda c: _with_papers(c, changes, now))
    status = _asked_once(outside.status)
    admissions: dict[str, store.Admission] = {}
    for change, publication, papers in found:
        if papers is None or not _needs(change, publication, renewed, now):
            continue
        admissions[publication.id] = await readmit(
            publication,
            papers,
            clearances=given.clearances,
            approvals=given.approvals if change.action == "extend" else (),
            ring=services.ring,
            now=now,
            status=status,
            tier=services.media.tier,
        )
        if change.action in ("move", "extend"):
            require_admitted(call, publication, admissions[publication.id])
    return admissions


def _media_of(services: Services, given: Statements, now: datetime) -> frozenset[str]:
    """The media of which a newer clearance is given."""
    ring, issuers = services.ring, statements.CLEARANCE_ISSUERS
    read = [statements.read(each, statements.CLEARANCE, ring, now, issuers) for each in given.clearances]
    return frozenset(media for claims in read for media in clearance_facts(claims).elements)


def _with_papers(
    c: Connection, changes: Sequence[Change], now: datetime
) -> list[tuple[Change, Publication, store.Papers | None]]:
    found = [(each, store.find_publication(c, each.publication, now)) for each in changes]
    return [(change, one, store.find_papers(c, one.id)) for change, one in found]


def _needs(change: Change, publication: Publication, renewed: frozenset[str], now: datetime) -> bool:
    """Whether it must be admitted again; what is no longer as it was when it was planned is refused later."""
    if change.action in ("take_down", "cancel") or publication.state != change.state:
        return False
    if publication.media in renewed:
        return not (change.action == "keep" and change.needs_person)
    if publication.clearance is None or applied(change, publication, now):
        return False
    before = windows_of(publication.availability)
    after = windows_of(as_of_now(publication, change.after, now))
    return any(difference(windows, before.get(each, ())) for each, windows in after.items())


def _asked_once(status: Status) -> Status:
    """The same, but each statement is asked about once."""
    known: dict[str, str] = {}

    async def asked(statement: str) -> str:
        if statement not in known:
            known[statement] = await status(statement)
        return known[statement]

    return asked
