"""Turns words into the scheduler's requests. Pure."""

from collections.abc import Mapping
from datetime import datetime

from holdback_agents.contracts import CommitRequest, PublicationRequest, Question
from holdback_agents.phrases import ASKED, asked_back, ids_in, length_in_seconds, platforms_in, statements_in, window_in

_PLAN: Mapping[str, str] = {**ASKED, "clearance": "under which clearance (its id, clr_...)"}
_COMMIT: Mapping[str, str] = {
    "holds": "which held slots (their ids, hold_...)",
    "clearance": "the signed clearance itself",
    "approval": "the signed approval itself; a person other than the one who asks gives it at the gateway",
}


def chosen_skill(text: str) -> str:
    """The skill that words mean: to commit, or else to plan."""
    return "commit-publication" if "commit" in text.lower() else "plan-publication"


def parse_publication_request(text: str, now: datetime) -> PublicationRequest | Question:
    """Read a wish such as *Find slots for the 15 s highlight under clr_... on YouTube for the next month.*"""
    words = " ".join(text.split())
    doubts: list[str] = []
    clearances, seconds, platforms = ids_in(words, "clr"), length_in_seconds(words), platforms_in(words)
    window = window_in(words, now, doubts)
    found = {"clearance": clearances, "seconds": seconds, "platforms": platforms, "window": window}
    question = asked_back(found, doubts, _PLAN)
    if question is not None:
        return question
    assert seconds is not None
    assert window is not None
    return PublicationRequest(
        title=f"Cut cleared by {clearances[0]}",
        clearance=clearances[0],
        seconds=seconds,
        platforms=platforms,
        window=window,
    )


def parse_commit_request(text: str, now: datetime) -> CommitRequest | Question:
    """Read *Commit hold_... with* and the two signed statements; `now` is not used."""
    words = " ".join(text.split())
    clearances, approvals = statements_in(words, "clearance+jwt"), statements_in(words, "approval+jwt")
    holds = ids_in(words, "hold")
    question = asked_back({"holds": holds, "clearance": clearances, "approval": approvals}, (), _COMMIT)
    if question is not None:
        return question
    return CommitRequest(holds=holds, clearance_statement=clearances[0], approval_statement=approvals[0])
