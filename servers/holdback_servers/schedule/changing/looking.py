"""The schedule as an event meets it: what it can touch, what follows that, the books, and what is cleared."""

from collections.abc import Collection
from datetime import datetime, timedelta

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange
from holdback_trust import statements
from holdback_trust.keys import KeyRing
from sqlalchemy import ColumnElement, Connection, and_, select

from holdback_servers.schedule.admission import clearance_facts
from holdback_servers.schedule.books import find_channel, not_lapsed, read_books
from holdback_servers.schedule.change_nouns import (
    AssetPulled,
    BreakingNews,
    ChangeEvent,
    ChannelDown,
    ClearanceLost,
    RightsChanged,
)
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import reach_of_rules
from holdback_servers.schedule.impact import World
from holdback_servers.schedule.model import OCCUPYING, Publication
from holdback_servers.schedule.tables import papers, publications

_TO_COME = ("held", "approved", "scheduled", "live")


def look(c: Connection, event: ChangeEvent, ring: KeyRing, now: datetime) -> World:
    """The schedule that the event meets, from now on. Part of one unit of work. Raises Problem CHANNEL_UNKNOWN."""
    found = _found(c, _touched(c, event, now))
    seeds, p = frozenset(found), publications.c
    following = seeds
    while following:
        more = _found(c, and_(p.follows.in_(sorted(following)), p.state.in_(_TO_COME), not_lapsed(now)))
        following = more.keys() - found.keys()
        found |= more
    channels = {each.channel for each in found.values()}
    if isinstance(event, BreakingNews | ChannelDown):
        channels.add(event.channel)
    ahead = TimeRange(start=now)
    books = {name: read_books(c, find_channel(c, name), ahead, now) for name in sorted(channels)}
    by_event = isinstance(event, ClearanceLost | RightsChanged | AssetPulled)  # these say what is cleared themselves
    return World(books, found, now, _cleared(c, found.keys() - seeds if by_event else found.keys(), ring, now))


def _found(c: Connection, where: ColumnElement[bool]) -> dict[str, Publication]:
    rows = c.execute(select(publications.c.body).where(where)).scalars()
    return {each.id: each for each in (Publication.model_validate(body) for body in rows)}


def _touched(c: Connection, event: ChangeEvent, now: datetime) -> ColumnElement[bool]:
    """The publications that the event itself can touch."""
    p = publications.c
    to_come = and_(p.state.in_(_TO_COME), not_lapsed(now))
    if isinstance(event, ClearanceLost):
        return and_(p.clearance == event.clearance, to_come)
    if isinstance(event, ChannelDown):
        within = p.start_at < store_instant(event.window.end) if event.window.end is not None else p.start_at != ""
        return and_(p.channel == find_channel(c, event.channel).name, to_come, within)
    if isinstance(event, BreakingNews):
        channel = find_channel(c, event.channel)
        around = reach_of_rules(channel) + timedelta(seconds=event.duration_seconds)
        first, last = store_instant(event.start - around), store_instant(event.start + around)
        near = and_(p.until_at >= first, p.start_at <= last)
        return and_(p.channel == channel.name, p.state.in_(sorted(OCCUPYING)), not_lapsed(now), near)
    return and_(p.media == event.media, to_come)


def _cleared(
    c: Connection, wanted: Collection[str], ring: KeyRing, now: datetime
) -> dict[str, tuple[ClearedCell, ...]]:
    """What the kept clearances open; one that cannot be relied on any longer opens nothing new."""
    rows = c.execute(
        select(papers.c.publication, papers.c.clearance).where(papers.c.publication.in_(sorted(wanted)))
    ).all()
    opened: dict[str, tuple[ClearedCell, ...] | None] = {}
    for jws in {row.clearance for row in rows}:
        try:
            claims = statements.read(jws, statements.CLEARANCE, ring, now, statements.CLEARANCE_ISSUERS)
            opened[jws] = clearance_facts(claims).cells
        except Problem:
            opened[jws] = None
    return {row.publication: cells for row in rows if (cells := opened[row.clearance]) is not None}
