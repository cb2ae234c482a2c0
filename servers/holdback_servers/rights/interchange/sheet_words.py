"""The values of single cells of the rights sheet: days, moments, yes and no, limits, conditions. Pure.

Each function takes a cell and gives a value of the model or raises Problem, whose message and hint are shown beside
the cell's place.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from fractions import Fraction
from typing import Final, NamedTuple, cast

from holdback_base.problem import Problem
from holdback_base.vocabulary import is_group, media_tree, parse_medium, parse_territory

from holdback_servers.rights.model import Reruns
from holdback_servers.rights.moments import EventLag, check_lag, local_instant
from holdback_servers.rights.tongues import ANY_LANGUAGE, parse_tongue
from holdback_servers.workbooks.cells import Cell

_GUARDED: Final = re.compile(r"'+[=+@-]")
"""How text that a spreadsheet program would take for a formula is guarded: by one quotation mark before it."""
_SPLIT: Final = re.compile(r"[,;\n]+")
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})[T ]+(\d{1,2}:\d{2}(?::\d{2})?(?:\.\d{1,6})?)\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
_SLASHED: Final = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})")
_LAG: Final = re.compile(r"(\d+)\s*(year|month|week|day|hour)s?\s+(after|before)\s+([a-z][a-z0-9_. -]*)")
_EVENT: Final = re.compile(r"(?:event\s+)?([a-z][a-z0-9_.-]*)(?:\s+([+-]?P[0-9A-Z]+|-?P[0-9A-Z]+))")
_BARE: Final = re.compile(r"event\s+([a-z][a-z0-9_.-]*)")
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2}(?:\.\d{1,6})?)")
_SHARE: Final = re.compile(r"0?\.\d{1,30}")
_RERUNS: Final = re.compile(r"(\d+)\s*(?:repeats?|reruns?)?\s*(?:within|in|/)\s*(\d+)\s*(hours?|h|days?|d)")
_OPEN: Final = frozenset(
    {"open", "open ended", "open-ended", "no end", "none", "forever", "perpetual", "perpetuity", "-"}
)
_UNITS: Final = {"year": "P{}Y", "month": "P{}M", "week": "P{}W", "day": "P{}D", "hour": "PT{}H"}
_EXCEPT: Final = re.compile(r"\s+(?:except(?:\s+for)?|excluding|excl\.?|without)\s+", re.IGNORECASE)
_YES: Final = frozenset({"yes", "y", "true", "x", "1", "exclusive"})
_NO: Final = frozenset({"no", "n", "false", "0", "non-exclusive", "non exclusive", "nonexclusive"})


class When(NamedTuple):
    """One end of a window: a contract day, an instant, or a moment that hangs on an event; none of them is open."""

    day: date | None = None
    at: datetime | None = None
    event: EventLag | None = None


def said(cell: Cell) -> str:
    """The cell as text, without space around it; empty when there is nothing."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    text = cell.strip() if isinstance(cell, str) else str(cell)
    return text[1:] if _GUARDED.match(text) else text


def wrong(message: str, hint: str, code: str = "INVALID_ARGUMENT") -> Problem:
    """What is wrong with a cell."""
    return Problem(code, message, hint)


def parts(cell: Cell) -> list[str]:
    """The items of a list with commas, semicolons or line breaks."""
    return [each.strip() for each in _SPLIT.split(said(cell)) if each.strip()]


def words_of(cell: Cell, table: Mapping[str, str], what: str) -> tuple[str, ...]:
    """Items of the cell by a table of words; blanks, case and punctuation between words do not matter."""
    return tuple(word_of(each, table, what) for each in parts(cell))


def word_of(text: str, table: Mapping[str, str], what: str) -> str:
    """One item by a table of words; `active?` is none. Raises Problem with the words that would do."""
    plain = re.sub(r"[\W_]+", " ", text).strip().casefold()
    for word, meaning in table.items() if "?" not in text else ():
        if plain in (re.sub(r"[\W_]+", " ", each).strip().casefold() for each in (word, meaning)):
            return meaning
    raise wrong(f"{text!r} is not {what}.", f"Write one of: {', '.join(dict.fromkeys(table))}.")


def yes(cell: Cell, otherwise: bool) -> bool:
    """yes or no; blank is `otherwise`."""
    text = said(cell).casefold()
    if not text:
        return otherwise
    if text in _YES or text in _NO:
        return text in _YES
    raise wrong(f"{said(cell)!r} is neither yes nor no.", "Write yes or no.")


