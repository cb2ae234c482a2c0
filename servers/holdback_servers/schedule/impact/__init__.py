"""What an event changes in a schedule that was settled, with the least disturbance. Pure."""

from holdback_servers.schedule.impact.planning_changes import plan_changes
from holdback_servers.schedule.impact.world import World

__all__ = ["World", "plan_changes"]
