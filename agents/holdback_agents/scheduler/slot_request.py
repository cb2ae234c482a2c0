"""Turns *why there* and *why not there* into a question about a slot. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from holdback_agents.contracts import Question
from holdback_agents.phrases import asked_back, channels_in, ids_in, instants_in, length_in_seconds, quoted_in
from holdback_agents.publishing_parts import SlotQuestion
from holdback_agents.reading import Doubt, latest, one_of, turns_of

_ASKED: Mapping[str, str] = {
    "publication": "about which publication (pub_...) or held slot (hold_...), or under which clearance (clr_...)",
    "channel": "on which channel (for example: on harbourlight-youtube)",
    "start": "at which start (for example: at 2026-11-24T19:00Z)",
    "seconds": "how long it is (for example: 15 s)",
}
_SMALL_WORDS = """
why not explain is was were isn't there here then that this slot start starts held scheduled planned put go goes
publication hold channel under clearance called titled instead by time what about cut clip item reason reasons
"""
_SMALL = frozenset(_SMALL_WORDS.split())


def parse_slot_question(text: str, now: datetime) -> SlotQuestion | Question:
    """Read *Why is pub_... there?*, *Why not pub_... at 2026-11-24T19:00Z on harbourlight-youtube?*, or *Why not a cut
    of 15 s under clr_... on harbourlight-youtube at 2026-11-24T19:00Z?* `now` is not used."""
    turns, doubts = turns_of(text), dict[str, str]()
    publication = latest(
        turns,
        "publication",
        doubts,
        lambda turn: _one("publication", (*ids_in([turn], "pub"), *ids_in([turn], "hold"))),
    )
    clearance = latest(turns, "clearance", doubts, lambda turn: _one("clearance", ids_in([turn], "clr")))
    title = latest(turns, "title", doubts, lambda turn: _one("title", quoted_in(turn)))
    start = latest(
        turns, "start", doubts, lambda turn: one_of("start", {str(each): each for each in instants_in(turn)})
    )
    seconds = latest(turns, "seconds", doubts, lambda turn: length_in_seconds(turn, most=24 * 3600))
    channel = latest(turns, "channel", doubts, lambda turn: _one("channel", channels_in(turn)))
    found: dict[str, object] = {"publication": publication or clearance}
    if publication is None and clearance is not None:
        found |= {"channel": channel, "start": start, "seconds": seconds}
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _ASKED)
    if question is not None:
        return question
    return SlotQuestion(
        publication=publication,
        channel=channel,
        start=start,
        title=title or "",
        clearance=clearance or "",
        seconds=seconds,
    )


def _one(what: str, named: Sequence[str]) -> str | Doubt | None:
    return one_of(what, {each: each for each in named})
