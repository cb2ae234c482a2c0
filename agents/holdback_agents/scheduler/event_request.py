"""Turns words into an event that the schedule must be mended for. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from holdback_base.vocabulary import TimeRange

from holdback_agents.contracts import Question
from holdback_agents.phrases import asked_back, channels_in, ids_in, instants_in, length_in_seconds, media_in, quoted_in
from holdback_agents.publishing_parts import NEEDED, RescheduleRequest, ScheduleEvent
from holdback_agents.reading import Doubt, Reading, latest, one_of, turns_of

_KINDS: Mapping[str, str] = {
    "breaking_news": r"\bbreaking(?:\s+news)?\b|\bmust\s+go\s+out\b",
    "channel_down": r"\b(?:is|goes|will\s+be|was)\s+(?:down|off\s+air|dark)\b|\b(?:outage|maintenance)\b",
    "embargo_lifted": r"\bembargo\b(?:(?!\blifted\b)[^.;])*\blifted\b|\blift(?:s|ed)?\s+(?:the|an)\s+embargo\b",
    "asset_pulled": r"\b(?:is|was|must\s+be|has\s+been)\s+(?:pulled|withdrawn\s+from\s+show)\b|\bpull\b",
    "rights_changed": r"\brights\b(?:(?!\bchanged?\b)[^.;])*\bchanged?\b",
    "clearance_lost": r"\b(?:(?:is|was|has\s+been|went|goes)\s+)?(?:revoked|stale|lost|void)\b"
    r"|\bno\s+longer\s+(?:stands|valid)\b",
}
"""How each kind of event is said, the more telling ones first."""
_ASKED: Mapping[str, str] = {
    "kind": "what happened: a clearance was revoked, rights changed, an embargo was lifted, an asset was pulled, "
    "breaking news, or a channel is down",
    "clearance": "which clearance (its id, clr_...)",
    "media": "which media (its hash, sha256:...)",
    "channel": "which channel (for example: on harbourlight-youtube)",
    "start": "when it must go out (for example: at 2026-11-24T19:00Z)",
    "duration_seconds": "how long it is (for example: 30 min)",
    "title": "its title, in quotes",
    "window": "from when to when (for example: from 2026-11-24T19:00Z to 2026-11-24T22:00Z)",
}
_SMALL_WORDS = """
reschedule mend repair fix the schedule channel news clearance media asset rights of what who happened because since
from until till titled called item has been now only show what would change changes rest nothing else come comes down
go goes off
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_ONLY_SHOW = re.compile(
    r"\b(?:(?:only|just)\s+show|dry\s+run|preview)\b(?:\s+what\s+would\s+(?:change|happen)(?:\s+(?:if|when))?\b)?"
    r"|\bwhat\s+would\s+(?:change|happen)(?:\s+(?:if|when))?\b",
    re.IGNORECASE,
)


def names_event(text: str) -> bool:
    """Whether words tell of something that happened to the schedule."""
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in _KINDS.values())


def parse_reschedule_request(text: str, now: datetime) -> RescheduleRequest | Question:
    """Read an event such as *clr_... was revoked*, *sha256:... is pulled* or *harbourlight-one is down from
    2026-11-24T19:00Z to 2026-11-24T22:00Z*. With *only show* nothing is changed. `now` is not used."""
    turns, doubts = turns_of(text), dict[str, str]()
    said: dict[str, Any] = {
        "clearance": latest(turns, "clearance", doubts, lambda turn: _one("clearance", ids_in([turn], "clr"))),
        "media": latest(turns, "media", doubts, lambda turn: _one("media", media_in(turn))),
        "title": latest(turns, "title", doubts, lambda turn: _one("title", quoted_in(turn))),
    }
    instants = [instant for turn in turns for instant in instants_in(turn)]
    shown = any(turn.take(_ONLY_SHOW) for turn in turns)
    kind = latest(turns, "kind", doubts, _kind)
    said["channel"] = latest(turns, "channel", doubts, lambda turn: _one("channel", channels_in(turn)))
    if kind == "breaking_news":
        said["duration_seconds"] = latest(turns, "duration_seconds", doubts, _length)
    for turn in turns:
        turn.set_aside()
    said |= _times(kind, instants, doubts)
    wanted = NEEDED[kind] if kind else ()
    found: dict[str, object] = {"kind": kind, **{name: said.get(name) for name in wanted}}
    doubts = {name: doubt for name, doubt in doubts.items() if name in found}
    question = asked_back(found, doubts, turns[-1].rest(_SMALL) if turns else (), _ASKED)
    if question is not None:
        return question
    event = ScheduleEvent.model_validate(found)
    return RescheduleRequest(event=event, reason=turns[0].said[:400], apply=not shown)


def _kind(turn: Reading) -> str | Doubt | None:
    """The kind that is said; what else sounds like another kind belongs to it."""
    found = [kind for kind, pattern in _KINDS.items() if turn.take(re.compile(pattern, re.IGNORECASE))]
    return found[0] if found else None


def _length(turn: Reading) -> int | Doubt | None:
    return length_in_seconds(turn, most=24 * 3600)


def _times(kind: str | None, instants: Sequence[datetime], doubts: dict[str, str]) -> dict[str, Any]:
    if kind == "channel_down" and len(instants) >= 2:
        start, end = instants[-2:]
        if end > start:
            return {"window": TimeRange(start=start, end=end)}
        doubts["window"] = "The end is not after the start."
    return {"start": instants[-1]} if kind == "breaking_news" and instants else {}


def _one(what: str, named: Sequence[str]) -> str | Doubt | None:
    return one_of(what, {each: each for each in named})
