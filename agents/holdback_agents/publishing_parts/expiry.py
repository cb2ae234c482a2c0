"""What ends soon and what is at risk: the watch and its report. Pure."""

from holdback_base.vocabulary import Instant
from pydantic import Field

from holdback_agents.contracts import Part
from holdback_agents.publishing_parts.changes import RescheduleReport
from holdback_agents.publishing_parts.standing import Standing


class ExpiryWatch(Part):
    """Which publications end within so many days of 24 hours, and which no longer stand on their clearance?

    With `act` the scheduler is asked to mend the schedule for each clearance that is lost. Without channels all are
    looked at.
    """

    schema_name = "expiry-watch"
    days: int = Field(default=90, ge=1, le=3660)
    channels: tuple[str, ...] = ()
    act: bool = False


class EndingPublication(Part):
    """Territories in which a publication comes down soon. `within_days` is the nearest of 7, 30 and 90 days, if any.

    `rights` are grants whose end takes it down, each with its reference and what else covers it, in words.
    """

    publication: str
    title: str
    channel: str
    state: str
    clearance: str = ""
    territories: tuple[str, ...]
    ends: Instant
    days_left: int
    within_days: int | None = None
    rights: tuple[str, ...] = ()


class ExpiryReport(Part):
    """What ends soonest first, what is at risk now, and what was done about it.

    `unchecked` are clearances that were not looked at since there were too many; ask channel by channel for those.
    `failed` says for which clearances the schedule could not be mended, and why.
    """

    schema_name = "expiry-report"
    endings: tuple[EndingPublication, ...] = ()
    at_risk: tuple[Standing, ...] = ()
    rescheduled: tuple[RescheduleReport, ...] = ()
    failed: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    text: str = ""
