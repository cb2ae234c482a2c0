"""What a change costs: house weights, on which only the ranking of plans depends. Pure."""

from collections.abc import Sequence
from math import ceil

from holdback_base.elements import ElementKind

from holdback_servers.rights.clearance import Decision
from holdback_servers.rights.report import Remedy, RemedyKind
from holdback_servers.rights.windows import OPEN, window

ASK = 1000
"""To wait for a person."""
_BUY, _BUYING = 15, 25
"""To buy a right at all, and for all cells of the question."""
_GIVING_UP: dict[RemedyKind, int] = {
    "drop_territory": 30,
    "drop_platform": 30,
    "drop_language": 30,
    "fewer_runs": 20,
    "start_later": 20,
    "end_earlier": 20,
}
"""What it costs to give up all of something."""
_REPLACING: dict[ElementKind, int] = {
    "music_master": 4,
    "music_publishing": 4,
    "music_performance": 4,
    "logo": 5,
    "still": 10,
    "third_party_clip": 10,
    "location": 14,
    "talent": 18,
    "programme": 60,
}
"""What it costs a cut to lose an element of a kind."""
_FIXED: dict[RemedyKind, int] = {
    "ask_human": ASK,
    "add_credit": 1,
    "add_disclaimer": 1,
    "undertake": 1,
    "obscure_element": 2,
    "mute_element": 3,
    "shorten_element": 3,
}


def cost_of(remedy: Remedy, decision: Decision) -> int:
    """What a change to the decision's question, cuts or rights costs."""
    if remedy.kind in _GIVING_UP:
        return 1 + ceil(_GIVING_UP[remedy.kind] * _given_up(remedy, decision))
    if remedy.kind == "replace_element":
        return max(_REPLACING[each.kind] for each in decision.judged if each.element.ref == remedy.ref)
    if remedy.missing is not None:
        return _BUY + ceil(_BUYING * _share(remedy.missing.territories, remedy.missing.platforms, decision))
    return _FIXED[remedy.kind]


def _given_up(remedy: Remedy, decision: Decision) -> float:
    """The share of the question that is given up."""
    asked = decision.asked
    match remedy.kind:
        case "drop_territory":
            return len(remedy.territories or ()) / len(asked.territories)
        case "drop_platform":
            return len(remedy.platforms or ()) / len(asked.platforms)
        case "drop_language":
            return len(remedy.languages or ()) / len(asked.languages)
        case "fewer_runs":
            return (asked.runs - (remedy.runs or 0)) / asked.runs
        case _:
            cells = _share(remedy.territories or (), remedy.platforms or (), decision)
            return cells * _lost_time(remedy, decision)


def _share(territories: Sequence[str], platforms: Sequence[str], decision: Decision) -> float:
    """How much of the cells these are."""
    asked = decision.asked
    return len(territories) / len(asked.territories) * len(platforms) / len(asked.platforms)


def _lost_time(remedy: Remedy, decision: Decision) -> float:
    """The share of the window that is given up; of an endless one a start costs little and an end nearly all."""
    start, end = window(decision.asked.window.start, decision.asked.window.end)
    moved_start, moved_end = window(remedy.start, remedy.end)
    if end == OPEN:
        return 0.1 if remedy.kind == "start_later" else 0.9
    lost = moved_start - start if remedy.kind == "start_later" else end - moved_end
    return lost / (end - start)
