"""A linear channel's days as ffplayout playlists, and playlists as a grid. Pure.

A playlist is the JSON of one broadcast day: `{channel, date, program: [{in, out, duration, source, category, title}]}`,
seconds, one item after the other from the channel's start of the day on (ffplayout's own `day_start`). It holds no
times: what nothing is scheduled in is an item without a source, which ffplayout fills with its filler.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from holdback_servers.schedule.asrun_nouns import FileContents, ListedItem, Remark
from holdback_servers.schedule.broadcast_time import broadcast_day, day_range
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.gathering import Gathering
from holdback_servers.schedule.interchange.markup import UnreadableError, check_size
from holdback_servers.schedule.interchange.wall import EARLIEST, LATEST
from holdback_servers.schedule.interchange.written import FIRM, Losses, ScheduleFile, Written, one_line
from holdback_servers.schedule.model import Publication

_FULL_DAY: Final = timedelta(days=1)


def write(publications: Iterable[Publication], channels: Mapping[str, Channel]) -> Written:
    """A playlist for each broadcast day of each linear channel on which something is sure to be shown.

    What goes on past the end of its day is cut there and continued at the beginning of the next day's playlist.
    """
    losses, days, shown = Losses(), dict[tuple[str, date], list[Publication]](), 0
    for each in sorted(publications, key=lambda one: (one.start, one.id)):
        channel = channels.get(each.channel)
        if channel is None or channel.kind != "linear" or each.end is None:
            losses.add("left out: ffplayout plays what is broadcast, and this is put up, not broadcast", each.id)
        elif each.state not in FIRM:
            losses.add(f"left out: a playlist plays what is sure, and this is {each.state}", each.id)
        else:
            shown += 1
            _say_losses(each, losses)
            for day in _days(each, channel):
                days.setdefault((channel.name, day), []).append(each)
    files = tuple(_playlist(channels[name], day, days[name, day], losses) for name, day in sorted(days))
    return Written(files=files, publications=shown, losses=losses.told())


def _days(publication: Publication, channel: Channel) -> Iterator[date]:
    """The broadcast days that it is shown on, in order."""
    day = broadcast_day(publication.start, channel.zone, channel.day_begins)
    while publication.end and day_range(day, channel.zone, channel.day_begins).start < publication.end:
        yield day
        day += timedelta(days=1)


def _playlist(channel: Channel, day: date, shown: list[Publication], losses: Losses) -> ScheduleFile:
    whole = day_range(day, channel.zone, channel.day_begins)
    ends = whole.end or whole.start
    program: list[dict[str, Any]] = []
    reached = whole.start
    for each in shown:
        until = each.end or each.start
        start, end = max(each.start, reached), min(until, ends)
        if end <= start:
            losses.add("left out of a day: something else is shown over it", each.id)
            continue
        if start > reached:
            program.append(_item("", "", timedelta(), start - reached, start - reached))
            losses.add("nothing is scheduled before this on its day: ffplayout plays its filler", each.id)
        program.append(
            _item(_source(each), one_line(each.title), start - each.start, end - each.start, until - each.start)
        )
        reached = end
    if ends - whole.start != _FULL_DAY:
        hours = (ends - whole.start) / timedelta(hours=1)
        losses.add(
            f"{day} has {hours:g} hours on {channel.name}; ffplayout plays 24 unless its `length` says otherwise"
        )
    content = json.dumps({"channel": channel.title, "date": day.isoformat(), "program": program}, indent=2)
    return ScheduleFile(name=f"{channel.name}-{day}.json", media_type="application/json", content=content)


def _item(source: str, title: str, begin: timedelta, end: timedelta, whole: timedelta) -> dict[str, Any]:
    seconds = [round(each / timedelta(seconds=1), 6) for each in (begin, end, whole)]
    item: dict[str, Any] = dict(zip(("in", "out", "duration"), seconds, strict=True))
    return item | {"source": source, "category": ""} | ({"title": title} if title else {})


def _source(publication: Publication) -> str:
    """The name under which playout is to find the file: the hex of its bytes' sha256, else the other system's name."""
    media: str | None = publication.media
    return media.removeprefix("sha256:") if media else publication.asset or ""


def _say_losses(publication: Publication, losses: Losses) -> None:
    if publication.media:
        losses.add("source is the sha256 of the bytes: give the file that name in ffplayout's storage", publication.id)
    elif not publication.asset:
        losses.add("without a source: its bytes and its reference are unknown, so it plays filler", publication.id)
    losses.add("not said: clearance, approval, reasons, history, sponsors, captions, follow starts", publication.id)
    if publication.details.secondary:
        losses.add("not said: secondary events", publication.id)


class _Item(BaseModel):
    """One item of a playlist; what else it holds is not read."""

    in_: float = Field(alias="in", ge=0, le=604_800)
    out: float = Field(gt=0, le=604_800)
    source: str | None = ""
    title: str | None = None
    category: str | None = ""


class _Playlist(BaseModel):
    """One day."""

    date: Annotated[date, Field(ge=EARLIEST, le=LATEST)]
    program: list[_Item]


_PLAYLISTS: Final[TypeAdapter[list[_Playlist]]] = TypeAdapter(list[_Playlist])


def read(content: str, name: str, channel: Channel) -> FileContents:
    """The items of a playlist, or of a JSON list of them, at the instants at which the channel's days play them.

    Items without a source are gaps. `source` becomes the reference, its file's name the title where there is none.
    """
    try:
        playlists = _parsed(content, name)
    except UnreadableError as error:
        return error.contents
    found = Gathering()
    for playlist in playlists:
        _read_day(playlist, channel, found)
    return found.contents()


def _parsed(content: str, name: str) -> list[_Playlist]:
    hint = "Give a playlist as ffplayout keeps it: {channel, date, program: [{in, out, duration, source}]}."
    check_size(content, name)
    try:
        given = json.loads(content, parse_constant=_no_number)
        return _PLAYLISTS.validate_python(given if isinstance(given, list) else [given])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"][1:]) or name
        raise UnreadableError(Remark(place=place, message=f"{first['msg']}.", hint=hint)) from error
    except (ValueError, RecursionError) as error:
        message = f"It is not JSON: {str(error)[:200]}."
        raise UnreadableError(Remark(place=name, message=message, hint=hint)) from error


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _read_day(playlist: _Playlist, channel: Channel, found: Gathering) -> None:
    moment: datetime = day_range(playlist.date, channel.zone, channel.day_begins).start.astimezone(UTC)
    for number, each in enumerate(playlist.program):
        place = f"{playlist.date}, program {number + 1}"
        if not math.isfinite(each.out) or each.out <= each.in_:
            found.mistake(f"{place}, out", "It is not after `in`.", "Correct in or out.", str(each.out))
            return
        start, moment = moment, moment + timedelta(seconds=each.out - each.in_)
        if not each.source:
            continue
        if each.category:
            found.lose("category", "The category of an item is not kept.")
        title = one_line(each.title or PurePosixPath(each.source).stem)
        try:
            found.add(ListedItem(place=place, title=title, start=start, end=moment, reference=each.source))
        except ValidationError as error:
            found.refuse(place, error)
