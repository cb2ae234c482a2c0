"""Phrases of time: lengths, windows by days, instants with their zone. Pure."""

import re
from datetime import UTC, date, datetime, timedelta

from holdback_base.vocabulary import TimeRange

from holdback_agents.reading import Doubt, Reading, one_of

_MOST_SECONDS = 600
_LENGTH = re.compile(
    r"(?<![\w.,:-])(?:(?P<minutes>\d{1,9})\s*-?\s*(?:m|mins?|minutes?)\b(?:\s*(?P<more>\d{1,2})\s*-?\s*(?:s|secs?|seconds?)\b)?"
    r"|(?P<seconds>\d{1,9})\s*-?\s*(?:s|secs?|seconds?)\b)",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\b(?:for|over)\s+(?:the\s+)?next\s+(?:(\d{1,3})\s+)?(day|week|month)s?\b", re.IGNORECASE)
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if name != "september" else "sept?(?:ember)?" for name in _MONTH_NAMES)
_DAY = rf"(\d{{4}}-\d\d-\d\d|\d{{1,2}}\.?\s+(?:{_MONTH})\b(?:\s+\d{{4}}\b)?)"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED_DAY = rf"(?:(?:next\s+)?({'|'.join((*_WEEKDAYS, 'today', 'tomorrow'))})|{_DAY})"
_BETWEEN = re.compile(rf"\b(?:from\s+)?{_DAY}\s*(?:-|\u2013|to|until|till)\s*{_DAY}", re.IGNORECASE)
_SINCE = re.compile(
    rf"\bfrom\s+{_NAMED_DAY}(?:\s+(?:on|onwards?)\b|\s+for\s+(?:(\d{{1,3}}|an?|one|two)\s+)?(day|week|month)s?\b"
    rf"|\s*(?:-|\u2013|to|until|till)\s*{_NAMED_DAY})?",
    re.IGNORECASE,
)
_UNTIL = re.compile(rf"\b(?:until|till)\s+{_NAMED_DAY}", re.IGNORECASE)
_INSTANT = re.compile(
    r"(?:\b(?:at|from|to|until|till|from)\s+)?\b"
    r"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))(?!\w)",
    re.IGNORECASE,
)


def length_in_seconds(reading: Reading, most: int = _MOST_SECONDS) -> int | Doubt | None:
    """A length such as `15 s` or `1 min`, from a second up to `most`, ten minutes; None when there is none."""
    lengths: dict[str, int] = {}
    for match in reading.take(_LENGTH):
        minutes, more, seconds = (int(match[name] or 0) for name in ("minutes", "more", "seconds"))
        lengths[match[0]] = minutes * 60 + more + seconds
    for words, length in lengths.items():
        if not 0 < length <= most:
            return Doubt(f"{words!r} is not a length from 1 to {most} seconds.")
    return one_of("length", lengths)


def window_in(reading: Reading, now: datetime) -> TimeRange | Doubt | None:
    """When: `for the next month`; two days, the last one included; `from Monday`, which has no end, or `from Monday for
    two weeks`; `until 24 Dec`. Days are UTC days, instants whole seconds; a weekday is the next one after today."""
    windows: dict[str, TimeRange] = {}
    now = now.replace(microsecond=0)
    ways = {_AHEAD: _ahead, _BETWEEN: _between, _SINCE: _since, _UNTIL: _until}
    for match in [match for pattern in ways for match in reading.take(pattern)]:
        try:
            window = ways[match.re](match, now)
        except (OverflowError, ValueError):
            return Doubt(f"{match[0]!r} is not a time that exists.")
        if isinstance(window, Doubt):
            return window
        if lies_in_the_past(window, now):
            return Doubt(f"{match[0]!r} ({window.text()}) lies in the past.")
        windows[match[0]] = window
    return one_of("time", windows)


def lies_in_the_past(window: TimeRange, now: datetime) -> bool:
    """Whether all of a window is over."""
    return window.end is not None and window.end <= now


def _ahead(match: re.Match[str], now: datetime) -> TimeRange:
    count, unit = int(match[1] or 1), match[2].lower()
    end = _months_on(now, count) if unit == "month" else now + timedelta(days=count * (7 if unit == "week" else 1))
    return TimeRange(start=now, end=end)


def _between(match: re.Match[str], now: datetime) -> TimeRange | Doubt:
    first, last = _day(match[1], now), _day(match[2], now)
    if first is None or last is None:
        return Doubt(f"{match[0]!r} is not a pair of days that exist.")
    if last < first:
        return Doubt(f"The end {last.isoformat()} is before the start {first.isoformat()}.")
    return TimeRange(start=_midnight(first), end=_midnight(last + timedelta(days=1)))


def _since(match: re.Match[str], now: datetime) -> TimeRange | Doubt:
    weekday, written, count, unit, last_weekday, last_written = match.groups()
    first = _named_day(weekday, written, now)
    if first is None:
        return Doubt(f"{match[0]!r} is not a day that exists.")
    start = max(_midnight(first), now) if first == now.astimezone(UTC).date() else _midnight(first)
    if unit:
        many = {"a": 1, "an": 1, "one": 1, "two": 2}.get((count or "a").lower()) or int(count)
        days = many * (7 if unit.lower() == "week" else 1)
        month = unit.lower() == "month"
        return TimeRange(start=start, end=_months_on(start, many) if month else start + timedelta(days=days))
    if not (last_weekday or last_written):
        return TimeRange(start=start)
    last = _named_day(last_weekday, last_written, _midnight(first) if last_weekday else now)
    if last is None or last < first:
        return Doubt(f"{match[0]!r} does not end after it begins.")
    return TimeRange(start=start, end=_midnight(last + timedelta(days=1)))


def _until(match: re.Match[str], now: datetime) -> TimeRange | Doubt:
    last = _named_day(match[1], match[2], now)
    if last is None:
        return Doubt(f"{match[0]!r} is not a day that exists.")
    end = _midnight(last + timedelta(days=1))
    return TimeRange(start=min(now, end - timedelta(seconds=1)), end=end)


def _named_day(name: str | None, written: str | None, now: datetime) -> date | None:
    """A day as written, or the day of a name: today, tomorrow, or the next such weekday after today."""
    if name is None:
        return _day(written or "", now)
    today = now.astimezone(UTC).date()
    word = name.lower()
    if word in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    ahead = (_WEEKDAYS.index(word) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day(text: str, now: datetime) -> date | None:
    """A day; one without a year is the next such day that is not before a month ago."""
    try:
        if "-" in text:
            return date.fromisoformat(text)
        number, name, *year = text.replace(".", "").split()
        month = next(n for n, full in enumerate(_MONTH_NAMES, 1) if full.startswith(name[:3].lower()))
        today = now.astimezone(UTC).date()
        if year:
            return date(int(year[0]), month, int(number))
        day = date(today.year, month, int(number))
        return day if day >= today - timedelta(days=31) else date(today.year + 1, month, int(number))
    except ValueError:
        return None


def _months_on(moment: datetime, months: int) -> datetime:
    """The same day so many months on, or the last day of that month where it is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def instants_in(turn: Reading) -> tuple[datetime, ...]:
    """Instants with their zone, such as `2026-11-24T19:00Z`; a time without one means nothing certain."""
    return tuple(found for match in turn.take(_INSTANT) if (found := _instant(match["when"])) is not None)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError:
        return None
