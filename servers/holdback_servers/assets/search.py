"""How the library is searched: reading what a person typed, and saying why something was found. Pure.

What people type never reaches a store as syntax: it becomes words (see `matching`), fields, ranges.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate

from holdback_servers.assets.matching import CLOSES, OPENS, phrase
from holdback_servers.assets.model import KINDS, STATUSES, AssetKind, Status

MOST_TERMS = 16
RANKED = 15_000
"""Places of one term that are ranked; beyond so many only the newest are, and the answer says so."""

Column = Literal["title", "tags", "text", "fields"]
COLUMNS: tuple[Column, ...] = ("title", "tags", "text", "fields")
WEIGHTS = {"title": 8.0, "tags": 4.0, "words": 2.0, "keys": 4.0}
"""What a match counts in a title, in tags, in any other text, and in a field that was named."""

_MEASURED = {"duration": "seconds", "seconds": "seconds", "width": "width", "height": "height", "rate": "rate"}
_RESERVED = frozenset({"title", "tag", "tags", "description", "text", "ref", "kind", "status", "date", *_MEASURED})
"""Fields that every library has."""

_PIECE = re.compile(r'(-?)(?:([A-Za-z][A-Za-z0-9_]{0,63}):(?!//))?(?:"([^"]*)"?|(\S+))')
_FROM_TO = re.compile(r"(?P<low>[^.<>=]*(?:\.\d+)?)\.\.(?P<high>[^.<>=]*(?:\.\d+)?)")
_BOUND = re.compile(r"(?P<sign>[<>]=?)(?P<bound>.+)")
_ALSO = {"tags": "tag", "text": "description", "seconds": "duration"}


class Filters(Noun):
    """What an asset must be; an absent filter lets everything through. Durations are seconds, half-open."""

    kinds: tuple[AssetKind, ...] = ()
    statuses: tuple[Status, ...] = ()
    tags: tuple[str, ...] = ()
    rate: Rate | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None


class Term(Noun):
    """Words that must stand side by side, in a field or anywhere; `typed` is how they were written."""

    typed: str
    words: tuple[str, ...]
    field: str | None = None


class Range(Noun):
    """Values from `low` to `high` of a field, half-open unless `high_counts`; an absent end is open.

    Dates are seconds since 1970 in UTC.
    """

    field: str
    low: float | None = None
    high: float | None = None
    low_counts: bool = True
    high_counts: bool = False
    dates: bool = False


class Choice(Noun):
    """A kind, a status or a rate."""

    field: Literal["kind", "status", "rate"]
    value: str


class Query(Noun):
    """What somebody asked for, as it was understood; `without` is what an asset must not have."""

    terms: tuple[Term, ...] = ()
    without: tuple[Term, ...] = ()
    conditions: tuple[Range | Choice, ...] = ()
    not_conditions: tuple[Range | Choice, ...] = ()
    notes: tuple[str, ...] = ()


class Why(Noun):
    """Where the words stand: the field, and the text around them with each match in square brackets."""

    field: str
    snippet: str


def read_query(typed: str, fields: frozenset[str] = frozenset()) -> Query:
    """What a person typed: words, "phrases", `-not`, `field:value`, `field:low..high`, `field:>=low`.

    A range by `..` includes both its ends, a date the whole of its day.

    Args:
        fields: names of metadata fields that the library has; any other name before a colon is read as a word.

    Raises:
        Problem: INVALID_ARGUMENT for more than 16 words, or a kind, status, rate or range that cannot be.
    """
    terms, without = list[Term](), list[Term]()
    conditions, not_conditions = list[Range | Choice](), list[Range | Choice]()
    notes = list[str]()
    for minus, name, quoted, plain in _PIECE.findall(clean(typed)):
        field, value = _ALSO.get(name.lower(), name.lower()), quoted or plain
        if field and field not in _RESERVED | fields:
            if field.isidentifier() and value:
                notes.append(f"{field}: is no field of this library; it was read as a word.")
            field, value = "", f"{name}:{value}"
        found = _condition(field, value) if field and not quoted else None
        if found is not None:
            (not_conditions if minus else conditions).append(found)
            continue
        words = phrase(value)
        term = Term(typed=value.strip('"'), words=words, field=field or None)
        chosen = without if minus else terms
        if words and (words, term.field) not in [(each.words, each.field) for each in chosen]:
            chosen.append(term)
    asked = len(terms) + len(without) + len(conditions) + len(not_conditions)
    if not asked and clean(typed).strip():
        notes.append("That holds no word, field or range; everything is listed.")
    if asked > MOST_TERMS:
        raise Problem("INVALID_ARGUMENT", "The query has too many words.", f"Use {MOST_TERMS} words or fewer.")
    return Query(
        terms=tuple(terms),
        without=tuple(without),
        conditions=tuple(conditions),
        not_conditions=tuple(not_conditions),
        notes=tuple(dict.fromkeys(notes)),
    )


def _condition(field: str, value: str) -> Range | Choice | None:
    """A range or a choice; None where the value is words."""
    if field in ("kind", "status"):
        allowed = KINDS if field == "kind" else STATUSES
        if value.lower() not in allowed:
            raise Problem("INVALID_ARGUMENT", f"There is no {field} {value!r}.", f"Use one of {', '.join(allowed)}.")
        return Choice(field=field, value=value.lower())
    if field == "rate" and not _BOUND.fullmatch(value) and ".." not in value:
        return Choice(field="rate", value=parse_rate(value).text())
    if bound := _BOUND.fullmatch(value):
        return _open_range(field, bound["sign"], bound["bound"])
    if (ends := _FROM_TO.fullmatch(value)) and (ends["low"] or ends["high"]):
        low = _amount(field, ends["low"]) if ends["low"] else None
        high = _amount(field, ends["high"], last=True) if ends["high"] else None
        dates = any(each is not None and each[1] for each in (low, high))
        if low is not None and high is not None and low[0] > high[0]:
            turned = f"{field}:{ends['high']}..{ends['low']}"
            raise Problem("INVALID_ARGUMENT", f"{field}: nothing lies in {value[:40]!r}.", f"Write {turned}.")
        return Range(
            field=_MEASURED.get(field, field),
            low=None if low is None else low[0],
            high=None if high is None else high[0],
            high_counts=not dates,
            dates=dates,
        )
    if field == "date" or field in _MEASURED:
        low, high = _amount(field, value), _amount(field, value, last=True)
        exact = high[0] if high[1] else low[0]
        return Range(field=_MEASURED.get(field, field), low=low[0], high=exact, high_counts=not low[1], dates=low[1])
    return None


def _open_range(field: str, sign: str, value: str) -> Range:
    low, is_date = _amount(field, value)
    end = _amount(field, value, last=True)[0]
    name = _MEASURED.get(field, field)
    match sign:
        case ">":
            return Range(field=name, low=end if is_date else low, low_counts=is_date, dates=is_date)
        case ">=":
            return Range(field=name, low=low, dates=is_date)
        case "<":
            return Range(field=name, high=low, dates=is_date)
        case _:
            return Range(field=name, high=end if is_date else low, high_counts=not is_date, dates=is_date)


def _amount(field: str, value: str, *, last: bool = False) -> tuple[float, bool]:
    """A number, or a date (then of its day's end, if `last`), and which of them it is."""
    moment = date_of(value, last=last)
    if moment is not None and field not in _MEASURED:
        return moment, True
    number = number_of(value) if field != "date" else None
    if number is None and field == "duration":
        number = _clock(value)
    if number is None and field == "rate":
        number = float(parse_rate(value).fraction)
    if number is None:
        wanted = {"date": "a date such as 2026-11-22", "duration": "seconds, or minutes:seconds"}.get(field, "a number")
        raise Problem("INVALID_ARGUMENT", f"{field}: cannot be compared with {value[:40]!r}.", f"Give {wanted}.")
    return number, False


def number_of(value: str | int) -> float | None:
    """The number that a value is."""
    text = str(value).strip()
    return float(text) if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,9})?", text) else None


