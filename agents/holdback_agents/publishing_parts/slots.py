"""Why a slot, or why not: the question and the answer. Pure."""

from typing import Self

from holdback_base.vocabulary import Instant, Sha256
from pydantic import Field, model_validator

from holdback_agents.contracts import Availability, Cell, Part


class SlotQuestion(Part):
    """Why does something start then on that channel, or why may it not?

    Of a publication (pub_) or a held slot (hold_), as it stands or at another `start` or on another `channel`; or of
    something that is not on the books: then channel, start, title, a clearance or its cells, and the length are needed.
    """

    schema_name = "slot-question"
    publication: str | None = None
    channel: str | None = None
    start: Instant | None = None
    title: str = Field(default="", max_length=300)
    clearance: str = ""
    media: Sha256 | None = None
    territories: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    seconds: int | None = Field(default=None, gt=0, le=24 * 3600)
    until: Instant | None = None
    after_watershed: bool = False

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.publication is None:
            given = {
                "channel": self.channel,
                "start": self.start,
                "clearance or cells": self.clearance or self.cells,
                "seconds": self.seconds,
            }
            if missing := [name for name, value in given.items() if not value]:
                raise ValueError(f"without a publication it needs {', '.join(missing)}")
        return self


class RuleKept(Part):
    """One rule, whether it is kept, and why, in words."""

    rule: str
    kept: bool
    text: str


class SlotExplanation(Part):
    """Every rule, what stands in the way, what the score is made of, and the nearest start that is free."""

    schema_name = "slot-explanation"
    channel: str
    title: str
    publication: str | None = None
    start: Instant
    local_start: str = ""
    free: bool
    score: int = 0
    parts: tuple[str, ...] = ()
    rules: tuple[RuleKept, ...] = ()
    in_the_way: tuple[str, ...] = ()
    nearest: Instant | None = None
    nearest_text: str = ""
    availability: tuple[Availability, ...] = ()
    said_then: tuple[str, ...] = ()
    text: str = ""
