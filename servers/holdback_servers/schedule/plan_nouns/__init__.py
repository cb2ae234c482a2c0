"""What is asked of a plan and of the filling of a gap, and what they answer. Pure."""

from holdback_servers.schedule.plan_nouns.gap import FilledGap as FilledGap
from holdback_servers.schedule.plan_nouns.gap import Filler as Filler
from holdback_servers.schedule.plan_nouns.gap import GapPiece as GapPiece
from holdback_servers.schedule.plan_nouns.gap import LeftOutFiller as LeftOutFiller
from holdback_servers.schedule.plan_nouns.plan import Cure as Cure
from holdback_servers.schedule.plan_nouns.plan import HeldPlan as HeldPlan
from holdback_servers.schedule.plan_nouns.plan import ManyPlan as ManyPlan
from holdback_servers.schedule.plan_nouns.plan import NotHeld as NotHeld
from holdback_servers.schedule.plan_nouns.plan import Placement as Placement
from holdback_servers.schedule.plan_nouns.plan import PlanHold as PlanHold
from holdback_servers.schedule.plan_nouns.plan import PlanItem as PlanItem
from holdback_servers.schedule.plan_nouns.plan import PlannedSlot as PlannedSlot
from holdback_servers.schedule.plan_nouns.plan import PlanRequest as PlanRequest
from holdback_servers.schedule.plan_nouns.plan import RuleCount as RuleCount
from holdback_servers.schedule.plan_nouns.plan import Unplaced as Unplaced
