"""A channel's grid out of an XMLTV document. Pure."""

import re
from bisect import bisect_right
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from holdback_servers.schedule.asrun_nouns import FileContents, ListedItem, Remark
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.gathering import Gathering
from holdback_servers.schedule.interchange.markup import (
    UnreadableError,
    attribute,
    children,
    local,
    parse,
    text_at,
)
from holdback_servers.schedule.interchange.wall import BadTimeError, check_day

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_TIME: Final = re.compile(r"(?P<stamp>\d{12}(?:\d\d)?)(?:\s+(?P<zone>\S+))?")
_OFFSET: Final = re.compile(r"([+-])(\d\d):?([0-5]\d)")
_READ: Final = frozenset({"title", "desc", "length"})


def read(content: str, name: str, channel: Channel) -> FileContents:
    """The programmes that an XMLTV document lists for this channel.

    The channel is found by its name as the id, or its title as a display name; a document of one channel only is taken
    for it. Times without a zone are UTC, as the DTD says. A programme without `stop` ends when the next begins.
    """
    try:
        root = parse(content, name)
        if local(root) != "tv":
            message = f"Its root is {local(root)}, not tv."
            raise UnreadableError(Remark(place=name, message=message, hint="Give an XMLTV document."))
        wanted = _channel_id(root, name, channel)
    except UnreadableError as error:
        return error.contents
    found = Gathering()
    listed = [each for each in children(root, "programme") if attribute(each, "channel") == wanted]
    starts = [_moment(each, "start", found) for each in listed]
    in_order = sorted({each for each in starts if each is not None})
    for number, (programme, start) in enumerate(zip(listed, starts, strict=True)):
        after = len(in_order) if start is None else bisect_right(in_order, start)
        following = in_order[after] if after < len(in_order) else None
        _read_programme(programme, f"programme {number + 1}, line {programme.sourceline}", start, following, found)
    return found.contents()


def _channel_id(root: "Element", name: str, channel: Channel) -> str:
    """The id under which the document lists the channel. Raises UnreadableError where none, or several, could be it."""
    named = {
        attribute(each, "id"): {text_at(one).casefold() for one in children(each, "display-name")} | {""}
        for each in children(root, "channel")
    }
    used = {attribute(each, "channel") for each in children(root, "programme")}
    if not used:
        hint = "Give a document with programme elements."
        raise UnreadableError(Remark(place=name, message="It lists no programme.", hint=hint))
    if channel.name in used:
        return channel.name
    titled = [each for each in used if channel.title.casefold() in named.get(each, set())]
    if len(titled) == 1:
        return titled[0]
    if len(used) == 1:
        return used.pop()
    raise UnreadableError(
        Remark(
            place=name,
            message=f"It lists {len(used)} channels, and none is {channel.name}.",
            hint=f"Rename the id of the one that is meant to {channel.name}: {', '.join(sorted(used)[:10])}.",
        )
    )


def _read_programme(
    programme: "Element", place: str, start: datetime | None, following: datetime | None, found: Gathering
) -> None:
    end = _moment(programme, "stop", found, place) if attribute(programme, "stop") else following
    if start is None or (end is None and attribute(programme, "stop")):
        return
    if end is None:
        found.mistake(f"{place}, stop", "It has no end, and nothing follows it.", "Give stop.")
        return
    for other in sorted({local(each) for each in programme} - _READ):
        found.lose(other, f"{other} is not kept.")
    try:
        item = ListedItem(
            place=place, title=text_at(programme, "title"), start=start, end=end, description=text_at(programme, "desc")
        )
    except ValidationError as error:
        found.refuse(place, error)
        return
    found.add(item)


def _moment(programme: "Element", name: str, found: Gathering, place: str = "") -> datetime | None:
    given = attribute(programme, name).strip()
    try:
        return _instant(given)
    except BadTimeError as error:
        found.mistake(f"{place or f'line {programme.sourceline}'}, {name}", str(error), error.hint, given)
    return None


def _instant(given: str) -> datetime:
    hint = "Write it as 20261124190000 +0000."
    match = _TIME.fullmatch(given)
    if match is None:
        raise BadTimeError(f"{given[:40]!r} is no time of XMLTV to the minute.", hint)
    zone = match["zone"]
    offset = _OFFSET.fullmatch(zone) if zone and zone not in ("UTC", "GMT", "Z") else None
    if zone and offset is None and zone not in ("UTC", "GMT", "Z"):
        raise BadTimeError(f"{zone} is a name for a zone that means several.", f"Give its offset. {hint}")
    try:
        stamp = datetime.strptime(match["stamp"].ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        check_day(stamp.date(), given)
        if offset is None:
            return stamp
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return stamp.replace(tzinfo=timezone(-length if offset[1] == "-" else length)).astimezone(UTC)
    except BadTimeError:
        raise
    except ValueError as error:
        raise BadTimeError(f"{given!r} is no time of the calendar.", hint) from error