def number(cell: Cell) -> int | None:
    """A whole number that is not negative; blank is none."""
    text = said(cell)
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}", text) and not isinstance(cell, bool):
        return int(text)
    raise wrong(f"{text!r} is not a whole number.", "Write a number such as 3, without words or units.")


def percent(cell: Cell) -> int | None:
    """1 to 100, as a number or as the text `10%`.

    A cell that shows 50% holds 0.5, and one that shows 100% holds 1, which may as well be one percent: how a cell is
    shown is not known, so a number below 1 is refused.
    """
    text = said(cell)
    if (share := _SHARE.fullmatch(text)) and Fraction(share[0]):
        meant = Fraction(share[0]) * 100
        whole = str(int(meant)) if meant.denominator == 1 else "50"
        raise wrong(f"{text} is no percentage from 1 to 100.", f"Write {whole}, or the text {whole}%.")
    return number(text.removesuffix("%").strip() or None)


def seconds(cell: Cell) -> Fraction | None:
    """Seconds as a number, or h:mm:ss; a cell of Excel that holds a time counts as one. Blank is none."""
    if cell is None:
        return None
    if isinstance(cell, time):
        return Fraction(cell.hour * 3600 + cell.minute * 60 + cell.second) + Fraction(cell.microsecond, 10**6)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell >= 0:
        return Fraction(str(cell))
    text = said(cell).removesuffix("s").strip()
    if re.fullmatch(r"\d{1,7}(\.\d{1,6})?", text):
        return Fraction(text)
    if (match := _CLOCK.fullmatch(text)) and int(match[2]) < 60 and float(match[3]) < 60:
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + Fraction(match[3])
    hint = "Write seconds (90, 12.5) or hours, minutes and seconds (0:01:30, 0:01:30.5)"
    if re.fullmatch(r"\d+:\d+:\d+[:;]\d+", text):
        raise wrong(f"{text!r} counts frames, and the sheet knows no frame rate.", hint + ", without frames.")
    raise wrong(f"{text!r} is not a length or a time.", hint + ".")


def whole_seconds(cell: Cell) -> int | None:
    """The same as whole seconds. A part of a second is refused, so that no limit is moved."""
    found = seconds(cell)
    if found is None or found.denominator == 1:
        return None if found is None else int(found)
    raise wrong(f"{said(cell)} is not a whole number of seconds.", "Round it down, as the contract allows.")


def longest(cell: Cell) -> int | None:
    """The same of a limit. Excel takes 1:30 for an hour and a half; a time of day without seconds may be either."""
    if isinstance(cell, time) and cell.hour and not cell.second and not cell.microsecond:
        hours = cell.hour * 3600 + cell.minute * 60
        raise wrong(
            f"The spreadsheet holds {cell:%H:%M:%S}, {hours} seconds.",
            f"Write the seconds: {hours}, or {cell.hour * 60 + cell.minute} for {cell.hour} min {cell.minute} s.",
        )
    return whole_seconds(cell)


def reruns(cell: Cell) -> Reruns | None:
    """`2 within 48 hours`; blank is none."""
    text = said(cell).casefold()
    if not text:
        return None
    match = _RERUNS.fullmatch(text)
    if match is None:
        raise wrong(f"{said(cell)!r} does not say how many repeats within what time.", "Write 2 within 48 hours.")
    hours = int(match[2]) * (24 if match[3].startswith("d") else 1)
    if not (1 <= int(match[1]) <= 1000 and 1 <= hours <= 24 * 366):
        raise wrong(f"{said(cell)!r} is out of range.", "Up to 1000 repeats within up to 366 days.")
    return Reruns(repeats=int(match[1]), hours=hours)


# --- where, on what, in which language ------------------------------------------------------------------------------


def place(text: str) -> str:
    """A territory or a group. Raises Problem TERRITORY_UNKNOWN with what was probably meant."""
    code = text.strip().upper()
    if code in ("WORLD", "WORLDWIDE", "WW"):
        return "WORLD"
    return code if is_group(code) else parse_territory(text)


