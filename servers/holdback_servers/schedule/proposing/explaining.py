"""The tool that says why something can start at an instant on a channel, or why not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import jwt
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Sha256, TimeRange, expand_territories, time_range
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import books, store
from holdback_servers.schedule.admission import clearance_facts
from holdback_servers.schedule.arguments import DEFAULT_SPAN, following
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import placed
from holdback_servers.schedule.model import Details, Publication
from holdback_servers.schedule.planning import explain
from holdback_servers.schedule.proposal import Explanation, SlotRequest
from holdback_servers.schedule.proposing.reaching import Curves
from holdback_servers.services import Call
from holdback_servers.serving import Door


@dataclass(frozen=True)
class _Given:
    """What the caller says of what would be published."""

    title: str | None
    media: str | None
    territories: list[str] | None
    cleared: list[ClearedCell] | None
    duration_seconds: int | None
    until: datetime | None
    after_watershed: bool
    details: Details | None


def offer_explaining(door: Door, curves: Curves) -> None:
    """Add it to the schedule's door."""

    @door.tool(title="Explain slot", scope="schedule:read")
    async def explain_slot(
        call: Call,
        *,
        channel: Annotated[
            str | None, Field(description="Name of the channel; the publication's own if absent.")
        ] = None,
        start: Annotated[Instant | None, Field(description="The start asked about; the publication's own.")] = None,
        publication: Annotated[
            str | None, Field(description="Id of a publication (pub_...) or hold; or say below what it would be.")
        ] = None,
        title: Annotated[str | None, Field(description="Of what would be published.", min_length=1)] = None,
        media: Annotated[Sha256 | None, Field(description="The exact bytes, sha256:<hex>.")] = None,
        territories: Annotated[list[str] | None, Field(description="ISO 3166 codes or groups.", min_length=1)] = None,
        cleared: Annotated[
            list[ClearedCell] | None,
            Field(description="The cells of a clearance; of a publication those it stands on.", max_length=2000),
        ] = None,
        duration_seconds: Annotated[int | None, Field(description="Length of the media.", ge=1, le=24 * 3600)] = None,
        until: Annotated[Instant | None, Field(description="When it comes down at the latest.")] = None,
        after_watershed: Annotated[bool, Field(description="Only when children are in bed.")] = False,
        details: Annotated[Details | None, Field(description="Priority, sponsor, what it follows.")] = None,
    ) -> Explanation:
        """Explain why something can start at an instant on a channel, or why not: every rule, kept or broken, in words.

        Says what stands in the way, what the score is made of, and the nearest free start. Ask about a publication as
        it stands, about another start or channel for it, or about something that is not on the books.
        """
        now = call.services.clock()

        def unit(c: Connection) -> Explanation:
            known_by = following(c, details, now) if details else None
            given = _Given(title, media, territories, cleared, duration_seconds, until, after_watershed, known_by)
            if publication is None:
                if channel is None or start is None:
                    raise _missing("channel" if channel is None else "start")
                on = curves.refine(c, books.find_channel(c, channel))
                return _explained(c, _asked(given, start, now), on, start, now, known=None)
            found = store.find_publication(c, publication, now)
            at = start or found.start
            request = _asked_again(c, found, given, at, now)
            on = curves.refine(c, books.find_channel(c, channel or found.channel))
            return _explained(c, request, on, at, now, known=found)

        return await call.services.database.read(unit)


def _explained(
    c: Connection, request: SlotRequest, channel: Channel, start: datetime, now: datetime, *, known: Publication | None
) -> Explanation:
    window = TimeRange(start=min(start, now), end=request.latest)
    on_them = books.read_books(c, channel, window, now, without=known.id if known else None)
    told = explain(on_them, request, start, now)
    if known is None:
        return told
    said = known.reasons if (known.channel, known.start) == (channel.name, start) else ()
    return told.model_copy(update={"publication": known.id, "said_then": said})


def _asked(given: _Given, start: datetime, now: datetime) -> SlotRequest:
    """What the caller described; Problem INVALID_ARGUMENT names what is missing."""
    for name in ("title", "territories", "cleared", "duration_seconds"):
        if getattr(given, name) is None:
            raise _missing(name)
    return _request(
        start,
        now,
        title=given.title,
        media=given.media,
        territories=expand_territories(given.territories or (), start.date()),
        cleared=tuple(given.cleared or ()),
        until=time_range(start, given.until).end,
        duration_seconds=given.duration_seconds,
        after_watershed=given.after_watershed,
        details=given.details or Details(),
    )


def _asked_again(c: Connection, known: Publication, given: _Given, start: datetime, now: datetime) -> SlotRequest:
    """A publication as it stands, with what the caller says otherwise; a transmission keeps its length."""
    room = placed(books.find_channel(c, known.channel), known)
    length = int((room.until - room.start).total_seconds())
    places = given.territories or known.territories
    return _request(
        start,
        now,
        title=given.title or known.title,
        media=given.media or known.media,
        territories=expand_territories(places, start.date()),
        cleared=tuple(given.cleared) if given.cleared else _cleared(c, known),
        until=given.until if length else given.until or known.end,
        duration_seconds=given.duration_seconds or length or known.details.duration_seconds or 1,
        after_watershed=given.after_watershed or known.after_watershed,
        details=given.details or known.details,
    )


def _request(start: datetime, now: datetime, **fields: Any) -> SlotRequest:
    """Time ahead is counted as in a proposal, from now for four weeks, or from the start and past it."""
    latest = max(now + DEFAULT_SPAN, start + DEFAULT_SPAN / 2, now + timedelta.resolution)
    return SlotRequest(earliest=min(start, now), latest=latest, **fields)


def _cleared(c: Connection, known: Publication) -> tuple[ClearedCell, ...]:
    """What its clearance opens, or before there is one what it is held for."""
    kept = store.find_papers(c, known.id)
    if kept is not None:  # what was verified when it was kept; this grants nothing
        return clearance_facts(jwt.decode(kept.clearance, options={"verify_signature": False})).cells
    return tuple(
        ClearedCell(territories=piece.territories, platforms=("all",), windows=(piece.window,))
        for piece in known.availability
    )


def _missing(name: str) -> Problem:
    return Problem(
        "INVALID_ARGUMENT",
        f"explain_slot: {name} is missing.",
        "Name a publication, or give channel, start, title, territories, cleared and duration_seconds.",
    )
