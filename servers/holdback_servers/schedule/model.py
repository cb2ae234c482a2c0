"""The nouns of the schedule: channels, publications, holds. Pure.

Kinds of channel: `linear` plays one thing at a time; `on_demand` and `social` put a thing up at an instant and keep it
up until its end.
"""

from datetime import datetime, time
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdback_base.vocabulary import (
    Instant,
    Noun,
    Sha256,
    TimeRange,
    expand_territories,
    parse_medium,
    time_range,
    union,
)
from pydantic import Field, StringConstraints, field_validator, model_validator

from holdback_servers.schedule.broadcast_time import WEEKDAYS, wall_time, within_hours

WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day on the channel's clocks, `HH:MM`."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
State = Literal["proposed", "held", "approved", "scheduled", "live", "expired", "taken_down", "failed", "cancelled"]

OCCUPYING: frozenset[State] = frozenset({"held", "approved", "scheduled", "live", "expired", "taken_down"})
"""States that take up room on a channel; what has been up still counts for caps and separation."""

_SHORTHAND = {"all": WEEKDAYS, "weekdays": WEEKDAYS[:5], "weekend": WEEKDAYS[5:]}


class Daypart(Noun):
    """A named stretch of the day; an end at or before the start is on the next day."""

    name: str
    start: WallTime
    end: WallTime
    days: tuple[Weekday, ...] = WEEKDAYS  # pyright: ignore[reportAssignmentType] - the same seven words


