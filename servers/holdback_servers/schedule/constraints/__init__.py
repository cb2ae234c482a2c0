"""The rules that a channel keeps: what stands in the way of a start, and what is already in conflict. Pure.

Each rule has a name that people and programs see: IN_THE_PAST, BLACKOUT, WATERSHED, FOLLOW, SLOT_TAKEN,
TITLE_SEPARATION, SPONSOR_SEPARATION, MIN_GAP, DAILY_CAP. That is also their order: a start is said to be refused by the
first of them that refuses it. Separations of two publications hold both ways round.
"""

from holdback_servers.schedule.constraints.barred import Barred as Barred
from holdback_servers.schedule.constraints.barred import barred as barred
from holdback_servers.schedule.constraints.conflicts import Conflict as Conflict
from holdback_servers.schedule.constraints.conflicts import conflicts as conflicts
from holdback_servers.schedule.constraints.judging import all_obstacles as all_obstacles
from holdback_servers.schedule.constraints.judging import minutes_text as minutes_text
from holdback_servers.schedule.constraints.judging import obstacle as obstacle
from holdback_servers.schedule.constraints.placing import Books as Books
from holdback_servers.schedule.constraints.placing import Obstacle as Obstacle
from holdback_servers.schedule.constraints.placing import Placed as Placed
from holdback_servers.schedule.constraints.placing import Rule as Rule
from holdback_servers.schedule.constraints.placing import placed as placed
from holdback_servers.schedule.constraints.placing import reach_of_rules as reach_of_rules
from holdback_servers.schedule.constraints.placing import widest_separation as widest_separation
