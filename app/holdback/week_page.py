"""`holdback week`: what stands in a home's schedule, as one HTML file that needs no network and no script."""

import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from holdback_base.database import Database
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.schedule import books, store
from holdback_servers.schedule.broadcast_time import local_text
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Conflict, conflicts
from holdback_servers.schedule.model import Publication
from holdback_servers.settings import Settings
from sqlalchemy import Connection

from holdback.page import safe_templates
from holdback.week_picture import Days, WeekPicture, week_picture

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_MOST = 2000
"""Publications that one channel's page shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A publication in the table below the picture; times are the channel's own."""

    at: str
    until: str
    publication: Publication
    who: str


@dataclass(frozen=True, slots=True)
class ChannelWeek:
    """Everything that the page says of one channel."""

    channel: Channel
    picture: WeekPicture
    lines: tuple[Line, ...]
    conflicts: tuple[Conflict, ...]
    complete: bool


def run_week(settings: Settings, start: str | None, days: int, names: list[str], out: Path) -> None:
    """Write the page and say where it is.

    Args:
        start: a day, `YYYY-MM-DD`, of the channels' own clocks; today when it is left out.

    Raises:
        Problem: what `write_week` refuses; INVALID_ARGUMENT for a start that is no day.
    """
    now = system_clock()
    path = write_week(settings, Wanted(now if start is None else _noon(start), days, names, now), out)
    sys.stdout.write(f"The schedule is drawn in {path}\n")


def _noon(day: str) -> datetime:
    """Noon of a day, which every channel's broadcast day of that date holds."""
    try:
        return datetime.combine(date.fromisoformat(day), time(12), UTC)
    except ValueError as error:
        raise Problem("INVALID_ARGUMENT", f"--start {day!r} is not a day.", "Write it as 2026-11-23.") from error


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the page shows: so many broadcast days from the one that holds `start` on; no names means all channels."""

    start: datetime
    days: int
    names: list[str]
    now: datetime


def write_week(settings: Settings, wanted: Wanted, out: Path) -> Path:
    """Write the page. Nothing is changed in the home.

    Raises:
        Problem: CHANNEL_UNKNOWN; NOT_FOUND when the home has no schedule or no channel yet; INVALID_ARGUMENT for a path
            that cannot be written.
    """
    weeks: list[ChannelWeek] = []
    path = settings.home / "db" / "schedule.sqlite"
    if path.is_file():
        with closing(Database(path, store.METADATA)) as kept:
            weeks = kept.read_now(lambda c: _weeks(c, wanted))
    if not weeks:
        raise Problem(
            "NOT_FOUND",
            f"The home {settings.home} has no channel on its schedule.",
            "Record one with record_channel, or name another home with --home.",
        )
    return write_page(render_week(weeks, wanted.now), out)


def write_page(page: str, out: Path) -> Path:
    """Write a page with the folders on its way. Raises Problem INVALID_ARGUMENT for a path that cannot be written."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{out} cannot be written: {error.strerror}.", "Choose another file with --out."
        ) from error
    return out


def render_week(weeks: list[ChannelWeek], now: datetime) -> str:
    """The page as text. Titles, reasons and names are untrusted: all of them are escaped."""
    environment, style, policy = _templates()
    return environment.get_template("week.html").render(weeks=weeks, now=now, style=style, policy=policy)


@cache
def _templates() -> "tuple[Environment, Markup, str]":
    return safe_templates("outcome.css", "week.css")


def _weeks(c: Connection, wanted: Wanted) -> list[ChannelWeek]:
    names = dict.fromkeys(wanted.names)
    channels = [books.find_channel(c, each) for each in names] if names else books.all_channels(c)
    return [_week(c, Days.holding(each, wanted.start, wanted.days, wanted.now)) for each in channels]


def _week(c: Connection, days: Days) -> ChannelWeek:
    window, name = days.window, days.channel.name
    kept = books.read_books(c, days.channel, window, days.now)
    found = store.page(c, window, days.now, channel_names=[name], limit=_MOST + 1)
    running = [each for each in kept.placed if each.start < window.start < each.until]
    before = [store.find_publication(c, each.id, days.now) for each in running]
    shown = store.with_history(c, [*before, *found[:_MOST]])
    late = books.read_late(c, days.channel, window)
    return channel_week(days, shown, conflicts(kept, late), complete=len(found) <= _MOST)


def channel_week(days: Days, publications: list[Publication], broken: list[Conflict], *, complete: bool) -> ChannelWeek:
    """A channel's part of the page: the picture shows what takes up room, the table all that is not cancelled."""
    kept = [each for each in publications if each.state != "cancelled"]
    broken = [each for each in broken if days.window.contains(each.at)]
    clashing = [identity for each in broken for identity in each.publications]
    picture = week_picture(days, [each for each in kept if each.state != "failed"], clashing)
    lines = tuple(_line(days.channel, each) for each in kept)
    return ChannelWeek(days.channel, picture, lines, tuple(broken), complete)


def _line(channel: Channel, publication: Publication) -> Line:
    until = "" if publication.end is None else local_text(publication.end, channel.zone)
    last = publication.history[-1] if publication.history else None
    who = f"{last.by}: {last.why}" if last is not None else publication.by
    return Line(local_text(publication.start, channel.zone), until, publication, who)
