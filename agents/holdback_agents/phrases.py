"""Phrases that every agent reads alike: lengths, platforms, territories, windows, ids and signed statements. Pure.

What a phrase leaves in doubt is told to the caller; nothing is guessed.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, expand_territories, is_group, parse_territory

from holdback_agents.contracts import Question

_SECONDS = re.compile(r"\b(\d{1,4})\s*-?\s*(s|secs?|seconds?|m|mins?|minutes?)\b", re.IGNORECASE)
_PLATFORMS = {
    "social.youtube": ("youtube", "youtube shorts", "yt"),
    "social.instagram": ("instagram", "reels", "insta"),
    "social.tiktok": ("tiktok", "tik tok"),
    "social.facebook": ("facebook",),
    "social.x": ("twitter",),
    "web": ("website", "our site"),
    "vod.svod": ("svod",),
    "vod.avod": ("avod",),
    "linear": ("linear", "television", "broadcast"),
}
_PLACES = re.compile(
    r"\bin\s+(?P<places>.+?)(?=\s+(?:for\s+(?:the\s+)?(?:next|\d)|from|until|between|on)\b|\s*[;.]|\s*$)", re.IGNORECASE
)
_AHEAD = re.compile(r"\b(?:for|over)\s+(?:the\s+)?next\s+(?:(\d{1,3})\s+)?(day|week|month)s?\b", re.IGNORECASE)
_DAY = r"(\d{4}-\d\d-\d\d|\d{1,2}\.?\s+[A-Za-z]{3,9}(?:\s+\d{4})?)"
_BETWEEN = re.compile(rf"\b(?:from\s+)?{_DAY}\s*(?:-|\u2013|to|until|till)\s*{_DAY}", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ASKED: Mapping[str, str] = MappingProxyType(
    {
        "seconds": "how long it shall be (for example: 15 s)",
        "platforms": "where it shall be published (for example: YouTube and Instagram)",
        "territories": "in which territories (ISO codes, for example: in GB, DE and US)",
        "window": "when it shall be up (for example: for the next month, or from 24 Nov to 24 Dec)",
    }
)
"""How to say what a request needs, by field."""
_ID = r"\b{kind}_[0-9A-HJKMNP-TV-Z]{{26}}\b"
_STATEMENT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")


def length_in_seconds(words: str) -> int | None:
    """A length such as `15 s` or `1 min`, up to ten minutes; None when there is none."""
    match = _SECONDS.search(words)
    if match is None:
        return None
    length = int(match[1]) * (60 if match[2].lower().startswith("m") else 1)
    return length if 0 < length <= 600 else None


def platforms_in(words: str) -> tuple[str, ...]:
    """Leaves of the media tree that are named, such as social.youtube for YouTube."""
    return tuple(
        node
        for node, names in _PLATFORMS.items()
        if any(re.search(rf"\b{re.escape(name)}\b", words, re.IGNORECASE) for name in names)
    )


def territories_in(words: str, today: date, doubts: list[str]) -> tuple[str, ...]:
    """ISO 3166 codes after `in`; groups become their members of today. Doubts are added to `doubts`."""
    match = _PLACES.search(words)
    if match is None:
        return ()
    named: list[str] = []
    for each in re.split(r"\s*(?:,|\band\b|&|\+|/)\s*", match["places"]):
        place = each.strip().removeprefix("the ").strip()
        if not place:
            continue
        if is_group(place.upper()) or place.lower() in ("world", "worldwide"):
            named.extend(sorted(expand_territories(["WORLD" if place.lower() == "worldwide" else place], today)))
            continue
        try:
            named.append(parse_territory(place))
        except Problem as problem:
            meant = problem.details.get("meant")
            if meant and len(place) > 3:
                named.append(str(meant))
            else:
                doubts.append(f"{problem.message} {problem.hint}")
    return () if doubts else tuple(dict.fromkeys(named))


def window_in(words: str, now: datetime, doubts: list[str]) -> TimeRange | None:
    """When: `for the next month`, or two days, the last one included; days are UTC days."""
    if match := _AHEAD.search(words):
        count, unit = int(match[1] or 1), match[2].lower()
        end = _months_on(now, count) if unit == "month" else now + timedelta(days=count * (7 if unit == "week" else 1))
        return TimeRange(start=now, end=end)
    match = _BETWEEN.search(words)
    if match is None:
        return None
    first, last = _day(match[1], now), _day(match[2], now)
    if first is None or last is None:
        doubts.append(f"{match[0]!r} is not a pair of days that exist.")
        return None
    if last < first:
        doubts.append(f"The end {last.isoformat()} is before the start {first.isoformat()}.")
        return None
    return TimeRange(start=_midnight(first), end=_midnight(last + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day(text: str, now: datetime) -> date | None:
    """A day; one without a year is the next such day that is not before a month ago."""
    try:
        if "-" in text:
            return date.fromisoformat(text)
        number, name, *year = text.replace(".", "").split()
        month = _MONTHS.index(name[:3].lower()) + 1
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


def ids_in(words: str, kind: str) -> tuple[str, ...]:
    """Ids of a kind, such as `clr`, in the order they are named."""
    return tuple(dict.fromkeys(re.findall(_ID.format(kind=kind), words)))


def statements_in(words: str, typ: str) -> tuple[str, ...]:
    """Signed statements of a type, such as `cut+jwt`, as they stand; nothing is verified here."""
    return tuple(each for each in _STATEMENT.findall(words) if _type_of(each) == typ)


def _type_of(statement: str) -> str:
    header = statement.partition(".")[0]
    try:
        return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))).get("typ", ""))
    except (binascii.Error, ValueError, AttributeError):
        return ""


def asked_back(found: Mapping[str, object], doubts: Sequence[str], asked: Mapping[str, str]) -> Question | None:
    """A question about what was not found or not understood; None when nothing is open.

    Args:
        found: what was read, by field; whatever is empty is missing.
        doubts: what was there and not understood, in words; they stand for a missing place or time.
        asked: how to say each field.
    """
    missing = tuple(name for name, value in found.items() if not value)
    if not missing and not doubts:
        return None
    wanted = [asked[name] for name in missing if not (doubts and name in ("territories", "window"))]
    request = f"Please say {'; '.join(wanted)}." if wanted else ""
    return Question(text=" ".join([*doubts, request]).strip(), missing=missing)
