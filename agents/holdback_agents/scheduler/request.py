"""Turns words into the scheduler's requests. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from holdback_agents.contracts import CommitRequest, PublicationRequest, Question
from holdback_agents.phrases import (
    ASKED,
    asked_back,
    ids_in,
    length_in_seconds,
    platforms_in,
    statements_in,
    territories_in,
    window_in,
)
from holdback_agents.reading import Doubt, latest, one_of, turns_of
from holdback_agents.scheduler.event_request import names_event

_PLAN: Mapping[str, str] = {**ASKED, "clearance": "under which clearance (its id, clr_...)"}
_COMMIT: Mapping[str, str] = {
    "holds": "which held slots (their ids, hold_...)",
    "clearance": "the signed clearance itself",
    "approval": "the signed approval itself; a person other than the one who asks gives it at the gateway",
}
_SMALL_WORDS = """
find plan propose look hold holds held book slot slots time times place places publication under by using against
clearance cleared approval approved statement statements signed commit schedule these those them highlight clip
video film cut may so
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_WHY = re.compile(r"\b(?:why|explain)\b", re.IGNORECASE)
_PLAN_WEEK = re.compile(
    r"\b(?:plan|fill)\s+(?:from\s[^:,;]{1,40}\s)?(?:(?:for|the|this|next|a|my|our)\s+)*(?:week|month)\b", re.IGNORECASE
)


def chosen_skill(text: str) -> str:
    """The skill that words mean: to commit, to explain, to mend, to plan many, or else to plan one publication."""
    if re.search(r"\bcommit", text, re.IGNORECASE):
        return "commit-publication"
    if _WHY.search(text):
        return "explain"
    if names_event(text) or re.search(r"\b(?:reschedule|mend)\b", text, re.IGNORECASE):
        return "reschedule"
    many = len(ids_in(turns_of(text), "clr")) > 1 or _PLAN_WEEK.search(text)
    return "plan-week" if many else "plan-publication"


def parse_publication_request(text: str, now: datetime) -> PublicationRequest | Question:
    """Read a wish such as *Find slots for the 15 s highlight under clr_... on YouTube for the next month.*

    Territories may be named (`in GB`); else they are those of the clearance. Each line after the first is an answer to
    what was asked back; what is said later overrules.
    """
    turns, doubts = turns_of(text), dict[str, str]()
    clearance = latest(turns, "clearance", doubts, lambda turn: _one("clearance", ids_in([turn], "clr")))
    seconds = latest(turns, "seconds", doubts, length_in_seconds)
    for turn in turns:
        turn.set_aside()
    window = latest(turns, "window", doubts, lambda turn: window_in(turn, now))
    platforms = latest(turns, "platforms", doubts, platforms_in)
    territories = latest(turns, "territories", doubts, lambda turn: territories_in(turn, now.astimezone(UTC).date()))
    found = {"clearance": clearance, "seconds": seconds, "platforms": platforms, "window": window}
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _PLAN)
    if question is not None:
        return question
    assert clearance is not None
    assert seconds is not None
    assert platforms is not None
    assert window is not None
    return PublicationRequest(
        title=f"Cut cleared by {clearance}",
        clearance=clearance,
        seconds=seconds,
        territories=territories or (),
        platforms=platforms,
        window=window,
    )


def parse_commit_request(text: str, now: datetime) -> CommitRequest | Question:
    """Read *Commit hold_... with* and the two signed statements; `now` is not used."""
    turns, doubts = turns_of(text), dict[str, str]()
    signed = {turn: statements_in([turn]) for turn in turns}
    clearance = latest(
        turns, "clearance", doubts, lambda turn: _one("clearance", signed[turn].get("clearance+jwt", ()))
    )
    approval = latest(turns, "approval", doubts, lambda turn: _one("approval", signed[turn].get("approval+jwt", ())))
    holds = ids_in(turns, "hold")
    for turn in turns:
        turn.set_aside()
    found = {"holds": holds, "clearance": clearance, "approval": approval}
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _COMMIT)
    if question is not None:
        return question
    assert clearance is not None
    assert approval is not None
    return CommitRequest(holds=holds, clearance_statement=clearance, approval_statement=approval)


def _one(what: str, named: tuple[str, ...]) -> str | Doubt | None:
    return one_of(what, {f"{each[:12]}...{each[-6:]}": each for each in named})
