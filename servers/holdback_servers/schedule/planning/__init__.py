"""Propose slots: the best few starts on a channel, each with its reasons, and the better ones that were refused. Pure.

A score runs from 0 to 100: seven tenths are the channel's reach in that hour, three tenths are how much of the possible
time in the cleared territories is still ahead, so that waiting costs. A crowded place, nearer to something else than
twice the gap, costs five; taking the place of what has a lower priority costs twenty-five. The weights are a choice of
this house: over a month a day's delay weighs about as much as one and a half points of reach.
"""

from holdback_servers.schedule.planning.choosing import propose as propose
from holdback_servers.schedule.planning.explaining import explain as explain
from holdback_servers.schedule.planning.ranking import starts as starts
