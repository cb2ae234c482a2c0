"""A clearance as a statement: what may be signed, what the statement says, and how it stands later. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem

from holdback_servers.rights.answers import ClearanceLoss
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.clearance import decide
from holdback_servers.rights.explaining import report as told_of
from holdback_servers.rights.report import Asked, CellGroup, ClearanceReport, Reason
from holdback_servers.rights.windows import OPEN, Windows, clipped, point, ranges, window, without

ISSUER = "mcp:rights"
STATUS = "status+jwt"
VALID_FOR = timedelta(days=7)
"""A decision on rights grows stale: whoever has not committed by then asks again."""
STATUS_SECONDS = 60
_OPENING = ("CLEARED", "PARTIAL")


def open_cells(report: ClearanceReport) -> tuple[CellGroup, ...]:
    """The groups a statement may hold: clear now, every condition met."""
    return tuple(each for each in report.groups if each.verdict in _OPENING)


def refusal(report: ClearanceReport, now: datetime, *, accept_partial: bool, sign_refusal: bool) -> str | None:
    """Why no statement is signed for this report now, if none is."""
    cells = open_cells(report)
    if sign_refusal and not cells:
        return None
    if cells and expiry(cells, now) <= now:
        return "what is clear is over by now; ask for a window that ends later"
    if not cells:
        return "no cell is clear as the cut stands; see the reasons, and the plans for what would clear it"
    if report.verdict != "CLEARED" and not accept_partial:
        return "not every cell is clear for all of the window; ask with accept_partial to have what is clear signed"
    return None


def claims(report: ClearanceReport, identity: str, now: datetime, by: Sequence[str], person: str) -> dict[str, Any]:
    """The claims of the signed clearance. `deliveries` are all sha256 it covers; the first is the subject. A refusal on
    record has no cells.

    `delivery_elements` gives each delivery's own element hash. `cells` hold only what is clear. `runs` are the
    transmissions it was decided for. `conditions` are those it relies on; `undertakings` name those among them that
    whoever delivers must keep. `exp` is seven days on, or the end of the last window where that is sooner.
    """
    cells = open_cells(report)
    relied_on = {key for each in cells for key in each.conditions}
    return {
        "iss": ISSUER,
        "sub": report.cuts[0].media,
        "elements": report.cuts[0].elements,
        "deliveries": [each.media for each in report.cuts],
        "delivery_elements": {each.media: each.elements for each in report.cuts},
        "verdict": report.verdict,
        "purpose": report.asked.purpose,
        "languages": list(report.asked.languages),
        "runs": report.asked.runs,
        "exclusive": report.asked.exclusive,
        "undertakings": list(report.asked.undertakings),
        "cells": [
            each.model_dump(mode="json", include={"territories", "platforms", "verdict", "windows"}, exclude_none=True)
            for each in cells
        ],
        "conditions": [
            each.model_dump(mode="json", include={"type", "text", "ref", "right"}, exclude_none=True)
            for each in report.conditions
            if each.met and each.key in relied_on
        ],
        "rights_snapshot": report.rights_snapshot,
        "by": list(by),
        "for": person,
        "iat": int(now.timestamp()),
        "exp": int(expiry(cells, now).timestamp()),
        "jti": identity,
    }


def inherited(cuts: Sequence[CutFacts]) -> dict[str, Any]:
    """What a clearance says beside, on the word of its cut statements: `tier`, that of the most valuable cut, and the
    closed `story` where they belong to one.

    Raises Problem CONFLICT for cuts of two closed stories: whoever may know of one need not know of the other.
    """
    stories = {each.story for each in cuts if each.story is not None}
    if len(stories) > 1:
        raise Problem(
            "CONFLICT",
            "The cuts belong to different closed stories; one clearance would tell of both.",
            "Have the cuts of each story cleared by themselves.",
        )
    tier = {"tier": max(each.tier for each in cuts)}
    return tier | ({"story": stories.pop()} if stories else {})


def expiry(cells: Sequence[CellGroup], now: datetime) -> datetime:
    """When a clearance over these cells lapses, in whole seconds."""
    latest = now + VALID_FOR
    ends = [window.end for each in cells for window in each.windows]
    last = max((end for end in ends if end is not None), default=latest)
    return (latest if None in ends else min(latest, last)).replace(microsecond=0)


def losses(
    asked: Asked,
    cuts: Sequence[CutFacts],
    cells: Sequence[CellGroup],
    books: Mapping[str, Book],
    now: datetime,
) -> tuple[ClearanceLoss, ...]:
    """What a clearance opened and is no longer clear, decided again on its own question: from now on, with the reasons.

    Args:
        asked: the question that it answered. Its runs are not taken again: a reservation may hold them. A limit that
            has become smaller than they are takes them away.
        cells: what it opened.
    """
    decision = decide(asked, cuts, {ref: _with_runs_held(book, asked.runs) for ref, book in books.items()})
    rows = {place: n for n, places in enumerate(decision.rows) for place in places}
    columns = {node: n for n, nodes in enumerate(decision.columns) for node in nodes}
    lost: dict[tuple[str, str], Windows] = {}
    for cell in cells:
        opened = tuple(
            part for each in cell.windows for part in clipped(window(each.start, each.end), (point(now), OPEN))
        )
        for place, node in product(cell.territories, cell.platforms):
            if gone := without(opened, decision.cells[rows[place]][columns[node]].now):
                lost[place, node] = gone
    return _told(lost, told_of(decision)) if lost else ()


def _with_runs_held(book: Book, runs: int) -> Book:
    """The book as if so many runs were still to be had where the limit allows them and is not overrun."""

    def held(each: Entry) -> Entry:
        most = each.limits.max_runs
        if most is None or most < runs or not most - runs < each.taken <= most:
            return each
        return replace(each, taken=most - runs)

    limited = any(each.limits.max_runs is not None for each in book.entries)
    return Book(map(held, book.entries)) if limited else book


def _told(lost: Mapping[tuple[str, str], Windows], told: ClearanceReport) -> tuple[ClearanceLoss, ...]:
    """Places and platforms that lose the same for the same reasons, together."""
    by_key = {each.key: each for each in told.reasons}
    reasons_of = {
        (place, node): [by_key[key] for key in group.reasons]
        for group in told.groups
        for place, node in product(group.territories, group.platforms)
    }
    media: dict[tuple[str, Windows, tuple[str, ...]], list[str]] = {}
    for (place, node), gone in lost.items():
        why = [each for each in reasons_of[place, node] if _meets(each, gone)]
        media.setdefault((place, gone, tuple(_line(each) for each in why)), []).append(node)
    alike: dict[tuple[Windows, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (place, gone, lines), nodes in media.items():
        alike.setdefault((gone, lines, tuple(sorted(nodes))), []).append(place)
    return tuple(
        ClearanceLoss(territories=tuple(sorted(places)), platforms=nodes, windows=ranges(gone), reasons=lines)
        for (gone, lines, nodes), places in sorted(alike.items(), key=lambda each: (sorted(each[1]), each[0][2]))
    )


def _meets(reason: Reason, gone: Windows) -> bool:
    return any(clipped(window(each.start, each.end), part) for each in reason.windows for part in gone)


def _line(reason: Reason) -> str:
    clause = f", clause {reason.clause}" if reason.clause else ""
    source = f" ({reason.right} of {reason.contract}{clause})" if reason.right else ""
    return f"{reason.code}: {reason.text}{source}"
