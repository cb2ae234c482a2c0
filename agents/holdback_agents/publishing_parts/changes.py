"""What happened to a schedule that was settled, and what was done about it. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Self

from holdback_base.vocabulary import Instant, Sha256, TimeRange
from pydantic import Field, model_validator

from holdback_agents.contracts import Availability, Cell, Part

NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "clearance_lost": ("clearance",),
        "rights_changed": ("media",),
        "embargo_lifted": ("media",),
        "asset_pulled": ("media",),
        "breaking_news": ("channel", "start", "duration_seconds", "title"),
        "channel_down": ("channel", "window"),
    }
)
"""The fields that an event of each kind must have."""


class ScheduleEvent(Part):
    """What happened to a schedule that was settled. Each kind has fields of its own:

    `clearance_lost` a clearance; `rights_changed`, `embargo_lifted` and `asset_pulled` the media; `breaking_news` the
    channel, start, duration, title and priority of what must go out; `channel_down` the channel and the window. `cells`
    is what is cleared now, where that is known already. Nothing is given a new start before `not_before`.
    """

    kind: Literal["clearance_lost", "rights_changed", "embargo_lifted", "asset_pulled", "breaking_news", "channel_down"]
    clearance: str | None = None
    media: Sha256 | None = None
    cells: tuple[Cell, ...] | None = None
    channel: str | None = None
    start: Instant | None = None
    duration_seconds: int | None = Field(default=None, ge=1, le=24 * 3600)
    title: str | None = None
    priority: int | None = Field(default=None, ge=0, le=100)
    window: TimeRange | None = None
    not_before: Instant | None = None

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Self:
        if missing := [name for name in NEEDED[self.kind] if getattr(self, name) is None]:
            raise ValueError(f"{self.kind} needs {', '.join(missing)}")
        return self


class RescheduleRequest(Part):
    """Mend the schedule after an event. `apply` false only shows what would be done.

    With `ask` a person is asked before anything is shown longer or somewhere else; without, that is left as it is.
    """

    schema_name = "reschedule-request"
    event: ScheduleEvent
    reason: str = Field(default="", max_length=400)
    ask: bool = True
    apply: bool = True


class ScheduleChange(Part):
    """What was done, or would be, about one publication. `after` is empty for what is cancelled.

    `action` is take_down, shorten, cancel, move, extend or keep; a reader keeps to the words otherwise.
    """

    publication: str
    channel: str
    title: str
    state: str
    action: str
    before: tuple[Availability, ...]
    after: tuple[Availability, ...] = ()
    due: Instant | None = None
    needs_person: bool = False
    applied: bool = False
    reasons: tuple[str, ...] = ()


class RescheduleReport(Part):
    """Before and after an event. `refused` says why it cannot be met; then nothing was changed.

    `clearance` is the fresh one that was issued for it, `approvals` those that people gave, `hold` the slot that is
    kept for breaking news whose media was named; `notes` say what could not be done and what a person should know.
    """

    schema_name = "reschedule-report"
    event: ScheduleEvent
    changes: tuple[ScheduleChange, ...] = ()
    unchanged: int = 0
    refused: tuple[str, ...] = ()
    clearance: str | None = None
    approvals: tuple[str, ...] = ()
    hold: str | None = None
    notes: tuple[str, ...] = ()
    text: str = ""
