"""Turns words into compliance's requests: which cut, where, on which platforms, when; which publications. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from holdback_agents.contracts import ClearanceRequest, Question
from holdback_agents.phrases import ASKED, asked_back, ids_in, platforms_in, statements_in, territories_in, window_in
from holdback_agents.publishing_parts import PublicationCheck
from holdback_agents.reading import latest, one_of, turns_of

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
_CHECKING_WORDS = "do does still stand stands publication publications hold holds held slot slots covered cover okay"
_SMALL_OF_CHECKS = _SMALL | frozenset(_CHECKING_WORDS.split())


def chosen_skill(text: str) -> str:
    """The skill that words mean: to look at what is on the schedule, or else to clear."""
    turns = turns_of(text)
    if ids_in(turns, "pub") or ids_in(turns, "hold") or (ids_in(turns, "clr") and not ids_in(turns, "ast")):
        return "check-publication"
    return "clear-rights"


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
