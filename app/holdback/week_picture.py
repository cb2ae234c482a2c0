"""Where everything stands in the picture of a channel's week: a row a broadcast day, in user units. Pure.

A row is as long as its day: 23, 24 or 25 hours. Behind what is scheduled stands how many people the channel reaches
from hour to hour. The template draws it; nothing here knows SVG.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from holdback_base.vocabulary import TimeRange
from holdback_servers.schedule.broadcast_time import broadcast_day, day_range, weekday
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication

WIDTH, LEFT, TOP, ROW, BAR = 1000, 96, 24, 40, 22
"""User units: the picture's width, where time begins, the head, a row, a bar in it."""
_CHARACTER, _LEAST, _MARGIN = 6.6, 5.0, 3
"""How wide a letter of a label is, at most, on average; a bar, so that it can be seen; the room beside a label."""
_HOUR = timedelta(hours=1)
_TICK = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A publication on one day. `label` is cut to what fits, at `label_x`, in the bar or beside it (`outside`); `words`
    always says all of it."""

    x: float
    width: float
    state: str
    label: str
    label_x: float
    outside: bool
    words: str
    clash: bool


@dataclass(frozen=True, slots=True)
class Shade:
    """A stretch in which nothing new goes out."""

    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One broadcast day. `reach` are the points of the curve behind it; `now` is where the present stands, today."""

    y: int
    day: str
    hours: str
    reach: str
    length: float
    shades: tuple[Shade, ...]
    bars: tuple[Bar, ...]
    now: float | None


@dataclass(frozen=True, slots=True)
class WeekPicture:
    """A channel's days, `WIDTH` by `height`."""

    height: int
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Which broadcast days of a channel are looked at, and when."""

    channel: Channel
    first: date
    count: int
    now: datetime

    @classmethod
    def holding(cls, channel: Channel, moment: datetime, count: int, now: datetime) -> "Days":
        """So many days from the broadcast day on that holds the instant."""
        return cls(channel, broadcast_day(moment, channel.zone, channel.day_begins), count, now)

    def bounds(self, number: int) -> tuple[datetime, datetime]:
        """When the day of this number, from 0, begins and ends."""
        day = day_range(self.day(number), self.channel.zone, self.channel.day_begins)
        assert day.end is not None
        return day.start, day.end

    def day(self, number: int) -> date:
        """The date of the day of this number."""
        return self.first + timedelta(days=number)

    @property
    def window(self) -> TimeRange:
        """All of them."""
        return TimeRange(start=self.bounds(0)[0], end=self.bounds(self.count - 1)[1])


def week_picture(days: Days, publications: Sequence[Publication], clashing: Iterable[str]) -> WeekPicture:
    """The picture of a channel's broadcast days; `clashing` are ids of what breaks a rule."""
    bad = frozenset(clashing)
    ranges = [days.bounds(number) for number in range(days.count)]
    longest = max(end - start for start, end in ranges)
    scales = [_Scale(start, end, longest) for start, end in ranges]
    rows = tuple(_row(days, publications, scale, number, bad) for number, scale in enumerate(scales))
    return WeekPicture(TOP + ROW * days.count + 4, tuple(_ticks(days.channel, scales[0])), rows)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Time within one broadcast day; all days are drawn to one measure."""

    start: datetime
    end: datetime
    longest: timedelta

    def at(self, instant: datetime) -> float:
        inside = min(max(instant, self.start), self.end)
        return round(LEFT + (inside - self.start) / self.longest * (WIDTH - LEFT), 1)

    def holds(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def _ticks(channel: Channel, scale: _Scale) -> Iterator[tuple[float, str]]:
    moment = scale.start
    while moment < scale.end:
        yield scale.at(moment), f"{moment.astimezone(channel.zone):%H:%M}"
        moment += _TICK * _HOUR


def _row(days: Days, publications: Sequence[Publication], scale: _Scale, number: int, bad: frozenset[str]) -> Row:
    channel, day = days.channel, days.day(number)
    hours = round((scale.end - scale.start) / _HOUR)
    return Row(
        y=TOP + ROW * number,
        day=f"{weekday(day).title()} {day.day} {day:%b}",
        hours="" if hours == 24 else f"{hours} hours: the clocks change",
        reach=_reach(channel, scale, TOP + ROW * (number + 1) - 2),
        length=scale.at(scale.end) - LEFT,
        shades=tuple(_shades(channel, scale)),
        bars=tuple(_bars(channel, publications, scale, bad)),
        now=scale.at(days.now) if scale.holds(days.now) else None,
    )


def _reach(channel: Channel, scale: _Scale, floor: int) -> str:
    """The points of the area under the reach curve, hour by hour of the channel's clocks."""
    points = [f"{LEFT},{floor}"]
    moment = scale.start
    while moment < scale.end:
        local = moment.astimezone(channel.zone)
        following = min(moment + _HOUR - timedelta(minutes=local.minute), scale.end)
        height = round(floor - channel.reach.at(local) / 100 * (ROW - 6), 1)
        points += [f"{scale.at(moment)},{height}", f"{scale.at(following)},{height}"]
        moment = following
    return " ".join([*points, f"{scale.at(scale.end)},{floor}"])


def _shades(channel: Channel, scale: _Scale) -> Iterator[Shade]:
    day = TimeRange(start=scale.start, end=scale.end)
    for each in channel.blackouts:
        if each.window.overlap(day) is not None:
            x = scale.at(each.window.start)
            end = scale.at(each.window.end or scale.end)
            yield Shade(x, round(end - x, 1), f"Blackout: {each.reason}")


def _bars(channel: Channel, publications: Sequence[Publication], scale: _Scale, bad: frozenset[str]) -> Iterator[Bar]:
    linear = channel.kind == "linear"
    here = [each for each in publications if scale.holds(each.start) or (linear and _runs_into(each, scale))]
    for number, each in enumerate(here):
        x = scale.at(each.start)
        right = scale.at(each.end) if linear and each.end is not None else x
        width = max(_LEAST, round(right - x, 1))
        following = scale.at(here[number + 1].start) if number + 1 < len(here) else WIDTH
        within, beside = width - 2 * _MARGIN, following - x - width - 2 * _MARGIN
        outside = within < len(each.title) * _CHARACTER and beside > within
        label = _fitting(each.title, beside if outside else within)
        words = f"{each.start.astimezone(channel.zone):%H:%M} {each.title} ({each.state})"
        label_x = round(x + _MARGIN + (width if outside else 0), 1)
        yield Bar(x, width, each.state, label, label_x, outside, words, each.id in bad)


def _runs_into(publication: Publication, scale: _Scale) -> bool:
    return publication.start < scale.start and publication.end is not None and publication.end > scale.start


def _fitting(title: str, room: float) -> str:
    most = int(room / _CHARACTER)
    if len(title) <= most:
        return title
    return f"{title[: most - 1].rstrip()}…" if most >= 4 else ""
