"""The schedule as iCalendar (RFC 5545), for calendars. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.written import Losses, ScheduleFile, Written, one_line, plain
from holdback_servers.schedule.model import Availability, Publication

if TYPE_CHECKING:
    from icalendar import Component, Event

MEDIA_TYPE = "text/calendar; charset=utf-8"
_REFRESH = timedelta(minutes=15)
_STATUS = {
    "proposed": "TENTATIVE",
    "held": "TENTATIVE",
    "approved": "TENTATIVE",
    "scheduled": "CONFIRMED",
    "live": "CONFIRMED",
    "expired": "CONFIRMED",
    "taken_down": "CANCELLED",
    "failed": "CANCELLED",
    "cancelled": "CANCELLED",
}
"""RFC 5545, 3.8.1.11: only what is committed is confirmed."""


def write(publications: Iterable[Publication], channels: Mapping[str, Channel]) -> Written:
    """The publications as one calendar, and what a calendar cannot say."""
    losses, listed = Losses(), list(publications)
    for each in listed:
        if each.details.secondary or each.details.captions:
            losses.add("not said: secondary events and caption files", each.id)
        if each.details.sponsor:
            losses.add("not said: the sponsor's category", each.id)
    file = ScheduleFile(name="schedule.ics", media_type=MEDIA_TYPE, content=to_icalendar(listed, channels))
    return Written(files=(file,), publications=len(listed), losses=losses.told())


def to_icalendar(
    publications: Iterable[Publication], channels: Mapping[str, Channel], *, name: str | None = None
) -> str:
    """The publications as an iCalendar (RFC 5545) in UTC, the same text for the same publications.

    A transmission on a linear channel lasts from its start to its end. Elsewhere an event stands at the instant a
    publication goes up, and at each later one at which more territories open. Held is TENTATIVE, scheduled CONFIRMED.
    The uid of an event stays the same whatever becomes of the publication; its SEQUENCE grows with the history.
    `name` is what a calendar that subscribes calls it (RFC 7986), and then it is told to ask again each quarter hour.
    """
    from icalendar import Calendar

    calendar = Calendar()
    _put(calendar, "prodid", "-//Holdback//Schedule//EN")
    _put(calendar, "version", "2.0")
    _put(calendar, "method", "PUBLISH")
    if name is not None:
        _put(calendar, "name", name)
        _put(calendar, "x-wr-calname", name)
        _put(calendar, "refresh-interval", _REFRESH, VALUE="DURATION")
    for publication in sorted(publications, key=lambda each: (each.start, each.id)):
        for event in _events(publication, channels.get(publication.channel)):
            calendar.add_component(event)
    return calendar.to_ical().decode()


def _put(component: "Component", name: str, value: Any, **parameters: str) -> None:
    component.add(name, value, parameters)  # pyright: ignore[reportUnknownMemberType] - the library leaves values untyped


def _events(publication: Publication, channel: Channel | None) -> "Iterator[Event]":
    from icalendar import Event

    openings: dict[datetime, list[Availability]] = {}
    for piece in publication.availability:
        openings.setdefault(piece.start, []).append(piece)
    linear = channel is not None and channel.kind == "linear"
    for start in sorted(openings):
        first = start == publication.start
        event = Event()
        _put(event, "uid", f"{publication.id}{'' if first else start.strftime('-%Y%m%dT%H%M%SZ')}@holdback")
        _put(event, "dtstamp", _changed(publication))
        _put(event, "sequence", max(0, len(publication.history) - 1))
        _put(event, "dtstart", start)
        if linear and publication.end is not None:
            _put(event, "dtend", publication.end)
        else:
            _put(event, "duration", timedelta(minutes=15))
            _put(event, "transp", "TRANSPARENT")
        _put(event, "status", _STATUS[publication.state])
        _put(event, "summary", _summary(publication, channel, openings[start], first=first))
        _put(event, "description", _description(publication))
        _put(event, "location", one_line(channel.title if channel is not None else publication.channel))
        _put(event, "categories", [publication.channel, publication.state])
        yield event


def _changed(publication: Publication) -> datetime:
    return publication.history[-1].at if publication.history else publication.start


def _summary(publication: Publication, channel: Channel | None, opening: list[Availability], *, first: bool) -> str:
    where = channel.title if channel is not None else publication.channel
    places = ", ".join(sorted({territory for piece in opening for territory in piece.territories}))
    joins = "" if first else f" opens in {places}"
    held = " (held)" if publication.state in ("proposed", "held", "approved") else ""
    return one_line(f"{publication.title}{joins} on {where}{held}")


def _description(publication: Publication) -> str:
    lines = [f"{publication.state}, for {publication.on_behalf_of}"]
    lines += [f"In {piece.text()}" for piece in publication.availability]
    lines += publication.reasons
    if publication.media is not None:
        lines.append(f"Media {publication.media}")
    if publication.clearance is not None:
        lines.append(f"Clearance {publication.clearance}, approval {publication.approval}")
    if publication.state == "held" and publication.expires is not None:
        lines.append(f"The hold {publication.hold} lapses {instant_text(publication.expires)}")
    return plain("\n".join(lines))
