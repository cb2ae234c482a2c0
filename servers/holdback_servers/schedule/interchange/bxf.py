"""The schedule in the shape of BXF (SMPTE ST 2021), for traffic and automation. Pure.

The shape follows published messages: BxfMessage, BxfData, Schedule, ScheduledEvent with PrimaryEvent or
NonPrimaryEvent. It is not certified against the schema, and says so in the message. Times are timecode on the channel's
own clocks, dates those of the calendar; the exact instants stand beside them in a namespace of our own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID, uuid5

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.wall import WallClock, clock_of, duration_code
from holdback_servers.schedule.interchange.written import FIRM, Losses, ScheduleFile, Written, one_line
from holdback_servers.schedule.model import Publication

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

NAMESPACE: Final = "http://smpte-ra.org/schemas/2021/2017/BXF"
OWN: Final = "urn:holdback:bxf:1"
_IDS: Final = UUID("b0f5d9a4-6c1e-5a5e-9d37-2021b2021b20")
_PREFIXES: Final = cast("dict[str, str]", {None: NAMESPACE, "hb": OWN})
_DAY: Final = timedelta(days=1)
_NOT_CERTIFIED: Final = "shaped after SMPTE ST 2021, not certified: try it against the receiving system first"


@dataclass(frozen=True)
class _Writing:
    """The clock of the channel that is written, and what is not said."""

    clock: WallClock
    losses: Losses


def event_id(name: str) -> str:
    """The urn:uuid under which BXF knows a publication; the same name has the same always."""
    return f"urn:uuid:{uuid5(_IDS, name)}"


def write(publications: Iterable[Publication], channels: Mapping[str, Channel], now: datetime) -> Written:
    """What linear channels are sure to show, as one BXF message with a Schedule for each channel.

    `now` is when the message is made.
    """
    from lxml import etree

    losses, shown = Losses(), dict[str, list[Publication]]()
    for each in sorted(publications, key=lambda one: (one.channel, one.start, one.id)):
        channel = channels.get(each.channel)
        if channel is None or channel.kind != "linear" or each.end is None:
            losses.add("left out: BXF schedules what is broadcast, and this is put up, not broadcast", each.id)
        elif each.state not in FIRM:
            losses.add(f"left out: automation is told what is sure, and this is {each.state}", each.id)
        else:
            shown.setdefault(each.channel, []).append(each)
    root = etree.Element(f"{{{NAMESPACE}}}BxfMessage", nsmap=_PREFIXES)
    told = {"dateTime": instant_text(now), "messageType": "Information", "origin": "Holdback", "originType": "Traffic"}
    message_id = event_id(" ".join([instant_text(now), *(each.id for listed in shown.values() for each in listed)]))
    for name, value in ({"id": message_id} | told | {"userName": "Holdback", "destination": "Automation"}).items():
        root.set(name, value)
    data = _child(root, "BxfData", action="add")
    for name, listed in shown.items():
        _schedule(data, channels[name], listed, losses)
    losses.add(_NOT_CERTIFIED)
    etree.indent(root)
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="utf-8") + b"\n"
    file = ScheduleFile(name="schedule.bxf.xml", media_type="application/xml", content=content.decode())
    return Written(files=(file,), publications=sum(map(len, shown.values())), losses=losses.told())


def _schedule(data: "Element", channel: Channel, listed: list[Publication], losses: Losses) -> None:
    ends = max(each.end or each.start for each in listed)
    schedule = _child(data, "Schedule", type="Primary", action="add", scheduleId=event_id(f"schedule {channel.name}"))
    schedule.set("scheduleStart", listed[0].start.astimezone(channel.zone).isoformat())
    schedule.set("scheduleEnd", ends.astimezone(channel.zone).isoformat())
    _child(schedule, "Channel", shortName=channel.name, status="active", action="add")
    _child(schedule, "ScheduleName", one_line(channel.title))
    writing = _Writing(clock_of(channel), losses)
    for each in listed:
        _primary(schedule, each, writing)
        for number in range(len(each.details.secondary)):
            _secondary(schedule, each, number, writing)


def _primary(schedule: "Element", publication: Publication, writing: _Writing) -> None:
    end = publication.end or publication.start
    event = _child(schedule, "ScheduledEvent")
    data = _child(event, "EventData", eventType="Primary", action="add")
    _child(_child(data, "EventId"), "EventId", event_id(publication.id))
    _child(data, "EventTitle", one_line(publication.title))
    program = _child(_child(data, "PrimaryEvent"), "ProgramEvent")
    _child(program, "SegmentNumber", "1")
    _child(program, "ProgramName", one_line(publication.title))
    _times(data, publication, publication.start, end - publication.start, writing)
    _child(data, "StartMode", "Follow" if publication.details.start_mode == "follow" else "Fixed")
    _child(data, "EndMode", "Duration")
    own = _child(_child(data, "PrivateInformation"), "publication", space=OWN, id=publication.id)
    media: str | None = publication.media
    for name, value in {"start": instant_text(publication.start), "end": instant_text(end), "media": media}.items():
        own.set(name, value or "")
    content = _child(event, "Content")
    _child(_child(content, "ContentId"), "HouseNumber", house_number(publication))
    _child(content, "Name", one_line(publication.title))
    if description := one_line(publication.details.description):
        _child(content, "Description", description)
    writing.losses.add("not said: clearance, approval, reasons, history, sponsors, captions, priority", publication.id)


def house_number(publication: Publication) -> str:
    """What BXF calls the material: the asset's id, else the sha256 of its bytes, else the publication's id."""
    media: str | None = publication.media
    return publication.asset or media or publication.id


def _secondary(schedule: "Element", publication: Publication, number: int, writing: _Writing) -> None:
    secondary = publication.details.secondary[number]
    end = publication.end or publication.start
    from_end = secondary.offset_seconds < 0
    start = (end if from_end else publication.start) + timedelta(seconds=secondary.offset_seconds)
    length = timedelta(seconds=secondary.duration_seconds) if secondary.duration_seconds else end - start
    event = _child(schedule, "ScheduledEvent")
    data = _child(event, "EventData", eventType="NonPrimary", action="add")
    _child(_child(data, "EventId"), "EventId", event_id(f"{publication.id} {number}"))
    other = _child(data, "NonPrimaryEvent")
    _child(other, "NonPrimaryEventName", secondary.kind.capitalize())
    _child(other, "PrimaryEventId", event_id(publication.id))
    offset = _child(other, "Offset", offsetFrom="EndofEvent" if from_end else "BeginningofEvent", offsetType="Start")
    offset.set("direction", "Negative" if from_end else "Positive")
    apart = abs(timedelta(seconds=secondary.offset_seconds))
    _child(_child(offset, "OffsetTime"), "SmpteTimeCode", duration_code(apart, writing.clock.rate))
    _times(data, publication, start, length, writing)
    if secondary.text:
        _child(_child(event, "Content"), "Name", one_line(secondary.text))


def _times(data: "Element", publication: Publication, start: datetime, length: timedelta, writing: _Writing) -> None:
    clock, losses = writing.clock, writing.losses
    day, code = clock.timecode(start)
    rate = f"{clock.rate.num / clock.rate.den:.5g}"
    moment = _child(_child(data, "StartDateTime"), "SmpteDateTime", frameRate=rate, broadcastDate=day.isoformat())
    _child(moment, "SmpteTimeCode", code)
    if clock.shown_twice(start):
        losses.add(
            "its timecode comes twice that night: only the instant in our own namespace is certain", publication.id
        )
    if length >= _DAY:
        losses.add("longer than timecode counts: its length stands only in our own namespace", publication.id)
        return
    duration = _child(_child(_child(data, "LengthOption"), "Duration"), "SmpteDuration", frameRate=rate)
    _child(duration, "SmpteTimeCode", duration_code(length, clock.rate))


def _child(parent: "Element", name: str, text: str = "", *, space: str = NAMESPACE, **attributes: str) -> "Element":
    from lxml import etree

    made = etree.SubElement(parent, f"{{{space}}}{name}", attrib=attributes)
    made.text = text or None
    return made
