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
from typing import Any, cast

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, expand_territories, is_group, parse_territory

from holdback_agents.contracts import Question
from holdback_agents.reading import GONE, LISTED, Doubt, Reading, one_of

_MOST_SECONDS = 600
_LENGTH = re.compile(
    r"(?<![\w.,:-])(?:(?P<minutes>\d{1,9})\s*-?\s*(?:m|mins?|minutes?)\b(?:\s*(?P<more>\d{1,2})\s*-?\s*(?:s|secs?|seconds?)\b)?"
    r"|(?P<seconds>\d{1,9})\s*-?\s*(?:s|secs?|seconds?)\b)",
    re.IGNORECASE,
)
_PLATFORMS = {
    "social.youtube": ("youtube shorts", "youtube", "yt"),
    "social.instagram": ("instagram reels", "instagram", "reels", "insta"),
    "social.tiktok": ("tiktok", "tik tok"),
    "social.facebook": ("facebook",),
    "social.x": ("twitter",),
    "social.bluesky": ("bluesky",),
    "social.linkedin": ("linkedin",),
    "social.snapchat": ("snapchat",),
    "social.pinterest": ("pinterest",),
    "social.twitch": ("twitch",),
    "social.threads": (),
    "audio.podcast": ("podcasts", "podcast"),
    "web": ("website", "web", "our site"),
    "vod.svod": ("svod",),
    "vod.avod": ("avod",),
    "vod.fvod": ("fvod",),
    "vod.tvod": ("tvod",),
    "linear.fast": ("fast channels", "fast channel"),
    "linear": ("linear television", "linear tv", "linear", "television", "tv", "for broadcast"),
}
_NODES = {name: node for node, names in _PLATFORMS.items() for name in names} | {
    "x": "social.x",
    "threads": "social.threads",
}
_PLATFORM = re.compile(
    rf"(?i:\b(?:{'|'.join(re.escape(name) for name in sorted(_NODES, key=len, reverse=True) if len(name) > 1)})\b)"
    r"|(?:(?<=\bon )|(?<=\bfor )|(?<=\band )|(?<=, ))(?:X|Threads)\b"
)
_UNKNOWN_PLATFORM = re.compile(
    rf"(?:\b(?:on|for)\s+(?:the\s+)?|{LISTED}\s*(?:,|\band\b|&|\+|/)\s*(?:and\s+)?(?:(?:on|for)\s+)?)(?P<name>[A-Z]\w+)"
)
_PLACES = re.compile(
    rf"\bin\s+(?P<places>[^{GONE};.?!]+?)(?=\s+(?:in|for|from|until|between|on|with|under)\b|\s*(?:[{GONE};.?!]|$))",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,|\band\b|&|\+|/|$)\s*", re.IGNORECASE)
_ARTICLE_OR_ONLY = re.compile(r"^(?:the\s+)?|\s+(?:only|please|too)$", re.IGNORECASE)
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
ASKED: Mapping[str, str] = MappingProxyType(
    {
        "seconds": "how long it shall be (for example: 15 s)",
        "platforms": "where it shall be published (for example: YouTube and Instagram)",
        "territories": "in which territories (ISO codes, for example: in GB, DE and US)",
        "window": "when it shall be up (for example: for the next month, from Monday, or from 24 Nov to 24 Dec)",
    }
)
"""How to say what a request needs, by field."""
_ID = r"\b{kind}_[0-9A-HJKMNP-TV-Z]{{26}}\b"
_MEDIA = re.compile(r"\bsha256:[0-9a-fA-F]{64}\b")
_INSTANT = re.compile(
    r"(?:\b(?:at|from|to|until|till|from)\s+)?\b"
    r"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))(?!\w)",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"\bchannels?\s+(?P<named>[a-z0-9][a-z0-9-]{0,62})\b|(?<![\w.-])(?P<shaped>[a-z][a-z0-9]*(?:-[a-z0-9]+)+)(?![\w-])"
)
_QUOTED = re.compile(r"[\"\u201c](?P<words>[^\"\u201d]{1,300})[\"\u201d]")
_STATEMENT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")


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


def platforms_in(reading: Reading) -> tuple[str, ...] | Doubt | None:
    """Leaves of the media tree that are named, such as social.youtube for YouTube."""
    named = {_NODES[match[0].lower()] for match in reading.take(_PLATFORM, LISTED)}
    unknown = [match for match in reading.find(_UNKNOWN_PLATFORM) if not _is_place(match["name"])]
    for match in unknown:
        reading.mark(match.start("name"), match.end("name"), LISTED)
    if unknown:
        names = " and ".join(repr(match["name"]) for match in unknown)
        return Doubt(
            f"I do not know a platform {names}. Name all platforms again (for example: YouTube and Instagram)."
        )
    return tuple(node for node in _PLATFORMS if node in named) or None


def _is_place(name: str) -> bool:
    try:
        expand_territories([name], date.max)
    except Problem as problem:
        return bool(problem.details.get("meant"))
    return True


