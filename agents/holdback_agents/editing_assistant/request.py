"""Turns a person's words into a brief, by rules. What the words do not say is asked back, never guessed. Pure."""

import re
from datetime import UTC, datetime
from typing import Literal

from holdback_base.problem import Problem

from holdback_agents.contracts import Brief, Question
from holdback_agents.phrases import (
    ASKED,
    asked_back,
    length_in_seconds,
    lies_in_the_past,
    platforms_in,
    territories_in,
    window_in,
)
from holdback_agents.reading import GONE, Doubt, Reading, latest, one_of, turns_of

Aspect = Literal["9:16", "16:9", "1:1"]

_ASPECTS: dict[str, Aspect] = {
    **dict[str, Aspect].fromkeys(("vertical", "portrait", "9:16"), "9:16"),
    **dict[str, Aspect].fromkeys(("square", "1:1"), "1:1"),
    **dict[str, Aspect].fromkeys(("horizontal", "landscape", "16:9", "widescreen"), "16:9"),
}
_ASPECT = re.compile(rf"(?<![\w:])(?:{'|'.join(_ASPECTS)})(?![\w:])", re.IGNORECASE)
_KINDS = r"(?:highlights?|clips?|cuts?|trailers?|teasers?|reels?|videos?)"
_SUBJECT = re.compile(
    rf"\b{_KINDS}\s+(?:of|about|from|with|showing)\s+(?:the\s+|a\s+|an\s+)?(?!credits?\b)(?P<subject>[^{GONE};.,?!]+?)"
    r"(?=\s+(?:for|in|on|from|until|between|only|but|please|with\s+(?:a\s+)?credits?)\b"
    rf"|\s+and\s+(?:a|an|another|one|two|\d+)\s+(?:\w+\s+)?{_KINDS}\b"
    rf"|\s+(?:and\s+)?(?:vertical|horizontal|widescreen|\d+:\d+)\s*(?:[{GONE};.,?!]|$|(?:for|in|on|from)\b)"
    rf"|\s+and\s*(?:credit\b|[{GONE}]|$)|\s*(?:[{GONE};.,?!]|$))",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"(?:\b(?:with|add)\s+)?(?:\b(?:an?|the)\s+)?\bcredit(?:s|ing|ed)?\b(?:\s+(?:to\s+|for\s+)?(?:the\s+|its\s+)?(?:film|movie)\b)?",
    re.IGNORECASE,
)
_ASKED = {"subject": "what it shall show (for example: a highlight of the butterfly scene)", **ASKED}
_SMALL = frozenset({"highlight", "highlights", "clip", "clips", "video", "trailer", "teaser", "reel"})


def parse_brief(text: str, now: datetime) -> Brief | Question:
    """Read a brief such as *15 s vertical highlight of the butterfly scene for YouTube in GB for the next month*.

    Args:
        text: the person's words, one line for the brief and one for each answer to what was asked back; what is said
            later overrules. Days without a time mean UTC days, the last day included.
        now: what "next month" counts from.

    Returns:
        The brief, or a question that names everything that is missing or not understood.
    """
    turns, doubts = turns_of(text), dict[str, str]()
    seconds = latest(turns, "seconds", doubts, length_in_seconds)
    for turn in turns:
        turn.set_aside()
    window = latest(turns, "window", doubts, lambda turn: window_in(turn, now))
    subject = latest(turns, "subject", doubts, _subject)
    aspect = latest(turns, "aspect", doubts, _aspect)
    credits_film = [bool(turn.take(_CREDIT)) for turn in turns]
    platforms = latest(turns, "platforms", doubts, platforms_in)
    territories = latest(turns, "territories", doubts, lambda turn: territories_in(turn, now.astimezone(UTC).date()))
    found = {
        "subject": subject,
        "seconds": seconds,
        "platforms": platforms,
        "territories": territories,
        "window": window,
    }
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _ASKED)
    if question is not None:
        return question
    assert subject is not None
    assert seconds is not None
    assert platforms is not None
    assert territories is not None
    assert window is not None
    return Brief(
        text="; ".join(turn.said for turn in turns),
        subject=subject,
        seconds=seconds,
        aspect=aspect or "16:9",
        platforms=platforms,
        territories=territories,
        window=window,
        credit_film=any(credits_film),
    )


def refuse_past(brief: Brief, started: datetime) -> None:
    """A brief that came as data asks for a time that is still to come.

    Raises:
        Problem: RANGE_INVALID when its window was over when the work was asked for.
    """
    if lies_in_the_past(brief.window, started):
        raise Problem(
            "RANGE_INVALID",
            f"The window {brief.window.text()} lies in the past.",
            "Give a window that ends later than now.",
        )


def _subject(reading: Reading) -> str | Doubt | None:
    return one_of("subject", {match["subject"].strip(): match["subject"].strip() for match in reading.take(_SUBJECT)})


def _aspect(reading: Reading) -> Aspect | Doubt | None:
    named: dict[str, Aspect] = {match[0]: _ASPECTS[match[0].lower()] for match in reading.take(_ASPECT)}
    return one_of("shape", named)
