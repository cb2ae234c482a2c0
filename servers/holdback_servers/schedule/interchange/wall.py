"""Times as other systems write them: on the channel's own clocks, where they name no zone. Pure.

A wall time that the clocks show twice, or never, is nobody's instant: it is told as a mistake, with the cure.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final, Literal
from zoneinfo import ZoneInfo

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, frames_to_timecode, timecode_to_frames

from holdback_servers.schedule.channel import Channel

Dates = Literal["calendar", "broadcast"]
"""What a date in a file means: the calendar's, or that of the channel's broadcast day."""
_WALL: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)"
    r"((?P<drop>[:;])(?P<frame>\d\d)|[.,](?P<fraction>\d{1,6}))?)?"
)
_LENGTH: Final = re.compile(
    r"(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d)(:(?P<seconds>[0-5]\d)([.,](?P<fraction>\d{1,6}))?)?"
)
_TIMECODE: Final = re.compile(r"\d\d:\d\d:\d\d[:;]\d\d")
_MICRO: Final = 1_000_000
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2199, 12, 31)
"""No schedule tells of days outside these; near the ends of the calendar nothing can be reckoned."""


class BadTimeError(ValueError):
    """A time that cannot be read, with the cure."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def check_day(day: date, given: str) -> None:
    """Raises BadTimeError for a day that is no schedule's."""
    if not EARLIEST <= day <= LATEST:
        raise BadTimeError(
            f"{given[:60]!r} is outside the years {EARLIEST.year} to {LATEST.year}.", "Correct the year."
        )


def rate_of(channel: Channel) -> Rate:
    """A channel's frames a second."""
    number, _, over = channel.frame_rate.partition("/")
    return Rate(num=int(number), den=int(over or 1))


@dataclass(frozen=True)
class WallClock:
    """Reads a channel's wall times, and writes them."""

    zone: ZoneInfo
    day_begins: time
    rate: Rate
    dates: Dates = "calendar"

    def instant(self, text: str) -> datetime:
        """The instant of `2026-11-24T19:00:00Z`, `2026-11-24 20:00`, `2026-11-24 20:00:00:12` (frames).

        With broadcast dates `01:30`, and `25:30` too, is in the night after the date. Raises BadTimeError.
        """
        given = text.strip()
        if (match := _WALL.fullmatch(given)) is not None:
            return self._of_wall(match, given)
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            hint = "Write it as 2026-11-24T19:00:00Z, or as 2026-11-24 20:00 on the channel's own clocks."
            raise BadTimeError(f"{given[:60]!r} is no time.", hint)
        check_day(moment.date(), given)
        return moment.astimezone(UTC)

    def _of_wall(self, match: "re.Match[str]", given: str) -> datetime:
        try:
            day = date.fromisoformat(match["day"])
        except ValueError as error:
            raise BadTimeError(f"{match['day']} is no day of the calendar.", "Correct the date.") from error
        check_day(day, given)
        hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
        if minute > 59 or second > 59 or hour > (29 if self.dates == "broadcast" else 23):
            raise BadTimeError(
                f"{given!r} is no time of day.",
                "Hours go to 23; those after midnight may be written as 24 to 29 where dates are broadcast days.",
            )
        wall = time(hour % 24, minute, second)
        if hour > 23 or (self.dates == "broadcast" and wall < self.day_begins):
            day += timedelta(days=1)
        return self.on(day, wall) + timedelta(microseconds=self._micro(match, wall))

    def _micro(self, match: "re.Match[str]", wall: time) -> int:
        if match["fraction"]:
            return int(match["fraction"].ljust(6, "0"))
        if not match["frame"]:
            return 0
        frame, nominal = int(match["frame"]), self.rate.nominal
        if frame >= nominal:
            raise BadTimeError(
                f"frame {frame} does not exist at {self.rate.text()} frames a second.",
                "Correct the timecode, or the channel's frame_rate.",
            )
        if match["drop"] == ";" and wall.second == 0 and wall.minute % 10:
            frame = max(0, frame - nominal // 15)
        return frame * _MICRO // nominal

    def on(self, day: date, wall: time) -> datetime:
        """The instant at which the channel's clocks show this. Raises BadTimeError where they do so twice, or never."""
        first, second = (datetime.combine(day, wall, self.zone).replace(fold=fold) for fold in (0, 1))
        before, after = first.utcoffset(), second.utcoffset()
        shown = f"{day} {wall.isoformat()}"
        if before is not None and after is not None and before != after:
            if before < after:
                raise BadTimeError(
                    f"the clocks of {self.zone.key} skip {shown}: it never comes.",
                    "Write the instant with its offset, as 2026-03-29T01:30:00Z.",
                )
            one, two = (each.isoformat() for each in (first, second))
            raise BadTimeError(
                f"the clocks of {self.zone.key} show {shown} twice.", f"Write which is meant: {one} or {two}."
            )
        return first.astimezone(UTC)

    def shown_twice(self, moment: datetime) -> bool:
        """Whether the clocks show the time of this instant at another instant too."""
        local = moment.astimezone(self.zone)
        return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()

    def timecode(self, moment: datetime) -> tuple[date, str]:
        """The calendar's date on the channel's clocks and the time of day as timecode, the frame begun counting."""
        local = moment.astimezone(self.zone)
        frame = local.microsecond * self.rate.nominal // _MICRO
        drop = drops(self.rate)
        if drop and local.second == 0 and local.minute % 10:
            frame += self.rate.nominal // 15
        return local.date(), f"{local:%H:%M:%S}{';' if drop else ':'}{min(frame, self.rate.nominal - 1):02}"


def clock_of(channel: Channel, dates: Dates = "calendar") -> WallClock:
    """The channel's clock."""
    return WallClock(channel.zone, channel.day_begins, rate_of(channel), dates)


def drops(rate: Rate) -> bool:
    """Whether time of day is counted in drop-frame timecode at this rate (ST 12-1)."""
    return rate.den == 1001 and rate.nominal in (30, 60)


def duration_code(length: timedelta, rate: Rate) -> str:
    """A length as timecode, to the nearest frame, below 24 hours."""
    frames = round(Fraction(length // timedelta(microseconds=1), _MICRO) * rate.fraction)
    return frames_to_timecode(frames, rate, drop=drops(rate))


def duration_of(text: str, rate: Rate) -> timedelta:
    """The length that `1800` (seconds), `00:30:00`, `00:30`, `00:30:00:12` or `00:30:00;12` names.

    Raises BadTimeError.
    """
    given = text.strip()
    if _TIMECODE.fullmatch(given):
        try:
            seconds = rate.seconds(timecode_to_frames(given, rate))
        except Problem as problem:
            raise BadTimeError(problem.message, problem.hint) from problem
        length = timedelta(microseconds=round(seconds * _MICRO))
    elif (match := _LENGTH.fullmatch(given)) is not None:
        micro = int((match["fraction"] or "").ljust(6, "0"))
        minutes = int(match["hours"]) * 60 + int(match["minutes"])
        length = timedelta(minutes=minutes, seconds=int(match["seconds"] or 0), microseconds=micro)
    elif re.fullmatch(r"\d{1,6}(\.\d{1,6})?", given):
        length = timedelta(seconds=float(given))
    else:
        raise BadTimeError(f"{given[:60]!r} is no length.", "Write seconds, as 1800, or 00:30:00, or 00:30:00:12.")
    if length <= timedelta():
        raise BadTimeError(f"{given!r} is no time at all.", "Give a length of at least one frame.")
    return length
