"""Start and End of an Avail: contract days, instants, and conditions that hang on an event. Pure.

Sources: Start, End, StartCondition, EndCondition with `lag` and WindowDuration of TR-META-AVAIL. A day belongs to the
licensor, so it is a day of the contract's zone, and an end day is included. A time without an offset is of that zone
too, and a mistake where its clocks skip it or show it twice; an end of 23:59:59 means to the end of that day.
WindowDuration is the longest that one window may be.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text

from holdback_servers.rights.interchange.avails_words import (
    CONDITION_OF,
    EVENTS,
    IMMEDIATE,
    OPEN,
    TO_BE_TOLD,
    FieldError,
    Fields,
    plain,
    text_of,
)
from holdback_servers.rights.model import RightTerms
from holdback_servers.rights.moments import EventLag, check_lag, local_instant
from holdback_servers.workbooks.cells import Cell

FROM_EVER: Final = date(1900, 1, 1)
"""The first day of a grant whose start is Immediate: the licensor sets no beginning, and a grant must have one."""
_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(-?)(\d+):(\d\d)(?::(\d\d))?")
_SHORTEST: Final = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
"""The fewest days that so many months in a row have."""
_EVENT: Final = re.compile(r"[a-z][a-z0-9_.-]{0,79}")


@dataclass
class Window:
    """The window as fields of RightTerms; `carried` is what the way back needs beside them; `losses` are field and
    message. `ended` says that the licensor ends it now."""

    terms: dict[str, Any] = field(default_factory=dict[str, Any])
    carried: dict[str, str] = field(default_factory=dict[str, str])
    losses: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ended: bool = False


def read_window(fields: Fields, time_zone: str) -> Window:
    """The window that Start, StartLag, End, EndLag and WindowDuration give. Raises FieldError for the first that cannot
    be read."""
    window = Window()
    _read_start(fields, time_zone, window)
    _read_end(fields, time_zone, window)
    longest = fields.get("WindowDuration")
    if longest is not None:
        _read_longest(text_of(longest), window)
    return window


def _read_start(fields: Fields, time_zone: str, window: Window) -> None:
    value = fields.get("Start")
    word = plain(text_of(value))
    if not word:
        raise FieldError(
            "Start", "Start is empty.", "Give a day such as 2026-03-01, or a condition such as Theatrical."
        )
    if word in OPEN | IMMEDIATE:
        window.terms["first_day"] = FROM_EVER
        window.carried["Start"] = text_of(value)
        window.losses.append(("Start", f"Start is {text_of(value)}: the right is read as running from ever."))
        _refuse_lag(fields, "Start")
    elif (lag := _condition(value, fields, "Start")) is not None:
        window.terms["start_event"] = lag
    else:
        _refuse_lag(fields, "Start")
        day, at = _when(value, "Start", time_zone)
        window.terms |= {"first_day": day} if at is None else {"start": at}


def _read_end(fields: Fields, time_zone: str, window: Window) -> None:
    value = fields.get("End")
    word = plain(text_of(value))
    if not word:
        raise FieldError("End", "End is empty.", "Give the last day, such as 2026-08-31, or write Open for no end.")
    if word in OPEN:
        _refuse_lag(fields, "End")
    elif word in IMMEDIATE:
        window.ended = True
    elif (lag := _condition(value, fields, "End")) is not None:
        window.terms["end_event"] = lag
    elif text_of(value).startswith("9999"):
        window.losses.append(("End", f"End is {text_of(value)}: the right is read as open."))
    else:
        _refuse_lag(fields, "End")
        day, at = _when(value, "End", time_zone)
        window.terms |= {"last_day": day} if at is None else {"end": at}


def _refuse_lag(fields: Fields, side: str) -> None:
    lag = fields.get(f"{side}Lag")
    if lag is not None:
        raise FieldError(
            f"{side}Lag",
            f"{side}Lag is {text_of(lag)!r}, but {side} names no event to count from.",
            f"Leave {side}Lag empty, or write a condition such as Theatrical in {side}.",
        )


def _condition(value: Cell, fields: Fields, side: str) -> EventLag | None:
    """The event that this end hangs on, or None for a day or an instant."""
    if not isinstance(value, str) or value[:1].isdigit():
        return None
    word = plain(value)
    lag = fields.get(f"{side}Lag")
    event = f"{side.lower()}_tbd" if word in TO_BE_TOLD else EVENTS.get(word.replace("-", ""))
    if event is None and lag is not None and _EVENT.fullmatch(value.strip().lower()):
        event = value.strip().lower()
    if event is None:
        known = ", ".join(["Open", "Immediate", *dict.fromkeys(CONDITION_OF.values())])
        raise FieldError(
            side,
            f"{side} is {value.strip()!r}, which is neither a day nor a known condition.",
            f"Write a day such as 2026-03-01, or one of {known}; another event needs a {side}Lag.",
        )
    return EventLag(event=event, lag="P0D" if lag is None else _lag(f"{side}Lag", text_of(lag)))


def _lag(name: str, text: str) -> str:
    clock = _CLOCK.fullmatch(text)
    if clock:
        sign, hours, minutes, seconds = clock.groups()
        text = f"{sign}PT{int(hours)}H{int(minutes)}M{int(seconds or 0)}S"
    try:
        return check_lag(text)
    except Problem as problem:
        raise FieldError(name, f"{name} is {text!r}, which is not a duration.", problem.hint) from problem


def _when(value: Cell, side: str, time_zone: str) -> tuple[date | None, datetime | None]:
    """A contract day, or an instant."""
    text = text_of(value)
    try:
        if isinstance(value, datetime):  # a cell with a time: midnight is how a workbook holds a day
            whole = value.hour == value.minute == value.second == 0
            return (value.date(), None) if whole else _local(value, side, time_zone)
        if isinstance(value, date):
            return value, None
        if _DAY.fullmatch(text):
            return date.fromisoformat(text), None
        match = _TIME.fullmatch(text)
        if match is not None:
            return _read_time(match, side, time_zone)
    except Problem as problem:
        raise FieldError(side, f"{side}: {problem.message}", problem.hint) from problem
    except (ValueError, OverflowError) as error:
        raise FieldError(
            side, f"{side} is {text!r}, a date that does not exist ({error}).", "Correct the date."
        ) from error
    raise FieldError(
        side, f"{side} is {text!r}, which is not a date.", "Write it as 2026-03-01 or 2026-03-01T12:00:00+01:00."
    )


def _read_time(match: re.Match[str], side: str, time_zone: str) -> tuple[date | None, datetime | None]:
    day, clock, fraction, offset = match.groups()
    late = clock.startswith("24:00")
    clock = "00:00:00" if late else clock if clock.count(":") == 2 else f"{clock}:00"
    if clock.endswith(":60"):
        raise ValueError("second must be in 0..59")
    moment = datetime.fromisoformat(f"{day}T{clock}") + timedelta(days=late)
    whole = f"{fraction or '.'}000000"[1:7]
    if offset is None:
        if fraction is None and moment.time().isoformat() == "00:00:00":
            return (moment.date() if side == "Start" else moment.date() - timedelta(days=1)), None
        return _local(moment.replace(microsecond=int(whole)), side, time_zone, exact=fraction is not None)
    hours = "+00:00" if offset.upper() == "Z" else offset if ":" in offset else f"{offset[:3]}:{offset[3:]}"
    if side == "End" and fraction is None and clock == "23:59:59":
        moment += timedelta(seconds=1)
    aware = datetime.fromisoformat(f"{moment.isoformat()}{hours}").replace(microsecond=int(whole))
    return None, aware.astimezone(UTC)


def _local(moment: datetime, side: str, time_zone: str, *, exact: bool = False) -> tuple[date | None, datetime | None]:
    if side == "End" and not exact and (moment.hour, moment.minute, moment.second) == (23, 59, 59):
        return moment.date(), None
    return None, local_instant(moment, time_zone)


def _read_longest(text: str, window: Window) -> None:
    window.carried["WindowDuration"] = text
    match = re.fullmatch(r"P(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?.*)?", text)
    clock = _CLOCK.fullmatch(text)
    if clock and not clock[1]:
        hours, rest = int(clock[2]), (0, 0, 0, 0)
    elif match and text not in ("P", "PT"):
        years, months, weeks, days, hours = (int(part or 0) for part in match.groups())
        rest = (years, months, weeks, days)
    else:
        raise FieldError(
            "WindowDuration", f"WindowDuration is {text!r}, which is not a duration.", "Write it as P180D."
        )
    years, months, weeks, days = rest
    years, months = years + months // 12, months % 12
    longest = 365 * years + _SHORTEST[months] + 7 * weeks + days + hours // 24
    if not 1 <= longest <= 36_600:
        raise FieldError("WindowDuration", f"WindowDuration is {text!r}: not 1 to 36600 days.", "Write it as P180D.")
    window.terms["window_max_days"] = longest
    if text != f"P{longest}D":
        window.losses.append(("WindowDuration", f"WindowDuration {text} is read as {longest} days of 24 hours."))


def say_window(terms: RightTerms) -> dict[str, str]:
    """Start, StartLag, End, EndLag and WindowDuration as text that `read_window` reads as the same window.

    Days are written as days; whoever writes XML adds the time of day.
    """
    said: dict[str, str] = {}
    carried = dict(terms.carried)
    for side, day, at, lag in (
        ("Start", terms.first_day, terms.start, terms.start_event),
        ("End", terms.last_day, terms.end, terms.end_event),
    ):
        if lag is not None:
            said[side] = CONDITION_OF.get(lag.event, lag.event)
            if lag.lag != "P0D" or lag.event not in CONDITION_OF:
                said[f"{side}Lag"] = lag.lag
        elif day is not None:
            said[side] = carried.get(side, "Immediate") if day == FROM_EVER else day.isoformat()
        elif at is not None:
            said[side] = _say_instant(at)
        elif side == "End":
            said[side] = "Open"
    if terms.window_max_days is not None:
        said["WindowDuration"] = carried.get("WindowDuration") or f"P{terms.window_max_days}D"
    return said


def _say_instant(at: datetime) -> str:
    text = instant_text(at)
    return text.replace(":59Z", ":59.0Z") if text.endswith("23:59:59Z") else text
