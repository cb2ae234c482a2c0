"""What the clock writes: whose turn it is, what is told, and what came of it. Each function is one unit of work.

A turn is claimed in the store before anybody is told anything, and only the revision that was claimed is ever written
back: whoever was overtaken changes nothing. So two processes, or one that was killed, do each revision once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from holdback_base.vocabulary import instant_text
from sqlalchemy import Connection, select

from holdback_servers.schedule import run_orders, showings, store
from holdback_servers.schedule.books import Actor, find_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication, State
from holdback_servers.schedule.playout import (
    LEASE,
    STANDING_PAUSE,
    Receipt,
    Showing,
    Telling,
    grows,
    is_over,
    judge,
    next_change,
    next_look,
    pause,
    wanted,
)
from holdback_servers.schedule.ports import is_approval
from holdback_servers.schedule.tables import publications

_RECEIPTS = 100
"""How many receipts are kept of a publication."""
_LOST_CLEARANCE = {
    "stale": "the rights under its clearance {} no longer give what it opened",
    "revoked": "its clearance {} was revoked",
}
_LOST_APPROVAL = {"revoked": "its approval {} was taken back"}


def lost(statement: str, answer: str) -> str | None:
    """What an issuer's answer to whether a clearance or an approval stands means, where it does not; else None."""
    told = (_LOST_APPROVAL if is_approval(statement) else _LOST_CLEARANCE).get(answer)
    return None if told is None else told.format(statement)


def stands_on(publication: Publication) -> tuple[str, ...]:
    """The clearance and the approval that a publication stands on, by their ids."""
    return tuple(each for each in (publication.clearance, publication.approval) if each)


@dataclass(frozen=True)
class Ask:
    """Before anything goes up it must be known whether these statements stand."""

    statements: tuple[str, ...]


@dataclass(frozen=True)
class Settle:
    """Before it goes up the keeper of runs must hold those that it takes."""


@dataclass(frozen=True)
class Claim:
    """It is the holder's turn to tell the channel's publisher this."""

    publication: Publication
    channel: Channel
    telling: Telling


@dataclass(frozen=True)
class Changed:
    """The publication has a new state; look again."""


@dataclass(frozen=True)
class _Seen:
    publication: Publication
    channel: Channel
    showing: Showing


@dataclass(frozen=True)
class Failure:
    """How a delivery failed; `hopeless` when the publisher said that trying again is of no use."""

    text: str
    hopeless: bool = False
    retry_after: timedelta = timedelta(0)


@dataclass(frozen=True)
class Known:
    """What was just learned elsewhere for a look: what issuers said of statements, whether runs were settled, and what
    the guardian holds back: the names of things, or None where that is not known and so everything is."""

    standing: Mapping[str, str] = field(default_factory=dict[str, str])
    settled: bool = False
    held_back: frozenset[str] | None = frozenset()

    def keeps_back(self, publication: Publication) -> bool:
        """Whether the publication must not go up anywhere for now."""
        named = {publication.id, publication.hold, publication.media, *stands_on(publication)}
        return self.held_back is None or not self.held_back.isdisjoint(named)


def look(
    c: Connection, publication_id: str, known: Known, tries: int, now: datetime
) -> Ask | Settle | Claim | Changed | None:
    """See what a publication needs now, and claim the turn to do it; None when it needs nothing, or not yet.

    Args:
        tries: how often a first publication is tried before it is given up.
    """
    publication, channel = _locked(c, publication_id)
    showing = showings.find(c, publication_id)
    if showing is None or showing.next_at is None or showing.next_at > now:
        return None
    stands = all(known.standing.get(each) == "valid" for each in stands_on(publication))
    ready = stands and not known.keeps_back(publication) and run_orders.ready(c, publication.id)
    verdict = judge(showing, wanted(publication, channel, showing, now), may_grow=ready, now=now)
    if verdict is None:
        return _settle(c, publication, channel, showing, now)
    seen = _Seen(publication, channel, showing)
    if isinstance(verdict, Telling):
        return _claim(c, seen, verdict, tries, now)
    if verdict.reason == "busy":
        until = _sooner(verdict.until, next_change(publication, channel, now))
        showings.save(c, replace(showing, lease_until=verdict.until, next_at=until))
        return None
    return _learn(c, seen, known, now)


