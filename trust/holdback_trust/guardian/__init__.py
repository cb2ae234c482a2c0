"""The guardian: judges each call that policy allows before it is made, from what its task and its agent did before.

It can only take away: block a call, ask for a person, let a task only read, suspend an agent (ER 1011, 12.4.2). It
holds no key, token or scope, and nothing here can allow, approve or read media.
"""

from holdback_trust.guardian.guardian import Guardian
from holdback_trust.guardian.incidents import Incident, IncidentBook
from holdback_trust.guardian.limits import LIMITS, Ladder, Limits, Signal, Verdict

__all__ = ["LIMITS", "Guardian", "Incident", "IncidentBook", "Ladder", "Limits", "Signal", "Verdict"]
