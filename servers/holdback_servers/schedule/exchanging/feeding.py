"""Calendars that subscribe: an address that nobody can guess, which its owner can make void."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Annotated, Any, Final

from holdback_base.database import STRANGER, seeing
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, time_range
from holdback_trust.keys import KeyRing, SignatureRefused, open_jws, sign_jws
from pydantic import Field
from sqlalchemy import Connection, insert, select, update
from starlette.requests import Request
from starlette.responses import Response

from holdback_servers.schedule import store
from holdback_servers.schedule.arguments import Channels, chosen
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.exchanging.exporting import EXPORT_LIMIT, USUAL
from holdback_servers.schedule.interchange.ical import MEDIA_TYPE, to_icalendar
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.tables import calendar_feeds
from holdback_servers.services import Call, Services
from holdback_servers.serving import Door

_TYP: Final = "calendar-feed+jwt"
_ISSUER: Final = "mcp:schedule"
_LONGEST: Final = 8192
_BEHIND: Final = timedelta(days=31)
"""How far back a feed begins."""


class CalendarFeed(Noun):
    """Where a calendar subscribes. Whoever has the address reads the schedule: keep it as a password.

    `path` is below the house's own address, such as `http://127.0.0.1:8700`. `voided` says whether earlier addresses of
    this person no longer answer.
    """

    path: str
    channels: tuple[str, ...]
    voided: bool

    def text(self) -> str:
        """The address, and how to keep it."""
        which = ", ".join(self.channels) or "all channels"
        lines = [f"A calendar of {which}: the house's address followed by {self.path}"]
        lines.append("Whoever has it reads the schedule; subscribe_calendar with rotate makes earlier addresses void.")
        return "\n".join(lines)


def offer_feeding(door: Door) -> None:
    """Add the tool to the schedule's door, and the open route that calendars read."""

    @door.tool(title="Subscribe calendar", scope="schedule:read", kind="write")
    async def subscribe_calendar(
        call: Call,
        channels: Channels = None,
        rotate: Annotated[bool, Field(description="Make all addresses that you were given before void.")] = False,
    ) -> CalendarFeed:
        """Give an address at which calendars subscribe to the schedule, without a token, for as long as you keep it.

        It holds what is held, approved, scheduled, live or expired, from a month ago on. Nobody can guess it; whoever
        is given it can read it. With rotate the addresses given to you before stop answering.
        """

        def unit(c: Connection) -> dict[str, Any]:
            return call.once(c, lambda: _feed(c, call, channels, rotate=rotate).model_dump(mode="json"))

        return CalendarFeed.model_validate(await call.services.database.write(unit))

    services = door.services
    ring = KeyRing({_ISSUER: [services.keys.public_jwk]})

    @door.mcp.custom_route("/calendar/{token}.ics", methods=["GET"])
    async def calendar(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        try:
            claims = open_jws(request.path_params["token"], _TYP, ring, frozenset({_ISSUER}), longest=_LONGEST)
            content = await _content(services, claims)
        except (SignatureRefused, Problem):
            text = "There is no such calendar, or its address was made void.\n"
            return Response(text, status_code=404, media_type="text/plain; charset=utf-8")
        tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
        known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if tag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=MEDIA_TYPE, headers=headers)


def _feed(c: Connection, call: Call, channels: list[str] | None, *, rotate: bool) -> CalendarFeed:
    services, person = call.services, call.caller.person
    named = tuple(each.name for each in chosen(c, channels, None)) if channels else ()
    generation = _generation(c, person)
    if generation is None:
        generation = 1
        c.execute(insert(calendar_feeds).values(person=person, generation=generation))
    elif rotate:
        generation += 1
        c.execute(update(calendar_feeds).where(calendar_feeds.c.person == person).values(generation=generation))
    claims = {"iss": _ISSUER, "sub": person, "channels": list(named), "generation": generation}
    token = sign_jws(services.keys, _TYP, claims)
    return CalendarFeed(path=f"/mcp/schedule/calendar/{token}.ics", channels=named, voided=rotate)


def _generation(c: Connection, person: str) -> int | None:
    query = select(calendar_feeds.c.generation).where(calendar_feeds.c.person == person)
    return c.execute(query).scalar_one_or_none()


async def _content(services: Services, claims: dict[str, Any]) -> str:
    """The calendar that a feed's claims name. Raises Problem NOT_FOUND for one that was made void."""
    now = services.clock()
    window = time_range(now - _BEHIND)

    def unit(c: Connection) -> tuple[list[Publication], dict[str, Channel]]:
        if _generation(c, str(claims.get("sub"))) != claims.get("generation"):
            raise Problem("NOT_FOUND", "This address was made void.", "Ask for a new one with subscribe_calendar.")
        shown = {each.name: each for each in chosen(c, claims.get("channels") or None, None)}
        found = store.page(c, window, now, channel_names=list(shown), states=USUAL, limit=EXPORT_LIMIT)
        return store.with_history(c, found), shown

    with seeing(STRANGER):  # whoever has the address reads it, in a calendar that others look at
        found, shown = await services.database.read(unit)
    name = ", ".join(each.title for each in shown.values()) if claims.get("channels") else "Schedule"
    return await asyncio.to_thread(to_icalendar, found, shown, name=name)
