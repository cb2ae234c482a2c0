"""The scheduler: plans, holds, commits and explains, and mends the schedule when the world moves."""

from holdback_agents.contracts import CommitRequest, PublicationRequest
from holdback_agents.publishing_parts import RescheduleRequest, SlotQuestion, WeekRequest
from holdback_agents.runtime.agent import Agent, Skill, packed_card, written_rules
from holdback_agents.scheduler.event_request import parse_reschedule_request
from holdback_agents.scheduler.explaining import explain
from holdback_agents.scheduler.request import chosen_skill, parse_commit_request, parse_publication_request
from holdback_agents.scheduler.rescheduling import reschedule
from holdback_agents.scheduler.slot_request import parse_slot_question
from holdback_agents.scheduler.week import plan_week
from holdback_agents.scheduler.week_request import parse_week_request
from holdback_agents.scheduler.workflow import commit_publication, plan_publication


def scheduler() -> Agent:
    """The agent, with the card that travels with the program."""
    card = packed_card("scheduler")
    return Agent(
        name="scheduler",
        card=card,
        skills=(
            Skill(
                id="plan-publication",
                request=PublicationRequest,
                workflow=plan_publication,
                words=parse_publication_request,
            ),
            Skill(
                id="commit-publication",
                request=CommitRequest,
                workflow=commit_publication,
                words=parse_commit_request,
            ),
            Skill(id="plan-week", request=WeekRequest, workflow=plan_week, words=parse_week_request),
            Skill(id="reschedule", request=RescheduleRequest, workflow=reschedule, words=parse_reschedule_request),
            Skill(id="explain", request=SlotQuestion, workflow=explain, words=parse_slot_question),
        ),
        choose=chosen_skill,
        configurations=(written_rules(__file__, "scheduler-rules", card.version),),
    )
