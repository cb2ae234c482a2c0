"""Phrases of place: platforms and territories. Pure."""

import re
from collections.abc import Sequence
from datetime import date

from holdback_base.problem import Problem
from holdback_base.vocabulary import expand_territories, is_group, parse_territory

from holdback_agents.reading import GONE, LISTED, Doubt, Reading, one_of

_PLATFORMS = {
    "social.youtube": ("youtube shorts", "youtube", "yt"),
    "social.instagram": ("instagram reels", "instagram", "reels", "insta"),
    "social.tiktok": ("tiktok", "tik tok"),
    "social.facebook": ("facebook",),
    "social.x": ("twitter",),
    "social.bluesky": ("bluesky",),
    "social.linkedin": ("linkedin",),
    "social.snapchat": ("snapchat",),
    "social.pinterest": ("pinterest",),
    "social.twitch": ("twitch",),
    "social.threads": (),
    "audio.podcast": ("podcasts", "podcast"),
    "web": ("website", "web", "our site"),
    "vod.svod": ("svod",),
    "vod.avod": ("avod",),
    "vod.fvod": ("fvod",),
    "vod.tvod": ("tvod",),
    "linear.fast": ("fast channels", "fast channel"),
    "linear": ("linear television", "linear tv", "linear", "television", "tv", "for broadcast"),
}
_NODES = {name: node for node, names in _PLATFORMS.items() for name in names} | {
    "x": "social.x",
    "threads": "social.threads",
}
_PLATFORM = re.compile(
    rf"(?i:\b(?:{'|'.join(re.escape(name) for name in sorted(_NODES, key=len, reverse=True) if len(name) > 1)})\b)"
    r"|(?:(?<=\bon )|(?<=\bfor )|(?<=\band )|(?<=, ))(?:X|Threads)\b"
)
_UNKNOWN_PLATFORM = re.compile(
    rf"(?:\b(?:on|for)\s+(?:the\s+)?|{LISTED}\s*(?:,|\band\b|&|\+|/)\s*(?:and\s+)?(?:(?:on|for)\s+)?)(?P<name>[A-Z]\w+)"
)
_PLACES = re.compile(
    rf"\bin\s+(?P<places>[^{GONE};.?!]+?)(?=\s+(?:in|for|from|until|between|on|with|under)\b|\s*(?:[{GONE};.?!]|$))",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,|\band\b|&|\+|/|$)\s*", re.IGNORECASE)
_ARTICLE_OR_ONLY = re.compile(r"^(?:the\s+)?|\s+(?:only|please|too)$", re.IGNORECASE)


def platforms_in(reading: Reading) -> tuple[str, ...] | Doubt | None:
    """Leaves of the media tree that are named, such as social.youtube for YouTube."""
    named = {_NODES[match[0].lower()] for match in reading.take(_PLATFORM, LISTED)}
    unknown = [match for match in reading.find(_UNKNOWN_PLATFORM) if not _is_place(match["name"])]
    for match in unknown:
        reading.mark(match.start("name"), match.end("name"), LISTED)
    if unknown:
        names = " and ".join(repr(match["name"]) for match in unknown)
        return Doubt(
            f"I do not know a platform {names}. Name all platforms again (for example: YouTube and Instagram)."
        )
    return tuple(node for node in _PLATFORMS if node in named) or None


def _is_place(name: str) -> bool:
    try:
        expand_territories([name], date.max)
    except Problem as problem:
        return bool(problem.details.get("meant"))
    return True


def territories_in(reading: Reading, today: date) -> tuple[str, ...] | Doubt | None:
    """ISO 3166 codes after `in`, or alone in an answer; groups become their members of today."""
    named: dict[str, tuple[str, ...]] = {}
    for match in reading.find(_PLACES):
        end, places = _places(match, today)
        if isinstance(places, Doubt):
            reading.mark(match.start(), end)
            return places
        if places:
            reading.mark(match.start(), end)
            named[reading.said[match.start() : end]] = places
    if not named and reading.is_answer and (match := _PLACES.fullmatch(f"in {reading.said.rstrip('. ')}")):
        end, places = _places(match, today)
        if end == match.end() and places and not isinstance(places, Doubt):
            reading.mark(0, len(reading.said))
            return places
    return one_of("set of places", named)


def _places(match: re.Match[str], today: date) -> tuple[int, tuple[str, ...] | Doubt]:
    """The places of a phrase, and where in the words they end: at the first words that do not look like a place."""
    named: list[str] = []
    unknown: list[str] = []
    start = end = match.start("places")
    for gap in _AND.finditer(match.string, start, match.end("places")):
        place = _ARTICLE_OR_ONLY.sub("", match.string[start : gap.start()]).strip()
        if place:
            found = _territories(place, today)
            if found is None:
                break
            (unknown if isinstance(found, Doubt) else named).extend([found.text] if isinstance(found, Doubt) else found)
            end = gap.start()
        start = gap.end()
    again = " Name all territories again." if unknown and len(unknown) + len(named) > 1 else ""
    return end, Doubt(" ".join(unknown) + again) if unknown else tuple(dict.fromkeys(named))


def _territories(place: str, today: date) -> Sequence[str] | Doubt | None:
    """The codes of a place or a group; a doubt when it might be a place; None when it does not look like one."""
    if is_group(place.upper()) or place.lower() in ("world", "worldwide"):
        return sorted(expand_territories(["WORLD" if place.lower() == "worldwide" else place], today))
    try:
        return [parse_territory(place)]
    except Problem as problem:
        meant = problem.details.get("meant")
        if meant and len(place) > 3:
            return [str(meant)]
        return Doubt(f"{problem.message} {problem.hint}") if meant or place[0].isupper() else None
