"""Many cuts planned at once: what is wanted, what was placed, what did not fit. Pure."""

from typing import Literal, Self

from holdback_base.vocabulary import Instant, Sha256, TimeRange
from pydantic import Field, model_validator

from holdback_agents.contracts import Availability, Cell, Part


class WeekItem(Part):
    """A cut that is to be published under a clearance; what is left out is taken from that on record.

    It starts in `[earliest, latest)`, as long as the plan where that is left out, and comes down at `until` or when its
    clearance ends. With `copies` each it is placed on every channel that fits, with one on the best. `weight` is what a
    point of reach counts for, `priority` what it takes to displace it later.
    """

    title: str = Field(min_length=1, max_length=300)
    clearance: str
    media: Sha256 | None = None
    asset: str | None = None
    seconds: int = Field(gt=0, le=24 * 3600)
    territories: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    earliest: Instant | None = None
    latest: Instant | None = None
    until: Instant | None = None
    after_watershed: bool = False
    copies: Literal["each", "one"] = "each"
    weight: int = Field(default=50, ge=1, le=100)
    priority: int = Field(default=50, ge=0, le=100)


class WeekRequest(Part):
    """Plan many cuts at once, a week or a month, on channels (all where none is named), and hold what is placed.

    All placements are held or none; with `partial` those that are still free, and the others are told.
    """

    schema_name = "week-request"
    items: tuple[WeekItem, ...] = Field(min_length=1, max_length=2000)
    window: TimeRange
    channels: tuple[str, ...] = ()
    hold: bool = True
    hold_minutes: int = Field(default=24 * 60, ge=1, le=24 * 60)
    partial: bool = False

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.window.end is None:
            raise ValueError("a plan needs an end")
        return self


class WeekSlot(Part):
    """A placement; `hold` is the id of its hold where it was held, `item` counts from 0 in the request."""

    item: int
    title: str
    channel: str
    start: Instant
    local_start: str = ""
    reach: int = 0
    availability: tuple[Availability, ...]
    reasons: tuple[str, ...] = ()
    hold: str | None = None
    expires: Instant | None = None


class Unplaced(Part):
    """What did not fit on a channel, why, and what would make it fit."""

    item: int
    title: str
    channel: str = ""
    text: str
    cures: tuple[str, ...] = ()


class WeekPlan(Part):
    """Placements in order of channel and time, what did not fit, and what could no longer be held."""

    schema_name = "week-plan"
    placements: tuple[WeekSlot, ...]
    unplaced: tuple[Unplaced, ...] = ()
    not_held: tuple[str, ...] = ()
    value: int = 0
    text: str = ""
