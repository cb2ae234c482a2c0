"""Plan many items at once over all channels, and fill gaps to the frame. Pure."""

from holdback_servers.schedule.plans.gap import MOST_PIECES as MOST_PIECES
from holdback_servers.schedule.plans.gap import Choice as Choice
from holdback_servers.schedule.plans.gap import Filling as Filling
from holdback_servers.schedule.plans.gap import fill_gap as fill_gap
from holdback_servers.schedule.plans.many import plan as plan
