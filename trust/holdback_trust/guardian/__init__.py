"""The guardian: judges each call that policy allows before it is made, from what its task and its agent did before.

It can only take away: block a call, ask for a person, let a task only read, suspend an agent (ER 1011, 12.4.2). It
holds no key, token or scope, and nothing here can allow, approve or read media.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdback_trust.guardian.guardian import Guardian
    from holdback_trust.guardian.incidents import Incident, IncidentBook
    from holdback_trust.guardian.late import LateGuardian
    from holdback_trust.guardian.limits import LIMITS, Ladder, Limits, Signal, Verdict, house_limits

__all__ = [
    "LIMITS",
    "Guardian",
    "Incident",
    "IncidentBook",
    "Ladder",
    "LateGuardian",
    "Limits",
    "Signal",
    "Verdict",
    "house_limits",
]
_HOMES = {
    "Guardian": "guardian",
    "Incident": "incidents",
    "IncidentBook": "incidents",
    "LateGuardian": "late",
    "LIMITS": "limits",
    "Ladder": "limits",
    "Limits": "limits",
    "Signal": "limits",
    "Verdict": "limits",
    "house_limits": "limits",
}


def __getattr__(name: str) -> Any:
    """Nothing is imported before it is asked for: a desktop client's server hardly ever needs any of it."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
