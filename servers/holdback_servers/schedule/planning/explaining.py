"""Why something can start at an instant or why not: every rule, what stands in the way, and what it is worth. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from holdback_base.vocabulary import TimeRange, instant_text

from holdback_servers.schedule.broadcast_time import local_text
from holdback_servers.schedule.constraints import Books, Obstacle, Placed, Rule, minutes_text
from holdback_servers.schedule.model import availability_bounds
from holdback_servers.schedule.planning.asking import REACH, TIME_AHEAD, Asked, ask, places_text
from holdback_servers.schedule.planning.choosing import reach_text, slot_at
from holdback_servers.schedule.planning.displacing import displaced, firm
from holdback_servers.schedule.planning.ranking import CROWDED, DISPLACING, Candidate, is_crowded, starts
from holdback_servers.schedule.proposal import Explanation, InTheWay, ScorePart, Slot, SlotRequest, Verdict

NEARBY: Final = timedelta(days=14)
"""How far from the start another free one is looked for."""


def explain(books: Books, request: SlotRequest, start: datetime, now: datetime) -> Explanation:
    """Everything that speaks for and against a start on this channel.

    `request` bounds when it is up by `until`; its own range of starts is where time ahead is counted from and to, so a
    start that propose offers has the same score here when both are asked alike.
    """
    asked = ask(books, request, now)
    stops = asked.all_obstacles(start)
    others = {other for stop in stops for other in stop.others}
    priority = request.details.priority
    parts = tuple(_parts(asked, start, stops))
    return Explanation(
        channel=asked.channel.name,
        title=request.title,
        start=start,
        local_start=local_text(start, asked.channel.zone),
        free=not stops,
        score=min(100, max(0, sum(each.points for each in parts))),
        parts=parts,
        rules=tuple(_verdicts(asked, start, stops)),
        in_the_way=tuple(_in_the_way(each, priority, now) for each in books.placed if each.id in others),
        nearest=_nearest(asked, start) if stops else None,
        availability=asked.availability(start),
        left_out=asked.left_out,
    )


def _in_the_way(other: Placed, priority: int, now: datetime) -> InTheWay:
    return InTheWay(
        publication=other.id,
        title=other.title,
        start=other.start,
        state=other.state,
        priority=other.priority,
        locked=other.locked,
        gives_way=other.gives_way(priority, now),
    )


def _parts(asked: Asked, start: datetime, stops: list[Obstacle]) -> Iterator[ScorePart]:
    reach, ahead = asked.channel.reach.at(start.astimezone(asked.channel.zone)), asked.ahead(start)
    of_reach = REACH * reach // 100
    yield ScorePart(points=of_reach, text=f"of {REACH}: {reach_text(asked, start, reach)}")
    text = f"of {TIME_AHEAD}: {ahead} per cent of the possible time in the cleared territories is still ahead"
    yield ScorePart(points=asked.points(start, reach) - of_reach, text=text)
    if not stops:
        if is_crowded(asked.books, start):
            yield ScorePart(points=-CROWDED, text="something else is nearer than twice the channel's gap")
    elif asked.barred(firm(asked)).at(start) is None:
        gone = ", ".join(repr(each.title) for each in displaced(asked, asked.wanted(start)))
        yield ScorePart(points=-DISPLACING, text=f"it would take the place of {gone}, which matters less")


def _nearest(asked: Asked, start: datetime) -> Slot | None:
    """The free start of the grid, or of the instants worth trying, that is nearest; of two as near the earlier."""
    window = asked.window
    first = max(window.start, start - NEARBY)
    last = min(window.end or start + NEARBY, start + NEARBY)
    if first >= last:
        return None
    near = TimeRange(start=first, end=last)
    bars = asked.barred()
    tried = {*starts(asked.channel, first, last), *(each for each in asked.openings() if near.contains(each))}
    for each in sorted(tried, key=lambda moment: (abs(moment - start), moment)):
        if bars.at(each) is None:
            reach = asked.channel.reach.at(each.astimezone(asked.channel.zone))
            crowded = is_crowded(asked.books, each)
            score = asked.points(each, reach) - (CROWDED if crowded else 0)
            return slot_at(asked, Candidate(score, each, reach, crowded=crowded))
    return None


def _verdicts(asked: Asked, start: datetime, stops: list[Obstacle]) -> Iterator[Verdict]:
    for rule, kept in _KEPT.items():
        broken = [each for each in stops if each.rule == rule]
        if not broken:
            yield Verdict(rule=rule, kept=True, text=kept(asked, start))
            continue
        others = tuple(dict.fromkeys(other for each in broken for other in each.others))
        yield Verdict(rule=rule, kept=False, text="; ".join(each.text for each in broken), others=others)


def _open_text(asked: Asked, start: datetime) -> str:
    pieces = [piece for piece in asked.availability(start) if piece.start == start]
    until = availability_bounds(tuple(pieces))[1] if pieces else None
    places = places_text(sorted({place for piece in pieces for place in piece.territories}))
    return (
        f"{places} open from it{'' if until is None else f' until {instant_text(until)}'}" if places else "none is open"
    )


def _watershed_text(asked: Asked, start: datetime) -> str:
    if not asked.request.after_watershed:
        return "it may be shown at any hour"
    watershed = asked.channel.watershed
    if watershed is None:
        return "the channel has none"
    return f"all of it lies after the watershed, {watershed.start} to {watershed.end} {asked.channel.time_zone}"


def _follow_text(asked: Asked, start: datetime) -> str:
    followed = asked.request.details.follows
    return "its start is fixed" if followed is None else f"it starts at the end of {followed}"


def _title_text(asked: Asked, start: datetime) -> str:
    needed = asked.channel.title_separation_hours
    if not needed:
        return "the channel asks for none"
    title = asked.request.title.casefold()
    same = [abs(each.start - start) for each in asked.books.placed if each.title.casefold() == title]
    return (
        f"the same title is {minutes_text(min(same))} away; it needs {needed} h" if same else "it is not shown nearby"
    )


def _sponsor_text(asked: Asked, start: datetime) -> str:
    needed, sponsor = asked.channel.sponsor_separation_minutes, asked.request.details.sponsor
    if not needed or not sponsor:
        return "the channel asks for none" if not needed else "it has no sponsor"
    return f"no sponsor of {sponsor!r} within {needed} min"


def _gap_text(asked: Asked, start: datetime) -> str:
    needed = asked.channel.min_gap_minutes
    until = start + asked.length
    near = asked.books.near(start, until, timedelta(days=1))
    gaps = [max(start - each.until, each.start - until) for each in near]
    nearest = f"the next thing is {minutes_text(min(gaps))} away" if gaps else "nothing else is within a day"
    return f"{nearest}; the channel needs {needed} min" if needed else "the channel asks for none"


def _cap_text(asked: Asked, start: datetime) -> str:
    cap, books = asked.channel.daily_cap, asked.books
    if cap is None:
        return "the channel has none"
    return f"the broadcast day {books.day_of(start)} has {len(books.on_day_of(start))} of at most {cap}"


_KEPT: dict[Rule, Callable[[Asked, datetime], str]] = {
    "TERRITORY_NOT_CLEARED": lambda asked, start: f"{asked.channel.platform} is cleared somewhere that it reaches",
    "OUTSIDE_CLEARED_WINDOW": _open_text,
    "IN_THE_PAST": lambda asked, start: "it is still to come",
    "BLACKOUT": lambda asked, start: "no blackout touches it",
    "WATERSHED": _watershed_text,
    "FOLLOW": _follow_text,
    "SLOT_TAKEN": lambda asked, start: "nothing else is on then",
    "TITLE_SEPARATION": _title_text,
    "SPONSOR_SEPARATION": _sponsor_text,
    "MIN_GAP": _gap_text,
    "DAILY_CAP": _cap_text,
}
"""What is said of each rule that is kept, in the order of the rules."""
