"""The schedule as XMLTV, for programme guides: valid against `xmltv.dtd` of XMLTV 1.x. Pure.

A guide lists what linear channels are sure to show. Times are UTC.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from holdback_base.vocabulary import to_utc

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.written import FIRM, Losses, ScheduleFile, Written, one_line
from holdback_servers.schedule.model import Publication

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n'


def write(publications: Iterable[Publication], channels: Mapping[str, Channel]) -> Written:
    """What linear channels are sure to show, as one XMLTV document."""
    from lxml import etree

    losses, shown = Losses(), list[Publication]()
    for each in sorted(publications, key=lambda one: (one.channel, one.start, one.id)):
        if _listed(each, channels.get(each.channel), losses):
            shown.append(each)
    root = etree.Element("tv", attrib={"generator-info-name": "Holdback"})
    for name in sorted({each.channel for each in shown}):
        channel = etree.SubElement(root, "channel", attrib={"id": name})
        etree.SubElement(channel, "display-name").text = one_line(channels[name].title) or name
    for each in shown:
        times = {"start": _time(each.start), "stop": _time(each.end or each.start), "channel": each.channel}
        programme = etree.SubElement(root, "programme", attrib=times)
        etree.SubElement(programme, "title").text = one_line(each.title) or each.id
        if description := one_line(each.details.description):
            etree.SubElement(programme, "desc").text = description
        if each.details.duration_seconds is not None:
            length = etree.SubElement(programme, "length", attrib={"units": "seconds"})
            length.text = str(each.details.duration_seconds)
        _say_losses(each, losses)
    etree.indent(root)
    content = (_HEAD + etree.tostring(root, encoding="utf-8") + b"\n").decode()
    file = ScheduleFile(name="schedule.xmltv.xml", media_type="application/xml", content=content)
    return Written(files=(file,), publications=len(shown), losses=losses.told())


def _listed(publication: Publication, channel: Channel | None, losses: Losses) -> bool:
    if channel is None or channel.kind != "linear" or publication.end is None:
        losses.add("left out: a guide lists what is broadcast, and this is put up, not broadcast", publication.id)
        return False
    if publication.state not in FIRM:
        losses.add(f"left out: a guide lists what is sure, and this is {publication.state}", publication.id)
        return False
    return True


def _say_losses(publication: Publication, losses: Losses) -> None:
    details = publication.details
    losses.add("not said: territories, media, clearance, approval, reasons, history", publication.id)
    if details.secondary:
        losses.add("not said: secondary events", publication.id)
    if details.sponsor:
        losses.add("not said: the sponsor's category", publication.id)
    if details.captions:
        losses.add("not said: caption files", publication.id)
    if publication.start.microsecond or (publication.end and publication.end.microsecond):
        losses.add("cut to whole seconds: XMLTV writes no fractions", publication.id)


def _time(moment: datetime) -> str:
    return to_utc(moment).strftime("%Y%m%d%H%M%S +0000")