def drop(c: Connection, publication: Publication, why: str, now: datetime) -> Changed:
    """A publication that lost what it stands on: taken down when it is live, failed when it was to go live."""
    _put(c, publication, "taken_down" if publication.state == "live" else "failed", why, now)
    return Changed()


def confirm(c: Connection, claim: Claim, receipt: str, now: datetime) -> None:
    """The publisher did what it was told. A late answer to what was overtaken only shows that it must be told again."""
    publication, channel = _locked(c, claim.publication.id)
    showing = showings.find(c, publication.id)
    if showing is None or not _holds(showing, claim):
        _overtaken(c, showing, claim, now)
        return
    told = Receipt(
        revision=showing.revision, at=now, territories=tuple(sorted(claim.telling.on)), receipt=receipt[:1000]
    )
    done = replace(
        showing,
        shown=claim.telling.on,
        sending=None,
        lease_until=None,
        attempts=0,
        failure=None,
        receipts=(*showing.receipts, told)[-_RECEIPTS:],
    )
    _settle(c, publication, channel, done, now)


def fail(c: Connection, claim: Claim, failure: Failure, tries: int, now: datetime) -> None:
    """The publisher did not do what it was told, or it is not known: try again later, or give a first try up."""
    publication, channel = _locked(c, claim.publication.id)
    showing = showings.find(c, publication.id)
    if showing is None or not _holds(showing, claim):
        return
    first = publication.state == "scheduled" and bool(claim.telling.on)
    kept = replace(showing, lease_until=None, failure=failure.text[:1000])
    if first and (failure.hopeless or showing.attempts >= tries):
        if failure.hopeless and showing.attempts == 1:
            kept = replace(kept, sending=None)  # refused at once: it is nowhere, so nothing need be taken down
        showings.save(c, kept)
        _put(c, publication, "failed", f"could not be delivered: {failure.text}"[:1000], now)
        return
    until = _sooner(now + _wait(claim, showing, failure), next_change(publication, channel, now))
    verdict = judge(kept, wanted(publication, channel, kept, now), may_grow=False, now=now)
    if isinstance(verdict, Telling) and verdict.revision != showing.revision:
        until = now  # the world has moved on meanwhile
    showings.save(c, replace(kept, next_at=until))


def _wait(claim: Claim, showing: Showing, failure: Failure) -> timedelta:
    """How long until it is tried again: what must come down is tried soon, whatever the publisher said."""
    soon = pause(showing.attempts)
    if not claim.telling.on:
        return max(soon, min(failure.retry_after, pause(1000)))
    return max(pause(1000) if failure.hopeless else soon, min(failure.retry_after, timedelta(hours=1)))


def renew(c: Connection, claim: Claim, now: datetime) -> bool:
    """Keep the turn a while longer; no when somebody has overtaken it."""
    showing = showings.find(c, claim.publication.id)
    if showing is None or not _holds(showing, claim):
        return False
    lease = now + LEASE
    look_at = lease if showing.next_at == showing.lease_until else showing.next_at
    showings.save(c, replace(showing, lease_until=lease, next_at=look_at))
    return True


def let_go(c: Connection, claim: Claim, now: datetime) -> None:
    """Give the turn back unfinished, because this process stops: whoever comes next need not wait for it."""
    showing = showings.find(c, claim.publication.id)
    if showing is not None and _holds(showing, claim):
        showings.save(c, replace(showing, lease_until=None, next_at=now))


def take_down_lost(c: Connection, publication_id: str, statement: str, why: str, now: datetime) -> bool:
    """Take a live publication down that lost a statement; no when it stands on another by now or is down already."""
    publication, _ = _locked(c, publication_id)
    if publication.state != "live" or statement not in stands_on(publication):
        return False
    drop(c, publication, why, now)
    return True