def territories_in(reading: Reading, today: date) -> tuple[str, ...] | Doubt | None:
    """ISO 3166 codes after `in`, or alone in an answer; groups become their members of today."""
    named: dict[str, tuple[str, ...]] = {}
    for match in reading.find(_PLACES):
        end, places = _places(match, today)
        if isinstance(places, Doubt):
            reading.mark(match.start(), end)
            return places
        if places:
            reading.mark(match.start(), end)
            named[reading.said[match.start() : end]] = places
    if not named and reading.is_answer and (match := _PLACES.fullmatch(f"in {reading.said.rstrip('. ')}")):
        end, places = _places(match, today)
        if end == match.end() and places and not isinstance(places, Doubt):
            reading.mark(0, len(reading.said))
            return places
    return one_of("set of places", named)


def _places(match: re.Match[str], today: date) -> tuple[int, tuple[str, ...] | Doubt]:
    """The places of a phrase, and where in the words they end: at the first words that do not look like a place."""
    named: list[str] = []
    unknown: list[str] = []
    start = end = match.start("places")
    for gap in _AND.finditer(match.string, start, match.end("places")):
        place = _ARTICLE_OR_ONLY.sub("", match.string[start : gap.start()]).strip()
        if place:
            found = _territories(place, today)
            if found is None:
                break
            (unknown if isinstance(found, Doubt) else named).extend([found.text] if isinstance(found, Doubt) else found)
            end = gap.start()
        start = gap.end()
    again = " Name all territories again." if unknown and len(unknown) + len(named) > 1 else ""
    return end, Doubt(" ".join(unknown) + again) if unknown else tuple(dict.fromkeys(named))


def _territories(place: str, today: date) -> Sequence[str] | Doubt | None:
    """The codes of a place or a group; a doubt when it might be a place; None when it does not look like one."""
    if is_group(place.upper()) or place.lower() in ("world", "worldwide"):
        return sorted(expand_territories(["WORLD" if place.lower() == "worldwide" else place], today))
    try:
        return [parse_territory(place)]
    except Problem as problem:
        meant = problem.details.get("meant")
        if meant and len(place) > 3:
            return [str(meant)]
        return Doubt(f"{problem.message} {problem.hint}") if meant or place[0].isupper() else None


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


def ids_in(turns: Sequence[Reading], kind: str) -> tuple[str, ...]:
    """Ids of a kind, such as `clr`, in the order they are named."""
    pattern = re.compile(_ID.format(kind=kind))
    return tuple(dict.fromkeys(match[0] for turn in turns for match in turn.take(pattern)))


def media_in(turn: Reading) -> tuple[str, ...]:
    """Hashes of media, `sha256:<hex>`."""
    return tuple(dict.fromkeys(match[0].lower() for match in turn.take(_MEDIA)))


def instants_in(turn: Reading) -> tuple[datetime, ...]:
    """Instants with their zone, such as `2026-11-24T19:00Z`; a time without one means nothing certain."""
    return tuple(found for match in turn.take(_INSTANT) if (found := _instant(match["when"])) is not None)


def channels_in(turn: Reading) -> tuple[str, ...]:
    """Names of channels: what has a hyphen as such names do, or follows the word channel."""
    return tuple(dict.fromkeys(match["named"] or match["shaped"] for match in turn.take(_CHANNEL)))


def quoted_in(turn: Reading) -> tuple[str, ...]:
    """What stands in quotation marks."""
    return tuple(dict.fromkeys(match["words"].strip() for match in turn.take(_QUOTED)))


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except ValueError:
        return None


def statements_in(turns: Sequence[Reading]) -> Mapping[str, tuple[str, ...]]:
    """Signed statements as they stand, by type, such as `cut+jwt`; nothing is verified here."""
    found: dict[str, list[str]] = {}
    for turn in turns:
        for match in turn.take(_STATEMENT):
            found.setdefault(_type_of(match[0]), []).append(match[0])
    return {typ: tuple(dict.fromkeys(statements)) for typ, statements in found.items()}


def _type_of(statement: str) -> str:
    return str(_json_part(statement, 0).get("typ", ""))


def claims_of(statement: str) -> Mapping[str, Any]:
    """What a signed statement says, nothing of it verified: good for looking things up, never for deciding. Empty for
    what is no statement."""
    return _json_part(statement, 1)


def _json_part(statement: str, number: int) -> Mapping[str, Any]:
    try:
        part = statement.split(".")[number]
        shape = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, IndexError):
        return {}
    return cast(dict[str, Any], shape) if isinstance(shape, dict) else {}


def asked_back(
    found: Mapping[str, object], doubts: Mapping[str, str], rest: Sequence[str], asked: Mapping[str, str]
) -> Question | None:
    """A question about what was not found or not understood; None when nothing is open.

    Args:
        found: what was read, by field; whatever is empty is missing.
        doubts: what was said of a field and cannot be followed, in words; they stand for what is missing there.
        rest: words that were not understood at all.
        asked: how to say each field.
    """
    missing = tuple(name for name, value in found.items() if not value)
    if not missing and not doubts and not rest:
        return None
    lines = list(doubts.values())
    if rest:
        words = " and ".join(repr(each) for each in rest)
        lines.append(f"I do not understand {words}. Say it in other words; otherwise it is ignored.")
    wanted = [asked[name] for name in missing if name not in doubts]
    if wanted:
        lines.append(f"Please say {'; '.join(wanted)}.")
    return Question(text=" ".join(lines), missing=missing)
