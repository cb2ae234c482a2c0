"""What is asked of a plan of many items, and what it answers: placements, and what did not fit with its cures. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, Self

from holdback_base.vocabulary import Instant, Noun, Sha256, instant_text
from pydantic import Field, model_validator

from holdback_servers.schedule.broadcast_time import weekday
from holdback_servers.schedule.channel import ChannelName
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Rule
from holdback_servers.schedule.model import Availability, Details, Named

_TOLD = 40
"""How many of what did not fit are told in words; the object has them all."""


class PlanItem(Noun):
    """Something that is to be published, with the cells that rights gave for it.

    It starts in `[earliest, latest)`, as long as the plan when left out, and comes down at `until` or when its
    clearance ends. Without `channels` and `platforms` every channel of the plan is meant. With `copies` each it is
    placed at most once on each of them, with one at most once in all. `weight` is what a point of reach counts for.
    """

    key: str = Field(min_length=1, max_length=120, description="Names it in the plan; no two are the same.")
    title: Named = Field(min_length=1, max_length=300)
    media: Sha256
    asset: str | None = Field(default=None, description="The asset it is a version of.")
    duration_seconds: int = Field(ge=1, le=24 * 3600, description="Length of the media.")
    territories: frozenset[str] = Field(min_length=1, description="ISO 3166 codes or groups where it shall be seen.")
    cleared: tuple[ClearedCell, ...] = Field(max_length=2000, description="The cells of its clearance.")
    earliest: Instant | None = None
    latest: Instant | None = None
    until: Instant | None = None
    after_watershed: bool = False
    channels: tuple[str, ...] = Field(default=(), max_length=100)
    platforms: tuple[str, ...] = Field(default=(), max_length=100)
    copies: Literal["each", "one"] = "each"
    weight: int = Field(default=50, ge=1, le=100)
    details: Details = Details()

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.earliest is not None and self.latest is not None and self.latest <= self.earliest:
            raise ValueError(f"{self.key}: latest is not after earliest; it starts in [earliest, latest)")
        return self


class PlanRequest(Noun):
    """Items to be placed on channels, all by name when none is given, with starts in `[start, end)`."""

    items: tuple[PlanItem, ...] = Field(min_length=1, max_length=5000)
    start: Instant
    end: Instant
    channels: tuple[ChannelName, ...] = ()

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        if self.end <= self.start:
            raise ValueError("the end of the plan is not after its start")
        seen: set[str] = set()
        for each in self.items:
            if each.key in seen:
                raise ValueError(f"two items have the key {each.key!r}; give each its own")
            seen.add(each.key)
        return self


class PlannedSlot(Noun):
    """A start that keeps every rule, with what it is worth: `value` is the item's weight times `reach` (0 to 100).

    `day` is the channel's broadcast day; `end` is absent when some territory has no end.
    """

    start: Instant
    end: Instant | None = None
    day: date
    local_start: str
    daypart: str = ""
    reach: int
    value: int
    availability: tuple[Availability, ...]
    reasons: tuple[str, ...] = ()


class Placement(Noun):
    """An item on a channel."""

    item: str
    title: str
    channel: str
    slot: PlannedSlot


class RuleCount(Noun):
    """How many of the starts that were tried a rule refuses; one start may break several."""

    rule: Rule
    starts: int


class Cure(Noun):
    """One change that by itself would make room: at `start` nothing but `rule` stands in the way, or its own latest.

    `others` are what is in the way: publications by id, items of the plan by key. `weight` is what the item must weigh
    to take the place of what is worth less then.
    """

    rule: Rule | None = None
    text: str
    start: Instant | None = None
    reach: int | None = None
    others: tuple[str, ...] = ()
    weight: int | None = None


class Unplaced(Noun):
    """An item that did not fit on a channel; of one that is wanted once, the channel where most of its starts were."""

    item: str
    title: str
    channel: str
    tried: int
    rules: tuple[RuleCount, ...] = ()
    text: str
    cures: tuple[Cure, ...] = ()


class ManyPlan(Noun):
    """Placements in order of channel and time, what did not fit, and the value of all that did."""

    start: Instant
    end: Instant
    placements: tuple[Placement, ...]
    unplaced: tuple[Unplaced, ...] = ()
    value: int

    def text(self) -> str:
        """A grid: a line a channel and broadcast day; then what did not fit, why, and what would make it fit."""
        lines = [
            f"{len(self.placements)} placed, {len(self.unplaced)} not, from {instant_text(self.start)} "
            f"to {instant_text(self.end)}; value {self.value}"
        ]
        return "\n".join([*lines, *_grid(self.placements), *_not_placed(self.unplaced)])


class PlanHold(Noun):
    """A placement that is now kept free until `expires`; commit `hold` with a clearance and an approval before that."""

    item: str
    channel: str
    hold: str
    publication: str
    start: Instant
    expires: Instant


class NotHeld(Noun):
    """A placement that somebody else was faster for, or whose start has passed, with the code of the refusal."""

    item: str
    channel: str
    start: Instant
    code: str
    text: str


class HeldPlan(Noun):
    """What of a plan is held now."""

    held: tuple[PlanHold, ...]
    not_held: tuple[NotHeld, ...] = ()

    def text(self) -> str:
        """A line a hold, then a line for each that is not held."""
        lines = [f"{len(self.held)} held, {len(self.not_held)} not"]
        for each in self.held:
            until = instant_text(each.expires)
            lines.append(f"  {instant_text(each.start)}  {each.channel}  {each.item}  {each.hold} until {until}")
        lines += [f"  not {each.item} on {each.channel}: {each.text}" for each in self.not_held]
        return "\n".join(lines)


def _grid(placements: Iterable[Placement]) -> list[str]:
    days: dict[str, dict[date, list[Placement]]] = {}
    for each in placements:
        days.setdefault(each.channel, {}).setdefault(each.slot.day, []).append(each)
    lines: list[str] = []
    for channel in sorted(days):
        lines.append(channel)
        for day in sorted(days[channel]):
            starts = "   ".join(_cell(each) for each in sorted(days[channel][day], key=lambda each: each.slot.start))
            lines.append(f"  {weekday(day).title()} {day:%d %b}  {starts}")
    return lines


def _cell(placement: Placement) -> str:
    """`20:00 Butterfly (reach 100)`; the clock is the channel's."""
    return f"{placement.slot.local_start.split()[-2]} {placement.title} (reach {placement.slot.reach})"


def _not_placed(unplaced: tuple[Unplaced, ...]) -> list[str]:
    lines = ["not placed"] if unplaced else []
    for each in unplaced[:_TOLD]:
        lines.append(f"  {each.title} ({each.item}) on {each.channel}: {each.text}")
        lines += [f"    - {cure.text}" for cure in each.cures]
    if len(unplaced) > _TOLD:
        lines.append(f"  and {len(unplaced) - _TOLD} more")
    return lines