def places(cell: Cell) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Territories, and those taken out where the cell says so itself: `WORLD except CN, RU`."""
    named, *rest = _EXCEPT.split(said(cell))
    if len(rest) > 1:
        raise wrong(f"{said(cell)!r} says more than once what is left out.", "Say it once: WORLD except CN, HK.")
    out = "".join(rest)
    return tuple(place(each) for each in parts(named)), tuple(place(each) for each in parts(out))


def medium(text: str) -> str:
    """A node of the media tree, by its path or its name for people."""
    plain = " ".join(text.casefold().split())
    for node, name in media_tree().items():
        if plain == name.casefold():
            return node
    return parse_medium(text)


def tongue(text: str) -> str:
    """A language with or without a use. Raises Problem LANGUAGE_UNKNOWN; a name such as German is answered with de."""
    if text.rpartition(":")[2].strip().casefold() in ANY_LANGUAGE:
        raise wrong(f"{text!r} names no language.", "Leave the cell blank for any language.", "LANGUAGE_UNKNOWN")
    try:
        return parse_tongue(text)
    except Problem as problem:
        meant = _language_named(text)
        if meant is None:
            raise
        raise wrong(problem.message, f"Did you mean {meant}?", problem.code) from None


def _language_named(text: str) -> str | None:
    import pycountry

    try:
        found = cast(object, pycountry.languages.lookup(text.strip()))
    except LookupError:
        return None
    return getattr(found, "alpha_2", None) or getattr(found, "alpha_3", None)


def each_of(cell: Cell, read: Callable[[str], str]) -> tuple[str, ...]:
    """Every item of a list, read."""
    return tuple(read(each) for each in parts(cell))


# --- when -----------------------------------------------------------------------------------------------------------


def when(cell: Cell, time_zone: str) -> When:
    """One end of a window. A moment without an offset is one of the zone; one that its clocks skip or show twice is
    refused."""
    if isinstance(cell, datetime):
        return When(at=local_instant(cell, time_zone)) if cell.time() != time() else When(day=cell.date())
    if isinstance(cell, date):
        return When(day=cell)
    text = said(cell)
    if not text or text.casefold() in _OPEN:
        return When()
    if isinstance(cell, int | float | time):
        raise _no_day(text)
    if _DAY.fullmatch(text):
        return When(day=_day(text))
    if match := _MOMENT.fullmatch(text):
        return When(at=_instant(match, time_zone))
    return When(event=_event(text)) if _DAY.search(text) is None else _refuse(text)


def day(cell: Cell) -> date | None:
    """A day alone; blank is none."""
    found = when(cell, "UTC")
    if found.at is not None or found.event is not None:
        raise wrong(f"{said(cell)!r} is not a day.", "Write it as 2026-11-24.")
    return found.day


def _refuse(text: str) -> When:
    raise _no_day(text)


def _day(text: str) -> date:
    year, month, day_of_month = map(int, text.split("-"))
    try:
        return date(year, month, day_of_month)
    except ValueError as error:
        raise wrong(f"There is no day {text} ({error}).", "Write year, month, day: 2026-11-24.") from error


def _instant(match: re.Match[str], time_zone: str) -> datetime:
    hours, minutes, *rest = match[2].split(":")
    whole = Fraction(rest[0]) if rest else Fraction(0)
    if int(hours) > 23 or int(minutes) > 59 or whole >= 60:
        raise wrong(f"There is no time {match[2]}.", "Write 19:00; a day's end is the next day's 00:00.")
    clock = time(int(hours), int(minutes), int(whole), round(whole % 1 * 10**6))
    local = datetime.combine(_day(match[1]), clock)
    if match[3] is None:
        return local_instant(local, time_zone)
    if match[3] in ("Z", "UTC"):
        return local.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{local.isoformat()}{match[3]}").astimezone(UTC)


def _event(text: str) -> EventLag:
    plain = " ".join(text.split())
    if match := _LAG.fullmatch(plain.casefold()):
        lag = _UNITS[match[2]].format(int(match[1]))
        return EventLag(event=match[4].strip().replace(" ", "_"), lag=lag if match[3] == "after" else f"-{lag}")
    if match := _EVENT.fullmatch(plain):
        return EventLag(event=match[1], lag=check_lag(match[2].removeprefix("+")))
    if match := _BARE.fullmatch(plain.casefold()):
        return EventLag(event=match[1])
    raise _no_day(text)


def _no_day(text: str) -> Problem:
    slashed = _SLASHED.fullmatch(text)
    if slashed is not None and _both_ways(slashed):
        return wrong(
            f"{text!r} may be two different days.", "Write year, month, day: 2026-11-24, or let Excel hold a date."
        )
    if slashed is not None:
        return wrong(f"{text!r} is not written year first.", "Write it as 2026-11-24, or let Excel hold a date.")
    if text.startswith(("=", "#")):
        return wrong(f"{text!r} is a formula without a result.", "Write the day itself: 2026-11-24.")
    return wrong(
        f"{text!r} is not a day.",
        "Write 2026-11-24, a moment (2026-11-24 19:00), or what it hangs on (90 days after theatrical).",
    )


def _both_ways(match: re.Match[str]) -> bool:
    return all(1 <= int(part) <= 12 for part in (match[1], match[2]))
