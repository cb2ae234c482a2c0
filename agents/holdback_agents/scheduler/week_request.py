"""Turns words into a wish for many cuts at once. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from holdback_base.vocabulary import TimeRange

from holdback_agents.contracts import Question
from holdback_agents.phrases import asked_back, channels_in, length_in_seconds, platforms_in, window_in
from holdback_agents.publishing_parts import WeekItem, WeekRequest
from holdback_agents.reading import Doubt, Reading, latest, turns_of

_ASKED: Mapping[str, str] = {
    "items": "which cuts: the ids of their clearances (clr_...), each with its length (for example: clr_... 15 s)",
    "window": "from when to when (for example: for the next week, or from Monday for a month)",
}
_ITEM = re.compile(
    r"\b(?P<id>clr_[0-9A-HJKMNP-TV-Z]{26})\b"
    r"(?:\s*[(:]?\s*(?P<length>\d{1,6}\s*-?\s*(?:s|secs?|seconds?|m|mins?|minutes?)\b)(?!\s*each\b)\)?)?"
    r"(?:\s+[\"\u201c](?P<title>[^\"\u201d]{1,300})[\"\u201d])?"
)
_EACH = re.compile(r"\beach\b(?:\s+of\s+them)?", re.IGNORECASE)
_PARTIAL = re.compile(
    r"\b(?:hold\s+what\s+is\s+(?:still\s+)?free|partially|as\s+many\s+as\s+possible)\b", re.IGNORECASE
)
_NOT_HELD = re.compile(r"\b(?:do\s+not\s+hold(?:\s+anything)?|without\s+holding|only\s+plan)\b", re.IGNORECASE)
_SMALL_WORDS = """
plan plans planned schedule fill week month these those cuts cut clips clip items item cleared by under clearance
clearances channel channels hold held them all over days day following place
"""
_SMALL = frozenset(_SMALL_WORDS.split())


def parse_week_request(text: str, now: datetime) -> WeekRequest | Question:
    """Read a wish such as *Plan from Monday for a week: clr_... 15 s, clr_... 30 s on harbourlight-youtube.*

    A length that stands alone, as in *15 s each*, is that of all cuts without one. A title may follow in quotes.
    """
    turns, doubts = turns_of(text), dict[str, str]()
    named: dict[str, tuple[str, str]] = {}
    for turn in turns:
        for match in turn.take(_ITEM):
            known = named.get(match["id"], ("", ""))
            named[match["id"]] = (match["length"] or known[0], match["title"] or known[1])
    hold = not any(turn.take(_NOT_HELD) for turn in turns)
    partial = any(turn.take(_PARTIAL) for turn in turns)
    for turn in turns:
        turn.take(_EACH)
    common = latest(turns, "items", doubts, lambda turn: length_in_seconds(turn, most=24 * 3600))
    channels = tuple(dict.fromkeys(name for turn in turns for name in channels_in(turn)))
    for turn in turns:
        turn.set_aside()
    window = latest(turns, "window", doubts, lambda turn: _ending(window_in(turn, now)))
    platforms = latest(turns, "platforms", doubts, platforms_in) or ()
    items = _items(named, common, platforms, doubts)
    question = asked_back({"items": items, "window": window}, doubts, turns[-1].rest(_SMALL) if turns else (), _ASKED)
    if question is not None:
        return question
    assert window is not None
    return WeekRequest(items=items, window=window, channels=channels, hold=hold, partial=partial)


def _items(
    named: Mapping[str, tuple[str, str]], common: int | None, platforms: tuple[str, ...], doubts: dict[str, str]
) -> tuple[WeekItem, ...]:
    items: list[WeekItem] = []
    for clearance, (length, title) in named.items():
        seconds = length_in_seconds(Reading(length), most=24 * 3600) if length else common
        if not isinstance(seconds, int):
            doubts["items"] = seconds.text if isinstance(seconds, Doubt) else f"How long is the cut under {clearance}?"
            continue
        items.append(
            WeekItem(
                title=title or f"Cut cleared by {clearance}", clearance=clearance, seconds=seconds, platforms=platforms
            )
        )
    return tuple(items)


def _ending(window: TimeRange | Doubt | None) -> TimeRange | Doubt | None:
    if isinstance(window, TimeRange) and window.end is None:
        return Doubt("A plan needs an end.")
    return window
