"""The signed statements that a publication stands on. Each function is part of one unit of work."""

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from sqlalchemy import Connection, insert, select, update

from holdback_servers.schedule.admission import ApprovalFacts, ClearanceFacts, check_grown
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.tables import papers


class Papers(Noun):
    """The signed statements that a publication stands on, and when its approval was first relied on."""

    clearance: str
    approval: str
    approved_at: Instant


class Admission(Noun):
    """What verified statements say, and the statements; `asked_anew` when a person approved for this very change."""

    clearance: ClearanceFacts
    approval: ApprovalFacts
    papers: Papers
    asked_anew: bool = True


def admitted(publication: Publication, admission: Admission) -> Publication:
    """The publication on these statements; a person who was asked anew approved what it now shows.

    Raises Problem APPROVAL_REQUIRED when that person was shown less.
    """
    if admission.asked_anew and publication.state != "held":
        check_grown(publication, admission.approval)
    shows = publication.availability if admission.asked_anew else publication.approved_for
    stands_on = {
        "story": publication.story or admission.clearance.story,
        "clearance": admission.clearance.id,
        "approval": admission.approval.id,
        "approved_for": shows,
    }
    return publication.model_copy(update=stands_on)


def keep_papers(c: Connection, publication_id: str, kept: Papers) -> None:
    """Keep the statements that a publication now stands on, in place of earlier ones."""
    values = kept.model_dump() | {"approved_at": store_instant(kept.approved_at)}
    if c.execute(update(papers).where(papers.c.publication == publication_id).values(**values)).rowcount == 0:
        c.execute(insert(papers).values(publication=publication_id, **values))


def find_papers(c: Connection, publication_id: str) -> Papers | None:
    """The statements that a publication stands on; None for one that was never committed here."""
    row = c.execute(select(papers).where(papers.c.publication == publication_id)).first()
    if row is None:
        return None
    return Papers(clearance=row.clearance, approval=row.approval, approved_at=load_instant(row.approved_at))
