"""What a planner is shown: slots with their reasons, and the better ones that were refused. Pure."""

from typing import Literal

from holdback_base.vocabulary import Instant, Noun, Sha256, instant_text
from pydantic import Field

from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Rule
from holdback_servers.schedule.model import Availability, Details, Named, State


class SlotRequest(Noun):
    """What is to be published, where it may be seen, and between which instants it may start.

    `earliest <= start < latest`; it comes down at `until`, or when its clearance ends. `territories` are ISO 3166
    codes; `duration_seconds` is the length of the media; `count` slots are wanted for each channel. A start may take
    the place of what has a lower priority than its `details` say.
    """

    title: Named
    media: Sha256 | None = None
    territories: frozenset[str]
    cleared: tuple[ClearedCell, ...]
    earliest: Instant
    latest: Instant
    until: Instant | None = None
    duration_seconds: int = Field(ge=1, le=24 * 3600)
    count: int = Field(default=3, ge=1, le=10)
    after_watershed: bool = False
    details: Details = Details()


class Neighbour(Noun):
    """A publication on the same channel near a slot; `minutes` is negative when it comes before."""

    publication: str
    title: str
    minutes: int
    state: State


class Displaced(Noun):
    """A publication whose place a slot would take: it has a lower priority, is not locked, and is still to come."""

    publication: str
    title: str
    start: Instant
    priority: int


class Slot(Noun):
    """A start that every rule allows, from 0 to 100, with the reasons for its score.

    Where it `displaces` something the rules allow it only once that has been moved; it cannot be held before.
    """

    channel: str
    start: Instant
    end: Instant | None = None
    local_start: str
    daypart: str = ""
    score: int
    reasons: tuple[str, ...]
    near: tuple[Neighbour, ...] = ()
    availability: tuple[Availability, ...]
    displaces: tuple[Displaced, ...] = ()


class RefusedSlot(Noun):
    """A start that would have ranked higher, and the rule that refused it."""

    channel: str
    start: Instant
    local_start: str
    score: int
    rule: Rule
    reason: str


class LeftOut(Noun):
    """Territories that were asked for and will not see it on this channel, and why."""

    territories: tuple[str, ...]
    rule: Literal["TERRITORY_NOT_CLEARED", "TERRITORY_NOT_REACHED", "OUTSIDE_CLEARED_WINDOW"]
    reason: str


class ChannelProposal(Noun):
    """The best slots of one channel, best first."""

    channel: str
    platform: str
    time_zone: str
    slots: tuple[Slot, ...]
    refused: tuple[RefusedSlot, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def text(self) -> str:
        """A table: a line a slot, then its reasons, then what was refused and left out."""
        lines = [f"{self.channel} ({self.platform}, {self.time_zone})"]
        if not self.slots:
            lines.append("  no slot keeps every rule")
        for rank, slot in enumerate(self.slots, 1):
            daypart = f"  {slot.daypart}" if slot.daypart else ""
            lines.append(f"  {rank}. {slot.local_start}  score {slot.score}{daypart}  [{instant_text(slot.start)}]")
            lines += [f"       {piece.text()}" for piece in slot.availability]
            lines += [f"     - {reason}" for reason in slot.reasons]
        for refused in self.refused:
            outranked = "outranked it" if self.slots else "was best"
            lines.append(
                f"  x  {refused.local_start}  score {refused.score} {outranked}, but {refused.rule}: {refused.reason}"
            )
        lines += [f"  -  not in {', '.join(each.territories)}: {each.reason}" for each in self.left_out]
        return "\n".join(lines)


class Verdict(Noun):
    """Whether a start keeps one rule, in words, and the publications that stand in the way where it does not."""

    rule: Rule
    kept: bool
    text: str
    others: tuple[str, ...] = ()


class ScorePart(Noun):
    """What a score is made of: points from 0 up, or below 0 where something is taken off."""

    points: int
    text: str


class InTheWay(Noun):
    """A publication that stands in the way; `gives_way` when its priority is lower and it may still be moved."""

    publication: str
    title: str
    start: Instant
    state: State
    priority: int
    locked: bool
    gives_way: bool


class Explanation(Noun):
    """Why something can start at an instant on a channel or why not, and what the start is worth.

    `rules` are all of them, in the order in which they refuse. `nearest` is the free start nearest to it in the four
    weeks around it; none when there is none.
    """

    channel: str
    title: str
    publication: str | None = None
    start: Instant
    local_start: str
    free: bool
    score: int
    parts: tuple[ScorePart, ...]
    rules: tuple[Verdict, ...]
    in_the_way: tuple[InTheWay, ...] = ()
    nearest: Slot | None = None
    availability: tuple[Availability, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    said_then: tuple[str, ...] = ()

    def text(self) -> str:
        """The answer, a line a rule, what stands in the way, the score's parts, and the nearest free start."""
        verdict = "is free" if self.free else "is refused"
        lines = [f"{self.title!r} on {self.channel}, {self.local_start}: {verdict}, score {self.score}"]
        lines += [f"  {'+' if each.kept else 'x'}  {each.rule}: {each.text}" for each in self.rules]
        for each in self.in_the_way:
            can = "gives way" if each.gives_way else "locked" if each.locked else "does not give way"
            lines.append(
                f"  in the way: {each.title!r} {instant_text(each.start)} ({each.state}, priority {each.priority},"
                f" {can})  {each.publication}"
            )
        lines += [f"  {each.points:+d}  {each.text}" for each in self.parts]
        lines += [f"     {piece.text()}" for piece in self.availability]
        if self.nearest is not None:
            near = self.nearest
            lines.append(f"  nearest free start: {near.local_start}  score {near.score}  [{instant_text(near.start)}]")
        elif not self.free:
            lines.append("  no start within two weeks of it is free")
        lines += [f"  not in {', '.join(each.territories)}: {each.reason}" for each in self.left_out]
        lines += [f"  said when it was held: {each}" for each in self.said_then]
        return "\n".join(lines)


class SlotProposal(Noun):
    """Slots for one item on each of some channels."""

    title: str
    media: Sha256
    channels: tuple[ChannelProposal, ...]

    def text(self) -> str:
        """The channels' tables, one after another."""
        return "\n".join([f"Slots for {self.title!r}", *(channel.text() for channel in self.channels)])
