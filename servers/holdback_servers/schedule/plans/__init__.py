"""Plan many items at once over all channels. Pure."""

from holdback_servers.schedule.plans.many import plan as plan

__all__ = ["plan"]
