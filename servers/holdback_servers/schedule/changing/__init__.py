"""The tools that mend a settled schedule when the world moves: what an event changes, and doing it."""

from holdback_servers.schedule.changing.offering import offer_changing as offer_changing
