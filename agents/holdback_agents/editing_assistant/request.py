"""Turns a person's words into a brief, by rules. What the words do not say is asked back, never guessed. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, expand_territories, is_group, parse_territory

from holdback_agents.contracts import Brief, Question

Aspect = Literal["9:16", "16:9", "1:1"]

_SECONDS = re.compile(r"\b(\d{1,4})\s*-?\s*(s|secs?|seconds?|m|mins?|minutes?)\b", re.IGNORECASE)
_ASPECTS: dict[Aspect, tuple[str, ...]] = {
    "9:16": ("vertical", "portrait", "9:16"),
    "1:1": ("square", "1:1"),
    "16:9": ("horizontal", "landscape", "16:9", "widescreen"),
}
_SUBJECT = re.compile(
    r"\b(?:highlights?|clips?|cuts?|trailers?|teasers?|reels?|videos?)\s+(?:of|about|from|with|showing)\s+"
    r"(?:the\s+|a\s+|an\s+)?(?P<subject>.+?)"
    r"(?=\s+(?:for|in|on|from|until|between)\s+|\s*[;.,]|\s*$)",
    re.IGNORECASE,
)
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
_CREDIT = re.compile(r"\bcredit(?:s|ing)?\b", re.IGNORECASE)
_AHEAD = re.compile(r"\b(?:for|over)\s+(?:the\s+)?next\s+(?:(\d{1,3})\s+)?(day|week|month)s?\b", re.IGNORECASE)
_DAY = r"(\d{4}-\d\d-\d\d|\d{1,2}\.?\s+[A-Za-z]{3,9}(?:\s+\d{4})?)"
_BETWEEN = re.compile(rf"\b(?:from\s+)?{_DAY}\s*(?:-|\u2013|to|until|till)\s*{_DAY}", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ASKED = {
    "subject": "what it shall show (for example: a highlight of the butterfly scene)",
    "seconds": "how long it shall be (for example: 15 s)",
    "platforms": "where it shall be published (for example: YouTube and Instagram)",
    "territories": "in which territories (ISO codes, for example: in GB, DE and US)",
    "window": "when it shall be up (for example: for the next month, or from 24 Nov to 24 Dec)",
}


def parse_brief(text: str, now: datetime) -> Brief | Question:
    """Read a brief such as *15 s vertical highlight of the butterfly scene for YouTube in GB for the next month*.

    Args:
        text: the person's words; days without a time mean UTC days, the last day included.
        now: what "next month" counts from.

    Returns:
        The brief, or a question that names everything that is missing or not understood.
    """
    words = " ".join(text.split())
    doubts: list[str] = []
    subject, seconds, platforms = _subject(words), _seconds(words), _platforms(words)
    territories = _territories(words, now.astimezone(UTC).date(), doubts)
    window = _window(words, now, doubts)
    found = {
        "subject": subject,
        "seconds": seconds,
        "platforms": platforms,
        "territories": territories,
        "window": window,
    }
    missing = tuple(name for name, value in found.items() if not value)
    if doubts or subject is None or seconds is None or window is None or missing:
        asked = [_ASKED[name] for name in missing if not (doubts and name in ("territories", "window"))]
        return Question(text=_ask(doubts, asked), missing=missing)
    return Brief(
        text=words,
        subject=subject,
        seconds=seconds,
        aspect=_aspect(words),
        platforms=platforms,
        territories=territories,
        window=window,
        credit_film=_CREDIT.search(words) is not None,
    )


def _ask(doubts: list[str], asked: list[str]) -> str:
    wanted = f"Please say {'; '.join(asked)}." if asked else ""
    return " ".join([*doubts, wanted]).strip()


def _subject(words: str) -> str | None:
    match = _SUBJECT.search(words)
    return match["subject"].strip() if match else None


def _seconds(words: str) -> int | None:
    match = _SECONDS.search(words)
    if match is None:
        return None
    length = int(match[1]) * (60 if match[2].lower().startswith("m") else 1)
    return length if 0 < length <= 600 else None


def _aspect(words: str) -> Aspect:
    lowered = words.lower()
    for aspect, names in _ASPECTS.items():
        if any(name in lowered for name in names):
            return aspect
    return "16:9"


def _platforms(words: str) -> tuple[str, ...]:
    return tuple(
        node
        for node, names in _PLATFORMS.items()
        if any(re.search(rf"\b{re.escape(name)}\b", words, re.IGNORECASE) for name in names)
    )


def _territories(words: str, today: date, doubts: list[str]) -> tuple[str, ...]:
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


def _window(words: str, now: datetime, doubts: list[str]) -> TimeRange | None:
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