def _learn(c: Connection, seen: _Seen, known: Known, now: datetime) -> Ask | Settle | Changed | None:
    """What must be learned before it goes up; what was lost does not, and what nobody tells is asked again later."""
    publication = seen.publication
    answers = {each: known.standing.get(each) for each in stands_on(publication)}
    if None in answers.values():
        return Ask(tuple(answers))
    for each, answer in answers.items():
        if why := lost(each, answer or ""):
            return drop(c, publication, why, now)
    unsure = next((each for each, answer in answers.items() if answer != "valid"), None)
    held_back = known.keeps_back(publication)
    if unsure is None and not held_back and not known.settled:
        return Settle()
    if unsure is not None:
        missing = f"it cannot be learned whether {unsure} stands"
    elif held_back:
        missing = "the guardian holds it back, or that is not known"
    else:
        missing = "its runs are not known to be reserved"
    showings.save(c, replace(seen.showing, next_at=now + STANDING_PAUSE, failure=missing))
    return None


def _locked(c: Connection, publication_id: str) -> tuple[Publication, Channel]:
    name = c.execute(select(publications.c.channel).where(publications.c.id == publication_id)).scalar_one()
    channel = find_channel(c, name, lock=True)
    body = c.execute(select(publications.c.body).where(publications.c.id == publication_id)).scalar_one()
    return Publication.model_validate(body), channel


def _sooner(moment: datetime, other: datetime | None) -> datetime:
    return moment if other is None else min(moment, other)


def _holds(showing: Showing, claim: Claim) -> bool:
    return showing.revision == claim.telling.revision and showing.sending is not None


def _claim(c: Connection, seen: _Seen, telling: Telling, tries: int, now: datetime) -> Claim | Changed:
    publication, channel, showing = seen.publication, seen.channel, seen.showing
    again = telling.revision == showing.revision
    if again and showing.attempts >= tries and publication.state == "scheduled" and grows(showing, telling.on):
        why = showing.failure or f"{showing.attempts} attempts to deliver it were broken off"
        _put(c, publication, "failed", f"could not be delivered: {why}", now)
        return Changed()
    lease = now + LEASE
    claimed = replace(
        showing,
        revision=telling.revision,
        sending=telling.on,
        attempts=showing.attempts + 1 if again else 1,
        lease_until=lease,
        seen_at=showing.latest(now),
        next_at=_sooner(lease, next_change(publication, channel, now)),
    )
    showings.save(c, claimed)
    return Claim(publication, channel, telling)


def _settle(
    c: Connection, publication: Publication, channel: Channel, showing: Showing, now: datetime
) -> Changed | None:
    """Nothing is owed or something was just confirmed: write the state that follows, and when to look again."""
    showings.save(c, replace(showing, next_at=next_look(publication, channel, showing, now)))
    if publication.state == "scheduled" and showing.shown:
        where = ", ".join(sorted(showing.shown))
        _put(c, publication, "live", f"on show in {where}", now)
    elif publication.state == "live" and is_over(publication, channel, showing, now):
        _put(c, publication, "expired", "its last window closed", now)
    elif publication.state == "scheduled" and is_over(publication, channel, showing, now):
        said = f": {showing.failure}" if showing.failure else ""
        _put(c, publication, "failed", f"its time passed before it was on show{said}", now)
    else:
        return None
    return Changed()


def _overtaken(c: Connection, showing: Showing | None, claim: Claim, now: datetime) -> None:
    if showing is None or showing.revision == claim.telling.revision or not claim.telling.on:
        return
    unsure = {**showing.perhaps, **claim.telling.on}
    text = f"revision {claim.telling.revision} was done late, at {instant_text(now)}, after it was overtaken"
    again = replace(showing, revision=showing.revision + 1, sending=unsure, lease_until=None, attempts=0, failure=text)
    showings.save(c, replace(again, next_at=now))


def _put(c: Connection, publication: Publication, state: State, why: str, now: datetime) -> None:
    clock = Actor(by="clock", on_behalf_of=publication.on_behalf_of)
    store.put(c, publication.model_copy(update={"state": state}), clock, why, now)
