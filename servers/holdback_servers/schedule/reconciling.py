"""A plan against what really aired: matched, told apart, counted. Pure.

A line belongs to a publication by its id; else by the material (house number or bytes), nearest in time; else by the
title. What aired in several parts counts as one when each part names the publication.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, get_args

from holdback_base.vocabulary import TimeRange, instant_text, intersection

from holdback_servers.schedule.asrun_nouns import AiredItem, Difference, Outcome, Reconciliation
from holdback_servers.schedule.constraints import minutes_text
from holdback_servers.schedule.model import Publication, State

PLANNED: Final[frozenset[State]] = frozenset({"scheduled", "live", "expired", "failed"})
"""States of what was to be shown; `failed` is among them because what aired may show that it did not fail."""
SAME_MATERIAL: Final = timedelta(hours=12)
"""How far from its plan material is looked for."""
SAME_TITLE: Final = timedelta(hours=3)
"""How far from its plan a title is looked for."""

_Keys = tuple[Callable[[Publication], set[str]], Callable[[AiredItem], set[str]], timedelta]
"""Two are the same when they share a key, and lie no further apart than this."""


def reconcile(
    channel: str,
    planned: Iterable[Publication],
    aired: Iterable[AiredItem],
    *,
    window: TimeRange,
    covered: Sequence[TimeRange],
    tolerance: timedelta,
) -> Reconciliation:
    """What became of each publication that starts in the window, and what aired in it without a plan.

    Args:
        planned: of the channel, in any state; those around the window too, so that what aired late finds its plan.
        aired: what the record says of the window and around it.
        window: what is asked about.
        covered: the hours that the record tells of: only in them something can be missing.
        tolerance: seconds that do not count.
    """
    plans = sorted((each for each in planned if each.state in PLANNED), key=lambda each: (each.start, each.id))
    lines = sorted(aired, key=lambda each: (each.start, each.id))
    matched, told_of = _match(plans, lines), intersection([window], covered)
    told = [
        _judged(plan, matched.get(plan.id, []), tolerance)
        for plan in plans
        if matched.get(plan.id) or any(hours.contains(plan.start) for hours in told_of)
    ]
    taken = {line.id for found in matched.values() for line in found}
    told += [_unplanned(line) for line in lines if line.id not in taken and window.contains(line.start)]
    told.sort(key=lambda each: (_when(each), each.title))
    inside = [each for each in told if any(one and window.contains(one.start) for one in (each.planned, each.aired))]
    counts: dict[Outcome, int] = {name: sum(each.outcome == name for each in inside) for name in get_args(Outcome)}
    return Reconciliation(channel=channel, window=window, covered=tuple(told_of), items=tuple(inside), counts=counts)


def _match(plans: Sequence[Publication], lines: Sequence[AiredItem]) -> dict[str, list[AiredItem]]:
    """The lines of each publication."""
    ids = {plan.id: plan.id for plan in plans} | {plan.hold: plan.id for plan in plans if plan.hold}
    matched: dict[str, list[AiredItem]] = {}
    for line in lines:
        if line.publication in ids:
            matched.setdefault(ids[line.publication], []).append(line)
    rules: tuple[_Keys, ...] = (
        (_material_planned, _material_aired, SAME_MATERIAL),
        (lambda plan: {_folded(plan.title)}, lambda line: {_folded(line.title)}, SAME_TITLE),
    )
    for rule in rules:
        taken = {line.id for found in matched.values() for line in found}
        free = [line for line in lines if line.id not in taken and line.publication not in ids]
        for plan, line in _nearest([plan for plan in plans if plan.id not in matched], free, rule):
            matched[plan.id] = [line]
    return matched


def _nearest(
    plans: Sequence[Publication], lines: Sequence[AiredItem], rule: _Keys
) -> Iterator[tuple[Publication, AiredItem]]:
    """Pairs of what is the same, those nearest in time first; each plan and each line once."""
    planned_keys, aired_keys, far = rule
    by_key: dict[str, list[AiredItem]] = {}
    for line in lines:
        for key in aired_keys(line):
            by_key.setdefault(key, []).append(line)
    pairs = [
        (apart, plan.start, plan.id, line.id, plan, line)
        for plan in plans
        for key in planned_keys(plan)
        for line in by_key.get(key, ())
        if (apart := abs(line.start - plan.start)) <= far
    ]
    used: set[str] = set()
    for _, _, plan_id, line_id, plan, line in sorted(pairs, key=lambda pair: pair[:4]):
        if plan_id not in used and line_id not in used:
            used |= {plan_id, line_id}
            yield plan, line


def _material_planned(plan: Publication) -> set[str]:
    media = plan.media or ""
    return {plan.id, plan.asset or "", media, media.removeprefix("sha256:")} - {""}


def _material_aired(line: AiredItem) -> set[str]:
    return {line.reference, line.media or ""} - {""}


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


def _judged(plan: Publication, lines: list[AiredItem], tolerance: timedelta) -> Difference:
    window = TimeRange(start=plan.start, end=plan.end)
    if not lines:
        text = f"{plan.title!r}, planned for {instant_text(plan.start)}, did not air."
        return Difference(outcome="missing", title=plan.title, publication=plan.id, planned=window, text=text)
    first, last = lines[0], max(lines, key=lambda each: each.end)
    shown = sum((each.end - each.start for each in lines), timedelta())
    late = first.start - plan.start
    wanted = shown if plan.end is None else plan.end - plan.start
    said: list[str] = []
    outcome: Outcome = "as_planned"
    if abs(late) > tolerance:
        outcome = "shifted"
        said.append(f"{_length(late)} {'late' if late > timedelta() else 'early'}")
    if abs(shown - wanted) > tolerance:
        outcome = "cut_short" if shown < wanted else "overran"
        said.append(f"{_length(shown - wanted)} {'short' if shown < wanted else 'longer'}")
    if beyond := _beyond(plan, first.start, last.end, tolerance):
        said.append(beyond)
    text = f"{plan.title!r} aired {' and '.join(said) or 'as planned'}: {instant_text(first.start)}."
    return Difference(
        outcome=outcome,
        title=plan.title,
        publication=plan.id,
        planned=window,
        aired=TimeRange(start=first.start, end=last.end),
        aired_seconds=shown.total_seconds(),
        aired_items=tuple(each.id for each in lines),
        text=text,
    )


def _beyond(plan: Publication, start: datetime, end: datetime, tolerance: timedelta) -> str:
    """Whether it was on air when no person had approved that; what is not cleared here says nothing."""
    ends = [each.end for each in plan.approved_for]
    if plan.clearance is None or not ends:
        return ""
    before = start < min(each.start for each in plan.approved_for) - tolerance
    after = None not in ends and end > max(each for each in ends if each is not None) + tolerance
    return "outside what was approved, so look at its rights" if before or after else ""


def _unplanned(line: AiredItem) -> Difference:
    text = f"{line.title!r} aired at {instant_text(line.start)} without a plan."
    return Difference(
        outcome="unplanned",
        title=line.title,
        aired=line.window,
        aired_seconds=(line.end - line.start).total_seconds(),
        aired_items=(line.id,),
        text=text,
    )


def _when(difference: Difference) -> datetime:
    """When it was planned, else when it aired."""
    window = difference.planned or difference.aired
    assert window is not None, "every difference has one of them"
    return window.start


def _length(apart: timedelta) -> str:
    apart = abs(apart)
    return minutes_text(apart) if apart >= timedelta(minutes=2) else f"{apart.total_seconds():g} s"
