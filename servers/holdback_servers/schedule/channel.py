"""Channels: where something is published, and the rules that each keeps. Pure.

Kinds of channel: `linear` plays one thing at a time; `on_demand` and `social` put a thing up at an instant and keep it
up until its end.
"""

from datetime import datetime, time
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdback_base.vocabulary import Noun, TimeRange, expand_territories, parse_medium
from pydantic import Field, StringConstraints, field_validator, model_validator

from holdback_servers.schedule.broadcast_time import WEEKDAYS, wall_time, within_hours

WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day on the channel's clocks, `HH:MM`."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
FrameRate = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,5}(/[1-9]\d{0,4})?$")]
"""Frames a second, `25` or `30000/1001`."""
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]

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

    def told(self, local: datetime) -> str:
        """Where the number of this hour is known from, and how surely where that can be said."""
        return self.source


class Watershed(Noun):
    """The hours, on the channel's clocks, in which what is not for children may be shown."""

    start: WallTime = "21:00"
    end: WallTime = "05:30"


class Blackout(Noun):
    """A stretch in which nothing new goes out, with the reason."""

    window: TimeRange
    reason: str = Field(min_length=1)


class Channel(Noun):
    """Where something is published, and the rules that it keeps.

    `platform` is a leaf of the media tree. `territories` are those it can reach: ISO 3166 codes or groups such as
    WORLD. With `geo_blocking` a publication can be kept out of a territory; without, it reaches all of them.
    `daily_cap` counts starts in a broadcast day; `min_gap_minutes` separates any two publications,
    `title_separation_hours` two starts of one title, `sponsor_separation_minutes` two competing sponsors;
    `grid_minutes` is the step of the starts that are tried. What must come down is ordered down `takedown_lead_minutes`
    before its rights end. `frame_rate` is that of a linear channel, in frames a second. `publisher` names, out of those
    of the house's settings, what delivers to the channel.
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
    sponsor_separation_minutes: int = Field(default=0, ge=0, le=7 * 24 * 60)
    takedown_lead_minutes: int = Field(default=0, ge=0, le=7 * 24 * 60)
    frame_rate: FrameRate = "25"
    publisher: str = Field(default="folder", max_length=60)

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
