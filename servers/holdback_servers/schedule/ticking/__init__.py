"""The clock of the schedule: what is due is put up and taken down, in time, once, and whatever goes wrong."""

from holdback_servers.schedule.ticking.clock import Playout as Playout
