"""Which publications end soon, and why: publications held against the grants that end under them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from holdback_base.vocabulary import TimeRange, instant_text, medium_within, territory_within

from holdback_agents.contracts import Availability
from holdback_agents.publishing_parts import EndingPublication, ExpiryReport

MARKS = (7, 30, 90)
"""Days of 24 hours before an end at which people want to hear of it."""


def ending_publications(
    publications: Iterable[Mapping[str, Any]], ending: Sequence[Mapping[str, Any]], now: datetime, days: int
) -> tuple[EndingPublication, ...]:
    """Publications that come down within the days, the first to end first.

    Args:
        publications: as get_schedule gives them.
        ending: grants that end, as report_expiring gives them.
        now: days count from here; what has ended by then is left out.
    """
    found: list[EndingPublication] = []
    for publication in publications:
        for ends, places in _ends(publication).items():
            if not now < ends <= now + timedelta(days=days):
                continue
            here = Availability(territories=places, start=now, end=ends)
            rights = (each for each in ending if publication.get("clearance") in each["clearances"])
            found.append(
                EndingPublication(
                    publication=publication["id"],
                    title=publication["title"],
                    channel=publication["channel"],
                    state=publication["state"],
                    clearance=publication.get("clearance") or "",
                    territories=places,
                    ends=ends,
                    days_left=(ends - now) // timedelta(days=1),
                    within_days=next((mark for mark in MARKS if ends - now <= timedelta(days=mark)), None),
                    rights=tuple(right_line(each) for each in rights if _ends_it(each, here, publication["platform"])),
                )
            )
    return tuple(sorted(found, key=lambda each: (each.ends, each.publication)))


def _ends(publication: Mapping[str, Any]) -> dict[datetime, tuple[str, ...]]:
    """The territories in which it comes down, by when."""
    found: dict[datetime, list[str]] = {}
    for each in publication["availability"]:
        piece = Availability.model_validate(each)
        if piece.end is not None:
            found.setdefault(piece.end, []).extend(piece.territories)
    return {end: tuple(dict.fromkeys(places)) for end, places in found.items()}


def _ends_it(right: Mapping[str, Any], here: Availability, platform: str) -> bool:
    """Whether nobody gives what this grant gave from the end of a publication on, there where it was shown.

    A publication ends when its clearance does, so that a grant matters that ends then or before.
    """
    return any(_touches(scope, here, platform) for scope in right["lost"])


def _touches(scope: Mapping[str, Any], piece: Availability, platform: str) -> bool:
    """Whether what is lost begins at or before the piece's end, in one of its territories, on its platform."""
    windows = [TimeRange.model_validate(each) for each in scope["windows"]]
    if piece.end is None or not any(window.start <= piece.end for window in windows):
        return False
    named, excluded = frozenset(scope["territories"]), frozenset(scope.get("excluded_territories", ()))
    here = any(
        ("WORLD" in named or territory_within(each, named)) and not territory_within(each, excluded)
        for each in piece.territories
    )
    given = any(medium_within(platform, each) for each in scope["media"])
    return here and given and not any(medium_within(platform, each) for each in scope.get("excluded_media", ()))


def right_line(right: Mapping[str, Any]) -> str:
    """A grant that ends, in a line."""
    clause = f", clause {right['clause']}" if right.get("clause") else ""
    return f"{right['ref']}: {right['right']} of {right['contract']}{clause} ends {right['ends']}"


def report_text(report: ExpiryReport, days: int) -> str:
    """What ends, what is at risk, and what was done, in lines."""
    lines = [
        f"{len({each.publication for each in report.endings})} publications end within {days} days, "
        f"{len(report.at_risk)} are at risk now."
    ]
    for each in report.at_risk:
        lines.append(f"At risk: {each.publication} {each.title!r} on {each.channel}, {each.state}")
        lines += [f"  {finding.code}: {finding.text}" for finding in each.findings]
    for each in report.endings:
        lines.append(
            f"{each.days_left} days: {each.publication} {each.title!r} on {each.channel} in "
            f"{', '.join(each.territories)}, until {instant_text(each.ends)}"
        )
        lines += [f"  {right}" for right in each.rights]
    for each in report.rescheduled:
        lines += each.text.splitlines()
    lines += [f"Not mended: {each}" for each in report.failed]
    if report.unchecked:
        lines.append(f"Not looked at, since there are too many: {len(report.unchecked)} clearances.")
    return "\n".join(lines)
