"""Before a commit: are the clearance and the approval genuine, valid, still standing, and about this publication?"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from holdback_base.database import Database
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_trust import statements
from holdback_trust.keys import KeyRing
from holdback_trust.standing import Standing
from sqlalchemy import Connection

from holdback_servers.schedule import run_orders
from holdback_servers.schedule.admission import (
    ApprovalFacts,
    ClearanceFacts,
    approval_facts,
    check_statements,
    clearance_facts,
)
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.ports import RunKeeper, Status, is_approval
from holdback_servers.schedule.store import Admission, Papers, committable, find_hold, find_papers

T = TypeVar("T")
log = logging.getLogger(__name__)

Tier = Callable[[str], int]
"""The value tier of bytes by now, 1 to 3."""
_PATIENCE = 10.0
"""Seconds that the issuer of a statement has to answer."""


async def admit(
    publication: Publication,
    clearance: str,
    approval: str | None,
    *,
    ring: KeyRing,
    now: datetime,
    status: Status,
    tier: Tier,
) -> Admission:
    """The verified facts under which the publication may be committed, but for windows and slot.

    Raises:
        Problem: STATEMENT_INVALID, STATEMENT_EXPIRED, CLEARANCE_EXPIRED, CLEARANCE_REVOKED, CLEARANCE_STALE (also where
            the media has become more valuable than it was when it was cleared), CLEARANCE_HASH_MISMATCH,
            APPROVAL_REQUIRED, APPROVAL_HASH_MISMATCH, APPROVAL_REVOKED, SEPARATION_OF_DUTIES; UNAVAILABLE when it
            cannot be learned whether the two still stand.
    """
    cleared = _clearance(clearance, ring, now)
    if not approval:
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{publication.id} has a clearance, but no person's approval came with it.",
            "Have a person other than the one who asks approve this cut, and pass the signed approval.",
            media=publication.media,
        )
    claims = statements.read(approval, statements.APPROVAL, ring, now, statements.APPROVAL_ISSUERS)
    approved = approval_facts(claims)
    check_statements(publication, cleared, approved)
    _check_tier(publication, cleared, tier)
    await _still_stand(cleared, approved, status)
    papers = Papers(clearance=clearance, approval=approval, approved_at=now)
    return Admission(clearance=cleared, approval=approved, papers=papers)


async def readmit(
    publication: Publication,
    kept: Papers,
    *,
    clearances: Sequence[str] = (),
    approvals: Sequence[str] = (),
    ring: KeyRing,
    now: datetime,
    status: Status,
    tier: Tier,
) -> Admission:
    """The same for a committed publication that is to change: on the papers it stands on, or on newer ones.

    Of the statements given, those about its media count, the last issued first; others are for other publications. An
    approval that is given must be of the clearance that the publication will stand on. Without one the approval stands
    that was relied on at the commit, as long as the clearance is still about the very same elements; it lets the
    publication move, not grow.

    Raises:
        Problem: what `admit` refuses.
    """
    cleared, paper = _newest(publication, kept, clearances, ring, now)
    _check_tier(publication, cleared, tier)
    for each in approvals:
        approved = approval_facts(statements.read(each, statements.APPROVAL, ring, now, statements.APPROVAL_ISSUERS))
        if each != kept.approval and _is_for(approved, publication, cleared):
            check_statements(publication, cleared, approved)
            await _still_stand(cleared, approved, status)
            papers = Papers(clearance=paper, approval=each, approved_at=now)
            return Admission(clearance=cleared, approval=approved, papers=papers)
    then = kept.approved_at
    claims = statements.read(kept.approval, statements.APPROVAL, ring, then, statements.APPROVAL_ISSUERS)
    approved = approval_facts(claims)
    check_statements(publication, cleared, approved, renewed=True)
    await _still_stand(cleared, approved, status)
    papers = Papers(clearance=paper, approval=kept.approval, approved_at=then)
    return Admission(clearance=cleared, approval=approved, papers=papers, asked_anew=False)


async def readmit_all(
    database: Database,
    changed: Sequence[Publication],
    *,
    clearances: Sequence[str] = (),
    approvals: Sequence[str] = (),
    ring: KeyRing,
    now: datetime,
    status: Status,
    tier: Tier,
) -> dict[str, Admission]:
    """The same for several, by their ids; what stands on no clearance needs none. Raises what `readmit` refuses."""
    admissions: dict[str, Admission] = {}
    for each in changed:
        kept = await database.read(lambda c, each=each: find_papers(c, each.id))
        if each.clearance is not None and kept is not None:
            given = {"clearances": clearances, "approvals": approvals}
            admissions[each.id] = await readmit(each, kept, ring=ring, now=now, status=status, tier=tier, **given)
    return admissions


async def commit(
    database: Database,
    keeper: RunKeeper,
    hold: str,
    admission: Admission | None,
    unit: Callable[[Connection, run_orders.Reservation], T],
    *,
    now: datetime,
) -> T:
    """Reserve what a hold takes under its statements, then run the unit that commits it, or give it back.

    `admission` is None when the hold was not open; then the unit says so, or knows that it was committed before.

    Raises:
        Problem: what `store.committable`, the keeper of runs or the unit refuses.
    """

    def becoming(c: Connection) -> list[Publication]:
        if admission is None or find_hold(c, hold).state != "held":
            return []
        return [committable(c, hold, admission, now)]

    async with run_orders.secured(database, keeper, becoming, now) as reservation:
        return await database.write(lambda c: unit(c, reservation))


def _newest(
    publication: Publication, kept: Papers, clearances: Sequence[str], ring: KeyRing, now: datetime
) -> tuple[ClearanceFacts, str]:
    given = [(_clearance(each, ring, now), each) for each in clearances]
    fitting = [each for each in given if publication.media in each[0].elements]
    if fitting:
        return max(fitting, key=lambda each: each[0].issued)
    return _clearance(kept.clearance, ring, now), kept.clearance


def _clearance(jws: str, ring: KeyRing, now: datetime) -> ClearanceFacts:
    try:
        return clearance_facts(statements.read(jws, statements.CLEARANCE, ring, now, statements.CLEARANCE_ISSUERS))
    except Problem as problem:
        if problem.code != "STATEMENT_EXPIRED":
            raise
        raise Problem(
            "CLEARANCE_EXPIRED", "The clearance is no longer valid.", "Ask for a new one; it may say something else."
        ) from problem


def require_free(standing: Standing, *names: str | None) -> None:
    """None of these is held back by the guardian. Raises Problem QUARANTINED, UNAVAILABLE when that is not known."""
    for name in names:
        if name and (entry := standing.quarantined(name)) is not None:
            raise Problem(
                "QUARANTINED",
                f"{name} is held back since {instant_text(entry.at)}: {entry.why or 'its task was stopped'}.",
                "A person with the role security looks at it and releases it.",
                name=name,
            )


def _check_tier(publication: Publication, cleared: ClearanceFacts, tier: Tier) -> None:
    """What was asked of people, and whether anybody was asked, went by the tier that was cleared."""
    now = tier(publication.media) if publication.media else 1
    if now > cleared.tier:
        raise Problem(
            "CLEARANCE_STALE",
            f"The clearance {cleared.id} was signed when {publication.title} was of value tier {cleared.tier}; "
            f"by now it is of tier {now}.",
            "Ask compliance to clear the cut again, and have it approved under the new clearance.",
            clearance=cleared.id,
            tier=now,
        )


def _is_for(approved: ApprovalFacts, publication: Publication, cleared: ClearanceFacts) -> bool:
    """Whether an approval that came with a change is for this publication on this clearance."""
    changes = approved.publications
    named = changes is None or any(each.publication == publication.id for each in changes)
    return named and publication.media in approved.media and approved.clearance == cleared.id


async def _still_stand(cleared: ClearanceFacts, approved: ApprovalFacts, status: Status) -> None:
    for name in (cleared.id, approved.id):
        await _still_stands(name, status)


async def standing_of(approvals: Iterable[str | None], status: Status) -> dict[str, Any]:
    """How each of these approvals stands: `valid`, `revoked`, or `unknown`, also where nobody answers."""
    return {each: await answer_of(each, status) for each in dict.fromkeys(approvals) if each}


async def answer_of(name: str, status: Status) -> str:
    """How a statement stands by the word of its issuer; `unknown` where nobody answers in time."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await status(name)
    except Exception as failure:
        log.warning("the issuer of %s does not answer: %r", name, failure)
        return "unknown"


