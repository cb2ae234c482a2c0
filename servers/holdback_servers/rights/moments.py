"""Moments that hang on an event: a window that opens ninety days after the cinema release. Pure.

Avails write them as StartCondition or EndCondition with a `lag`. Until somebody records when the event is, such an end
of a window is unresolved: a grant gives nothing yet, and a restriction stands against everything it might reach.
"""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun
from pydantic import Field, StringConstraints, model_validator

Key = Annotated[str, Field(max_length=200)]
EventName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]*$", max_length=80)]
"""What happens, in lower case: `theatrical`, `broadcast`, `est_start`, `announced`."""

_LAG = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,8})S)?)?"
)


class EventLag(Noun):
    """A moment counted from an event of the same reference.

    `lag` is an ISO 8601 duration, negative before the event: `P90D`, `-P7D`, `P3M`, `PT12H`. Its years, months, weeks
    and days are counted by the clock of the contract's zone, its hours, minutes and seconds as they pass.
    """

    event: EventName
    lag: Key = "P0D"

    def text(self) -> str:
        """For people: `theatrical`, `theatrical P90D`."""
        return self.event if self.lag == "P0D" else f"{self.event} {self.lag}"


class Event(Noun):
    """When something happens to a reference: an instant, or a day, which begins at midnight of each contract's zone.

    Raises ValueError unless exactly one of `at` and `day` is given.
    """

    ref: Key
    event: EventName
    at: Instant | None = None
    day: date | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.at is None) == (self.day is None):
            raise ValueError("give the instant of the event as `at`, or its day as `day`, not both")
        return self


def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises Problem INVALID_ARGUMENT."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(
            "INVALID_ARGUMENT", f"time_zone {name!r} is not an IANA zone.", "Use a name such as Europe/Berlin or UTC."
        ) from error


@lru_cache(maxsize=4096)
def day_start(day: date, time_zone: str) -> datetime:
    """The instant a contract day begins in its zone. Where clocks jump over midnight it is the instant of the jump."""
    return datetime(day.year, day.month, day.day, tzinfo=zone_of(time_zone)).astimezone(UTC)


def local_instant(local: datetime, time_zone: str) -> datetime:
    """The instant at which the clocks of the zone show this; `local` has no zone.

    Raises Problem INVALID_ARGUMENT where the clocks skip it, show it twice, or the calendar does not reach.
    """
    zone = zone_of(time_zone)
    try:
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError as error:
        raise Problem("INVALID_ARGUMENT", f"{local} is out of range.", "Leave an open end out.") from error
    if first != second:
        exists = first.astimezone(zone).replace(tzinfo=None) == local
        what = "comes twice" if exists else "does not exist"
        raise Problem(
            "INVALID_ARGUMENT",
            f"{local:%Y-%m-%d %H:%M} {what} in {time_zone}, where clocks change.",
            f"Write it in UTC: {first:%Y-%m-%dT%H:%MZ} or {second:%Y-%m-%dT%H:%MZ}.",
        )
    return first


def day_of(at: datetime, time_zone: str) -> date:
    """The day in the zone in which an instant lies; at the ends of the calendar the day in UTC."""
    try:
        return at.astimezone(zone_of(time_zone)).date()
    except OverflowError:
        return at.date()


def moment(known: Event, lag: str, time_zone: str) -> datetime:
    """The instant that lies `lag` from a known event, by the clock of the zone.

    Raises Problem INVALID_ARGUMENT for a lag that is no ISO 8601 duration, RANGE_INVALID for one that leads nowhere.
    """
    months, days, exact = _parts(lag)
    zone = zone_of(time_zone)
    try:
        began = known.at or day_start(known.day or date.min, time_zone)
        if not months and not days:  # by the clock, an hour that comes twice would be told by its first time
            return began + exact
        local = began.astimezone(zone).replace(tzinfo=None)
        local = _months_on(local, months) + timedelta(days=days)
        return local.replace(tzinfo=zone).astimezone(UTC) + exact
    except (OverflowError, ValueError) as error:
        raise Problem(
            "RANGE_INVALID", f"{lag} from {known.event} of {known.ref} is out of range.", "Leave an open end out."
        ) from error


def check_lag(lag: str) -> str:
    """The duration, if it is one. Raises Problem INVALID_ARGUMENT."""
    _parts(lag)
    return lag


def _parts(lag: str) -> tuple[int, int, timedelta]:
    """Months, days, and what is counted exactly."""
    match = _LAG.fullmatch(lag)
    found = {
        name: int(value) for name, value in (match.groupdict() if match else {}).items() if value and name != "sign"
    }
    if match is None or not found or lag.endswith("T"):
        raise Problem(
            "INVALID_ARGUMENT", f"{lag!r} is not an ISO 8601 duration.", "Write it as P90D, -P7D, P3M or PT12H."
        )
    sign = -1 if match["sign"] else 1
    exact = timedelta(
        hours=found.get("hours", 0), minutes=found.get("minutes", 0), seconds=found.get("seconds", 0)
    )  # each field is bounded by its digits
    return (
        sign * (12 * found.get("years", 0) + found.get("months", 0)),
        sign * (7 * found.get("weeks", 0) + found.get("days", 0)),
        sign * exact,
    )


def _months_on(local: datetime, months: int) -> datetime:
    """So many months on; the last day of a shorter month where the day does not exist."""
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
