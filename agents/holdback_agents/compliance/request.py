"""Turns words into a question about rights: which cut, where, on which platforms, when. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from holdback_agents.contracts import ClearanceRequest, Question
from holdback_agents.phrases import ASKED, asked_back, ids_in, platforms_in, statements_in, territories_in, window_in

_ASKED: Mapping[str, str] = {
    "cut": "which cut: the id of an asset of the library (ast_...) or a signed cut statement",
    **ASKED,
}


def parse_clearance_request(text: str, now: datetime) -> ClearanceRequest | Question:
    """Read a question such as *May ast_... be shown on YouTube in GB and DE from 24 Nov to 24 Dec?*

    Args:
        text: the words; days are UTC days, the last one included.
        now: what "next month" counts from.
    """
    words = " ".join(text.split())
    doubts: list[str] = []
    statements, assets = statements_in(words, "cut+jwt"), ids_in(words, "ast")
    platforms = platforms_in(words)
    territories = territories_in(words, now.astimezone(UTC).date(), doubts)
    window = window_in(words, now, doubts)
    found = {
        "cut": statements or assets,
        "platforms": platforms,
        "territories": territories,
        "window": window,
    }
    question = asked_back(found, doubts, _ASKED)
    if question is not None:
        return question
    assert window is not None
    return ClearanceRequest(
        cut_statements=statements, assets=assets, territories=territories, platforms=platforms, window=window
    )
