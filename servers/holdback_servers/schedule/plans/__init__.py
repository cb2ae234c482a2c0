"""Plan many items at once over all channels, and fill gaps to the frame. Pure."""

from typing import TYPE_CHECKING, Any

from holdback_servers.schedule.plans.gap import MOST_PIECES as MOST_PIECES
from holdback_servers.schedule.plans.gap import Choice as Choice
from holdback_servers.schedule.plans.gap import Filling as Filling
from holdback_servers.schedule.plans.gap import fill_gap as fill_gap

if TYPE_CHECKING:
    from holdback_servers.schedule.plans.many import plan as plan


def __getattr__(name: str) -> Any:
    """What plans is imported when it is asked for: it stands on numpy, which a server that starts need not wait for."""
    if name != "plan":
        raise AttributeError(name)
    from holdback_servers.schedule.plans.many import plan

    return plan
