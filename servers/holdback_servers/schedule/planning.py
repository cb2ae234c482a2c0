"""Propose slots: the best few starts on a channel, each with its reasons, and the better ones that were refused. Pure.

A score runs from 0 to 100: seven tenths are the channel's reach in that hour, three tenths are how much of the possible
time in the cleared territories is still ahead, so that waiting costs. A crowded place, nearer to something else than
twice the gap, costs five. The weights are a choice of this house: over a month a day's delay weighs about as much as
one and a half points of reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from holdback_base.vocabulary import TimeRange, instant_text, intersection

from holdback_servers.schedule.broadcast_time import broadcast_day, day_range, local_text, weekday
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import common_windows, windows_by_territory
from holdback_servers.schedule.constraints import Books, Obstacle, Placed, minutes_text, obstacle
from holdback_servers.schedule.model import Availability, arranged, availability_bounds
from holdback_servers.schedule.proposal import ChannelProposal, LeftOut, Neighbour, RefusedSlot, Slot, SlotRequest

_REACH, _TIME_AHEAD, _CROWDED = 70, 30, 5
_SPREAD = timedelta(hours=3)
"""Two proposals lie at least this far apart: neighbours on the grid are no choice."""
_OPEN_END = timedelta(days=30)
"""How far beyond the last start an open window is counted."""


@dataclass(frozen=True)
class _Group:
    """Territories that are open in the same windows."""

    territories: tuple[str, ...]
    windows: tuple[TimeRange, ...]


class _Candidate(NamedTuple):
    """A start that is tried; the best comes first: `rank` is what is lacking from 100 points."""

    rank: int
    start: datetime
    reach: int
    crowded: bool = False

    @property
    def score(self) -> int:
        """From 0 to 100."""
        return max(0, 100 - self.rank)


def propose(books: Books, request: SlotRequest, now: datetime) -> ChannelProposal:
    """The best slots of this channel, best first; equal scores in order of time.

    Every slot keeps every rule of the channel and lies in cleared windows for as long as it is up. Slots of one answer
    lie three hours or more apart. `refused` names, for each rule, the best start that ranks before the first slot.
    """
    channel = books.channel
    groups, left_out = _groups(channel, request, now)
    slots: list[Slot] = []
    refused: dict[str, RefusedSlot] = {}
    apart = max(_SPREAD, timedelta(minutes=channel.min_gap_minutes))
    waiting = _candidates(channel, groups, request, now)
    while waiting and len(slots) < request.count:
        candidate = heappop(waiting)
        if any(abs(candidate.start - slot.start) < apart for slot in slots):
            continue
        stop = _not_open(channel, groups, request, candidate.start) or obstacle(
            books, _wanted(channel, request, candidate.start), now, after_watershed=request.after_watershed
        )
        if stop is None and not candidate.crowded and _is_crowded(books, candidate.start):
            heappush(waiting, candidate._replace(rank=candidate.rank + _CROWDED, crowded=True))
        elif stop is None:
            slots.append(_slot(books, groups, request, candidate))
        elif not slots and stop.rule not in refused:
            refused[stop.rule] = _refused(channel, candidate, stop)
    return ChannelProposal(
        channel=channel.name,
        platform=channel.platform,
        time_zone=channel.time_zone,
        slots=tuple(slots),
        refused=tuple(refused.values()),
        left_out=left_out,
    )


def starts(channel: Channel, earliest: datetime, latest: datetime) -> Iterator[datetime]:
    """The channel's grid in `[earliest, latest)`: steps from the beginning of each broadcast day."""
    day = broadcast_day(earliest, channel.zone, channel.day_begins)
    step = timedelta(minutes=channel.grid_minutes)
    while True:
        bounds = day_range(day, channel.zone, channel.day_begins)
        if bounds.start >= latest or bounds.end is None:
            return
        skipped = max(0, -((bounds.start - earliest) // step))
        moment = bounds.start + skipped * step
        while moment < min(bounds.end, latest):
            yield moment
            moment += step
        day += timedelta(days=1)


def _groups(channel: Channel, request: SlotRequest, now: datetime) -> tuple[tuple[_Group, ...], tuple[LeftOut, ...]]:
    """Territories by their windows, cut to when the publication may be up, and those that are left out."""
    reached = channel.reaches(max(now, request.earliest))
    left_out: list[LeftOut] = []
    if unreached := sorted(request.territories - reached):
        reason = f"{channel.name} does not reach it"
        left_out.append(LeftOut(territories=tuple(unreached), rule="TERRITORY_NOT_REACHED", reason=reason))
    places = request.territories & reached if channel.geo_blocking else reached
    windows = windows_by_territory(request.cleared, places, channel.platform)
    if shut := tuple(place for place, open_ in windows.items() if not open_):
        reason = f"nothing clears it on {channel.platform}"
        left_out.append(LeftOut(territories=shut, rule="TERRITORY_NOT_CLEARED", reason=reason))
    up = [TimeRange(start=request.earliest, end=request.until)]
    if not channel.geo_blocking:
        shared = tuple(intersection(common_windows(windows.values()), up))
        return ((_Group(tuple(windows), shared),) if shared else ()), tuple(left_out)
    together: dict[tuple[TimeRange, ...], list[str]] = {}
    for place, open_ in windows.items():
        if open_:
            together.setdefault(tuple(intersection(open_, up)), []).append(place)
    if late := together.pop((), None):
        reason = "it is cleared only when the publication is not up"
        left_out.append(LeftOut(territories=tuple(late), rule="OUTSIDE_CLEARED_WINDOW", reason=reason))
    return tuple(_Group(tuple(places), windows) for windows, places in together.items()), tuple(left_out)


def _candidates(channel: Channel, groups: tuple[_Group, ...], request: SlotRequest, now: datetime) -> list[_Candidate]:
    """Every start that is tried, as a heap: the grid, and the instants at which a territory opens."""
    earliest = max(request.earliest, now)
    tried = set(starts(channel, earliest, request.latest))
    openings = {window.start for group in groups for window in group.windows}
    tried |= {opening for opening in openings if earliest <= opening < request.latest}
    ahead = _TimeAhead(channel, groups, request)
    candidates: list[_Candidate] = []
    for start in tried:
        reach = channel.reach.at(start.astimezone(channel.zone))
        score = (_REACH * reach + _TIME_AHEAD * ahead.percent(start)) // 100
        candidates.append(_Candidate(100 - score, start, reach))
    heapify(candidates)
    return candidates


def _is_crowded(books: Books, start: datetime) -> bool:
    """Whether something else stands nearer than twice the channel's gap."""
    gap = timedelta(minutes=2 * books.channel.min_gap_minutes)
    return bool(gap and books.near(start, start, gap))


class _TimeAhead:
    """How much of the possible time in all cleared territories lies after a start, in per cent."""

    def __init__(self, channel: Channel, groups: tuple[_Group, ...], request: SlotRequest) -> None:
        horizon = request.until or request.latest + _OPEN_END
        self._pieces = [
            (len(group.territories), window.start, min(window.end or horizon, horizon))
            for group in groups
            for window in group.windows
        ]
        self._counts = channel.kind != "linear"
        self._all = self._left(request.earliest)

    def _left(self, start: datetime) -> timedelta:
        left = timedelta()
        for places, begin, end in self._pieces:
            if (opens := max(start, begin)) < end:
                left += places * (end - opens)
        return left

    def percent(self, start: datetime) -> int:
        """From 0 to 100; always 100 on a linear channel, where a later transmission lasts as long."""
        return 100 * self._left(start) // self._all if self._counts and self._all else 100


def _not_open(channel: Channel, groups: tuple[_Group, ...], request: SlotRequest, start: datetime) -> Obstacle | None:
    """Why the start is not cleared: nothing is open at it for at least the length of the media."""
    if not groups:
        text = f"no territory that {channel.name} reaches is cleared on {channel.platform}"
        return Obstacle(rule="TERRITORY_NOT_CLEARED", text=text)
    length = TimeRange(start=start, end=start + timedelta(seconds=request.duration_seconds))
    if any(window.covers(length) for group in groups for window in group.windows):
        return None
    later = [(window.start, group) for group in groups for window in group.windows if window.start > start]
    if not later:
        return Obstacle(rule="OUTSIDE_CLEARED_WINDOW", text="no cleared window is long enough from here on")
    opening, group = min(later, key=lambda each: (each[0], each[1].territories))
    text = f"{places_text(group.territories)} opens only {local_text(opening, channel.zone)}"
    return Obstacle(rule="OUTSIDE_CLEARED_WINDOW", text=text)


def _wanted(channel: Channel, request: SlotRequest, start: datetime) -> Placed:
    length = timedelta(seconds=request.duration_seconds) if channel.kind == "linear" else timedelta()
    details = request.details
    return Placed(
        start,
        "",
        start + length,
        request.title,
        "proposed",
        details.sponsor,
        details.priority,
        follows=details.follows,
    )


def _availability(
    channel: Channel, groups: tuple[_Group, ...], request: SlotRequest, start: datetime
) -> tuple[Availability, ...]:
    """Each territory from when it is open, but not before the start, for as long as it is cleared."""
    end = start + timedelta(seconds=request.duration_seconds) if channel.kind == "linear" else None
    ahead = [TimeRange(start=start, end=end)]
    return arranged(
        tuple(
            Availability(territories=group.territories, start=window.start, end=window.end)
            for group in groups
            for window in intersection(group.windows, ahead)
        )
    )


def _slot(books: Books, groups: tuple[_Group, ...], request: SlotRequest, chosen: _Candidate) -> Slot:
    channel = books.channel
    local = chosen.start.astimezone(channel.zone)
    availability = _availability(channel, groups, request, chosen.start)
    near = _neighbours(books, chosen.start)
    return Slot(
        channel=channel.name,
        start=chosen.start,
        end=availability_bounds(availability)[1],
        local_start=local_text(chosen.start, channel.zone),
        daypart=channel.daypart_at(local),
        score=chosen.score,
        reasons=tuple(_reasons(channel, chosen, availability, near)),
        near=near,
        availability=availability,
    )


def _reasons(
    channel: Channel, chosen: _Candidate, availability: tuple[Availability, ...], near: tuple[Neighbour, ...]
) -> Iterator[str]:
    local = chosen.start.astimezone(channel.zone)
    day = weekday(local.date()).title()
    yield f"reach {chosen.reach} of 100 on {day} from {local:%H}:00 ({channel.reach.source})"
    for piece in availability:
        when = "from the start" if piece.start == chosen.start else f"joins {instant_text(piece.start)}"
        until = "" if piece.end is None or channel.kind == "linear" else f" until {instant_text(piece.end)}"
        yield f"{places_text(piece.territories)} {when}{until}"
    for other in near:
        side = "before" if other.minutes > 0 else "after"
        yield f"{minutes_text(timedelta(minutes=abs(other.minutes)))} {side} {other.title!r} ({other.state})"
    if chosen.crowded:
        yield f"crowded: costs {_CROWDED} points"
    elif not near:
        yield "nothing else on the channel within a day"


def _neighbours(books: Books, start: datetime) -> tuple[Neighbour, ...]:
    """The nearest publication before and after, within a day."""
    near = books.near(start, start, timedelta(hours=24))
    before = [each for each in near if each.start < start][-1:]
    after = [each for each in near if each.start > start][:1]
    return tuple(
        Neighbour(
            publication=each.id,
            title=each.title,
            minutes=int((each.start - start).total_seconds() // 60),
            state=each.state,
        )
        for each in before + after
    )


def _refused(channel: Channel, candidate: _Candidate, stop: Obstacle) -> RefusedSlot:
    return RefusedSlot(
        channel=channel.name,
        start=candidate.start,
        local_start=local_text(candidate.start, channel.zone),
        score=candidate.score,
        rule=stop.rule,
        reason=stop.text,
    )


def places_text(territories: tuple[str, ...]) -> str:
    """`DE, GB`, or the first few and how many more."""
    if len(territories) <= 8:
        return ", ".join(territories)
    return f"{', '.join(territories[:6])} and {len(territories) - 6} more"
