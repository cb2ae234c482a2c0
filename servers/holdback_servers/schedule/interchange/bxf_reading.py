"""A channel's grid, or what it really aired, out of a message in the shape of BXF (SMPTE ST 2021). Pure.

Read are the primary ScheduledEvents of a Schedule, and the BasicAsRun and CompleteAsRun of an AsRun. Timecodes are on
the channel's own clocks. An instant in Holdback's own namespace wins over them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from holdback_servers.schedule.asrun_nouns import FileContents, FileKind, ListedItem, Remark
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.bxf import OWN
from holdback_servers.schedule.interchange.gathering import Gathering
from holdback_servers.schedule.interchange.markup import UnreadableError, at, attribute, below, local, parse, text_at
from holdback_servers.schedule.interchange.wall import BadTimeError, Dates, WallClock, clock_of, duration_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_NOT_AIRED: Final = ("not aired", "did not air", "missed", "skipped", "cancelled")
_HEADER: Final = "primary-programheader"


def read(content: str, name: str, channel: Channel, kind: FileKind, dates: Dates = "calendar") -> FileContents:
    """What a message says of this channel, by its name or title as the channel's shortName.

    Args:
        dates: whether `broadcastDate` is the calendar's date or the broadcast day's; systems differ.
    """
    try:
        root = parse(content, name)
        if local(root) != "BxfMessage":
            message = f"Its root is {local(root)}, not BxfMessage."
            raise UnreadableError(Remark(place=name, message=message, hint="Give a BXF message (SMPTE ST 2021)."))
        schedules = _schedules(root, name, channel)
    except UnreadableError as error:
        return error.contents
    reading = _Reading(clock_of(channel, dates), Gathering())
    for schedule in schedules:
        if kind == "grid":
            for event in below(schedule, "ScheduledEvent"):
                _read_event(event, reading)
        else:
            for name_of in ("BasicAsRun", "CompleteAsRun"):
                for event in below(schedule, name_of):
                    _read_as_run(event, reading)
    contents = reading.found.contents()
    if not contents.items and not contents.mistakes:
        wanted = "ScheduledEvent" if kind == "grid" else "BasicAsRun"
        remark = Remark(place=name, message=f"It holds no {wanted} of {channel.name}.", hint="Check kind and channel.")
        return contents.model_copy(update={"mistakes": (remark,)})
    return contents


@dataclass(frozen=True)
class _Reading:
    """The clock of the channel that is read, and what was found."""

    clock: WallClock
    found: Gathering


def _schedules(root: "Element", name: str, channel: Channel) -> "list[Element]":
    """The schedules of the channel. Raises UnreadableError when all are of others."""
    known = {channel.name.casefold(), channel.title.casefold(), ""}
    all_of_them = list(below(root, "Schedule"))
    mine = [each for each in all_of_them if attribute(at(each, "Channel"), "shortName").casefold() in known]
    if all_of_them and not mine:
        others = sorted({attribute(at(each, "Channel"), "shortName") for each in all_of_them})
        hint = f"Name the right channel; the message is for {', '.join(others[:10])}."
        raise UnreadableError(Remark(place=name, message=f"It holds nothing of {channel.name}.", hint=hint))
    return mine


def _read_event(event: "Element", reading: _Reading) -> None:
    data = at(event, "EventData")
    kind = attribute(data, "eventType").lower()
    if kind in ("nonprimary", _HEADER):
        reading.found.lose(kind, "Secondary events and programme headers are not kept.")
        return
    title = (
        text_at(event, "Content", "Name")
        or text_at(data, "EventTitle")
        or text_at(data, "PrimaryEvent", "ProgramEvent", "ProgramName")
    )
    fields = {"title": title, "description": text_at(event, "Content", "Description")}
    length = text_at(data, "LengthOption", "Duration", "SmpteDuration", "SmpteTimeCode")
    _put(event, at(data, "StartDateTime", "SmpteDateTime"), length, fields, reading)


def _read_as_run(event: "Element", reading: _Reading) -> None:
    detail, title = at(event, "AsRunDetail"), text_at(event, "Content", "Name")
    status = text_at(detail, "Status")
    if text_at(detail, "Type").lower() == "nonprimary":
        reading.found.lose("nonprimary", "Secondary events are not kept.")
    elif status.lower().startswith(_NOT_AIRED):
        reading.found.lose(f"line {event.sourceline}", f"{title!r} did not air ({status}).")
    else:
        length = text_at(detail, "Duration", "SmpteDuration", "SmpteTimeCode")
        fields = {"title": title, "status": status}
        _put(event, at(detail, "StartDateTime", "SmpteDateTime"), length, fields, reading)


def _put(event: "Element", start: "Element | None", length: str, fields: dict[str, str], reading: _Reading) -> None:
    place, found, clock = f"{local(event)}, line {event.sourceline}", reading.found, reading.clock
    own = next((each for each in below(event, "publication") if str(each.tag).startswith(f"{{{OWN}}}")), None)
    exact, until = attribute(own, "start"), attribute(own, "end")
    wall = exact or f"{attribute(start, 'broadcastDate')} {text_at(start, 'SmpteTimeCode')}"
    began = _tried(found, f"{place}, StartDateTime", lambda: clock.instant(wall), wall)
    ended = _tried(found, f"{place}, Duration", lambda: _end(began, length, until, clock), length)
    if began is None or ended is None:
        return
    known = {
        "place": place,
        "start": began,
        "end": ended,
        "reference": text_at(event, "Content", "ContentId", "HouseNumber"),
        "publication": attribute(own, "id"),
        "media": attribute(own, "media") or None,
    }
    try:
        found.add(ListedItem.model_validate(fields | known))
    except ValidationError as error:
        found.refuse(place, error)


def _end(began: datetime | None, length: str, exact: str, clock: WallClock) -> datetime | None:
    if exact:
        return clock.instant(exact)
    lasts: timedelta = duration_of(length, clock.rate)
    return None if began is None else began + lasts


def _tried(found: Gathering, place: str, work: Callable[[], datetime | None], given: str) -> datetime | None:
    try:
        return work()
    except BadTimeError as error:
        found.mistake(place, str(error), error.hint, given)
    return None
