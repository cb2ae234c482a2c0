"""Turns words into a question about rights: which cut, where, on which platforms, when. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from holdback_agents.contracts import ClearanceRequest, Question
from holdback_agents.phrases import ASKED, asked_back, ids_in, platforms_in, statements_in, territories_in, window_in
from holdback_agents.reading import latest, turns_of

_ASKED: Mapping[str, str] = {
    "cut": "which cut: the id of an asset of the library (ast_...) or a signed cut statement",
    **ASKED,
}
_SMALL_WORDS = """
may use used run clear cleared clearance check right rights asset assets statement question whether if so there they
them these those have has highlight clip video film put go
"""
_SMALL = frozenset(_SMALL_WORDS.split())


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
