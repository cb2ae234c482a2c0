"""Dates of an example counted from the day it is loaded, so that it never goes stale. Pure.

`day+23` is a day; `day+2T19:00Z` an instant in UTC; `day+2T20:30 Europe/London` an instant by the clocks of a place,
whatever daylight saving does in between.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text

_DAYS = frozenset({"first_day", "last_day", "groups_on"})
_INSTANTS = frozenset({"start", "end", "earliest", "latest", "until"})
_SHAPE = re.compile(r"day([+-]\d{1,5})?(?:T([01]\d|2[0-3]):([0-5]\d)(?:(Z)| ([A-Za-z_]+(?:/[A-Za-z_+-]+)*)))?")


def resolve_day(text: str, today: date) -> date:
    """The day that `day`, `day+23` or `day-30` means. Raises Problem INVALID_ARGUMENT for any other form."""
    match = _SHAPE.fullmatch(text)
    if match is None or match.group(2):
        raise _unreadable(text, "day, day+23 or day-30")
    return _shifted(text, today, match)


def resolve_instant(text: str, today: date) -> datetime:
    """The instant that `day+2T19:00Z`, `day+2T20:30 Europe/London` or `day+2` (midnight UTC) means, in UTC.

    A time that the clocks skip is moved on by what they skip; of a time that comes twice the first is meant (PEP 495).

    Raises:
        Problem: INVALID_ARGUMENT for any other form, or a time zone that does not exist.
    """
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise _unreadable(text, "day+2T19:00Z or day+2T20:30 Europe/London")
    day = _shifted(text, today, match)
    if match.group(2) is None:
        return datetime.combine(day, time(), UTC)
    wall = time(int(match.group(2)), int(match.group(3)))
    try:
        zone = UTC if match.group(4) else ZoneInfo(match.group(5))
        return datetime.combine(day, wall, zone).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{match.group(5)!r} is not an IANA time zone.",
            "Write day+2T19:00Z, or a zone such as Europe/London.",
        ) from error


def resolved(values: Mapping[str, Any], today: date, path: str = "") -> dict[str, Any]:
    """A copy of a TOML table in which relative dates are ISO 8601 text; other keys and dates stay as they are.

    Days stand in `first_day`, `last_day` and `groups_on`, instants in `start`, `end`, `earliest`, `latest` and
    `until`, at any depth.

    Raises:
        Problem: INVALID_ARGUMENT naming the key, such as `contract[2].right[0].last_day`.
    """
    return {key: _resolved_value(key, value, today, f"{path}.{key}" if path else key) for key, value in values.items()}


def _resolved_value(key: str, value: Any, today: date, path: str) -> Any:
    if isinstance(value, dict):
        return resolved(cast("dict[str, Any]", value), today, path)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_resolved_value(key, each, today, f"{path}[{number}]") for number, each in enumerate(items)]
    if not isinstance(value, str) or not value.startswith("day"):
        return value
    try:
        if key in _DAYS:
            return resolve_day(value, today).isoformat()
        if key in _INSTANTS:
            return instant_text(resolve_instant(value, today))
    except Problem as problem:
        raise Problem(problem.code, f"{path}: {problem.message}", problem.hint, key=path) from problem
    return value


def _shifted(text: str, today: date, match: re.Match[str]) -> date:
    try:
        return today + timedelta(days=int(match.group(1) or 0))
    except OverflowError as error:
        raise _unreadable(text, "a day that the calendar has") from error


def _unreadable(text: str, forms: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"{text!r} is not a date counted from the day of loading.", f"Write {forms}.")
