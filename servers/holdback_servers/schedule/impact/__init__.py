"""What an event changes in a schedule that was settled, with the least disturbance. Pure."""

from holdback_servers.schedule.impact.places import Around as Around
from holdback_servers.schedule.impact.planning_changes import plan_changes as plan_changes
from holdback_servers.schedule.impact.remaining import on_air as on_air
from holdback_servers.schedule.impact.world import World as World
