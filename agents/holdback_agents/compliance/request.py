"""Turns words into compliance's requests: which cut, where, on which platforms, when; which publications. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from holdback_agents.contracts import ClearanceRequest, Question
from holdback_agents.phrases import ASKED, asked_back, ids_in, platforms_in, statements_in, territories_in, window_in
from holdback_agents.publishing_parts import ExpiryWatch, PublicationCheck
from holdback_agents.reading import Doubt, Reading, latest, one_of, turns_of

_ASKED: Mapping[str, str] = {
    "cut": "which cut: the id of an asset of the library (ast_...) or a signed cut statement",
    **ASKED,
}
_SMALL_WORDS = """
may use used run clear cleared clearance check right rights asset assets statement question whether if so there they
them these those have has highlight clip video film put go
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_CHECKED: Mapping[str, str] = {
    "publications": "which publications (pub_...), held slots (hold_...) or which clearance (clr_...)",
    "clearance": "under which clearance the held slots are to be committed (its id, clr_...)",
}
_CHECKING_WORDS = "do does still stand stands publication publications hold holds held slot slots under covered cover"
_SMALL_OF_CHECKS = _SMALL | frozenset(_CHECKING_WORDS.split())


_AHEAD = re.compile(
    r"\b(?:(?:within|in|over|for)\s+)?(?:the\s+)?(?:next\s+)?(\d{1,4})\s*-?\s*(day|week|month)s?\b"
    r"|\b(?:within|in|over|for)?\s*(?:a|the|this|next|the\s+next|one)\s+(day|week|month)\b",
    re.IGNORECASE,
)
_DAYS = {"day": 1, "week": 7, "month": 30}
_MOST_DAYS = 3660
_ACT = re.compile(
    r"\band\s+(?:mend|repair|fix|act|reschedule)\b(?:\s+(?:on\s+)?(?:the\s+schedule|it|them|what\s+is\s+lost))?"
    r"|\btake\s+down\s+what\s+is\s+lost\b",
    re.IGNORECASE,
)
_WATCH = re.compile(r"\b(?:expir\w*|ends?|ending|watch\w*|runs?\s+out|at\s+risk|lapse\w*)\b", re.IGNORECASE)
_WATCH_ASKED: Mapping[str, str] = {"days": "how far to look ahead (for example: in the next 30 days)"}
_WATCHING_WORDS = """
what which when who whose watch expire expires expiring expiry expired end ends ending ended run runs out lapse lapses
soon next risk publication publications right rights clearance clearances show tell list report all now current
currently mend
"""
_SMALL_OF_WATCHES = _SMALL | frozenset(_WATCHING_WORDS.split())


def chosen_skill(text: str) -> str:
    """The skill that words mean: to look at what is on the schedule, to watch what ends, or else to clear."""
    turns = turns_of(text)
    if ids_in(turns, "pub") or ids_in(turns, "hold") or (ids_in(turns, "clr") and not ids_in(turns, "ast")):
        return "check-publication"
    return "watch-expiry" if not ids_in(turns, "ast") and _WATCH.search(text) else "clear-rights"


def parse_expiry_watch(text: str, now: datetime) -> ExpiryWatch | Question:
    """Read *Which publications end in the next 30 days?*, with *and mend the schedule* to act; `now` is not used.

    A month is 30 days. Without a number of days it is asked for.
    """
    turns, doubts = turns_of(text), dict[str, str]()
    act = any(turn.take(_ACT) for turn in turns)
    for turn in turns:
        turn.set_aside()
    days = latest(turns, "days", doubts, _days)
    question = asked_back({"days": days}, doubts, turns[-1].rest(_SMALL_OF_WATCHES) if turns else (), _WATCH_ASKED)
    return question or ExpiryWatch(days=days or 90, act=act)


def _days(turn: Reading) -> int | Doubt | None:
    found = {
        match[0].strip(): int(match[1] or 1) * _DAYS[(match[2] or match[3]).lower()] for match in turn.take(_AHEAD)
    }
    days = one_of("number of days", found)
    if isinstance(days, int) and not 1 <= days <= _MOST_DAYS:
        return Doubt(f"{days} days is not from 1 to {_MOST_DAYS}.")
    return days


def parse_publication_check(text: str, now: datetime) -> PublicationCheck | Question:
    """Read *Does pub_... still stand?* or *Does hold_... stand under clr_...?*; `now` is not used."""
    turns, doubts = turns_of(text), dict[str, str]()
    clearance = latest(
        turns, "clearance", doubts, lambda turn: one_of("clearance", {each: each for each in ids_in([turn], "clr")})
    )
    holds = ids_in(turns, "hold")
    named = (*ids_in(turns, "pub"), *holds)
    for turn in turns:
        turn.set_aside()
    found: dict[str, object] = {"publications": named or clearance}
    if holds:
        found["clearance"] = clearance
    question = asked_back(found, doubts, turns[-1].rest(_SMALL_OF_CHECKS) if turns else (), _CHECKED)
    return question or PublicationCheck(publications=named, clearance=clearance or "")


def parse_clearance_request(text: str, now: datetime) -> ClearanceRequest | Question:
    """Read a question such as *May ast_... be shown on YouTube in GB and DE from 24 Nov to 24 Dec?*

    Args:
        text: the words, one line for the question and one for each answer to what was asked back; what is said later
            overrules. Days are UTC days, the last one included.
        now: what "next month" counts from.
    """
    turns, doubts = turns_of(text), dict[str, str]()
    statements, assets = statements_in(turns).get("cut+jwt", ()), ids_in(turns, "ast")
    for turn in turns:
        turn.set_aside()
    window = latest(turns, "window", doubts, lambda turn: window_in(turn, now))
    platforms = latest(turns, "platforms", doubts, platforms_in)
    territories = latest(turns, "territories", doubts, lambda turn: territories_in(turn, now.astimezone(UTC).date()))
    found = {
        "cut": statements or assets,
        "platforms": platforms,
        "territories": territories,
        "window": window,
    }
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _ASKED)
    if question is not None:
        return question
    assert platforms is not None
    assert territories is not None
    assert window is not None
    return ClearanceRequest(
        cut_statements=statements, assets=assets, territories=territories, platforms=platforms, window=window
    )
