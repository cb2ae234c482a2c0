"""What agents say to one another about publications: data parts like those of `contracts`. Pure.

Readers ignore fields that they do not know.
"""

from holdback_agents.publishing_parts.changes import (
    NEEDED,
    RescheduleReport,
    RescheduleRequest,
    ScheduleChange,
    ScheduleEvent,
)
from holdback_agents.publishing_parts.expiry import EndingPublication, ExpiryReport, ExpiryWatch
from holdback_agents.publishing_parts.slots import RuleKept, SlotExplanation, SlotQuestion
from holdback_agents.publishing_parts.standing import (
    MOST_CHECKED,
    Finding,
    PublicationCheck,
    PublicationStanding,
    Standing,
)
from holdback_agents.publishing_parts.weeks import Unplaced, WeekItem, WeekPlan, WeekRequest, WeekSlot

__all__ = [
    "MOST_CHECKED",
    "NEEDED",
    "EndingPublication",
    "ExpiryReport",
    "ExpiryWatch",
    "Finding",
    "PublicationCheck",
    "PublicationStanding",
    "RescheduleReport",
    "RescheduleRequest",
    "RuleKept",
    "ScheduleChange",
    "ScheduleEvent",
    "SlotExplanation",
    "SlotQuestion",
    "Standing",
    "Unplaced",
    "WeekItem",
    "WeekPlan",
    "WeekRequest",
    "WeekSlot",
]
