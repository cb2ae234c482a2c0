"""Codes, places and instants in words for people: what the page and the terminal say alike. Pure.

What comes from outside is cleaned here of all that could drive a terminal or turn a line of text around.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from holdback_agents.contracts import Publication
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, media_tree, parse_territory, to_utc

from holdback.outcome import Outcome

VERDICTS = {
    "CLEARED": "Cleared",
    "PARTIAL": "Partly cleared",
    "CONDITIONAL": "On conditions",
    "NEEDS_HUMAN": "Needs a person",
    "DENIED": "Denied",
}
SIGNS = {"CLEARED": "✓", "PARTIAL": "◐", "CONDITIONAL": "!", "NEEDS_HUMAN": "?", "DENIED": "✗"}
"""One sign a verdict, so that none is told by colour alone."""
_CODES = {
    "ELEMENT_UNKNOWN": "Nothing on record",
    "NO_RIGHTS_IN": "No rights",
    "PARTIAL_RIGHTS_IN": "Rights for part of the time",
    "CONTRACT_NOT_ACTIVE": "Contract not active",
    "RIGHTS_OUT_OVERLAP": "Licensed to somebody else",
    "HOLDBACK": "Held back",
    "CONDITION_UNMET": "Condition not met",
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z\b")
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Format characters that spelling needs, in Persian and Hindi among others."""


def clean(text: str) -> str:
    """The text without control characters, escape sequences' starts and marks that turn its direction."""
    return "".join(" " if each in "\n\r\t" else each for each in text if each in "\n\r\t" or not _unsafe(each))


def clean_lines(text: str) -> list[str]:
    """The lines of a text, each of them clean."""
    return [clean(line) for line in text.splitlines()]


def _unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE and character not in _JOINERS


def moment(instant: datetime) -> str:
    """`Tue 24 Nov 2026, 19:00 UTC`, with seconds only where there are any."""
    utc = to_utc(instant)
    clock = f"{utc:%H:%M:%S}" if utc.second else f"{utc:%H:%M}"
    return f"{_DAYS[utc.weekday()]} {day(utc)} {utc.year}, {clock} UTC"


def day(instant: datetime) -> str:
    """`24 Nov`, in UTC."""
    utc = to_utc(instant)
    return f"{utc.day} {_MONTHS[utc.month - 1]}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def window(within: TimeRange) -> str:
    """`from Tue 24 Nov 2026, 19:00 UTC until ...`; the end itself is outside."""
    until = f" until {moment(within.end)}" if within.end else " onwards"
    return f"from {moment(within.start)}{until}"


def short_window(within: TimeRange) -> str:
    """`24 Nov 2026 19:00 to 22 Dec 2026 12:00 UTC`, for where there is little room."""
    start, end = (to_utc(each) if each else None for each in (within.start, within.end))
    words = [f"{day(each)} {each.year} {each:%H:%M}" for each in (start, end) if each]
    return f"{' to '.join(words)} UTC{'' if end else ' onwards'}"


def instants_in_words(text: str) -> str:
    """The text with its ISO instants written as people read them."""
    return _INSTANT.sub(lambda found: moment(datetime.fromisoformat(found.group())), text)


@functools.cache
def place(code: str) -> str:
    """`United Kingdom` for GB, `California` for US-CA; what is no territory stays as it is."""
    import pycountry

    try:
        known = parse_territory(code)
    except Problem:
        return code
    if "-" in known:
        found = cast(object, pycountry.subdivisions.get(code=known))  # pyright: ignore - pycountry is untyped
    else:
        found = cast(object, pycountry.countries.get(alpha_2=known))
    return str(getattr(found, "common_name", None) or getattr(found, "name", code))


def platform(node: str) -> str:
    """`YouTube` for social.youtube; a node that is not in the media tree stays as it is."""
    return media_tree().get(node, node)


def verdict(name: str) -> str:
    """The verdict in words."""
    return VERDICTS.get(name, _plain(name))


def code(name: str) -> str:
    """A reason's or refusal's code in words: `NO_COMMON_WINDOW` is `No common window`."""
    return _CODES.get(name, _plain(name))


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()


def listed(words: Iterable[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = tuple(words) or ("nothing",)
    return f"{', '.join(first)} and {last}" if first else last


def took(seconds: float) -> str:
    """`3.2 s`, or `1:03 min` from a minute on."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} min"


def asked_places(outcome: Outcome) -> tuple[str, ...]:
    """Every territory that was judged: those that see it first stand first, those that never do last."""
    cells = (cell for version in outcome.versions for cell in version.cells)
    opened = [each for each, _ in _opens(outcome.publications)]
    return tuple(dict.fromkeys((*opened, *(place for cell in cells for place in cell.territories))))


def asked_platforms(outcome: Outcome) -> tuple[str, ...]:
    """Every platform that was judged, in the order of first appearance."""
    cells = (cell for version in outcome.versions for cell in version.cells)
    return tuple(dict.fromkeys(node for cell in cells for node in cell.platforms))


def headline(outcome: Outcome) -> str:
    """The outcome in a sentence or two."""
    if outcome.state == "rejected":
        return "A person was asked and said no; nothing was published."
    if outcome.ended is not None and outcome.ended.code == "NOT_CLEARED":
        return "Nothing was published: no place that was asked for is clear. Below is why, and what would clear it."
    if outcome.ended is not None:
        return f"Nothing was published. {instants_in_words(outcome.ended.message)}"
    if outcome.state == "failed" or not outcome.publications:
        return "It did not come to a publication; below is how far it got, and why."
    opens = _opens(outcome.publications)
    where = "; ".join(f"{place(each)} from {moment(start)}" for each, start in opens)
    on = listed(dict.fromkeys(platform(each.platform or each.channel) for each in outcome.publications))
    missing = [place(each) for each in asked_places(outcome) if each not in dict(opens)]
    left_out = f" Not included: {listed(missing)}." if missing else ""
    return f"Scheduled on {on}: {where}.{left_out}"


def _opens(publications: Sequence[Publication]) -> list[tuple[str, datetime]]:
    """When each territory first gets to see it, earliest first."""
    first: dict[str, datetime] = {}
    for piece in (piece for publication in publications for piece in publication.availability):
        for each in piece.territories:
            first[each] = min(first.get(each, piece.start), piece.start)
    return sorted(first.items(), key=lambda found: (found[1], found[0]))