def date_of(value: str | int, *, last: bool = False) -> float | None:
    """The instant that a date, or a date and time, begins with; with `last` the end of that day or second."""
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
            return (moment + timedelta(days=last)).timestamp()
        if re.match(r"\d{4}-\d\d-\d\dT", text):
            moment = datetime.fromisoformat(text)
            known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return (known + timedelta(seconds=last)).timestamp()
    except (ValueError, OverflowError):
        return None
    return None


def _clock(value: str) -> float | None:
    match = re.fullmatch(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)", value)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)


def clean(text: str) -> str:
    """Text without control characters, so that marks of matches can be told from it."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char) == "Cc" and char != "\n" else char for char in text)


def snippet(highlighted: str, width: int = 90) -> str:
    """About so many characters around the first match, at word boundaries, matches in square brackets."""
    start = max(0, highlighted.index(OPENS) - width // 3)
    end = min(len(highlighted), max(start + width, highlighted.index(CLOSES) + 1))
    if start > 0:
        start = _after_space(highlighted, start)
    if end < len(highlighted):
        space = highlighted.rfind(" ", start + 1, end)
        end = space if space > highlighted.index(CLOSES) else end
    cut = highlighted[start:end]
    if cut.rfind(OPENS) > cut.rfind(CLOSES):
        cut = cut[: cut.rfind(OPENS)]
    shown = cut.replace(OPENS, "[").replace(CLOSES, "]").replace("\n", " ").strip()
    return ("… " if start > 0 else "") + shown + (" …" if end < len(highlighted) else "")


def _after_space(text: str, start: int) -> int:
    space = text.find(" ", start, text.index(OPENS))
    return space + 1 if space >= 0 else start


def parse_rate(text: str) -> Rate:
    """`24`, `24000/1001`, or the usual 23.976, 29.97, 59.94. Raises Problem INVALID_ARGUMENT."""
    usual = {"23.976": "24000/1001", "23.98": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}
    match = re.fullmatch(r"([1-9]\d{0,6})(?:/([1-9]\d{0,6}))?", usual.get(text.strip(), text.strip()))
    if match is None:
        raise Problem("INVALID_ARGUMENT", f"{text!r} is not a rate.", "Write it as 24, 25 or 24000/1001.")
    return Rate(num=int(match.group(1)), den=int(match.group(2) or 1))
