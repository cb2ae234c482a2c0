"""The slots that are proposed, with everything that is said of them. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule.broadcast_time import local_text, weekday
from holdback_servers.schedule.constraints import Books, Placed, minutes_text
from holdback_servers.schedule.model import Availability, availability_bounds
from holdback_servers.schedule.planning.asking import Asked, ask, places_text
from holdback_servers.schedule.planning.displacing import displaced
from holdback_servers.schedule.planning.ranking import CROWDED, DISPLACING, Candidate, Ranking
from holdback_servers.schedule.proposal import ChannelProposal, Displaced, Neighbour, RefusedSlot, Slot, SlotRequest

_SPREAD = timedelta(hours=3)
"""Two proposals lie at least this far apart: neighbours on the grid are no choice."""


def propose(books: Books, request: SlotRequest, now: datetime) -> ChannelProposal:
    """The best slots of this channel, best first; equal scores in order of time.

    Every slot keeps every rule of the channel, once what it displaces has been moved, and lies in cleared windows for
    as long as it is up. Slots of one answer lie three hours or more apart. `refused` names, for each rule, the best
    start that ranks before the first slot.
    """
    asked = ask(books, request, now)
    channel = books.channel
    slots: list[Slot] = []
    refused: dict[str, RefusedSlot] = {}
    apart = max(_SPREAD, timedelta(minutes=channel.min_gap_minutes))
    for candidate in Ranking(asked):
        if candidate.refused:
            if not slots and candidate.rule not in refused:
                stop = _refused(asked, candidate)
                refused[stop.rule] = stop
        elif all(abs(candidate.start - slot.start) >= apart for slot in slots):
            slots.append(slot_at(asked, candidate))
        if len(slots) == request.count:
            break
    return ChannelProposal(
        channel=channel.name,
        platform=channel.platform,
        time_zone=channel.time_zone,
        slots=tuple(slots),
        refused=tuple(refused.values()),
        left_out=asked.left_out,
    )


def slot_at(asked: Asked, chosen: Candidate) -> Slot:
    """The slot, with its reasons, what is near, and what it displaces."""
    channel = asked.channel
    local = chosen.start.astimezone(channel.zone)
    availability = asked.availability(chosen.start)
    gone = displaced(asked, asked.wanted(chosen.start)) if chosen.displacing else ()
    near = neighbours(asked.books, chosen.start, gone)
    return Slot(
        channel=channel.name,
        start=chosen.start,
        end=availability_bounds(availability)[1],
        local_start=local_text(chosen.start, channel.zone),
        daypart=channel.daypart_at(local),
        score=max(0, chosen.score),
        reasons=tuple(_reasons(asked, chosen, availability, near, gone)),
        near=near,
        availability=availability,
        displaces=tuple(
            Displaced(publication=each.id, title=each.title, start=each.start, priority=each.priority) for each in gone
        ),
    )


def _reasons(
    asked: Asked,
    chosen: Candidate,
    availability: tuple[Availability, ...],
    near: tuple[Neighbour, ...],
    gone: Sequence[Placed],
) -> Iterator[str]:
    yield reach_text(asked, chosen.start, chosen.reach)
    for piece in availability:
        when = "from the start" if piece.start == chosen.start else f"joins {instant_text(piece.start)}"
        until = "" if piece.end is None or asked.channel.kind == "linear" else f" until {instant_text(piece.end)}"
        yield f"{places_text(piece.territories)} {when}{until}"
    for other in near:
        side = "before" if other.minutes > 0 else "after"
        yield f"{minutes_text(timedelta(minutes=abs(other.minutes)))} {side} {other.title!r} ({other.state})"
    if gone:
        named = ", ".join(f"{each.title!r} ({each.state}, priority {each.priority})" for each in gone)
        yield f"takes the place of {named}: costs {DISPLACING} points"
        yield "it can be held only when that has been moved: see plan_changes and apply_changes"
    elif chosen.crowded:
        yield f"crowded: costs {CROWDED} points"
    elif not near:
        yield "nothing else on the channel within a day"


def reach_text(asked: Asked, start: datetime, reach: int) -> str:
    """What the hour reaches, and where that is known from."""
    local = start.astimezone(asked.channel.zone)
    day = weekday(local.date()).title()
    return f"reach {reach} of 100 on {day} from {local:%H}:00 ({asked.channel.reach.told(local)})"


def neighbours(books: Books, start: datetime, gone: Sequence[Placed] = ()) -> tuple[Neighbour, ...]:
    """The nearest publication before and after, within a day, without those that have to go."""
    near = [each for each in books.near(start, start, timedelta(hours=24)) if each not in gone]
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


def _refused(asked: Asked, candidate: Candidate) -> RefusedSlot:
    stop = asked.obstacle(candidate.start)
    if stop is None:
        raise AssertionError(f"{candidate} is refused at once and not by itself")
    return RefusedSlot(
        channel=asked.channel.name,
        start=candidate.start,
        local_start=local_text(candidate.start, asked.channel.zone),
        score=max(0, candidate.score),
        rule=stop.rule,
        reason=stop.text,
    )