async def _still_stands(name: str, status: Status) -> None:
    answer = await answer_of(name, status)
    if answer == "valid":
        return
    if is_approval(name):
        raise _approval_lost(name, answer)
    raise _clearance_lost(name, answer)


def _approval_lost(approval: str, answer: str) -> Problem:
    if answer == "revoked":
        return Problem(
            "APPROVAL_REVOKED",
            f"The approval {approval} was taken back.",
            "Have a person other than the one who asks approve this cut again.",
            approval=approval,
        )
    return Problem(
        "UNAVAILABLE",
        f"It cannot be learned whether the approval {approval} still stands.",
        "Try again when the gateway answers; nothing was changed.",
        approval=approval,
    )


def _clearance_lost(clearance: str, answer: str) -> Problem:
    if answer == "revoked":
        return Problem(
            "CLEARANCE_REVOKED", f"The clearance {clearance} was revoked.", "Ask compliance to clear the cut again."
        )
    if answer == "stale":
        return Problem(
            "CLEARANCE_STALE",
            f"The rights under the clearance {clearance} have changed, and no longer give all that it opened.",
            "Ask compliance to clear the cut again; get_clearance of the rights server says what was lost and why.",
            clearance=clearance,
        )
    return Problem(
        "UNAVAILABLE",
        f"It cannot be learned whether the clearance {clearance} still stands.",
        "Try again when the rights server answers; nothing was changed.",
        clearance=clearance,
    )
