"""The decision point: whether somebody may do something. Whatever nothing permits is denied.

Whether a token is genuine, alive and meant for this audience was decided before, when `tokens` made it a `Caller`.
"""

from holdback_trust.grants import AGENT_ALLOWED, AUDIENCE_SCOPES, ROLE_SCOPES, agent_scopes, person_scopes, role_scopes
from holdback_trust.policy.asking import (
    APPROVE,
    LOCAL_READER,
    LOCAL_WRITER,
    Action,
    Decision,
    Kind,
    allowed,
    denied,
    local_caller,
)
from holdback_trust.policy.deciding import OWN, Policies, decide, schema_text
from holdback_trust.policy.own import house_policies, pieces

__all__ = [
    "AGENT_ALLOWED",
    "APPROVE",
    "AUDIENCE_SCOPES",
    "LOCAL_READER",
    "LOCAL_WRITER",
    "OWN",
    "ROLE_SCOPES",
    "Action",
    "Decision",
    "Kind",
    "Policies",
    "agent_scopes",
    "allowed",
    "decide",
    "denied",
    "house_policies",
    "local_caller",
    "person_scopes",
    "pieces",
    "role_scopes",
    "schema_text",
]