class ReachCurve(Noun):
    """How many people a channel reaches, by weekday and hour of its own clocks.

    `hours` holds 24 numbers a weekday, from 0 to 100, where 100 is the channel's best hour of the week; `all`,
    `weekdays` and `weekend` stand for several days, and a day named by itself wins over them. `source` says where the
    numbers come from.
    """

    source: str = Field(min_length=1)
    hours: dict[str, tuple[Annotated[int, Field(ge=0, le=100)], ...]]

    @field_validator("hours")
    @classmethod
    def _whole_week(cls, given: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        for key, curve in given.items():
            if key not in WEEKDAYS and key not in _SHORTHAND:
                raise ValueError(f"{key!r} is not a weekday (mon to sun), all, weekdays or weekend")
            if len(curve) != 24:
                raise ValueError(f"{key} has {len(curve)} hours; give 24")
        days: dict[str, tuple[int, ...]] = {}
        for shorthand, members in _SHORTHAND.items():
            days |= {day: given[shorthand] for day in members if shorthand in given}
        days |= {day: curve for day, curve in given.items() if day in WEEKDAYS}
        if missing := [day for day in WEEKDAYS if day not in days]:
            raise ValueError(f"no hours for {', '.join(missing)}")
        return {day: days[day] for day in WEEKDAYS}

    def at(self, local: datetime) -> int:
        """The number of the hour that holds this local time."""
        return self.hours[WEEKDAYS[local.weekday()]][local.hour]


class Watershed(Noun):
    """The hours, on the channel's clocks, in which what is not for children may be shown."""

    start: WallTime = "21:00"
    end: WallTime = "05:30"

    def allows(self, wall: time) -> bool:
        """Whether this time of day is after the watershed."""
        return within_hours(wall, wall_time(self.start), wall_time(self.end))


class Blackout(Noun):
    """A stretch in which nothing new goes out, with the reason."""

    window: TimeRange
    reason: str = Field(min_length=1)


class Channel(Noun):
    """Where something is published, and the rules that it keeps.

    `platform` is a leaf of the media tree. `territories` are those it can reach: ISO 3166 codes or groups such as
    WORLD. With `geo_blocking` a publication can be kept out of a territory; without, it reaches all of them.
    `daily_cap` counts starts in a broadcast day; `min_gap_minutes` separates any two publications,
    `title_separation_hours` two starts of one title; `grid_minutes` is the step of the starts that are tried.
    """

    name: ChannelName
    title: str = Field(min_length=1)
    kind: Literal["linear", "on_demand", "social"]
    platform: str
    account: str = ""
    territories: tuple[str, ...] = Field(min_length=1)
    geo_blocking: bool = True
    time_zone: str = "UTC"
    broadcast_day_start: WallTime = "06:00"
    dayparts: tuple[Daypart, ...] = ()
    reach: ReachCurve
    daily_cap: int | None = Field(default=None, ge=1)
    min_gap_minutes: int = Field(default=0, ge=0, le=7 * 24 * 60)
    title_separation_hours: int = Field(default=0, ge=0, le=28 * 24)
    watershed: Watershed | None = None
    blackouts: tuple[Blackout, ...] = ()
    grid_minutes: int = Field(default=15, ge=1, le=24 * 60)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError(f"{name!r} is not an IANA time zone, such as Europe/London") from unknown
        return name

    @field_validator("platform")
    @classmethod
    def _known_platform(cls, name: str) -> str:
        return parse_medium(name)

    @model_validator(mode="after")
    def _linear_reaches_all(self) -> Self:
        if self.kind == "linear" and self.geo_blocking:
            raise ValueError("a linear channel is received wherever it reaches; set geo_blocking to false")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """The channel's clocks."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def day_begins(self) -> time:
        """When its broadcast day begins."""
        return wall_time(self.broadcast_day_start)

    def reaches(self, on: datetime) -> frozenset[str]:
        """The territories it reaches, groups replaced by their members on that day; Problem TERRITORY_UNKNOWN."""
        return expand_territories(self.territories, on.date())

    def daypart_at(self, local: datetime) -> str:
        """The name of the first daypart that holds the local time, or nothing."""
        for part in self.dayparts:
            start, end = wall_time(part.start), wall_time(part.end)
            wraps = end <= start and local.time() < end
            day = WEEKDAYS[(local.weekday() - wraps) % 7]
            if day in part.days and within_hours(local.time(), start, end):
                return part.name
        return ""


class Availability(Noun):
    """Territories in which a publication can be seen from `start` until `end`; an open end is absent.

    Raises Problem RANGE_INVALID when the end is not after the start.
    """

    territories: tuple[str, ...] = Field(min_length=1)
    start: Instant
    end: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        time_range(self.start, self.end)
        return self

    @property
    def window(self) -> TimeRange:
        """`[start, end)`."""
        return TimeRange(start=self.start, end=self.end)

    def text(self) -> str:
        """`DE, GB 2026-11-24T19:00:00Z to ...`."""
        return f"{', '.join(self.territories)} {self.window.text()}"


def arranged(pieces: tuple[Availability, ...]) -> tuple[Availability, ...]:
    """The same availability in one form: touching windows joined, territories with equal windows together, in order."""
    windows: dict[str, list[TimeRange]] = {}
    for piece in pieces:
        for territory in piece.territories:
            windows.setdefault(territory, []).append(piece.window)
    together: dict[tuple[datetime, datetime | None], list[str]] = {}
    for territory in sorted(windows):
        for window in union(windows[territory]):
            together.setdefault((window.start, window.end), []).append(territory)
    made = [Availability(territories=tuple(t), start=start, end=end) for (start, end), t in together.items()]
    return tuple(sorted(made, key=lambda piece: (piece.start, piece.territories)))


class HistoryRow(Noun):
    """One change of a publication: what it became, who did it, for whom, and why."""

    at: Instant
    state: State
    by: str
    on_behalf_of: str
    why: str


class Publication(Noun):
    """A title on a channel from `start`; in each territory as long as `availability` says.

    `start` is the earliest of the availability and `end` the latest, absent when one is open. `media` names the exact
    bytes. `expires` is when a hold lapses. `locked` items are changed by nobody silently.
    """

    id: str
    channel: str
    platform: str
    title: str
    media: Sha256
    asset: str | None = None
    availability: tuple[Availability, ...]
    start: Instant
    end: Instant | None = None
    after_watershed: bool = False
    state: State
    hold: str | None = None
    expires: Instant | None = None
    clearance: str | None = None
    approval: str | None = None
    by: str
    on_behalf_of: str
    reasons: tuple[str, ...] = ()
    locked: bool = False
    history: tuple[HistoryRow, ...] = ()

    @property
    def territories(self) -> tuple[str, ...]:
        """Everywhere it will be seen at some time."""
        return tuple(sorted({territory for piece in self.availability for territory in piece.territories}))

    def lapsed(self, now: datetime) -> bool:
        """Whether it is a hold whose time is over."""
        return self.state == "held" and self.expires is not None and self.expires <= now

    def occupies(self, now: datetime) -> bool:
        """Whether it takes up room on its channel; a hold that has lapsed does not."""
        return self.state in OCCUPYING and not self.lapsed(now)


class Hold(Noun):
    """A slot kept free for somebody until `expires`."""

    id: str
    publication: Publication
    expires: Instant


def availability_bounds(pieces: tuple[Availability, ...]) -> tuple[datetime, datetime | None]:
    """The earliest start, and the latest end or None when one is open."""
    ends = [piece.end for piece in pieces]
    latest = None if None in ends else max(end for end in ends if end is not None)
    return min(piece.start for piece in pieces), latest
