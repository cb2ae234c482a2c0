"""Turns a person's words into a brief, by rules. What the words do not say is asked back, never guessed. Pure."""

import re
from datetime import UTC, datetime
from typing import Literal

from holdback_agents.contracts import Brief, Question
from holdback_agents.phrases import ASKED, asked_back, length_in_seconds, platforms_in, territories_in, window_in

Aspect = Literal["9:16", "16:9", "1:1"]

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
_CREDIT = re.compile(r"\bcredit(?:s|ing)?\b", re.IGNORECASE)
_ASKED = {"subject": "what it shall show (for example: a highlight of the butterfly scene)", **ASKED}


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
    subject, seconds, platforms = _subject(words), length_in_seconds(words), platforms_in(words)
    territories = territories_in(words, now.astimezone(UTC).date(), doubts)
    window = window_in(words, now, doubts)
    found = {
        "subject": subject,
        "seconds": seconds,
        "platforms": platforms,
        "territories": territories,
        "window": window,
    }
    question = asked_back(found, doubts, _ASKED)
    if question is not None:
        return question
    assert subject is not None
    assert seconds is not None
    assert window is not None
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


def _subject(words: str) -> str | None:
    match = _SUBJECT.search(words)
    return match["subject"].strip() if match else None


def _aspect(words: str) -> Aspect:
    lowered = words.lower()
    for aspect, names in _ASPECTS.items():
        if any(name in lowered for name in names):
            return aspect
    return "16:9"
