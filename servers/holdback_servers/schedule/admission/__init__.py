"""Whether a clearance and an approval let a publication be committed. Pure: signatures are verified before.

A clearance says where and when, an approval that a person said yes; both must be about the exact bytes.
"""

from holdback_servers.schedule.admission.facts import (
    ApprovalFacts,
    ApprovedChange,
    ApprovedSlot,
    ClearanceFacts,
    approval_facts,
    clearance_facts,
)
from holdback_servers.schedule.admission.papers import check_grown, check_seen, check_statements
from holdback_servers.schedule.admission.slots import (
    asked_availability,
    check_outlasts_lead,
    check_reach,
    check_windows,
    slot_problem,
)

__all__ = [
    "ApprovalFacts",
    "ApprovedChange",
    "ApprovedSlot",
    "ClearanceFacts",
    "approval_facts",
    "asked_availability",
    "check_grown",
    "check_outlasts_lead",
    "check_reach",
    "check_seen",
    "check_statements",
    "check_windows",
    "clearance_facts",
    "slot_problem",
]
